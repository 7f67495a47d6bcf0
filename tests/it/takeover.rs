//! Runs that another run takes over from, and runs that begin at the same moment.
//!
//! `TRANSLOAD_TEST_TAKEOVERS` says how many stuck runs are taken over from, 3 where it says nothing; `TRANSLOAD_TEST_STARTS` how many processes
//! begin at once in all, 20 where it says nothing. The long proof:
//!
//! ```sh
//! TRANSLOAD_TEST_TAKEOVERS=50 TRANSLOAD_TEST_STARTS=200 tests/run --test it takeover::
//! ```
//!
//! Every change of a stream's position leaves a row in a table of its own, with the epoch that it was made under. That the scenario bites: a
//! `holds` (`engine/connect/src/sqlite/ledger.rs`) or a `standing` (`engine/connect/src/postgres/ledger.rs`) that looks neither at the epoch nor at
//! the position's number fails it, and so does a take-over on PostgreSQL that leaves the stuck process its sessions (`takeover.rs`).

use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::alongside::{awaited, begun_with, committed, signal, wait_until_alone};
use crate::ends::{End, Ends, for_each_pair};
use crate::world::{Ended, Random, World};

/// So that there are many moments between two of them.
const SMALL_UNITS: &str = "  load: { batch_size: 50, checkpoint_interval: 1 }";

const SCHEMA: &str = "create table items (id uuid primary key, label text not null);
create table notes (id uuid primary key, label text not null);";

/// What is moved beside.
const NOTES: &str = "
entity_type: notes
source_table: old_items
destination_table: notes
version: \"1\"
field_mappings: { label: { source_field: label, transformation: trimmed } }
";

const ITEMS: &str = "
entity_type: items
source_table: old_items
destination_table: items
version: \"1\"
field_mappings: { label: { source_field: label, transformation: [trimmed, upper] } }
";

/// Rows that each round adds, in so many units.
const ADDED: u64 = 8_000;

fn count_of(variable: &str, short: u64) -> u64 {
    std::env::var(variable).map_or(short, |count| count.parse().expect("it is a number"))
}

/// A project that was run once, for one row, so that there is a ledger.
fn world(ends: Ends) -> World {
    let world = World::project(ends, SMALL_UNITS, SCHEMA, &[("items", ITEMS)]);
    world.source().execute("create table old_items (no integer primary key, label text)");
    add(&world, 1);
    world.run();
    world
}

/// Adds rows at the source.
fn add(world: &World, rows: u64) {
    world.source().execute(&format!(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < {rows})
         insert into old_items select i + (select coalesce(max(no), 0) from old_items), ' item ' || i from n"
    ));
}

/// Notes every change of a position.
fn audit(world: &World) {
    world.destination().execute(match world.destination() {
        End::File(_) => {
            "create table audit (id integer primary key autoincrement, epoch integer, run text, seq integer);
             create trigger audit_insert after insert on transload_stream_positions
                 begin insert into audit (epoch, run, seq) values (new.epoch, new.run_id, new.seq); end;
             create trigger audit_update after update on transload_stream_positions
                 begin insert into audit (epoch, run, seq) values (new.epoch, new.run_id, new.seq); end;"
        }
        End::Server(_) => {
            "create table audit (id bigint generated always as identity primary key, epoch bigint, run text, seq bigint);
             create function audit() returns trigger language plpgsql set search_path = public as $$
                 begin insert into audit (epoch, run, seq) values (new.epoch, new.run_id, new.seq); return new; end $$;
             create trigger audit after insert or update on transload.stream_positions
                 for each row execute function audit();"
        }
    });
}

/// Nothing was committed under an epoch after something under a newer one.
fn assert_epochs_ascend(world: &World) {
    let late =
        "select count(*) from audit a where exists (select 1 from audit b where b.id < a.id and b.epoch > a.epoch)";
    assert_eq!(world.destination().number(late), 0, "a zombie committed");
}

fn epoch(world: &World) -> u64 {
    world.destination().number(&format!("select epoch from {}", world.destination().ledger("fences")))
}

