//! A field's values on their way through its functions.
//!
//! What a built-in function gives has one type. What a script gives may have another type in every row, so it is kept apart by type: each part is a
//! column that kernels can work on. What becomes of a row never depends on the rows beside it.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Float64Array, Int64Array, StringBuilder,
};
use arrow::compute::interleave;
use transload_model::{Code, Conversion, LogicalType};

use crate::argument::Arguments;
use crate::column::{Column, Fault, Reason, nulls};
use crate::convert::{Format, convert};
use crate::transform::{Batch, Inputs, Transform, kinds};

/// Values, one for each row.
#[derive(Debug, Clone)]
pub(crate) enum Cells {
    /// All of one type.
    Typed(LogicalType, ArrayRef),
    /// Each of its own type; a row that no part has is NULL.
    Mixed {
        /// The number of rows.
        rows: usize,
        /// The values by type.
        parts: Vec<Part>,
    },
}

/// The values of one type among those of several.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    logical: LogicalType,
    /// The row of each value, ascending.
    rows: Vec<usize>,
    values: ArrayRef,
}

/// One value of a script.
pub(crate) enum Cell {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Decimal { value: i128, scale: u8 },
    Text(String),
    Bytes(Vec<u8>),
}

impl Cells {
    /// Where each row's value is: type, column and place in it.
    pub(crate) fn by_row(&self) -> Vec<Option<(LogicalType, &ArrayRef, usize)>> {
        match self {
            Self::Typed(logical, values) => (0..values.len()).map(|row| Some((*logical, values, row))).collect(),
            Self::Mixed { rows, parts } => {
                let mut by_row = vec![None; *rows];
                for part in parts {
                    for (place, row) in part.rows.iter().enumerate() {
                        by_row[*row] = Some((part.logical, &part.values, place));
                    }
                }
                by_row
            }
        }
    }

    /// The values put through a built-in function.
    pub(crate) fn apply(&self, transform: &Transform, arguments: &Arguments) -> (Self, Vec<Fault>) {
        match self {
            Self::Typed(logical, values) => {
                let columns = [(*logical, Arc::clone(values))];
                let column = transform.run(&Batch { columns: &columns, rows: values.len() }, arguments);
                (Self::Typed(returned(transform, Some(*logical), arguments), column.array), column.faults)
            }
            Self::Mixed { rows, .. } if transform.inputs == Inputs::Ignored => {
                let column = transform.run(&Batch { columns: &[], rows: *rows }, arguments);
                (Self::Typed(returned(transform, None, arguments), column.array), column.faults)
            }
            Self::Mixed { rows, parts } => {
                let (parts, faults) = each(parts, |part| part.apply(transform, arguments));
                (Self::Mixed { rows: *rows, parts }, faults)
            }
        }
    }

    /// The values as one column of type `to`.
    pub(crate) fn convert(&self, to: LogicalType, format: Option<&Format>) -> Column {
        match self {
            Self::Typed(logical, values) => convert(values, *logical, to, format),
            Self::Mixed { rows, parts } => {
                let (parts, faults) = each(parts, |part| part.convert(to, format));
                Column { array: gather(&parts, *rows, to), faults }
            }
        }
    }
}

/// Does something to each part; a part that it leaves out is NULL.
fn each(parts: &[Part], work: impl Fn(&Part) -> (Option<Part>, Vec<Fault>)) -> (Vec<Part>, Vec<Fault>) {
    let mut done = Vec::with_capacity(parts.len());
    let mut all_faults = Vec::new();
    for part in parts {
        let (part, faults) = work(part);
        done.extend(part);
        all_faults.extend(faults);
    }
    all_faults.sort_by_key(|fault| fault.row);
    (done, all_faults)
}

/// The type that a function gives; the plan was checked, so only a script's result can leave it open.
fn returned(transform: &Transform, input: Option<LogicalType>, arguments: &Arguments) -> LogicalType {
    let inputs: Vec<Option<LogicalType>> = input.map(Some).into_iter().collect();
    transform.check(&inputs, arguments).ok().flatten().unwrap_or(LogicalType::Text)
}

impl Part {
    fn apply(&self, transform: &Transform, arguments: &Arguments) -> (Option<Self>, Vec<Fault>) {
        if !transform.takes(self.logical) {
            let wanted = kinds(transform.accepts);
            return (None, self.refused(&format!("`{}`, which takes {wanted}", transform.name)));
        }
        let columns = [(self.logical, Arc::clone(&self.values))];
        let column = transform.run(&Batch { columns: &columns, rows: self.rows.len() }, arguments);
        let logical = returned(transform, Some(self.logical), arguments);
        (Some(Self { logical, rows: self.rows.clone(), values: column.array }), self.placed(column.faults))
    }

