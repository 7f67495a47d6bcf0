//! `quarantine retry ENTITY --key KEY`: the rows that are named are read, and no others.

use serde_json::Value;

use crate::alongside::{begun, wait_for_units};
use crate::ends::{Ends, for_each_pair};
use crate::world::{World, counts};

const SCHEMA: &str = "
create table people (id uuid primary key, name text not null, born date);
create table pets (id uuid primary key, owner_id uuid not null references people (id));
";

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
field_mappings: { name: nm, born: { source_field: dob, format: \"%Y%m%d\" } }
";

const PETS: &str = "
entity_type: pets
source_table: old_pets
destination_table: pets
version: \"1\"
field_mappings: { owner_id: { source_field: owner, references: people } }
";

/// A share that one row of one exceeds.
const DEFAULTS: &str =
    "  deletes: { mode: hard, max: 50% }\n  load: { batch_size: 40, checkpoint_interval: 1, max_errors: 2% }";

/// People with a pet each; 5 and 7 have a date that is none.
fn world(ends: Ends, detection: &str, rows: u32) -> World {
    let specs = [("people", &*format!("{PEOPLE}{detection}")), ("pets", PETS)];
    let world = World::project(ends, DEFAULTS, SCHEMA, &specs);
    world.source().execute(&format!(
        "create table old_people (no integer primary key, nm text, dob text, upd timestamp);
         create table old_pets (no integer primary key, owner integer);
         with recursive n (i) as (select 1 union all select i + 1 from n where i < {rows})
         insert into old_people select i, 'p' || i, case when i in (5, 7) then 'no date' end, '2001-02-03 04:05:06' from n;
         insert into old_pets select no * 10, no from old_people;"
    ));
    world
}

/// Read, new, modified, deleted, quarantined. What was read is accounted for.
fn moved(report: &Value, entity: &str) -> [u64; 5] {
    let counts = counts(report, entity);
    let of = |name: &str| counts[name].as_u64().unwrap();
    assert_eq!(
        of("read"),
        of("new") + of("modified") + of("unchanged") + of("filtered") + of("quarantined"),
        "{counts}"
    );
    ["read", "new", "modified", "deleted", "quarantined"].map(of)
}

fn retry(world: &World, keys: &[&str]) -> Value {
    let mut arguments = vec!["quarantine", "retry", "people", "--format", "json"];
    arguments.extend(keys.iter().flat_map(|key| ["--key", key]));
    let told = world.transload(&arguments);
    assert_eq!(told.code, 0, "{told:?}");
    serde_json::from_str(&told.stdout).unwrap()
}

/// What else happened at the source is found by the next run, as if nobody had named anything.
fn check(ends: Ends, detection: &str) {
    let world = world(ends, detection, 200);
    assert_eq!(moved(&world.run(), "people"), [200, 198, 0, 0, 2]);
    world.run();
    for change in [
        "update old_people set dob = '19900203' where no = 5",
        "update old_people set nm = 'other', upd = current_timestamp where no = 9",
        "insert into old_people values (201, 'late', null, current_timestamp)",
        "delete from old_pets where owner = 11",
        "delete from old_people where no = 11",
    ] {
        world.source().execute(change);
    }

    let report = retry(&world, &["5"]);

    assert_eq!(moved(&report, "people"), [1, 1, 0, 0, 0], "the other rows are not looked at");
    assert_eq!(report["entities"].as_array().unwrap().len(), 1, "nor are other entities: {report:#}");
    let others = "select count(*) from people where name in ('p9', 'p11')";
    assert_eq!((world.destination().number(others), world.destination().count("people")), (2, 199));
    let again = retry(&world, &["7"]);
    assert_eq!(moved(&again, "people"), [1, 0, 0, 0, 1], "a share of one row says nothing of the entity");
    let attempts = format!("select attempts from {} where source_key = '7'", world.destination().ledger("quarantine"));
    assert_eq!(world.destination().number(&attempts), 2);

    let report = world.run();

    let [_, new, modified, deleted, quarantined] = moved(&report, "people");
    assert_eq!((new, modified, deleted), (1, 1, 1), "{report:#}");
    assert!(quarantined <= 1, "{report:#}");
    assert_eq!(moved(&report, "pets")[1..4], [1, 0, 1], "the pet of 5 finds its owner");
    world.assert_as_expected();
    let before = world.destination().fingerprint();
    if !detection.contains("timestamp") {
        world.run();
        assert!(before == world.destination().fingerprint(), "nothing was left to do");
    }

    world.source().execute("delete from old_people where no = 7");
    let report = retry(&world, &["7"]);
    assert_eq!(moved(&report, "people"), [0, 0, 0, 0, 0]);
    assert!(world.quarantine().iter().all(|row| row.starts_with("pets")), "{:?}", world.quarantine());
    world.run();
    world.assert_as_expected();
}

fn a_row_that_is_named_costs_one_row(ends: Ends) {
    check(ends, "");
}

fn a_row_that_is_named_costs_one_row_by_a_cursor(ends: Ends) {
    check(ends, "change_detection: { strategy: timestamp, cursor_field: upd, overlap: 1h, audit_runs: 4 }\n");
}

fn a_row_that_is_named_costs_one_row_where_all_is_compared(ends: Ends) {
    check(ends, "change_detection: { strategy: full }\n");
}

/// An interrupted run is not taken for done because one of its rows was.
fn a_row_that_is_named_leaves_nothing_out_of_an_interrupted_run(ends: Ends) {
    let world = world(ends, "", 4_000);
    let mut run = begun(&world);
    wait_for_units(&world, &mut run, 20);
    run.kill().unwrap();
    run.wait().unwrap();

    let report = retry(&world, &["5"]);

    assert_eq!(report["resumed"], true);
    assert_eq!((moved(&report, "people")[0], moved(&report, "pets")[0]), (4_000, 4_000));
    world.assert_as_expected();
}

for_each_pair!(
    a_row_that_is_named_costs_one_row,
    a_row_that_is_named_costs_one_row_by_a_cursor,
    a_row_that_is_named_costs_one_row_where_all_is_compared,
    a_row_that_is_named_leaves_nothing_out_of_an_interrupted_run,
);
