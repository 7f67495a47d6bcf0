//! `--format junit`: the report of a test run. A file is a suite, a problem in it is a case that fails.

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite, XmlString};
use transload_model::{Diagnostic, Severity};

use super::place::Place;
use super::words::{in_full, in_one_line, place};
use super::{Base, Renderer, Report, Warnings};
use crate::cli::args::Format;

pub(super) const RENDERER: Renderer = Renderer { format: Format::Junit, base: Base::of_checkout, render };

/// The suite of problems that are in no file.
const NO_FILE: &str = "project";

fn render(report: &Report, base: &Base) -> String {
    let mut document = quick_junit::Report::new("transload");
    for file in files(report) {
        let problems = report.problems.iter().filter(|problem| file_of(problem) == file);
        let cases: Vec<TestCase> = problems.map(|problem| case(problem, report.warnings, base)).collect();
        let mut suite = TestSuite::new(suite_name(file, base));
        for (_, name) in report.passed.iter().filter(|(path, _)| file == Some(path.as_str())) {
            suite.add_test_case(described(TestCase::new(name, TestCaseStatus::success()), file, base));
        }
        if cases.is_empty() && suite.test_cases.is_empty() {
            suite.add_test_case(described(TestCase::new("valid", TestCaseStatus::success()), file, base));
        }
        suite.add_test_cases(cases);
        document.add_test_suite(suite);
    }
    let text = document.to_string().expect("memory takes what is written to it");
    text.trim_end().to_owned()
}

/// The files that were looked at, then others that have problems, then no file where a problem is in none.
fn files(report: &Report) -> Vec<Option<&str>> {
    let mut files: Vec<Option<&str>> = report.files.iter().map(|file| Some(file.as_str())).collect();
    let (placed, unplaced): (Vec<_>, Vec<_>) = report.problems.iter().map(file_of).partition(Option::is_some);
    for file in placed.into_iter().chain(unplaced) {
        if !files.contains(&file) {
            files.push(file);
        }
    }
    files
}

fn file_of(problem: &Diagnostic) -> Option<&str> {
    problem.labels.first().map(|label| label.file.path.as_str())
}

fn suite_name(file: Option<&str>, base: &Base) -> String {
    file.map_or_else(|| NO_FILE.to_owned(), |file| base.path(file))
}

fn case(problem: &Diagnostic, warnings: Warnings, base: &Base) -> TestCase {
    let first = problem.labels.first().map(Place::of);
    let at = first.as_ref().map(|first| format!(" at {}:{}", first.line, first.column)).unwrap_or_default();
    let name = format!("{}{at}", problem.code);
    let fails = problem.severity == Severity::Error || warnings == Warnings::Denied;
    let case = if fails {
        TestCase::new(name, failure(problem, base))
    } else {
        let mut case = TestCase::new(name, TestCaseStatus::success());
        case.set_system_out(format!("warning: {}", told(problem, base)));
        case
    };
    let mut case = described(case, file_of(problem), base);
    if let Some(first) = first {
        case.extra.insert(XmlString::new("line"), XmlString::new(first.line.to_string()));
    }
    case
}

fn failure(problem: &Diagnostic, base: &Base) -> TestCaseStatus {
    let mut failure = TestCaseStatus::non_success(NonSuccessKind::Failure);
    failure.set_type(problem.code.info().number).set_message(in_one_line(problem));
    failure.set_description(told(problem, base));
    failure
}

/// All that is said about a problem, with its place.
fn told(problem: &Diagnostic, base: &Base) -> String {
    let place = problem.labels.first().map(|label| format!("{}\n", place(label, base))).unwrap_or_default();
    format!("{place}{}", in_full(problem, base))
}

/// The case with the file that it is about.
fn described(mut case: TestCase, file: Option<&str>, base: &Base) -> TestCase {
    case.set_classname(suite_name(file, base));
    if let Some(file) = file {
        case.extra.insert(XmlString::new("file"), XmlString::new(base.path(file)));
    }
    case
}