    fn convert(&self, to: LogicalType, format: Option<&Format>) -> (Option<Self>, Vec<Fault>) {
        if self.logical.conversion(to) == Conversion::Impossible {
            return (None, self.refused(&format!("a field of type {to}")));
        }
        let column = convert(&self.values, self.logical, to, format);
        (Some(Self { logical: to, rows: self.rows.clone(), values: column.array }), self.placed(column.faults))
    }

    fn refused(&self, taker: &str) -> Vec<Fault> {
        let kind = kinds(&[self.logical.kind()]);
        let reason = Reason::new(Code::ScriptResultType, format!("the script gave {kind} to {taker}"));
        self.rows.iter().map(|row| Fault::quarantine(*row, reason.clone())).collect()
    }

    /// Faults by row of the part as faults by row of the batch.
    fn placed(&self, faults: Vec<Fault>) -> Vec<Fault> {
        faults.into_iter().map(|fault| Fault { row: self.rows[fault.row], ..fault }).collect()
    }
}

/// Parts of one type as one column.
fn gather(parts: &[Part], rows: usize, logical: LogicalType) -> ArrayRef {
    match parts {
        [] => return nulls(logical, rows),
        [only] if only.rows.len() == rows => return Arc::clone(&only.values),
        _ => {}
    }
    let null = nulls(logical, 1);
    let mut places = vec![(0, 0); rows];
    for (index, part) in parts.iter().enumerate() {
        for (place, row) in part.rows.iter().enumerate() {
            places[*row] = (index + 1, place);
        }
    }
    let columns: Vec<&dyn arrow::array::Array> =
        std::iter::once(null.as_ref()).chain(parts.iter().map(|part| part.values.as_ref())).collect();
    interleave(&columns, &places).expect("parts of one type can be merged")
}

/// Sorts the results of scripts by type.
pub(crate) struct CellsBuilder {
    rows: usize,
    booleans: (Vec<usize>, Vec<bool>),
    integers: (Vec<usize>, Vec<i64>),
    floats: (Vec<usize>, Vec<f64>),
    /// One list for each scale that occurs.
    decimals: Vec<(u8, Vec<usize>, Vec<i128>)>,
    texts: (Vec<usize>, StringBuilder),
    bytes: (Vec<usize>, Vec<Vec<u8>>),
}

impl CellsBuilder {
    pub(crate) fn new(rows: usize) -> Self {
        Self {
            rows,
            booleans: Default::default(),
            integers: Default::default(),
            floats: Default::default(),
            decimals: Vec::new(),
            texts: Default::default(),
            bytes: Default::default(),
        }
    }

    /// Takes the value of a row; rows come in ascending order.
    pub(crate) fn push(&mut self, row: usize, cell: Cell) {
        match cell {
            Cell::Boolean(value) => add(&mut self.booleans, row, value),
            Cell::Integer(value) => add(&mut self.integers, row, value),
            Cell::Float(value) => add(&mut self.floats, row, value),
            Cell::Bytes(value) => add(&mut self.bytes, row, value),
            Cell::Text(value) => {
                self.texts.0.push(row);
                self.texts.1.append_value(value);
            }
            Cell::Decimal { value, scale } => {
                let known = self.decimals.iter().position(|(known, _, _)| *known == scale);
                let place = known.unwrap_or_else(|| {
                    self.decimals.push((scale, Vec::new(), Vec::new()));
                    self.decimals.len() - 1
                });
                self.decimals[place].1.push(row);
                self.decimals[place].2.push(value);
            }
        }
    }

    pub(crate) fn finish(mut self) -> Cells {
        let mut parts = Vec::new();
        let mut part = |logical, rows: Vec<usize>, values: ArrayRef| {
            if !rows.is_empty() {
                parts.push(Part { logical, rows, values });
            }
        };
        part(LogicalType::Boolean, self.booleans.0, Arc::new(BooleanArray::from(self.booleans.1)));
        part(LogicalType::Integer, self.integers.0, Arc::new(Int64Array::from(self.integers.1)));
        part(LogicalType::Float, self.floats.0, Arc::new(Float64Array::from(self.floats.1)));
        part(LogicalType::Text, self.texts.0, Arc::new(self.texts.1.finish()));
        part(LogicalType::Bytes, self.bytes.0, Arc::new(BinaryArray::from_iter_values(self.bytes.1)));
        for (scale, rows, values) in self.decimals {
            let logical = LogicalType::Decimal { precision: 38, scale };
            part(logical, rows, Arc::new(Decimal128Array::from(values).with_data_type(logical.arrow())));
        }
        Cells::Mixed { rows: self.rows, parts }
    }
}

fn add<T>((rows, values): &mut (Vec<usize>, Vec<T>), row: usize, value: T) {
    rows.push(row);
    values.push(value);
}
