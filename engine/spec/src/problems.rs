//! Problems while they are collected, and the places they are about.
//!
//! All problems of all files are reported in one go, but only one for each place: the first says what is wrong, a second at the same
//! place would most often be its consequence.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use transload_model::{Code, Diagnostic, Fix, Severity, SourceFile, only_near};

use crate::project::PROJECT_FILE;
use crate::yaml;

/// Some bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: Arc<SourceFile>,
    pub(crate) span: Range<usize>,
}

impl Place {
    /// What stands there.
    pub(crate) fn text(&self) -> Option<&str> {
        self.file.text.get(self.span.clone())
    }

    /// Whether it is in `transload.yaml`: what a spec takes from there are the project's defaults.
    pub(crate) fn is_default(&self) -> bool {
        self.file.path == PROJECT_FILE
    }
}

/// A value and where it was written.
#[derive(Debug, Clone)]
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

impl<T> Located<T> {
    /// Something else at the same place.
    pub(crate) fn map<U>(self, to: impl FnOnce(T) -> U) -> Located<U> {
        Located { value: to(self.value), place: self.place }
    }
}

/// An error at a place; `label` says what is there.
pub(crate) fn problem(code: Code, headline: impl Into<String>, place: &Place, label: impl Into<String>) -> Diagnostic {
    Diagnostic::new(code, headline).label(&place.file, place.span.clone(), label)
}

/// Whatever waits for itself, or takes itself in, shown whole: the name of each step, and the places where it leads to the next one.
pub(crate) fn circle(steps: &[(&str, Vec<&Place>)], verb: &str) -> Diagnostic {
    let name = |at: usize| steps.get(at % steps.len()).map_or("", |(name, _)| *name);
    let path: Vec<&str> = (0..=steps.len()).map(name).collect();
    let mut problem = Diagnostic::new(Code::Cycle, format!("{} is a cycle", path.join(" → ")));
    for (at, (from, places)) in steps.iter().enumerate() {
        let (to, is_last) = (name(at + 1), at + 1 == steps.len());
        let text = match (at, is_last) {
            (0, true) => format!("`{from}` {verb} itself here"),
            (0, false) => format!("`{from}` {verb} `{to}` here …"),
            (_, true) => format!("… and `{from}` {verb} `{to}` here"),
            (_, false) => format!("… `{from}` {verb} `{to}` here …"),
        };
        for place in places {
            problem = problem.label(&place.file, place.span.clone(), text.clone());
        }
    }
    problem
}

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Vec<Diagnostic>,
    /// A warning hides no error, and no warning of another kind.
    places: BTreeSet<(String, usize, Option<&'static str>)>,
    seen: usize,
    /// Names that were compared for suggestions.
    compared: usize,
}

/// Names that are compared for suggestions. A project of which nothing is known, because it looks at another database, would compare each of
/// its thousands of names with each of theirs.
const COMPARED_MAX: usize = 50_000;

impl Problems {
    /// Adds a problem, unless its first place has one already.
    pub(crate) fn push(&mut self, problem: Diagnostic) {
        self.seen += usize::from(problem.severity == Severity::Error);
        let kind = (problem.severity == Severity::Warning).then(|| problem.code.info().number);
        let is_new = match problem.labels.first() {
            Some(label) => self.places.insert((label.file.path.clone(), label.span.start, kind)),
            None => !self.found.contains(&problem),
        };
        if is_new {
            self.found.push(problem);
        }
    }

