//! Tables that someone changes before a run, between two of its units, or within one: nothing is written for what they were before, and what was
//! written stays.

mod cases;

use std::process::Child;

use crate::alongside::{
    WAITING, awaited, begun, committed, signal, stop_between_units, stop_within_unit, wait_for, wait_for_units,
};
use crate::ends::{Ends, Session, for_each_pair, for_pair};
use crate::world::{Ended, World};
use cases::Weight::{Breaks, Look, Safe, Unseen};
use cases::{Case, OF_FILE, OF_SERVER, OF_SOURCE, OF_SOURCE_SERVER};

const TABLES: &str = "
create table towns (id integer primary key, name text);
create table people (id uuid primary key, name text not null, town integer, note varchar(20), age integer default 7);
";

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
field_mappings: { name: nm, town: town }
";

const SMALL_UNITS: &str = "  load: { batch_size: 20, checkpoint_interval: 1 }";

const ROWS: u64 = 6_000;

/// What has nothing to do with how rows are taken.
const HARMLESS_OF_FILE: &[&str] = &["create index plain on people (town)", "create table others (id integer)"];

const HARMLESS_OF_SERVER: &[&str] = &[
    "create index plain on people (town)",
    "comment on table people is 'people'",
    "alter table people rename constraint people_pkey to pk",
    "alter table people set (fillfactor = 90)",
    "create table others (id integer references towns)",
    "analyze people",
];

fn world(ends: Ends, rows: u64) -> World {
    let world = World::project(ends, SMALL_UNITS, TABLES, &[("people", PEOPLE)]);
    world.source().execute("create table old_people (no integer primary key, nm text, town integer)");
    add(&world, rows);
    world
}

fn add(world: &World, rows: u64) {
    let before = world.source().count("old_people");
    world.source().execute(&format!(
        "with recursive n (i) as (select {before} + 1 union all select i + 1 from n where i < {before} + {rows})
         insert into old_people (no, nm, town) select i, 'person ' || (100000 + i), i from n"
    ));
}

/// Rows that are yet to be loaded.
fn left(world: &World) -> u64 {
    world.source().count("old_people") - world.destination().try_number("select count(*) from people").unwrap_or(0)
}

/// A run that stands still between two of its units, with many of them to come.
fn stopped(world: &World) -> Child {
    stopped_by(world, stop_between_units)
}

/// Until a moment with rows that are to come is met, a quick run may be done.
fn stopped_by(world: &World, stop: impl Fn(&World, &Child)) -> Child {
    for _ in 0..20 {
        if left(world) < ROWS / 2 {
            add(world, ROWS);
        }
        let before = committed(world);
        let mut run = begun(world);
        wait_for_units(world, &mut run, before + 5);
        stop(world, &run);
        if left(world) > 0 {
            return run;
        }
        signal(&run, "CONT");
        let told = awaited(run);
        assert_eq!(told.code, 0, "{told:?}");
    }
    panic!("each run was done before it was stopped");
}

/// Whether the destination holds the first rows of the source, and no others.
fn assert_prefix(world: &World) {
    let destination = world.destination();
    let rows = destination.count("people");
    assert_eq!(destination.number("select count(distinct name) from people"), rows);
    assert_eq!(destination.texts("select max(name) from people"), [format!("person {}", 100_000 + rows)]);
    let segments = destination.ledger("segments");
    assert_eq!(destination.number(&format!("select sum(present_count) from {segments}")), rows);
}

/// What was said, without the frame around it.
fn said(told: &Ended) -> String {
    told.stderr.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn assert_stopped(told: &Ended, Case(change, _, expected, _): &Case) {
    assert_eq!(told.code, 6, "{change}: {told:?}");
    let said = said(told);
    let says = ["TL0431", "at the destination: ", expected];
    assert!(says.iter().all(|text| said.contains(text)), "{change}: {told:?}");
}

/// The rows that are left come with larger units, and then the destination is what the oracle says.
fn assert_arrives(world: &World) {
    world.replace("transload.yaml", "batch_size: 20", "batch_size: 5000");
    world.run();
    assert_eq!(left(world), 0);
    world.assert_as_expected();
}

fn a_table_that_changes_between_two_units_is_not_written(ends: Ends) {
    let world = world(ends, ROWS);
    let cases = match ends {
        Ends::SqliteToSqlite => OF_FILE,
        // The destination is the same, so some are enough.
        Ends::SqliteToPostgres => &OF_SERVER[..4],
        Ends::PostgresToPostgres => OF_SERVER,
    };
    for case in cases {
        let Case(change, undo, ..) = case;
        let run = stopped(&world);
        let (units, rows) = (committed(&world), world.destination().count("people"));
        world.destination().execute(change);
        signal(&run, "CONT");

        let told = awaited(run);

        world.destination().execute(undo);
        assert_stopped(&told, case);
        assert_eq!((committed(&world), world.destination().count("people")), (units, rows), "{change}");
        assert_prefix(&world);
    }
    assert_arrives(&world);
    println!("{} changes between two units: nothing was written for the table as it had been", cases.len());
}

/// Whoever alters the table waits for the unit that is open, and comes before the next one.
fn a_table_that_changes_within_a_unit_is_not_written_by_the_next(ends: Ends) {
    let world = world(ends, ROWS);
    let cases = if ends.is_from_postgres() { OF_SERVER } else { &OF_SERVER[..4] };
    for case in cases {
        let Case(change, undo, ..) = *case;
        let run = stopped_by(&world, |world, run| stop_within_unit(world, run, "people", || left(world) == 0));
        let units = committed(&world);
        let url = world.destination().url();
        let altering = std::thread::spawn(move || drop(Session::open(&url).unwrap().query(change).unwrap()));
        wait_for(world.destination(), WAITING);
        signal(&run, "CONT");

        let told = awaited(run);

        altering.join().unwrap();
        world.destination().execute(undo);
        assert_stopped(&told, case);
        assert_eq!(committed(&world), units + 1, "{change}: the unit that was open, and no other");
        assert_prefix(&world);
    }
    assert_arrives(&world);
    println!("{} changes within a unit: the next was not written for the table as it had been", cases.len());
}

/// Loads a few rows, and locks the project to what there is then.
fn locked(ends: Ends) -> World {
    let world = world(ends, 50);
    world.run();
    let towns = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 5000)
                 insert into towns select i, 'town' from n";
    world.destination().execute(towns);
    let told = world.transload(&["validate", "--lock"]);
    assert_eq!(told.code, 0, "{told:?}");
    world
}

