//! A problem as programs read it, wherever JSON holds one.

use serde_json::{Value, json};
use transload_model::{Diagnostic, Label};

use super::place::Place;
use super::words::{remedy, severity};

/// A problem as a program reads it.
pub(crate) fn as_json(problem: &Diagnostic) -> Value {
    let place = |label: &Label| {
        let Place { path, line, column, end_line, end_column } = Place::of(label);
        json!({ "path": path, "line": line, "column": column, "end_line": end_line, "end_column": end_column,
            "text": label.text })
    };
    let info = problem.code.info();
    json!({
        "code": info.number,
        "word": info.word,
        "category": info.retry.category(),
        "severity": severity(problem),
        "headline": problem.headline,
        "at": problem.at,
        "places": problem.labels.iter().map(place).collect::<Vec<_>>(),
        "notes": problem.notes,
        "help": remedy(problem),
    })
}
