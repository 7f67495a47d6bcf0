//! `--format gitlab`: a Code Quality report of GitLab.

use serde_json::{Value, json};
use transload_model::{Diagnostic, Severity};

use super::fingerprint::fingerprints;
use super::place::Place;
use super::words::in_one_line;
use super::{Base, Renderer, Report};
use crate::cli::args::Format;
use crate::cli::render::pretty;

pub(super) const RENDERER: Renderer = Renderer { format: Format::Gitlab, base: Base::of_checkout, render };

fn render(report: &Report, base: &Base) -> String {
    let fingerprints = fingerprints(&report.problems);
    let issues =
        report.problems.iter().zip(fingerprints).map(|(problem, fingerprint)| issue(problem, &fingerprint, base));
    pretty(&issues.collect())
}

fn issue(problem: &Diagnostic, fingerprint: &str, base: &Base) -> Value {
    // An issue must have a place, and a project always has this file.
    let (path, line) = problem.labels.first().map_or((super::PROJECT_FILE, 1), |label| {
        let place = Place::of(label);
        (place.path, place.line)
    });
    json!({
        "description": in_one_line(problem),
        "check_name": problem.code.info().number,
        "fingerprint": fingerprint,
        "severity": match problem.severity {
            Severity::Error => "major",
            Severity::Warning => "minor",
        },
        "location": { "path": base.path(path), "lines": { "begin": line } },
    })
}
