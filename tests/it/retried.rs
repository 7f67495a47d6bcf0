//! `run --retry-quarantined`: what was in the way of a row is gone, and nothing says so.

use std::time::Duration;

use serde_json::Value;

use crate::alongside::{awaited, begun};
use crate::ends::{Ends, for_each_pair};
use crate::world::{World, assert_balanced, counts};

const SCHEMA: &str = "
create table countries (code text primary key);
create table people (id uuid primary key, name text not null, country text references countries (code), boss_id uuid references people (id));
";

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
field_mappings:
  name: nm
  country: ctry
  boss_id: { source_field: boss, references: people }
";

const FILL: &str = "
create table old_people (no integer primary key, nm text, ctry text, boss integer);
insert into old_people values (1, 'a', null, null), (2, 'b', null, 1), (3, 'c', 'fr', 1), (4, null, null, 2), (5, 'e', null, 3), (6, 'f', null, 9);
";

fn moved(report: &Value) -> [u64; 3] {
    let counts = counts(report, "people");
    ["new", "modified", "quarantined"].map(|name| counts[name].as_u64().unwrap())
}

fn a_row_whose_obstacle_is_gone_arrives_when_it_is_asked_for(ends: Ends) {
    let world = World::project(ends, "", SCHEMA, &[("people", PEOPLE)]);
    world.source().execute(FILL);
    assert_eq!(moved(&world.run()), [2, 0, 4]);
    let before = world.quarantine();
    let waits = ["CONSTRAINT_FOREIGN_KEY", "REQUIRED_MISSING", "PARENT_MISSING", "PARENT_MISSING"];
    assert!(before.iter().zip(waits).all(|(row, code)| row.contains(code)), "{before:?}");

    world.destination().execute("insert into countries values ('fr')");
    assert_eq!(moved(&world.run()), [0, 0, 4]);
    assert_eq!(world.quarantine(), before);

    // Those behind it come along, and who is as bad as before stays.
    assert_eq!(moved(&world.run_with(&["--retry-quarantined"])), [2, 0, 2]);
    assert_eq!(world.destination().texts("select name from people order by name"), ["a", "b", "c", "e"]);
    let left = ["people 4 REQUIRED_MISSING name", "people 6 PARENT_MISSING boss_id"];
    assert_eq!(world.quarantine(), left);
    world.assert_as_expected();
    assert_eq!(moved(&world.run_with(&["--retry-quarantined"])), [0, 0, 2]);
    assert_eq!(world.quarantine(), left);
}

/// A row that waits for a value brings those along that wait for it, at once and in a later run.
fn a_row_that_waited_for_a_value_brings_its_children_along(ends: Ends) {
    let schema =
        "create table people (id uuid primary key, code text unique, name text, boss_id uuid references people (id));";
    let spec = PEOPLE.replace("country: ctry", "code: code");
    let later = "update old_people set code = 'c9' where no = 1";
    for (rows, then) in [
        ("(1, 'a', 'c1', null), (2, 'b', 'c1', null), (3, 'c', null, 2), (4, 'd', null, 3)", Some(later)),
        ("(1, 'a', 'c1', 99), (2, 'b', 'c1', null), (3, 'c', null, 2), (4, 'd', null, 5), (5, 'e', null, 3)", None),
    ] {
        let world = World::project(ends, "", schema, &[("people", &spec)]);
        world.source().execute("create table old_people (no integer primary key, nm text, code text, boss integer)");
        world.source().execute(&format!("insert into old_people values {rows}"));
        world.run();
        if let Some(then) = then {
            assert_eq!(world.destination().texts("select name from people"), ["a"]);
            world.source().execute(then);
            world.run();
        }
        let names = world.destination().texts("select name from people order by name");
        let expected: &[&str] = if then.is_some() { &["a", "b", "c", "d"] } else { &["b", "c", "d", "e"] };
        assert_eq!(names, expected, "{:?}", world.quarantine());
        let before = world.destination().fingerprint();
        world.run();
        assert_eq!(world.destination().fingerprint(), before, "a run that found nothing wrote");
        world.assert_as_expected();
    }
}

/// Rows that a failed run had loaded are not new in the run that finds them bad; what that one loads itself is.
fn rows_that_a_failed_run_left_open_are_counted_as_what_they_were(ends: Ends) {
    let schema = "create table people (id uuid primary key, name text not null, boss_id uuid references people (id),
                  check (boss_id is null or name <> 'alone'));";
    let spec = PEOPLE.replace("  country: ctry\n", "");
    let world = World::project(ends, "  load: { max_errors: 0 }", schema, &[("people", &spec)]);
    world.source().execute(
        "create table old_people (no integer primary key, nm text, boss integer);
         insert into old_people values (1, 'a', null), (2, 'b', 9), (3, 'c', 1), (4, null, null), (5, 'alone', 1), (6, 'f', 2)",
    );
    let told = world.transload(&["run"]);
    assert!(told.code == 3 && told.stderr.contains("TL0420"), "{told:?}");
    assert_eq!(world.destination().count("people"), 5, "with their fields open");
    world.replace("transload.yaml", "max_errors: 0", "max_errors: 10");
    world.source().execute("insert into old_people values (7, 'g', null), (8, 'h', 3), (10, 'j', null)");

    let report = world.run();

    assert_balanced(&report);
    let all = ["read", "new", "modified", "unchanged", "quarantined"];
    let found = all.map(|name| counts(&report, "people")[name].as_u64().unwrap());
    assert_eq!(found, [9, 3, 0, 2, 4], "{:?}", world.quarantine());
    assert_eq!(world.destination().texts("select name from people order by name"), ["a", "alone", "c", "g", "h", "j"]);
    assert_balanced(&world.run());
}

/// Whoever has locked the file may let it go a little later than one statement waits.
#[test]
fn a_destination_that_is_locked_for_a_while_is_tried_again() {
    let world = World::project(Ends::SqliteToSqlite, "", SCHEMA, &[("people", PEOPLE)]);
    world.source().execute(FILL);
    world.run();
    world.source().execute("insert into old_people values (7, 'g', null, null)");
    let lock = world.database("data/platform.db");
    lock.execute_batch("begin immediate").unwrap();
    let run = begun(&world);
    std::thread::sleep(Duration::from_secs(13));
    drop(lock);

    let told = awaited(run);

    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(world.destination().texts("select name from people where name = 'g'"), ["g"]);
}

#[test]
fn who_has_locked_a_source_is_said() {
    let world = World::project(Ends::SqliteToSqlite, "", SCHEMA, &[("people", PEOPLE)]);
    world.source().execute(FILL);
    let lock = world.database("data/legacy.db");
    lock.execute_batch("begin exclusive").unwrap();

    let told = world.transload(&["run"]);

    assert_eq!(told.code, 4, "{told:?}");
    let holder = format!("process {} on ", std::process::id());
    assert!(told.stderr.contains(&holder) && told.stderr.contains("another process has locked it"), "{told:?}");
    assert!(!told.stderr.contains("check the path"), "{told:?}");
}

for_each_pair!(
    a_row_whose_obstacle_is_gone_arrives_when_it_is_asked_for,
    a_row_that_waited_for_a_value_brings_its_children_along,
    rows_that_a_failed_run_left_open_are_counted_as_what_they_were,
);
