//! The demo: the README's first command.

use crate::ends::{Ends, for_each_pair};
use crate::world::{World, counts, ended};

#[test]
fn the_demo_moves_the_clinic_and_finds_nothing_to_do_the_second_time() {
    let world = World::empty();

    let first = world.transload(&["demo"]);

    assert_eq!(first.code, 0, "{first:?}");
    let said = "accounting   read 61,240 = new 61,203 + modified 0 + unchanged 0 + quarantined 37   ✓";
    assert!(first.stdout.contains(said), "{}", first.stdout);
    assert!(first.stderr.contains("next:"), "{}", first.stderr);
    let before = world.bytes("clinic-demo/data/platform.db");

    let second = world.transload(&["demo"]);

    assert_eq!(second.code, 0, "{second:?}");
    let said = "nothing to do and nothing written: 61,203 rows unchanged";
    assert!(second.stdout.contains(said), "{}", second.stdout);
    let said = "37 rows stay in quarantine: they have not moved since they failed, and were not tried again";
    assert!(second.stdout.contains(said), "{}", second.stdout);
    assert!(before == world.bytes("clinic-demo/data/platform.db"), "the second run changed the destination");
}

fn the_clinic_arrives_row_for_row_as_expected(ends: Ends) {
    let world = World::clinic().between(ends, "LEGACY_URL");
    // A server that knows its texts' encoding does not take the two that are in another.
    let mended = if ends.is_from_postgres() { 2 } else { 0 };

    let report = world.run();

    assert_eq!(report["totals"]["new"], 61_203 + mended);
    assert_eq!(report["totals"]["quarantined"], 37 - mended);
    assert_eq!(report["totals"]["warned"], 14);
    assert_eq!(counts(&report, "orders")["new"], 35_991);
    world.assert_as_expected();
    let before = world.destination().fingerprint();

    world.run();

    assert!(before == world.destination().fingerprint(), "the second run changed the destination");
    if ends.is_to_postgres() {
        let next = world.destination().number("select nextval(pg_get_serial_sequence('orders', 'number'))");
        let last = world.destination().number("select max(number) from orders");
        assert!(next > last, "the next order would get the number of one that was brought over");
    }
}

for_each_pair!(the_clinic_arrives_row_for_row_as_expected);

#[test]
fn the_demo_brings_its_lock_and_tests_that_pass() {
    let world = World::clinic();

    let tested = world.transload(&["test"]);
    assert_eq!(tested.code, 0, "{tested:?}");
    assert!(tested.stdout.contains("22 tests in 6 specs: 22 passed"), "{}", tested.stdout);

    let committed = world.read("transload.lock");
    let locked = world.transload(&["validate", "--lock"]);
    assert_eq!(locked.code, 0, "{locked:?}");
    assert!(locked.stderr.contains("transload.lock is as it was"), "specs/clinic/transload.lock is stale: {locked:?}");
    assert_eq!(world.read("transload.lock"), committed);
}

#[test]
fn the_lock_of_sqlite_is_not_taken_for_one_of_postgresql() {
    let world = World::clinic();
    let mut command = world.command(&["test", "--env", "postgres"]);

    let told = ended(&command.env("PLATFORM_URL", "postgres://nobody:x@localhost/nothing").output().unwrap());

    assert_eq!(told.code, 2, "{told:?}");
    let said = "`transload.lock` was written for sqlite behind `platform`, and here it is postgres";
    assert!(
        told.stderr.contains(said)
            && told.stderr.contains("`transload validate --lock --env postgres` adds these systems"),
        "{}",
        told.stderr
    );
}

#[test]
fn status_tells_of_the_runs() {
    let world = World::clinic();
    assert!(world.transload(&["status"]).stdout.contains("no run yet"));
    let report = world.run();
    let id = report["run_id"].as_str().unwrap();

    let list = world.transload(&["status"]);
    let detail = world.transload(&["status", &id[id.len() - 8..]]);

    assert!(list.stdout.contains("✓ completed") && list.stdout.contains("61,203"), "{}", list.stdout);
    assert!(detail.stdout.contains(id) && detail.stdout.contains("patients"), "{}", detail.stdout);
    let unknown = world.transload(&["status", "zzzzzzzz"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("TL0009"), "{}", unknown.stderr);
}
