//! New lines for a spec that there is.
//!
//! Everything that stands in the file stays as it is, byte for byte: comments, order, blank lines, line ends. New lines go behind the last mapping.

use std::ops::Range;

use transload_model::ColumnName;

use crate::inferred::{Fate, FieldDraft};
use crate::write::line;

/// How the mappings of a spec are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `destination: source`
    Map,
    /// `- { source_field: …, destination_field: … }`
    List,
}

/// Where the mappings of a spec stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mappings {
    /// In a block of lines.
    Block {
        /// How they are written.
        style: Style,
        /// Spaces before each.
        indent: usize,
        /// From where the last one begins to where the next key of the spec does, or the file ends.
        last: Range<usize>,
    },
    /// There are none: the columns of the same name are all that there is. What there is of the spec ends here.
    None {
        /// From where the key behind which they would stand begins to where the next one does, or the file ends.
        last: Range<usize>,
    },
}

/// The text with these fields added, and the columns that were; `None` where there is nothing to add.
///
/// What has no mapping, is unsure to the point of being left, or was commented out by a person is not added.
#[must_use]
pub fn added(text: &str, mappings: &Mappings, fields: &[FieldDraft]) -> Option<(String, Vec<ColumnName>)> {
    let new: Vec<&FieldDraft> = fields
        .iter()
        .filter(|field| !matches!(field.fate, Fate::Left) && !is_commented_out(text, &field.destination))
        .collect();
    if new.is_empty() {
        return None;
    }
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let (style, indent, last) = match mappings {
        Mappings::Block { style, indent, last } => (*style, *indent, last),
        Mappings::None { last } => (Style::Map, 2, last),
    };
    let at = end_of_block(text, last, indent)?;
    let (before, after) = text.split_at_checked(at)?;
    let mut inserted = String::new();
    if !before.ends_with('\n') {
        inserted.push_str(end);
    }
    if matches!(mappings, Mappings::None { .. }) {
        inserted.push_str(&format!("{end}field_mappings:{end}"));
    }
    for field in &new {
        inserted.push_str(&format!("{}{}{end}", " ".repeat(indent), line(field, style)?));
    }
    // A file whose last line had no end keeps it so.
    if !before.ends_with('\n') && after.is_empty() {
        inserted.truncate(inserted.len() - end.len());
    }
    Some((format!("{before}{inserted}{after}"), new.iter().map(|field| field.destination.clone()).collect()))
}

/// Behind the last line of the block. Comments that are indented as its lines are belong to it; those further out belong to what follows.
fn end_of_block(text: &str, last: &Range<usize>, indent: usize) -> Option<usize> {
    let block = text.get(last.clone())?;
    let mut end = last.start;
    let mut at = last.start;
    for (number, line) in block.split_inclusive('\n').enumerate() {
        at += line.len();
        let depth = line.len() - line.trim_start_matches(' ').len();
        let is_blank = line.trim().is_empty();
        // The first line begins behind its own indentation.
        if number == 0 || (!is_blank && depth >= indent.max(1)) {
            end = at;
        }
    }
    Some(end)
}

/// Whether a person took a mapping of the column out, by making a comment of it.
fn is_commented_out(text: &str, column: &ColumnName) -> bool {
    text.lines().filter_map(|line| line.trim_start().strip_prefix('#')).any(|comment| {
        let comment = comment.trim_start().trim_start_matches(['"', '\'']);
        let rest = comment.strip_prefix(column.as_str()).map(|rest| rest.trim_start_matches(['"', '\'']));
        rest.is_some_and(|rest| rest.trim_start().starts_with(':'))
            || comment.contains(&format!("destination_field: {column} "))
            || comment.contains(&format!("destination_field: {column},"))
    })
}