    /// Adds a problem with a suggestion, where there is one, and where not too much was suggested already.
    pub(crate) fn push_unknown<'a>(
        &mut self,
        problem: Diagnostic,
        word: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) {
        let candidates = self.compared(candidates);
        self.push(with_suggestion(problem, word, candidates));
    }

    /// What most likely is meant, as a note beside another help.
    pub(crate) fn meant<'a>(&mut self, word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
        suggestion(word, self.compared(candidates))
    }

    /// As many of the names as may still be compared.
    fn compared<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        let names: Vec<&str> = names.into_iter().take(COMPARED_MAX - self.compared).collect();
        self.compared += names.len();
        names
    }

    /// Takes note that what is being read holds a part that was refused before.
    pub(crate) fn note_refused(&mut self) {
        self.seen += 1;
    }

    /// What is to be shown so far.
    pub(crate) fn all(&self) -> &[Diagnostic] {
        &self.found
    }

    /// Tells a problem as what came of a database that changed.
    pub(crate) fn blame(&mut self, at: usize, cause: String) {
        if let Some(found) = self.found.get_mut(at) {
            if found.code == Code::UnknownColumn {
                // The name was right: one that is near is not what was meant.
                (found.help, found.fix) = (None, None);
            }
            found.code = Code::SchemaDrift;
            found.notes.push(cause);
        }
    }

    /// Says in another way what to do about a problem.
    pub(crate) fn advise(&mut self, at: usize, help: String) {
        if let Some(found) = self.found.get_mut(at) {
            found.help = Some(help);
        }
    }

    /// What of a kind is told at a place.
    pub(crate) fn told_at(
        &self,
        (file, start): (&SourceFile, usize),
        is_meant: impl Fn(&Diagnostic) -> bool,
    ) -> Option<usize> {
        let is_here = |found: &Diagnostic| {
            found.labels.first().is_some_and(|label| label.file.path == file.path && label.span.start == start)
        };
        self.found.iter().position(|found| is_here(found) && is_meant(found))
    }

    /// Takes problems back, by their places among all.
    pub(crate) fn forget(&mut self, which: &BTreeSet<usize>) {
        let mut at = 0..;
        self.found.retain(|_| at.next().is_none_or(|at| !which.contains(&at)));
    }

    /// Says more of a problem that was found.
    pub(crate) fn note(&mut self, at: usize, note: String) {
        if let Some(found) = self.found.get_mut(at) {
            found.notes.push(note);
        }
    }

    /// How often anything was wrong: what is read between two equal counts is sound.
    pub(crate) fn seen(&self) -> usize {
        self.seen
    }

    /// How many are to be shown so far.
    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    /// Tells those that came behind the first `count` in another way.
    pub(crate) fn change_since(&mut self, count: usize, change: impl FnMut(Diagnostic) -> Diagnostic) {
        let later = self.found.split_off(count);
        self.found.extend(later.into_iter().map(change));
    }

    /// Whether anything found so far stops a plan.
    pub(crate) fn has_errors(&self) -> bool {
        self.found.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// Everything, by file and place; what has no place comes first.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.found.sort_by(|a, b| place_of(a).cmp(&place_of(b)));
        self.found
    }
}

fn place_of(problem: &Diagnostic) -> Option<(&str, usize)> {
    problem.labels.first().map(|label| (label.file.path.as_str(), label.span.start))
}

/// A list of names as a sentence shows it: in backticks, the first twenty.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let shown: Vec<String> = names.by_ref().take(20).map(|name| format!("`{name}`")).collect();
    let (shown, more) = (shown.join(", "), names.count());
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// `did you mean …?`, where a candidate is near.
pub(crate) fn suggestion<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    transload_model::nearest(word, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

/// Adds a suggestion as the help of a problem, where there is one, and as its fix, where nothing else can be meant.
pub(crate) fn with_suggestion<'a>(
    problem: Diagnostic,
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let fix = only_near(word, candidates.iter().copied()).and_then(|meant| fix(&problem, word, meant));
    let problem = Diagnostic { fix, ..problem };
    match suggestion(word, candidates) {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// Puts `meant` in the place of `word`, where that stands at the problem's place as it is, with quotes or without.
fn fix(problem: &Diagnostic, word: &str, meant: &str) -> Option<Fix> {
    let label = problem.labels.first()?;
    let text = label.file.text.get(label.span.clone())?;
    let offset = match text.strip_prefix(['"', '\'']).and_then(|rest| rest.strip_suffix(['"', '\''])) {
        Some(quoted) if quoted == word => 1,
        None if text == word => 0,
        _ => return None,
    };
    let start = label.span.start + offset;
    // What needs quotes is better written by hand.
    yaml::is_plain(meant).then(|| Fix {
        file: Arc::clone(&label.file),
        span: start..start + word.len(),
        replacement: meant.to_owned(),
    })
}
