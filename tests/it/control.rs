//! Runs that are paused, resumed and cancelled from outside, as a whole or by entity.
//!
//! `TRANSLOAD_TEST_CANCELS` says how often a run is cancelled at a random moment; 10 where it says nothing. The long proof:
//!
//! ```sh
//! TRANSLOAD_TEST_CANCELS=500 tests/run --test it control::
//! ```

use std::process::Child;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;

use crate::alongside::{awaited, begun, begun_with, committed, signal, wait_for, wait_for_units, wait_until_alone};
use crate::ends::{End, Ends, for_each_pair};
use crate::world::{Ended, Random, World};

/// So many that a request is heard before the last of them, however busy the machine is.
const SMALL_UNITS: &str = "  load: { batch_size: 40, checkpoint_interval: 1 }\nexecution: { parallel_entity_limit: 2 }";

const ROWS: u64 = 20_000;

/// `parents` and their `children`, and `strangers`, which wait for nobody and come behind the parents.
const TABLES: [&str; 3] = ["parents", "children", "strangers"];

fn world(ends: Ends) -> World {
    let mut schema = String::new();
    let mut specs = Vec::new();
    for table in TABLES {
        let (column, field) = match table {
            "children" => (
                ", parent_id uuid not null references parents (id)",
                ", parent_id: { source_field: parent, references: parents }",
            ),
            _ => ("", ""),
        };
        schema += &format!("create table {table} (id uuid primary key, label text not null{column});\n");
        let spec = format!(
            "entity_type: {table}\nsource_table: old_{table}\ndestination_table: {table}\nversion: \"1\"\n\
             field_mappings: {{ label: {{ source_field: label, transformation: [trimmed, upper] }}{field} }}\n"
        );
        specs.push((table, spec));
    }
    let specs: Vec<(&str, &str)> = specs.iter().map(|(table, spec)| (*table, &**spec)).collect();
    let world = World::project(ends, SMALL_UNITS, &schema, &specs);
    for table in TABLES {
        world.source().execute(&format!(
            "create table old_{table} (no integer primary key, label text, parent integer);
             with recursive n (i) as (select 1 union all select i + 1 from n where i < {ROWS})
             insert into old_{table} select i, ' {table} ' || i, i from n;"
        ));
    }
    world
}

/// Whoever is to come to its end is not looked at any more.
fn hurry(world: &World) {
    world.replace("transload.yaml", "batch_size: 40", "batch_size: 5000");
}

fn status(world: &World, arguments: &[&str]) -> Value {
    let told = world.transload(&[&["status", "--format", "json"], arguments].concat());
    assert_eq!(told.code, 0, "{told:?}");
    serde_json::from_str(&told.stdout).unwrap()
}

/// The newest run.
fn newest(world: &World) -> Value {
    status(world, &[])["runs"][0].clone()
}

fn id_of(run: &Value) -> String {
    run["run_id"].as_str().unwrap().to_owned()
}

/// A run that committed some units and is known to the control store.
fn at_work(world: &World, units: u64) -> (Child, String) {
    let mut run = begun(world);
    wait_for_units(world, &mut run, units);
    (run, known(world))
}

/// The same, where the run may end before so many units.
fn begun_and_known(world: &World, units: u64) -> (Child, String) {
    let wanted = committed(world) + units;
    let mut run = begun(world);
    let id = known(world);
    wait_for_units(world, &mut run, wanted);
    (run, id)
}

/// The run at work, once the control store knows it.
fn known(world: &World) -> String {
    let start = Instant::now();
    loop {
        let run = newest(world);
        if run["alive"] == true {
            return id_of(&run);
        }
        assert!(start.elapsed() < Duration::from_secs(30), "no run is at work: {run}");
    }
}

fn asked(world: &World, arguments: &[&str]) -> Ended {
    let told = world.transload(arguments);
    assert_eq!(told.code, 0, "{told:?}");
    told
}

fn refused(world: &World, arguments: &[&str], code: &str) {
    let told = world.transload(arguments);
    assert_eq!(told.code, 2, "{told:?}");
    assert!(told.stderr.contains(code), "{told:?}");
}

