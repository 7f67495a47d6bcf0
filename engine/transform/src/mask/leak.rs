//! What a mask hides and another column shows all the same.
//!
//! A name in a note, an address that a query copied: a mask knows of its own column alone. So what is about to be written is searched for what
//! was hidden, whatever letters are large and whatever space is around. The search must not cry wolf: texts that say little are passed over,
//! short ones count as whole words only, and what a mask itself wrote shows nothing.

use arrow::array::{Array as _, ArrayRef, AsArray as _, StructArray};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use transload_model::{Mask, MaskPlan};

use super::Masks;

/// Letters and digits below which a text says nothing.
const CHARACTERS_MIN: usize = 4;
/// Characters from which on a text is found inside of words, too.
const ANYWHERE_MIN: usize = 8;

/// What a field is about to write.
pub(crate) struct Written<'a> {
    /// The field's place among all.
    pub(crate) field: usize,
    pub(crate) column: &'a ArrayRef,
    /// The columns that it was made of.
    pub(crate) reads: &'a [usize],
}

impl Written<'_> {
    /// Its texts: itself, or those of a key of several columns.
    fn texts(&self) -> impl Iterator<Item = &ArrayRef> {
        let parts = self.column.as_struct_opt().map_or(std::slice::from_ref(self.column), StructArray::columns);
        parts.iter().filter(|part| *part.data_type() == DataType::Utf8)
    }
}

/// The rows that show what a mask hides, each with the place of the field that does, in row order. `read` is what was read, `masked` what the
/// fields saw.
pub(crate) fn leaks(
    masks: &Masks,
    (read, masked): (&RecordBatch, &RecordBatch),
    written: &[Written<'_>],
) -> Vec<(usize, usize)> {
    let hidden: Vec<Hidden<'_>> = masks.columns.iter().filter_map(|plan| Hidden::of(plan, read, masked)).collect();
    if hidden.is_empty() {
        return Vec::new();
    }
    let leak = |row: usize| {
        let wanted: Vec<String> = hidden.iter().filter_map(|hidden| hidden.wanted(row)).collect();
        let shows = |written: &&Written<'_>| {
            let own = hidden.iter().filter(|hidden| written.reads.contains(&hidden.at));
            let made: Vec<String> = own.filter_map(|hidden| hidden.made(row)).collect();
            let mut texts = written.texts().filter_map(|column| plain(column, row));
            texts.any(|text| wanted.iter().any(|wanted| contains(&text, wanted, &made)))
        };
        let found = if wanted.is_empty() { None } else { written.iter().find(shows) };
        found.map(|written| (row, written.field))
    };
    (0..read.num_rows()).filter_map(leak).collect()
}

/// A text in small letters, with one space where there is any, and none around it.
fn plain(column: &ArrayRef, row: usize) -> Option<String> {
    let texts = column.as_string::<i32>();
    let words = texts.is_valid(row).then(|| texts.value(row).split_whitespace())?;
    Some(words.collect::<Vec<_>>().join(" ").to_lowercase())
}

/// A column of texts that is masked, and not one of days: two days of a row are often the same and say nothing of each other.
struct Hidden<'a> {
    /// Its place among what is read.
    at: usize,
    mask: &'a Mask,
    read: &'a ArrayRef,
    masked: &'a ArrayRef,
}

impl<'a> Hidden<'a> {
    fn of(plan: &'a MaskPlan, read: &'a RecordBatch, masked: &'a RecordBatch) -> Option<Self> {
        let (read, masked) = (read.column(plan.read), masked.column(plan.read));
        let is_text = *read.data_type() == DataType::Utf8 && !matches!(plan.mask, Mask::ShiftDate { .. });
        is_text.then_some(Self { at: plan.read, mask: &plan.mask, read, masked })
    }

    /// What must not be seen of a row.
    fn wanted(&self, row: usize) -> Option<String> {
        let text = plain(self.read, row)?;
        let says = text.chars().filter(|sign| sign.is_alphanumeric()).take(CHARACTERS_MIN).count();
        // What was blacked out at the source already hides nothing more.
        let is_public = matches!(self.mask, Mask::Redact { .. } | Mask::Partial { .. })
            && self.made(row).is_some_and(|made| made == text);
        (says == CHARACTERS_MIN && !is_public).then_some(text)
    }

    /// What the mask put there.
    fn made(&self, row: usize) -> Option<String> {
        plain(self.masked, row)
    }
}

/// Whether a text holds another one, which is short as a word of its own only, outside of what masks made.
fn contains(text: &str, wanted: &str, made: &[String]) -> bool {
    let is_long = wanted.chars().count() >= ANYWHERE_MIN;
    text.match_indices(wanted).any(|(at, found)| {
        let end = at + found.len();
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let behind = text.get(end..).and_then(|behind| behind.chars().next());
        let is_word = !before.into_iter().chain(behind).any(char::is_alphanumeric);
        (is_long || is_word) && !made.iter().any(|made| covers(text, made, (at, end)))
    })
}

/// Whether a text has another one around a part of it.
fn covers(text: &str, made: &str, (at, end): (usize, usize)) -> bool {
    text.match_indices(made).any(|(from, made)| from <= at && end <= from + made.len())
}
