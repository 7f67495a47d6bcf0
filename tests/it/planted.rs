//! Bugs that are planted are caught: each by the suites that are there for it.
//!
//! The binary is built once more, with the feature `planted-bugs` (`engine/model/src/planted.rs` names the bugs and says what each does wrong). Then
//! the suites of crash safety and of deletes meet it with one bug at a time, in processes of their own. A suite that passes then has not seen
//! the bug; where none fails, this test does. That the suites pass where no bug is planted is shown first.
//!
//! In the short form each bug meets the one suite that should catch it. `TRANSLOAD_TEST_PLANTED=all` lets each meet all of them, in each
//! pair of systems, and prints who caught it:
//!
//! ```sh
//! TRANSLOAD_TEST_PLANTED=all tests/run --test it planted:: -- --nocapture
//! ```

use std::path::{Path, PathBuf};
use std::process::Command;

use transload_model::Bug;

use crate::world::{OTHER_BINARY, PLANTED, root};

/// Each bug and the scenario that should catch it.
const CATCHERS: [(Bug, &str); 18] = [
    (Bug::PositionFirst, "points::sqlite_to_sqlite::no_commit_of_a_small_run_loses_or_doubles_a_row"),
    (Bug::RowsFirst, "points::sqlite_to_sqlite::no_commit_of_a_small_run_loses_or_doubles_a_row"),
    (Bug::QuarantineOutside, "points::sqlite_to_sqlite::no_commit_of_a_small_run_loses_or_doubles_a_row"),
    (Bug::MappingsOutside, "points::sqlite_to_sqlite::no_commit_of_a_small_run_loses_or_doubles_a_row"),
    (Bug::CommitSwallowed, "points::sqlite_to_sqlite::no_commit_of_a_small_run_loses_or_doubles_a_row"),
    (Bug::TransactionEnded, "exact::a_trigger_that_ends_the_transaction_leaves_nothing_of_the_unit"),
    (Bug::NoFence, "overtaken::sqlite_to_sqlite::who_was_overtaken_writes_nothing_more"),
    (Bug::RedoCommitted, "points::cut_commits::a_commit_without_an_answer_is_asked_about_and_not_guessed"),
    (Bug::ResumeTooFar, "points::sqlite_to_sqlite::no_commit_of_a_small_run_loses_or_doubles_a_row"),
    (Bug::ReferencesLeftOpen, "points::sqlite_to_sqlite::no_commit_of_a_small_run_loses_or_doubles_a_row"),
    (Bug::RefusalsIgnored, "exact::a_table_that_replaces_or_ignores_on_conflict_loses_no_row"),
    (Bug::SegmentsLeft, "history::sqlite_to_sqlite::whatever_happened_the_destination_is_what_the_source_says"),
    (Bug::NoLengthInDigest, "mend::sqlite_to_sqlite::text_that_moves_from_one_column_to_the_next_is_a_change"),
    (Bug::SeamLost, "streams::any_number_of_streams_leaves_the_same_behind"),
    (Bug::ManyMoments, "bank::"),
    (Bug::EmptySourceDeletes, "guards::sqlite_to_sqlite::no_case_deletes_a_row"),
    (Bug::GuardOff, "soft::sqlite_to_sqlite::the_guard_holds_for_them_too"),
    (Bug::DeletesForgotten, "exact::sqlite_to_sqlite::a_chain_of_rows_is_deleted_over_several_segments"),
];

/// What each bug meets in the long form. A history that is drawn, kills, cut commits, streams, deletes.
const SUITES: [&str; 12] = [
    "points::",
    "kill::",
    "server_kill::",
    "overtaken::",
    "history::",
    "exact::",
    "mend::",
    "streams::",
    "bank::",
    "guards::",
    "soft::",
    "proven::",
];

fn takes_all() -> bool {
    std::env::var("TRANSLOAD_TEST_PLANTED").is_ok_and(|which| which == "all")
}

/// The binary that can have bugs, built where all else is.
fn planted_binary() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["build", "--locked", "--quiet", "--features", "planted-bugs", "--bin", "transload-planted"];
    let built = Command::new(cargo).args(arguments).current_dir(root()).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Path::new(env!("CARGO_BIN_EXE_transload")).with_file_name("transload-planted")
}

/// Runs scenarios on a binary; gives those that failed.
fn failed(binary: &Path, bug: Option<Bug>, scenarios: &[&str]) -> Vec<String> {
    let mut suites = Command::new(std::env::current_exe().unwrap());
    suites.args(scenarios).env(OTHER_BINARY, binary).env_remove(PLANTED);
    if let Some(bug) = bug {
        suites.env(PLANTED, bug.name());
    }
    let told = suites.output().unwrap();
    let told = String::from_utf8_lossy(&told.stdout);
    assert!(told.contains("test result:"), "{bug:?}: {told}");
    assert!(!told.contains("running 0 tests"), "{scenarios:?} names no scenario");
    let name = |line: &str| line.strip_prefix("test ")?.strip_suffix(" ... FAILED").map(str::to_owned);
    told.lines().filter_map(name).collect()
}

#[test]
fn each_bug_is_caught() {
    let binary = planted_binary();
    assert!(CATCHERS.iter().map(|(bug, _)| bug).eq(Bug::ALL), "each bug has a scenario, in their order");
    let mut own: Vec<&str> = CATCHERS.iter().map(|(_, scenario)| *scenario).collect();
    own.sort_unstable();
    own.dedup();
    let (sound, all) = if takes_all() { (SUITES.to_vec(), Some(SUITES)) } else { (own, None) };
    let wrong = failed(&binary, None, &sound);
    assert!(wrong.is_empty(), "without a bug these fail: {wrong:#?}");

    let mut missed = Vec::new();
    for (bug, scenario) in CATCHERS {
        let caught = failed(&binary, Some(bug), all.as_ref().map_or(&[scenario], |suites| suites));
        println!(
            "{:<20} {}",
            bug.name(),
            if caught.is_empty() { "NOBODY".to_owned() } else { caught.join("\n                     ") }
        );
        if caught.is_empty() {
            missed.push(bug.name());
        }
    }
    assert!(missed.is_empty(), "nobody caught {missed:?}");
}

/// What is shipped reads no such variable.
#[test]
fn the_binary_has_no_bugs_to_be_planted() {
    let holds = |binary: &Path| {
        let content = std::fs::read(binary).unwrap();
        content.windows(PLANTED.len()).any(|part| part == PLANTED.as_bytes())
    };
    assert!(!holds(Path::new(env!("CARGO_BIN_EXE_transload"))));
    assert!(holds(&planted_binary()), "the one that is built for this test does");
}