/// Waits until an entity of a run is in a state.
fn wait_for_state(world: &World, run: &str, entity: &str, wanted: &str) {
    let start = Instant::now();
    loop {
        let status = status(world, &[run]);
        let entities = status["entities"].as_array().unwrap();
        if entities.iter().any(|known| known["entity_type"] == entity && known["status"] == wanted) {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{entity} is never {wanted}: {status:#}");
    }
}

fn document(world: &World, run: &str) -> Value {
    serde_json::from_str(&world.read(&format!(".transload/runs/{run}/run.json"))).unwrap()
}

fn entity_of<'a>(document: &'a Value, entity: &str) -> &'a Value {
    document["entities"].as_array().unwrap().iter().find(|known| known["entity_type"] == entity).unwrap()
}

/// Nothing of a run is held any more.
fn assert_nothing_held(world: &World) {
    let fences = world.destination().ledger("fences");
    assert_eq!(world.destination().count(&format!("{fences} where holder is not null or run_id is not null")), 0);
}

fn a_cancelled_run_ends_and_the_next_begins_anew(ends: Ends) {
    let world = world(ends);
    let (run, id) = at_work(&world, 10);

    let told = asked(&world, &["cancel", &id[28..]]);
    let again = asked(&world, &["cancel", &id]);

    assert!(told.stdout.contains("ends after the units in hand"), "{told:?}");
    assert!(again.stdout.contains("cancelled"), "{again:?}");
    let ended = awaited(run);
    assert_eq!(ended.code, 130, "{ended:?}");
    assert!(ended.stderr.contains("TL0438"), "{ended:?}");
    assert_eq!(status(&world, &[&id])["status"], "cancelled");
    assert_eq!(document(&world, &id)["status"], "cancelled");
    assert_nothing_held(&world);
    let once_more = asked(&world, &["cancel", &id]);
    assert!(once_more.stdout.contains("is cancelled already"), "{once_more:?}");
    refused(&world, &["pause", &id], "TL0508");
    refused(&world, &["resume", &id], "TL0508");
    let loaded = world.destination().count("parents") + world.destination().count("strangers");
    assert!(loaded > 0 && loaded < 2 * ROWS, "{loaded} rows");

    hurry(&world);
    let report = world.run();

    assert_eq!(report["resumed"], false);
    assert_ne!(report["run_id"], id.as_str());
    assert_eq!(report["totals"]["unchanged"], loaded, "what was loaded is found again: {report}");
    assert_eq!(report["totals"]["new"], 3 * ROWS - loaded);
    world.assert_as_expected();
    refused(&world, &["cancel", report["run_id"].as_str().unwrap()], "TL0508");
}

fn a_run_whose_process_is_gone_is_cancelled_at_once(ends: Ends) {
    let world = world(ends);
    let (mut run, id) = at_work(&world, 10);
    run.kill().unwrap();
    run.wait().unwrap();
    let start = Instant::now();
    while newest(&world)["alive"] == true {
        assert!(start.elapsed() < Duration::from_secs(10), "a killed run stays alive");
    }

    let told = asked(&world, &["cancel", &id]);

    assert!(told.stdout.contains("is cancelled."), "{told:?}");
    assert_eq!(status(&world, &[&id])["status"], "cancelled");
    assert_nothing_held(&world);
    let loaded = world.destination().count("parents") + world.destination().count("strangers");
    hurry(&world);
    let report = world.run();
    assert_eq!(report["resumed"], false);
    assert_ne!(report["run_id"], id.as_str());
    assert_eq!(report["totals"]["unchanged"], loaded);
    world.assert_as_expected();
}

fn a_paused_run_goes_on_when_it_is_resumed(ends: Ends) {
    let world = world(ends);
    let (run, id) = at_work(&world, 10);

    asked(&world, &["pause", &id]);
    asked(&world, &["pause", &id]);

    let ended = awaited(run);
    assert_eq!(ended.code, 130, "{ended:?}");
    assert!(ended.stderr.contains("TL0437"), "{ended:?}");
    assert_eq!(status(&world, &[&id])["status"], "paused");
    let once_more = asked(&world, &["pause", &id]);
    assert!(once_more.stdout.contains("is paused already"), "{once_more:?}");

    hurry(&world);
    asked(&world, &["resume", &id]);

    let report = document(&world, &id);
    assert_eq!((&report["status"], &report["resumed"]), (&Value::from("completed"), &Value::from(true)));
    assert_eq!(report["totals"]["read"], 3 * ROWS, "every row is accounted for once");
    world.assert_as_expected();
    refused(&world, &["resume", &id], "TL0508");
    refused(&world, &["pause", &id, "parents"], "TL0508");
}

