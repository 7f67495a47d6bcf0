//! A source whose writer ended in the middle of a transaction.

use rusqlite::Connection;

use super::{Case, assert_whole, check, library};
use crate::world::World;

const LEGACY: &str = "data/legacy.db";

/// Puts the files where the old database was that a writer would leave behind who is killed now.
fn kill_the_writer(world: &World) {
    let connection = Connection::open(world.file(LEGACY)).unwrap();
    // So little is held in memory that the change is in the file before it is committed.
    connection.execute_batch("pragma cache_size = 1; begin; update old_books set title = hex(zeroblob(3000))").unwrap();
    let journal = format!("{LEGACY}-journal");
    let left = [LEGACY, &journal].map(|name| (name, world.bytes(name)));
    drop(connection);
    for (name, bytes) in left {
        std::fs::write(world.file(name), bytes).unwrap();
    }
}

const CASE: Case = Case {
    what: "a journal that was left behind",
    broken: kill_the_writer,
    code: "TL0005",
    exit: 4,
    place: "",
    says: &[
        "connection `legacy` cannot open",
        "data/legacy.db: who wrote it last was stopped in the middle",
        "/data/legacy.db\" \"pragma user_version\"`",
        "do not delete the journal: without it the file stays half-changed",
    ],
};

#[test]
fn a_source_whose_writer_ended_in_the_middle_is_refused_with_what_mends_it() {
    check(&CASE);

    let world = library(1);
    kill_the_writer(&world);
    world.source().execute("pragma user_version");
    assert_eq!(world.transload(&["run"]).code, 0);
    assert_whole(world.destination());
    world.assert_as_expected();
}
