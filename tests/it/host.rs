//! Machines that are short of something, or set up oddly: a run works there, or says what is missing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::alongside::{awaited, begun, wait_for_units};
use crate::ends::{Ends, for_each_pair};
use crate::refusals::{assert_whole, library_between};
use crate::world::{Ended, World, binary, ended, root};

/// The binary behind a shell that sets limits first.
fn limited(world: &World, limits: &str) -> Ended {
    let usual = world.command(&["run"]);
    let mut command = Command::new("bash");
    command.arg("-c").arg(format!("{limits}; exec \"$0\" run")).arg(binary()).current_dir(world.path()).env_clear();
    command.envs(usual.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    awaited(command.spawn().unwrap())
}

fn few_files_may_be_open(ends: Ends) {
    let world = library_between(ends, 20);

    let told = limited(&world, "ulimit -n 64");

    assert_eq!(told.code, 0, "{told:?}");
    assert_whole(world.destination());
    world.assert_as_expected();
}

fn where_next_to_no_file_may_be_open_it_is_said(ends: Ends) {
    let world = library_between(ends, 2);
    for files in 8..24 {
        let told = limited(&world, &format!("ulimit -n {files}"));

        assert!(told.code == 0 || told.stderr.contains("help:"), "{files} files: {told:?}");
        assert!((0..=4).contains(&told.code) && !told.stderr.contains("panicked"), "{files} files: {told:?}");
    }
    world.run();
    assert_whole(world.destination());
    world.assert_as_expected();
}

/// Variables, and what they are set to; nothing where they are not there.
const ODD: &[&[(&str, Option<&str>)]] = &[
    &[("HOME", None), ("LC_ALL", None), ("PATH", None)],
    &[("TMPDIR", Some("/nowhere/at/all")), ("TEMP", Some("")), ("HOME", Some(""))],
    &[("LC_ALL", Some("C")), ("LANG", Some("tr_TR.ISO-8859-9"))],
    &[("TZ", Some("Pacific/Kiritimati"))],
    &[("TZ", Some(":/nowhere/at/all"))],
    &[("COLUMNS", Some("-1")), ("TERM", Some("nonsense")), ("NO_COLOR", Some(""))],
    // What other clients of PostgreSQL listen to.
    &[
        ("PGHOST", Some("nowhere")),
        ("PGUSER", Some("nobody")),
        ("PGOPTIONS", Some("-c datestyle=German")),
        ("PGSSLMODE", Some("require")),
    ],
];

fn an_odd_environment_changes_nothing(ends: Ends) {
    let world = library_between(ends, 2);
    for (number, odd) in ODD.iter().enumerate() {
        world.source().execute(&format!("insert into old_books values ({}, 'odd', 1)", 900 + number));
        let mut command = world.command(&["run"]);
        for (name, value) in *odd {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let told = ended(&command.output().unwrap());
        assert_eq!(told.code, 0, "{odd:?}: {told:?}");
        assert_whole(world.destination());
        world.assert_as_expected();
    }
}

/// Loaded in front of the C library, it sets the clock that tells the time of day. The one that only counts goes on as it does.
fn clock() -> &'static Path {
    static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = LIBRARY.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clock.so");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&path);
        assert!(compiler.arg(root().join("tests/it/points/clock.c")).arg("-ldl").status().unwrap().success());
        (folder, path)
    });
    path
}

/// A run whose clock is so many seconds ahead; where it steps, every hundredth time that it is asked it is an hour further back.
fn run_at(world: &World, ahead: i64, steps: &str) -> Command {
    let mut command = world.command(&["run"]);
    command.env("LD_PRELOAD", clock()).env("CLOCK_AHEAD", ahead.to_string()).env("CLOCK_STEPS", steps);
    command
}

const DAY: i64 = 86_400;

fn clocks_that_are_wrong_lose_and_double_nothing(ends: Ends) {
    let world = library_between(ends, 300);
    world.replace("transload.yaml", "deletes:", "load: { batch_size: 10, checkpoint_interval: 1 }\n  deletes:");
    // One that is a day ahead is killed, one a day behind goes on, and so forth; the last one's clock steps while it runs.
    for ahead in [DAY, -DAY] {
        let wanted = crate::alongside::committed(&world) + 3;
        let mut run = run_at(&world, ahead, "0").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_for_units(&world, &mut run, wanted);
        run.kill().unwrap();
        run.wait().unwrap();
    }
    let told = ended(&run_at(&world, 0, "1").output().unwrap());
    assert_eq!(told.code, 0, "{told:?}");
    world.assert_as_expected();

    // What is at work is not taken over by somebody for whom it is tomorrow.
    world.source().execute("update old_books set title = title || no");
    let wanted = crate::alongside::committed(&world) + 1;
    let mut run = begun(&world);
    wait_for_units(&world, &mut run, wanted);
    let other = ended(&run_at(&world, DAY, "0").output().unwrap());
    assert_eq!(other.code, 5, "{other:?}");
    assert_eq!(awaited(run).code, 0);
    world.assert_as_expected();
}

for_each_pair!(
    few_files_may_be_open,
    where_next_to_no_file_may_be_open_it_is_said,
    an_odd_environment_changes_nothing,
    clocks_that_are_wrong_lose_and_double_nothing,
);