fn a_run_that_the_ledger_does_not_hold_is_not_resumed(ends: Ends) {
    let world = world(ends);
    let (run, id) = at_work(&world, 10);
    asked(&world, &["pause", &id]);
    awaited(run);
    world
        .destination()
        .execute(&format!("update {} set run_id = null, holder = null", world.destination().ledger("fences")));

    refused(&world, &["resume", &id], "TL0509");

    hurry(&world);
    let report = world.run();
    assert_ne!(report["run_id"], id.as_str());
    world.assert_as_expected();
}

fn a_paused_entity_waits_while_the_others_go_on(ends: Ends) {
    let world = world(ends);
    let (run, id, held) = held_at_parents(&world);

    let told = asked(&world, &["pause", &id, "parents"]);

    // Else it may be through before the run hears of it.
    wait_for_state(&world, &id, "parents", "suspended");
    held.open();
    assert!(told.stdout.contains("children keeps waiting for it"), "{told:?}");
    let ended = awaited(run);
    assert_eq!(ended.code, 130, "{ended:?}");
    let report = document(&world, &id);
    assert_eq!(report["status"], "paused");
    for (entity, state) in [("parents", "suspended"), ("children", "waiting"), ("strangers", "done")] {
        assert_eq!(entity_of(&report, entity)["status"], state, "{entity}");
    }
    assert_eq!((world.destination().count("strangers"), world.destination().count("children")), (ROWS, 0));
    assert!(world.destination().count("parents") < ROWS);

    // Whoever starts the run again does not say that the entity shall go on.
    let still = world.transload(&["run"]);
    assert_eq!(still.code, 130, "{still:?}");
    assert!(still.stderr.contains("TL0437"), "{still:?}");
    asked(&world, &["resume", &id, "parents"]);
    let again = asked(&world, &["resume", &id, "parents"]);
    assert!(again.stdout.contains("is not paused"), "{again:?}");

    hurry(&world);
    let report = world.run();
    assert_eq!((&report["run_id"], &report["resumed"]), (&Value::from(&*id), &Value::from(true)));
    assert_eq!(report["totals"]["read"], 3 * ROWS, "every row is accounted for once");
    world.assert_as_expected();
}

/// A run that cannot come to the end of `parents`.
fn held_at_parents(world: &World) -> (Child, String, Gate<'_>) {
    if let End::Server(_) = world.destination() {
        world.write("schema.sql", &(world.read("schema.sql") + GUARD_OF_PARENTS));
        world.destination().execute(&world.read("schema.sql"));
        let (run, id) = at_work(world, 4);
        return (run, id, Gate { world, file: None, opens: "update gate set is_closed = false" });
    }
    // A unit of another entity that waits for the file as well would keep this one from stopping.
    world.replace("transload.yaml", "parallel_entity_limit: 2", "parallel_entity_limit: 1");
    let mut run = begun(world);
    wait_for_units(world, &mut run, 4);
    let gate = Gate::close(world);
    (run, known(world), gate)
}

/// Refuses a row in the middle of `parents` while the gate is closed, as a server does that takes no changes for a while.
const GUARD_OF_PARENTS: &str = "
create table gate (is_closed boolean not null);
insert into gate values (true);
create function guard() returns trigger language plpgsql as $$ begin
    if new.label = 'PARENTS 10000' and (select is_closed from gate) then raise read_only_sql_transaction; end if;
    return new;
end $$;
create trigger guard before insert on parents for each row execute function guard();
";

