//! Mends what can be mended in one way only, in the user's own files.
//!
//! A file that is not what was looked at any more is left alone. Each file is replaced whole, so that nothing is half-written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use transload_model::{Code, Diagnostic, Fix, Severity, SourceFile};

use super::failure::file_error;

/// What was mended.
#[derive(Debug, Default)]
pub(crate) struct Fixed {
    /// Places.
    pub(crate) places: usize,
    /// Files, as their places are told.
    pub(crate) files: BTreeSet<String>,
}

/// How many of the problems can be mended.
pub(crate) fn fixable(problems: &[Diagnostic]) -> usize {
    causes(problems).filter(|problem| problem.fix.is_some()).count()
}

/// Mends what can be mended, save what may only be a consequence: a file that cannot be read as what it is meant to be is mended first in that.
///
/// # Errors
/// A file that cannot be written; those before it are mended.
pub(crate) fn fix(root: &Path, problems: &[Diagnostic]) -> Result<Fixed, Box<Diagnostic>> {
    let mut by_file: BTreeMap<&str, Vec<&Fix>> = BTreeMap::new();
    for fix in causes(problems).filter_map(|problem| problem.fix.as_ref()) {
        by_file.entry(fix.file.path.as_str()).or_default().push(fix);
    }
    let mut fixed = Fixed::default();
    for (name, mut fixes) in by_file {
        fixes.sort_by_key(|fix| fix.span.start);
        let Some(file) = fixes.first().map(|fix| Arc::clone(&fix.file)) else { continue };
        let path = root.join(name);
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
        fixed.files.insert(name.to_owned());
    }
    Ok(fixed)
}

/// Problems that are no consequence of others.
fn causes(problems: &[Diagnostic]) -> impl Iterator<Item = &Diagnostic> {
    let unread = unread(problems);
    let is_cause = move |problem: &&Diagnostic| {
        is_of_form(problem.code) || file(problem).is_none_or(|file| !unread.contains(file))
    };
    problems.iter().filter(is_cause)
}

/// Files of which parts could not be read: what is wrong with the names in them may come of that.
fn unread(problems: &[Diagnostic]) -> BTreeSet<&str> {
    let is_cause = |problem: &&Diagnostic| problem.severity == Severity::Error && is_of_form(problem.code);
    problems.iter().filter(is_cause).filter_map(file).collect()
}

fn is_of_form(code: Code) -> bool {
    code.info().number.starts_with("TL01")
}

fn file(problem: &Diagnostic) -> Option<&str> {
    problem.labels.first().map(|label| label.file.path.as_str())
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
