//! `.transload`, where runs are remembered: it may fail, and the destination does not suffer.

use rusqlite::Connection;

use super::full_disk::{SmallDisk, with_mounts};
use super::{Visitor, assert_told, assert_whole, library, set_mode};
use crate::alongside::{awaited, begun, wait_for_units};
use crate::world::World;

const PLATFORM: &str = "data/platform.db";
const STORE: &str = ".transload/control.db";

/// Shows that a run refuses to start and makes no destination, and does its work once `mend` was done.
fn check(world: &World, expected: (&str, i32, &str), mend: impl FnOnce(&World)) {
    let (code, exit, says) = expected;

    let told = world.transload(&["run"]);

    assert_told("run", &told, code, exit, &[says]);
    assert!(!world.file(PLATFORM).exists(), "a destination was made");
    mend(world);
    world.run();
    world.assert_as_expected();
}

#[test]
fn a_control_store_that_is_no_database_is_refused_before_the_destination_is_made() {
    let world = library(1);
    world.write(".transload/control.db", &"no database ".repeat(100));
    let says = ".transload/control.db cannot be opened: file is not a database";
    check(&world, ("TL0507", 4, says), |world| std::fs::remove_file(world.file(".transload/control.db")).unwrap());
}

#[test]
fn a_file_where_the_runs_go_is_refused_before_the_destination_is_made() {
    for name in [".transload", ".transload/runs"] {
        let world = library(1);
        world.write(name, "in the way");
        let mend = |world: &World| std::fs::remove_file(world.file(name)).unwrap();
        check(&world, ("TL0007", 2, ".transload/runs cannot be written"), mend);
    }
}

#[test]
fn a_folder_of_runs_that_may_not_be_written_is_refused_before_the_destination_is_made() {
    let world = library(1);
    let visitor = Visitor::new();
    set_mode(world.path(), 0o755);
    set_mode(&world.file("data"), 0o777);

    let told = visitor.transload(&world, &["run"]);

    assert_told("run", &told, "TL0006", 4, &[".transload/runs cannot be written: Permission denied"]);
    assert!(!world.file(PLATFORM).exists(), "a destination was made");
    set_mode(world.path(), 0o777);
    assert_eq!(visitor.transload(&world, &["run"]).code, 0);
    world.assert_as_expected();
}

#[test]
fn a_control_store_without_space_is_refused_before_the_destination_is_made() {
    with_mounts("refusals::history::a_control_store_without_space_is_refused_before_the_destination_is_made", || {
        let world = library(1);
        let disk = SmallDisk::mount(&world.file(".transload"), "4k");
        check(&world, ("TL0507", 4, "control.db cannot be opened: "), |_| disk.enlarge("16m"));
    });
}

/// The run's work is done, and what could not be remembered is said.
fn assert_done_and_told(world: &World, says: &str) {
    let told = world.transload(&["run"]);

    assert_told("run", &told, "TL0", 4, &[says]);
    assert!(told.stdout.contains("completed"), "{told:?}");
    assert_whole(world.destination());
    world.assert_as_expected();
}

#[test]
fn a_run_whose_result_cannot_be_kept_is_done_and_says_so() {
    with_mounts("refusals::history::a_run_whose_result_cannot_be_kept_is_done_and_says_so", || {
        let world = library(1);
        world.replace("transload.yaml", "defaults:", "control: \"sqlite:data/control.db\"\ndefaults:");
        let disk = SmallDisk::mount(&world.file(".transload"), "16k");
        let filler = disk.fill();

        assert_done_and_told(&world, "run.json cannot be written: No space left on device");

        let answered = world.transload(&["run", "--format", "json"]);
        assert_eq!(answered.code, 4, "{answered:?}");
        let report: serde_json::Value = serde_json::from_str(&answered.stdout).unwrap();
        assert_eq!(report["exit_code"], 4, "{report}");
        std::fs::remove_file(filler).unwrap();
        let report = world.run();
        assert_eq!(report["totals"]["new"], 0);
        let kept = world.read(&format!(".transload/runs/{}/run.json", report["run_id"].as_str().unwrap()));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&kept).unwrap(), report);
    });
}

#[test]
fn a_run_that_the_control_store_lost_sight_of_is_told_to_it_later() {
    with_mounts("refusals::history::a_run_that_the_control_store_lost_sight_of_is_told_to_it_later", || {
        let world = library(500);
        world.replace("transload.yaml", "deletes:", "load: { batch_size: 50, checkpoint_interval: 1 }\n  deletes:");
        world.replace("transload.yaml", "defaults:", "control: \"sqlite:history/control.db\"\ndefaults:");
        let disk = SmallDisk::mount(&world.file("history"), "240k");
        assert_done_and_told(&world, "the control store");
        disk.enlarge("16m");

        let told = world.transload(&["status", "--format", "json"]);

        let status: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
        let run = &status["runs"][0];
        let report = world.read(&format!(".transload/runs/{}/run.json", run["run_id"].as_str().unwrap()));
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!((&run["status"], &run["counts"]), (&"completed".into(), &report["totals"]), "{status}");
        let told = world.transload(&["status", run["run_id"].as_str().unwrap(), "--format", "json"]);
        let status: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
        for entity in status["entities"].as_array().unwrap() {
            assert_eq!(entity["status"], "done", "{status}");
        }
    });
}