fn an_entity_is_taken_up_again_while_another_is_at_work(ends: Ends) {
    let world = world(ends);
    // So that this one is at work for long.
    world.source().execute(&format!(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < {})
         insert into old_strangers select i + {ROWS}, 'another', i from n",
        3 * ROWS
    ));
    let (run, id) = at_work(&world, 4);
    asked(&world, &["pause", &id, "parents"]);
    wait_for_state(&world, &id, "parents", "suspended");

    asked(&world, &["resume", &id, "parents"]);

    let ended = awaited(run);
    assert_eq!(ended.code, 0, "{ended:?}");
    let report = document(&world, &id);
    assert_eq!((&report["status"], &report["resumed"]), (&Value::from("completed"), &Value::from(false)));
    assert_eq!(report["totals"]["read"], 6 * ROWS, "every row is accounted for once");
    assert_eq!(report["totals"]["new"], 6 * ROWS);
    let events = world.read(&format!(".transload/runs/{id}/events.jsonl"));
    let begun = events.lines().filter(|line| line.contains("entity_started") && line.contains("\"parents\""));
    assert_eq!(begun.count(), 2);
    world.assert_as_expected();
}

fn a_cancelled_entity_ends_alone(ends: Ends) {
    let world = world(ends);
    let (run, id) = at_work(&world, 4);

    let told = asked(&world, &["cancel", &id, "parents", "--format", "json"]);

    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!((&told["requested_status"], &told["entity_type"]), (&Value::from("cancelled"), &Value::from("parents")));
    refused(&world, &["pause", &id, "parents"], "TL0508");
    let ended = awaited(run);
    assert_eq!(ended.code, 130, "{ended:?}");
    let report = document(&world, &id);
    assert_eq!(report["status"], "failed");
    for (entity, state) in [("parents", "failed"), ("children", "waiting"), ("strangers", "done")] {
        assert_eq!(entity_of(&report, entity)["status"], state, "{entity}");
    }
    assert_eq!(entity_of(&report, "parents")["problem"]["code"], "TL0438");
    let loaded = world.destination().count("parents");
    assert!(loaded < ROWS, "{loaded}");

    hurry(&world);
    let report = world.run();

    assert_eq!(report["resumed"], false);
    assert_eq!(report["totals"]["unchanged"], ROWS + loaded);
    world.assert_as_expected();
}

fn what_was_asked_outlives_the_process_that_should_have_done_it(ends: Ends) {
    let world = world(ends);
    let (mut run, id) = at_work(&world, 10);
    run.kill().unwrap();
    run.wait().unwrap();
    // As if it had been asked a moment before.
    let ask = "update migration_control set requested_status = 'cancelled', requested_at = '2026-01-01T00:00:00Z'";
    world.database(".transload/control.db").execute(ask, []).unwrap();
    wait_until_alone(&world);

    hurry(&world);
    let report = world.run();

    assert_eq!(report["resumed"], false);
    assert_ne!(report["run_id"], id.as_str());
    assert_eq!(status(&world, &[&id])["status"], "cancelled");
    world.assert_as_expected();
}

fn a_run_ends_when_its_time_is_over(ends: Ends) {
    let world = world(ends);

    let ended = awaited(begun_with(&world, &["run", "--timeout", "1s"]));

    assert_eq!(ended.code, 130, "{ended:?}");
    assert!(ended.stderr.contains("TL0439"), "{ended:?}");
    assert!(ended.stdout.contains("stopped, because its time was up"), "{ended:?}");
    assert_eq!(newest(&world)["status"], "paused");
    hurry(&world);
    let report = world.run_with(&["--timeout", "1h"]);
    assert_eq!(report["resumed"], true);
    assert_eq!(report["totals"]["read"], 3 * ROWS);
    world.assert_as_expected();
}

fn a_run_ends_when_what_it_sees_is_too_old(ends: Ends) {
    let world = world(ends);
    world.replace("transload.yaml", "entity_limit: 2", "entity_limit: 2, snapshot_max_age: 1s");

    let ended = awaited(begun(&world));

    assert_eq!(ended.code, 130, "{ended:?}");
    assert!(ended.stderr.contains("TL0450"), "{ended:?}");
    assert!(ended.stdout.contains("stopped, because what it saw of the source was too old"), "{ended:?}");
    assert_eq!(newest(&world)["status"], "paused");
    world.replace("transload.yaml", "snapshot_max_age: 1s", "snapshot_max_age: 1h");
    hurry(&world);
    let report = world.run();
    assert_eq!(report["resumed"], true);
    assert_eq!(report["totals"]["read"], 3 * ROWS);
    world.assert_as_expected();
}

