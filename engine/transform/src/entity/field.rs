//! One field: from the source's values to the field's type.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, StructArray};
use arrow::buffer::NullBuffer;
use arrow::compute::interleave;
use arrow::datatypes::{Field as ArrowField, Fields};
use transload_model::{ColumnName, LogicalType};

use crate::cells::Cells;
use crate::column::{Fault, nulls};
use crate::convert::Format;

use super::failures::Failures;
use super::step::{Around, Input, Step};

/// A field, ready for batches.
pub(crate) struct Field {
    /// The destination column.
    pub(crate) destination: ColumnName,
    /// The source's columns that the chain starts from.
    pub(crate) sources: Vec<usize>,
    /// All columns that can make it fail: the sources, and those that its scripts read.
    pub(crate) reads: Vec<usize>,
    /// Its functions.
    pub(crate) steps: Vec<Step>,
    /// One value of the field's type, which takes the place of NULL.
    pub(crate) default: Option<ArrayRef>,
    /// How text spells dates.
    pub(crate) format: Option<Format>,
    /// The type that it ends with.
    pub(crate) data_type: LogicalType,
    /// Whether the sources are the columns of a key that is looked up.
    pub(crate) refers_by_columns: bool,
    /// Whether what is written is a key that was made, in the place of the one that it gives.
    pub(crate) is_replaced: bool,
    /// Whether any of these columns is masked, so that what fails may fail by its mask.
    pub(crate) is_masked: bool,
    /// Whether NULL is a failure.
    pub(crate) is_required: bool,
}

impl Field {
    /// Computes the field for all rows. What failed before is known to `around`; what fails here goes to `failures`.
    pub(crate) fn run(&self, around: &Around<'_>, failures: &mut Failures) -> ArrayRef {
        if self.refers_by_columns {
            return self.key(around);
        }
        let cells = self.cells(around, failures);
        let column = match &cells {
            Some(cells) => cells.convert(self.data_type, self.format.as_ref()),
            None => crate::column::Column::whole(nulls(self.data_type, around.rows.num_rows())),
        };
        // Where the conversion failed there is NULL now; the row failed, so what a default puts there is not looked at.
        self.fail(column.faults, failures);
        self.with_default(column.array)
    }

    /// The sources side by side, as they are; NULL where one of them is, since such a row refers to nothing.
    fn key(&self, around: &Around<'_>) -> ArrayRef {
        let columns: Vec<ArrayRef> = self.sources.iter().map(|index| around.column(*index).1.clone()).collect();
        let nulls = columns.iter().fold(None, |nulls, column| NullBuffer::union(nulls.as_ref(), column.nulls()));
        let part = |(at, column): (usize, &ArrayRef)| ArrowField::new(at.to_string(), column.data_type().clone(), true);
        let parts: Fields = columns.iter().enumerate().map(part).collect();
        Arc::new(StructArray::new(parts, columns, nulls))
    }

    /// What the chain gives; `None` where there is neither a source nor a function.
    fn cells(&self, around: &Around<'_>, failures: &mut Failures) -> Option<Cells> {
        let Some((first, rest)) = self.steps.split_first() else {
            let (logical, values) = around.column(*self.sources.first()?);
            return Some(Cells::Typed(logical, values.clone()));
        };
        let mut cells = self.step(first, Input::Sources, around, failures);
        for step in rest {
            cells = self.step(step, Input::Cells(cells), around, failures);
        }
        Some(cells)
    }

    fn step(&self, step: &Step, input: Input, around: &Around<'_>, failures: &mut Failures) -> Cells {
        let (cells, faults) = {
            let failed = &*failures;
            let is_failed = |row: usize| failed.has(row);
            step.run(input, &Around { is_failed: &is_failed, ..*around })
        };
        self.fail(faults, failures);
        cells
    }

    /// Whoever reads why a row failed looks at the source first, and that may well be right.
    fn fail(&self, mut faults: Vec<Fault>, failures: &mut Failures) {
        if self.is_masked {
            faults.iter_mut().for_each(|fault| fault.reason.message.push_str(" (its columns are masked)"));
        }
        failures.add_all(faults, &self.destination);
    }

    /// NULL after the chain stays NULL in the conversion, so the converted default can be put in behind it.
    fn with_default(&self, values: ArrayRef) -> ArrayRef {
        let Some(default) = &self.default else {
            return values;
        };
        if values.null_count() == 0 {
            return values;
        }
        let places: Vec<(usize, usize)> =
            (0..values.len()).map(|row| if values.is_null(row) { (1, 0) } else { (0, row) }).collect();
        interleave(&[&values, default], &places).expect("the default has the field's type")
    }
}
