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