fn wait(what: &str, mut is_there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_there() {
        assert!(start.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Lets a run go on for some moment within its next units, and stops it there.
fn stop_within(world: &World, run: &mut Child, random: &mut Random, units: u64) {
    let wanted = committed(world) + units;
    wait("units of the first run", || committed(world) >= wanted || run.try_wait().unwrap().is_some());
    let until = Instant::now() + Duration::from_micros(random.below(4_000));
    while Instant::now() < until {
        std::hint::spin_loop();
    }
    assert!(run.try_wait().unwrap().is_none(), "the run ended by itself");
    signal(run, "STOP");
}

/// What cannot be taken over from: a file that the stuck process holds locked, the destination or the control store.
fn is_locked(told: &Ended, stuck: &Child) -> bool {
    let names_it = told.stderr.contains(&format!("process {}", stuck.id()));
    let is_busy = told.code == 5 && told.stderr.contains("TL0510");
    let is_store_busy = told.code == 4 && told.stderr.contains("TL0507") && told.stderr.contains("locked");
    assert!(!(is_busy || is_store_busy) || names_it, "it does not say who: {told:?}");
    is_busy || is_store_busy
}

/// Begins a run that takes over; gives it once it committed, or how it was refused.
fn take_over(world: &World, stuck: &Child) -> Result<Child, Ended> {
    let before = (epoch(world), committed(world));
    let mut run = begun_with(world, &["run", "--take-over"]);
    wait("a unit of the second run", || {
        (epoch(world) > before.0 && committed(world) > before.1) || run.try_wait().unwrap().is_some()
    });
    if run.try_wait().unwrap().is_none() {
        return Ok(run);
    }
    let told = awaited(run);
    assert!(is_locked(&told, stuck), "{told:?}");
    Err(told)
}

fn a_run_that_wakes_up_after_another_took_over_commits_nothing(ends: Ends) {
    let world = world(ends);
    audit(&world);
    let mut random = Random::of_seed(20_261_122);
    let mut locked = 0;
    for round in 0..count_of("TRANSLOAD_TEST_TAKEOVERS", 3) {
        add(&world, ADDED);
        let mut stuck = begun_with(&world, &["run"]);
        let mut units = random.below(20) + 1;
        let taker = loop {
            stop_within(&world, &mut stuck, &mut random, units);
            match take_over(&world, &stuck) {
                Ok(taker) => break taker,
                Err(_) => {
                    locked += 1;
                    units = 1;
                    signal(&stuck, "CONT");
                }
            }
        };
        signal(&stuck, "CONT");

        let (taken, woken) = (awaited(taker), awaited(stuck));

        assert_eq!(taken.code, 0, "round {round}: {taken:?}");
        assert_eq!(woken.code, 5, "round {round}: {woken:?}");
        assert!(woken.stderr.contains("TL0504"), "round {round}: {woken:?}");
        assert_epochs_ascend(&world);
        assert_eq!(world.destination().count("items"), world.source().count("old_items"), "round {round}");
    }
    println!("{locked} times the stuck run held a lock that only it can give back");
    world.assert_as_expected();
}

const AT_ONCE: u64 = 4;

/// Begins so many runs at once, of which one works. One that comes when that is done finds nothing to do.
fn begin_at_once(world: &World, round: u64) {
    let runs: Vec<Child> = (0..AT_ONCE).map(|_| begun_with(world, &["run", "--format", "json"])).collect();
    let ended: Vec<Ended> = runs.into_iter().map(awaited).collect();
    let (done, refused): (Vec<&Ended>, Vec<&Ended>) = ended.iter().partition(|ended| ended.code == 0);
    let has_moved = |told: &&&Ended| {
        let report: Value = serde_json::from_str(&told.stdout).unwrap();
        report["totals"]["new"] != 0
    };
    assert_eq!(done.iter().filter(has_moved).count(), 1, "round {round}: {ended:#?}");
    for told in refused {
        assert_eq!(told.code, 5, "round {round}: {told:?}");
        let document: Value = serde_json::from_str(&told.stdout).unwrap();
        let problems = document["problems"].as_array().unwrap_or_else(|| panic!("round {round}: {told:?}"));
        assert!(problems.len() == 1 && problems[0]["code"] == "TL0503", "round {round}: {told:?}");
    }
    let told = world.transload(&["status"]);
    assert!(!told.stdout.contains("failed"), "round {round}: {}", told.stdout);
    assert_eq!(world.destination().count("items"), world.source().count("old_items"), "round {round}");
}

fn of_runs_that_begin_at_once_one_works(ends: Ends) {
    let world = World::project(ends, SMALL_UNITS, SCHEMA, &[("items", ITEMS), ("notes", NOTES)]);
    world.source().execute("create table old_items (no integer primary key, label text)");
    for round in 0..count_of("TRANSLOAD_TEST_STARTS", 20) / AT_ONCE {
        add(&world, ADDED);
        begin_at_once(&world, round);
    }
    world.assert_as_expected();
}

/// None of them finds a ledger when it looks, and each has much to do before its first unit.
fn of_first_runs_at_once_one_works_and_the_others_say_one_thing(ends: Ends) {
    let world = World::project(ends, "", SCHEMA, &[("items", ITEMS), ("notes", NOTES)]);
    world.source().execute("create table old_items (no integer primary key, label text)");
    add(&world, 30_000);
    begin_at_once(&world, 0);
    world.assert_as_expected();
}

/// All of them want to go on with the run of a process that is gone. What the others do is not told of it.
fn of_runs_that_go_on_at_once_one_works(ends: Ends) {
    let world = world(ends);
    for round in 0..count_of("TRANSLOAD_TEST_STARTS", 20) / AT_ONCE / 2 {
        add(&world, ADDED);
        let wanted = committed(&world) + 5;
        let mut first = begun_with(&world, &["run"]);
        wait("units of the first run", || committed(&world) >= wanted);
        first.kill().unwrap();
        first.wait().unwrap();
        let id = world.destination().texts(&format!("select run_id from {}", world.destination().ledger("fences")));
        wait_until_alone(&world);

        begin_at_once(&world, round);

        let told = world.transload(&["status", &id[0], "--format", "json"]);
        let told: Value = serde_json::from_str(&told.stdout).unwrap();
        let report: Value = serde_json::from_str(&world.read(&format!(".transload/runs/{}/run.json", id[0]))).unwrap();
        assert_eq!((&told["status"], &report["status"]), (&"completed".into(), &"completed".into()), "round {round}");
    }
    world.assert_as_expected();
}

for_each_pair!(
    a_run_that_wakes_up_after_another_took_over_commits_nothing,
    of_runs_that_begin_at_once_one_works,
    of_first_runs_at_once_one_works_and_the_others_say_one_thing,
    of_runs_that_go_on_at_once_one_works,
);
