//! Destinations that someone else filled or emptied.

use super::{assert_told, assert_whole, library};

const PLATFORM: &str = "data/platform.db";

#[test]
fn rows_that_no_ledger_knows_are_not_mixed_with() {
    let world = library(1);
    world.database(PLATFORM).execute_batch(super::SCHEMA).unwrap();
    world.database(PLATFORM).execute_batch("insert into shelves (id, label) values ('x', 'not ours')").unwrap();
    let before = world.bytes(PLATFORM);

    let told = world.transload(&["run"]);

    assert_told("run", &told, "TL0425", 6, &["`shelves` holds 1 row", "empty the table, or load into another one"]);
    assert!(before == world.bytes(PLATFORM), "the destination was touched");

    world.database(PLATFORM).execute_batch("delete from shelves").unwrap();
    world.run();
    world.assert_as_expected();
}

#[test]
fn rows_that_someone_removed_are_missed() {
    let world = library(2);
    world.run();
    let platform = world.database(PLATFORM);
    platform.execute_batch("create table kept as select * from books where title = 'BOOK 7'").unwrap();
    platform.execute_batch("delete from books where title = 'BOOK 7'").unwrap();
    drop(platform);
    let before = world.bytes(PLATFORM);

    let told = world.transload(&["run"]);

    assert_told("run", &told, "TL0505", 6, &["`books` holds 19 rows, 20 were loaded into it", "Put them back"]);
    assert!(before == world.bytes(PLATFORM), "the destination was touched");

    world.database(PLATFORM).execute_batch("insert into books select * from kept; drop table kept").unwrap();
    let report = world.run();
    assert_eq!(report["totals"]["new"], 0);
    assert_whole(&world.database(PLATFORM));
    world.assert_as_expected();
}

#[test]
fn rows_that_someone_added_are_told_and_left_alone() {
    let world = library(1);
    world.run();
    world.database(PLATFORM).execute_batch("insert into shelves (id, label) values ('x', 'not ours')").unwrap();

    let told = world.transload(&["run"]);

    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.stderr.contains("TL0505") && told.stderr.contains("someone else adds rows"), "{}", told.stderr);
    let count = "select count(*) from shelves where id = 'x'";
    assert_eq!(world.database(PLATFORM).query_row(count, [], |row| row.get::<_, u64>(0)).unwrap(), 1);
}
