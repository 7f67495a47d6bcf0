//! Tables that someone changes while rows go into them: nothing is written for what they were before, and what was written stays.

use std::process::Child;

use crate::alongside::{awaited, begun, committed, signal, stop_between_units, wait_for_units};
use crate::ends::{Ends, for_each_pair, for_pair};
use crate::world::World;

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

/// What is done to a table, how it is undone, and what is told of it.
struct Case(&'static str, &'static str, &'static str);

/// What SQLite can change about a table.
const OF_FILE: &[Case] = &[
    Case("alter table people add column x text", "alter table people drop column x", "column `x` is new"),
    Case(
        "alter table people drop column note",
        "alter table people add column note varchar(20)",
        "column `note` is gone",
    ),
    Case(
        "alter table people rename column note to remark",
        "alter table people rename column remark to note",
        "column `note` is gone",
    ),
    Case(
        "alter table people rename column name to called",
        "alter table people rename column called to name",
        "column `name` is gone",
    ),
    Case("alter table people rename to persons", "alter table persons rename to people", "the table is gone"),
    Case("create unique index one on people (name)", "drop index one", "the unique key (name) is new"),
    Case(
        "create trigger keeper after insert on people begin select 1; end",
        "drop trigger keeper",
        "the trigger `keeper` is new",
    ),
];

const OF_SERVER: &[Case] = &[
    Case("alter table people add x text", "alter table people drop x", "column `x` is new"),
    Case("alter table people add x text not null default 'x'", "alter table people drop x", "column `x` is new"),
    Case("alter table people drop note", "alter table people add note varchar(20)", "column `note` is gone"),
    Case(
        "alter table people rename note to remark",
        "alter table people rename remark to note",
        "column `note` is gone",
    ),
    Case(
        "alter table people rename name to called",
        "alter table people rename called to name",
        "column `name` is gone",
    ),
    Case(
        "alter table people alter name type varchar(60)",
        "alter table people alter name type text",
        "column `name` was text, is character varying(60)",
    ),
    Case(
        "alter table people alter town type text using town::text",
        "alter table people alter town type integer using town::integer",
        "column `town` was integer, is text",
    ),
    Case(
        "alter table people alter note type varchar(10)",
        "alter table people alter note type varchar(20)",
        "column `note` was character varying(20), is character varying(10)",
    ),
    Case(
        "alter table people alter name drop not null",
        "alter table people alter name set not null",
        "column `name` takes NULL now",
    ),
    Case(
        "alter table people alter town set not null",
        "alter table people alter town drop not null",
        "that column `town` takes NULL is no longer so",
    ),
    Case(
        "alter table people alter age set default 8",
        "alter table people alter age set default 7",
        "a check, a default",
    ),
    Case(
        "alter table people alter age drop default",
        "alter table people alter age set default 7",
        "that column `age` has a default is no longer so",
    ),
    Case(
        "alter table people drop constraint people_pkey",
        "alter table people add primary key (id)",
        "the primary key was (id), is ()",
    ),
    Case(
        "alter table people add constraint one unique (name)",
        "alter table people drop constraint one",
        "the unique key (name) is new",
    ),
    Case("create unique index one on people (lower(name))", "drop index one", "a unique constraint"),
    Case(
        "alter table people add constraint aged check (age < 200)",
        "alter table people drop constraint aged",
        "a check, a default",
    ),
    Case(
        "alter table people add constraint of_town foreign key (town) references towns not valid",
        "alter table people drop constraint of_town",
        "the foreign key (town) to `towns` is new",
    ),
    Case("alter table people rename to persons", "alter table persons rename to people", "the table is gone"),
    Case(
        "create schema attic; alter table people set schema attic",
        "alter table attic.people set schema public; drop schema attic",
        "the table is gone",
    ),
    Case("alter table people set unlogged", "alter table people set logged", "a check, a default"),
    Case("alter table people enable row level security", "alter table people disable row level security", "a policy"),
    Case(
        "create rule hidden as on delete to people do instead nothing",
        "drop rule hidden on people",
        "the rule `hidden` is new",
    ),
    Case(
        "create function keep() returns trigger language plpgsql as 'begin return new; end';
         create trigger keeper before insert on people for each row execute function keep()",
        "drop function keep() cascade",
        "the trigger `keeper` is new",
    ),
];

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

fn world(ends: Ends) -> World {
    let world = World::project(ends, SMALL_UNITS, TABLES, &[("people", PEOPLE)]);
    world.source().execute("create table old_people (no integer primary key, nm text, town integer)");
    add(&world);
    world
}

fn add(world: &World) {
    let before = world.source().count("old_people");
    world.source().execute(&format!(
        "with recursive n (i) as (select {before} + 1 union all select i + 1 from n where i < {before} + {ROWS})
         insert into old_people select i, 'person ' || (100000 + i), i from n"
    ));
}

/// Rows that are yet to be loaded.
fn left(world: &World) -> u64 {
    world.source().count("old_people") - world.destination().try_number("select count(*) from people").unwrap_or(0)
}

/// A run that stands still between two of its units, with many of them to come. Until such a moment is met, a quick one may be done.
fn stopped(world: &World) -> Child {
    for _ in 0..20 {
        if left(world) < ROWS / 2 {
            add(world);
        }
        let before = committed(world);
        let mut run = begun(world);
        wait_for_units(world, &mut run, before + 5);
        stop_between_units(world, &run);
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

fn a_table_that_changes_between_two_units_is_not_written(ends: Ends) {
    let world = world(ends);
    let cases = match ends {
        Ends::SqliteToSqlite => OF_FILE,
        // The destination is the same, so some are enough.
        Ends::SqliteToPostgres => &OF_SERVER[..4],
        Ends::PostgresToPostgres => OF_SERVER,
    };
    for Case(change, undo, expected) in cases {
        let run = stopped(&world);
        let (units, rows) = (committed(&world), world.destination().count("people"));
        world.destination().execute(change);
        signal(&run, "CONT");

        let told = awaited(run);

        world.destination().execute(undo);
        assert_eq!(told.code, 1, "{change}: {told:?}");
        let says = ["TL0431", "at the destination: ", expected];
        assert!(says.iter().all(|text| told.stderr.contains(text)), "{change}: {told:?}");
        assert_eq!((committed(&world), world.destination().count("people")), (units, rows), "{change}");
        assert_prefix(&world);
    }
    world.replace("transload.yaml", "batch_size: 20", "batch_size: 5000");
    world.run();
    assert_eq!(left(&world), 0);
    world.assert_as_expected();
    println!("{} changes between two units: nothing was written for the table as it had been", cases.len());
}

fn what_does_not_touch_rows_stops_no_run(ends: Ends) {
    let world = world(ends);
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
    let world = world(ends);
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
    let world = world(ends);
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
for_each_pair!(a_table_that_changes_between_two_units_is_not_written, what_does_not_touch_rows_stops_no_run);
