//! Destinations that are not what they were: an older backup took their place, or another server did.

use super::{BOOK_COUNT, SECRETS, assert_arrives, assert_ledger_agrees, assert_refused, awaited, shop, told};
use crate::alongside::{WAITING, assert_silent, begun, wait_for};
use crate::ends::End;
use crate::world::World;

/// The sessions of a run, ended by the server.
const END_SESSIONS: &str = "select count(pg_terminate_backend(pid)) from pg_stat_activity
    where application_name = 'transload' and datname = current_database()";

/// The name of the project's destination.
fn name(world: &World) -> String {
    world.destination().texts("select current_database()").remove(0)
}

/// Does something to the destination from another database, while nobody is connected to it.
fn from_outside(world: &World, does: impl FnOnce(&End)) {
    let name = name(world);
    let outside = End::on_server();
    outside.execute(&format!("alter database {name} allow_connections false"));
    // The run first: whoever holds it up would let it go on.
    for who in ["and application_name = 'transload'", ""] {
        let sessions = format!("from pg_stat_activity where datname = '{name}' {who}");
        outside.execute(&format!("select pg_terminate_backend(pid, 10000) {sessions}"));
    }
    does(&outside);
    outside.execute(&format!("alter database {name} allow_connections true"));
    world.destination().reconnect();
}

/// A backup of the destination, as another database, and the way back to it.
struct Backup {
    name: String,
    of: String,
}

impl Backup {
    fn of(world: &World) -> Self {
        let backup = Self { name: format!("{}_kept", name(world)), of: name(world) };
        from_outside(world, |outside| {
            outside.execute(&format!("create database {} template {}", backup.name, backup.of));
        });
        backup
    }

    /// Puts it in the destination's place.
    fn restore(&self, world: &World) {
        let Self { name, of } = self;
        from_outside(world, |outside| {
            outside.execute(&format!("drop database {of}"));
            outside.execute(&format!("alter database {name} rename to {of}"));
        });
    }
}

/// Changes at the source that a run has to bring.
const LATER: &str =
    "update old_books set title = 'geheim and later' where no < 20; insert into old_books values (31, 'geheim 31', 1);
    insert into old_shelves values (4, 'a shelf'); delete from old_books where no = 30";

#[test]
fn an_older_backup_is_told_and_what_is_missing_is_loaded_again() {
    let world = shop();
    assert_arrives(&world);
    let backup = Backup::of(&world);
    world.source().execute(LATER);
    assert_arrives(&world);
    backup.restore(&world);

    let told = told(&world, "run");

    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.stderr.contains("TL0513") && told.stderr.contains("`books`, `shelves`"), "{}", told.stderr);
    assert_ledger_agrees(&world, &["shelves", "books"]);
    world.assert_as_expected();
    let again = world.transload(&["run"]);
    assert!(again.code == 0 && !again.stderr.contains("TL0513"), "it is told once: {again:?}");
}

#[test]
fn a_backup_of_the_middle_of_a_run_is_gone_on_with() {
    let world = shop();
    world.destination().execute("begin; lock table books in share mode");
    let mut run = begun(&world);
    wait_for(world.destination(), WAITING);
    run.kill().unwrap();
    run.wait().unwrap();
    world.destination().execute("commit");
    let backup = Backup::of(&world);
    assert_arrives(&world);
    world.source().execute(LATER);
    backup.restore(&world);

    let report = world.run();

    assert_eq!(report["resumed"], true, "{report}");
    assert!(report["warnings"].to_string().contains("TL0513"), "{report}");
    // Shelves were done when the backup was made; what came to them later comes with the next run.
    assert_arrives(&world);
    let again = world.run();
    assert_eq!((&again["totals"]["new"], &again["totals"]["modified"]), (&0.into(), &0.into()), "{again}");
}

#[test]
fn a_destination_that_lost_committed_units_when_a_run_ends_is_not_said_to_be_done() {
    let world = shop();
    world.destination().execute("begin; lock table books in share mode");
    let run = begun(&world);
    wait_for(world.destination(), WAITING);
    // As on a replica that had not heard of them when it took over.
    world.destination().execute(
        "delete from shelves; delete from transload.stream_positions where entity_type = 'shelves';
         delete from transload.segments where entity_type = 'shelves';
         delete from transload.migration_mappings where entity_type = 'shelves'; commit",
    );

    let told = awaited(&world, run);

    assert_refused("lost units", &told, "TL0513", 4, &["the destination lost units that were committed, of `shelves`"]);
    assert_arrives(&world);
    assert_eq!(world.destination().count("books"), BOOK_COUNT);
}

#[test]
fn a_run_whose_destination_becomes_another_database_stops_before_it_writes_there() {
    let world = shop();
    world.replace("transload.yaml", "deletes:", "load: { max_retry_attempts: 10 }\n  deletes:");
    let (name, other) = (name(&world), format!("{}_other", name(&world)));
    world.destination().execute("begin; lock table books in share mode");
    let run = begun(&world);
    wait_for(world.destination(), WAITING);
    from_outside(&world, |outside| {
        outside.execute(&format!("create database {other} template {name}"));
        outside.execute(&format!("alter database {name} rename to {name}_first"));
        outside.execute(&format!("alter database {other} rename to {name}"));
    });

    let told = awaited(&world, run);

    assert_refused("another database", &told, "TL0514", 6, &["leads to another server or database"]);
    assert_eq!(world.destination().count("books"), 0, "it was written to");
    from_outside(&world, |outside| outside.execute(&format!("drop database {name}_first")));
    assert_arrives(&world);
}

#[test]
fn an_interrupted_run_does_not_go_on_at_another_server() {
    let world = shop();
    world.destination().execute("begin; lock table books in share mode");
    let mut run = begun(&world);
    wait_for(world.destination(), WAITING);
    run.kill().unwrap();
    run.wait().unwrap();
    world.destination().execute(&format!("commit; {END_SESSIONS}"));
    // What a copy of the database holds that was made on another server.
    world.destination().execute("update transload.meta set value = '7' where name = 'server_identity'");
    let before = world.destination().fingerprint();

    let refused = told(&world, "run");

    assert_refused("a copy", &refused, "TL0514", 6, &["was begun on another server", "transload cancel"]);
    assert!(before == world.destination().fingerprint(), "the copy was touched");
    let run = world.destination().texts("select run_id from transload.fences limit 1").remove(0);
    let cancelled = world.transload(&["cancel", &run]);
    assert_eq!(cancelled.code, 0, "{cancelled:?}");
    assert_silent(&world, &cancelled, &SECRETS);
    assert_arrives(&world);
    assert_ne!(world.destination().texts("select value from transload.meta where name = 'server_identity'"), ["7"]);
}
