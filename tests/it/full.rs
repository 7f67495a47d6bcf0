//! `change_detection: { strategy: full }`: what others did to the destination is found and undone.

use serde_json::Value;

use crate::ends::{Ends, for_each_pair};
use crate::world::{World, counts};

const SCHEMA: &str =
    "create table people (id uuid primary key, name text not null, born date, pay numeric(8,2), note text);";

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
change_detection: { strategy: full }
field_mappings:
  name: { source_field: nm, transformation: trimmed }
  born: { source_field: born, format: \"%Y%m%d\" }
  pay: pay
";

const FILL: &str = "
create table old_people (no integer primary key, nm text, born text, pay numeric(8,2));
insert into old_people values (1, 'a', '19990101', 10.5), (2, 'b', null, 0), (3, 'c', '20000229', null), (4, 'd', null, 2.25), (5, '', '20010230', 1);
";

fn moved(report: &Value) -> [u64; 4] {
    let counts = counts(report, "people");
    ["new", "modified", "unchanged", "quarantined"].map(|name| counts[name].as_u64().unwrap())
}

fn what_others_did_is_undone_and_nothing_else_is_written(ends: Ends) {
    let world = World::project(ends, "", SCHEMA, &[("people", PEOPLE)]);
    world.source().execute(FILL);
    assert_eq!(moved(&world.run()), [4, 0, 0, 1]);
    let before = world.destination().fingerprint();
    assert_eq!(moved(&world.run()), [0, 0, 4, 1]);
    assert_eq!(world.destination().fingerprint(), before, "nothing had changed, and something was written");

    // A column that no field fills is nobody's business.
    world.destination().execute("update people set note = 'mine'");
    world.destination().execute("update people set name = 'edited' where name = 'b'");
    world.destination().execute("update people set pay = null where name = 'd'");
    world.destination().execute("delete from people where name = 'a'");
    world.source().execute("update old_people set nm = 'C' where no = 3");

    assert_eq!(moved(&world.run()), [1, 3, 0, 1]);
    world.assert_as_expected();
    assert_eq!(
        world.destination().texts("select name || ' ' || coalesce(note, '-') from people order by name"),
        ["C mine", "a -", "b mine", "d mine"]
    );
    assert_eq!(moved(&world.run()), [0, 0, 4, 1]);
}

fn what_others_did_is_detected_and_undone_by_plan(ends: Ends) {
    let world = World::project(ends, "", SCHEMA, &[("people", PEOPLE)]);
    world.source().execute(FILL);
    world.run();
    let nothing = detected(&world);
    assert_eq!((&nothing["summary"]["totalChanges"], found(&nothing)), (&0.into(), Vec::new()));
    world.destination().execute("update people set note = 'mine', name = 'edited' where name = 'b'");
    world.destination().execute("delete from people where name = 'a'");
    world
        .source()
        .execute("update old_people set nm = 'C' where no = 3; update old_people set nm = ' d ' where no = 4");
    let before = world.destination().fingerprint();

    let changes = detected(&world);

    assert_eq!(found(&changes), ["1 modified null", "2 modified [\"name\"]", "3 modified [\"name\"]", "4 modified []"]);
    assert_eq!(changes["changesDetected"][0]["fieldChanges_unknown"], "the destination does not have the row any more");
    assert_eq!(world.destination().fingerprint(), before, "the destination was written");
    assert_eq!(moved(&world.run_with(&["--plan", changes["detectionId"].as_str().unwrap()])), [1, 3, 0, 0]);
    world.assert_as_expected();
    assert_eq!(found(&detected(&world)), [""; 0]);
}

fn detected(world: &World) -> Value {
    let told = world.transload(&["detect", "--format", "json"]);
    assert_eq!(told.code, 0, "{told:?}");
    serde_json::from_str(&told.stdout).unwrap()
}

fn found(changes: &Value) -> Vec<String> {
    let line = |change: &Value| {
        let text = |name: &str| change[name].as_str().unwrap().to_owned();
        format!("{} {} {}", text("recordId"), text("changeType"), change["fieldChanges"])
    };
    changes["changesDetected"].as_array().unwrap().iter().map(line).collect()
}

/// Somebody else took its place, and left again.
fn a_row_whose_place_was_taken_comes_back(ends: Ends) {
    let schema = "create table people (id uuid primary key, name text not null unique);";
    let spec = "entity_type: people\nsource_table: old_people\ndestination_table: people\nversion: \"1\"\n\
                change_detection: { strategy: full }\nfield_mappings: { name: nm }\n";
    for strategy in ["uuid_v5", "uuid_v7"] {
        let spec = format!("{spec}key: {{ strategy: {strategy} }}\n");
        let world = World::project(ends, "", schema, &[("people", &spec)]);
        if strategy == "uuid_v7" {
            world.replace("transload.yaml", "namespace", "x-namespace");
        }
        world.source().execute(
            "create table old_people (no integer primary key, nm text); insert into old_people values (1, 'a'), (2, 'b');",
        );
        world.run();
        world.destination().execute("delete from people where name = 'b'");
        world.destination().execute("insert into people values ('0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11', 'b')");
        assert_eq!(moved(&world.run()), [0, 0, 1, 1], "{strategy}");
        world.destination().execute("delete from people where name = 'b'");

        let report = world.run_with(&["--retry-quarantined"]);

        assert_eq!(moved(&report), [1, 0, 1, 0], "{strategy}");
        let joined = format!(
            "select source_id || ' ' || name from {} join people on cast(id as text) = destination_id order by 1",
            world.destination().ledger("migration_mappings")
        );
        assert_eq!(world.destination().texts(&joined), ["1 a", "2 b"], "{strategy}");
    }
}

/// What is referred to is looked up in a ledger that this very pass writes.
fn rows_that_refer_to_one_another_are_compared_while_they_are_written(ends: Ends) {
    let schema = "create table people (no bigint primary key, name text not null, boss bigint references people (no));";
    let spec = "entity_type: people\nsource_table: old_people\ndestination_table: people\nversion: \"1\"\n\
                key: { source: no, destination: no, strategy: keep }\nchange_detection: { strategy: full }\n\
                load: { batch_size: 1, checkpoint_interval: 1 }\n\
                field_mappings: { name: nm, boss: { source_field: chief, references: people } }\n";
    let world = World::project(ends, "", schema, &[("people", spec)]);
    world.source().execute(
        "create table old_people (no integer primary key, nm text, chief integer);
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 30)
         insert into old_people select i * 10, 'person ' || i, case when i > 20 then 10 end from n;",
    );
    assert_eq!(moved(&world.run()), [30, 0, 0, 0]);
    world.source().execute(
        "update old_people set nm = 'other' where no = 10; insert into old_people values (15, 'x', null), (25, 'y', null)",
    );

    let report = world.run();

    assert_eq!(moved(&report), [2, 1, 29, 0]);
    assert_eq!(world.destination().count("people"), 32);
    assert_eq!(world.destination().count("people where boss = 10"), 10);
}

for_each_pair!(
    what_others_did_is_undone_and_nothing_else_is_written,
    what_others_did_is_detected_and_undone_by_plan,
    a_row_whose_place_was_taken_comes_back,
    rows_that_refer_to_one_another_are_compared_while_they_are_written,
);
