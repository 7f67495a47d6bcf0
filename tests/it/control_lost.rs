//! A control store that was lost: deleted, damaged, or left on another machine. `adopt` makes it again from the ledger in the destination.

use std::process::Child;

use serde_json::Value;

use crate::alongside::{awaited, begun, committed, wait_for_units, wait_until_alone};
use crate::ends::{End, Ends, for_each_pair};
use crate::world::{Ended, World};

/// So that a run that is at work stays so for a while.
const SMALL_UNITS: &str =
    "  deletes: { mode: hard, max: 50% }\n  load: { batch_size: 40, checkpoint_interval: 1, max_errors: 1000 }";

const SCHEMA: &str = "
create table parents (id uuid primary key, label text not null);
create table children (id uuid primary key, parent_id uuid not null references parents (id), label text not null);
";

const PARENTS: &str = "
entity_type: parents
source_table: old_parents
destination_table: parents
version: \"1\"
field_mappings: { label: { source_field: label, is_required: true } }
";

const CHILDREN: &str = "
entity_type: children
source_table: old_children
destination_table: children
version: \"1\"
field_mappings: { parent_id: { source_field: parent, references: parents }, label: label }
";

/// Rows of each table; one in a hundred parents has no label, and leaves a child without its parent.
const ROWS: u64 = 4_000;

fn world(ends: Ends) -> World {
    let world = World::project(ends, SMALL_UNITS, SCHEMA, &[("parents", PARENTS), ("children", CHILDREN)]);
    world.source().execute(&format!(
        "create table old_parents (no integer primary key, label text);
         create table old_children (no integer primary key, parent integer, label text);
         with recursive n (i) as (select 1 union all select i + 1 from n where i < {ROWS})
         insert into old_parents select i, case when i % 100 > 0 then 'parent ' || i end from n;
         insert into old_children select no, no, 'child ' || no from old_parents;"
    ));
    world
}

/// The same, with its control store in a database of its own.
fn world_with_store_on_server(ends: Ends) -> (World, End) {
    let (world, store) = (world(ends), End::on_server());
    world.replace("transload.yaml", "defaults:", &format!("control: \"{}\"\ndefaults:", store.url()));
    (world, store)
}

fn lose_file(world: &World) {
    for part in ["", "-wal", "-shm"] {
        let path = world.file(&format!(".transload/control.db{part}"));
        if path.exists() {
            std::fs::remove_file(path).unwrap();
        }
    }
}

fn lose_everything(world: &World) {
    std::fs::remove_dir_all(world.file(".transload")).unwrap();
}

fn lose_schema(store: &End) {
    store.execute("drop schema transload cascade");
}

fn answer(told: &Ended) -> Value {
    assert_eq!(told.code, 0, "{told:?}");
    serde_json::from_str(&told.stdout).unwrap_or_else(|error| panic!("{error}: {told:?}"))
}

fn adopt(world: &World) -> Value {
    answer(&world.transload(&["adopt", "--format", "json"]))
}

fn status(world: &World, arguments: &[&str]) -> Value {
    answer(&world.transload(&[&["status", "--format", "json"], arguments].concat()))
}

fn id_of(run: &Value) -> &str {
    run["run_id"].as_str().unwrap()
}

/// What the ledger says of a completed run is what the run itself said, save what only the run knew.
fn assert_adopted(world: &World, report: &Value) {
    let id = id_of(report);
    let run = status(world, &[id]);
    assert_eq!((&run["status"], &run["alive"]), (&"completed".into(), &false.into()), "{run:#}");
    assert_eq!(run["counts"], report["totals"], "{run:#}");
    assert!(run["adopted_at"].is_string(), "{run:#}");
    for entity in report["entities"].as_array().unwrap() {
        let found = run["entities"].as_array().unwrap().iter().find(|run| run["entity_type"] == entity["entity_type"]);
        let found = found.unwrap_or_else(|| panic!("{run:#}"));
        assert_eq!((&found["status"], &found["counts"]), (&"done".into(), &entity["counts"]), "{run:#}");
    }
}

