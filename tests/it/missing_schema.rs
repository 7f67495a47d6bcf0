//! A schema of PostgreSQL that is not there: a first run may make it, and a mistyped one must not be made unseen.

use crate::ends::{Ends, for_pair};
use crate::world::World;

const SPEC: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
key: { source: id, destination: id, strategy: keep }
field_mappings: { name: name }
";

fn world(ends: Ends) -> World {
    let schema = "create table people (id integer primary key, name text);";
    let world = World::project(ends, "", schema, &[("people", SPEC)]);
    world.source().execute("create table old_people (id integer primary key, name text)");
    world.source().execute("insert into old_people values (1, 'Ada')");
    world
}

const SAID: &str = "schema `nosuch` of `platform` is not there yet: `create_with` makes it, with its tables";

fn a_schema_that_is_to_be_made_is_told_before_it_is(ends: Ends) {
    let world = world(ends);
    world.replace("transload.yaml", "create_with:", "schema: nosuch, create_with:");

    let told = world.transload(&["validate", "--deny-warnings"]);
    assert!(told.code == 0 && told.stderr.contains(SAID), "{told:?}");
    let count = "select count(*) from information_schema.schemata where schema_name = 'nosuch'";
    assert_eq!(world.destination().number(count), 0, "nothing is made by looking");
    let told = world.transload(&["run"]);
    assert!(told.code == 0 && told.stderr.contains(SAID), "{told:?}");
    assert_eq!(world.destination().count("nosuch.people"), 1);
    for verb in ["validate", "run"] {
        let told = world.transload(&[verb]);
        assert!(told.code == 0 && !told.stderr.contains("nosuch"), "{told:?}");
    }

    // Where the mistake is corrected, both tables are named in full.
    world.replace("transload.yaml", "schema: nosuch, ", "");
    let moved = world.transload(&["run"]);
    assert_eq!(moved.code, 6, "{moved:?}");
    let said = "`people` was loaded into `nosuch.people`, and now goes to `public.people`";
    assert!(moved.stderr.contains("TL0310") && moved.stderr.contains(said), "{moved:?}");
}

fn a_schema_that_nothing_makes_is_told_once(ends: Ends) {
    let world = world(ends);
    world.replace("transload.yaml", "create_with: schema.sql", "schema: nosuch");

    for verb in ["validate", "run"] {
        let told = world.transload(&[verb]);
        let all = told.stdout.clone() + &*told.stderr;
        assert_eq!(told.code, 1, "{told:?}");
        let said = "`platform` has no schema `nosuch`, and so not the one destination table";
        assert!(all.matches("explain TL0204").count() == 1 && all.contains(said), "{told:?}");
    }
    if ends.is_from_postgres() {
        world.replace("transload.yaml", "read_only: true", "read_only: true, schema: nowhere");
        let told = world.transload(&["validate"]);
        assert!(told.code == 1 && told.stdout.contains("`legacy` has no schema `nowhere`"), "{told:?}");
    }
}

for_pair!(
    sqlite_to_postgres,
    SqliteToPostgres,
    a_schema_that_is_to_be_made_is_told_before_it_is,
    a_schema_that_nothing_makes_is_told_once
);
for_pair!(
    postgres_to_postgres,
    PostgresToPostgres,
    a_schema_that_is_to_be_made_is_told_before_it_is,
    a_schema_that_nothing_makes_is_told_once
);
