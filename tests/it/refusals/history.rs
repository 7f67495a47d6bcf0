//! `.transload`, where runs are remembered: it may fail, and the destination does not suffer.

use super::full_disk::{SmallDisk, with_mounts};
use super::{Visitor, assert_told, assert_whole, library, set_mode};
use crate::world::World;

const PLATFORM: &str = "data/platform.db";

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