fn a_service_manager_is_told_that_it_was_heard(ends: Ends) {
    let world = world(ends);
    let (run, id) = at_work(&world, 10);
    signal(&run, "TERM");

    let ended = awaited(run);

    assert_eq!(ended.code, 143, "{ended:?}");
    assert!(ended.stderr.contains("TL0430"), "{ended:?}");
    assert_eq!(document(&world, &id)["exit_code"], 143);
    assert_eq!(newest(&world)["status"], "paused");
    hurry(&world);
    assert_eq!(world.run()["resumed"], true);
    world.assert_as_expected();
}

fn a_second_signal_ends_a_run_at_once(ends: Ends) {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let world = world(ends);
        let (mut run, _) = at_work(&world, 4);
        let gate = Gate::close(&world);
        // It cannot stop by itself: what it has in hand waits. Signals of one kind that wait to be heard are one, so that it may take three.
        let start = Instant::now();
        while run.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < Duration::from_secs(8), "{name}: it does not end");
            signal(&run, name);
            std::thread::sleep(Duration::from_millis(20));
        }

        assert_eq!(awaited(run).code, code);
        gate.open();
        hurry(&world);
        assert_eq!(world.run()["resumed"], true);
        world.assert_as_expected();
    }
}

/// Refuses rows of `strangers` while the gate is closed, as a server does that takes no changes for a while, and counts how often.
const GUARD: &str = "
create table gate (is_closed boolean not null);
insert into gate values (false);
create sequence tries;
create function guard() returns trigger language plpgsql as $$ begin
    if (select is_closed from gate) then perform nextval('tries'); raise read_only_sql_transaction; end if;
    return new;
end $$;
create trigger guard before insert on strangers for each row execute function guard();
";

/// Keeps units from being written, and waits until one waits to be tried again.
fn refuse(world: &World) -> Option<Gate<'_>> {
    if let End::Server(_) = world.destination() {
        world.destination().execute("alter sequence tries restart; update gate set is_closed = true");
        wait_for(world.destination(), "select is_called::integer from tries");
        return None;
    }
    let gate = Gate::close(world);
    // Who waits for a file cannot be seen. It takes a moment only: the next unit is some rows away.
    std::thread::sleep(Duration::from_secs(1));
    Some(gate)
}

/// What others keep from being written is not in, so whoever wants the run to stop need not wait until it is, or is given up.
fn a_run_stops_while_a_unit_waits_to_be_tried_again(ends: Ends) {
    let world = world(ends);
    let mut ways = vec![("pause", "paused"), ("INT", "paused")];
    if ends.is_to_postgres() {
        world.write("schema.sql", &(world.read("schema.sql") + GUARD));
        world.destination().execute(&world.read("schema.sql"));
        // Where the file itself is locked, a run that is cancelled cannot give back what it holds.
        ways.push(("cancel", "cancelled"));
    }
    for (way, becomes) in &ways {
        let (mut run, id) = begun_and_known(&world, 10);
        let gate = refuse(&world);

        match *way {
            "INT" => signal(&run, way),
            verb => drop(asked(&world, &[verb, &id])),
        }

        let start = Instant::now();
        while run.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < Duration::from_secs(4), "{way}: it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        let ended = awaited(run);
        assert_eq!(ended.code, 130, "{way}: {ended:?}");
        assert_eq!(status(&world, &[&id])["status"], *becomes, "{way}");
        match gate {
            Some(gate) => gate.open(),
            None => world.destination().execute("update gate set is_closed = false"),
        }
        assert_whole(&world, way);
    }
    hurry(&world);
    assert_eq!(world.run()["resumed"], !ends.is_to_postgres());
    world.assert_as_expected();
}

fn cancels() -> u64 {
    std::env::var("TRANSLOAD_TEST_CANCELS")
        .map_or(10, |count| count.parse().expect("TRANSLOAD_TEST_CANCELS is a number"))
}

