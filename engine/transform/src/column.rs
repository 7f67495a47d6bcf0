//! A column of results, and what went wrong in it.
//!
//! Every kernel works on a whole batch and answers with one of these: a value for each row, NULL where there is none, and a fault for
//! each row that failed. A kernel never gives up on a batch because of one row.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryBuilder, BooleanBuilder, FixedSizeBinaryBuilder, PrimitiveBuilder, StringBuilder};
use arrow::datatypes::ArrowPrimitiveType;
use transload_model::{Code, LogicalType, OnFailure};

/// Why one value could not become another. It never holds the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    /// The code.
    pub(crate) code: Code,
    /// The words.
    pub(crate) message: String,
}

/// A row that a kernel could not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Index of the row.
    pub(crate) row: usize,
    /// Why.
    pub(crate) reason: Reason,
    /// What follows.
    pub(crate) severity: OnFailure,
}

/// A value for every row; NULL where the row failed.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// The values.
    pub(crate) array: ArrayRef,
    /// Rows that failed, in row order, at most one fault a row.
    pub(crate) faults: Vec<Fault>,
}

/// What a kernel gives for one row.
pub(crate) type Outcome<T> = Result<Option<T>, Reason>;

impl Reason {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl Fault {
    pub(crate) fn quarantine(row: usize, reason: Reason) -> Self {
        Self { row, reason, severity: OnFailure::Quarantine }
    }
}

impl Column {
    /// A column in which nothing can fail.
    pub(crate) fn whole(array: ArrayRef) -> Self {
        Self { array, faults: Vec::new() }
    }
}

/// What takes the results of a kernel, row by row, and becomes an array.
pub(crate) trait Sink {
    /// What it takes.
    type Item;
    /// Takes the next row's.
    fn push(&mut self, item: Option<Self::Item>);
    /// The array.
    fn finish(self) -> ArrayRef;
}

impl<T: ArrowPrimitiveType> Sink for PrimitiveBuilder<T> {
    type Item = T::Native;

    fn push(&mut self, item: Option<T::Native>) {
        self.append_option(item);
    }

    fn finish(mut self) -> ArrayRef {
        Arc::new(Self::finish(&mut self))
    }
}

impl Sink for BooleanBuilder {
    type Item = bool;

    fn push(&mut self, item: Option<bool>) {
        self.append_option(item);
    }

    fn finish(mut self) -> ArrayRef {
        Arc::new(Self::finish(&mut self))
    }
}

impl Sink for StringBuilder {
    type Item = String;

    fn push(&mut self, item: Option<String>) {
        self.append_option(item);
    }

    fn finish(mut self) -> ArrayRef {
        Arc::new(Self::finish(&mut self))
    }
}

/// UUIDs.
pub(crate) struct UuidSink(FixedSizeBinaryBuilder);

impl UuidSink {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self(FixedSizeBinaryBuilder::with_capacity(rows, 16))
    }
}

impl Sink for UuidSink {
    type Item = [u8; 16];

    fn push(&mut self, item: Option<[u8; 16]>) {
        match item {
            Some(bytes) => self.0.append_value(bytes).expect("16 bytes fit a column of 16 bytes"),
            None => self.0.append_null(),
        }
    }

    fn finish(mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

/// Applies `each` to every value that is not NULL.
pub(crate) fn map<V, S: Sink>(
    values: impl Iterator<Item = Option<V>>,
    mut sink: S,
    mut each: impl FnMut(V) -> Outcome<S::Item>,
) -> Column {
    let mut faults = Vec::new();
    for (row, value) in values.enumerate() {
        let outcome = value.map_or(Ok(None), &mut each);
        sink.push(outcome.unwrap_or_else(|reason| {
            faults.push(Fault::quarantine(row, reason));
            None
        }));
    }
    Column { array: sink.finish(), faults }
}

/// Applies `each` to every value that is not NULL; it writes its text into a buffer that is used again.
pub(crate) fn map_to_text<V>(
    values: impl Iterator<Item = Option<V>>,
    rows: usize,
    mut each: impl FnMut(V, &mut String),
) -> ArrayRef {
    let mut sink = StringBuilder::with_capacity(rows, rows * 16);
    let mut text = String::new();
    for value in values {
        match value {
            Some(value) => {
                text.clear();
                each(value, &mut text);
                sink.append_value(&text);
            }
            None => sink.append_null(),
        }
    }
    Arc::new(sink.finish())
}

/// Bytes from whatever borrows as bytes.
pub(crate) fn map_to_bytes<'a>(values: impl Iterator<Item = Option<&'a [u8]>>) -> ArrayRef {
    let mut sink = BinaryBuilder::new();
    for value in values {
        sink.append_option(value);
    }
    Arc::new(sink.finish())
}

/// NULL for every row.
pub(crate) fn nulls(logical: LogicalType, rows: usize) -> ArrayRef {
    arrow::array::new_null_array(&logical.arrow(), rows)
}
