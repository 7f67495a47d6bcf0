//! Both ends in one SQLite file, under whatever name.

use std::os::unix::fs::symlink;

use crate::ends::Ends;
use crate::world::World;

const SPEC: &str = "
entity_type: books
source_table: old_books
destination_table: books
version: \"1\"
field_mappings: { title: title }
";

/// A file with the old table and the new one, in this mode, and another name for it as the destination.
fn one_file(journal: &str) -> World {
    let schema = "create table books (id uuid primary key, title text not null);";
    let world = World::project(Ends::SqliteToSqlite, "", schema, &[("books", SPEC)]);
    world.source().execute(&format!(
        "pragma journal_mode = {journal}; {schema}
         create table old_books (no integer primary key, title text);
         insert into old_books values (1, 'one'), (2, 'two');"
    ));
    symlink(world.file("data/legacy.db"), world.file("data/platform.db")).unwrap();
    world
}

/// There whoever reads keeps whoever writes waiting, and a run does both.
#[test]
fn without_a_log_of_writes_it_is_refused_before_anything_is_done() {
    let world = one_file("delete");
    let before = world.bytes("data/legacy.db");
    for verb in ["validate", "detect", "run"] {
        let told = world.transload(&[verb]);
        let says = ["TL0023", "data/legacy.db", "pragma journal_mode = wal"];
        super::assert_told(verb, &told, "TL0023", 2, &says);
    }
    assert!(before == world.bytes("data/legacy.db"), "the file was touched");

    world.database("data/legacy.db").execute_batch("pragma journal_mode = wal").unwrap();
    world.run();
    world.assert_as_expected();
}

#[test]
fn with_a_log_of_writes_it_arrives() {
    let world = one_file("wal");
    world.run();
    assert_eq!(world.destination().count("books"), 2);
    world.assert_as_expected();
}
