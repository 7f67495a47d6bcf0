//! `--format github`: annotations in a pull request of GitHub, and a table on the page of the run.
//!
//! GitHub takes commands from the lines of a log. What a spec says must not become one, so nothing goes into a command unescaped.

use std::fmt::Write;

use transload_model::{Diagnostic, Severity};

use super::place::Place;
use super::words::{counted, in_full, in_one_line, place, severity};
use super::{Base, Renderer, Report, concise};
use crate::cli::args::Format;

pub(super) const RENDERER: Renderer = Renderer { format: Format::Github, base: Base::of_checkout, render };

/// Annotations of one severity that GitHub shows for a step.
const SHOWN_MAX: usize = 10;

/// GitHub shows no summary at all that holds more than 1 MiB.
const SUMMARY_BYTES_MAX: usize = 1_000_000;

fn render(report: &Report, base: &Base) -> String {
    let (mut shown, mut rest) = (Vec::new(), Vec::new());
    for severity in [Severity::Error, Severity::Warning] {
        let problems = report.problems.iter().filter(|problem| problem.severity == severity);
        for (at, problem) in problems.enumerate() {
            if at < SHOWN_MAX {
                shown.push(annotation(problem, base));
            } else {
                rest.push(plain(&concise::line(problem, base)));
            }
        }
    }
    shown.extend(rest);
    shown.join("\n")
}

fn annotation(problem: &Diagnostic, base: &Base) -> String {
    let mut properties = Vec::new();
    if let Some(label) = problem.labels.first() {
        let Place { path, line, column, end_line, end_column } = Place::of(label);
        properties.push(format!("file={}", property(&base.path(path))));
        if line == end_line {
            properties.push(format!("line={line},col={column},endLine={end_line},endColumn={end_column}"));
        } else {
            // GitHub takes columns within one line only.
            properties.push(format!("line={line},endLine={end_line}"));
        }
    }
    properties.push(format!("title={}", problem.code));
    format!("::{} {}::{}", severity(problem), properties.join(","), data(&in_full(problem, base)))
}

/// A line of the log that is no command: neither begins with `::` nor holds `##[`, the older sign.
fn plain(line: &str) -> String {
    let start = if line.starts_with("::") { "./" } else { "" };
    format!("{start}{}", line.replace("##[", "## ["))
}

/// What follows a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A value within a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// All problems as a table in Markdown; `None` where there are none.
pub(crate) fn step_summary(report: &Report, base: &Base) -> Option<String> {
    if report.problems.is_empty() {
        return None;
    }
    let mut text = format!("### transload: {}\n\n", counted(&report.problems));
    text.push_str("| severity | code | place | problem |\n|---|---|---|---|\n");
    for (at, problem) in report.problems.iter().enumerate() {
        let row = row(problem, base);
        if text.len() + row.len() > SUMMARY_BYTES_MAX {
            let _ = writeln!(text, "\n{} more are in the log.", report.problems.len() - at);
            break;
        }
        text.push_str(&row);
    }
    Some(text + "\n")
}

fn row(problem: &Diagnostic, base: &Base) -> String {
    let place = problem.labels.first().map(|label| cell(&place(label, base))).unwrap_or_default();
    format!("| {} | {} | {place} | {} |\n", severity(problem), problem.code, cell(&in_one_line(problem)))
}

/// Text as it stands; only what is between backticks keeps them, as code.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for (at, part) in text.split('`').enumerate() {
        let is_code = at % 2 == 1;
        if at > 0 {
            out.push('`');
        }
        for sign in part.chars() {
            if sign == '|' || (!is_code && "\\<*_[]#~".contains(sign)) {
                out.push('\\');
            }
            out.push(sign);
        }
    }
    out
}
