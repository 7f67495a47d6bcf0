//! `docs/failures.md`: every line names a test that shows it, and each of them exists.

use crate::world::root;

/// The names in the last column of all tables.
fn named(text: &str) -> Vec<&str> {
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| what happens"));
    let mut names = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        assert_eq!(cells.len(), 4, "{row}");
        let before = names.len();
        names.extend(cells[3].split('`').skip(1).step_by(2));
        assert!(names.len() > before, "no test shows this: {row}");
    }
    names
}

/// Whether a file of this folder has a test, or a scenario for several pairs of systems, of that name.
fn exists(name: &str) -> bool {
    let (module, function) = name.rsplit_once("::").unwrap_or_default();
    let file = root().join("tests/it").join(module.replace("::", "/")).with_extension("rs");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let is_test = text.contains(&format!("#[test]\nfn {function}()"));
    // A scenario is listed once more, where it is made a test for each pair.
    is_test || (text.contains(&format!("fn {function}(ends: Ends)")) && text.matches(function).count() > 1)
}

#[test]
fn every_failure_that_is_described_is_shown_by_a_test() {
    let text = std::fs::read_to_string(root().join("docs/failures.md")).unwrap();

    let names = named(&text);

    let missing: Vec<&str> = names.iter().copied().filter(|name| !exists(name)).collect();
    assert!(names.len() > 40, "only {} tests are named", names.len());
    assert!(missing.is_empty(), "there is no {missing:#?}");
    assert!(!exists("kill::nobody_wrote_this"), "the look itself is blind");
}
