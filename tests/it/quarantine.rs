//! What people decide about rows in quarantine: to leave them, to drop them, to try them again.

use serde_json::Value;

use crate::alongside::{begun, wait_for_units};
use crate::ends::{Ends, for_each_pair};
use crate::mend::{change, world};
use crate::world::{Ended, World, counts};

/// The ten people and their pets; people 2, 5 and 7 have no date, and their pets miss them.
fn broken(ends: Ends) -> World {
    let world = world(ends);
    change(&world, "update old_people set dob = 'yesterday' where no in (2, 5, 7)");
    world.run();
    world
}

fn verb(world: &World, arguments: &[&str]) -> Ended {
    world.transload(&[&["quarantine"], arguments].concat())
}

fn json(world: &World, arguments: &[&str]) -> Value {
    let told = verb(world, &[arguments, &["--format", "json"]].concat());
    assert_eq!(told.code, 0, "{told:?}");
    serde_json::from_str(&told.stdout).unwrap_or_else(|error| panic!("{error}: {told:?}"))
}

fn discard(world: &World, arguments: &[&str]) -> u64 {
    let document = json(world, &[&["discard"], arguments, &["--reason", "test data"]].concat());
    document["discarded"].as_u64().unwrap()
}

/// `people 5 discarded`, sorted.
fn statuses(world: &World) -> Vec<String> {
    let quarantine = world.destination().ledger("quarantine");
    let sql = "select entity_type || ' ' || source_key || ' ' || status from";
    world.destination().texts(&format!("{sql} {quarantine} order by 1"))
}

fn taken(report: &Value, entity: &str) -> [u64; 4] {
    let counts = counts(report, entity);
    assert_eq!(
        counts["read"].as_u64().unwrap(),
        ["new", "modified", "unchanged", "filtered", "quarantined"]
            .map(|name| counts[name].as_u64().unwrap())
            .iter()
            .sum::<u64>()
    );
    ["new", "quarantined", "untried", "discarded"].map(|name| counts[name].as_u64().unwrap())
}

fn one_row_is_shown_with_all_that_is_known_of_it(ends: Ends) {
    let world = broken(ends);

    let shown = json(&world, &["show", "people", "5"]);

    assert_eq!(shown["schema"], "transload.quarantine_row/1");
    let names =
        ["entity_type", "source_key", "status", "stage", "code", "number", "category", "field", "attempts", "decision"];
    let known = names.map(|name| shown[name].to_string().replace('"', ""));
    let expected = ["people", "5", "open", "transform", "VALUE_FORMAT", "TL0404", "data", "born", "1", "null"];
    assert_eq!(known, expected);
    assert!(shown["remedy"].as_str().unwrap().contains("format"), "{shown}");
    assert_eq!(shown["first_tried_at"], shown["last_tried_at"]);
    assert!(!shown.to_string().contains("yesterday"), "a value: {shown}");

    world.run_with(&["--retry-quarantined"]);
    let shown = json(&world, &["show", "people", "5"]);
    assert_eq!(shown["attempts"], 2);
    assert!(shown["first_tried_at"].as_str() < shown["last_tried_at"].as_str(), "{shown}");
    let text = verb(&world, &["show", "people", "5"]);
    for part in ["people 5", "VALUE_FORMAT", "born", "2 times", "What to do:"] {
        assert!(text.stdout.contains(part), "no {part}: {}", text.stdout);
    }

    for wrong in [["show", "people", "1"], ["show", "people", "x"], ["show", "persons", "5"]] {
        let told = verb(&world, &wrong);
        assert_eq!(told.code, 2, "{told:?}");
    }
    // The short way and the long one.
    assert_eq!(json(&world, &["people"]), json(&world, &["list", "people"]));
    assert_eq!(json(&world, &["list"])["rows"].as_array().unwrap().len(), 6);
}

