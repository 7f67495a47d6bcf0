//! Runs that go on while a test does something else, and what they leave in files and outputs.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::ends::End;
use crate::world::{Ended, Random, World, ended};

/// Those who wait for a lock in the database.
pub(crate) const WAITING: &str = "select count(*) from pg_locks where not granted
    and database = (select oid from pg_database where datname = current_database())";

/// A run that goes on.
pub(crate) fn begun(world: &World) -> Child {
    begun_with(world, &["run"])
}

/// A verb that goes on.
pub(crate) fn begun_with(world: &World, arguments: &[&str]) -> Child {
    world.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// How it ended; a run that hangs is a failure.
pub(crate) fn awaited(run: Child) -> Ended {
    awaited_within(run, Duration::from_secs(180))
}

/// The same, of a run that has much to wait for.
pub(crate) fn awaited_within(mut run: Child, limit: Duration) -> Ended {
    let start = Instant::now();
    while run.try_wait().unwrap().is_none() {
        if start.elapsed() > limit {
            run.kill().unwrap();
            panic!("the run does not end: {:?}", run.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    ended(&run.wait_with_output().unwrap())
}

/// Waits until a query answers with something else than zero.
pub(crate) fn wait_for(end: &End, query: &str) {
    let start = Instant::now();
    while end.try_number(query).is_none_or(|number| number == 0) {
        assert!(start.elapsed() < Duration::from_secs(30), "it never comes to this: {query}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Units committed so far, as the destination tells.
pub(crate) fn committed(world: &World) -> u64 {
    let positions = world.destination().ledger("stream_positions");
    // Before the first unit there is no such table, or no such file.
    world.destination().try_number(&format!("select coalesce(sum(seq), 0) from {positions}")).unwrap_or(0)
}

/// Waits until the destination's server has noticed that a process is gone.
pub(crate) fn wait_until_alone(world: &World) {
    if let End::Server(_) = world.destination() {
        let alone = "select (count(*) = 1)::integer from pg_stat_activity
                     where datname = current_database() and backend_type = 'client backend'";
        wait_for(world.destination(), alone);
    }
}

/// Waits until so many units are committed in all.
pub(crate) fn wait_for_units(world: &World, run: &mut Child, units: u64) {
    while committed(world) < units && run.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
}

/// Starts a run and waits until it committed so many units more, and then for some moment within the next.
pub(crate) fn begun_and_within(world: &World, random: &mut Random, units: u64) -> Child {
    let wanted = committed(world) + units;
    let mut run = begun(world);
    wait_for_units(world, &mut run, wanted);
    let until = Instant::now() + Duration::from_micros(random.below(4_000));
    while Instant::now() < until {
        std::hint::spin_loop();
    }
    assert!(run.try_wait().unwrap().is_none(), "the run ended by itself: {:?}", run.wait_with_output());
    run
}

/// Sends a signal to a process.
pub(crate) fn signal(run: &Child, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &run.id().to_string()]).status().unwrap().success());
}

/// Whether each thread of the process stands still: the signal has been sent before a call into the system that is under way has ended, and such a
/// call may be the one that takes a lock.
fn stands_still(run: &Child) -> bool {
    let state = |task: std::io::Result<std::fs::DirEntry>| {
        let line = std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap_or_default();
        line.rsplit_once(") ").is_none_or(|(_, behind)| behind.starts_with(['T', 'Z']))
    };
    std::fs::read_dir(format!("/proc/{}/task", run.id())).unwrap().all(state)
}

/// Whether the server has read all that was sent from one of these ports to it.
fn is_read(ports: &[String]) -> bool {
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    // Of each socket: its number, where it is, where the other end is, its state, and what it is yet to send and was not yet read there.
    let mut lines = sockets.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines.all(|socket| {
        let (port, unread) = (socket[2].rsplit(':').next().unwrap(), socket[4].rsplit(':').next().unwrap());
        let port = u16::from_str_radix(port, 16).unwrap().to_string();
        !ports.contains(&port) || unread == "00000000"
    })
}

/// The sessions of a run.
const OURS: &str = "from pg_stat_activity where application_name = 'transload' and datname = current_database()";

fn ports(end: &End) -> Vec<String> {
    end.texts(&format!("select client_port::text {OURS}"))
}

/// Whether the server has done all that a stopped run has sent to it, and holds nothing for it.
fn is_done(end: &End) -> bool {
    // In this order: whoever waits for more behind an empty socket has done what came out of it.
    let at_work = format!("select count(*) {OURS} and (state <> 'idle' or wait_event is distinct from 'ClientRead')");
    is_read(&ports(end)) && end.number(&at_work) == 0
}

/// Stops a run between two of its units: what it has in hand would hold up everyone else.
pub(crate) fn stop_between_units(world: &World, run: &Child) {
    let is_free = |file: &Path| {
        let connection = rusqlite::Connection::open(file).unwrap();
        connection.busy_timeout(Duration::ZERO).unwrap();
        connection.execute_batch("begin exclusive; rollback").is_ok()
    };
    let control = world.file(".transload/control.db");
    stop_when(run, || {
        let is_between = match world.destination() {
            End::File(path) => is_free(path),
            end @ End::Server(_) => is_done(end),
        };
        is_between && is_free(&control)
    });
}

/// Stops a run within a unit that has written to the table and is not committed; `is_over` says that no such moment will come.
pub(crate) fn stop_within_unit(world: &World, run: &Child, table: &str, is_over: impl Fn() -> bool) {
    let open = format!(
        "select count(*) from pg_stat_activity join pg_locks using (pid) join pg_class on pg_class.oid = relation
         where application_name = 'transload' and datname = current_database() and state = 'idle in transaction' and wait_event = 'ClientRead'
         and relname = '{table}' and mode = 'RowExclusiveLock' and granted"
    );
    let end = world.destination();
    stop_when(run, || (is_read(&ports(end)) && end.number(&open) > 0) || is_over());
}

/// Stops a run at a moment at which this holds.
fn stop_when(run: &Child, holds: impl Fn() -> bool) {
    loop {
        signal(run, "STOP");
        while !stands_still(run) {
            std::thread::sleep(Duration::from_millis(1));
        }
        if holds() {
            return;
        }
        signal(run, "CONT");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Asks it to stop, as Ctrl-C does, and waits until it did.
pub(crate) fn interrupt(run: Child) -> Ended {
    let asked = Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap();
    assert!(asked.success());
    let stopped = ended(&run.wait_with_output().unwrap());
    assert_eq!(stopped.code, 130, "{stopped:?}");
    stopped
}

/// The streams that committed units in any attempt of a run. All attempts append to one file of events: a unit that is told of twice was
/// done twice.
pub(crate) fn assert_no_unit_twice(world: &World, run: &str) -> BTreeSet<(String, u64)> {
    let events = world.read(&format!(".transload/runs/{run}/events.jsonl"));
    let mut units = BTreeSet::new();
    let mut attempts = 0;
    for line in events.lines() {
        // A line may end where the process was killed.
        let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
        attempts += u64::from(event["type"] == "run_started");
        if event["type"] == "unit_committed" {
            let number = |key: &str| event[key].as_u64().unwrap();
            let unit = (event["entity"].to_string(), number("stream"), number("seq"));
            assert!(units.insert(unit.clone()), "{unit:?} was committed twice");
        }
    }
    assert!(attempts > 1, "{attempts} attempts");
    println!("{attempts} attempts, {} units", units.len());
    units.into_iter().map(|(entity, stream, _)| (entity, stream)).collect()
}

/// Nothing that was said or kept holds a secret.
pub(crate) fn assert_silent(world: &World, told: &Ended, secrets: &[&str]) {
    for secret in secrets {
        assert!(!told.stdout.contains(secret) && !told.stderr.contains(secret), "{secret} is shown: {told:?}");
    }
    let folder = world.file(".transload");
    if folder.exists() {
        assert_files_silent(&folder, secrets);
    }
}

fn assert_files_silent(folder: &Path, secrets: &[&str]) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_files_silent(&path, secrets);
            continue;
        }
        // What another process removes meanwhile shows nothing.
        let Ok(content) = std::fs::read(&path) else { continue };
        for secret in secrets {
            let is_shown = content.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!is_shown, "{secret} is in {}", path.display());
        }
    }
}
