//! Where a problem is, in lines and columns.

use transload_model::Label;

/// A stretch of a file. Lines and columns count from one, columns in characters; the end is the character behind the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    /// As seen from the project's directory.
    pub(crate) path: &'a str,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) end_line: usize,
    pub(crate) end_column: usize,
}

impl<'a> Place<'a> {
    pub(crate) fn of(label: &'a Label) -> Self {
        let text = label.file.text.get(label.span.clone()).unwrap_or_default();
        // A block of YAML reaches up to the next line's first character; nobody means that line.
        let breaks = text.len() - text.trim_end_matches(['\n', '\r']).len();
        let (line, column) = label.file.position(label.span.start);
        let (end_line, end_column) = label.file.position(label.span.end - breaks);
        Self { path: &label.file.path, line, column, end_line, end_column }
    }
}
