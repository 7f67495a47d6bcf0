//! Tables that someone empties or alters while they are read: what commits late looks empty to a snapshot that is older.

use serde_json::Value;

use super::{assert_same, moved, spec, twins};
use crate::alongside::{WAITING, awaited, begun_with, wait_for};
use crate::world::World;

const TABLES: &str = "create table a (id integer primary key, n integer, name text);
    create table b (id integer primary key, n integer, name text) partition by range (id);
    create table b_low partition of b for values from (0) to (1900);
    create table b_high partition of b for values from (1900) to (10000)";

const FIELDS: &str = "n: n, name: name";

/// What must wait until the run is done with the table.
const CHANGES: [&str; 8] = [
    "truncate a",
    "truncate b",
    "truncate b_high",
    "alter table a alter column n type bigint",
    "alter table b alter column n type bigint",
    "alter table b detach partition b_high",
    "create temp table kept as select * from b_high; truncate b_high; insert into b_high select * from kept",
    "drop table b_high",
];

/// Two tables that were loaded, with a change in the first.
fn loaded() -> World {
    let b = format!("{}depends_on: [a]\n", spec("b", FIELDS));
    let small = "  load: { batch_size: 250, checkpoint_interval: 1, streams: 2 }";
    let world = twins(small, TABLES, &[("a", &spec("a", FIELDS)), ("b", &b)]);
    for table in ["a", "b"] {
        world.source().execute(&format!(
            "insert into {table} select i, i, 'n' || i from generate_series(1, 2000) i; analyze {table}"
        ));
    }
    assert_eq!(moved(&world.run()), [4_000, 0, 0, 0]);
    world.source().execute("update a set name = 'later' where id in (1, 1999)");
    world
}

/// Tries it for a moment; it must not get through.
fn assert_waits(world: &World, change: &str) {
    let tried = format!(
        "set lock_timeout = '100ms';
         do $$ begin {change}; raise exception 'not held'; exception when lock_not_available then null; end $$;
         reset lock_timeout"
    );
    world.source().execute(&tried);
}

/// `pool` is what the source's connection may hold.
fn check(pool: &str) {
    let world = loaded();
    world.replace("transload.yaml", "read_only: true", &format!("read_only: true{pool}"));
    world.destination().execute("begin; lock table a in share mode");
    let run = begun_with(&world, &["run", "--format", "json"]);
    wait_for(world.destination(), WAITING);

    for change in CHANGES {
        assert_waits(&world, change);
    }

    world.destination().execute("commit");
    let ended = awaited(run);
    assert_eq!(ended.code, 0, "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(moved(&report), [0, 2, 0, 0], "{report}");
    for table in ["a", "b"] {
        assert_same(&world, table, "after the run");
    }
    // Nobody is in the way any more.
    world.source().execute("alter table b detach partition b_high; truncate a");
}

#[test]
fn a_source_table_is_neither_emptied_nor_altered_while_a_run_goes_on() {
    check("");
}

#[test]
fn nor_is_it_between_two_streams_that_share_few_connections() {
    check(", pool: 2");
}