/// What a run says and does of a change that was made before it.
fn check_before(world: &World, case: &Case) {
    let Case(change, _, expected, weight) = case;
    let told = world.transload(&["run"]);

    let said = said(&told);
    let (is_refused, is_warned) = (said.contains("TL0431"), said.contains("TL0316") || said.contains("TL0313"));
    assert_eq!((is_refused, is_warned), (*weight == Breaks, *weight == Look), "{change}: {told:?}");
    assert_eq!(told.code, if *weight == Breaks { 6 } else { 0 }, "{change}: {told:?}");
    let is_told = matches!(weight, Breaks | Look);
    assert!(!is_told || said.contains(expected), "{change}: {expected} is not said: {told:?}");
}

fn what_changed_before_a_run_counts_as_it_weighs(ends: Ends) {
    let world = locked(ends);
    let cases = if ends.is_to_postgres() { OF_SERVER } else { OF_FILE };
    for case in cases {
        let Case(change, undo, _, weight) = case;
        if *weight == Breaks {
            add(&world, 50);
        }
        let (units, rows) = (committed(&world), world.destination().count("people"));
        world.destination().execute(change);

        check_before(&world, case);

        world.destination().execute(undo);
        assert_eq!((committed(&world), world.destination().count("people")), (units, rows), "{change}");
        assert_prefix(&world);
        world.run();
        assert_eq!(left(&world), 0, "{change}");
    }
    world.assert_as_expected();
    let count = |weight| cases.iter().filter(|case| case.3 == weight).count();
    println!(
        "{} changes before a run: {} refused, {} warned of, {} safe, {} that the lock does not see",
        cases.len(),
        count(Breaks),
        count(Look),
        count(Safe),
        count(Unseen)
    );
}

fn what_changed_at_the_source_before_a_run_counts_as_it_weighs(ends: Ends) {
    let world = locked(ends);
    let more = if ends.is_from_postgres() { OF_SOURCE_SERVER } else { &[] };
    for case in OF_SOURCE.iter().chain(more) {
        let Case(change, undo, _, weight) = case;
        if *weight == Breaks {
            add(&world, 50);
        }
        let before = world.destination().fingerprint();
        world.source().execute(change);

        check_before(&world, case);

        world.source().execute(undo);
        let is_same = before == world.destination().fingerprint();
        assert!(is_same || *weight == Look, "{change}: the destination was touched");
        world.run();
        assert_eq!(left(&world), 0, "{change}");
    }
    world.assert_as_expected();
}

fn what_does_not_touch_rows_stops_no_run(ends: Ends) {
    let world = world(ends, ROWS);
    let run = stopped(&world);
    let changes = if ends.is_to_postgres() { HARMLESS_OF_SERVER } else { HARMLESS_OF_FILE };
    changes.iter().for_each(|change| world.destination().execute(change));
    signal(&run, "CONT");

    let told = awaited(run);

    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(left(&world), 0);
}

/// PostgreSQL makes whoever alters a table wait until it was read, as SQLite does without a write-ahead log.
fn a_source_that_changes_is_read_as_it_was(ends: Ends) {
    let world = world(ends, ROWS);
    world.source().execute("pragma journal_mode = wal");
    let run = stopped(&world);
    world.source().execute("alter table old_people rename column nm to called");
    signal(&run, "CONT");

    let told = awaited(run);

    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(left(&world), 0);
    let next = world.transload(&["run"]);
    assert!(next.code == 1 && next.stderr.contains("`nm`"), "{next:?}");
}

/// Who writes on into a file that nobody will ever open again loads nothing.
fn a_file_that_is_taken_away_is_not_written(ends: Ends) {
    let world = world(ends, ROWS);
    let run = stopped(&world);
    let (file, aside) = (world.file("data/platform.db"), world.file("data/aside.db"));
    std::fs::rename(&file, &aside).unwrap();
    signal(&run, "CONT");

    let told = awaited(run);

    assert_eq!(told.code, 6, "{told:?}");
    assert!(told.stderr.contains("TL0514") && told.stderr.contains("platform.db"), "{told:?}");
    std::fs::rename(&aside, &file).unwrap();
    assert_prefix(&world);
    world.run();
    assert_eq!(left(&world), 0);
    world.assert_as_expected();
}

for_pair!(
    from_sqlite,
    SqliteToSqlite,
    a_source_that_changes_is_read_as_it_was,
    a_file_that_is_taken_away_is_not_written
);
for_pair!(sqlite_to_postgres_within, SqliteToPostgres, a_table_that_changes_within_a_unit_is_not_written_by_the_next);
for_pair!(
    postgres_to_postgres_within,
    PostgresToPostgres,
    a_table_that_changes_within_a_unit_is_not_written_by_the_next
);
for_each_pair!(
    a_table_that_changes_between_two_units_is_not_written,
    what_changed_before_a_run_counts_as_it_weighs,
    what_changed_at_the_source_before_a_run_counts_as_it_weighs,
    what_does_not_touch_rows_stops_no_run,
);