/// They are asked of the ledger. What somebody is about to mend must not keep them from being seen.
fn what_is_set_aside_is_shown_while_the_project_does_not_compile(ends: Ends) {
    let world = broken(ends);
    let known = || {
        [
            json(&world, &["list"]),
            json(&world, &["people"]),
            json(&world, &["show", "people", "5"]),
            json(&world, &["show", "pets", "50"]),
        ]
    };
    let before = known();
    for (file, from, to) in [
        ("specs/people.yaml", "source_field: dob", "source_field: no_such_column"),
        ("specs/people.yaml", "field_mappings:", "feld_mappings:"),
        ("specs/people.yaml", "entity_type: people", "entity_type: {"),
    ] {
        world.replace(file, from, to);
        assert_ne!(world.transload(&["validate"]).code, 0, "{to}");
        assert!(before == known(), "{to}");
        let told = verb(&world, &["show", "people", "1"]);
        assert!(told.code == 2 && told.stderr.contains("TL0015"), "{to}: {told:?}");
        world.replace(file, to, from);
    }
    change(&world, "drop table old_people");
    assert_ne!(world.transload(&["validate"]).code, 0);
    assert!(before == known(), "a table is missing");
}

fn a_discarded_row_counts_no_more_and_comes_when_it_moves(ends: Ends) {
    let world = broken(ends);
    world.replace("specs/people.yaml", "version: \"1\"", "version: \"1\"\nload: { max_errors: 1 }");
    assert_eq!(world.transload(&["run"]).code, 3);

    assert_eq!(discard(&world, &["people", "--key", "5", "--key", "7"]), 2);

    assert_eq!(discard(&world, &["people", "--key", "5"]), 0, "it was decided before");
    assert_eq!(statuses(&world)[..3], ["people 2 open", "people 5 discarded", "people 7 discarded"]);
    let decision = &json(&world, &["show", "people", "7"])["decision"];
    assert_eq!(decision["reason"], "test data");
    assert!(!decision["by"].as_str().unwrap().is_empty() && decision["at"].is_string(), "{decision}");
    let report = world.run();
    assert_eq!(taken(&report, "people"), [0, 3, 1, 2]);
    assert_eq!(report["entities"][0]["quarantine"][0]["discarded"], 2, "{report}");
    world.assert_as_expected();

    // Neither another spec nor a run that tries what is open makes it come.
    world.replace("specs/people.yaml", "format: \"%d.%m.%Y\"", "format: \"%Y-%m-%d\"");
    world.replace("specs/people.yaml", "max_errors: 1", "max_errors: 50");
    assert_eq!(taken(&world.run(), "people"), [0, 3, 0, 2]);
    world.replace("specs/people.yaml", "format: \"%Y-%m-%d\"", "format: \"%d.%m.%Y\"");
    assert_eq!(taken(&world.run_with(&["--retry-quarantined", "--remap"]), "people"), [0, 3, 0, 2]);
    world.assert_as_expected();

    change(
        &world,
        "update old_people set dob = 'tomorrow' where no = 5; update old_people set dob = '07.07.1997' where no = 7",
    );
    let report = world.run();
    assert_eq!(taken(&report, "people"), [1, 2, 1, 0]);
    assert_eq!(taken(&report, "pets"), [1, 2, 0, 0]);
    assert_eq!(statuses(&world)[..2], ["people 2 open", "people 5 open"]);
    world.assert_as_expected();
}

fn discarded_rows_are_chosen_by_code_or_all_together(ends: Ends) {
    let world = broken(ends);
    change(&world, "insert into old_people values (11, null, null, null)");
    world.run();

    assert_eq!(discard(&world, &["people", "--code", "required_missing"]), 1);
    assert_eq!(discard(&world, &["people", "--all"]), 3);
    assert_eq!(discard(&world, &["pets", "--all"]), 3);

    assert!(statuses(&world).iter().all(|row| row.ends_with("discarded")), "{:?}", statuses(&world));
    let before = world.destination().fingerprint();
    let report = world.run_with(&["--fail-on-quarantine"]);
    assert_eq!(taken(&report, "people"), [0, 4, 0, 4]);
    assert_eq!(taken(&report, "pets"), [0, 3, 0, 3]);
    assert!(before == world.destination().fingerprint(), "a run that finds nothing wrote something");
    world.assert_as_expected();

    // A parent that comes makes no discarded child come.
    change(&world, "update old_people set dob = '02.02.1992' where no = 2");
    let report = world.run();
    assert_eq!((taken(&report, "people"), taken(&report, "pets")), ([1, 3, 0, 3], [0, 3, 0, 3]));
    world.assert_as_expected();

    // One that leaves the source leaves the quarantine.
    change(&world, "delete from old_pets where owner = 5");
    assert_eq!(taken(&world.run(), "pets"), [0, 2, 0, 2]);
    assert!(!statuses(&world).contains(&"pets 50 discarded".to_owned()));
}

