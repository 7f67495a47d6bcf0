//! Inputs that are wrong on purpose: each ends with a reason at its place, after little work, with little memory, and never with a panic.
//!
//! Limits of the engine end each case, and no timer of the test. What is asserted is the work of all threads, which a busy machine does not
//! prolong; it is wide all the same, and what took longer than it should is printed. Memory is asserted as what is taken beyond the same verb on a sound project: the binary under test may be one
//! for debugging, whose own pages are many.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::refusals::first_place;
use crate::world::{Ended, World, binary, ended, python, root};

mod runs;
mod scripts;
mod specs;

/// Work that a case should take at most.
const SECONDS: f64 = 1.0;
/// Work that it may take on a slow machine.
const SECONDS_MAX: f64 = 5.0;
/// What a case may take beyond a sound project.
const MIB_MAX: f64 = 64.0;

/// What a command cost.
#[derive(Debug, Clone, Copy)]
struct Cost {
    seconds: f64,
    mib: f64,
}

/// Runs the binary and gives what it cost.
fn measured(world: &World, arguments: &[&str]) -> (Ended, Cost) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cost");
    let mut command = python();
    command.arg(root().join("tests/measured")).arg(&file).arg(binary()).args(arguments).current_dir(world.path());
    command.env_clear().env("LC_ALL", "C.UTF-8").env("PATH", "/usr/bin:/bin");
    let told = ended(&command.output().unwrap());
    let cost = std::fs::read_to_string(file).unwrap();
    let (seconds, kib) = cost.split_once(' ').unwrap();
    (told, Cost { seconds: seconds.parse().unwrap(), mib: kib.parse::<f64>().unwrap() / 1024.0 })
}

/// What is wrong with how a case ended, beside what it says.
fn excesses(told: &Ended, cost: Cost, sound: Cost) -> Vec<String> {
    let mut wrong = Vec::new();
    if cost.seconds > SECONDS {
        println!("slow: {cost:?}");
    }
    if cost.seconds > SECONDS_MAX {
        wrong.push(format!("took {:.1} s", cost.seconds));
    }
    if cost.mib - sound.mib > MIB_MAX {
        wrong.push(format!("took {:.0} MiB, a sound project {:.0}", cost.mib, sound.mib));
    }
    if told.code > 100 || told.stderr.contains("panicked") {
        wrong.push(format!("broke down: {told:?}"));
    }
    wrong
}

/// Fails with all that is wrong, by case.
fn report(wrong: &BTreeMap<&str, Vec<String>>) {
    let lines: Vec<String> =
        wrong.iter().filter(|(_, wrong)| !wrong.is_empty()).map(|case| format!("{case:#?}")).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

/// What a problem of a document says: its headline, its labels, notes and help.
fn words(problem: &Value) -> String {
    let places = problem["places"].as_array().into_iter().flatten().map(|place| place["text"].as_str().unwrap_or(""));
    let notes = problem["notes"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let own = ["headline", "help"].map(|key| problem[key].as_str().unwrap_or(""));
    own.into_iter().chain(places).chain(notes).collect::<Vec<_>>().join(" | ")
}

fn document(told: &Ended) -> Value {
    serde_json::from_str(&told.stdout).unwrap_or_else(|error| panic!("{error}: {told:?}"))
}

/// Code, word and place of a document's first problem.
fn first_problem(document: &Value) -> (String, String) {
    let problem = &document["problems"][0];
    let code = format!("{} {}", problem["code"].as_str().unwrap_or("-"), problem["word"].as_str().unwrap_or("-"));
    (code, first_place(problem))
}
