//! What a mask hides and another column shows all the same.
//!
//! A name in a note, an address that a query copied: a mask knows of its own column alone. So what is about to be written is searched for what
//! was hidden. The search must not cry wolf: texts that say little are passed over, short ones count as whole words only.

use arrow::array::{Array as _, ArrayRef, AsArray as _, StructArray};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use transload_model::Mask;

use super::Masks;

/// Letters and digits below which a text says nothing.
const CHARACTERS_MIN: usize = 4;
/// Characters from which on a text is found inside of words, too.
const ANYWHERE_MIN: usize = 8;

/// The rows that show what a mask hides, each with the place of the column that does, in row order. `read` is what was read, `masked` what the
/// fields saw, `written` what they made of it.
pub(crate) fn leaks(
    masks: &Masks,
    (read, masked): (&RecordBatch, &RecordBatch),
    written: &[ArrayRef],
) -> Vec<(usize, usize)> {
    let hidden: Vec<Hidden<'_>> = masks.columns.iter().filter_map(|plan| Hidden::of(plan, read, masked)).collect();
    let shown: Vec<(usize, &ArrayRef)> =
        written.iter().enumerate().flat_map(|(at, column)| texts(at, column)).collect();
    if hidden.is_empty() || shown.is_empty() {
        return Vec::new();
    }
    let leak = |row: usize| {
        let wanted: Vec<String> = hidden.iter().filter_map(|hidden| hidden.text(row)).collect();
        let shows = |column: &ArrayRef| {
            let texts = column.as_string::<i32>();
            let text = if texts.is_valid(row) && !wanted.is_empty() { texts.value(row) } else { return false };
            let text = text.to_lowercase();
            wanted.iter().any(|wanted| contains(&text, wanted))
        };
        shown.iter().find(|(_, column)| shows(column)).map(|(at, _)| (row, *at))
    };
    (0..read.num_rows()).filter_map(leak).collect()
}

/// The texts of a column: itself, or those of a key of several columns.
fn texts(at: usize, column: &ArrayRef) -> Vec<(usize, &ArrayRef)> {
    let parts = column.as_struct_opt().map_or(std::slice::from_ref(column), StructArray::columns);
    parts.iter().filter(|part| *part.data_type() == DataType::Utf8).map(|part| (at, part)).collect()
}

/// A column of texts that is masked.
struct Hidden<'a> {
    mask: &'a Mask,
    read: &'a ArrayRef,
    masked: &'a ArrayRef,
}

impl<'a> Hidden<'a> {
    fn of(plan: &'a transload_model::MaskPlan, read: &'a RecordBatch, masked: &'a RecordBatch) -> Option<Self> {
        let (read, masked) = (read.column(plan.read), masked.column(plan.read));
        (*read.data_type() == DataType::Utf8).then_some(Self { mask: &plan.mask, read, masked })
    }

    /// What must not be seen of a row, in small letters.
    fn text(&self, row: usize) -> Option<String> {
        let texts = self.read.as_string::<i32>();
        let text = texts.is_valid(row).then(|| texts.value(row))?;
        let says = text.chars().filter(|sign| sign.is_alphanumeric()).take(CHARACTERS_MIN).count();
        // What was blacked out at the source already hides nothing more.
        let is_public = matches!(self.mask, Mask::Redact { .. } | Mask::Partial { .. }) && self.is_same(row);
        (says == CHARACTERS_MIN && !is_public).then(|| text.to_lowercase())
    }

    fn is_same(&self, row: usize) -> bool {
        self.masked.as_string::<i32>().value(row) == self.read.as_string::<i32>().value(row)
    }
}

/// Whether a text holds another one, which is short as a word of its own only.
fn contains(text: &str, wanted: &str) -> bool {
    let is_long = wanted.chars().count() >= ANYWHERE_MIN;
    text.match_indices(wanted).any(|(at, found)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let behind = text.get(at + found.len()..).and_then(|behind| behind.chars().next());
        is_long || !(before.into_iter().chain(behind).any(char::is_alphanumeric))
    })
}
