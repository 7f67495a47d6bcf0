//! References to entities whose keys have several columns.

use serde_json::Value;

use crate::ends::{Ends, for_each_pair};
use crate::world::{World, counts};

const SCHEMA: &str = "
create table beds (id uuid primary key, size text not null, beside_id uuid references beds (id));
create table places (ward bigint not null, place text not null, floor bigint, primary key (ward, place));
create table rooms (id uuid primary key, name text);
create table stays (
    id uuid primary key, bed_id uuid references beds (id), room_id uuid not null references rooms (id), ward bigint, spot text, was_ward bigint,
    foreign key (ward, spot) references places (ward, place)
);
";

/// A made-up hospital, where a bed is known by its ward and what is written on it.
const FILL: &str = "
create table old_beds (ward integer not null, bed text not null, size text, ward_beside integer, bed_beside text, primary key (ward, bed));
create table old_stays (no integer primary key, ward integer, bed text);
insert into old_beds values (1, 'a', 'l', 1, 'b'), (1, 'b', 'm', 1, 'a'), (2, 'a', 's', null, 'b'), (2, 'b:c', 'm', 9, 'z'), (3, 'a', 'l', 3, 'a');
insert into old_stays values (1, 1, 'a'), (2, 1, 'b'), (3, 2, 'a'), (4, null, 'a'), (5, 2, 'b'), (6, 2, 'b:c'), (7, 3, 'a');
";

const BEDS: &str = "
entity_type: beds
source_table: old_beds
destination_table: beds
version: \"1\"
field_mappings:
  size: { value_map: { s: small, m: middle, l: large } }
  beside_id: { source_field: [ward_beside, bed_beside], references: beds }
";

const PLACES: &str = "
entity_type: places
source_table: old_beds
destination_table: places
version: \"1\"
key: { source: [ward, bed], destination: [ward, place], strategy: keep }
field_mappings:
  floor: { default_value: 1 }
";

const ROOMS: &str = "
entity_type: rooms
source_table: old_beds
destination_table: rooms
version: \"1\"
key: { strategy: uuid_v7 }
field_mappings:
  name: { source_field: [ward, bed], transformation: concat }
";

const STAYS: &str = "
entity_type: stays
source_table: old_stays
destination_table: stays
version: \"1\"
field_mappings:
  bed_id: { source_field: [ward, bed], references: beds }
  room_id: { source_field: [ward, bed], references: rooms, is_required: true }
  ward: { source_field: [ward, bed], references: places }
  spot: { source_field: [ward, bed], references: places, referenced_column: place }
  was_ward: ward
";

fn world(ends: Ends) -> World {
    let specs = [("beds", BEDS), ("places", PLACES), ("rooms", ROOMS), ("stays", STAYS)];
    let world = World::project(ends, "  deletes: { mode: hard, max: 90% }", SCHEMA, &specs);
    world.source().execute(FILL);
    world
}

fn moved(report: &Value, entity: &str) -> [u64; 4] {
    let counts = counts(report, entity);
    ["new", "modified", "deleted", "quarantined"].map(|name| counts[name].as_u64().unwrap())
}