fn a_row_that_is_named_is_tried_again_though_it_was_discarded(ends: Ends) {
    let world = broken(ends);
    discard(&world, &["people", "--all"]);
    let dated = "  born: { source_field: dob, data_type: date, format: \"%d.%m.%Y\" }\n";
    world.replace("specs/people.yaml", dated, "");
    assert_eq!(taken(&world.run(), "people"), [0, 3, 0, 3]);

    let retried = |arguments: &[&str]| json(&world, &[&["retry"], arguments].concat());

    assert_eq!(taken(&retried(&["people"]), "people"), [0, 3, 0, 3]);
    let report = retried(&["people", "--key", "5"]);
    assert_eq!((taken(&report, "people"), taken(&report, "pets")), ([1, 2, 0, 2], [1, 2, 0, 0]));
    let told = verb(&world, &["retry", "people", "--key", "5"]);
    assert_eq!(told.code, 2, "it is loaded: {told:?}");
    assert_eq!(taken(&retried(&["people", "--key", "2", "--key", "7"]), "people"), [2, 0, 0, 0]);
    assert_eq!(statuses(&world), [""; 0]);
    world.assert_as_expected();
}

fn a_key_whose_blanks_cannot_be_seen_is_quoted(ends: Ends) {
    let world = world(ends);
    let key = "key: { source: [nm], strategy: uuid_v5 }";
    world.replace("specs/people.yaml", "field_mappings:", &format!("{key}\nfield_mappings:"));
    world.replace("specs/people.yaml", "\n  boss_id: { source_field: boss, references: people }", "");
    std::fs::remove_file(world.file("specs/pets.yaml")).unwrap();
    change(&world, "update old_people set dob = 'never', nm = '' where no = 1");
    change(&world, "update old_people set dob = 'never', nm = 'blank ' where no = 2");
    change(&world, "update old_people set dob = 'never', nm = 'in between' where no = 3");
    world.run();

    let listed = verb(&world, &["list"]).stdout;

    for shown in ["people  \"\"", "people  \"blank \"", "people  in between  "] {
        assert!(listed.contains(shown), "no {shown}: {listed}");
    }
    for (shown, key) in [("people \"\"\n", ""), ("people \"blank \"\n", "blank ")] {
        let told = verb(&world, &["show", "people", key]);
        assert!(told.stdout.starts_with(shown), "{told:?}");
    }
}

fn rows_without_a_key_are_discarded_together(ends: Ends) {
    let world = world(ends);
    let key = "key: { source: [nm], strategy: uuid_v5 }";
    world.replace("specs/people.yaml", "field_mappings:", &format!("{key}\nfield_mappings:"));
    world.replace("specs/people.yaml", "\n  boss_id: { source_field: boss, references: people }", "");
    std::fs::remove_file(world.file("specs/pets.yaml")).unwrap();
    change(&world, "update old_people set nm = null where no in (3, 4); update old_people set dob = null where no = 5");
    assert_eq!(taken(&world.run(), "people"), [8, 2, 0, 0]);

    assert_eq!(discard(&world, &["people", "--code", "KEY_NULL"]), 2);

    assert_eq!(taken(&world.run(), "people"), [0, 2, 0, 2]);
    assert_eq!(taken(&world.run_with(&["--retry-quarantined"]), "people"), [0, 2, 0, 2]);
    change(&world, "update old_people set nm = null where no = 6");
    assert_eq!(taken(&world.run(), "people"), [0, 3, 0, 2]);
    assert_eq!(statuses(&world).iter().filter(|row| row.ends_with("discarded")).count(), 2);
}

