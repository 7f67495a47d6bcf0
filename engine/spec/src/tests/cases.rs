//! For every code about a spec: a text that fires it, at its place, and a near one that does not.
//!
//! Each case changes one text of one file of the good project. What people read is in the snapshot beside this file.

mod language;
mod names;
mod types;

use super::kit::{changed, places, problems, prose};

pub(crate) struct Case {
    pub(crate) path: &'static str,
    pub(crate) from: &'static str,
    pub(crate) bad: &'static str,
    pub(crate) found: &'static [&'static str],
    pub(crate) good: &'static str,
}

const OFFICES: &str = "specs/offices.yaml";
const DOCTORS: &str = "specs/doctors.yaml";
const POSITIONS: &str = "specs/positions.yaml";

const fn case(path: &'static str, [from, bad, good]: [&'static str; 3], found: &'static [&'static str]) -> Case {
    Case { path, from, bad, found, good }
}

/// All cases.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    language::CASES.iter().chain(names::CASES).chain(types::CASES)
}

/// What people read of every bad text. All that is not as the cases say is reported together.
fn check(cases: &[Case]) -> String {
    let (mut shown, mut wrong) = (String::new(), String::new());
    for case in cases {
        let found = problems(&changed(case.path, case.from, case.bad));
        let prose: String = found.iter().map(prose).collect();
        if places(&found) != case.found {
            wrong += &format!("{}: {:?} → {:?} found {:?}\n{prose}\n", case.path, case.from, case.bad, places(&found));
        }
        let sibling: String =
            problems(&changed(case.path, case.from, case.good)).iter().map(super::kit::prose).collect();
        if !sibling.is_empty() {
            wrong += &format!("{}: {:?} → {:?} is not good\n{sibling}\n", case.path, case.from, case.good);
        }
        shown += &format!("{}: {:?} → {:?}\n{prose}\n", case.path, case.from, case.bad);
    }
    assert!(wrong.is_empty(), "{wrong}");
    shown
}

#[test]
fn what_the_language_does_not_have_is_refused_at_its_place() {
    insta::assert_snapshot!(check(language::CASES));
}

#[test]
fn names_that_do_not_fit_are_refused_at_their_place() {
    insta::assert_snapshot!(check(names::CASES));
}

#[test]
fn types_that_do_not_fit_are_refused_at_their_place() {
    insta::assert_snapshot!(check(types::CASES));
}

#[test]
fn every_code_about_specs_has_a_case() {
    let fired: Vec<&str> = all().flat_map(|case| case.found).filter_map(|found| found.split(' ').next()).collect();
    // Those of masks and regions are in `masks`, of environments in `environments`. These need bytes or sizes, and are in `files`; or a lock, and are in `lock`; or a template, or a foreign key; a key that is not unique is found by looking at rows.
    let elsewhere = [
        "TL0102", "TL0110", "TL0112", "TL0309", "TL0310", "TL0315", "TL0316", "TL0210", "TL0211", "TL0317", "TL0318",
        "TL0212", "TL0320", "TL0321", "TL0322", "TL0323", "TL0324",
    ];
    for code in transload_model::Code::ALL {
        let number = code.info().number;
        let is_of_specs = ["TL01", "TL02", "TL03"].iter().any(|family| number.starts_with(family));
        if is_of_specs && !elsewhere.contains(&number) {
            assert!(fired.contains(&number), "{number} has no case");
        }
    }
}
