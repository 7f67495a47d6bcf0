//! Specs that are not read, or not there any more: whatever they moved is missed, and said to be.

use serde_json::Value;

use crate::ends::{Ends, for_each_pair};
use crate::world::World;

const SCHEMA: &str =
    "create table people (id integer primary key, name text); create table places (id integer primary key, name text);";

const FILL: &str = "
create table old_people (id integer primary key, name text);
insert into old_people values (1, 'Ada'), (2, 'Bo');
create table old_places (id integer primary key, name text);
insert into old_places values (1, 'Ulm'), (2, 'Bern'), (3, 'Linz');
";

fn world(ends: Ends) -> World {
    let spec = |entity: &str| {
        format!(
            "entity_type: {entity}\nsource_table: old_{entity}\ndestination_table: {entity}\nversion: \"1\"\n\
             key: {{ source: id, destination: id, strategy: keep }}\nfield_mappings: {{ name: name }}\n"
        )
    };
    let specs = [("people", &*spec("people")), ("places", &*spec("places"))];
    let world = World::project(ends, "", SCHEMA, &specs);
    world.source().execute(FILL);
    world
}

/// The codes of all warnings that a verb tells.
fn codes(world: &World, arguments: &[&str]) -> Vec<&'static str> {
    let told = world.transload(arguments);
    assert_eq!(told.code, 0, "{told:?}");
    ["TL0451", "TL0516"].into_iter().filter(|code| (told.stdout.clone() + &*told.stderr).contains(code)).collect()
}

const VERBS: [&str; 4] = ["run", "detect", "verify", "baseline"];

fn an_entity_whose_spec_is_gone_is_told_of_by_every_look_at_the_destination(ends: Ends) {
    let world = world(ends);
    world.run();
    VERBS.iter().for_each(|verb| assert!(codes(&world, &[verb]).is_empty(), "{verb}"));
    let spec = world.read("specs/places.yaml");
    std::fs::remove_file(world.file("specs/places.yaml")).unwrap();

    for verb in VERBS {
        assert_eq!(codes(&world, &[verb]), ["TL0516"], "{verb}");
    }
    let told = world.transload(&["verify"]);
    let said = "no spec names `places`, of which `places` holds 3 rows: they are not moved any more";
    assert!(told.stderr.contains(said), "{told:?}");
    assert_eq!(world.run()["warnings"][0]["word"], "ENTITY_WITHOUT_SPEC");

    // One that rests has a spec.
    world.write("specs/places.yaml", &format!("{spec}is_active: false\n"));
    VERBS.iter().for_each(|verb| assert!(codes(&world, &[verb]).is_empty(), "{verb}"));

    // One that was given up, as the documents say, is not missed.
    std::fs::remove_file(world.file("specs/places.yaml")).unwrap();
    let ledger = |name: &str| world.destination().ledger(name);
    let segments = ledger("segments");
    world.destination().execute(&format!(
        "delete from {} where segment_id in (select segment_id from {segments} where entity_type = 'places')",
        ledger("segment_parts")
    ));
    for name in ["segments", "migration_mappings", "quarantine", "stream_positions"] {
        world.destination().execute(&format!("delete from {} where entity_type = 'places'", ledger(name)));
    }
    VERBS.iter().for_each(|verb| assert!(codes(&world, &[verb]).is_empty(), "{verb}"));
}

/// Neither the entity nor its rows are mentioned by what is left.
#[test]
fn a_file_that_looks_like_a_spec_and_is_not_read_is_a_warning() {
    for name in ["specs/places.yml", "specs/places.YAML", "specs/more/places.Yml"] {
        let world = world(Ends::SqliteToSqlite);
        world.write(name, &world.read("specs/places.yaml"));
        std::fs::remove_file(world.file("specs/places.yaml")).unwrap();

        for arguments in [&["validate"][..], &["run"], &["detect"], &["verify"], &["baseline"]] {
            assert_eq!(codes(&world, arguments), ["TL0451"], "{name} {arguments:?}");
        }
        let told = world.transload(&["validate", "--format", "json"]);
        let problems: Value = serde_json::from_str(&told.stdout).unwrap();
        assert_eq!(problems["problems"][0]["word"], "SPEC_UNREAD", "{told:?}");
        for format in ["text", "json", "github", "sarif", "junit"] {
            let denied = world.transload(&["validate", "--deny-warnings", "--format", format]);
            assert!(denied.code == 1 && denied.stdout.contains(name), "{format}: {denied:?}");
        }
    }
}

for_each_pair!(an_entity_whose_spec_is_gone_is_told_of_by_every_look_at_the_destination);