fn what_cannot_be_discarded_is_said_and_nothing_is_written(ends: Ends) {
    let world = broken(ends);
    // Somebody still refers to a row that is gone.
    change(&world, "delete from old_people where no = 4");
    world.run();
    let before = world.destination().fingerprint();

    let because = ["--reason", "test data"];
    for (wrong, code, says) in [
        (&["people", "--key", "1"][..], 2, "TL0015"),
        (&["people", "--code", "NO_CODE"], 2, "TL0010"),
        (&["persons", "--all"], 2, "TL0011"),
        (&["people"], 2, "--all"),
    ] {
        let told = verb(&world, &[&["discard"], wrong, &because].concat());
        assert_eq!(told.code, code, "{wrong:?}: {told:?}");
        assert!(told.stderr.contains(says), "{wrong:?}: {told:?}");
    }
    assert!(verb(&world, &["discard", "people", "--all"]).stderr.contains("--reason"));
    assert_eq!(verb(&world, &["discard", "people", "--all", "--reason", " "]).code, 2);
    assert!(before == world.destination().fingerprint());

    let told = verb(&world, &["discard", "people", "--key", "4", "--reason", "x"]);
    assert_eq!(told.code, 2, "{told:?}");
    assert!(told.stderr.contains("TL0015") && told.stderr.contains("gone from the source"), "{told:?}");
    assert_eq!(discard(&world, &["people", "--all"]), 3, "all but the row that is loaded");
    world.run();
}

fn an_interrupted_run_goes_on_and_knows_what_was_discarded_meanwhile(ends: Ends) {
    let world = broken(ends);
    world.replace("specs/people.yaml", "version: \"1\"", "version: \"1\"\nload: { max_errors: 2 }");
    let stopped = world.transload(&["run", "--format", "json"]);
    assert_eq!(stopped.code, 3, "{stopped:?}");
    let (fences, positions) = (world.destination().ledger("fences"), world.destination().ledger("stream_positions"));
    // As if the process had been killed right before it gave its hold back.
    let run =
        world.destination().texts(&format!("select run_id from {positions} where entity_type = 'people'")).remove(0);
    world
        .destination()
        .execute(&format!("update {fences} set run_id = '{run}', holder = 'boot:1:1', holder_name = 'gone'"));

    assert_eq!(discard(&world, &["people", "--key", "7"]), 1);

    let held = world.destination().texts(&format!("select distinct run_id from {fences}"));
    assert_eq!(held, std::slice::from_ref(&run), "the interrupted run is forgotten");
    let report = world.run();
    assert_eq!(report["run_id"], Value::from(run));
    assert_eq!(taken(&report, "people")[1], 3);
    assert_eq!(taken(&report, "people")[3], 1);
    world.assert_as_expected();
}

fn nothing_is_discarded_while_a_run_is_at_work(ends: Ends) {
    let world = crate::kill::world(ends);
    let mut run = begun(&world);
    wait_for_units(&world, &mut run, 5);

    let refused = verb(&world, &["discard", "items", "--all", "--reason", "test data"]);

    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(refused.stderr.contains("TL0503"), "{}", refused.stderr);
    run.kill().unwrap();
    run.wait().unwrap();
}

fn a_ledger_of_another_version_is_refused_with_a_way_on(ends: Ends) {
    let world = broken(ends);
    let meta = world.destination().ledger("meta");
    for (version, way) in [("2", "empty the destination's tables"), ("4", "use the version of Transload that wrote it")]
    {
        let set = format!("update {meta} set value = '{version}' where name = 'schema_version'");
        world.destination().execute(&set);
        let before = world.destination().fingerprint();
        for arguments in [&["run"][..], &["quarantine", "discard", "people", "--all", "--reason", "x"]] {
            let refused = world.transload(arguments);
            assert_eq!(refused.code, 2, "{refused:?}");
            let said = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(said.contains("TL0501") && said.contains(&format!("version {version}")), "{said}");
            assert!(said.contains(way), "{said}");
        }
        assert!(before == world.destination().fingerprint(), "something was written");
    }
}

/// What the destination refuses is tried again like what the spec does.
fn a_row_that_is_refused_again_says_how_often(ends: Ends) {
    let world = world(ends);
    let check = "name text not null check (name <> 'person 3')";
    world.replace(
        "schema.sql",
        "create table people (id uuid primary key, name text not null",
        &format!("create table people (id uuid primary key, {check}"),
    );
    world.run();
    let before = json(&world, &["show", "people", "3"]);
    assert_eq!((&before["code"], &before["attempts"]), (&"CONSTRAINT_CHECK".into(), &1.into()));

    world.run_with(&["--retry-quarantined"]);

    let after = json(&world, &["show", "people", "3"]);
    assert_eq!((&after["code"], &after["attempts"]), (&"CONSTRAINT_CHECK".into(), &2.into()));
    assert_eq!(after["first_tried_at"], before["first_tried_at"]);
    assert!(after["last_tried_at"].as_str() > before["last_tried_at"].as_str(), "{after}");
}

