//! Specs (table A of the fault catalogue) whose fault only a run finds.

use super::{document, first_problem};
use crate::alongside::{WAITING, awaited, begun, wait_for};
use crate::ends::Ends;
use crate::refusals::{library, library_between};

const SPEC: &str = "specs/books.yaml";

#[test]
fn a24_a_key_that_does_not_tell_rows_apart_is_refused_before_a_row_is_written() {
    let world = library(2);
    world.replace(SPEC, "field_mappings:", "key: { source: shelf }\nfield_mappings:");

    let told = world.transload(&["run", "--format", "json"]);

    assert_eq!(told.code, 1, "{told:?}");
    assert_eq!(first_problem(&document(&told)).0, "TL0309 KEY_NOT_UNIQUE");
}

#[test]
fn a29_a_spec_that_changed_since_the_last_run_is_told_and_rewrites_nothing() {
    let world = library(1);
    world.run();
    let before = world.destination().texts("select id || title from books order by id");
    world.replace(SPEC, "[trimmed, upper]", "[trimmed, lower]");

    let report = world.run();

    assert_eq!(report["warnings"][0]["word"], "SPEC_CHANGED", "{report}");
    assert_eq!(world.destination().texts("select id || title from books order by id"), before);
}

/// A run goes by what it read when it began, to its end; the next one sees the change.
#[test]
fn a29_a_spec_that_changes_during_a_run_changes_nothing_of_it() {
    let world = library_between(Ends::SqliteToPostgres, 1);
    world.destination().execute(&world.read("schema.sql"));
    world.destination().execute("begin; lock table books in share mode");
    let run = begun(&world);
    wait_for(world.destination(), WAITING);
    let written = world.read(SPEC);
    world.replace(SPEC, "[trimmed, upper]", "[trimmed, lower]");
    world.destination().execute("rollback");

    let told = awaited(run);

    assert_eq!(told.code, 0, "{told:?}");
    let changed = world.read(SPEC);
    world.write(SPEC, &written);
    world.assert_as_expected();
    world.write(SPEC, &changed);
    assert_eq!(world.run()["warnings"][0]["word"], "SPEC_CHANGED");
    world.run_with(&["--remap"]);
    world.assert_as_expected();
}
