//! `detect`, and `run --plan`: what a run would move is told without moving it, and exactly that is moved.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::alongside::{awaited, begun, committed, wait_for_units, wait_until_alone};
use crate::ends::{Ends, for_each_pair};
use crate::world::{World, counts};

const SCHEMA: &str = "
create table teams (id uuid primary key, name text not null);
create table people (id uuid primary key, name text not null, born date, team_id uuid references teams (id));
";

const TEAMS: &str = "
entity_type: teams
source_table: old_teams
destination_table: teams
version: \"1\"
field_mappings: { name: nm }
";

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
deletes: { mode: hard }
field_mappings:
  name: { source_field: nm, transformation: trimmed }
  born: { source_field: born, format: \"%d.%m.%Y\" }
  team_id: { source_field: team, references: teams }
";

const FILL: &str = "
create table old_teams (no integer primary key, nm text);
create table old_people (no integer primary key, nm text, born text, team integer);
insert into old_teams values (1, 'red'), (2, 'blue');
insert into old_people values (1, 'a', '01.02.1990', 1), (2, 'b', null, 1), (3, 'c', '31.12.1999', 2), (4, 'd', '30.02.2000', 2), (5, 'e', null, 1),
    (6, 'f', null, 1), (7, 'g', null, 2);
";

const CHANGES: &str = "
insert into old_teams values (3, 'green');
update old_people set nm = 'A', team = 2 where no = 1;
update old_people set nm = ' b ' where no = 2;
update old_people set born = 'unknown' where no = 3;
update old_people set team = 3 where no = 5;
delete from old_people where no = 6;
insert into old_people values (8, 'h', null, 3);
";

fn loaded(ends: Ends) -> World {
    let world = World::project(ends, "", SCHEMA, &[("teams", TEAMS), ("people", PEOPLE)]);
    world.source().execute(FILL);
    assert_eq!(counts(&world.run(), "people")["new"], 6);
    world
}

fn detect(world: &World, flags: &[&str]) -> Value {
    let mut arguments = vec!["detect", "--format", "json"];
    arguments.extend(flags);
    let ended = world.transload(&arguments);
    assert_eq!(ended.code, 0, "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

/// `entity kind key`, and the fields or why they are not known.
fn lines(found: &Value) -> Vec<String> {
    let line = |change: &Value| {
        let text = |name: &str| change[name].as_str().unwrap_or_default().to_owned();
        let fields = match (&change["fieldChanges"], &change["fieldChanges_unknown"]) {
            (Value::Array(names), _) => names.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>().join(","),
            (_, Value::String(why)) => why.clone(),
            _ => "-".to_owned(),
        };
        format!("{} {} {} {fields}", text("entityType"), text("changeType"), text("recordId"))
    };
    found["changesDetected"].as_array().unwrap().iter().map(line).collect()
}

const FOUND: [&str; 7] = [
    "teams new 3 -",
    "people new 8 -",
    "people modified 1 name,team_id",
    "people modified 2 ",
    "people modified 3 as things are it would be set aside: VALUE_FORMAT",
    "people modified 5 as things are it would be set aside: PARENT_MISSING",
    "people deleted 6 -",
];

fn changes_are_found_with_their_fields_and_nothing_is_written(ends: Ends) {
    let world = loaded(ends);
    assert_eq!(detect(&world, &[])["summary"]["totalChanges"], 0);
    world.source().execute(CHANGES);
    let before = world.destination().fingerprint();

    let found = detect(&world, &[]);

    assert_eq!(lines(&found), FOUND);
    let summary = json!({ "totalChanges": 7, "newRecords": 2, "modifiedRecords": 4, "deletedRecords": 1,
        "entitiesAffected": ["teams", "people"] });
    assert_eq!(found["summary"], summary);
    assert_eq!(world.destination().fingerprint(), before, "the destination was written");
    assert_eq!(lines(&detect(&world, &["teams"])), FOUND[..1]);
    let asked = world.transload(&["detect", "--exit-code"]);
    assert_eq!(asked.code, 10, "{asked:?}");
    // Kept, and shown page by page.
    let id = found["detectionId"].as_str().unwrap();
    let page = detect(&world, &["--show", id, "--from", "2", "--limit", "3"]);
    assert_eq!(lines(&page), FOUND[2..5]);
    assert_eq!(page["total"], 7);
}

fn a_run_moves_exactly_what_was_detected(ends: Ends) {
    let world = loaded(ends);
    world.source().execute(CHANGES);
    let found = detect(&world, &[]);
    let id = found["detectionId"].as_str().unwrap();
    // One of the detected rows moves on, and another change is made that nobody looked at.
    world.source().execute("update old_people set nm = 'AA' where no = 1; update old_people set nm = 'G' where no = 7");

    let planned = world.transload(&["run", "--plan", &id[id.len() - 8..], "--format", "json"]);

    assert_eq!(planned.code, 6, "{planned:?}");
    assert!(planned.stderr.contains("1 row of `people` is not what it was when it was detected"), "{planned:?}");
    let report: Value = serde_json::from_str(&planned.stdout).unwrap();
    let moved = counts(&report, "people");
    assert_eq!([&moved["new"], &moved["modified"], &moved["deleted"], &moved["quarantined"]], [1, 2, 1, 1]);
    let names = || world.destination().texts("select name from people order by name");
    assert_eq!(names(), ["a", "b", "c", "e", "g", "h"]);
    // What it left alone, the next run finds.
    assert_eq!(lines(&detect(&world, &[])), ["people modified 1 name,team_id", "people modified 7 name"]);
    world.run();
    assert_eq!(names(), ["AA", "G", "b", "c", "e", "h"]);
    let again = world.transload(&["run", "--plan", id]);
    assert_eq!(again.code, 6, "{again:?}");
    assert_eq!(names(), ["AA", "G", "b", "c", "e", "h"]);
}

/// Whatever the source holds by then: to run it again would tell of rows that are not what they were, which is true and helps nobody.
fn a_plan_that_was_carried_out_says_so(ends: Ends) {
    let world = loaded(ends);
    world.source().execute(CHANGES);
    let id = detect(&world, &[])["detectionId"].as_str().unwrap().to_owned();
    let done = world.run_with(&["--plan", &id]);
    assert_eq!(counts(&done, "people")["quarantined"], 1);
    world.source().execute("update old_people set nm = 'later' where no = 1");
    let run = done["run_id"].as_str().unwrap();
    let (before, folders) = (world.destination().fingerprint(), runs(&world));

    let again = world.transload(&["run", "--plan", &id]);

    assert_eq!(again.code, 0, "{again:?}");
    let told = format!("detection {} was carried out by run {}", &id[id.len() - 8..], &run[run.len() - 8..]);
    assert!(again.stdout.contains(&told) && again.stderr.is_empty(), "{again:?}");
    let document = world.run_with(&["--plan", &id]);
    assert_eq!(document, json!({ "schema": "transload.plan/1", "detectionId": id, "carriedOutBy": run }));
    assert_eq!(world.destination().fingerprint(), before, "the destination was written");
    assert_eq!(runs(&world), folders, "it counts as a run");
    assert_eq!(lines(&detect(&world, &[])), ["people modified 1 name"]);
}

fn runs(world: &World) -> usize {
    std::fs::read_dir(world.file(".transload/runs")).unwrap().count()
}

fn a_plan_does_not_outlive_its_specs_or_its_ledger(ends: Ends) {
    let world = loaded(ends);
    world.source().execute("update old_people set nm = 'x' where no = 1");
    let id = detect(&world, &[])["detectionId"].as_str().unwrap().to_owned();
    world.replace("specs/people.yaml", "trimmed", "upper");
    let refused = world.transload(&["run", "--plan", &id]);
    assert_eq!(refused.code, 6, "{refused:?}");
    assert!(refused.stderr.contains("the spec of `people` is not what it was at detection"), "{refused:?}");
    assert_eq!(world.destination().texts("select name from people where name = 'X' or name = 'x'"), [""; 0]);
    let unknown = world.transload(&["run", "--plan", "ffffffff"]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(unknown.stderr.contains("no detection has the id"), "{unknown:?}");
}

/// It would be told as done, and what it had not moved would wait for nobody.
fn an_interrupted_run_is_not_ended_by_a_plan(ends: Ends) {
    let world = loaded(ends);
    world.replace("transload.yaml", "defaults:", "defaults:\n  load: { batch_size: 20, checkpoint_interval: 1 }");
    world.source().execute(
        "with recursive n (i) as (select 100 union all select i + 1 from n where i < 10000)
         insert into old_people select i, 'p' || i, null, 1 from n",
    );
    let id = detect(&world, &["--limit", "1"])["detectionId"].as_str().unwrap().to_owned();
    let mut first = begun(&world);
    wait_for_units(&world, &mut first, committed(&world) + 20);
    first.kill().unwrap();
    assert_eq!(awaited(first).code, -1, "it was done before it was killed");
    wait_until_alone(&world);

    let refused = world.transload(&["run", "--plan", &id]);

    assert_eq!(refused.code, 6, "{refused:?}");
    assert!(refused.stderr.contains("TL0512") && refused.stderr.contains("transload cancel"), "{refused:?}");
    let report = world.run();
    assert_eq!((&report["resumed"], &report["status"]), (&true.into(), &"completed".into()));
    world.assert_as_expected();
}

/// Whoever comes after a run of some rows that was killed must not take it for one of all rows.
fn a_run_after_a_plan_looks_at_every_row(ends: Ends) {
    let world = loaded(ends);
    world.source().execute("update old_people set nm = 'x' where no = 5");
    let id = detect(&world, &[])["detectionId"].as_str().unwrap().to_owned();
    world
        .source()
        .execute("update old_people set nm = 'y' where no = 1; insert into old_people values (9, 'new', null, 1)");
    world.run_with(&["--plan", &id]);
    let report = world.run();
    assert_eq!([&counts(&report, "people")["new"], &counts(&report, "people")["modified"]], [1, 1]);
    world.assert_as_expected();
}

/// Entities of very different sizes: the first has more changes than wait anywhere, others are through long before it.
const SIZES: [u32; 6] = [30_000, 3, 0, 9_000, 40, 5_000];

/// All that is kept of a detection, in its order.
fn kept(world: &World) -> (Value, Vec<String>, Vec<Value>) {
    let found = detect(world, &["--limit", "100000"]);
    let id = found["detectionId"].as_str().unwrap();
    let stored = detect(world, &["--show", id, "--limit", "100000"]);
    assert_eq!(lines(&stored), lines(&found), "what is kept is not what was told");
    let control = Connection::open(world.file(".transload/control.db")).unwrap();
    let sql = "select number || ' ' || entity_type || ' ' || hex(source_key) || ' ' || digest from detected_changes
               where detection_id = ?1 order by number";
    let mut statement = control.prepare(sql).unwrap();
    let digests = statement.query_map([id], |row| row.get(0)).unwrap().collect::<Result<Vec<String>, _>>().unwrap();
    (found["summary"].clone(), digests, stored["changesDetected"].as_array().unwrap().clone())
}

fn several_entities_at_a_time_are_told_of_in_their_order(ends: Ends) {
    let mut schema = String::new();
    let mut specs = Vec::new();
    for number in 0..SIZES.len() {
        schema += &format!("create table t{number} (id uuid primary key, name text);\n");
        let spec = TEAMS.replace("teams", &format!("t{number}"));
        specs.push((format!("t{number}"), spec));
    }
    let specs: Vec<(&str, &str)> = specs.iter().map(|(name, spec)| (&**name, &**spec)).collect();
    let world = World::project(ends, "execution: { parallel_entity_limit: 1 }", &schema, &specs);
    for number in 0..SIZES.len() {
        world.source().execute(&format!("create table old_t{number} (no integer primary key, nm text)"));
    }
    world.source().execute("insert into old_t0 values (1, 'gone'), (2, 'as it was'), (3, 'to change')");
    world.run();
    world.source().execute("delete from old_t0 where no = 1; update old_t0 set nm = 'changed' where no = 3");
    for (number, rows) in SIZES.iter().enumerate() {
        world.source().execute(&format!(
            "insert into old_t{number} with recursive n (i) as (select 1 union all select i + 1 from n where i < {rows})
             select i + 10, 'row ' || i from n where i <= {rows}"
        ));
    }

    let one_by_one = kept(&world);
    world.replace("transload.yaml", "parallel_entity_limit: 1", "parallel_entity_limit: 4");
    let side_by_side = kept(&world);

    assert_eq!(one_by_one.0["totalChanges"], SIZES.iter().sum::<u32>() + 2);
    assert_eq!(one_by_one.0, side_by_side.0);
    assert!(one_by_one.1 == side_by_side.1, "other changes, or in another order");
    assert!(one_by_one.2 == side_by_side.2, "changes are told in another way");
}

#[test]
fn as_many_changes_are_shown_as_were_asked_for() {
    let world = loaded(Ends::SqliteToSqlite);
    world.source().execute(CHANGES);
    let shown = |flags: &[&str]| {
        let told = world.transload(&[&["detect"], flags].concat());
        let kinds = ["new", "modified", "deleted"];
        let is_change = |line: &&str| line.split_whitespace().nth(1).is_some_and(|word| kinds.contains(&word));
        (told.stdout.lines().filter(|line| !line.contains("read")).filter(is_change).count(), told.stdout)
    };

    assert_eq!(shown(&[]).0, 7);
    let (lines, said) = shown(&["--limit", "2"]);
    assert_eq!(lines, 2, "{said}");
    assert!(said.contains("2 of 7"), "{said}");
}

#[test]
fn what_a_run_would_do_otherwise_is_said() {
    let world = loaded(Ends::SqliteToSqlite);
    world.source().execute("with recursive n (i) as (select 100 union all select i + 1 from n where i < 120) insert into old_people select i, 'p', null, 1 from n");
    world.run();
    world.source().execute("delete from old_people where no >= 100");

    let told = world.transload(&["detect"]);

    assert!(
        told.stderr.contains("people: 21 of 27 rows are gone from the source") && told.stderr.contains("TL0421"),
        "{told:?}"
    );
    let run = world.transload(&["run"]);
    assert!(run.stderr.contains("TL0421"), "{run:?}");
}

/// What is gone stays where deletes are ignored, and what waits for a row that is still missing waits on.
fn what_no_run_would_move_is_no_reason_for_one(ends: Ends) {
    let world = loaded(ends);
    world.replace("specs/people.yaml", "deletes: { mode: hard }\n", "");
    world.source().execute("insert into old_people values (9, 'waits', null, 9), (10, 'bad', 'never', 1)");
    world.run();
    world.source().execute("delete from old_people where no = 6; insert into old_teams values (3, 'green')");
    world.run();

    let told = world.transload(&["detect", "--exit-code"]);

    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.stdout.contains("nothing to move") && !told.stdout.contains("next:"), "{told:?}");
    assert!(told.stderr.contains("people: 1 gone from the source stay"), "{told:?}");
    let found = detect(&world, &[]);
    assert_eq!(lines(&found), ["people deleted 6 -"]);
    let before = world.destination().fingerprint();
    world.run();
    assert_eq!(world.destination().fingerprint(), before);
    world.source().execute("insert into old_teams values (9, 'late')");
    world.run();
    assert_eq!(world.destination().number("select count(*) from people where name = 'waits'"), 1);
}

/// A row that the guard has kept is to go no more once the source has it again, whatever was detected of it before.
fn a_plan_deletes_no_row_that_came_back(ends: Ends) {
    let world = loaded(ends);
    world.replace("specs/people.yaml", "mode: hard", "mode: hard, max: 1");
    world.source().execute("delete from old_people where no in (1, 2)");
    assert_eq!(world.transload(&["run"]).code, 6);
    let found = detect(&world, &[]);
    assert_eq!(lines(&found), ["people deleted 1 -", "people deleted 2 -"]);
    let id = found["detectionId"].as_str().unwrap();
    world.source().execute("insert into old_people values (1, 'back', null, 1)");

    let planned = world.transload(&["run", "--plan", &id[id.len() - 8..], "--max-deletes", "2"]);

    assert_eq!(planned.code, 6, "{planned:?}");
    let names = || world.destination().texts("select name from people order by name");
    assert_eq!(names(), ["a", "c", "e", "f", "g"]);
    world.run();
    assert_eq!(names(), ["back", "c", "e", "f", "g"]);
    world.assert_as_expected();
}

/// A row that may not go, came back with other content and left its plan again is none that was loaded so.
fn what_a_plan_left_alone_is_tried_by_the_next_run(ends: Ends) {
    let world = loaded(ends);
    world.destination().execute(
        "create table badges (person_id uuid references people (id));
         insert into badges select id from people where name = 'a'",
    );
    let spoil = "update old_people set born = 'unknown' where no = 1";
    world.source().execute(spoil);
    world.run();
    world.source().execute("delete from old_people where no = 1");
    world.run();
    let refused = "people 1 DELETE_REFUSED -";
    assert_eq!(world.quarantine(), [refused, "people 4 VALUE_FORMAT born"]);
    world.source().execute("insert into old_people values (1, 'better', '01.02.1990', 1)");
    let id = detect(&world, &[])["detectionId"].as_str().unwrap().to_owned();
    world.source().execute(&spoil.replace("set", "set nm = 'a',"));

    let planned = world.transload(&["run", "--plan", &id]);

    assert_eq!(planned.code, 6, "{planned:?}");
    assert!(planned.stderr.contains("TL0443"), "{planned:?}");
    let report = world.run();
    assert_eq!(counts(&report, "people")["quarantined"], 2, "{report}");
    let spoilt = ["people 1 VALUE_FORMAT born", "people 4 VALUE_FORMAT born"];
    assert_eq!(world.quarantine(), spoilt);
    world.run();
    assert_eq!(world.quarantine(), spoilt);
    assert_eq!(world.destination().count("people where name = 'a'"), 1);
}

/// Whether it moved itself or waits as it was, it comes in the run that brings what it refers to.
fn who_waits_for_a_row_that_comes_is_told_as_well(ends: Ends) {
    let world = loaded(ends);
    world.source().execute("insert into old_people values (8, 'h', null, 7), (9, 'i', null, 3), (10, 'k', 'never', 1)");
    world.run();
    world.source().execute(
        "insert into old_teams values (3, 'green');
         update old_people set team = 3 where no = 8;
         update old_people set born = null, team = 3 where no = 10;
         insert into old_people values (11, 'l', null, 3)",
    );
    // Without the teams, only the last is new.
    assert_eq!(lines(&detect(&world, &["people"])), ["people new 11 -"]);

    let found = detect(&world, &[]);

    let people = [8, 9, 10, 11].map(|no| format!("people new {no} -"));
    assert_eq!(lines(&found), [&["teams new 3 -".to_owned()], &people[..]].concat());
    let report = world.run_with(&["--plan", found["detectionId"].as_str().unwrap()]);
    assert_eq!([&counts(&report, "teams")["new"], &counts(&report, "people")["new"]], [1, 4]);
    assert_eq!(world.quarantine(), ["people 4 VALUE_FORMAT born"]);
    assert_eq!(detect(&world, &[])["summary"]["totalChanges"], 0);
    let before = world.destination().fingerprint();
    world.run();
    assert_eq!(world.destination().fingerprint(), before, "a run that finds nothing writes nothing");
}

/// What it waits for was found, and cannot be loaded: it is still what it was when it was detected.
fn who_waits_for_a_row_that_fails_waits_on(ends: Ends) {
    let world = loaded(ends);
    world.source().execute("insert into old_people values (9, 'i', null, 3)");
    world.run();
    world.source().execute("insert into old_teams values (3, null)");
    let found = detect(&world, &[]);
    assert_eq!(lines(&found), ["teams new 3 -", "people new 9 -"]);

    let report = world.run_with(&["--plan", found["detectionId"].as_str().unwrap()]);

    assert_eq!([&counts(&report, "teams")["quarantined"], &counts(&report, "people")["quarantined"]], [1, 1]);
    let waits = ["people 4 VALUE_FORMAT born", "people 9 PARENT_MISSING team_id", "teams 3 REQUIRED_MISSING name"];
    assert_eq!(world.quarantine(), waits);
    assert_eq!(detect(&world, &[])["summary"]["totalChanges"], 0);
}

for_each_pair!(
    who_waits_for_a_row_that_fails_waits_on,
    what_a_plan_left_alone_is_tried_by_the_next_run,
    who_waits_for_a_row_that_comes_is_told_as_well,
    a_plan_deletes_no_row_that_came_back,
    what_no_run_would_move_is_no_reason_for_one,
    several_entities_at_a_time_are_told_of_in_their_order,
    changes_are_found_with_their_fields_and_nothing_is_written,
    a_run_moves_exactly_what_was_detected,
    a_plan_that_was_carried_out_says_so,
    a_plan_does_not_outlive_its_specs_or_its_ledger,
    a_run_after_a_plan_looks_at_every_row,
    an_interrupted_run_is_not_ended_by_a_plan,
);
