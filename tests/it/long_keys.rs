//! Keys of some thousand bytes, which no index of PostgreSQL takes: a row comes where its new key is a short one, and is set aside alone else.

use crate::ends::{Ends, for_each_pair};
use crate::world::{Ended, Random, World, counts};

const DELETES: &str = "  deletes: { mode: hard, max: 100% }";

/// Text that does not get shorter by being packed.
fn long(seed: u64) -> String {
    let mut random = Random::of_seed(seed);
    (0..4_000)
        .map(|_| char::from(b"0123456789abcdefghijklmnopqrstuvwxyz"[usize::try_from(random.below(36)).unwrap()]))
        .collect()
}

fn spec(entity: &str, key: &str, mapped: &str) -> String {
    format!(
        "entity_type: {entity}\nsource_table: old_{entity}\ndestination_table: {entity}\nversion: \"1\"\n\
         key: {{ source: code, {key} }}\nfield_mappings: {{ {mapped} }}\n"
    )
}

/// Words, whose keys stay; and people, whose keys are made, with their pets.
fn world(ends: Ends) -> World {
    let (made, reference) = match ends.is_to_postgres() {
        true => ("bigint generated always as identity primary key", "bigint"),
        false => ("integer primary key", "integer"),
    };
    let schema = format!(
        "create table words (code text primary key, name text);
         create table people (id {made}, name text);
         create table pets (id uuid primary key, name text, owner_id {reference} not null references people (id));"
    );
    let specs = [
        ("words", spec("words", "destination: code, strategy: keep", "code: code, name: name")),
        ("people", spec("people", "strategy: database", "name: name")),
        (
            "pets",
            spec("pets", "strategy: uuid_v5", "name: name, owner_id: { source_field: owner, references: people }"),
        ),
    ];
    let specs: Vec<(&str, &str)> = specs.iter().map(|(entity, spec)| (*entity, spec.as_str())).collect();
    let world = World::project(ends, DELETES, &schema, &specs);
    let (one, other) = (long(1), long(2));
    world.source().execute(&format!(
        "create table old_words (code text not null, name text);
         create table old_people (code text not null, name text);
         create table old_pets (code text not null, name text, owner text);
         insert into old_words values ('a', 'one'), ('{one}', 'two'), ('z', 'three'), ('{other}', 'four');
         insert into old_people values ('a', 'Ada'), ('{one}', 'Bo'), ('{one}.', 'Cy'), ('z', 'Di');
         insert into old_pets values ('{one}', 'Rex', '{one}'), ('{other}', 'Tom', '{one}.'), ('m', 'Kit', 'a');"
    ));
    world
}

fn moved(world: &World, entity: &str) -> [u64; 4] {
    let report = world.run();
    let counts = counts(&report, entity);
    ["new", "modified", "deleted", "quarantined"].map(|name| counts[name].as_u64().unwrap())
}

fn quarantine(world: &World, arguments: &[&str]) -> Ended {
    let told = world.transload(&[&["quarantine"], arguments].concat());
    assert_eq!(told.code, 0, "{told:?}");
    told
}

fn names(world: &World, table: &str) -> Vec<String> {
    world.destination().texts(&format!("select name from {table} order by name"))
}

fn assert_verified(world: &World, says: &[&str]) {
    let told = world.transload(&["verify"]);
    for part in says {
        assert!(told.stdout.contains(part), "no {part}: {told:?}");
    }
    assert_eq!(told.code, 0, "{told:?}");
}

fn a_key_that_no_index_takes_stops_its_row_alone(ends: Ends) {
    let world = world(ends);
    let apart = u64::from(ends.is_to_postgres()) * 2;

    assert_eq!(moved(&world, "words"), [4 - apart, 0, 0, apart]);

    let ledger = world.destination().ledger("quarantine");
    if apart > 0 {
        assert_eq!(names(&world, "words"), ["one", "three"]);
        assert_eq!(world.destination().texts(&format!("select distinct code from {ledger}")), ["ROW_TOO_LARGE"]);
        let listed = quarantine(&world, &["list", "words", "--format", "json"]).stdout;
        assert!(listed.contains(&long(1)) && listed.contains("ROW_TOO_LARGE"), "{listed}");
        let shown = quarantine(&world, &["show", "words", &long(1)]).stdout;
        assert!(shown.contains("ROW_TOO_LARGE") && shown.contains("Shorten"), "{shown}");
        assert_verified(&world, &["in quarantine: words 2"]);
        quarantine(&world, &["discard", "words", "--key", &long(2), "--reason", "test data"]);
    } else {
        assert_verified(&world, &[]);
    }
    let before = world.destination().fingerprint();
    assert_eq!(moved(&world, "words"), [0, 0, 0, apart]);
    assert!(before == world.destination().fingerprint(), "a second run writes");

    world.run_with(&["--retry-quarantined"]);
    assert_eq!(world.destination().count(&ledger), apart);
    world.source().execute(&format!("update old_words set code = 'short' where code = '{}'", long(1)));
    assert_eq!(moved(&world, "words"), [1, 0, 1 - apart / 2, apart / 2]);
    assert_eq!(world.destination().count(&ledger), apart / 2);
    world.source().execute("delete from old_words where length(code) > 1000");
    world.run();
    assert_eq!(world.destination().count(&ledger), 0);
    assert_eq!(names(&world, "words"), ["one", "three", "two"]);
    assert_verified(&world, &[]);
}

fn a_long_key_that_becomes_a_short_one_is_a_key_like_any_other(ends: Ends) {
    let world = world(ends);
    let owners = || {
        let sql =
            "select pets.name || ' ' || people.name from pets join people on people.id = pets.owner_id order by 1";
        world.destination().texts(sql)
    };

    assert_eq!(moved(&world, "people"), [4, 0, 0, 0]);
    assert_eq!(owners(), ["Kit Ada", "Rex Bo", "Tom Cy"]);
    let before = world.destination().fingerprint();
    assert_eq!(moved(&world, "pets"), [0; 4]);
    assert!(before == world.destination().fingerprint(), "a second run writes");
    assert_verified(&world, &[]);

    let (one, other) = (long(1), long(2));
    world.source().execute(&format!(
        "update old_people set name = 'Bob' where code = '{one}'; update old_pets set owner = '{one}' where code = '{other}';
         delete from old_people where code = '{one}.'; insert into old_people values ('{other}', 'Eva')"
    ));
    assert_eq!(moved(&world, "people"), [1, 1, 1, 0]);
    assert_eq!(owners(), ["Kit Ada", "Rex Bob", "Tom Bob"]);
    world.run_with(&["--remap"]);
    assert_eq!(names(&world, "people"), ["Ada", "Bob", "Di", "Eva"]);
    assert_eq!(owners(), ["Kit Ada", "Rex Bob", "Tom Bob"]);
    assert_eq!(world.destination().count(&world.destination().ledger("migration_mappings")), 4 + 3);
}

for_each_pair!(
    a_key_that_no_index_takes_stops_its_row_alone,
    a_long_key_that_becomes_a_short_one_is_a_key_like_any_other,
);