/// A spec that stopped and was taken back leaves no judgement behind.
fn what_a_spec_refused_that_was_taken_back_is_tried_again(ends: Ends) {
    let world = World::project(
        ends,
        "",
        "create table people (id uuid primary key, name text not null);",
        &[(
            "people",
            "entity_type: people\nsource_table: old_people\ndestination_table: people\nversion: \"1\"\nfield_mappings: { name: nm }\n",
        )],
    );
    let spec = world.read("specs/people.yaml");
    world.source().execute(
        "create table old_people (no integer primary key, nm text); insert into old_people values (1, 'a'), (2, 'b'), (3, 'c');",
    );
    world.run();
    world.source().execute("update old_people set nm = 'bbbb' where no = 2; insert into old_people values (4, 'dddd')");
    let strict = "validation_rules:\n  - { field_name: name, rule_type: length, rule_parameters: { max: 3 } }\nload: { max_errors: 0 }\n";
    world.write("specs/people.yaml", &format!("{spec}{strict}"));
    let stopped = world.transload(&["run"]);
    assert_eq!(stopped.code, 3, "{stopped:?}");
    assert!(stopped.stderr.contains("TL0420"), "{stopped:?}");

    world.write("specs/people.yaml", &spec);
    let report = world.run();

    assert_eq!(taken(&report, "people"), [1, 0, 0, 0]);
    assert_eq!(counts(&report, "people")["modified"], 1);
    assert_eq!(world.quarantine(), [""; 0]);
    assert_eq!(world.destination().texts("select name from people order by name"), ["a", "bbbb", "c", "dddd"]);
}

const NOTES: &str = "
entity_type: notes
source_table: old_notes
destination_table: notes
version: \"1\"
field_mappings: { text: txt }
";

/// No count of the run has it, and yet it is why the run answers 3.
fn a_row_that_was_bad_when_it_left_is_told_of(ends: Ends) {
    let schema = "create table notes (id uuid primary key, text text not null);";
    let world = World::project(ends, "", schema, &[("notes", NOTES)]);
    world.source().execute("create table old_notes (no integer primary key, txt text)");
    world.source().execute("insert into old_notes values (1, 'a'), (2, 'b')");
    world.run();
    world.source().execute("update old_notes set txt = null where no = 2");
    world.run();
    world.source().execute("delete from old_notes where no = 2");

    let told = world.transload(&["run", "--fail-on-quarantine"]);

    assert_eq!(told.code, 3, "{told:?}");
    assert!(told.stdout.contains("1 row is in quarantine, and not among those that this run read"), "{told:?}");
    assert!(told.stderr.contains("exit code 3, because rows are in quarantine: notes 1"), "{told:?}");
}

fn of_a_discarded_row_is_said_when_it_is_tried_again(ends: Ends) {
    let world = broken(ends);
    let when = "it is discarded: only when it changes at the source";
    assert!(!verb(&world, &["show", "people", "5"]).stdout.contains(when));
    discard(&world, &["people", "--key", "5"]);

    let told = verb(&world, &["show", "people", "5"]);

    assert!(told.stdout.contains(when) && !told.stdout.contains("its spec"), "{told:?}");
    assert!(json(&world, &["show", "people", "5"])["trying_again"].as_str().unwrap().starts_with(when));
}

for_each_pair!(
    a_row_that_was_bad_when_it_left_is_told_of,
    of_a_discarded_row_is_said_when_it_is_tried_again,
    a_row_that_is_refused_again_says_how_often,
    what_a_spec_refused_that_was_taken_back_is_tried_again,
    a_ledger_of_another_version_is_refused_with_a_way_on,
    nothing_is_discarded_while_a_run_is_at_work,
    one_row_is_shown_with_all_that_is_known_of_it,
    what_is_set_aside_is_shown_while_the_project_does_not_compile,
    a_discarded_row_counts_no_more_and_comes_when_it_moves,
    discarded_rows_are_chosen_by_code_or_all_together,
    a_row_that_is_named_is_tried_again_though_it_was_discarded,
    a_key_whose_blanks_cannot_be_seen_is_quoted,
    rows_without_a_key_are_discarded_together,
    what_cannot_be_discarded_is_said_and_nothing_is_written,
    an_interrupted_run_goes_on_and_knows_what_was_discarded_meanwhile,
);