#[test]
fn a_control_store_that_fills_up_does_not_stop_the_run() {
    with_mounts("refusals::history::a_control_store_that_fills_up_does_not_stop_the_run", || {
        let world = library(500);
        world.replace("transload.yaml", "deletes:", "load: { batch_size: 50, checkpoint_interval: 1 }\n  deletes:");
        let disk = SmallDisk::mount(&world.file(".transload"), "240k");

        assert_done_and_told(&world, "the control store");

        disk.enlarge("16m");
        assert_eq!(world.run()["totals"]["new"], 0);
    });
}

/// Holds the lock of a control store's file, as a process does that was stopped in the middle of writing.
fn hold(world: &World) -> Connection {
    std::fs::create_dir_all(world.file(".transload")).unwrap();
    let connection = world.database(STORE);
    connection.execute_batch("pragma journal_mode = wal; begin immediate").unwrap();
    connection
}

/// This process, as it is named to others.
fn own_name() -> String {
    format!("it is process {} on ", std::process::id())
}

#[test]
fn a_control_store_that_a_process_holds_is_refused_with_its_name() {
    let world = library(1);
    let holder = hold(&world);

    let told = world.transload(&["run"]);

    let says = [".transload/control.db is being written and stays locked", &own_name(), "end that process"];
    assert_told("run", &told, "TL0507", 4, &says);
    assert!(!world.file(PLATFORM).exists(), "a destination was made");
    drop(holder);
    world.run();
    world.assert_as_expected();
}

#[test]
fn a_control_store_that_a_process_holds_does_not_stop_the_run() {
    let world = library(1);
    world.run();
    world.source().execute("insert into old_books values (1000, 'late', 1)");
    let holder = hold(&world);

    assert_done_and_told(&world, &own_name());

    drop(holder);
    assert_eq!(world.run()["totals"]["new"], 0);
}

#[test]
fn a_control_store_that_is_damaged_inside_is_refused_before_the_destination_is_touched() {
    let world = library(1);
    world.run();
    let mut bytes = world.bytes(STORE);
    // What says how it is made is left.
    bytes[4096..].fill(0xa5);
    std::fs::write(world.file(STORE), bytes).unwrap();
    world.source().execute("insert into old_books values (1000, 'late', 1)");
    let before = world.bytes(PLATFORM);

    let told = world.transload(&["run"]);

    let says = ["the control store", "malformed", "transload adopt --set-aside"];
    assert_told("run", &told, "TL0507", 4, &says);
    assert!(before == world.bytes(PLATFORM), "the destination was touched");
    assert_eq!(world.transload(&["adopt", "--set-aside"]).code, 0);
    assert_eq!(world.run()["totals"]["new"], 1);
    world.assert_as_expected();
}

/// The control store in a folder that may not be written: one that is to be made, and one that is there.
#[test]
fn a_control_store_in_a_folder_that_may_not_be_written_is_refused_before_the_destination_is_made() {
    for is_there in [false, true] {
        let world = library(1);
        world.replace("transload.yaml", "defaults:", "control: \"sqlite:history/control.db\"\ndefaults:");
        std::fs::create_dir(world.file("history")).unwrap();
        if is_there {
            assert_eq!(world.transload(&["status"]).code, 0);
            set_mode(&world.file("history/control.db"), 0o444);
        }
        set_mode(world.path(), 0o777);
        set_mode(&world.file("data"), 0o777);
        set_mode(&world.file("history"), 0o555);
        let visitor = Visitor::new();

        let told = visitor.transload(&world, &["run"]);

        assert_told("run", &told, "TL0507", 4, &["the control store", "history/control.db"]);
        assert!(!world.file(PLATFORM).exists(), "a destination was made");
        set_mode(&world.file("history"), 0o777);
        if is_there {
            set_mode(&world.file("history/control.db"), 0o666);
        }
        assert_eq!(visitor.transload(&world, &["run"]).code, 0);
        world.assert_as_expected();
    }
}

#[test]
fn a_control_store_that_is_deleted_while_a_run_is_at_work_does_not_stop_it() {
    let world = library(2_000);
    world.replace("transload.yaml", "deletes:", "load: { batch_size: 50, checkpoint_interval: 1 }\n  deletes:");
    let mut run = begun(&world);
    wait_for_units(&world, &mut run, 20);
    for part in ["", "-wal", "-shm"] {
        std::fs::remove_file(world.file(&format!("{STORE}{part}"))).unwrap();
    }

    let ended = awaited(run);

    assert_eq!(ended.code, 0, "{ended:?}");
    assert_whole(world.destination());
    world.assert_as_expected();
    let adopted = world.transload(&["adopt", "--format", "json"]);
    let adopted: serde_json::Value = serde_json::from_str(&adopted.stdout).unwrap();
    let run = &adopted["adopted"][0];
    assert_eq!((&run["status"], &run["counts"]["read"]), (&"completed".into(), &20_010.into()), "{adopted:#}");
    assert!(run["completed_at"].is_string(), "its result says when: {adopted:#}");
    assert_eq!(world.run()["totals"]["new"], 0);
}
