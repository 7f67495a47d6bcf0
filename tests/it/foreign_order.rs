//! Foreign keys of the destination that no spec names: who waits for whom follows them.

use serde_json::Value;

use crate::ends::{Ends, for_each_pair};
use crate::world::{World, counts};

const PEOPLE: &str = "
entity_type: a_people
source_table: old_people
destination_table: people
version: \"1\"
key: { source: no, destination: id, strategy: keep }
field_mappings: { name: nm, country: ctry }
";

const COUNTRIES: &str = "
entity_type: z_countries
source_table: old_countries
destination_table: countries
version: \"1\"
key: { source: code, destination: code, strategy: keep }
field_mappings: { head: head }
";

/// One after the other: without a reason to wait, the first by name would be first.
const DEFAULTS: &str = "  deletes: { mode: hard, max: 90% }\n  load: { batch_size: 2, checkpoint_interval: 1, max_errors: 50 }\nexecution: { parallel_entity_limit: 1 }";

/// `head` is what a country's column is declared with.
fn world(ends: Ends, head: &str) -> World {
    let people = "create table people (id integer primary key, name text not null, country text not null references countries (code));";
    let countries = "create table countries (code text primary key, head integer";
    let schema = match (ends.is_to_postgres(), head) {
        (_, "") => format!("{countries}); {people}"),
        (true, _) => format!(
            "{countries} {head}); {people} alter table countries add foreign key (head) references people (id);"
        ),
        (false, _) => format!("{countries} {head} references people (id)); {people}"),
    };
    let world = World::project(ends, DEFAULTS, &schema, &[("a_people", PEOPLE), ("z_countries", COUNTRIES)]);
    world.source().execute(
        "create table old_people (no integer primary key, nm text, ctry text);
         create table old_countries (code text primary key, head integer);
         insert into old_people values (1, 'a', 'fr'), (2, 'b', 'de'), (3, 'c', 'fr'), (4, 'd', 'it'), (5, 'e', 'de');
         insert into old_countries values ('de', null), ('fr', null), ('it', null);",
    );
    world
}

fn moved(report: &Value, entity: &str) -> [u64; 4] {
    ["new", "modified", "quarantined", "deleted"].map(|name| counts(report, entity)[name].as_u64().unwrap())
}

fn an_entity_waits_for_what_its_table_refers_to(ends: Ends) {
    let world = world(ends, "");

    let report = world.run();

    assert_eq!(moved(&report, "z_countries"), [3, 0, 0, 0]);
    assert_eq!(moved(&report, "a_people"), [5, 0, 0, 0], "each finds its country");
    // And deletes go the other way.
    world.source().execute("delete from old_people where ctry = 'de'; delete from old_countries where code = 'de'");
    let report = world.run();
    assert_eq!(moved(&report, "z_countries"), [0, 0, 0, 1]);
    assert_eq!(moved(&report, "a_people"), [0, 0, 0, 2]);
    assert_eq!(world.quarantine(), [""; 0]);
}

fn the_graph_knows_it_from_the_lock(ends: Ends) {
    let world = world(ends, "");
    let graph = |flags: &[&str]| {
        let told = world.transload(&[&["graph"], flags].concat());
        assert_eq!(told.code, 0, "{told:?}");
        told.stdout
    };
    assert!(!graph(&[]).contains("foreign key"), "nobody has looked at the destination");

    assert_eq!(world.transload(&["validate", "--lock"]).code, 0);

    let told = graph(&[]);
    assert!(told.contains("a_people.country has a foreign key to z_countries"), "{told}");
    assert!(told.contains("specs/a_people.yaml:7"), "{told}");
    let document: Value = serde_json::from_str(&graph(&["--format", "json"])).unwrap();
    assert_eq!(document["waves"], serde_json::json!([["z_countries"], ["a_people"]]));
    assert_eq!(document["edges"][0]["because"][0]["by"], "foreign_key");
    assert_eq!(document["edges"][0]["because"][0]["field"], "country");
    let told = world.transload(&["validate", "--offline"]);
    assert!(told.stdout.contains("2 entities, 1 edge, 2 waves"), "{}", told.stdout);
}

fn a_circle_of_foreign_keys_is_broken_as_well(ends: Ends) {
    let world = world(ends, "unique");
    world.source().execute(
        "update old_countries set head = 3 where code = 'fr'; update old_countries set head = 1 where code = 'it'",
    );
    let told = world.transload(&["validate"]);
    assert!(told.stdout.contains("z_countries.head is NULL until a_people is loaded"), "{}", told.stdout);

    let report = world.run();

    assert_eq!(moved(&report, "z_countries"), [3, 0, 0, 0]);
    assert_eq!(moved(&report, "a_people"), [5, 0, 0, 0]);
    let heads = || {
        world
            .destination()
            .texts("select code || ' ' || coalesce(cast(head as text), '-') from countries order by code")
    };
    assert_eq!(heads(), ["de -", "fr 3", "it 1"]);
    let before = world.destination().fingerprint();
    world.run();
    assert_eq!(world.destination().fingerprint(), before);

    // One that leads nowhere is refused, and the row stays as it is.
    world.source().execute(
        "update old_countries set head = 77 where code = 'it'; update old_countries set head = 2 where code = 'de'",
    );
    let report = world.run();
    assert_eq!(moved(&report, "z_countries"), [0, 1, 1, 0]);
    assert_eq!(heads(), ["de 2", "fr 3", "it 1"]);
    assert!(world.quarantine()[0].starts_with("z_countries it CONSTRAINT_FOREIGN_KEY"), "{:?}", world.quarantine());
}

fn a_circle_of_foreign_keys_without_null_is_shown_whole(ends: Ends) {
    let world = world(ends, "not null");

    let told = world.transload(&["validate"]);

    assert_eq!(told.code, 1, "{told:?}");
    let key = "`head` of `countries` has a foreign key to `people`";
    for text in
        ["TL0205", "a_people → z_countries → a_people is a cycle", "specs/a_people.yaml", "specs/z_countries.yaml", key]
    {
        assert!(told.stdout.contains(text), "no {text:?}: {}", told.stdout);
    }
}

for_each_pair!(
    an_entity_waits_for_what_its_table_refers_to,
    the_graph_knows_it_from_the_lock,
    a_circle_of_foreign_keys_is_broken_as_well,
    a_circle_of_foreign_keys_without_null_is_shown_whole,
);