/// Each later use goes on as if nothing had been lost.
fn assert_goes_on(world: &World) {
    let before = status(world, &[]);
    let again = adopt(world);
    assert_eq!((&again["adopted"], again["known"].as_array().unwrap().len()), (&Value::Array(Vec::new()), 1));
    assert_eq!(status(world, &[]), before, "a second time changes nothing");
    let told = world.transload(&["adopt"]);
    assert!(told.stdout.contains("nothing to add"), "{told:?}");
    let report = world.run();
    assert_eq!((&report["resumed"], &report["totals"]["new"]), (&false.into(), &0.into()), "{report:#}");
    assert_eq!(status(world, &[])["runs"].as_array().unwrap().len(), 2);
    world.assert_as_expected();
}

fn a_store_that_is_lost_after_a_run_is_made_again(ends: Ends) {
    let world = world(ends);
    let report = world.run();
    lose_everything(&world);
    assert_eq!(status(&world, &[])["runs"], Value::Array(Vec::new()));

    let adopted = adopt(&world);

    assert_eq!(adopted["adopted"][0]["run_id"], report["run_id"], "{adopted:#}");
    assert_eq!(adopted["adopted"][0]["completed_at"], Value::Null, "nobody knows it here: {adopted:#}");
    let of = |entity: &str, key: &str| {
        let entities = adopted["entities"].as_array().unwrap();
        entities.iter().find(|held| held["entity_type"] == entity).unwrap()[key].as_u64().unwrap()
    };
    for entity in ["parents", "children"] {
        let (rows, bad) = (of(entity, "rows"), of(entity, "quarantined"));
        assert_eq!((rows, bad, of(entity, "in_destination")), (ROWS, ROWS / 100, ROWS - ROWS / 100), "{adopted:#}");
    }
    assert_adopted(&world, &report);
    let told = status(&world, &[id_of(&report)]);
    assert_eq!(told["entities"][0]["elapsed_ms"], Value::Null, "nobody knows it here: {told:#}");
    let listed = world.transload(&["status"]);
    assert!(listed.stdout.contains("completed (adopted)"), "{listed:?}");
    assert_goes_on(&world);
}

fn how_a_run_ended_is_told_by_its_result_where_that_is_there(ends: Ends) {
    let world = world(ends);
    let report = world.run();
    let before = status(&world, &[id_of(&report)]);
    lose_file(&world);

    adopt(&world);

    assert_adopted(&world, &report);
    let after = status(&world, &[id_of(&report)]);
    let moment = |run: &Value, key: &str| run[key].as_str().unwrap_or_else(|| panic!("{run:#}"))[..23].to_owned();
    assert!(moment(&before, "started_at") <= moment(&after, "started_at"), "{before:#} {after:#}");
    assert!(moment(&after, "started_at") <= moment(&after, "completed_at"), "{after:#}");
    for (before, after) in before["entities"].as_array().unwrap().iter().zip(after["entities"].as_array().unwrap()) {
        assert_eq!(before["elapsed_ms"], after["elapsed_ms"]);
    }
    assert_goes_on(&world);
}

/// A run that was killed after some units.
fn killed(world: &World) {
    let mut run = begun(world);
    wait_for_units(world, &mut run, 130);
    end(run);
}

fn end(mut run: Child) {
    run.kill().unwrap();
    run.wait().unwrap();
}

