//! Tables, columns and connections that go away: before a run, between two, and in the middle of one.

use super::{BOOK_COUNT, Side, assert_arrives, assert_ledger_agrees, assert_refused, awaited, shop, told};
use crate::alongside::{WAITING, begun, wait_for};

/// Something that goes away.
struct Gone {
    what: &'static str,
    side: Side,
    change: &'static str,
    /// What is said where it is gone before the run.
    code: &'static str,
    /// A lock that a run waits for when it comes to the table.
    lock: &'static str,
    mend: &'static str,
}

const GONE: &[Gone] = &[
    Gone {
        what: "a source table",
        side: Side::Source,
        change: "alter table old_books rename to kept",
        code: "TL0204",
        lock: "lock table old_books in access exclusive mode",
        mend: "alter table kept rename to old_books",
    },
    Gone {
        what: "a source table that is dropped",
        side: Side::Source,
        change: "create table kept as table old_books; drop table old_books",
        code: "TL0204",
        lock: "lock table old_books in access exclusive mode",
        mend: "alter table kept add primary key (no); alter table kept rename to old_books",
    },
    Gone {
        what: "a source column",
        side: Side::Source,
        change: "alter table old_books rename column title to heading",
        code: "TL0203",
        lock: "lock table old_books in access exclusive mode",
        mend: "alter table old_books rename column heading to title",
    },
    Gone {
        what: "a destination table",
        side: Side::Destination,
        change: "alter table books rename to kept",
        code: "TL0204",
        lock: "lock table books in share mode",
        mend: "alter table kept rename to books",
    },
    Gone {
        what: "a destination column",
        side: Side::Destination,
        change: "alter table books rename column title to heading",
        code: "TL0203",
        lock: "lock table books in share mode",
        mend: "alter table books rename column heading to title",
    },
];

#[test]
fn what_is_gone_before_a_run_is_named_and_nothing_is_written() {
    for gone in GONE {
        let world = shop();
        gone.side.of(&world).execute(gone.change);

        assert_refused(gone.what, &told(&world, "run"), gone.code, 1, &[]);

        assert_eq!(world.destination().count("shelves"), 0, "{}", gone.what);
        gone.side.of(&world).execute(gone.mend);
        assert_arrives(&world);
    }
}

#[test]
fn what_is_gone_between_two_runs_is_named_and_nothing_is_written() {
    for gone in GONE {
        let world = shop();
        assert_arrives(&world);
        world.source().execute("update old_books set title = 'geheim, later' where no = 4");
        gone.side.of(&world).execute(gone.change);
        let before = world.destination().fingerprint();

        assert_refused(gone.what, &told(&world, "run"), gone.code, 1, &[]);

        assert!(before == world.destination().fingerprint(), "{}: the destination was touched", gone.what);
        gone.side.of(&world).execute(gone.mend);
        assert_arrives(&world);
    }
}

#[test]
fn what_goes_away_in_the_middle_of_a_run_ends_its_entity_and_no_other() {
    for gone in GONE {
        let world = shop();
        let end = gone.side.of(&world);
        end.execute(&format!("begin; {}", gone.lock));
        let run = begun(&world);
        wait_for(end, WAITING);
        end.execute(&format!("{}; commit", gone.change));

        let told = awaited(&world, run);

        let (end_word, other) = match gone.side {
            Side::Source => ("the source", "destination"),
            Side::Destination => ("the destination", "source"),
        };
        assert_refused(gone.what, &told, "TL0431", 6, &["books", end_word]);
        let (_, problem) = told.stderr.split_once("TL0431").unwrap();
        assert!(!problem.contains(other), "{} is told of the {other}: {told:?}", gone.what);
        end.execute(gone.mend);
        assert_eq!(world.destination().count("books"), 0, "{}", gone.what);
        assert_ledger_agrees(&world, &["shelves", "books"]);
        assert_arrives(&world);
    }
}

/// The sessions of a run, ended by the server.
const END_SESSIONS: &str = "select count(pg_terminate_backend(pid)) from pg_stat_activity
    where application_name = 'transload' and datname = current_database()";

#[test]
fn a_source_that_drops_its_sessions_ends_the_run_and_the_next_brings_the_rest() {
    let world = shop();
    world.source().execute("begin; lock table old_books in access exclusive mode");
    let run = begun(&world);
    wait_for(world.source(), WAITING);
    let ended = world.source().number(END_SESSIONS);
    world.source().execute("commit");

    let told = awaited(&world, run);

    assert!(ended >= 1, "{ended} sessions");
    assert_refused("the source's sessions", &told, "TL0427", 4, &["reading from connection `legacy`"]);
    assert_ledger_agrees(&world, &["shelves", "books"]);
    assert_arrives(&world);
}

#[test]
fn a_destination_that_drops_its_sessions_once_does_not_end_the_run() {
    let world = shop();
    world.destination().execute("begin; lock table books in share mode");
    let run = begun(&world);
    wait_for(world.destination(), WAITING);
    let ended = world.destination().number(END_SESSIONS);
    world.destination().execute("commit");

    let told = awaited(&world, run);

    assert!(ended >= 1, "{ended} sessions");
    assert_eq!(told.code, 0, "the unit is tried again on a new connection: {told:?}");
    assert_eq!(world.destination().count("books"), BOOK_COUNT);
    assert_arrives(&world);
}
