//! A value that must be unique, and that a deleted row gives up, is taken in the run that deletes it.

use crate::alongside::{assert_no_unit_twice, begun_and_within};
use crate::ends::{Ends, for_each_pair};
use crate::world::{Random, World, assert_balanced, counts};

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
field_mappings:
  email: mail
  boss_id: { source_field: boss, references: people }
";

const VISITS: &str = "
entity_type: visits
source_table: old_visits
destination_table: visits
version: \"1\"
field_mappings:
  person_id: { source_field: person, references: people }
";

const NOTES: &str = "
entity_type: notes
source_table: old_notes
destination_table: notes
version: \"1\"
field_mappings:
  visit_id: { source_field: visit, references: visits }
";

const RULE: &str = "validation_rules: [{ field_name: email, rule_type: unique }]\n";

const OLD: &str = "
create table old_people (no integer primary key, mail text, boss integer);
create table old_visits (no integer primary key, person integer);
create table old_notes (no integer primary key, visit integer);
";

/// What keeps the values apart: the destination, or a rule of the spec alone.
const ALL: [bool; 2] = [false, true];

const TOGETHER: &str = "batch_size: 500, checkpoint_interval: 10";
const APART: &str = "batch_size: 2, checkpoint_interval: 1";

fn world(ends: Ends, by_rule: bool, load: &str) -> World {
    let unique = if by_rule { "" } else { " unique" };
    let schema = format!(
        "create table people (id uuid primary key, email text{unique}, boss_id uuid references people (id));
         create table visits (id uuid primary key, person_id uuid not null references people (id));
         create table notes (id uuid primary key, visit_id uuid not null references visits (id));"
    );
    let people = if by_rule { format!("{PEOPLE}{RULE}") } else { PEOPLE.to_owned() };
    let defaults = format!("  deletes: {{ mode: hard, max: 60% }}\n  load: {{ {load} }}");
    let specs = [("people", &*people), ("visits", VISITS), ("notes", NOTES)];
    let world = World::project(ends, &defaults, &schema, &specs);
    world.source().execute(OLD);
    world
}

fn fill(world: &World, rows: u64) {
    world.source().execute(&format!(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < {rows})
         insert into old_people select i, 'mail ' || i, null from n"
    ));
}

/// Whose row has which value, by the keys that the ledger keeps.
fn owners(world: &World) -> Vec<String> {
    let mappings = world.destination().ledger("migration_mappings");
    let mut owners = world.destination().texts(&format!(
        "select m.source_id || ' ' || p.email from people p join {mappings} m
         on m.destination_id = cast(p.id as text) and m.entity_type = 'people'"
    ));
    owners.sort();
    owners
}

fn a_value_of_a_deleted_row_is_taken_in_the_same_run(ends: Ends) {
    for by_rule in ALL {
        for load in [TOGETHER, APART] {
            // Not one row may be left behind.
            let world = world(ends, by_rule, &format!("{load}, max_errors: 0"));
            fill(&world, 9);
            world.source().execute("insert into old_visits values (1, 9), (2, 1), (3, 2)");
            world.run();
            // 1 takes what 9 gives up, 2 what 1 does, and 10 what 2 does; 11 takes what 8 gives up.
            world.source().execute(
                "delete from old_visits where no = 1; delete from old_people where no in (8, 9);
                 update old_people set mail = 'mail 9' where no = 1;
                 update old_people set mail = 'mail 1' where no = 2;
                 insert into old_people values (10, 'mail 2', null), (11, 'mail 8', null)",
            );

            let report = world.run();

            assert_balanced(&report);
            let moved = ["read", "new", "modified", "quarantined", "unchanged", "deleted"];
            let moved = moved.map(|name| counts(&report, "people")[name].as_u64().unwrap());
            assert_eq!(moved, [9, 2, 2, 0, 5, 2], "by a rule {by_rule}, {load}");
            let wanted = [
                "1 mail 9",
                "10 mail 2",
                "11 mail 8",
                "2 mail 1",
                "3 mail 3",
                "4 mail 4",
                "5 mail 5",
                "6 mail 6",
                "7 mail 7",
            ];
            assert_eq!(owners(&world), wanted, "by a rule {by_rule}, {load}");
            assert_eq!(world.quarantine(), [""; 0]);
            nothing_is_left(&world);
        }
    }
}