/// The interrupted run is found, and goes on by its name where it stopped.
fn assert_resumes(world: &World) {
    assert_eq!(status(world, &[])["runs"], Value::Array(Vec::new()));
    let fences = world.destination().ledger("fences");
    let id = world.destination().texts(&format!("select distinct run_id from {fences} where run_id is not null"));
    let refused = world.transload(&["resume", &id[0]]);
    assert!(refused.code == 2 && refused.stderr.contains("TL0009"), "{refused:?}");

    let adopted = adopt(world);

    let run = &adopted["adopted"][0];
    assert_eq!((id_of(run), &run["status"]), (&*id[0], &"running".into()), "{adopted:#}");
    let told = status(world, &[&id[0]]);
    assert_eq!(told["entities"].as_array().unwrap().len(), 2, "{told:#}");
    let shown = world.transload(&["status"]);
    assert!(shown.stdout.contains("interrupted (adopted)"), "{shown:?}");
    let resumed = world.transload(&["resume", &id[0][28..], "--format", "json"]);
    let report = answer(&resumed);
    assert_eq!((&report["resumed"], id_of(&report)), (&true.into(), &*id[0]));
    assert_eq!(report["totals"]["read"], 2 * ROWS, "every row is accounted for once: {report:#}");
    assert_eq!(report["totals"]["quarantined"], 2 * ROWS / 100);
    world.assert_as_expected();
    let after = status(world, &[&id[0]]);
    assert_eq!((&after["status"], &after["counts"]), (&"completed".into(), &report["totals"]));
    assert_eq!(adopt(world)["adopted"], Value::Array(Vec::new()));
}

fn a_run_that_was_interrupted_is_resumed_though_its_store_is_lost(ends: Ends) {
    let world = world(ends);
    killed(&world);
    lose_everything(&world);

    assert_resumes(&world);
}

fn a_store_on_a_server_is_made_again_as_well(ends: Ends) {
    let (world, store) = world_with_store_on_server(ends);
    killed(&world);
    lose_schema(&store);
    assert_resumes(&world);

    let (world, store) = world_with_store_on_server(ends);
    let report = world.run();
    lose_schema(&store);
    std::fs::remove_dir_all(world.file(".transload")).unwrap();
    assert_eq!(adopt(&world)["adopted"][0]["completed_at"], Value::Null);
    assert_adopted(&world, &report);
    assert_goes_on(&world);
}

fn a_damaged_store_steps_aside_where_that_is_asked_for(ends: Ends) {
    let world = world(ends);
    let report = world.run();
    let garbage = "no database ".repeat(1000);
    lose_file(&world);
    world.write(".transload/control.db", &garbage);
    let before = world.destination().fingerprint();
    for verb in ["run", "status", "adopt"] {
        let told = world.transload(&[verb]);
        assert!(told.code == 4 && told.stderr.contains("TL0507"), "{told:?}");
        let help = told.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains("transload adopt --set-aside"), "{told:?}");
    }
    assert_eq!(world.read(".transload/control.db"), garbage, "it stays as it is until someone says so");
    assert_eq!(world.destination().fingerprint(), before);

    let told = answer(&world.transload(&["adopt", "--set-aside", "--format", "json"]));

    let aside = told["set_aside"].as_str().unwrap();
    assert!(aside.ends_with("control.db.damaged-1"), "{told:#}");
    assert_eq!(world.read(".transload/control.db.damaged-1"), garbage);
    assert_adopted(&world, &report);
    let sound = answer(&world.transload(&["adopt", "--set-aside", "--format", "json"]));
    assert_eq!(sound["set_aside"], Value::Null, "what can be read stays");
    assert_goes_on(&world);
}

fn what_the_store_knows_better_stays(ends: Ends) {
    let world = world(ends);
    let first = world.run();
    world.source().execute("update old_children set label = 'other' where no = 7");
    let second = world.run();
    let before = status(&world, &[]);

    let adopted = adopt(&world);

    assert_eq!(adopted["adopted"], Value::Array(Vec::new()));
    assert_eq!(status(&world, &[]), before);
    lose_everything(&world);
    let adopted = adopt(&world);
    let of = |report: &Value| {
        let runs = adopted["adopted"].as_array().unwrap();
        runs.iter().find(|run| run["run_id"] == report["run_id"]).unwrap_or_else(|| panic!("{adopted:#}")).clone()
    };
    // The last run that moved the parents is the first, and of the children it is the second.
    assert_eq!(of(&first)["counts"]["read"], ROWS, "{adopted:#}");
    assert_eq!(of(&second)["counts"]["modified"], 1, "{adopted:#}");
}

