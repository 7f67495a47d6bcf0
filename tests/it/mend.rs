//! Bad rows among good ones, and what becomes of them.

use crate::ends::{End, Ends, for_each_pair};
use crate::world::{World, counts};

const SCHEMA: &str = "
create table people (id uuid primary key, name text not null, born date, boss_id uuid references people (id));
create table pets (id uuid primary key, name text not null, owner_id uuid not null references people (id));
";

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
field_mappings:
  name: nm
  born: { source_field: dob, data_type: date, format: \"%d.%m.%Y\" }
  boss_id: { source_field: boss, references: people }
";

const PETS: &str = "
entity_type: pets
source_table: old_pets
destination_table: pets
version: \"1\"
field_mappings:
  name: { transformation: trimmed }
  owner_id: { source_field: owner, references: people }
";

/// Ten people, of whom 5 has a date that is none, and a pet of each.
pub(crate) fn world(ends: Ends) -> World {
    let (source, destination) = (ends.is_from_postgres(), ends.is_to_postgres());
    world_at((source.then(End::on_server), destination.then(End::on_server)))
}

/// The same, with ends of a scenario's own.
pub(crate) fn world_at(ends: (Option<End>, Option<End>)) -> World {
    let deletes = "  deletes: { mode: hard, max: 50% }";
    let world = World::project_at(ends, deletes, SCHEMA, &[("people", PEOPLE), ("pets", PETS)]);
    world.source().execute(
        "create table old_people (no integer primary key, nm text, dob text, boss integer);
         create table old_pets (no integer primary key, name text, owner integer);
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 10)
         insert into old_people select i, 'person ' || i, '0' || (i % 9 + 1) || '.02.1990', null from n;
         update old_people set dob = 'yesterday' where no = 5;
         insert into old_pets select no * 10, ' pet ', no from old_people;",
    );
    world
}

pub(crate) fn change(world: &World, sql: &str) {
    world.source().execute(sql);
}

