//! `transload drift`: what it tells, what it takes over, what it suggests, and what it refuses.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::ends::{Ends, for_each_pair};
use crate::world::World;

const TABLES: &str = "
create table towns (id integer primary key, name text);
create table people (id uuid primary key, name text not null, town integer, note varchar(20), mail varchar(80));
";

const PEOPLE: &str = "entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
field_mappings:
  name: nm
  town: { source_field: town_no, is_required: false }
  mail: email
";

const TOWNS: &str = "entity_type: towns
source_table: old_towns
destination_table: towns
version: \"1\"
key: { strategy: keep }
auto_map: true
";

/// What is told of all that `alter` does.
const TOLD: &str = "\
breaks  legacy.old_people.nm      column `nm` is gone; `full_nm` is where it was, and like it
        specs/people.yaml:6       `name` has no source any more
look    legacy.old_towns.country  column `country` is new: text
        specs/towns.yaml:6        nothing takes it: the destination has no such column that is free
safe    legacy.old_people.fax     column `fax` is new: text
                                  no spec reads it
safe    platform.people.note      column `note` is gone
                                  no spec fills it

1 breaking, 1 to look at, 2 safe
";

/// A project whose destination is made, and that is locked.
fn world(ends: Ends) -> World {
    let world = World::project(ends, "", TABLES, &[("people", PEOPLE), ("towns", TOWNS)]);
    world.source().execute(
        "create table old_people (no integer primary key, nm text, town_no integer, email text);
         create table old_towns (id integer primary key, name text);
         insert into old_people values (1, 'Ada', 1, 'a@x');
         insert into old_towns values (1, 'London')",
    );
    world.run();
    let told = world.transload(&["validate", "--lock"]);
    assert_eq!(told.code, 0, "{told:?}");
    world
}

/// Something of each weight, at both ends.
fn alter(world: &World) {
    world.source().execute("alter table old_people rename column nm to full_nm");
    world.source().execute("alter table old_towns add column country text");
    world.source().execute("alter table old_people add column fax text");
    world.destination().execute("alter table people drop column note");
}

fn answered(world: &World, arguments: &[&str]) -> (i32, Value) {
    let told = world.transload(&[&["drift", "--format", "json"], arguments].concat());
    let answer = serde_json::from_str(&told.stdout).unwrap_or_else(|error| panic!("{error}: {told:?}"));
    (told.code, answer)
}

/// `breaks legacy.old_people.nm`
fn listed(answer: &Value) -> Vec<String> {
    let changes = answer["changes"].as_array().unwrap().iter();
    let text = |change: &Value, key: &str| change[key].as_str().unwrap().to_owned();
    changes.map(|change| format!("{} {}", text(change, "weight"), text(change, "name"))).collect()
}

fn what_changed_is_told_with_what_it_touches(ends: Ends) {
    let world = world(ends);
    let told = world.transload(&["drift"]);
    assert!(told.code == 0 && told.stdout.contains("nothing changed"), "{told:?}");
    alter(&world);

    let told = world.transload(&["drift"]);

    assert_eq!(told.code, 1, "{told:?}");
    let (head, table) = told.stdout.split_once("\n\n").unwrap();
    assert!(head.starts_with("against transload.lock of 20"), "{head}");
    // The systems spell types in their own way.
    assert_eq!(table.replace("TEXT", "text"), TOLD);
    assert!(told.stderr.contains("transload drift --accept '"), "{told:?}");
    assert!(told.stderr.contains("transload drift --suggest"), "{told:?}");
    assert_eq!(world.transload(&["drift", "--exit-code"]).code, 10);
    let towns = answered(&world, &["towns"]);
    assert_eq!((towns.0, listed(&towns.1)), (0, vec!["look legacy.old_towns.country".to_owned()]));
}

fn programs_are_told_everything(ends: Ends) {
    let world = world(ends);
    alter(&world);

    let (code, answer) = answered(&world, &["people"]);

    assert_eq!((code, &answer["schema"], &answer["exit_code"]), (1, &"transload.drift/1".into(), &1.into()));
    assert_eq!((&answer["breaks"], &answer["look"], &answer["safe"]), (&1.into(), &0.into(), &2.into()));
    let first = &answer["changes"][0];
    let diff = "--- specs/people.yaml\n+++ specs/people.yaml\n@@ -3,6 +3,6 @@\n destination_table: people\n version: \"1\"\n \
                field_mappings:\n-  name: nm\n+  name: full_nm\n   town: { source_field: town_no, is_required: false }\n   mail: email\n";
    let expected = json!({
        "name": "legacy.old_people.nm",
        "weight": "breaks",
        "side": "source",
        "connection": "legacy",
        "table": "old_people",
        "column": "nm",
        "query_of": null,
        "change": "column_renamed",
        "message": "column `nm` is gone; `full_nm` is where it was, and like it",
        "why": "`name` has no source any more",
        "entities": ["people"],
        "places": ["specs/people.yaml:6"],
        "suggestions": [{ "diff": diff }],
    });
    assert_eq!(*first, expected);
    assert_eq!(
        listed(&answer),
        ["breaks legacy.old_people.nm", "safe legacy.old_people.fax", "safe platform.people.note"]
    );
}

