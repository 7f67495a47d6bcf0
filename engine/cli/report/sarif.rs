//! `--format sarif`: SARIF 2.1.0, which code scanning and editors read.

use serde_json::{Value, json};
use transload_model::{Code, Diagnostic, Exit, Label};

use super::fingerprint::fingerprints;
use super::place::Place;
use super::words::{in_full, severity};
use super::{Base, Renderer, Report};
use crate::cli::args::Format;
use crate::cli::render::pretty;

pub(super) const RENDERER: Renderer = Renderer { format: Format::Sarif, base: Base::of_checkout, render };

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

fn render(report: &Report, base: &Base) -> String {
    let mut codes: Vec<Code> = report.problems.iter().map(|problem| problem.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let fingerprints = fingerprints(&report.problems);
    let results = report.problems.iter().zip(fingerprints).map(|(problem, fingerprint)| {
        let mut result = result(problem, base);
        result["ruleIndex"] = codes.iter().position(|code| *code == problem.code).into();
        result["partialFingerprints"] = json!({ "transload/v1": fingerprint });
        result
    });
    pretty(&json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "transload",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
            } },
            "invocations": [{
                // To find problems is what it ran for.
                "executionSuccessful": matches!(report.exit, Exit::Done | Exit::Problems | Exit::Quarantine),
                "exitCode": report.exit as i32,
            }],
            "columnKind": "unicodeCodePoints",
            "results": results.collect::<Vec<_>>(),
        }],
    }))
}

fn rule(code: Code) -> Value {
    let info = code.info();
    json!({
        "id": info.number,
        "name": info.word,
        "shortDescription": { "text": info.sentence },
        "fullDescription": { "text": info.sentence },
        "help": { "text": info.remedy, "markdown": info.remedy },
    })
}

fn result(problem: &Diagnostic, base: &Base) -> Value {
    let mut result = json!({
        "ruleId": problem.code.info().number,
        "level": severity(problem),
        "message": { "text": in_full(problem, base) },
    });
    let Some((first, others)) = problem.labels.split_first() else {
        // Code scanning refuses a result without a place, and a project always has this file.
        let place = Place { path: super::PROJECT_FILE, line: 1, column: 1, end_line: 1, end_column: 1 };
        result["locations"] = json!([{ "physicalLocation": physical(&place, base) }]);
        return result;
    };
    result["locations"] = json!([location(first, base)]);
    if !others.is_empty() {
        let related = others.iter().zip(1..).map(|(label, id)| {
            let mut location = location(label, base);
            location["id"] = id.into();
            location
        });
        result["relatedLocations"] = related.collect();
    }
    result
}

fn location(label: &Label, base: &Base) -> Value {
    json!({ "physicalLocation": physical(&Place::of(label), base), "message": { "text": label.text } })
}

fn physical(place: &Place<'_>, base: &Base) -> Value {
    let path = base.path(place.path);
    let artifact = if path.starts_with('/') {
        json!({ "uri": format!("file://{}", uri(&path)) })
    } else {
        json!({ "uri": uri(&path), "uriBaseId": "%SRCROOT%" })
    };
    json!({
        "artifactLocation": artifact,
        "region": {
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.end_line,
            "endColumn": place.end_column,
        },
    })
}

/// A path as a URI has it.
fn uri(path: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'/' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    path.bytes().map(encoded).collect()
}
