//! What the report says is what happened, also where the destination has a will of its own.

use crate::ends::{Ends, for_each_pair};
use crate::mend::{change, world};
use crate::world::{World, counts};

fn people(world: &World) -> u64 {
    world.destination().count("people")
}

fn an_entity_that_exceeds_its_budget_lists_its_reasons(ends: Ends) {
    let world = world(ends);
    world.replace("specs/people.yaml", "version: \"1\"", "version: \"1\"\nload: { max_errors: 2 }");
    change(&world, "update old_people set dob = 'never' where no < 6");

    let stopped = world.transload(&["run", "--format", "json"]);

    assert_eq!(stopped.code, 3, "{stopped:?}");
    let report: serde_json::Value = serde_json::from_str(&stopped.stdout).unwrap();
    assert_eq!(counts(&report, "people")["new"], people(&world));
    let listed = world.quarantine();
    assert_eq!(listed.len(), 5, "{listed:?}");
    assert_eq!(counts(&report, "people")["quarantined"], 5);
}

#[test]
fn a_table_that_replaces_or_ignores_on_conflict_loses_no_row() {
    for clause in ["replace", "ignore", "rollback", "fail"] {
        let world = world(Ends::SqliteToSqlite);
        let unique = format!("name text not null unique on conflict {clause}");
        world.replace(
            "schema.sql",
            "create table people (id uuid primary key, name text not null",
            &format!("create table people (id uuid primary key, {unique}"),
        );
        change(&world, "update old_people set nm = 'twin' where no in (3, 8)");

        let report = world.run();

        assert_eq!(counts(&report, "people")["new"], 8, "{clause}");
        assert_eq!(people(&world), 8, "{clause}");
        assert!(world.quarantine().contains(&"people 8 CONSTRAINT_UNIQUE name".to_owned()), "{clause}");
        let again = world.run();
        assert_eq!(counts(&again, "people")["untried"], 2, "{clause}");
    }
}

#[test]
fn a_trigger_that_ends_the_transaction_leaves_nothing_of_the_unit() {
    let world = world(Ends::SqliteToSqlite);
    let trigger = "create trigger no before insert on people when new.name = 'person 7' begin select raise(rollback, 'person 7'); end;";
    world.write("schema.sql", &format!("{}{trigger}", world.read("schema.sql")));

    let failed = world.transload(&["run"]);

    assert_eq!(failed.code, 4, "{failed:?}");
    assert!(failed.stderr.contains("TL0428") && !failed.stderr.contains("person 7"), "{}", failed.stderr);
    assert_eq!(people(&world), 0);
    world.destination().execute("drop trigger no");
    world.run();
    world.assert_as_expected();
}

fn an_entity_that_moves_to_another_table_is_refused(ends: Ends) {
    let world = world(ends);
    world.run();
    let other = "create table others (id uuid primary key, name text not null, born date, boss_id uuid); \
                 insert into others select * from people";
    world.destination().execute(other);
    world.replace("specs/people.yaml", "destination_table: people", "destination_table: others");

    let refused = world.transload(&["run"]);

    assert_eq!(refused.code, 6, "{refused:?}");
    assert!(refused.stderr.contains("TL0310"), "{}", refused.stderr);
}

fn a_chain_of_rows_is_deleted_over_several_segments(ends: Ends) {
    let world = world(ends);
    world.replace(
        "specs/people.yaml",
        "version: \"1\"",
        "version: \"1\"\nload: { batch_size: 2, checkpoint_interval: 1 }",
    );
    change(&world, "delete from old_pets; insert into old_pets values (1, 'pet', 10)");
    change(&world, "update old_people set boss = no - 1 where no in (2, 3, 4)");
    world.run();
    change(&world, "delete from old_people where no in (1, 2, 3, 4)");

    let report = world.run();

    assert_eq!(counts(&report, "people")["deleted"], 4);
    world.assert_as_expected();
}

fn a_value_that_became_free_frees_the_row_that_wanted_it(ends: Ends) {
    let world = world(ends);
    let unique = "validation_rules: [{ field_name: name, rule_type: unique, rule_parameters: { scope: destination } }]";
    world.write("specs/people.yaml", &format!("{}{unique}\n", world.read("specs/people.yaml")));
    change(&world, "update old_people set nm = 'twin' where no in (3, 8)");
    world.run();
    assert!(world.quarantine().contains(&"people 8 RULE_UNIQUE name".to_owned()));
    change(&world, "update old_people set nm = 'only' where no = 3");

    world.run();
    world.run();

    assert!(!world.quarantine().iter().any(|row| row.contains("RULE_UNIQUE")), "{:?}", world.quarantine());
    world.assert_as_expected();
}

#[test]
fn a_project_that_is_not_the_demo_is_not_run_as_the_demo() {
    let world = world(Ends::SqliteToSqlite);

    let refused = world.transload(&["demo", "."]);

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("TL0002"), "{}", refused.stderr);
    assert!(!world.file("data/platform.db").exists());
}

fn a_row_that_was_set_aside_and_comes_back_is_judged_anew(ends: Ends) {
    let world = world(ends);
    world.replace("transload.yaml", "max: 50%", "max: 0");
    world.run();
    // Row 3 is loaded, turns bad, goes under a guard that refuses, and comes back as it was when it was bad.
    change(&world, "update old_people set dob = 'soon' where no = 3");
    world.run();
    change(&world, "create table away as select * from old_people where no = 3; delete from old_people where no = 3");
    assert_eq!(world.transload(&["run"]).code, 6);
    change(&world, "insert into old_people select * from away");

    world.run();

    assert!(world.quarantine().contains(&"people 3 VALUE_FORMAT born".to_owned()), "{:?}", world.quarantine());
    change(&world, "update old_people set dob = '03.03.1993' where no = 3");
    world.run();
    world.assert_as_expected();
}

fn a_row_that_someone_removed_does_not_stop_the_entity_for_good(ends: Ends) {
    let world = world(ends);
    world.run();
    // One row goes and another comes, so that the count does not tell.
    let meddle = "delete from people where name = 'person 9';
                  insert into people (id, name) values ('00000000-0000-0000-0000-000000000001', 'x')";
    world.destination().meddle("pets", ("owner_id", "people"), meddle);
    change(&world, "update old_people set nm = 'changed' where no = 9");

    let report = world.run();

    assert_eq!(counts(&report, "people")["quarantined"], 2);
    assert!(world.quarantine().contains(&"people 9 LEDGER_MISMATCH -".to_owned()), "{:?}", world.quarantine());
    change(&world, "update old_people set nm = 'again' where no = 9");
    let report = world.run();
    assert_eq!(counts(&report, "people")["new"], 1);
}

for_each_pair!(
    an_entity_that_exceeds_its_budget_lists_its_reasons,
    an_entity_that_moves_to_another_table_is_refused,
    a_chain_of_rows_is_deleted_over_several_segments,
    a_value_that_became_free_frees_the_row_that_wanted_it,
    a_row_that_was_set_aside_and_comes_back_is_judged_anew,
    a_row_that_someone_removed_does_not_stop_the_entity_for_good,
);
