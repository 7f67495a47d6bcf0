//! `--format concise`: a line for each problem, as compilers write it and editors understand it.

use super::words::{in_one_line, place, severity};
use super::{Base, Renderer, Report};
use crate::cli::args::Format;

use transload_model::Diagnostic;

pub(super) const RENDERER: Renderer = Renderer { format: Format::Concise, base: Base::of_person, render };

fn render(report: &Report, base: &Base) -> String {
    let lines: Vec<String> = report.problems.iter().map(|problem| line(problem, base)).collect();
    lines.join("\n")
}

/// ``specs/a.yaml:3:1: error[TL0203] column `x` does not exist (did you mean `y`?)``
pub(super) fn line(problem: &Diagnostic, base: &Base) -> String {
    let place = problem.labels.first().map(|label| format!("{}: ", place(label, base))).unwrap_or_default();
    format!("{place}{}[{}] {}", severity(problem), problem.code, in_one_line(problem))
}
