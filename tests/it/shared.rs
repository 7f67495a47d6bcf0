//! What specs share, in templates and in the project's `defaults`: the same rows, wherever it is said.

use serde_json::Value;

use crate::ends::{Ends, for_each_pair};
use crate::world::{World, counts};

const SCHEMA: &str = "
create table people (id uuid primary key, name text not null, city text);
create table towns (id uuid primary key, name text not null);
";

const FILL: &str = "
create table old_people (no integer primary key, nm text, city text, is_test boolean not null);
create table old_towns (no integer primary key, nm text, is_test boolean not null);
with recursive n (i) as (select 1 union all select i + 1 from n where i < 40)
insert into old_people select i, ' person ' || i, 'city ' || i, i % 5 = 0 from n;
insert into old_towns values (1, ' one', false), (2, 'two ', true);
";

const HEAD: &str = "entity_type: people\nsource_table: old_people\ndestination_table: people\n";

const REST: &str = "version: \"1\"\nsource: { where: not is_test }\nfield_mappings:
  name: { source_field: nm, transformation: tidy }
  city: { transformation: trimmed }
validation_rules:
  - { field_name: name, rule_type: required }
transformation_functions:
  - { name: tidy, function_body: \"trimmed(value)\" }
";

/// For every spec: both tables have these columns.
const DEFAULTS: &str = "defaults:
  version: \"1\"
  source: { where: not is_test }
  field_mappings:
    name: { source_field: nm, transformation: tidy }
  transformation_functions:
    - { name: tidy, function_file: scripts/tidy.rhai }
";

fn world(ends: Ends) -> World {
    let spec = format!("{HEAD}{REST}");
    let world = World::project(ends, "  deletes: { mode: hard, max: 60% }", SCHEMA, &[("people", &spec)]);
    world.source().execute(FILL);
    world
}

/// Says in defaults and in templates what the spec said.
fn share(world: &World) {
    world.replace("transload.yaml", "defaults:\n", DEFAULTS);
    world.write("scripts/tidy.rhai", "trimmed(value)");
    world.write(
        "templates/named.yaml",
        "template: named\nvalidation_rules: [{ field_name: name, rule_type: required }]\n",
    );
    let placed = "template: placed\nuse: [named]\nfield_mappings: { city: { transformation: trimmed } }\n";
    world.write("templates/placed.yaml", placed);
    world.write("specs/people.yaml", &format!("{HEAD}use: [placed, named]\n"));
}

fn moved(report: &Value, entity: &str) -> [u64; 4] {
    let counts = counts(report, entity);
    ["read", "new", "modified", "unchanged"].map(|name| counts[name].as_u64().unwrap())
}

fn what_is_said_elsewhere_moves_no_row(ends: Ends) {
    let world = world(ends);
    assert_eq!(moved(&world.run(), "people"), [32, 32, 0, 0]);

    share(&world);
    let checked = world.transload(&["validate", "--lock"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    let told = world.transload(&["run"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(!told.stderr.contains("TL0506") && !told.stdout.contains("TL0506"), "the spec says the same: {told:?}");

    // Another spec takes the same without a word, and a change of what they share is a change of both.
    world.write("specs/towns.yaml", "entity_type: towns\nsource_table: old_towns\ndestination_table: towns\n");
    assert_eq!(moved(&world.run(), "towns"), [1, 1, 0, 0]);
    world.write("scripts/tidy.rhai", "trimmed(value).to_upper()");
    let told = world.transload(&["run"]);
    assert!(told.stderr.contains("TL0506") || told.stdout.contains("TL0506"), "{told:?}");
    let report = world.run_with(&["--remap"]);
    assert_eq!((moved(&report, "people"), moved(&report, "towns")), ([32, 0, 32, 0], [1, 0, 1, 0]));
    let names = world.destination().texts("select name from towns");
    assert_eq!(names, ["ONE"]);

    world.take_databases_away();
    let checked = world.transload(&["validate", "--offline"]);
    assert_eq!(checked.code, 1, "the lock has no table of `towns`: {checked:?}");
    world.replace("specs/towns.yaml", "entity_type", "is_active: false\nentity_type");
    world.write("templates/placed.yaml", "template: placed\nuse: [nmaed]\n");
    let checked = world.transload(&["validate", "--offline", "--format", "concise"]);
    assert_eq!(checked.stdout.matches("templates/placed.yaml:2:7").count(), 1, "{checked:?}");
}

fn a_condition_that_a_table_cannot_answer_names_its_entity(ends: Ends) {
    let world = world(ends);
    share(&world);
    world.source().execute("create table old_streets (no integer primary key, nm text)");
    let streets = "entity_type: streets\nsource_table: old_streets\ndestination_table: towns\n";
    world.write("specs/streets.yaml", streets);

    let told = world.transload(&["validate"]);
    assert_eq!(told.code, 1, "{told:?}");
    for said in ["TL0211", "is_test", "transload.yaml:", "specs/streets.yaml:1", "with a `source` of its own"] {
        assert!(told.stdout.contains(said), "{said}: {told:?}");
    }

    world.write("specs/streets.yaml", &format!("{streets}source: {{ where: \"true\" }}\n"));
    let told = world.transload(&["validate"]);
    assert_eq!(told.code, 0, "{told:?}");
}

for_each_pair!(what_is_said_elsewhere_moves_no_row, a_condition_that_a_table_cannot_answer_names_its_entity);