/// What the ledger holds beside that may be another project's.
fn what_no_spec_names_is_said_and_left(ends: Ends) {
    let world = world(ends);
    world.run();
    lose_everything(&world);
    std::fs::remove_file(world.file("specs/children.yaml")).unwrap();

    let adopted = adopt(&world);

    assert_eq!(adopted["unnamed"], serde_json::json!(["children"]), "{adopted:#}");
    assert_eq!(adopted["adopted"][0]["counts"]["read"], ROWS, "{adopted:#}");
    assert_eq!(adopted["entities"].as_array().unwrap().len(), 1, "{adopted:#}");
}

/// All that there was to write is written when the run is killed: who goes on with it finds nothing more, and says that it came to the end.
fn a_run_that_goes_on_and_finds_nothing_is_completed(ends: Ends) {
    let world = world(ends);
    world.source().execute(
        "with recursive n (i) as (select 10000 union all select i + 1 from n where i < 30000)
         insert into old_parents select i, 'parent ' || i from n",
    );
    world.run();
    world.source().execute("update old_parents set label = 'changed ' || no where no <= 40");
    let units = committed(&world) + 1;
    let mut run = begun(&world);
    wait_for_units(&world, &mut run, units);
    run.kill().unwrap();
    run.wait().unwrap();
    wait_until_alone(&world);
    let phase = || {
        let positions = world.destination().ledger("stream_positions");
        world
            .destination()
            .texts(&format!("select phase from {positions} where entity_type = 'parents' and stream = 0"))
    };
    assert_eq!(phase(), ["loading"], "the run was through before it was killed");

    let report = world.run();

    assert_eq!((&report["resumed"], &report["status"]), (&true.into(), &"completed".into()), "{report:#}");
    assert_eq!(phase(), ["done"]);
    lose_everything(&world);
    let adopted = adopt(&world);
    assert_eq!(adopted["adopted"][0]["status"], "completed", "{adopted:#}");
}

fn while_a_run_is_at_work_nothing_is_adopted(ends: Ends) {
    let world = world(ends);
    let mut run = begun(&world);
    wait_for_units(&world, &mut run, 5);

    let told = world.transload(&["adopt"]);

    let holder = format!("process {}", run.id());
    assert!(told.code == 5 && told.stderr.contains("TL0503") && told.stderr.contains(&holder), "{told:?}");
    let ended = awaited(run);
    assert_eq!(ended.code, 0, "{ended:?}");
    world.assert_as_expected();
}

fn a_destination_without_a_ledger_has_nothing_to_adopt(ends: Ends) {
    let world = world(ends);
    let refused = |what: &str| {
        let told = world.transload(&["adopt"]);
        assert!(told.code == 2 && told.stderr.contains("TL0511"), "{what}: {told:?}");
        assert!(told.stderr.contains("help: "), "{what}: {told:?}");
        assert!(!world.file(".transload").exists(), "{what}: something was made");
    };
    refused("nothing is there");
    world.destination().execute(SCHEMA);
    refused("tables are there");
}

for_each_pair!(
    a_run_that_goes_on_and_finds_nothing_is_completed,
    a_store_that_is_lost_after_a_run_is_made_again,
    how_a_run_ended_is_told_by_its_result_where_that_is_there,
    a_run_that_was_interrupted_is_resumed_though_its_store_is_lost,
    a_store_on_a_server_is_made_again_as_well,
    a_damaged_store_steps_aside_where_that_is_asked_for,
    what_the_store_knows_better_stays,
    what_no_spec_names_is_said_and_left,
    while_a_run_is_at_work_nothing_is_adopted,
    a_destination_without_a_ledger_has_nothing_to_adopt,
);