/// A row that refers by several columns is found by all of them, NULL in one refers to nothing, and who misses a parent waits for it.
fn rows_find_their_parents_by_all_columns(ends: Ends) {
    let world = world(ends);
    let report = world.run();
    assert_eq!(moved(&report, "beds"), [4, 0, 0, 1]);
    assert_eq!(moved(&report, "stays"), [4, 0, 0, 3]);
    world.assert_as_expected();
    let expected = [
        "beds [\"2\",\"b:c\"] PARENT_MISSING beside_id",
        "stays 4 REQUIRED_MISSING room_id",
        "stays 5 PARENT_MISSING bed_id",
        "stays 6 PARENT_MISSING bed_id",
    ];
    assert_eq!(world.quarantine(), expected);
    let places = world.destination().texts("select ward || spot from stays order by 1");
    assert_eq!(places, ["1a", "1b", "2a", "3a"]);

    // The missing bed arrives, and the one that it is beside; another leaves with those who were in it.
    world.source().execute(
        "insert into old_beds values (2, 'b', 's', 1, 'a'), (9, 'z', 's', null, null);
         update old_beds set ward_beside = 2, bed_beside = 'b' where ward = 1 and bed = 'a';
         update old_beds set ward_beside = null where ward = 1 and bed = 'b';
         delete from old_stays where no = 7; delete from old_beds where ward = 3",
    );
    let report = world.run();
    assert_eq!(moved(&report, "beds"), [3, 2, 1, 0]);
    assert_eq!(moved(&report, "stays")[..3], [2, 0, 1]);
    world.assert_as_expected();
    assert_eq!(world.quarantine(), ["stays 4 REQUIRED_MISSING room_id"]);
    let report = world.run();
    assert_eq!(moved(&report, "stays")[..3], [0, 0, 0]);
}

/// A row that another names stays, with a foreign key or without.
fn a_row_that_is_referred_to_by_several_columns_stays(ends: Ends) {
    let world = world(ends);
    world.replace("schema.sql", ",\n    foreign key (ward, spot) references places (ward, place)", "");
    for parent in ["beds (id)", "rooms (id)"] {
        world.write("schema.sql", &world.read("schema.sql").replace(&format!(" references {parent}"), ""));
    }
    world.run();
    world.source().execute("delete from old_beds where ward = 3 or bed = 'b' and ward = 2");
    assert_eq!(moved(&world.run(), "places")[2], 0);
    let stayed = |entity: &str| format!("{entity} [\"3\",\"a\"] DELETE_REFUSED -");
    let quarantine = world.quarantine();
    assert!(["beds", "places", "rooms"].iter().all(|entity| quarantine.contains(&stayed(entity))), "{quarantine:?}");
    assert_eq!(world.destination().count("places where ward = 3"), 1);

    world.source().execute("delete from old_stays where no = 7");
    assert_eq!(moved(&world.run(), "places")[2], 1);
    assert_eq!(world.destination().count("places where ward = 3"), 0);
}

/// Tests give new keys of several columns as maps, and `preview --as-test` writes them so.
fn tests_and_previews_know_them(ends: Ends) {
    let world = world(ends);
    world.run();
    let previewed = world.transload(&["preview", "stays", "--key", "1", "--as-test"]);
    assert_eq!(previewed.code, 0, "{previewed:?}");
    let (_, test) = previewed.stdout.split_once("tests:\n").unwrap();
    assert!(test.contains("\"[\\\"1\\\",\\\"a\\\"]\": { ward: 1, place: a }"), "{test}");
    world.write("specs/stays.yaml", &format!("{}tests:\n{test}", world.read("specs/stays.yaml")));
    let locked = world.transload(&["validate", "--lock"]);
    assert_eq!(locked.code, 0, "{locked:?}");
    world.take_databases_away();
    let tested = world.transload(&["test"]);
    assert_eq!(tested.code, 0, "{tested:?}");
    world.replace("specs/stays.yaml", "place: a", "plaice: a");
    let tested = world.transload(&["test"]);
    assert_eq!(tested.code, 1, "{tested:?}");
    assert!(tested.stdout.contains("the key has no column `plaice`"), "{tested:?}");
    world.replace("specs/stays.yaml", ", plaice: a", "");
    let tested = world.transload(&["test"]);
    assert!(tested.stdout.contains("the key has no `place`"), "{tested:?}");
    world.write("specs/stays.yaml", &world.read("specs/stays.yaml").replace("\\\",\\\"", "\\\", \\\""));
    let tested = world.transload(&["test"]);
    assert!(tested.stdout.contains("the old key is written as `[\"1\",\"a\"]`"), "{tested:?}");
}

for_each_pair!(
    rows_find_their_parents_by_all_columns,
    a_row_that_is_referred_to_by_several_columns_stays,
    tests_and_previews_know_them,
);
