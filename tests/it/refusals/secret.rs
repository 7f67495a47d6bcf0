//! What no message may show.

use super::library;
use crate::world::{Ended, World, ended};

const SECRETS: [&str; 4] = ["hunter2", "swordfish", "xyzzy", "plugh"];

fn run(world: &World, environment: &[(&str, &str)]) -> Vec<Ended> {
    let formats = ["text", "json", "concise", "github", "gitlab", "junit", "sarif"];
    let forms =
        ["run", "validate"].iter().flat_map(|verb| formats.iter().map(move |format| [*verb, "--format", *format]));
    let run = |form: [&str; 3]| ended(&world.command(&form).envs(environment.iter().copied()).output().unwrap());
    forms.map(run).collect()
}

fn assert_silent(ends: &[Ended], codes: &[&str]) {
    for told in ends {
        let said = format!("{}{}", told.stdout, told.stderr);
        assert_ne!(told.code, 0, "{said}");
        for secret in SECRETS {
            assert!(!said.contains(secret), "{secret} is shown: {said}");
        }
        for code in codes {
            assert!(said.contains(code), "no {code}: {said}");
        }
    }
}

#[test]
fn a_missing_variable_is_named_and_its_neighbours_values_are_not_shown() {
    let world = library(1);
    world.replace("transload.yaml", "sqlite:data/legacy.db", "${LEGACY_URL}");
    world.replace("transload.yaml", "sqlite:data/platform.db", "${PLATFORM_URL}");

    let environment = [("PLATFORM_URL", "sqlite:data/hunter2.db"), ("LEGACY_UR", "swordfish"), ("TOKEN", "xyzzy")];
    let ends = run(&world, &environment);

    assert_silent(&ends, &["TL0003", "LEGACY_URL"]);
}

#[test]
fn a_value_from_the_environment_is_not_shown_where_it_is_wrong() {
    let world = library(1);
    world.replace("transload.yaml", "sqlite:data/legacy.db", "${LEGACY_URL}");
    world.replace("transload.yaml", "source: legacy", "source: \"${SOURCE}\"");

    let ends = run(&world, &[("LEGACY_URL", "mssql://reader:hunter2@db/legacy"), ("SOURCE", "swordfish")]);

    assert_silent(&ends, &["TL0004", "transload.yaml"]);
}

#[test]
fn a_password_in_the_project_is_not_shown_in_the_excerpt() {
    let world = library(1);
    let legacy = "url: \"sqlite:data/legacy.db\"";
    let broken = "url: \"postgres://reader:hunter2@db/legacy?sslmode=off&password=swordfish\"";
    world.replace("transload.yaml", legacy, broken);
    world.replace("transload.yaml", "version: 1", "version: 1\nx-notes: { password: \"xyzzy\" }\napi_key: plugh");

    let ends = run(&world, &[]);

    assert_silent(&ends, &["TL0004", "TL0113"]);
    // All else is shown as it stands.
    assert!(ends[0].stderr.contains("postgres://reader:*******@db/legacy?sslmode=off&password=*********"), "{ends:?}");
}