/// Something to do for the next run: rows that change, go and come, parents and children alike.
fn change(world: &World, round: u64, random: &mut Random) {
    let gone = random.below(ROWS);
    for table in TABLES {
        world.source().execute(&format!(
            "update old_{table} set label = ' round {round} ' || no;
             delete from old_{table} where no between {gone} and {gone} + 20;
             insert into old_{table} (no, label, parent) select {first} + no, 'come', {first} + no from old_{table}
                 where no between 30 and 50 and no < {ROWS};",
            first = ROWS * (round + 2)
        ));
    }
}

/// Every row that is there is accounted for, and nothing else is.
fn assert_whole(world: &World, when: &str) {
    let (mappings, segments) =
        (world.destination().ledger("migration_mappings"), world.destination().ledger("segments"));
    for table in TABLES {
        let rows = world.destination().count(table);
        let mapped = world.destination().count(&format!("{mappings} where entity_type = '{table}'"));
        let present = format!("select coalesce(sum(present_count), 0) from {segments} where entity_type = '{table}'");
        assert_eq!((mapped, world.destination().number(&present)), (rows, rows), "{when}: rows of {table}");
    }
}

fn whenever_a_run_is_cancelled_what_is_there_is_whole(ends: Ends) {
    let world = world(ends);
    world.replace("transload.yaml", "  load:", "  deletes: { mode: hard, max: 90% }\n  load:");
    let mut random = Random::of_seed(20_261_123);
    let mut cancelled = 0;
    for round in 0..cancels() {
        change(&world, round, &mut random);
        let units = random.below(80);
        let (run, id) = begun_and_known(&world, units);

        let told = world.transload(&["cancel", &id]);

        let ended = awaited(run);
        // It may have come too late.
        assert!((told.code, ended.code) == (0, 130) || ended.code == 0, "round {round}: {told:?} {ended:?}");
        let state = status(&world, &[&id])["status"].clone();
        assert_eq!(state, if ended.code == 0 { "completed" } else { "cancelled" }, "round {round}");
        assert_nothing_held(&world);
        assert_whole(&world, &format!("round {round}"));
        cancelled += u64::from(ended.code == 130);
    }
    println!("{cancelled} of {} runs were cancelled", cancels());
    assert!(cancelled * 2 > cancels(), "{cancelled} runs were cancelled before they ended");

    assert_eq!(world.run()["resumed"], false);

    world.assert_as_expected();
    assert_whole(&world, "at the end");
}

/// Keeps a run from committing rows of `strangers`; in a file, of any table.
struct Gate<'a> {
    world: &'a World,
    file: Option<Connection>,
    /// What opens it on a server.
    opens: &'static str,
}

impl<'a> Gate<'a> {
    fn close(world: &'a World) -> Self {
        match world.destination() {
            End::File(path) => {
                let file = Connection::open(path).unwrap();
                file.execute_batch("begin immediate").unwrap();
                Self { world, file: Some(file), opens: "" }
            }
            End::Server(_) => {
                world.destination().execute("begin; lock table strangers in share mode");
                Self { world, file: None, opens: "rollback" }
            }
        }
    }

    fn open(self) {
        match self.file {
            Some(file) => file.execute_batch("rollback").unwrap(),
            None => self.world.destination().execute(self.opens),
        }
    }
}

for_each_pair!(
    a_cancelled_run_ends_and_the_next_begins_anew,
    a_run_whose_process_is_gone_is_cancelled_at_once,
    a_paused_run_goes_on_when_it_is_resumed,
    a_run_that_the_ledger_does_not_hold_is_not_resumed,
    a_paused_entity_waits_while_the_others_go_on,
    an_entity_is_taken_up_again_while_another_is_at_work,
    a_cancelled_entity_ends_alone,
    what_was_asked_outlives_the_process_that_should_have_done_it,
    a_run_ends_when_its_time_is_over,
    a_run_ends_when_what_it_sees_is_too_old,
    a_service_manager_is_told_that_it_was_heard,
    a_second_signal_ends_a_run_at_once,
    a_run_stops_while_a_unit_waits_to_be_tried_again,
    whenever_a_run_is_cancelled_what_is_there_is_whole,
);
