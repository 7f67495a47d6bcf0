//! Mends what can be mended in one way only, in the user's own files.
//!
//! A file that is not what was looked at any more is left alone. Each file is replaced whole, so that nothing is half-written.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use transload_model::{Diagnostic, Fix, SourceFile};

use super::failure::file_error;

/// What was mended.
#[derive(Debug, Default)]
pub(crate) struct Fixed {
    /// Places.
    pub(crate) places: usize,
    /// Files.
    pub(crate) files: usize,
}

/// How many of the problems can be mended.
pub(crate) fn fixable(problems: &[Diagnostic]) -> usize {
    problems.iter().filter(|problem| problem.fix.is_some()).count()
}

/// Mends what can be mended.
///
/// # Errors
/// A file that cannot be written; those before it are mended.
pub(crate) fn fix(root: &Path, problems: &[Diagnostic]) -> Result<Fixed, Box<Diagnostic>> {
    let mut by_file: BTreeMap<&str, Vec<&Fix>> = BTreeMap::new();
    for fix in problems.iter().filter_map(|problem| problem.fix.as_ref()) {
        by_file.entry(fix.file.path.as_str()).or_default().push(fix);
    }
    let mut fixed = Fixed::default();
    for (path, mut fixes) in by_file {
        fixes.sort_by_key(|fix| fix.span.start);
        let Some(file) = fixes.first().map(|fix| Arc::clone(&fix.file)) else { continue };
        let path = root.join(path);
        // A mark of the byte order stands before the text that was looked at.
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        let Some(mark) = found.strip_suffix(file.text.as_str()) else { continue };
        let (text, places) = mended(&file, &fixes);
        let unfinished = path.with_extension("unfinished");
        let written = std::fs::write(&unfinished, format!("{mark}{text}"));
        written
            .and_then(|()| std::fs::rename(&unfinished, &path))
            .map_err(|error| Box::new(file_error(&path, &error)))?;
        fixed.places += places;
        fixed.files += 1;
    }
    Ok(fixed)
}

/// The file's text with the fixes, which ascend. Of two that overlap, the first counts.
fn mended(file: &SourceFile, fixes: &[&Fix]) -> (String, usize) {
    let mut text = String::with_capacity(file.text.len());
    let (mut done, mut places) = (0, 0);
    for fix in fixes.iter().filter(|fix| fix.span.end <= file.text.len()) {
        let Some(before) = file.text.get(done..fix.span.start) else { continue };
        text.push_str(before);
        text.push_str(&fix.replacement);
        done = fix.span.end;
        places += 1;
    }
    text.push_str(file.text.get(done..).unwrap_or_default());
    (text, places)
}
