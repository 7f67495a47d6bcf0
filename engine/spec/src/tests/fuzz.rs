//! No input makes the compiler panic, and what it says always has a place that is in the file.

use proptest::prelude::*;
use transload_model::Diagnostic;

use super::kit::{DOCTORS, OFFICES, POSITIONS, good, problems_in, write, written};

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
        spec in proptest::sample::select(&[OFFICES, DOCTORS, POSITIONS, super::kit::PROJECT][..]),
        mistakes in proptest::collection::vec((any::<prop::sample::Index>(), 0..6_usize, proptest::sample::select(PIECES)), 1..5),
    ) {
        let mut text: Vec<char> = spec.chars().collect();
        for (at, cut, piece) in mistakes {
            let at = at.index(text.len() + 1);
            let end = (at + cut).min(text.len());
            text.splice(at..end, piece.chars());
        }
        let text: String = text.into_iter().collect();
        let path = if spec == super::kit::PROJECT { "transload.yaml" } else { "specs/doctors.yaml" };
        check_bytes(path, text.as_bytes());
    }
}