fn a_bad_row_is_set_aside_with_its_reason_and_the_good_ones_load(ends: Ends) {
    let world = world(ends);

    let report = world.run();

    assert_eq!(counts(&report, "people")["new"], 9);
    assert_eq!(counts(&report, "people")["quarantined"], 1);
    assert_eq!(world.quarantine(), ["people 5 VALUE_FORMAT born", "pets 50 PARENT_MISSING owner_id"]);
    let listed = world.transload(&["quarantine", "people", "--format", "json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    let row = &listed["rows"][0];
    assert_eq!(
        (&row["entity_type"], &row["source_key"], &row["stage"]),
        (&"people".into(), &"5".into(), &"transform".into())
    );
    assert!(!row["message"].as_str().unwrap().contains("yesterday"), "a value in a message: {row}");
    world.assert_as_expected();
}

fn a_mended_row_loads_in_the_next_run_with_the_rows_that_missed_it(ends: Ends) {
    let world = world(ends);
    world.run();
    change(&world, "update old_people set dob = '05.05.1995' where no = 5");

    let report = world.run();

    assert_eq!(counts(&report, "people")["new"], 1);
    assert_eq!(counts(&report, "pets")["new"], 1);
    assert_eq!(world.quarantine(), [] as [&str; 0]);
    world.assert_as_expected();
}

fn a_loaded_row_that_turns_bad_keeps_its_last_good_version(ends: Ends) {
    let world = world(ends);
    world.run();
    change(&world, "update old_people set dob = 'soon', nm = 'other' where no = 3");

    let report = world.run();

    assert_eq!(counts(&report, "people")["quarantined"], 2);
    assert_eq!(world.destination().count("people"), 9);
    assert_eq!(world.destination().count("people where name = 'person 3'"), 1);
    change(&world, "update old_people set dob = '03.03.1993' where no = 3");
    let report = world.run();
    assert_eq!(counts(&report, "people")["modified"], 1);
    assert_eq!(world.quarantine(), ["people 5 VALUE_FORMAT born", "pets 50 PARENT_MISSING owner_id"]);
    world.assert_as_expected();
}

fn a_bad_row_that_leaves_the_source_leaves_the_quarantine(ends: Ends) {
    let world = world(ends);
    world.run();
    change(&world, "delete from old_pets where owner = 5; delete from old_people where no = 5");

    let report = world.run();

    assert_eq!(report["totals"]["deleted"], 0);
    assert_eq!(world.quarantine(), [] as [&str; 0]);
}

fn a_chain_of_parents_that_ends_nowhere_is_not_loaded(ends: Ends) {
    let world = world(ends);
    // 1 → 2 → 99, who is nobody; 3 → 4 is sound; 6 → 5, who is bad; 7 and 8 each lead the other.
    change(
        &world,
        "update old_people set boss = 2 where no = 1; update old_people set boss = 99 where no = 2;
         update old_people set boss = 4 where no = 3; update old_people set boss = 5 where no = 6;
         update old_people set boss = 8 where no = 7; update old_people set boss = 7 where no = 8;",
    );

    let report = world.run();

    assert_eq!(counts(&report, "people")["new"], 6);
    assert_eq!(counts(&report, "people")["quarantined"], 4);
    let set_aside: Vec<String> = world.quarantine().into_iter().filter(|row| row.starts_with("people")).collect();
    let expected =
        ["1 PARENT_MISSING boss_id", "2 PARENT_MISSING boss_id", "5 VALUE_FORMAT born", "6 PARENT_MISSING boss_id"];
    assert_eq!(set_aside, expected.map(|row| format!("people {row}")));
    world.assert_as_expected();

    change(
        &world,
        "update old_people set boss = 9 where no = 2; update old_people set dob = '01.01.1991' where no = 5",
    );
    let report = world.run();
    assert_eq!(counts(&report, "people")["new"], 4);
    assert_eq!(world.quarantine(), [] as [&str; 0]);
    world.assert_as_expected();
}

fn rows_that_refer_to_each_other_are_deleted_together(ends: Ends) {
    let world = world(ends);
    change(&world, "update old_people set boss = 8 where no = 7; update old_people set boss = 7 where no = 8;");
    world.run();
    change(&world, "delete from old_pets where owner in (7, 8); delete from old_people where no in (7, 8)");

    let report = world.run();

    assert_eq!(counts(&report, "people")["deleted"], 2);
    world.assert_as_expected();
}

fn a_changed_spec_is_said_and_remap_writes_what_differs(ends: Ends) {
    let world = world(ends);
    world.run();
    world.replace("specs/pets.yaml", "transformation: trimmed", "transformation: [trimmed, upper]");

    let told = world.transload(&["run"]);

    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.stderr.contains("TL0506") && told.stderr.contains("--remap"), "{}", told.stderr);

    let report = world.run_with(&["--remap"]);

    assert_eq!(counts(&report, "pets")["modified"], 9);
    world.assert_as_expected();
}

fn more_bad_rows_than_allowed_stop_the_entity_and_keep_what_is_committed(ends: Ends) {
    let world = world(ends);
    world.replace("specs/people.yaml", "version: \"1\"", "version: \"1\"\nload: { max_errors: 0 }");

    let stopped = world.transload(&["run"]);

    assert_eq!(stopped.code, 3, "{stopped:?}");
    assert!(stopped.stderr.contains("TL0420"), "{}", stopped.stderr);
    // Nothing is mended by being tried again.
    let again = world.transload(&["run"]);
    assert_eq!(again.code, 3, "{again:?}");
    assert!(again.stderr.contains("TL0420"), "{}", again.stderr);
    change(&world, "update old_people set dob = '05.05.1995' where no = 5");
    world.run();
    assert_eq!(world.destination().count("people"), 10);
    world.assert_as_expected();
}

fn a_reference_that_the_destination_refuses_in_the_second_pass_sets_the_row_aside(ends: Ends) {
    let world = world(ends);
    world.replace(
        "schema.sql",
        "references people (id));\ncreate",
        "references people (id), check (name <> 'person 3' or boss_id is null));\ncreate",
    );
    change(&world, "update old_people set boss = 4 where no = 3");

    let report = world.run();

    assert_eq!(counts(&report, "people")["quarantined"], 2);
    assert_eq!(counts(&report, "people")["new"], 8);
    assert!(world.quarantine().contains(&"people 3 CONSTRAINT_CHECK -".to_owned()), "{:?}", world.quarantine());
    change(&world, "update old_people set boss = null where no = 3");
    world.run();
    world.assert_as_expected();
}

fn a_parent_that_is_gone_stays_while_a_loaded_row_refers_to_it(ends: Ends) {
    let with_key = "owner_id uuid not null references people (id)";
    for owner in [with_key, "owner_id uuid not null"] {
        let world = world(ends);
        world.replace("schema.sql", with_key, owner);
        world.run();
        change(&world, "delete from old_people where no = 4; insert into old_pets values (444, 'late', 4)");

        let report = world.run();

        assert_eq!(counts(&report, "people")["deleted"], 0, "{owner}");
        assert_eq!(counts(&report, "pets")["quarantined"], 2, "{owner}");
        let listed = world.quarantine();
        assert!(listed.contains(&"people 4 DELETE_REFUSED -".to_owned()), "{owner}: {listed:?}");
        assert!(listed.contains(&"pets 444 PARENT_MISSING owner_id".to_owned()), "{owner}: {listed:?}");
        let before = world.destination().fingerprint();
        world.run();
        assert!(before == world.destination().fingerprint(), "{owner}: the delete was tried again");

        change(&world, "update old_pets set owner = 6 where owner = 4");
        let report = world.run();
        assert_eq!(counts(&report, "people")["deleted"], 1, "{owner}");
        world.assert_as_expected();
    }
}

fn a_key_that_changed_after_rows_were_loaded_is_refused(ends: Ends) {
    let world = world(ends);
    world.run();
    let before = world.destination().fingerprint();
    world.replace("transload.yaml", "0b6ff3a2", "0b6ff3a3");

    let refused = world.transload(&["run"]);

    assert_eq!(refused.code, 6, "{refused:?}");
    assert!(refused.stderr.contains("TL0310"), "{}", refused.stderr);
    assert!(before == world.destination().fingerprint());
}

fn a_missing_row_of_the_entity_itself_can_stop_it(ends: Ends) {
    let world = world(ends);
    world.replace("specs/people.yaml", "references: people", "references: people, on_missing: fail");
    change(&world, "update old_people set boss = 99 where no = 2");

    let stopped = world.transload(&["run"]);

    assert_eq!(stopped.code, 1, "{stopped:?}");
    assert!(stopped.stderr.contains("TL0429") && stopped.stderr.contains("key 2"), "{}", stopped.stderr);
}

fn a_changed_spec_is_said_until_all_rows_went_through_it(ends: Ends) {
    let world = world(ends);
    world.run();
    world.replace("specs/pets.yaml", "transformation: trimmed", "transformation: [trimmed, upper]");
    change(&world, "update old_pets set name = 'other' where owner = 2");
    world.run();

    let told = world.transload(&["run"]);
    assert!(told.stderr.contains("TL0506"), "{}", told.stderr);
    world.run_with(&["--remap"]);
    let silent = world.transload(&["run"]);
    assert!(!silent.stderr.contains("TL0506"), "{}", silent.stderr);
    world.assert_as_expected();
}

fn a_run_after_a_resumed_one_is_a_new_one(ends: Ends) {
    let world = world(ends);
    let first = world.run();
    // As if the process had been killed right before it gave its hold back.
    let (fences, run) = (world.destination().ledger("fences"), first["run_id"].as_str().unwrap());
    world
        .destination()
        .execute(&format!("update {fences} set run_id = '{run}', holder = 'boot:1:1', holder_name = 'gone'"));
    change(&world, "update old_people set nm = 'changed' where no = 1");

    let resumed = world.run();
    let next = world.run();

    assert_eq!(resumed["run_id"], first["run_id"]);
    assert_ne!(next["run_id"], first["run_id"]);
    assert_eq!(counts(&next, "people")["modified"], 1);
    world.assert_as_expected();
}

/// A digest over the texts alone would be the same.
fn text_that_moves_from_one_column_to_the_next_is_a_change(ends: Ends) {
    let world = world(ends);
    change(&world, "update old_people set nm = 'ab', dob = '11.02.1990' where no = 3");
    world.run();
    change(&world, "update old_people set nm = 'ab1', dob = '1.02.1990' where no = 3");

    let report = world.run();

    assert_eq!(counts(&report, "people")["modified"], 1);
    world.assert_as_expected();
}

for_each_pair!(
    text_that_moves_from_one_column_to_the_next_is_a_change,
    a_bad_row_is_set_aside_with_its_reason_and_the_good_ones_load,
    a_mended_row_loads_in_the_next_run_with_the_rows_that_missed_it,
    a_loaded_row_that_turns_bad_keeps_its_last_good_version,
    a_bad_row_that_leaves_the_source_leaves_the_quarantine,
    a_chain_of_parents_that_ends_nowhere_is_not_loaded,
    rows_that_refer_to_each_other_are_deleted_together,
    a_changed_spec_is_said_and_remap_writes_what_differs,
    more_bad_rows_than_allowed_stop_the_entity_and_keep_what_is_committed,
    a_reference_that_the_destination_refuses_in_the_second_pass_sets_the_row_aside,
    a_parent_that_is_gone_stays_while_a_loaded_row_refers_to_it,
    a_key_that_changed_after_rows_were_loaded_is_refused,
    a_missing_row_of_the_entity_itself_can_stop_it,
    a_changed_spec_is_said_until_all_rows_went_through_it,
    a_run_after_a_resumed_one_is_a_new_one,
);
