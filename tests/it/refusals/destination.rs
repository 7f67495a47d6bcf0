//! Destinations that someone else filled or emptied.

use super::{assert_told, assert_whole, library_between};
use crate::ends::{Ends, for_each_pair};

fn rows_that_no_ledger_knows_are_not_mixed_with(ends: Ends) {
    let world = library_between(ends, 1);
    world.destination().execute(super::SCHEMA);
    world.destination().execute("insert into shelves (id, label) values ('x', 'not ours')");
    let before = world.destination().fingerprint();

    let told = world.transload(&["run"]);

    assert_told("run", &told, "TL0425", 6, &["`shelves` holds 1 row", "empty the table, or load into another one"]);
    assert!(before == world.destination().fingerprint(), "the destination was touched");

    world.destination().execute("delete from shelves");
    world.run();
    world.assert_as_expected();
}

fn rows_that_someone_removed_are_missed(ends: Ends) {
    let world = library_between(ends, 2);
    world.run();
    world.destination().execute("create table kept as select * from books where title = 'BOOK 7'");
    world.destination().execute("delete from books where title = 'BOOK 7'");
    let before = world.destination().fingerprint();

    let told = world.transload(&["run"]);

    let says = ["`books` holds 19 rows, 20 were loaded into it", "`transload verify --repair` brings them back"];
    assert_told("run", &told, "TL0505", 6, &says);
    assert!(before == world.destination().fingerprint(), "the destination was touched");

    world.destination().execute("insert into books select * from kept; drop table kept");
    let report = world.run();
    assert_eq!(report["totals"]["new"], 0);
    assert_whole(world.destination());
    world.assert_as_expected();
}

fn rows_that_someone_added_are_told_and_left_alone(ends: Ends) {
    let world = library_between(ends, 1);
    world.run();
    world.destination().execute("insert into shelves (id, label) values ('x', 'not ours')");

    let told = world.transload(&["run"]);

    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.stderr.contains("TL0505") && told.stderr.contains("someone else adds rows"), "{}", told.stderr);
    assert_eq!(world.destination().count("shelves where id = 'x'"), 1);
}

for_each_pair!(
    rows_that_no_ledger_knows_are_not_mixed_with,
    rows_that_someone_removed_are_missed,
    rows_that_someone_added_are_told_and_left_alone,
);