/// Rows that miss one which waits for the value come with it, those of other entities as well.
fn who_refers_to_a_row_that_takes_the_value_comes_along(ends: Ends) {
    for by_rule in ALL {
        let world = world(ends, by_rule, APART);
        fill(&world, 9);
        world.run();
        world.source().execute(
            "delete from old_people where no = 9;
             insert into old_people values (10, 'mail 9', null), (11, 'mail 11', 10), (12, 'mail 12', 11), (13, 'mail 13', 99);
             insert into old_visits values (1, 10), (2, 12), (3, 1), (4, 99);
             insert into old_notes values (1, 1), (2, 2), (3, 3), (4, 4)",
        );

        let report = world.run();

        assert_balanced(&report);
        assert_eq!(owners(&world).len(), 11, "by a rule {by_rule}: {:?}", world.quarantine());
        let missing = [
            "notes 4 PARENT_MISSING visit_id",
            "people 13 PARENT_MISSING boss_id",
            "visits 4 PARENT_MISSING person_id",
        ];
        assert_eq!(world.quarantine(), missing, "by a rule {by_rule}");
        assert_eq!(["people", "visits", "notes"].map(|name| counts(&report, name)["new"].as_u64().unwrap()), [3, 3, 3]);
        nothing_is_left(&world);
    }
}

/// What the guard keeps, keeps its values.
fn a_value_that_the_guard_keeps_is_not_free(ends: Ends) {
    let world = world(ends, false, &format!("{TOGETHER}, max_errors: 0"));
    fill(&world, 9);
    world.run();
    world.source().execute("delete from old_people where no > 3; insert into old_people values (10, 'mail 9', null)");

    let told = world.transload(&["run"]);

    assert_eq!(told.code, 6, "{told:?}");
    assert!(told.stderr.contains("TL0421"), "{told:?}");
    assert_eq!(world.quarantine(), ["people 10 CONSTRAINT_UNIQUE email"]);
    world.run_with(&["--max-deletes", "100%"]);
    assert_eq!(owners(&world), ["1 mail 1", "10 mail 9", "2 mail 2", "3 mail 3"]);
    assert_eq!(world.quarantine(), [""; 0]);
    nothing_is_left(&world);
}

/// Rows that wait for no row that goes are too many, whatever else is deleted.
fn what_no_delete_frees_counts_against_what_may_fail(ends: Ends) {
    let world = world(ends, false, &format!("{TOGETHER}, max_errors: 0"));
    fill(&world, 9);
    world.run();
    world.source().execute("delete from old_people where no = 9; insert into old_people values (10, 'mail 8', null)");

    let told = world.transload(&["run"]);

    assert_eq!(told.code, 3, "{told:?}");
    assert!(told.stderr.contains("TL0420"), "{told:?}");
    assert_eq!(world.destination().count("people"), 8);
}

fn a_run_that_is_killed_on_the_way_leaves_nobody_behind(ends: Ends) {
    for by_rule in ALL {
        let world = world(ends, by_rule, "batch_size: 20, checkpoint_interval: 1");
        fill(&world, 600);
        world.run();
        world.source().execute(
            "update old_people set mail = 'mail ' || (601 - no) where no <= 200;
             delete from old_people where no > 300;
             insert into old_people select no + 1000, 'mail ' || (no + 300), null from old_people where no <= 100;
             insert into old_visits select no, no from old_people where no > 1000",
        );
        let mut random = Random::of_seed(20_261_123);
        for _ in 0..6 {
            let units = random.below(16) + 1;
            let mut run = begun_and_within(&world, &mut random, units);
            run.kill().unwrap();
            run.wait().unwrap();
        }

        let report = world.run();

        assert_balanced(&report);
        assert_no_unit_twice(&world, report["run_id"].as_str().unwrap());
        assert_eq!((world.quarantine(), world.destination().count("visits")), (Vec::new(), 100));
        let mut wanted: Vec<String> = (1..=200).map(|no| format!("{no} mail {}", 601 - no)).collect();
        wanted.extend((201..=300).map(|no| format!("{no} mail {no}")));
        wanted.extend((1..=100).map(|no| format!("{} mail {}", no + 1000, no + 300)));
        wanted.sort();
        assert_eq!(owners(&world), wanted);
        nothing_is_left(&world);
    }
}

fn nothing_is_left(world: &World) {
    let before = world.destination().fingerprint();
    assert_balanced(&world.run());
    assert_eq!(world.destination().fingerprint(), before, "a run that finds nothing writes nothing");
    world.assert_as_expected();
}

for_each_pair!(
    a_value_of_a_deleted_row_is_taken_in_the_same_run,
    who_refers_to_a_row_that_takes_the_value_comes_along,
    a_value_that_the_guard_keeps_is_not_free,
    what_no_delete_frees_counts_against_what_may_fail,
    a_run_that_is_killed_on_the_way_leaves_nobody_behind,
);
