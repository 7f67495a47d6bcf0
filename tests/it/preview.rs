//! `preview`, held against what a run really wrote, and its tests against themselves.

use serde_json::Value;

use crate::ends::{Ends, for_each_pair};
use crate::world::World;

const ENTITIES: [&str; 6] = ["offices", "doctors", "patients", "orders", "jaw", "system_messages"];

fn clinic(ends: Ends) -> World {
    let world = World::clinic().between(ends, "LEGACY_URL");
    world.run();
    world
}

fn previewed(world: &World, arguments: &[&str]) -> Value {
    let told = world.transload(&[&["preview"], arguments, &["--format", "json"]].concat());
    assert_eq!(told.code, 0, "{told:?}");
    serde_json::from_str(&told.stdout).unwrap()
}

fn what_is_previewed_is_what_a_run_wrote(ends: Ends) {
    let world = clinic(ends);
    for entity in ENTITIES {
        let preview = previewed(&world, &[entity, "--limit", "40", "--against-destination"]);
        let rows = preview["rows"].as_array().unwrap();
        assert!(rows.len() > 10, "{entity}: {preview}");
        for row in rows.iter().filter(|row| row["fault"].is_null()) {
            for column in row["columns"].as_array().unwrap() {
                assert_eq!(column["exists"], true, "{entity}: {row}");
                assert_eq!(column["current"], column["value"], "{entity}: {row}");
            }
        }
    }
}

fn rows_in_quarantine_are_previewed_with_their_reason(ends: Ends) {
    let world = clinic(ends);
    let held: Vec<String> = world.quarantine().into_iter().filter(|row| row.starts_with("patients ")).collect();
    assert!(held.len() > 5, "{held:?}");

    let few = world.transload(&["preview", "patients", "--quarantined", "--limit", "2"]);
    assert!(few.stdout.contains(&format!("row 2 of 2, of {} in quarantine", held.len())), "{few:?}");
    let preview = previewed(&world, &["patients", "--quarantined", "--limit", "100"]);

    let reason = |row: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let fault = &row["fault"];
        format!("patients {} {} {}", text(&row["source_key"]), text(&fault["rule"]), text(&fault["field"]))
    };
    let mut found: Vec<String> = preview["rows"].as_array().unwrap().iter().map(reason).collect();
    found.sort();
    // Other rows of the table are not looked at.
    let expected: Vec<&String> = held.iter().filter(|row| !row.contains("RULE_UNIQUE")).collect();
    assert_eq!(found.iter().filter(|row| !row.ends_with(" - -")).collect::<Vec<_>>(), expected);
}

fn a_preview_as_a_test_is_a_test_that_passes(ends: Ends) {
    let world = clinic(ends);
    let locked = world.transload(&["validate", "--lock"]);
    assert_eq!(locked.code, 0, "{locked:?}");
    for entity in ENTITIES {
        let test = world.transload(&["preview", entity, "--limit", "25", "--as-test"]);
        assert_eq!(test.code, 0, "{test:?}");
        let spec = format!("specs/{entity}.yaml");
        world.write(&spec, &without_tests(&world.read(&spec), &test.stdout));
    }

    let tested = world.transload(&["test", "--format", "json"]);

    let report: Value = serde_json::from_str(&tested.stdout).unwrap_or_else(|error| panic!("{error}: {tested:?}"));
    assert_eq!(tested.code, 0, "{report:#}");
    assert!(report["passed"].as_u64().unwrap() > 100, "{report:#}");
}

#[test]
fn sensitive_values_are_hidden_wherever_a_row_is_shown() {
    let world = World::clinic();
    world.run();
    let mapping = "phone: { source_field: phone_no, transformation: normalize_phone";
    world.replace("specs/patients.yaml", mapping, &format!("{mapping}, sensitive: true"));
    // A phone that arrives, and one of a row in quarantine for its phone.
    for key in ["1", "4096"] {
        let seen = previewed(&world, &["patients", "--key", key, "--show-values"]).to_string();
        let held = world.source().texts(&format!("select phone_no from dispatch_patients where patient_no = {key}"));
        let phone = held[0].trim();
        assert!(phone.len() > 5, "{phone}");
        for flags in [&[][..], &["--format", "json"], &["--as-test"], &["--against-destination", "--all"]] {
            let told = world.transload(&[&["preview", "patients", "--key", key], flags].concat());
            assert_eq!(told.code, 0, "{told:?}");
            assert!(!told.stdout.contains(phone), "{flags:?}: {told:?}");
            let arrived: String = phone.chars().filter(char::is_ascii_digit).collect();
            assert!(!told.stdout.contains(&arrived), "{flags:?}: {told:?}");
        }
        assert!(key != "1" || seen.contains("2065550185"), "{seen}");
    }
}

/// A spec with these tests in place of its own.
fn without_tests(spec: &str, tests: &str) -> String {
    let before = spec.split("\ntests:\n").next().unwrap();
    format!("{before}\n{tests}")
}

for_each_pair!(
    what_is_previewed_is_what_a_run_wrote,
    rows_in_quarantine_are_previewed_with_their_reason,
    a_preview_as_a_test_is_a_test_that_passes,
);
