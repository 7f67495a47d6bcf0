//! Masks: what the fields of an entity see in the place of what was read.
//!
//! They come first of all, so that no function, script, rule or message ever has a value that is hidden. A mask follows from the value and
//! the project's key alone: the same value has the same mask in every column of every entity that hides it in the same way.

mod hash;
mod leak;
mod partial;
mod shift;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int64Array, StringArray, new_null_array};
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use transload_model::{CellFault, EntityPlan, Keep, LogicalType, Mask, MaskKey, MaskPlan, Result, TransformContext};

use crate::column::{Column, UuidSink, map};

pub(crate) use leak::{Written, leaks};

/// The masks of one entity, ready for batches.
pub(crate) struct Masks {
    pub(crate) columns: Vec<MaskPlan>,
    /// The types of what is read.
    reads: Vec<LogicalType>,
    /// The source key's columns.
    row: Vec<usize>,
    key: MaskKey,
}

impl Masks {
    /// Those of an entity; none where it has none.
    ///
    /// # Errors
    /// `TL0322` where there are masks and no key.
    pub(crate) fn new(plan: &EntityPlan, context: &TransformContext) -> Result<Option<Self>> {
        if plan.masks.is_empty() {
            return Ok(None);
        }
        let key = context.mask_key.clone().ok_or_else(|| Box::new(plan.lacks_mask_key()))?;
        let reads = plan.reads.iter().map(|read| read.logical).collect();
        Ok(Some(Self { columns: plan.masks.clone(), reads, row: plan.key.source.clone(), key }))
    }

    /// The rows with masks in the place of what is hidden, and the cells of which no mask could be made: they are NULL.
    pub(crate) fn apply(&self, rows: &RecordBatch) -> (RecordBatch, Vec<CellFault>) {
        let mut columns = rows.columns().to_vec();
        let mut faults = Vec::new();
        for plan in &self.columns {
            let masked = self.column(plan, rows);
            columns[plan.read] = masked.array;
            faults.extend(masked.faults.into_iter().map(|fault| CellFault {
                row: fault.row,
                column: plan.read,
                code: fault.reason.code,
                message: fault.reason.message,
                value_digest: 0,
            }));
        }
        let masked = RecordBatch::try_new(rows.schema(), columns).expect("a mask keeps its column's type and rows");
        (masked, faults)
    }

    fn column(&self, plan: &MaskPlan, rows: &RecordBatch) -> Column {
        let (logical, values) = (self.reads[plan.read], rows.column(plan.read));
        match (&plan.mask, logical) {
            (Mask::Hash { keep, .. }, LogicalType::Text) => {
                let length = plan.mask.hash_length().unwrap_or(Mask::HASH_LENGTH);
                Column::whole(texts(values, |text| match keep {
                    Keep::Nothing => hash::text(&self.key, text, length),
                    Keep::Domain => hash::domain(&self.key, text, length),
                    Keep::Format => hash::format(&self.key, text),
                }))
            }
            (Mask::Hash { .. }, LogicalType::Integer) => Column::whole(self.integers(values)),
            (Mask::Hash { .. }, LogicalType::Uuid) => self.uuids(values),
            (Mask::Redact { with }, LogicalType::Text) => Column::whole(texts(values, |_| with.clone())),
            (Mask::Partial { keep_first, keep_last, with }, LogicalType::Text) => {
                Column::whole(texts(values, |text| partial::partial(text, (*keep_first, *keep_last), *with)))
            }
            (Mask::ShiftDate { days, format }, _) => {
                shift::shift(values, logical, (&self.shifts(plan, rows, *days), format.as_deref()))
            }
            // No plan has another pair. Should one, nothing of the value is seen.
            (Mask::Null | Mask::Hash { .. } | Mask::Redact { .. } | Mask::Partial { .. }, _) => {
                Column::whole(new_null_array(values.data_type(), values.len()))
            }
        }
    }

    fn integers(&self, values: &ArrayRef) -> ArrayRef {
        let numbers = values.as_primitive::<Int64Type>().iter();
        Arc::new(numbers.map(|number| number.map(|number| hash::integer(&self.key, number))).collect::<Int64Array>())
    }

    fn uuids(&self, values: &ArrayRef) -> Column {
        let uuids = values.as_fixed_size_binary();
        map(uuids.iter(), UuidSink::with_capacity(uuids.len()), |bytes| Ok(Some(hash::uuid(&self.key, bytes))))
    }

    /// Days by which each row's dates are moved: those of its subject, and where it names none, those of its key.
    fn shifts(&self, plan: &MaskPlan, rows: &RecordBatch, days: u32) -> Vec<i64> {
        let subjects = |columns: &[usize]| -> Vec<ArrayRef> {
            let texts = |at: &usize| crate::convert::canonical::texts(rows.column(*at), self.reads[*at]).array;
            columns.iter().map(texts).collect()
        };
        let (named, own) = (subjects(&plan.by), subjects(&self.row));
        let is_named = |row: usize| !named.is_empty() && named.iter().all(|column| column.is_valid(row));
        let amount = |row: usize| {
            let subject = if is_named(row) { &named } else { &own };
            let parts: Vec<&[u8]> = subject
                .iter()
                .map(|column| if column.is_valid(row) { column.as_string::<i32>().value(row).as_bytes() } else { &[] })
                .collect();
            shift::amount(&self.key, &parts, days)
        };
        (0..rows.num_rows()).map(amount).collect()
    }
}

/// A column of texts, each put through the same.
fn texts(values: &ArrayRef, mask: impl Fn(&str) -> String) -> ArrayRef {
    Arc::new(values.as_string::<i32>().iter().map(|text| text.map(&mask)).collect::<StringArray>())
}
