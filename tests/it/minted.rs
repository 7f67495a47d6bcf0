//! Keys that are made when a row is loaded: `uuid_v7`, and what the database itself gives.

use serde_json::Value;

use crate::ends::{Ends, for_each_pair, for_pair};
use crate::world::{World, counts};

const DELETES: &str = "  deletes: { mode: hard, max: 60% }";

/// A table of people who have a boss, and one of their orders.
fn schema(ends: Ends, strategy: &str) -> String {
    let (key, reference) = match (strategy, ends.is_to_postgres()) {
        ("uuid_v7", _) => ("uuid primary key", "uuid"),
        (_, true) => ("bigint generated always as identity primary key", "bigint"),
        (_, false) => ("integer primary key", "integer"),
    };
    format!(
        "create table people (id {key}, name text not null unique, boss_id {reference} references people (id));
         create table orders (id {key}, person_id {reference} not null references people (id), state text);"
    )
}

fn specs(strategy: &str) -> [(&'static str, String); 2] {
    let spec = |entity: &str, mappings: &str| {
        format!(
            "entity_type: {entity}\nsource_table: old_{entity}\ndestination_table: {entity}\nversion: \"1\"\n\
             key: {{ strategy: {strategy} }}\nfield_mappings: {{ {mappings} }}\n"
        )
    };
    [
        ("people", spec("people", "name: nm, boss_id: { source_field: boss, references: people }")),
        ("orders", spec("orders", "person_id: { source_field: person, references: people }, state: state")),
    ]
}

/// Thirty people, of whom the eleventh is nobody and those below him wait, and three orders each.
const FILL: &str = "
create table old_people (no integer primary key, nm text, boss integer);
create table old_orders (code text primary key, person integer, state text);
with recursive n (i) as (select 1 union all select i + 1 from n where i < 30)
insert into old_people select i, case when i <> 11 then 'person ' || i end, nullif(i / 2, 0) from n;
with recursive n (i) as (select 1 union all select i + 1 from n where i < 90)
insert into old_orders select 'order ' || i, 1 + i % 30, 'open' from n;
";

fn world(ends: Ends, strategy: &str) -> World {
    let specs = specs(strategy);
    let specs: Vec<(&str, &str)> = specs.iter().map(|(entity, spec)| (*entity, spec.as_str())).collect();
    let world = World::project(ends, DELETES, &schema(ends, strategy), &specs);
    world.replace("transload.yaml", "namespace", "x-namespace");
    world.source().execute(FILL);
    world
}

fn moved(report: &Value, entity: &str) -> [u64; 4] {
    let counts = counts(report, entity);
    ["new", "modified", "deleted", "quarantined"].map(|name| counts[name].as_u64().unwrap())
}

/// Each key of a source row that is loaded, with the one that was made for it.
fn mappings(world: &World) -> Vec<String> {
    let table = world.destination().ledger("migration_mappings");
    let sql = format!(
        "select entity_type || ' ' || source_id || ' ' || destination_id from {table} order by entity_type, source_id"
    );
    world.destination().texts(&sql)
}

fn a_key_is_made_once(ends: Ends, strategy: &str) {
    let world = world(ends, strategy);
    let report = world.run();
    assert_eq!(moved(&report, "people"), [27, 0, 0, 3], "{report:#}");
    world.assert_as_expected();
    let made = mappings(&world);

    // Nothing moves, and then some of everything.
    assert_eq!(moved(&world.run(), "orders")[..3], [0; 3]);
    assert_eq!(mappings(&world), made);
    world.source().execute(
        "update old_orders set state = 'paid' where person = 3; delete from old_orders where code = 'order 1';
         update old_people set nm = 'someone' where no = 11; update old_people set boss = 2 where no = 9;
         insert into old_orders values ('order 91', 30, 'open'); delete from old_orders where person = 30 and code = 'order 29'",
    );
    let report = world.run();
    assert_eq!(moved(&report, "people"), [3, 1, 0, 0], "{report:#}");
    assert_eq!(moved(&report, "orders")[1..3], [3, 2], "{report:#}");
    world.assert_as_expected();
    let now = mappings(&world);
    assert!(
        made.iter().filter(|row| !row.contains("order 1 ") && !row.contains("order 29 ")).all(|row| now.contains(row))
    );

    // All rows again, each under its own key.
    world.run_with(&["--remap"]);
    world.assert_as_expected();
    assert_eq!(mappings(&world), now);
}

fn uuids_of_version_7_are_made_once(ends: Ends) {
    a_key_is_made_once(ends, "uuid_v7");
}

fn numbers_of_the_database_are_taken_once(ends: Ends) {
    a_key_is_made_once(ends, "database");
}

/// What the database gives next is what a run has not given.
fn others_may_insert_behind_a_run(ends: Ends) {
    let world = world(ends, "database");
    world.run();
    world.destination().execute("insert into people (name) values ('by hand')");
    let own = world.destination().number("select id from people where name = 'by hand'");
    assert_eq!(world.destination().number("select max(id) from people"), own);
    world.source().execute("insert into old_people values (31, 'late', 1)");
    let report = world.run();
    assert_eq!(moved(&report, "people")[0], 1, "{report:#}");
    assert!(world.destination().number("select id from people where name = 'late'") > own);
}

/// A key that is not made yet is shown as one, and a test of a spec has the same every time.
fn what_is_tried_has_keys_too(ends: Ends) {
    for strategy in ["uuid_v7", "database"] {
        let world = world(ends, strategy);
        let previewed = world.transload(&["preview", "people", "--limit", "2", "--format", "json"]);
        assert_eq!(previewed.code, 0, "{previewed:?}");
        let preview: Value = serde_json::from_str(&previewed.stdout).unwrap();
        let value = |row: usize, column: usize| &preview["rows"][row]["columns"][column]["value"];
        // The second is the boss of nobody here, and his boss is the first.
        assert_eq!(value(1, 2), value(0, 0), "{preview:#}");
        assert_ne!(value(1, 0), value(0, 0), "{preview:#}");
        world.run();
        let loaded =
            world.transload(&["preview", "orders", "--limit", "1", "--against-destination", "--format", "json"]);
        let loaded: Value = serde_json::from_str(&loaded.stdout).unwrap();
        let columns = loaded["rows"][0]["columns"].as_array().unwrap();
        assert!(columns.iter().all(|column| column["value"] == column["current"]), "{loaded:#}");
    }
}

const PROFILES: &str = "
entity_type: profiles
source_table: old_profiles
destination_table: profiles
version: \"1\"
key: { source: person, destination: person_id, strategy: keep }
field_mappings:
  person_id: { source_field: person, references: people }
  mentor_id: { source_field: mentor, references: profiles }
  note: {}
tests:
  - name: a mentor is somebody's profile
    given:
      rows: [{ person: 1, note: a }, { person: 2, mentor: 1, note: b }]
      mappings: { people: { \"1\": 7, \"2\": 8 } }
    expect:
      rows: [{ note: a }, { note: b }]
";

/// A key that is kept may be a reference, and so be made after all: also where its row does not come.
fn a_kept_key_may_be_a_key_that_was_made(ends: Ends) {
    let specs = specs("database");
    let people = format!(
        "create table people (id {}, name text not null unique, boss_id bigint);",
        match ends.is_to_postgres() {
            true => "bigint generated by default as identity primary key",
            false => "integer primary key",
        }
    );
    let profiles = "create table profiles (person_id bigint primary key, mentor_id bigint, note text);";
    let world = World::project(ends, DELETES, &(people + profiles), &[("people", &specs[0].1), ("profiles", PROFILES)]);
    world.replace("transload.yaml", "namespace", "x-namespace");
    world.source().execute(FILL);
    // The mentor of the second has no person, and that of the third is one who is set aside.
    world.source().execute(
        "create table old_profiles (person integer primary key, mentor integer, note text);
         insert into old_profiles values (1, null, 'a'), (2, 77, 'b'), (3, 11, 'c'), (4, 1, 'd'), (11, 1, 'e'), (77, 1, 'f')",
    );
    let lock = world.transload(&["validate", "--lock"]);
    assert_eq!(lock.code, 0, "{lock:?}");
    let tested = world.transload(&["test"]);
    assert_eq!(tested.code, 0, "{tested:?}");

    let report = world.run();

    assert_eq!(moved(&report, "profiles"), [2, 0, 0, 4], "{report:#}");
    assert_eq!(world.destination().texts("select note from profiles order by note"), ["a", "d"]);
    let mentor = "select m.note from profiles p join profiles m on m.person_id = p.mentor_id";
    assert_eq!(world.destination().texts(mentor), ["a"]);
}

/// Without its mapping a row could only be written a second time.
fn a_row_without_its_mapping_stops_the_entity(ends: Ends) {
    let world = world(ends, "uuid_v7");
    world.run();
    let table = world.destination().ledger("migration_mappings");
    world.destination().execute(&format!("delete from {table} where entity_type = 'orders' and source_id = 'order 5'"));
    world.source().execute("update old_orders set state = 'lost' where code = 'order 5'");
    let before = world.destination().count("orders");
    for _ in 0..2 {
        let told = world.transload(&["run"]);
        assert_ne!(told.code, 0, "{told:?}");
        assert!(told.stderr.contains("TL0502") || told.stderr.contains("TL0501"), "{told:?}");
        assert_eq!(world.destination().count("orders"), before);
    }
}

/// PostgreSQL's texts take no zero byte. What stands for it is no text that another key may be.
fn keys_that_look_alike_are_mapped_apart(ends: Ends) {
    let schema = "create table people (id uuid primary key, name text not null);";
    let spec = "entity_type: people\nsource_table: old_people\ndestination_table: people\nversion: \"1\"\n\
                key: { source: code, strategy: uuid_v7 }\nfield_mappings: { name: nm }\n";
    let world = World::project(ends, DELETES, schema, &[("people", spec)]);
    world.replace("transload.yaml", "namespace", "x-namespace");
    world.source().execute(
        "create table old_people (code text primary key, nm text);
         insert into old_people values ('a' || char(0) || 'b', '1'), ('a' || char(9216) || 'b', '2'), ('a' || char(9216) || '0b', '3'),
             ('a' || char(9216) || char(9216) || 'b', '4'), ('a' || char(0) || char(0) || 'b', '5');",
    );

    assert_eq!(moved(&world.run(), "people"), [5, 0, 0, 0]);

    world.source().execute("update old_people set nm = 'new ' || nm");
    assert_eq!(moved(&world.run(), "people"), [0, 5, 0, 0]);
    assert_eq!(
        world.destination().texts("select name from people order by name"),
        ["new 1", "new 2", "new 3", "new 4", "new 5"]
    );
}

for_pair!(only_to_postgres, SqliteToPostgres, keys_that_look_alike_are_mapped_apart);

for_each_pair!(
    uuids_of_version_7_are_made_once,
    numbers_of_the_database_are_taken_once,
    others_may_insert_behind_a_run,
    what_is_tried_has_keys_too,
    a_kept_key_may_be_a_key_that_was_made,
    a_row_without_its_mapping_stops_the_entity,
);
