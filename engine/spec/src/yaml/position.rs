//! From a position in a script to bytes of the file that holds it.
//!
//! A script is a scalar: its lines are indented in the file, or its text is escaped. Where the text is not found again byte by byte
//! at the place computed, no place is given, because a wrong one is worse than the whole scalar.

use std::ops::Range;

use crate::yaml::Style;

/// Where each line of a text starts.
#[derive(Debug)]
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    /// Reads the text once.
    pub(crate) fn of(text: &str) -> Self {
        let after = text.match_indices('\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(after).collect())
    }

    /// The line of a byte, from one.
    pub(crate) fn line(&self, byte: usize) -> usize {
        self.0.partition_point(|start| *start <= byte)
    }
}

/// A script in a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Embedded<'a> {
    /// The file's text.
    pub(crate) file: &'a str,
    /// Where the scalar's content starts and ends.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) style: Style,
    /// The scalar's text.
    pub(crate) script: &'a str,
}

/// The bytes of the file that hold the word at a line and column of the script, both from one.
pub(crate) fn script_span(embedded: Embedded<'_>, line: usize, column: usize) -> Option<Range<usize>> {
    let (line_start, text) = match embedded.style {
        Style::Literal => literal_line(embedded, line)?,
        Style::Plain | Style::Quoted => single_line(embedded, line)?,
        Style::Whole => whole_line(embedded, line)?,
        Style::Folded => return None,
    };
    let within = text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(column.checked_sub(1)?)?;
    let rest = text.get(within..)?;
    let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let width = if word > 0 { word } else { rest.chars().next().map_or(0, char::len_utf8) };
    let start = line_start + within;
    Some(start..start + width)
}

/// Start and text of a line of a literal block. Its span starts at its first line that is not blank, behind the indentation.
fn literal_line(embedded: Embedded<'_>, line: usize) -> Option<(usize, &str)> {
    let first = embedded.file.get(..embedded.start)?.rfind('\n').map_or(0, |at| at + 1);
    let indentation = embedded.start - first;
    let blank = embedded.script.split('\n').take_while(|line| line.is_empty()).count();
    let skipped = line.checked_sub(1 + blank)?;
    let expected = embedded.script.split('\n').nth(line - 1)?;
    let mut at = first;
    for _ in 0..skipped {
        at += embedded.file.get(at..)?.find('\n')? + 1;
    }
    let found = embedded.file.get(at..)?.split('\n').next()?.trim_end_matches('\r');
    let content = found.get(indentation.min(found.len())..)?;
    (content == expected).then_some((at + indentation.min(found.len()), content))
}

/// Start and text of a line of a file.
fn whole_line(embedded: Embedded<'_>, line: usize) -> Option<(usize, &str)> {
    let before: usize = embedded.file.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let text = embedded.file.get(before..)?.split('\n').next()?;
    Some((before, text.trim_end_matches('\r')))
}

/// Start and text of a script that is written in one line as it is.
fn single_line(embedded: Embedded<'_>, line: usize) -> Option<(usize, &str)> {
    let raw = embedded.file.get(embedded.start..embedded.end)?;
    let (offset, text) = match embedded.style {
        Style::Quoted => (1, raw.get(1..raw.len().checked_sub(1)?)?),
        _ => (0, raw),
    };
    (line == 1 && text == embedded.script).then_some((embedded.start + offset, text))
}
