//! Runs that are killed when one of their streams is done and another has committed nothing.

use std::process::Child;

use super::{assert_same, moved, spec, twins};
use crate::alongside::{WAITING, begun, wait_for};
use crate::world::World;

const ROWS: u64 = 4_000;

/// Ends `table` with a trigger that waits, at a row near its end, for as long as the test's session wants.
fn with_gate(world: &World, table: &str) {
    world.destination().execute(&format!(
        "create function wait() returns trigger language plpgsql as $$ begin
             if new.id = {} then perform pg_advisory_xact_lock(7); end if;
             return new;
         end $$;
         create trigger waits before insert or update on {table} for each row execute function wait()",
        ROWS - 10
    ));
}

/// Starts a run and waits until one stream is done and another waits at the gate. Then it is killed.
fn killed_half_way(world: &World) {
    world.destination().execute("select pg_advisory_lock(7)");
    let mut run: Child = begun(world);
    wait_for(world.destination(), WAITING);
    let half = "select count(*) from transload.stream_positions where stream > 0 and done";
    wait_for(world.destination(), half);
    run.kill().unwrap();
    run.wait().unwrap();
    let others = "from pg_stat_activity where application_name = 'transload' and datname = current_database()";
    world.destination().execute(&format!("select pg_terminate_backend(pid) {others}"));
    wait_for(world.destination(), &format!("select (count(*) = 0)::int {others}"));
    world.destination().execute("select pg_advisory_unlock(7)");
}

#[test]
fn references_to_rows_of_the_same_table_are_filled_after_a_resume() {
    let table = "create table t (id integer primary key, boss integer references t (id), name text)";
    let world = twins(
        "  load: { streams: 2 }",
        table,
        &[("t", &spec("t", "name: name, boss: { source_field: boss, references: t }"))],
    );
    with_gate(&world, "t");
    // The first half refers to rows behind, the second to none.
    world.source().execute(&format!(
        "insert into t select i, case when i < {} then i + 1 end, 'n' || i from generate_series(1, {ROWS}) i; analyze t",
        ROWS / 3
    ));
    killed_half_way(&world);

    let report = world.run();

    assert_eq!(report["resumed"], true, "{report}");
    assert_eq!(moved(&report), [ROWS, 0, 0, 0], "{report}");
    let without = format!("t where boss is null and id < {}", ROWS / 3);
    assert_eq!(world.destination().count(&without), 0, "references were forgotten");
    assert_same(&world, "t", "after the resume");
    assert_eq!(moved(&world.run()), [0; 4]);
}

#[test]
fn orphans_of_a_stream_that_was_done_are_loaded_when_their_parent_comes_before_the_resume() {
    let tables = "create table p (id integer primary key, name text); create table c (id integer primary key, p integer, name text)";
    let children = spec("c", "name: name, p: { source_field: p, references: p }");
    let small = "  load: { batch_size: 500, checkpoint_interval: 1, streams: 2 }";
    let world = twins(small, tables, &[("p", &spec("p", "name: name")), ("c", &children)]);
    world.source().execute(&format!(
        "insert into p select i, 'p' || i from generate_series(1, 10) i;
         insert into c select i, 1 + i % 10, 'n' || i from generate_series(1, {ROWS}) i; analyze"
    ));
    assert_eq!(moved(&world.run()), [ROWS + 10, 0, 0, 0]);
    with_gate(&world, "c");
    world.source().execute(&format!(
        "update c set p = 77 where id = 5; insert into c values (-3, 77, 'orphan'); update c set name = 'x' where id = {}",
        ROWS - 10
    ));
    killed_half_way(&world);
    assert_eq!(
        world.quarantine(),
        ["c -3 PARENT_MISSING p", "c 5 PARENT_MISSING p"],
        "the first stream set them aside"
    );
    world.source().execute("insert into p values (77, 'late')");

    assert_eq!(world.run()["resumed"], true);
    world.run();

    assert_eq!(world.quarantine(), [""; 0]);
    assert_same(&world, "p", "after the resume");
    assert_same(&world, "c", "after the resume");
    assert_eq!(moved(&world.run()), [0; 4]);
}
