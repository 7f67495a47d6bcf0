//! Columns of a batch in the making, and why a cell does not fit one.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, FixedSizeBinaryBuilder, Float64Builder,
    Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use transload_model::{CellFault, Code, Diagnostic, LogicalType, ReadColumn, ReadRequest, Result, SourceBatch};

/// Bytes after which a batch ends early.
const BATCH_BYTES: usize = 16 << 20;
/// Bytes that a row may have. A batch ends behind a row, so without this one row could take all memory, several times over.
const ROW_BYTES_MAX: usize = 32 << 20;

/// Why a cell is not what its column promises: the code, and what was found.
#[derive(Debug)]
pub(crate) struct Mismatch {
    pub(crate) code: Code,
    pub(crate) message: String,
}

impl Mismatch {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Collects one column of a batch.
pub(crate) enum Cells {
    Boolean(BooleanBuilder),
    Integer(Int64Builder),
    Float(Float64Builder),
    Decimal(Decimal128Builder, u8, u8),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Timestamptz(TimestampMicrosecondBuilder),
    Uuid(FixedSizeBinaryBuilder),
}

impl Cells {
    pub(crate) fn new(logical: LogicalType, rows: usize) -> Self {
        match logical {
            LogicalType::Boolean => Self::Boolean(BooleanBuilder::with_capacity(rows)),
            LogicalType::Integer => Self::Integer(Int64Builder::with_capacity(rows)),
            LogicalType::Float => Self::Float(Float64Builder::with_capacity(rows)),
            LogicalType::Decimal { precision, scale } => {
                Self::Decimal(Decimal128Builder::with_capacity(rows).with_data_type(logical.arrow()), precision, scale)
            }
            LogicalType::Text => Self::Text(StringBuilder::with_capacity(rows, rows * 16)),
            LogicalType::Bytes => Self::Bytes(BinaryBuilder::with_capacity(rows, rows * 16)),
            LogicalType::Date => Self::Date(Date32Builder::with_capacity(rows)),
            LogicalType::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::with_capacity(rows)),
            LogicalType::Timestamptz => {
                Self::Timestamptz(TimestampMicrosecondBuilder::with_capacity(rows).with_timezone("UTC"))
            }
            LogicalType::Uuid => Self::Uuid(FixedSizeBinaryBuilder::with_capacity(rows, 16)),
        }
    }

    pub(crate) fn append_null(&mut self) {
        match self {
            Self::Boolean(cells) => cells.append_null(),
            Self::Integer(cells) => cells.append_null(),
            Self::Float(cells) => cells.append_null(),
            Self::Decimal(cells, ..) => cells.append_null(),
            Self::Text(cells) => cells.append_null(),
            Self::Bytes(cells) => cells.append_null(),
            Self::Date(cells) => cells.append_null(),
            Self::Timestamp(cells) | Self::Timestamptz(cells) => cells.append_null(),
            Self::Uuid(cells) => cells.append_null(),
        }
    }

    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Boolean(cells) => Arc::new(cells.finish()),
            Self::Integer(cells) => Arc::new(cells.finish()),
            Self::Float(cells) => Arc::new(cells.finish()),
            Self::Decimal(cells, ..) => Arc::new(cells.finish()),
            Self::Text(cells) => Arc::new(cells.finish()),
            Self::Bytes(cells) => Arc::new(cells.finish()),
            Self::Date(cells) => Arc::new(cells.finish()),
            Self::Timestamp(cells) | Self::Timestamptz(cells) => Arc::new(cells.finish()),
            Self::Uuid(cells) => Arc::new(cells.finish()),
        }
    }
}

/// A batch in the making.
pub(crate) struct Batch {
    schema: SchemaRef,
    cells: Vec<Cells>,
    faults: Vec<CellFault>,
    wanted: usize,
    rows: usize,
    bytes: usize,
    /// Of them, those of the row in hand.
    row_bytes: usize,
}

impl Batch {
    pub(crate) fn new(request: &ReadRequest) -> Self {
        let field = |column: &ReadColumn| Field::new(column.name.as_str(), column.logical.arrow(), true);
        let schema = Arc::new(Schema::new(request.columns.iter().map(field).collect::<Vec<_>>()));
        let wanted = request.batch_rows;
        let cells = request.columns.iter().map(|column| Cells::new(column.logical, wanted)).collect();
        Self { schema, cells, faults: Vec::new(), wanted, rows: 0, bytes: 0, row_bytes: 0 }
    }

    /// Appends a cell of the row in hand; one that does not fit is NULL, and a fault. `bytes` are what the value takes.
    pub(crate) fn append(
        &mut self,
        column: usize,
        bytes: usize,
        append: impl FnOnce(&mut Cells) -> std::result::Result<(), Mismatch>,
        value_digest: impl FnOnce() -> u64,
    ) {
        let appended = if self.row_bytes + bytes > ROW_BYTES_MAX {
            Err(too_large(bytes))
        } else {
            self.bytes += bytes;
            self.row_bytes += bytes;
            append(&mut self.cells[column])
        };
        if let Err(mismatch) = appended {
            self.cells[column].append_null();
            let (code, message) = (mismatch.code, mismatch.message);
            self.faults.push(CellFault { row: self.rows, column, code, message, value_digest: value_digest() });
        }
    }

    /// Ends the row in hand.
    pub(crate) fn end_row(&mut self) {
        self.rows += 1;
        self.row_bytes = 0;
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows == self.wanted || self.bytes >= BATCH_BYTES
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The batch, and begins the next.
    pub(crate) fn finish(&mut self) -> Result<SourceBatch> {
        let columns = self.cells.iter_mut().map(Cells::finish).collect();
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|error| {
            Box::new(Diagnostic::new(Code::SourceFailed, format!("a batch does not hold together: {error}")))
        })?;
        self.rows = 0;
        Ok(SourceBatch { rows, faults: std::mem::take(&mut self.faults), bytes: std::mem::take(&mut self.bytes) })
    }
}

/// Why a cell is left out that would make its row too large.
fn too_large(bytes: usize) -> Mismatch {
    Mismatch::new(Code::RowTooLarge, format!("with these {bytes} bytes, the row has more than {ROW_BYTES_MAX}"))
}
