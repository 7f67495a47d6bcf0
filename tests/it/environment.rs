//! One project in several environments: each has its own destination, and every run says where it was.

use serde_json::Value;

use crate::ends::Ends;
use crate::world::{World, counts, ended};

const SPEC: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
key: { source: no, destination: id, strategy: keep }
field_mappings:
  place: { source_field: name, transformation: here }
transformation_functions:
  - { name: here, function_body: '`${value} in ${env}`' }
";

const ENVIRONMENTS: &str = "default_environment: dev
environments:
  dev: {}
  test:
    connections: { platform: { path: data/test.db } }
  prod:
    connections: { platform: { url: \"${NOBODY_SETS_THIS}\" } }
";

fn world() -> World {
    let schema = "create table people (id integer primary key, place text not null)";
    let world = World::project(Ends::SqliteToSqlite, "", schema, &[("people", SPEC)]);
    let legacy =
        "create table old_people (no integer primary key, name text); insert into old_people values (1, 'Ada')";
    world.source().execute(legacy);
    world.replace("transload.yaml", "version: 1\n", &format!("version: 1\n{ENVIRONMENTS}"));
    world
}

fn place(world: &World, file: &str) -> String {
    world.database(file).query_row("select place from people", [], |row| row.get(0)).unwrap()
}

#[test]
fn each_environment_has_its_own_destination_and_its_name_is_known() {
    let world = world();
    assert_eq!(counts(&world.run(), "people")["new"], 1);
    assert_eq!(place(&world, "data/platform.db"), "Ada in dev");

    assert_eq!(counts(&world.run_with(&["--env", "test"]), "people")["new"], 1);

    assert_eq!(place(&world, "data/test.db"), "Ada in test");
    let runs: Value = serde_json::from_str(&world.transload(&["status", "--format", "json"]).stdout).unwrap();
    let environments: Vec<&str> =
        runs["runs"].as_array().unwrap().iter().map(|run| run["environment"].as_str().unwrap()).collect();
    assert_eq!(environments, ["test", "dev"], "the newest first");
}

#[test]
fn the_flag_wins_over_the_variable_and_the_variable_over_the_default() {
    let world = world();
    let validate = |arguments: &[&str], variable: &str| {
        ended(&world.command(arguments).env("TRANSLOAD_ENV", variable).output().unwrap())
    };
    assert_eq!(validate(&["validate", "--env", "test"], "nowhere").code, 0);
    assert_eq!(validate(&["validate"], "").code, 0, "an empty variable is none");
    let unknown = validate(&["validate"], "tset");
    assert!(unknown.code == 2 && unknown.stderr.contains("did you mean `test`?"), "{unknown:?}");
    let unset = validate(&["validate"], "prod");
    assert!(unset.code == 2 && unset.stderr.contains("NOBODY_SETS_THIS"), "{unset:?}");
    let empty = validate(&["validate", "--env", ""], "test");
    assert!(empty.code == 2 && empty.stderr.contains("TL0012"), "{empty:?}");
}

/// Each value stands with its line, and with the variables in it; what they hold is not shown.
#[test]
fn the_project_of_an_environment_is_printed_with_its_places() {
    let world = world();
    world.replace("transload.yaml", "data/test.db", "\"${TESTED_PLACE:-data/test.db}\"");
    let mut command = world.command(&["validate", "--expand", "project", "--env", "test"]);
    let told = ended(&command.env("TESTED_PLACE", "/tmp/hidden.db").output().unwrap());

    assert_eq!(told.code, 0, "{told:?}");
    assert!(!told.stdout.contains("hidden"), "{told:?}");
    let line = |start: &str| told.stdout.lines().find(|line| line.trim_start().starts_with(start)).unwrap().to_owned();
    assert_eq!(
        line("project:").split_whitespace().collect::<Vec<_>>(),
        ["project:", "tested", "#", "transload.yaml:2"]
    );
    assert!(line("path:").ends_with("  # transload.yaml:8, environment test, TESTED_PLACE is set"), "{told:?}");
    assert!(!told.stdout.contains("environments:"), "{told:?}");
}

/// Where an environment says so, a run begins only when someone wrote its name.
#[test]
fn a_run_is_confirmed_where_the_environment_says_so() {
    let world = world();
    world.replace("transload.yaml", "  test:\n", "  test:\n    confirm: true\n");

    let refused = world.transload(&["run", "--env", "test"]);

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("TL0016") && refused.stderr.contains("--yes"), "{refused:?}");
    assert!(!world.file("data/test.db").exists());
    assert_eq!(world.transload(&["run", "--env", "dev"]).code, 0);
    assert_eq!(world.transload(&["run", "--env", "test", "--yes"]).code, 0);
    assert_eq!(place(&world, "data/test.db"), "Ada in test");
}
