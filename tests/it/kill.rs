//! `kill -9`, at random moments.
//!
//! `TRANSLOAD_TEST_KILLS` says how often; 20 times where it says nothing. From 100 on, there are a million rows:
//!
//! ```sh
//! TRANSLOAD_TEST_KILLS=200 tests/run --release --test it kill:: -- --nocapture
//! ```

use crate::alongside::{assert_no_unit_twice, begun, begun_and_within, interrupt, wait_for_units};
use crate::ends::{Ends, for_each_pair};
use crate::world::{Random, World};

/// How often a run is killed.
fn kills() -> u64 {
    std::env::var("TRANSLOAD_TEST_KILLS").map_or(20, |text| text.parse().unwrap())
}

/// Rows of a project, of which three in five are items.
fn all_rows() -> u64 {
    if kills() < 100 { 200_000 } else { 1_000_000 }
}

/// So that there are many moments between two of them.
const SMALL_UNITS: &str = "  load: { batch_size: 250, checkpoint_interval: 2, max_errors: 1000 }";

pub(crate) const SCHEMA: &str = "
create table items (id uuid primary key, label text not null, price numeric(12,2) not null, parent_id uuid references items (id));
create table labels (id uuid primary key, item_id uuid not null references items (id), text text not null);
";

pub(crate) const ITEMS: &str = "
entity_type: items
source_table: old_items
destination_table: items
version: \"1\"
field_mappings:
  label: { transformation: [trimmed, upper], is_required: true }
  price: { source_field: cents, data_type: \"decimal(12,2)\" }
  parent_id: { source_field: parent, references: items }
";

pub(crate) const LABELS: &str = "
entity_type: labels
source_table: old_labels
destination_table: labels
version: \"1\"
field_mappings:
  item_id: { source_field: item, references: items }
  text: txt
";

/// 120,000 items, of which some are bad and some have a parent right behind them or far before, and 80,000 labels.
pub(crate) fn world(ends: Ends) -> World {
    filled(World::project(ends, SMALL_UNITS, SCHEMA, &[("items", ITEMS), ("labels", LABELS)]))
}

fn filled(world: World) -> World {
    let (items, labels) = (all_rows() / 5 * 3, all_rows() / 5 * 2);
    world.source().execute(&format!(
        "create table old_items (no integer primary key, label text, cents numeric(12,2), parent integer);
         create table old_labels (no integer primary key, item integer, txt text);
         with recursive n (i) as (select 1 union all select i + 1 from n where i < {items})
         insert into old_items select i * 3, case when i % 4001 = 0 then null else ' item ' || i end, i / 4.0,
             case when i % 4001 = 0 then null when i % 7 = 0 then (i % {items} + 1) * 3 when i % 7 = 1 then (i / 2) * 3 end
             from n;
         with recursive n (i) as (select 1 union all select i + 1 from n where i < {labels})
         insert into old_labels select i, (i % {items} + 1) * 3, 'label ' || i from n;"
    ));
    world
}

fn a_run_that_is_killed_many_times_arrives_whole(ends: Ends) {
    let world = world(ends);
    let mut random = Random::of_seed(20_261_121);
    // Five hundred rows are a unit; a quarter of the kills could be spared.
    let units_each = all_rows() / 500 / kills();
    for _ in 0..kills() {
        let units = random.below((units_each * 5 / 4).max(1));
        let mut run = begun_and_within(&world, &mut random, units);
        run.kill().unwrap();
        run.wait().unwrap();
    }

    let report = world.run();

    assert_eq!(report["resumed"], true);
    assert_eq!(report["totals"]["read"], all_rows(), "every row is accounted for once, over all attempts");
    world.assert_as_expected();
    assert_no_unit_twice(&world, report["run_id"].as_str().unwrap());
    println!("{} kills, {} rows: lost 0, doubled 0, committed units done again 0", kills(), all_rows());
    let again = world.run();
    assert_eq!(again["totals"]["new"], 0);
}

fn a_run_that_is_asked_to_stop_goes_on_where_it_stopped(ends: Ends) {
    let world = world(ends);
    let mut run = begun(&world);
    wait_for_units(&world, &mut run, 20);
    let stopped = interrupt(run);
    assert!(stopped.stderr.contains("TL0430"), "{}", stopped.stderr);

    let report = world.run();

    assert_eq!(report["resumed"], true);
    assert_eq!(report["totals"]["read"], all_rows());
    world.assert_as_expected();
}

fn a_second_run_beside_a_first_is_refused(ends: Ends) {
    let world = world(ends);
    let mut first = begun(&world);
    wait_for_units(&world, &mut first, 5);

    let second = world.transload(&["run"]);

    assert_eq!(second.code, 5, "{second:?}");
    assert!(second.stderr.contains("TL0503"), "{}", second.stderr);
    first.kill().unwrap();
    first.wait().unwrap();
}

/// A table's name, the key's column and its values for each `i`.
type Key = (&'static str, &'static str, &'static str);

/// Keys whose stored form, collation or class differs from what they mean.
const SQLITE_KEYS: [Key; 4] = [
    ("moments", "moment datetime not null", "datetime('2020-01-01', (i * 61) || ' seconds')"),
    ("words", "word text collate nocase not null", "case when i % 2 = 0 then 'W' else 'w' end || printf('%06d', i)"),
    ("ids", "id uuid not null", "unhex(printf('%08x', i) || '5d434f0e9a3c6d8f0f3f2c11')"),
    ("numbers", "number integer not null", "i * 3"),
];

/// Keys that the server itself would order in another way, or whose order has traps.
const POSTGRES_KEYS: [Key; 4] = [
    ("moments", "moment timestamp not null", "timestamp '1999-12-31 20:00:00' + i * interval '1.5 seconds'"),
    (
        "words",
        "word text collate \"en-x-icu\" not null",
        "(array['W', 'w', 'É', 'z-'])[i % 4 + 1] || lpad(i::text, 6, '0')",
    ),
    ("ids", "id uuid not null", "md5(i::text)::uuid"),
    ("numbers", "number bigint not null", "(i - 10000) * 3"),
];

fn a_run_goes_on_behind_any_kind_of_key(ends: Ends) {
    let world = World::project(ends, SMALL_UNITS, "", &[]);
    let mut schema = String::new();
    for (name, column, value) in if ends.is_from_postgres() { POSTGRES_KEYS } else { SQLITE_KEYS } {
        let key = column.split(' ').next().unwrap();
        schema += &format!("create table {name} (id uuid primary key, label text);\n");
        let spec = format!(
            "entity_type: {name}\nsource_table: old_{name}\ndestination_table: {name}\nversion: \"1\"\n\
             key: {{ source: {key}, destination: id }}\nfield_mappings: {{ label: label }}\n"
        );
        world.write(&format!("specs/{name}.yaml"), &spec);
        world.source().execute(&format!(
            "create table old_{name} ({column}, label text);
             with recursive n (i) as (select 1 union all select i + 1 from n where i < 20000)
             insert into old_{name} select {value}, 'label ' || i from n;"
        ));
    }
    let mut unkeyed = 0;
    if !ends.is_from_postgres() {
        // A key of another class comes before the cursor in the source's order, and is not to be forgotten.
        world.source().execute("insert into old_numbers values (4.5, 'no integer')");
        unkeyed = 1;
    }
    world.write("schema.sql", &schema);
    for units in [10, 30, 60, 90] {
        let mut run = begun(&world);
        wait_for_units(&world, &mut run, units);
        interrupt(run);
    }

    let report = world.run();

    assert_eq!(report["totals"]["read"], 80_000 + unkeyed);
    assert_eq!(report["totals"]["new"], 80_000);
    assert_eq!(world.destination().count(&world.destination().ledger("migration_mappings")), 80_000);
    let again = world.run();
    assert_eq!(again["totals"]["unchanged"], 80_000);
}

for_each_pair!(
    a_run_that_is_killed_many_times_arrives_whole,
    a_run_that_is_asked_to_stop_goes_on_where_it_stopped,
    a_second_run_beside_a_first_is_refused,
    a_run_goes_on_behind_any_kind_of_key,
);