fn what_is_suggested_can_be_pasted_and_then_all_arrives(ends: Ends) {
    let world = world(ends);
    alter(&world);
    world.source().execute("update old_people set full_nm = 'Ada Lovelace'");
    let refused = world.transload(&["run"]);
    assert!(refused.code == 6 && refused.stderr.contains("TL0431"), "{refused:?}");
    assert_eq!(refused.stderr.matches("TL0431 (").count(), 1, "it is told once: {refused:?}");
    assert!(!refused.stderr.contains("TL0203"), "{refused:?}");

    let told = world.transload(&["drift", "--suggest"]);

    assert!(told.stdout.contains("-  name: nm\n+  name: full_nm\n"), "{told:?}");
    let mut patch =
        Command::new("patch").args(["-p0", "--quiet"]).current_dir(world.path()).stdin(Stdio::piped()).spawn().unwrap();
    patch.stdin.take().unwrap().write_all(told.stdout.as_bytes()).unwrap();
    assert!(patch.wait().unwrap().success(), "{}", told.stdout);
    world.run();
    world.assert_as_expected();
    assert_eq!(world.destination().texts("select name from people"), ["Ada Lovelace"]);
}

fn what_is_accepted_is_taken_over_and_nothing_else(ends: Ends) {
    let world = world(ends);
    alter(&world);
    let before = world.read("transload.lock");

    let told = world.transload(&["drift", "--accept", "*.fax", "--accept", "platform.people"]);

    assert_eq!(told.code, 0, "{told:?}");
    let lock = world.read("transload.lock");
    let lines = |from: &str, other: &str| {
        let other: Vec<&str> = other.lines().collect();
        from.lines().filter(|line| !other.contains(line)).map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let (gone, new) = (lines(&before, &lock), lines(&lock, &before));
    assert!(gone.len() == 1 && gone[0].contains("name: note,"), "{gone:?}");
    assert!(new.len() == 1 && new[0].contains("name: fax,"), "{new:?}");
    assert_eq!(listed(&answered(&world, &[]).1), ["breaks legacy.old_people.nm", "look legacy.old_towns.country"]);

    let (code, answer) = answered(&world, &["--accept-all"]);

    assert_eq!((code, answer["accepted"].as_array().unwrap().len(), listed(&answer).len()), (0, 2, 0));
    let accepted = world.read("transload.lock");
    assert_eq!(listed(&answered(&world, &[]).1), [""; 0]);
    world.replace("specs/people.yaml", "name: nm", "name: full_nm");
    let again = world.transload(&["validate", "--lock"]);
    assert!(again.code == 0 && again.stderr.contains("transload.lock is as it was"), "{again:?}");
    assert_eq!(world.read("transload.lock"), accepted);
}

/// A change that only a person can judge: the run goes on with it once somebody said so.
#[test]
fn a_break_that_is_accepted_lets_the_run_go_on() {
    let world = world(Ends::PostgresToPostgres);
    world.destination().execute("alter table people alter mail type varchar(40)");
    let refused = world.transload(&["run"]);
    assert!(refused.code == 6 && refused.stderr.contains("TL0431"), "{refused:?}");
    assert_eq!(answered(&world, &["--accept", "platform.people.mail"]).0, 0);

    world.run();

    world.assert_as_expected();
}

#[test]
fn without_a_lock_nothing_is_compared() {
    let world = world(Ends::SqliteToSqlite);
    let refused = |says: &[&str]| {
        let told = world.transload(&["drift"]);
        assert_eq!(told.code, 2, "{told:?}");
        assert!(says.iter().all(|text| told.stderr.contains(text)), "{told:?}");
    };
    let lock = world.read("transload.lock");

    std::fs::remove_file(world.file("transload.lock")).unwrap();
    refused(&["TL0013", "`transload validate --lock`"]);
    world.write("transload.lock", &lock.replace("version: 1", "version: 7"));
    refused(&["TL0014", "it has version 7"]);
    world.write("transload.lock", "<<<<<<< HEAD\n");
    refused(&["TL0014"]);
    world.write("transload.lock", &lock.replace("platform: sqlite", "platform: postgres"));
    refused(&["TL0013", "written for postgres"]);
}

#[test]
fn a_name_that_nothing_has_is_answered_with_those_that_there_are() {
    let world = world(Ends::SqliteToSqlite);
    alter(&world);
    let lock = world.read("transload.lock");
    for (name, says) in [
        ("legacy.old_people.nmm", "did you mean `legacy.old_people.nm`?"),
        ("people", "legacy.old_people.fax, legacy.old_people.nm, legacy.old_towns.country, platform.people.note"),
        ("legacy.[", "is no pattern"),
    ] {
        let told = world.transload(&["drift", "--accept", "*.fax", "--accept", name]);
        let said = told.stderr.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.code == 2 && said.contains("TL0446") && said.contains(says), "{name}: {told:?}");
        assert_eq!(world.read("transload.lock"), lock);
    }
    let told = world.transload(&["drift", "peple"]);
    assert!(told.code == 2 && told.stderr.contains("did you mean `people`?"), "{told:?}");
}

#[test]
fn a_spec_that_came_after_the_lock_is_said_not_to_be_compared() {
    let world = world(Ends::SqliteToSqlite);
    world.replace("specs/towns.yaml", "entity_type: towns", "entity_type: cities");

    let told = world.transload(&["drift"]);

    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.stderr.contains("not compared, because their specs came after the lock: `cities`"), "{told:?}");
    assert_eq!(answered(&world, &[]).1["not_locked"], json!(["cities"]));
}

/// Who cannot read a spec cannot tell what it needs.
#[test]
fn a_spec_that_cannot_be_read_is_told_first() {
    let world = world(Ends::SqliteToSqlite);
    alter(&world);
    world.write("specs/people.yaml", "entity_type: [");

    let told = world.transload(&["drift"]);

    assert!(told.code == 1 && told.stderr.contains("specs/people.yaml"), "{told:?}");
}

for_each_pair!(
    what_changed_is_told_with_what_it_touches,
    programs_are_told_everything,
    what_is_suggested_can_be_pasted_and_then_all_arrives,
    what_is_accepted_is_taken_over_and_nothing_else,
);
