//! `kill -9`, at random moments.

use std::process::Stdio;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::world::{Random, World};

const ROWS: u64 = 200_000;
const KILLS: u64 = 20;

/// So that there are many moments between two of them.
const SMALL_UNITS: &str = "  load: { batch_size: 250, checkpoint_interval: 2, max_errors: 1000 }";

const SCHEMA: &str = "
create table items (id text primary key, label text not null, price text not null, parent_id text references items (id));
create table labels (id text primary key, item_id text not null references items (id), text text not null);
";

const ITEMS: &str = "
entity_type: items
source_table: old_items
destination_table: items
version: \"1\"
field_mappings:
  label: { transformation: [trimmed, upper], is_required: true }
  price: { source_field: cents, data_type: \"decimal(12,2)\" }
  parent_id: { source_field: parent, references: items }
";

const LABELS: &str = "
entity_type: labels
source_table: old_labels
destination_table: labels
version: \"1\"
field_mappings:
  item_id: { source_field: item, references: items }
  text: txt
";

/// 120,000 items, of which some are bad and some have a parent right behind them or far before, and 80,000 labels.
fn world() -> World {
    let world = World::project(SMALL_UNITS, SCHEMA, &[("items", ITEMS), ("labels", LABELS)]);
    world
        .database("data/legacy.db")
        .execute_batch(
            "create table old_items (no integer primary key, label text, cents numeric(12,2), parent integer);
             create table old_labels (no integer primary key, item integer, txt text);
             with recursive n (i) as (select 1 union all select i + 1 from n where i < 120000)
             insert into old_items select i * 3, case when i % 4001 = 0 then null else ' item ' || i end, i / 4.0,
                 case when i % 4001 = 0 then null when i % 7 = 0 then (i % 120000 + 1) * 3 when i % 7 = 1 then (i / 2) * 3 end
                 from n;
             with recursive n (i) as (select 1 union all select i + 1 from n where i < 80000)
             insert into old_labels select i, (i % 120000 + 1) * 3, 'label ' || i from n;",
        )
        .unwrap();
    world
}

/// Units committed so far, as the destination tells.
fn committed(world: &World) -> u64 {
    let path = world.file("data/platform.db");
    let count = || -> rusqlite::Result<u64> {
        let platform = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        platform.busy_timeout(Duration::from_secs(10))?;
        platform.query_row("select coalesce(sum(seq), 0) from transload_stream_positions", [], |row| row.get(0))
    };
    // Before the first unit there is no such table, or no such file.
    count().unwrap_or(0)
}

#[test]
fn a_run_that_is_killed_twenty_times_arrives_whole() {
    let world = world();
    let mut random = Random::of_seed(20_261_121);
    for kill in 0..KILLS {
        let start = committed(&world);
        let wanted = start + random.below(25);
        let mut child = world.command(&["run", "-q"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Wait for so many units, and then for some moment within the next.
        while committed(&world) < wanted && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let moment = Duration::from_micros(random.below(4_000));
        let until = std::time::Instant::now() + moment;
        while std::time::Instant::now() < until {
            std::hint::spin_loop();
        }
        assert!(child.try_wait().unwrap().is_none(), "the run ended before kill {kill}");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    let report = world.run();

    assert_eq!(report["resumed"], true);
    assert_eq!(report["totals"]["read"], ROWS, "every row is accounted for once, over all attempts");
    world.assert_as_expected();
    assert_no_unit_twice(&world, report["run_id"].as_str().unwrap());
    let again = world.run();
    assert_eq!(again["totals"]["new"], 0);
}

/// Every attempt appended to one file of events: a unit that is told of twice was done twice.
fn assert_no_unit_twice(world: &World, run: &str) {
    let events = world.read(&format!(".transload/runs/{run}/events.jsonl"));
    let mut seen = std::collections::BTreeSet::new();
    let mut attempts = 0;
    for line in events.lines() {
        // A line may end where the process was killed.
        let Ok(event) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        attempts += u64::from(event["type"] == "run_started");
        if event["type"] == "unit_committed" {
            let unit = (event["entity"].to_string(), event["seq"].as_u64().unwrap());
            assert!(seen.insert(unit.clone()), "{unit:?} was committed twice");
        }
    }
    assert!(attempts > 1, "{attempts} attempts");
}

#[test]
fn a_run_that_is_asked_to_stop_goes_on_where_it_stopped() {
    let world = world();
    let child = world.command(&["run"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while committed(&world) < 20 {
        std::thread::yield_now();
    }
    let asked = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(asked.success());
    let stopped = crate::world::ended(&child.wait_with_output().unwrap());
    assert_eq!(stopped.code, 130, "{stopped:?}");
    assert!(stopped.stderr.contains("TL0430"), "{}", stopped.stderr);

    let report = world.run();

    assert_eq!(report["resumed"], true);
    assert_eq!(report["totals"]["read"], ROWS);
    world.assert_as_expected();
}

#[test]
fn a_second_run_beside_a_first_is_refused() {
    let world = world();
    let mut first = world.command(&["run", "-q"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while committed(&world) < 5 {
        std::thread::yield_now();
    }

    let second = world.transload(&["run"]);

    assert_eq!(second.code, 5, "{second:?}");
    assert!(second.stderr.contains("TL0503"), "{}", second.stderr);
    first.kill().unwrap();
    first.wait().unwrap();
}

/// Keys whose stored form, collation or class differs from what they mean.
const ODD_KEYS: [(&str, &str, &str); 4] = [
    ("moments", "moment datetime not null", "datetime('2020-01-01', (i * 61) || ' seconds')"),
    ("words", "word text collate nocase not null", "case when i % 2 = 0 then 'W' else 'w' end || printf('%06d', i)"),
    ("ids", "id uuid not null", "unhex(printf('%08x', i) || '5d434f0e9a3c6d8f0f3f2c11')"),
    ("numbers", "number integer not null", "i * 3"),
];

#[test]
fn a_run_goes_on_behind_any_kind_of_key() {
    let world = World::project(SMALL_UNITS, "", &[]);
    let mut schema = String::new();
    let legacy = world.database("data/legacy.db");
    for (name, column, value) in ODD_KEYS {
        let key = column.split(' ').next().unwrap();
        schema += &format!("create table {name} (id text primary key, label text);\n");
        let spec = format!(
            "entity_type: {name}\nsource_table: old_{name}\ndestination_table: {name}\nversion: \"1\"\n\
             key: {{ source: {key}, destination: id }}\nfield_mappings: {{ label: label }}\n"
        );
        world.write(&format!("specs/{name}.yaml"), &spec);
        let fill = format!(
            "create table old_{name} ({column}, label text);
             with recursive n (i) as (select 1 union all select i + 1 from n where i < 20000)
             insert into old_{name} select {value}, 'label ' || i from n;"
        );
        legacy.execute_batch(&fill).unwrap();
    }
    // A key of another class comes before the cursor in the source's order, and is not to be forgotten.
    legacy.execute_batch("insert into old_numbers values (4.5, 'no integer')").unwrap();
    world.write("schema.sql", &schema);
    for units in [10, 30, 60, 90] {
        let child = world.command(&["run", "-q"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        stop_after(&world, child, units);
    }

    let report = world.run();

    assert_eq!(report["totals"]["read"], 80_001);
    assert_eq!(report["totals"]["new"], 80_000);
    let mappings: u64 = world
        .database("data/platform.db")
        .query_row("select count(*) from transload_migration_mappings", [], |row| row.get(0))
        .unwrap();
    assert_eq!(mappings, 80_000);
    let again = world.run();
    assert_eq!(again["totals"]["unchanged"], 80_000);
}

/// Asks the process to stop once so many units are committed, and waits until it did.
fn stop_after(world: &World, mut child: std::process::Child, units: u64) {
    while committed(world) < units && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    let asked = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(asked.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
