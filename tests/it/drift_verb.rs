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
    // What nobody needs to look at is no example of what a person should.
    assert!(told.stderr.contains("transload drift --accept 'legacy.old_towns.country'"), "{told:?}");
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

    let told = world.transload(&["drift", "--accept", "*.fax", "--accept", "platform.people.*"]);

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
        ("legacy.[", "nothing that changed is called `legacy.[`"),
        // The name of a table means what is about no column of it.
        ("platform.people", "nothing that changed is called `platform.people`"),
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
    assert!(told.stderr.contains("because transload.lock does not hold what they name: `cities`"), "{told:?}");
    assert!(told.stdout.contains("nothing changed of what was compared"), "{told:?}");
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

/// A project of one entity that is loaded and locked, from what `given` makes.
fn loaded(ends: Ends, spec: &str, tables: &str, given: &str) -> World {
    let world = World::project(ends, "", tables, &[("people", spec)]);
    world.source().execute(given);
    world.run();
    let told = world.transload(&["validate", "--lock"]);
    assert_eq!(told.code, 0, "{told:?}");
    world
}

/// Refuses the change before anything is written, and says so in the same way whoever is asked.
fn assert_breaks(world: &World, change: &str, says: &str) {
    let before = world.destination().fingerprint();
    world.source().execute(change);

    let (code, answer) = answered(world, &[]);
    let run = world.transload(&["run"]);

    assert_eq!((code, &answer["exit_code"]), (1, &1.into()), "{change}: {answer}");
    let whys: Vec<String> = answer["changes"].as_array().unwrap().iter().map(Value::to_string).collect();
    assert!(whys.iter().any(|why| why.contains("\"breaks\"") && why.contains(says)), "{change}: {answer}");
    assert!(run.code == 6 && run.stderr.contains("TL0431"), "{change}: {run:?}");
    assert_eq!(world.destination().fingerprint(), before, "{change}: the destination was touched");
    let suggested = world.transload(&["drift", "--suggest"]);
    assert!(!suggested.stdout.contains("no spec needs another word"), "{change}: {suggested:?}");
}

