//! `kill -9` of a server with all its sessions, and of the binary while it moves several streams.
//!
//! `kill.rs` has what holds for every pair of systems. Here the server is a cluster of the test's own, what it commits is on disk, and each
//! attempt must say that it lost its connection and nothing else. `TRANSLOAD_TEST_SERVER_KILLS` says how often the server is killed, 40 times at most.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::alongside::{
    WAITING, assert_no_unit_twice, assert_silent, awaited, begun, begun_and_within, committed, wait_for,
};
use crate::ends::{Cluster, End, Ends};
use crate::kill::{ITEMS, LABELS, SCHEMA};
use crate::world::{Ended, Random, World};

const ROWS: u64 = 200_000;

/// How often the server is killed.
fn kills() -> u64 {
    std::env::var("TRANSLOAD_TEST_SERVER_KILLS").map_or(5, |text| text.parse().unwrap())
}

/// Units of 500 rows, and three streams for each entity that may have them.
const DEFAULTS: &str = "  load: { batch_size: 250, checkpoint_interval: 2, streams: 3 }";

/// What no output may show: a part of the rows' values, and the password in every URL.
const SECRETS: [&str; 2] = ["zwölfhundert", "tested@"];

/// 120,000 items, some with a parent, and 80,000 labels. All of them are good.
fn filled(ends: (Option<End>, Option<End>)) -> World {
    let world = World::project_at(ends, DEFAULTS, SCHEMA, &[("items", ITEMS), ("labels", LABELS)]);
    world.source().execute(
        "create table old_items (no integer primary key, label text, cents numeric(12,2), parent integer);
         create table old_labels (no integer primary key, item integer, txt text);
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 120000)
         insert into old_items select i * 3, ' zwölfhundert ' || i, i / 4.0,
             case when i % 7 = 0 then (i % 120000 + 1) * 3 when i % 7 = 1 and i > 1 then (i / 2) * 3 end from n;
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 80000)
         insert into old_labels select i, (i % 120000 + 1) * 3, 'zwölfhundert ' || i from n;",
    );
    world
}

/// The server's processes: the first one, and those that it made, one for each session.
struct Processes(Vec<u32>);

impl Processes {
    /// Those of the server that this session belongs to.
    fn of(end: &End) -> Self {
        let session = end.number("select pg_backend_pid()");
        let first = parent(u32::try_from(session).unwrap());
        let made = std::fs::read_to_string(format!("/proc/{first}/task/{first}/children")).unwrap();
        let made = made.split_whitespace().map(|id| id.parse().unwrap());
        Self(std::iter::once(first).chain(made).collect())
    }

