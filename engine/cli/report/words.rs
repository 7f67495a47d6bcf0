//! The words of a problem: in one line, and in full.

use transload_model::{Diagnostic, Label, Severity};

use super::base::Base;
use super::place::Place;

/// What to do: what the problem says itself, else what its code says. A warning may need nothing.
pub(crate) fn remedy(problem: &Diagnostic) -> Option<&str> {
    let of_code = || (problem.severity == Severity::Error).then(|| problem.code.info().remedy);
    problem.help.as_deref().or_else(of_code)
}

/// `2 errors, 1 warning`
pub(crate) fn counted(problems: &[Diagnostic]) -> String {
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let some = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    format!("{}, {}", some(errors, "error"), some(problems.len() - errors, "warning"))
}

pub(super) fn severity(problem: &Diagnostic) -> &'static str {
    match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// The headline, with the data that it is about, the first note and the problem's own help, on one line.
pub(super) fn in_one_line(problem: &Diagnostic) -> String {
    // A failed test's note is a table.
    let note = problem.notes.first().filter(|note| !note.contains('\n'));
    let more: Vec<&str> = problem.at.iter().chain(note).chain(&problem.help).map(String::as_str).collect();
    let more = if more.is_empty() { String::new() } else { format!(" ({})", more.join("; ")) };
    on_one_line(&format!("{}{more}", problem.headline))
}

/// All that is said about a problem, a line each, save its first place.
pub(super) fn in_full(problem: &Diagnostic, base: &Base) -> String {
    let mut lines = vec![on_one_line(&problem.headline)];
    lines.extend(problem.at.iter().map(|at| format!("at: {}", on_one_line(at))));
    if let Some((first, others)) = problem.labels.split_first() {
        lines.push(on_one_line(&first.text));
        lines.extend(others.iter().map(|label| format!("{}: {}", place(label, base), on_one_line(&label.text))));
    }
    lines.extend(problem.notes.iter().map(|note| format!("note: {}", on_one_line(note))));
    lines.extend(remedy(problem).map(|help| format!("help: {}", on_one_line(help))));
    lines.join("\n")
}

/// `path:line:column`
pub(super) fn place(label: &Label, base: &Base) -> String {
    let Place { path, line, column, .. } = Place::of(label);
    on_one_line(&format!("{}:{line}:{column}", base.path(path)))
}

/// Without line breaks, and without other characters that would control a terminal.
pub(super) fn on_one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" ").replace(char::is_control, " ")
}
