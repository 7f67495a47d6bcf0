//! No input makes the compiler panic, and what it says always has a place that is in the file.

use proptest::prelude::*;
use transload_model::Diagnostic;

use super::kit::{DOCTORS, OFFICES, POSITIONS, PROJECT, good, problems_in, write, written};

fn check(found: &[Diagnostic]) {
    for label in found.iter().flat_map(|found| &found.labels) {
        assert!(label.file.text.get(label.span.clone()).is_some(), "{label:?}");
    }
    for found in found {
        assert!(!found.headline.is_empty() && !found.headline.ends_with('.'), "{found:?}");
    }
}

fn check_bytes(path: &str, bytes: &[u8]) {
    let directory = written(&good());
    write(directory.path(), "templates/key.yaml", b"template: key\nuse: [one]\nkey: { strategy: keep }\n");
    write(directory.path(), path, bytes);
    check(&problems_in(directory.path()));
}

/// Pieces that mean much to YAML and to specs.
const PIECES: &[&str] = &[
    "\n",
    " ",
    "  ",
    "\t",
    ":",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "'",
    "\"",
    "|",
    ">",
    "&a ",
    "*a",
    "!x ",
    "#",
    "~",
    "null",
    "true",
    "-1",
    "1.5",
    "99999999999999999999",
    "key",
    "source_field",
    "references",
    "offices",
    "row.",
    "boom",
    "é",
    "\u{feff}",
    "\0",
    "---",
    "...",
    "%",
    "<<",
    "?",
    "${X}",
    "\r\n",
];

/// Defaults of every kind.
const DEFAULTS: &str = "defaults:
  version: \"1\"
  is_active: true
  tags: [all]
  use: [one]
  source: { where: \"1 = 1 or '${vars.prefix}' = ''\" }
  field_mappings: { visits: { expression: \"`${row.visits}`\" }, seen_at: { default_value: 1 } }
  validation_rules: [{ field_name: visits, rule_type: range, rule_parameters: { min: 1 } }]
  transformation_functions: [{ name: one_more, function_body: value + 1 }]
";

const TEMPLATE: &str = "template: one
use: [two, key]
field_mappings:
  - { destination_field: email, source_field: email_addr }
validation_rules: [{ field_name: email, rule_type: required }]
";

/// Files that hold much of the language, and where they stand.
fn texts() -> Vec<(&'static str, String)> {
    vec![
        ("specs/doctors.yaml", OFFICES.to_owned()),
        ("specs/doctors.yaml", DOCTORS.to_owned()),
        ("specs/doctors.yaml", POSITIONS.to_owned()),
        ("transload.yaml", PROJECT.to_owned()),
        ("transload.yaml", PROJECT.replace("defaults:\n", DEFAULTS)),
        ("templates/one.yaml", TEMPLATE.to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200), is_project in any::<bool>()) {
        check_bytes(if is_project { "transload.yaml" } else { "specs/doctors.yaml" }, &bytes);
    }

    #[test]
    fn pieces_of_yaml(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..60)) {
        check_bytes("specs/doctors.yaml", pieces.concat().as_bytes());
    }

    #[test]
    fn good_specs_with_mistakes(
        (path, text) in proptest::sample::select(texts()),
        mistakes in proptest::collection::vec((any::<prop::sample::Index>(), 0..6_usize, proptest::sample::select(PIECES)), 1..5),
    ) {
        let mut text: Vec<char> = text.chars().collect();
        for (at, cut, piece) in mistakes {
            let at = at.index(text.len() + 1);
            let end = (at + cut).min(text.len());
            text.splice(at..end, piece.chars());
        }
        let text: String = text.into_iter().collect();
        check_bytes(path, text.as_bytes());
    }
}