    /// All at once. The first one is dead before it could look after the others.
    fn kill(&self) {
        let ids = self.0.iter().map(u32::to_string);
        // One that ended in between is not there to be killed.
        Command::new("kill").arg("-9").args(ids).stderr(Stdio::null()).status().unwrap();
        let start = Instant::now();
        while self.0.iter().any(|id| is_running(*id)) {
            assert!(start.elapsed() < Duration::from_secs(10), "the server does not die");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn parent(process: u32) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap();
    line.trim().parse().unwrap()
}

/// Whether it is there and not only waits for someone to ask how it ended.
fn is_running(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    status.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

/// The attempt that lost its server says so, and only that.
fn assert_lost(world: &World, told: &Ended) {
    assert_eq!(told.code, 4, "{told:?}");
    assert!(!told.stderr.contains("panicked"), "{told:?}");
    let ways = ["the connection was lost", "Connection reset", "Broken pipe", "Connection refused", "cannot be opened"];
    assert!(ways.iter().any(|way| told.stderr.contains(way)), "it does not say that the connection was lost: {told:?}");
    assert!(told.stderr.contains("help:"), "{told:?}");
    assert_silent(world, told, &SECRETS);
}

fn a_killed_server_loses_and_doubles_nothing(ends: Ends) {
    let cluster = Cluster::start();
    let source = ends.is_from_postgres().then(|| cluster.database());
    let world = filled((source, Some(cluster.database())));
    let mut random = Random::of_seed(20_261_122);
    let units_each = ROWS / 500 / kills();
    for kill in 0..kills() {
        let units = units_each * 3 / 8 + random.below(units_each * 7 / 8);
        let child = begun_and_within(&world, &mut random, units);
        let known = committed(&world);

        Processes::of(world.destination()).kill();

        let told = awaited(child);
        assert_lost(&world, &told);
        cluster.restart();
        world.source().reconnect();
        world.destination().reconnect();
        let kept = committed(&world);
        let said = told.stderr.lines().find(|line| line.contains('×')).unwrap_or_default();
        println!("kill {kill}: {known} units were seen, {kept} are there;{said}");
        assert!(kept >= known, "a unit that was seen is gone");
    }
    assert_arrives_whole(&world);
}

#[test]
fn a_killed_server_that_is_the_destination_loses_and_doubles_nothing() {
    a_killed_server_loses_and_doubles_nothing(Ends::SqliteToPostgres);
}

#[test]
fn a_killed_server_that_is_both_ends_loses_and_doubles_nothing() {
    a_killed_server_loses_and_doubles_nothing(Ends::PostgresToPostgres);
}

const NOTES: &str = "
source_table: old_notes
version: \"1\"
key: { source: no, destination: id, strategy: keep }
field_mappings: { text: txt }
";

/// Three copies of one table, which know nothing of one another and are written one after the other.
fn notes(cluster: &Cluster, kind: &str) -> World {
    let named = |name: &str| format!("entity_type: {name}\ndestination_table: {name}\n{}", NOTES.trim_start());
    let specs = ["first", "second", "third"].map(|name| (name, named(name)));
    let schema = specs.each_ref().map(|(name, _)| format!("create {kind} {name} (id bigint primary key, text text);"));
    let specs = specs.each_ref().map(|(name, spec)| (*name, &**spec));
    let defaults = "  load: { max_retry_attempts: 1 }";
    let world = World::project_at((None, Some(cluster.database())), defaults, &schema.concat(), &specs);
    world.replace("transload.yaml", "version: 1\n", "version: 1\nexecution: { parallel_entity_limit: 1 }\n");
    let rows =
        "create table old_notes (no integer primary key, txt text); insert into old_notes values (1, 'a'), (2, 'b')";
    world.source().execute(rows);
    world.destination().execute(&world.read("schema.sql"));
    world
}

#[test]
fn a_server_that_is_gone_is_told_of_once() {
    let cluster = Cluster::start();
    let world = notes(&cluster, "table");
    world.destination().execute("begin; lock table second in share mode");
    let run = begun(&world);
    wait_for(world.destination(), WAITING);

    Processes::of(world.destination()).kill();

    let told = awaited(run);
    assert_lost(&world, &told);
    assert_eq!(told.stderr.matches("explain TL0442").count(), 1, "{told:?}");
    assert_eq!(told.stderr.matches("explain TL0005").count(), 1, "{told:?}");
    cluster.restart();
    world.destination().reconnect();
    world.run();
    world.assert_as_expected();
}

/// The ledger is logged, the rows are not.
#[test]
fn a_crash_that_empties_an_unlogged_table_is_noticed() {
    let cluster = Cluster::start();
    let world = notes(&cluster, "unlogged table");
    world.run();

    Processes::of(world.destination()).kill();

    cluster.restart();
    world.destination().reconnect();
    let told = world.transload(&["run"]);
    assert_eq!(world.destination().count("first"), 0);
    assert!(told.code != 0 && told.stderr.contains("TL0505"), "{told:?}");
}

#[test]
fn several_streams_that_are_killed_twenty_times_arrive_whole() {
    let world = filled((Some(End::on_server()), Some(End::on_server())));
    let mut random = Random::of_seed(20_261_123);
    for _ in 0..20 {
        let units = random.below(18);
        let mut child = begun_and_within(&world, &mut random, units);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_arrives_whole(&world);
}

/// Goes on until the run is done, and looks at every row, every unit and every output.
fn assert_arrives_whole(world: &World) {
    let report = world.run();

    assert_eq!(report["resumed"], true, "{report}");
    assert_eq!(report["totals"]["read"], ROWS, "every row is accounted for once, over all attempts: {report}");
    assert_eq!(report["totals"]["new"], ROWS, "{report}");
    assert_eq!(world.destination().count("items") + world.destination().count("labels"), ROWS);
    let ledger = |table: &str| world.destination().ledger(table);
    assert_eq!(world.destination().count(&ledger("migration_mappings")), ROWS);
    assert_eq!(world.destination().count(&ledger("quarantine")), 0);
    world.assert_as_expected();
    let streams = assert_no_unit_twice(world, report["run_id"].as_str().unwrap());
    // A file is read by one reader.
    let is_split = matches!(world.source(), End::Server(_));
    assert!(!is_split || streams.len() >= 5, "several streams were asked for: {streams:?}");
    let again = world.run();
    assert_eq!(again["totals"]["unchanged"], ROWS, "{again}");
    assert_eq!(again["totals"]["new"], 0, "{again}");
}
