//! `change_detection: { cursor_field: … }`: where the cursor tells the truth it is quick, and where it does not nothing is lost for long.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::alongside::{awaited, begun, begun_with, wait_for_units};
use crate::ends::{Ends, for_each_pair};
use crate::world::{World, assert_balanced, counts};

const SCHEMA: &str =
    "create table people (id uuid primary key, name text, born date, boss_id uuid references people (id));";

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
change_detection: { strategy: timestamp, cursor_field: upd, overlap: 1h, audit_runs: 4 }
deletes: { mode: hard }
field_mappings:
  name: nm
  born: { source_field: born, format: \"%Y%m%d\" }
  boss_id: { source_field: boss, references: people }
";

/// Rows by number; the cursor lies far back, as if nothing had been written for long.
fn rows(from: u32, to: u32) -> String {
    let row = |no: u32| format!("({no}, 'p{no}', null, null, '2001-02-03 04:05:06')");
    let rows: Vec<String> = (from..=to).map(row).collect();
    format!("insert into old_people values {};", rows.join(", "))
}

fn loaded(ends: Ends) -> World {
    let world = World::project(ends, "", SCHEMA, &[("people", PEOPLE)]);
    world
        .source()
        .execute("create table old_people (no integer primary key, nm text, born text, boss integer, upd timestamp);");
    world.source().execute(&rows(1, 40));
    let report = world.run();
    assert_eq!(moved(&report), [40, 0, 0, 0]);
    world
}

fn moved(report: &Value) -> [u64; 4] {
    let counts = counts(report, "people");
    ["new", "modified", "deleted", "quarantined"].map(|name| counts[name].as_u64().unwrap())
}

fn warnings(report: &Value) -> Vec<&str> {
    report["warnings"].as_array().unwrap().iter().filter_map(|warning| warning["code"].as_str()).collect()
}

fn what_sets_the_cursor_is_found_by_the_next_run(ends: Ends) {
    let world = loaded(ends);
    let changes = "update old_people set nm = 'x', upd = current_timestamp where no in (3, 5);
        update old_people set nm = 'no cursor', upd = null where no = 7;
        insert into old_people values (41, 'p41', 'no date', null, current_timestamp), (42, 'p42', null, 40, current_timestamp);
        delete from old_people where no in (10, 11);";
    for statement in changes.split(";\n") {
        world.source().execute(statement);
    }
    let report = world.run();
    assert_eq!(moved(&report), [1, 3, 2, 1]);
    assert_eq!(warnings(&report), [""; 0]);
    let guarantee = report["entities"][0]["guarantee"].as_str().unwrap();
    assert!(guarantee.starts_with("bounded: a write that sets `upd`"), "{guarantee}");
    world.assert_as_expected();
    let again = world.run();
    assert_eq!(moved(&again), [0, 0, 0, 1]);
    assert_eq!(
        world.destination().texts("select name from people where name in ('x', 'no cursor') order by 1"),
        ["no cursor", "x", "x"]
    );
}

fn what_does_not_set_the_cursor_is_found_within_a_turn_of_the_audit(ends: Ends) {
    let world = loaded(ends);
    // Segments that are as small as units, of which four runs read all.
    let small = "load: { batch_size: 10, checkpoint_interval: 1 }\ndeletes:";
    world.replace("specs/people.yaml", "deletes:", small);
    let fresh = |from: u32| rows(from, from + 9).replace("'2001-02-03 04:05:06'", "current_timestamp");
    for from in [100, 200, 300, 400, 500, 600] {
        world.source().execute(&fresh(from));
        assert_eq!(moved(&world.run()), [10, 0, 0, 0]);
        world.source().execute("update old_people set upd = '2001-02-03 04:05:06'");
    }
    let segments = world.destination().ledger("segments");
    assert_eq!(world.destination().count(&segments), 7);
    world.source().execute("update old_people set nm = 'silent', upd = '2001-02-03 04:05:06' where no in (2, 105, 205, 305, 405, 505, 605)");
    let mut found = 0;
    let mut told = 0;
    for _ in 0..4 {
        let report = world.run();
        let overlooked = moved(&report)[1];
        assert_eq!(warnings(&report).contains(&"TL0445"), overlooked > 0, "{report}");
        found += overlooked;
        told += u64::from(overlooked > 0);
    }
    assert_eq!(found, 7);
    assert!(told >= 1);
    world.assert_as_expected();
}

fn rows_that_wait_for_others_are_tried_again_though_their_cursor_is_old(ends: Ends) {
    let world = loaded(ends);
    world.source().execute("insert into old_people values (50, 'child', null, 60, current_timestamp)");
    assert_eq!(moved(&world.run()), [0, 0, 0, 1]);
    world.source().execute("update old_people set upd = '2001-02-03 04:05:06' where no = 50");
    world.source().execute("insert into old_people values (60, 'parent', null, null, current_timestamp)");
    let mut runs = vec![moved(&world.run())];
    runs.push(moved(&world.run()));
    assert_eq!(runs.iter().map(|moved| moved[0]).sum::<u64>(), 2, "{runs:?}");
    world.assert_as_expected();
}

fn another_strategy_and_other_specs_read_every_row(ends: Ends) {
    let world = loaded(ends);
    world.source().execute("update old_people set nm = 'silent' where no in (2, 39)");
    world.replace(
        "specs/people.yaml",
        "strategy: timestamp, cursor_field: upd, overlap: 1h, audit_runs: 4",
        "strategy: hash",
    );
    assert_eq!(moved(&world.run()), [0, 2, 0, 0]);
    world.replace("specs/people.yaml", "strategy: hash", "cursor_field: upd");
    world.replace("specs/people.yaml", "name: nm", "name: { source_field: nm, transformation: upper }");
    assert_eq!(moved(&world.run_with(&["--remap"])), [0, 40, 0, 0]);
    world.assert_as_expected();
}

/// Whatever the pass that meets it first, a row that is named is tried once, and counts once.
fn a_row_that_is_named_is_tried_once(ends: Ends) {
    let world = loaded(ends);
    world.replace("specs/people.yaml", "audit_runs: 4", "audit_runs: 1");
    let bad = rows(50, 52).replace("null, null", "'no date', null");
    world.source().execute(&bad);
    world.source().execute("update old_people set upd = current_timestamp where no = 51");
    world.source().execute("update old_people set upd = null where no = 52");
    assert_eq!(moved(&world.run()), [0, 0, 0, 3]);
    let attempts = |no: u32| {
        let quarantine = world.destination().ledger("quarantine");
        world.destination().number(&format!("select attempts from {quarantine} where source_key = '{no}'"))
    };
    for no in [50, 51, 52] {
        let before = attempts(no);

        let told = world.transload(&["quarantine", "retry", "people", "--key", &no.to_string(), "--format", "json"]);

        let report: Value = serde_json::from_str(&told.stdout).unwrap();
        let counts = counts(&report, "people");
        let of = |name: &str| counts[name].as_u64().unwrap();
        let became = of("new") + of("modified") + of("unchanged") + of("filtered") + of("quarantined");
        assert_eq!(of("read"), became, "{no}: {counts}");
        assert!(of("quarantined") >= 1, "{no}: {counts}");
        assert_eq!(attempts(no), before + 1, "{no}: {counts}");
    }
    let reason = ["--reason", "test rows"];
    assert_eq!(world.transload(&[&["quarantine", "discard", "people", "--all"][..], &reason].concat()).code, 0);
    let report = world.run();
    assert_eq!(
        (moved(&report), &counts(&report, "people")["discarded"]),
        ([0, 0, 0, 2], &2.into()),
        "two of them are met"
    );
    world.source().execute("update old_people set born = null where no >= 50");
    assert_eq!(moved(&world.run()), [3, 0, 0, 0]);
    world.assert_as_expected();
}

/// Its keys are read by the reader that read its rows: the run may have no other.
fn what_is_gone_is_found_where_there_is_one_reader(ends: Ends) {
    let world = loaded(ends);
    world.replace("transload.yaml", "defaults:", "execution: { parallel_entity_limit: 1 }\ndefaults:");
    if ends.is_from_postgres() {
        world.replace("transload.yaml", "read_only: true", "pool: 2, read_only: true");
    }
    world.source().execute("delete from old_people where no in (10, 11)");

    let told = awaited(begun_with(&world, &["run", "--format", "json"]));

    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(moved(&serde_json::from_str(&told.stdout).unwrap()), [0, 0, 2, 0]);
    world.assert_as_expected();
}

/// What one row gives up another takes, though the cursor of that one says nothing: it was not counted before.
fn a_row_that_finds_its_value_free_counts_once(ends: Ends) {
    let schema = SCHEMA.replace("name text", "name text unique");
    let world = World::project(ends, "", &schema, &[("people", PEOPLE)]);
    world
        .source()
        .execute("create table old_people (no integer primary key, nm text, born text, boss integer, upd timestamp);");
    world.source().execute(&rows(1, 10));
    world.source().execute("update old_people set nm = 'p1' where no in (2, 3)");
    let report = world.run();
    assert_eq!(moved(&report), [8, 0, 0, 2]);
    assert_balanced(&report);
    world.source().execute("update old_people set nm = 'x' || no, upd = current_timestamp where no in (1, 5)");

    let report = world.run();

    assert_balanced(&report);
    assert_eq!(moved(&report), [1, 2, 0, 1], "{report}");
    assert_eq!(world.quarantine().len(), 1);
}

/// Its cursor moves or does not: a row without a key leaves the quarantine when it has one, and stays as long as it has none.
fn a_row_that_is_given_a_key_leaves_the_quarantine(ends: Ends) {
    let spec = PEOPLE.replace("deletes:", "key: { source: no }\ndeletes:");
    let world = World::project(ends, "", SCHEMA, &[("people", &spec)]);
    world.source().execute(
        "create table old_people (no integer, nm text, born text, boss integer, upd timestamp);
         create unique index old_numbers on old_people (no);",
    );
    world.source().execute(&rows(1, 10));
    for name in ["given", "gone", "left"] {
        world
            .source()
            .execute(&format!("insert into old_people values (null, '{name}', null, null, '2001-02-03 04:05:06')"));
    }
    let mut left = 1;
    if !ends.is_from_postgres() {
        // A key of another type than its column promises.
        world.source().execute("insert into old_people values ('no number', 'odd', null, null, '2001-02-03 04:05:06')");
        left += 1;
    }
    assert_eq!(moved(&world.run()), [10, 0, 0, left + 2]);
    world.source().execute("update old_people set no = 90, upd = current_timestamp where nm = 'given'");
    world.source().execute("delete from old_people where nm = 'gone'");

    for new in [1, 0, 0] {
        let report = world.run();

        assert_balanced(&report);
        assert_eq!(moved(&report)[0], new, "{report}");
        assert_eq!(world.quarantine().len() as u64, left, "{:?}", world.quarantine());
    }
}

/// How sound an entity is follows from all of its rows, whatever the cursor makes a run read.
fn a_budget_is_judged_by_all_rows_of_the_entity(ends: Ends) {
    let world = loaded(ends);
    let with_budget = |from: &str, to: &str| world.replace("specs/people.yaml", from, to);
    with_budget("deletes:", "load: { max_errors: 10% }\ndeletes:");
    world.source().execute(&rows(50, 51).replace("null, null", "'no date', null"));
    world.source().execute("update old_people set upd = current_timestamp where no >= 50");
    assert_eq!(moved(&world.run()), [0, 0, 0, 2], "two of 42 may fail");
    world.source().execute("update old_people set upd = '2001-02-03 04:05:06'");
    with_budget("10%", "1");

    let told = world.transload(&["run", "--format", "json"]);

    assert_eq!(told.code, 3, "rows that failed before count as well: {told:?}");
    assert!(told.stderr.contains("2 rows of `people` failed, 1 are allowed"), "{told:?}");
    with_budget("max_errors: 1", "max_errors: 2");
    world.run();
    let reason = ["--reason", "test rows"];
    assert_eq!(world.transload(&[&["quarantine", "discard", "people", "--key", "50"][..], &reason].concat()).code, 0);
    with_budget("max_errors: 2", "max_errors: 1");
    world.run();
}

const THINGS: &str = "
entity_type: things
source_table: old_things
destination_table: things
version: \"1\"
change_detection: { strategy: timestamp, cursor_field: upd, audit_runs: 3 }
deletes: { mode: hard, max: 50% }
load: { streams: 4, batch_size: 500, checkpoint_interval: 1 }
field_mappings: { name: nm }
";

/// Twenty thousand rows, whose cursor lies far back.
fn many() -> World {
    let schema = "create table things (id uuid primary key, name text);";
    let world = World::project(Ends::PostgresToPostgres, "", schema, &[("things", THINGS)]);
    world.source().execute(
        "create table old_things (no integer primary key, nm text, upd timestamptz);
         insert into old_things select i, 'thing ' || i, '2001-02-03 04:05:06Z' from generate_series(1, 20000) i;
         analyze old_things",
    );
    world
}

fn moved_things(report: &Value) -> [u64; 3] {
    ["new", "modified", "deleted"].map(|name| counts(report, "things")[name].as_u64().unwrap())
}

/// How many streams committed units in a run, beside the entity itself.
fn streams_of(world: &World, report: &Value) -> usize {
    let events = world.read(&format!(".transload/runs/{}/events.jsonl", report["run_id"].as_str().unwrap()));
    let events = events.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let units = events.filter(|event| event["type"] == "unit_committed");
    let streams: BTreeSet<u64> = units.map(|unit| unit["stream"].as_u64().unwrap()).collect();
    streams.range(1..).count()
}

/// The moment up to which everything was seen.
fn bound(world: &World) -> u64 {
    world.destination().number("select found ->> 'bound' from transload.stream_positions where stream = 0")
}

/// What was read already goes away, so that fewer segments are left to share: the turn takes no longer for it.
#[test]
fn a_turn_of_the_audit_takes_no_more_runs_where_segments_go() {
    let world = many();
    world.replace("specs/things.yaml", "streams: 4, batch_size: 500", "batch_size: 50");
    world.replace("specs/things.yaml", "audit_runs: 3", "audit_runs: 4");
    world.source().execute("delete from old_things where no > 800");
    world.run();
    assert_eq!(world.destination().number("select count(*) from transload.segments"), 16);
    world.source().execute("update old_things set nm = 'silent' where no = 800");
    let mut moved = vec![moved_things(&world.run())];
    world.source().execute("delete from old_things where no <= 200");

    moved.extend((0..3).map(|_| moved_things(&world.run())));

    assert_eq!(moved, [[0, 0, 0], [0, 0, 200], [0, 0, 0], [0, 1, 0]]);
}

#[test]
fn a_first_load_is_moved_in_streams_and_audited_like_any_other() {
    let world = many();
    let first = world.run();
    assert_eq!(moved_things(&first), [20_000, 0, 0]);
    assert_eq!(streams_of(&world, &first), 4);

    // One row in the part of each stream whose cursor says nothing, and others whose cursor does.
    world.source().execute(
        "update old_things set nm = 'silent' where no in (3, 6000, 11000, 19999);
         update old_things set nm = 'told', upd = now() where no in (4, 6001, 11001, 19998);
         delete from old_things where no in (5, 6002, 11002, 19997);
         insert into old_things values (20001, 'new', now())",
    );
    let mut runs = vec![world.run()];
    assert_eq!(streams_of(&world, &runs[0]), 0, "a pass by a cursor has one stream");
    runs.extend([world.run(), world.run()]);

    let moved: Vec<[u64; 3]> = runs.iter().map(moved_things).collect();
    assert_eq!([moved[0][0], moved[0][2]], [1, 4], "{moved:?}");
    assert_eq!(moved.iter().map(|moved| moved[1]).sum::<u64>(), 8, "{moved:?}");
    assert!(moved[0][1] >= 4 && moved[0][1] < 8, "the first audit looks at a third of the segments: {moved:?}");
    let told = runs.iter().zip(&moved).all(|(run, moved)| {
        let is_first = std::ptr::eq(run, &runs[0]);
        warnings(run).contains(&"TL0445") == (moved[1] > if is_first { 4 } else { 0 })
    });
    assert!(told, "{moved:?}");
    world.assert_as_expected();
}

/// The interrupted process had looked at the source before; what moved since is behind the moment that it noted, not behind that of the next.
#[test]
fn what_moves_while_a_first_load_is_interrupted_is_found_by_the_cursor() {
    let world = many();
    let mut run = begun(&world);
    wait_for_units(&world, &mut run, 20);
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(world.destination().count("things") < 20_000, "the run ended before it was killed");
    let noted = bound(&world);
    world.source().execute("update old_things set nm = 'meanwhile', upd = now() where no % 100 = 1");

    let resumed = world.run();
    assert_eq!(resumed["resumed"], true);
    assert!(streams_of(&world, &resumed) >= 4, "it goes on with the same ranges");
    assert_eq!(bound(&world), noted);
    let seen = world.destination().count("things where name = 'meanwhile'");
    assert!(seen < 200, "rows behind a position were read again");
    let next = world.run();

    assert_eq!(moved_things(&next), [0, 200 - seen, 0]);
    assert!(!warnings(&next).contains(&"TL0445"), "{next}");
    world.assert_as_expected();
}

for_each_pair!(
    a_budget_is_judged_by_all_rows_of_the_entity,
    a_row_that_is_given_a_key_leaves_the_quarantine,
    a_row_that_finds_its_value_free_counts_once,
    what_is_gone_is_found_where_there_is_one_reader,
    what_sets_the_cursor_is_found_by_the_next_run,
    what_does_not_set_the_cursor_is_found_within_a_turn_of_the_audit,
    rows_that_wait_for_others_are_tried_again_though_their_cursor_is_old,
    another_strategy_and_other_specs_read_every_row,
    a_row_that_is_named_is_tried_once,
);
