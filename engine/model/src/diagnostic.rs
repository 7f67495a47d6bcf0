//! A problem as a value.
//!
//! Every problem that reaches a person is one of these: with a permanent code, a headline that stands alone, the places in the user's own text,
//! and help. Each face of Transload renders it in one place. A diagnostic never holds a row's value, a password or a token.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::{Code, ColumnName};

/// Most fallible calls fail with one problem, boxed because the good way is the common one.
pub type Result<T, E = Box<Diagnostic>> = std::result::Result<T, E>;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something the user should know; nothing stops.
    Warning,
    /// What was asked for cannot be done as it is.
    Error,
}

/// A file that the user wrote.
#[derive(Debug)]
pub struct SourceFile {
    /// Path as the user would type it.
    pub path: String,
    /// What is in it.
    pub text: String,
    /// Where each line starts. Found once: a file may have thousands of problems.
    line_starts: OnceLock<Vec<usize>>,
}

impl PartialEq for SourceFile {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path && self.text == other.text
    }
}

impl Eq for SourceFile {}

/// A place in a file, with what was found there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The file.
    pub file: Arc<SourceFile>,
    /// Bytes of `file.text`.
    pub span: Range<usize>,
    /// What is there.
    pub text: String,
}

/// A change of the user's text that mends a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// The file.
    pub file: Arc<SourceFile>,
    /// Bytes of `file.text` that go.
    pub span: Range<usize>,
    /// What stands there instead.
    pub replacement: String,
}

/// One of the two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Where rows come from.
    Source,
    /// Where they go.
    Destination,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Destination => "destination",
        })
    }
}

/// The columns that a problem is about, for whoever asks whether a change of theirs led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The end that has them, or should.
    pub side: Side,
    /// Their names.
    pub columns: Vec<ColumnName>,
}

/// A problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its permanent code.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// One lower-case sentence without a full stop.
    pub headline: String,
    /// For problems with data: run, entity, unit, key.
    pub at: Option<String>,
    /// The columns that it is about, where it is about columns by their names.
    pub subject: Option<Subject>,
    /// Places in the user's files, the most important first.
    pub labels: Vec<Label>,
    /// What was expected, and what follows.
    pub notes: Vec<String>,
    /// What to do, ready to paste.
    pub help: Option<String>,
    /// What to do, ready to be done: only where there is one way that can be meant.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// An error with nothing but its headline yet.
    #[must_use]
    pub fn new(code: Code, headline: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            headline: headline.into(),
            at: None,
            subject: None,
            labels: Vec::new(),
            notes: Vec::new(),
            help: None,
            fix: None,
        }
    }

    /// A warning with nothing but its headline yet.
    #[must_use]
    pub fn warning(code: Code, headline: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::new(code, headline) }
    }

    /// Adds a place in a file.
    #[must_use]
    pub fn label(mut self, file: &Arc<SourceFile>, span: Range<usize>, text: impl Into<String>) -> Self {
        self.labels.push(Label { file: Arc::clone(file), span, text: text.into() });
        self
    }

    /// Says which data it is about.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.at = Some(place.into());
        self
    }

    /// Says which columns it is about.
    #[must_use]
    pub fn about<'a>(mut self, side: Side, columns: impl IntoIterator<Item = &'a ColumnName>) -> Self {
        self.subject = Some(Subject { side, columns: columns.into_iter().cloned().collect() });
        self
    }

    /// Adds what was expected.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The first place as `path:line:column`, both counted from one, the column in characters.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        let label = self.labels.first()?;
        let (line, column) = label.file.position(label.span.start);
        Some(format!("{}:{line}:{column}", label.file.path))
    }
}

impl SourceFile {
    /// A file of that path and text.
    #[must_use]
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), line_starts: OnceLock::new() }
    }

    /// Where each line starts, the first one first.
    #[must_use]
    pub fn line_starts(&self) -> &[usize] {
        let after_breaks = || self.text.match_indices('\n').map(|(at, _)| at + 1);
        self.line_starts.get_or_init(|| std::iter::once(0).chain(after_breaks()).collect())
    }

    /// The bytes of a line, counted from one, without the white space at its ends.
    #[must_use]
    pub fn line(&self, number: usize) -> Range<usize> {
        let start = number.checked_sub(1).and_then(|at| self.line_starts().get(at).copied()).unwrap_or(self.text.len());
        let rest = self.text.get(start..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        let begins = start + line.len() - line.trim_start().len();
        begins..begins + line.trim().len()
    }

    /// Line and column of a byte, both counted from one, the column in characters.
    #[must_use]
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let byte = if self.text.is_char_boundary(byte) { byte } else { self.text.len() };
        let line = self.line_starts().partition_point(|start| *start <= byte);
        let start = self.line_starts().get(line - 1).copied().unwrap_or_default();
        (line, self.text.get(start..byte).unwrap_or_default().chars().count() + 1)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.info().number, self.headline)
    }
}

impl std::error::Error for Diagnostic {}

/// Letters in which a word may differ from the one that is put in its place unasked.
const FIXED_DISTANCE_MAX: usize = 2;

/// The candidate that is close enough to `word` to be what was meant.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let closest = near(word, candidates.iter().copied()).into_iter().min_by_key(|(distance, _)| *distance);
    match closest {
        Some((0 | 1, candidate)) => Some(candidate),
        _ => begun(word, &candidates).or(closest.map(|(_, candidate)| candidate)),
    }
}

/// Letters that say enough of a word to go on with.
const BEGUN_LENGTH_MIN: usize = 3;

/// The shortest candidate of which `word` is the beginning.
fn begun<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    let is_begun = |candidate: &&&str| candidate.to_lowercase().starts_with(&word);
    let is_enough = word.chars().count() >= BEGUN_LENGTH_MIN;
    candidates.iter().filter(|_| is_enough).filter(is_begun).min_by_key(|candidate| candidate.len()).copied()
}

/// The one candidate that can be meant by `word`: very close, and no other is as close.
#[must_use]
pub fn only_near<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = near(word, candidates);
    let least = near.iter().map(|(distance, _)| *distance).min().filter(|least| *least <= FIXED_DISTANCE_MAX)?;
    let mut closest = near.into_iter().filter(|(distance, _)| *distance == least);
    match (closest.next(), closest.next()) {
        (Some((_, only)), None) => Some(only),
        _ => None,
    }
}

/// Candidates that are close to a word, with their distance.
fn near<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<(usize, &'a str)> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    let limit = ((length / 3).max(1) + 1).max(2);
    candidates
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= limit)
        .map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.chars().count())
        .collect()
}
