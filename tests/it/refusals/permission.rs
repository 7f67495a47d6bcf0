//! Files and folders that may not be read or written.

use super::{Visitor, assert_told, assert_whole, library, set_mode};
use crate::world::World;

const PLATFORM: &str = "data/platform.db";

/// A library that anyone may read. Who visits it may write its destination and its runs.
fn open_library() -> World {
    let world = library(1);
    world.database(PLATFORM).execute_batch(super::SCHEMA).unwrap();
    std::fs::create_dir(world.file(".transload")).unwrap();
    set_mode(world.path(), 0o755);
    set_mode(&world.file(PLATFORM), 0o666);
    for folder in ["data", ".transload"] {
        set_mode(&world.file(folder), 0o777);
    }
    world
}

/// Takes a right away, looks at the refusal, gives it back, and sees that it was only that.
fn check((what, path): (&str, &str), (mode, mended): (u32, u32), (code, exit): (&str, i32), says: &[&str]) {
    let world = open_library();
    let visitor = Visitor::new();
    let before = world.bytes(PLATFORM);
    set_mode(&world.file(path), mode);

    let told = visitor.transload(&world, &["run"]);

    assert_told(what, &told, code, exit, says);
    assert!(before == world.bytes(PLATFORM), "{what}: the destination was touched");

    set_mode(&world.file(path), mended);
    let told = visitor.transload(&world, &["run"]);
    assert_eq!(told.code, 0, "{what}: {told:?}");
    assert_whole(world.destination());
    world.assert_as_expected();
}

#[test]
fn a_spec_that_may_not_be_read_is_named() {
    let says = ["file `specs/books.yaml` cannot be read: Permission denied"];
    check(("a spec", "specs/books.yaml"), (0o600, 0o644), ("TL0007", 2), &says);
}

#[test]
fn a_project_that_may_not_be_read_is_named() {
    let says = ["file `transload.yaml` cannot be read: Permission denied"];
    check(("the project", "transload.yaml"), (0o600, 0o644), ("TL0007", 2), &says);
}

#[test]
fn a_source_that_may_not_be_read_is_named() {
    let says = ["connection `legacy` cannot open", "data/legacy.db: Permission denied"];
    check(("the source", "data/legacy.db"), (0o600, 0o644), ("TL0006", 4), &says);
}

#[test]
fn a_destination_that_may_not_be_written_is_left_as_it_is() {
    let says = ["attempt to write a readonly database", "Give the user the right"];
    check(("the destination", PLATFORM), (0o444, 0o666), ("TL0006", 4), &says);
}

#[test]
fn a_destination_whose_folder_may_not_be_written_is_left_as_it_is() {
    let says = ["the database's folder may not be written", "SQLite also needs to write beside the file"];
    check(("the destination's folder", "data"), (0o755, 0o777), ("TL0006", 4), &says);
}

#[test]
fn a_destination_that_may_not_be_made_is_named() {
    let world = open_library();
    let visitor = Visitor::new();
    std::fs::remove_file(world.file(PLATFORM)).unwrap();
    set_mode(&world.file("data"), 0o755);

    let told = visitor.transload(&world, &["run"]);

    let says = ["connection `platform` cannot create", "data/platform.db: Permission denied"];
    assert_told("run", &told, "TL0006", 4, &says);
    let left: Vec<_> = std::fs::read_dir(world.file("data")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["legacy.db"]);

    set_mode(&world.file("data"), 0o777);
    assert_eq!(visitor.transload(&world, &["run"]).code, 0);
    world.assert_as_expected();
}

#[test]
fn a_loaded_destination_in_a_folder_that_may_not_be_written_keeps_what_it_has() {
    let world = open_library();
    let visitor = Visitor::new();
    assert_eq!(visitor.transload(&world, &["run"]).code, 0);
    world.database("data/legacy.db").execute_batch("update old_books set title = 'other' where no = 3").unwrap();
    let before = world.bytes(PLATFORM);
    set_mode(&world.file("data"), 0o755);

    let told = visitor.transload(&world, &["run"]);

    assert_told("run", &told, "TL0006", 4, &["SQLite also needs to write beside the file"]);
    assert!(before == world.bytes(PLATFORM), "the destination was touched");

    set_mode(&world.file("data"), 0o777);
    assert_eq!(visitor.transload(&world, &["run"]).code, 0);
    world.assert_as_expected();
}
