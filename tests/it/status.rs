//! What `status` tells of runs that ended at an awkward moment: as they went on, or before they wrote anything.

use serde_json::Value;

use crate::alongside::{begun, committed, interrupt, wait_for_units, wait_until_alone};
use crate::ends::{Ends, for_each_pair};
use crate::world::World;

/// So that there are many moments between two of them.
const SMALL_UNITS: &str = "batch_size: 50, checkpoint_interval: 1";

/// So that none is committed for a while.
const LARGE_UNITS: &str = "batch_size: 5000, checkpoint_interval: 100";

const ROWS: u64 = 30_000;

fn world(ends: Ends) -> World {
    let schema = "create table items (id uuid primary key, label text not null);";
    let spec = "entity_type: items\nsource_table: old_items\ndestination_table: items\nversion: \"1\"\n\
                field_mappings: { label: { source_field: label, transformation: [trimmed, upper] } }\n";
    let world = World::project(ends, &format!("  load: {{ {SMALL_UNITS} }}"), schema, &[("items", spec)]);
    world.source().execute(&format!(
        "create table old_items (no integer primary key, label text);
         with recursive n (i) as (select 1 union all select i + 1 from n where i < {ROWS})
         insert into old_items select i, ' item ' || i from n;"
    ));
    world
}

fn runs(world: &World) -> Vec<Value> {
    let told = world.transload(&["status", "--format", "json"]);
    assert_eq!(told.code, 0, "{told:?}");
    let document: Value = serde_json::from_str(&told.stdout).unwrap();
    document["runs"].as_array().unwrap().clone()
}

fn read(run: &Value) -> u64 {
    run["counts"]["read"].as_u64().unwrap()
}

/// Whether the newest run that the control store knows is at work.
fn is_at_work(world: &World) -> bool {
    let path = world.file(".transload/control.db");
    let newest = "select status from migration_runs order by run_id desc limit 1";
    path.exists()
        && world.database(".transload/control.db").query_row(newest, [], |row| row.get(0)) == Ok("running".to_owned())
}

/// Begins a run, and kills it as soon as the control store knows of it.
fn killed_as_it_begins(world: &World) {
    let before = committed(world);
    let mut run = begun(world);
    while !is_at_work(world) {
        assert!(run.try_wait().unwrap().is_none(), "it ended by itself: {:?}", run.wait_with_output());
    }
    run.kill().unwrap();
    run.wait().unwrap();
    wait_until_alone(world);
    assert_eq!(committed(world), before, "it was to be killed before its first unit");
}

fn a_run_that_goes_on_counts_from_where_it_was(ends: Ends) {
    let world = world(ends);
    let mut run = begun(&world);
    wait_for_units(&world, &mut run, 20);
    interrupt(run);
    let paused = runs(&world).remove(0);
    assert!(paused["status"] == "paused" && read(&paused) >= 1_000, "{paused}");
    world.replace("transload.yaml", SMALL_UNITS, LARGE_UNITS);

    killed_as_it_begins(&world);

    let killed = runs(&world).remove(0);
    assert_eq!((&killed["run_id"], &killed["alive"]), (&paused["run_id"], &false.into()));
    assert_eq!((&killed["status"], read(&killed)), (&"running".into(), read(&paused)), "{killed}");
    let part = &killed["run_id"].as_str().unwrap();
    let one = world.transload(&["status", part, "--format", "json"]);
    let one: Value = serde_json::from_str(&one.stdout).unwrap();
    assert_eq!(read(&one["entities"][0]), read(&paused), "{one}");
    assert_eq!(read(&serde_json::json!({ "counts": world.run()["totals"] })), ROWS);
}

/// It took no fence, so nobody can go on with it.
fn a_run_that_left_nothing_is_closed_by_the_next(ends: Ends) {
    let world = world(ends);
    world.replace("transload.yaml", SMALL_UNITS, LARGE_UNITS);
    killed_as_it_begins(&world);
    let killed = runs(&world).remove(0);
    assert_eq!((&killed["status"], &killed["alive"]), (&"running".into(), &false.into()));

    world.run();

    let runs = runs(&world);
    let states: Vec<&Value> = runs.iter().map(|run| &run["status"]).collect();
    assert_eq!(states, ["completed", "failed"]);
    assert_eq!(runs[1]["run_id"], killed["run_id"]);
    let reason = runs[1]["reason"].as_str().unwrap();
    assert!(reason.contains("before it wrote anything") && reason.contains("began anew"), "{reason}");
}

/// A table shows the end of an id; whoever types it may stop before its own end.
#[test]
fn a_beginning_of_what_is_shown_is_enough() {
    let world = world(Ends::SqliteToSqlite);
    world.run();
    let run = runs(&world).remove(0);
    let shown = run["run_id"].as_str().unwrap().rsplit_once('-').unwrap().1[4..].to_owned();
    assert!(world.transload(&["status"]).stdout.contains(&shown));

    for part in [&shown[..4], &shown[..7], &shown, &shown[5..]] {
        let told = world.transload(&["status", part]);
        assert_eq!(told.code, 0, "{part}: {told:?}");
    }
    let told = world.transload(&["status", &shown[1..5]]);
    assert_eq!(told.code, 2, "the middle is not enough: {told:?}");
}

for_each_pair!(a_run_that_goes_on_counts_from_where_it_was, a_run_that_left_nothing_is_closed_by_the_next);