const COMPUTED: &str = "entity_type: people
source_table: old_people
source: { where: \"st < 5 and kind <> 'st'\" }
destination_table: people
version: \"1\"
field_mappings:
  name: nm
  mail: { expression: \"row.score + 1\" }
";

const OF_COMPUTED: &str =
    "create table old_people (no integer primary key, nm text, st integer, kind text, score integer);
    insert into old_people values (1, 'Ada', 1, 'a', 1), (2, 'Bob', 9, 'b', 2)";

fn what_scripts_and_conditions_read_is_no_safe_change(ends: Ends) {
    let world = loaded(ends, COMPUTED, TABLES, OF_COMPUTED);

    assert_breaks(&world, "alter table old_people rename column st to state", "`where` names it");
    world.source().execute("alter table old_people rename column state to st");
    assert_breaks(&world, "alter table old_people rename column score to points", "a script of `mail` reads it");
    world.source().execute("alter table old_people rename column points to score");
    if ends.is_from_postgres() {
        for (column, says) in [("st", "`where` compares it"), ("score", "a script of `mail` computes with it")] {
            let to = |name: &str| format!("alter table old_people alter {column} type {name} using {column}::{name}");
            assert_breaks(&world, &to("text"), says);
            world.source().execute(&to("integer"));
        }
    }
    assert_eq!(listed(&answered(&world, &[]).1), [""; 0]);
    world.run();
    assert_eq!(world.destination().texts("select mail from people"), ["2"]);
}

const QUERIED: &str = "entity_type: people
source_table: persons
source: { query: \"select no, nm from old_people\" }
key: { source: no }
destination_table: people
version: \"1\"
field_mappings:
  name: nm
";

fn a_query_that_is_refused_is_no_safe_change(ends: Ends) {
    let given = "create table old_people (no integer primary key, nm text); insert into old_people values (1, 'Ada')";
    let world = loaded(ends, QUERIED, TABLES, given);

    let refused = "the database no longer takes the query";
    assert_breaks(&world, "alter table old_people rename column nm to called", refused);
    world.source().execute("alter table old_people rename column called to nm");
    assert_breaks(&world, "alter table old_people rename to persons", refused);
    world.source().execute("alter table persons rename to old_people");

    world.run();
    assert_eq!(world.destination().texts("select name from people"), ["Ada"]);
}

const STARRED: &str = "entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
auto_map: { on_new_column: fail }
";

fn a_column_that_its_star_refuses_is_a_change(ends: Ends) {
    let given = "create table old_people (no integer primary key, name text, fax text);
        insert into old_people values (1, 'Ada', '1')";
    let world = loaded(ends, STARRED, TABLES, given);
    world.destination().execute("alter table people add column fax text");

    let run = world.transload(&["run"]);

    assert!(run.code == 6 && run.stderr.contains("TL0431"), "{run:?}");
    let said = run.stderr.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("`transload drift --accept 'platform.people.fax'`"), "{said}");
    assert_eq!(answered(&world, &["--accept", "platform.people.fax"]).0, 0);
    world.run();
    assert_eq!(world.destination().texts("select fax from people"), ["1"]);
}

/// The next run would find none of its rows again, and load each of them anew.
#[test]
fn a_key_that_is_written_in_another_way_breaks() {
    let spec = "entity_type: people\nsource_table: old_people\ndestination_table: people\nversion: \"1\"\n\
                deletes: { mode: hard, max: 100% }\nfield_mappings: { name: nm }\n";
    let given = "create table old_people (id char(5) primary key, at timestamp unique, nm text);
        insert into old_people values ('1', '2026-01-01 10:00:00.7', 'Ada'), ('2', '2026-01-02', 'Bob')";
    let world = loaded(Ends::PostgresToPostgres, spec, TABLES, given);
    for declared in ["char(8)", "text", "varchar(4)"] {
        let says = "keys of loaded rows may be written in another way";
        assert_breaks(&world, &format!("alter table old_people alter id type {declared}"), says);
        world.source().execute("alter table old_people alter id type char(5)");
    }
    world.run();
    world.assert_as_expected();
}

#[test]
fn what_a_type_takes_is_part_of_it() {
    let tables = "create type mood as enum ('open', 'shipped'); create domain short as varchar(20);
        create table towns (id integer primary key);
        create table people (id uuid primary key, name text not null, mood mood, word short, town integer references towns);";
    let spec = "entity_type: people\nsource_table: old_people\ndestination_table: people\nversion: \"1\"\n\
                field_mappings: { name: nm, mood: { default_value: open }, word: nm }\n";
    let given = "create table old_people (no integer primary key, nm text); insert into old_people values (1, 'Ada')";
    let world = loaded(Ends::PostgresToPostgres, spec, tables, given);
    for (change, undo, expected) in [
        (
            "alter type mood rename value 'shipped' to 'sent'",
            "alter type mood rename value 'sent' to 'shipped'",
            vec!["look platform.people.mood"],
        ),
        (
            "alter domain short add constraint long check (length(value) > 1)",
            "alter domain short drop constraint long",
            vec!["look platform.people.word"],
        ),
        (
            "alter table people drop constraint people_town_fkey;
             alter table people add foreign key (town) references towns on delete cascade",
            "alter table people drop constraint people_town_fkey; alter table people add foreign key (town) references towns",
            vec!["look platform.people", "look platform.people"],
        ),
        (
            "alter table people add unique (mood)",
            "alter table people drop constraint people_mood_key",
            vec!["look platform.people"],
        ),
        (
            "alter table people add unique (name)",
            "alter table people drop constraint people_name_key",
            vec!["look platform.people"],
        ),
    ] {
        world.destination().execute(change);
        assert_eq!(listed(&answered(&world, &[]).1), expected, "{change}");
        world.destination().execute(undo);
        assert_eq!(listed(&answered(&world, &[]).1), [""; 0], "{undo}");
    }
    // What is unique stays so where it takes NULL.
    world.destination().execute("alter table people add unique (name)");
    assert_eq!(answered(&world, &["--accept-all"]).0, 0);
    world.destination().execute("alter table people alter name drop not null");
    assert_eq!(listed(&answered(&world, &[]).1), ["safe platform.people.name"]);
}

/// What is about a table and what is about its columns are accepted by different names; brackets stand for nothing but themselves.
#[test]
fn a_table_is_accepted_without_its_columns() {
    let world = world(Ends::SqliteToSqlite);
    world.destination().execute(
        "alter table people drop column mail; alter table people add column \"odd[1]\" text;
         create trigger keeper after insert on people begin select 1; end",
    );
    assert_eq!(
        listed(&answered(&world, &[]).1),
        ["breaks platform.people.mail", "look platform.people", "safe platform.people.odd[1]"]
    );

    let table = answered(&world, &["--accept", "platform.people"]).1;
    let odd = answered(&world, &["--accept", "platform.people.odd[1]"]).1;

    assert_eq!(listed(&table), ["breaks platform.people.mail", "safe platform.people.odd[1]"]);
    assert_eq!(listed(&odd), ["breaks platform.people.mail"]);
    assert_eq!(listed(&answered(&world, &["--accept", "platform.people.*"]).1), [""; 0]);
}

/// What the lock was not written for was compared with nothing.
#[test]
fn what_is_not_locked_is_not_said_to_be_as_it_was() {
    let world = world(Ends::SqliteToSqlite);
    world.source().execute("create table older (no integer primary key, nm text, town_no integer, email text)");
    world.replace("specs/people.yaml", "source_table: old_people", "source_table: older");

    let validated = world.transload(&["validate"]);
    let run = world.transload(&["run"]);

    assert!(validated.code == 0 && !validated.stdout.contains("are as transload.lock says"), "{validated:?}");
    for told in [format!("{validated:?}"), format!("{run:?}")] {
        assert!(told.contains("TL0316") && told.contains("it lacks `legacy.older`"), "{told}");
    }
    assert_eq!(answered(&world, &[]).1["not_locked"], json!(["people"]));
}

#[test]
fn what_is_locked_anew_is_counted() {
    let world = world(Ends::SqliteToSqlite);
    alter(&world);
    world.replace("specs/people.yaml", "name: nm", "name: full_nm");
    world.destination().execute("alter table people drop column mail");
    world.replace("specs/people.yaml", "  mail: email\n", "");

    let told = world.transload(&["validate", "--lock"]);

    assert!(told.code == 0 && told.stderr.contains("It takes over 5 changes, 0 breaking"), "{told:?}");
    world.destination().execute("alter table towns rename column name to called");
    world.replace("specs/towns.yaml", "auto_map: true", "field_mappings: { called: name }");
    let told = world.transload(&["validate", "--lock"]);
    assert!(told.stderr.contains("It takes over 1 change, 0 breaking"), "{told:?}");
}

/// A project that does not compile for another reason is not said to be well.
#[test]
fn what_else_is_wrong_is_told_with_what_changed() {
    let world = world(Ends::SqliteToSqlite);
    world.replace("specs/people.yaml", "name: nm", "name: nmm");

    let told = world.transload(&["drift"]);

    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.stdout.contains("nothing changed") && told.stdout.contains("TL0203"), "{told:?}");
    let (code, answer) = answered(&world, &[]);
    assert_eq!((code, &answer["problems"][0]["code"]), (1, &"TL0203".into()), "{answer}");
}

/// No edit makes up for a key by which loaded rows are told apart.
#[test]
fn a_renamed_key_is_to_be_undone() {
    let world = world(Ends::SqliteToSqlite);
    world.source().execute("alter table old_people rename column no to nr");

    let suggested = world.transload(&["drift", "--suggest"]);
    let accepted = world.transload(&["drift", "--accept-all"]);

    assert!(suggested.stdout.contains("undo the rename: loaded rows are told apart by `no`"), "{suggested:?}");
    assert!(accepted.code == 0 && accepted.stderr.contains("undo the change, or start over"), "{accepted:?}");
    let refused = world.transload(&["run"]);
    assert!(refused.code == 6 && refused.stderr.contains("TL0310"), "{refused:?}");
    world.source().execute("alter table old_people rename column nr to no");
    assert_eq!(world.transload(&["drift", "--accept-all"]).code, 0);
    world.run();
    world.assert_as_expected();
}

/// A spec that is not active stops nothing.
#[test]
fn what_no_active_spec_reads_stops_no_run() {
    let world = world(Ends::SqliteToSqlite);
    world.replace("specs/towns.yaml", "version: ", "is_active: false\nversion: ");
    world.source().execute("alter table old_towns drop column name");

    let (code, answer) = answered(&world, &[]);
    let run = world.transload(&["run"]);

    assert_eq!((code, listed(&answer)), (0, vec!["look legacy.old_towns.name".to_owned()]), "{answer}");
    assert!(run.code == 0 && run.stderr.contains("TL0316"), "{run:?}");
}

for_each_pair!(
    what_scripts_and_conditions_read_is_no_safe_change,
    a_query_that_is_refused_is_no_safe_change,
    a_column_that_its_star_refuses_is_a_change,
    what_changed_is_told_with_what_it_touches,
    programs_are_told_everything,
    what_is_suggested_can_be_pasted_and_then_all_arrives,
    what_is_accepted_is_taken_over_and_nothing_else,
);
