//! Specs that cannot be meant.

use serde_json::Value;

use super::{Case, check, library};
use crate::world::World;

fn books(world: &World, from: &str, to: &str) {
    world.replace("specs/books.yaml", from, to);
}

const CASES: &[Case] = &[
    Case {
        what: "broken YAML",
        broken: |world| world.write("specs/books.yaml", "entity_type: [\n"),
        code: "TL0101",
        exit: 1,
        place: "specs/books.yaml:1:14",
        says: &["file `specs/books.yaml` is not YAML: `[` is not closed", "close it"],
    },
    Case {
        what: "a file that is not UTF-8",
        broken: |world| std::fs::write(world.file("specs/books.yaml"), b"entity_type: b\xFF\n").unwrap(),
        code: "TL0112",
        exit: 1,
        place: "specs/books.yaml:1:15",
        says: &["is not UTF-8", "byte 14 is 0xFF", "save it as UTF-8"],
    },
    Case {
        what: "an unknown key",
        broken: |world| books(world, "source_table", "source_tabel"),
        code: "TL0105",
        exit: 1,
        place: "specs/books.yaml:3:1",
        says: &["a spec has no key `source_tabel`", "did you mean `source_table`?"],
    },
    Case {
        what: "a key that is not built yet",
        broken: |world| books(world, "version:", "explode: { as: item }\nversion:"),
        code: "TL0109",
        exit: 1,
        place: "specs/books.yaml:5:1",
        says: &["key `explode` of a spec is not built yet"],
    },
    Case {
        what: "a key of `source` that does not stand in it",
        broken: |world| books(world, "version:", "where: \"shelf > 3\"\nversion:"),
        code: "TL0105",
        exit: 1,
        place: "specs/books.yaml:5:1",
        says: &["a spec has no key `where`", "write it under `source`: `source: { where: … }`"],
    },
    Case {
        what: "an unknown transformation",
        broken: |world| books(world, "[trimmed, upper]", "[trimmed, uper]"),
        code: "TL0206",
        exit: 1,
        place: "specs/books.yaml:7:38",
        says: &["transformation `uper` does not exist", "did you mean `upper`?"],
    },
    Case {
        what: "an unknown function in a script",
        broken: |world| {
            books(world, "[trimmed, upper]", "shout");
            let function = "  - name: shout\n    function_body: |\n      value.to_uper()\n";
            books(world, "field_mappings:", &format!("transformation_functions:\n{function}field_mappings:"));
        },
        code: "TL0802",
        exit: 1,
        place: "specs/books.yaml:9:13",
        says: &["there is no function `to_uper`", "`to_upper`"],
    },
    Case {
        what: "a source table that is not there",
        broken: |world| books(world, "old_books", "old_book"),
        code: "TL0204",
        exit: 1,
        place: "specs/books.yaml:3:15",
        says: &["table `old_book` does not exist in `legacy`", "did you mean `old_books`?"],
    },
    Case {
        what: "a source column that is not there",
        broken: |world| books(world, "source_field: shelf", "source_field: shelve"),
        code: "TL0203",
        exit: 1,
        place: "specs/books.yaml:8:29",
        says: &["source column `shelve` does not exist", "legacy.old_books", "did you mean `shelf`?"],
    },
    Case {
        what: "a destination table that is not there",
        broken: |world| books(world, "destination_table: books", "destination_table: bocks"),
        code: "TL0204",
        exit: 1,
        place: "specs/books.yaml:4:20",
        says: &["table `bocks` does not exist in `platform`", "did you mean `books`?"],
    },
    Case {
        what: "a destination column that is not there",
        broken: |world| books(world, "  title:", "  titel: title\n  title:"),
        code: "TL0203",
        exit: 1,
        place: "specs/books.yaml:7:3",
        says: &["destination column `titel` does not exist", "did you mean `title`?"],
    },
];

#[test]
fn a_spec_that_cannot_be_meant_is_refused_at_its_place() {
    CASES.iter().for_each(check);
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let world = library(1);
    books(&world, "old_books", "old_book");
    books(&world, "version:", "versoin:");
    world.replace("specs/shelves.yaml", "trimmed", "trimed");

    let answered = world.transload(&["validate", "--format", "json"]);

    let document: Value = serde_json::from_str(&answered.stdout).unwrap();
    let problems = document["problems"].as_array().unwrap();
    let codes: Vec<&str> = problems.iter().map(|problem| problem["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["TL0204", "TL0105", "TL0206"], "{document}");
    assert_eq!(document["valid"], false);
}

/// Three entities, each of which refers to the next, the last to the first.
fn in_a_circle(world: &World) {
    let mut schema = String::new();
    std::fs::remove_dir_all(world.file("specs")).unwrap();
    for (name, next) in [("doctors", "offices"), ("offices", "towns"), ("towns", "doctors")] {
        let spec = format!(
            "entity_type: {name}\nsource_table: old_{name}\ndestination_table: {name}\nversion: \"1\"\n\
             field_mappings:\n  next_id: {{ source_field: next, references: {next} }}\n"
        );
        world.write(&format!("specs/{name}.yaml"), &spec);
        schema += &format!("create table {name} (id text primary key, next_id text not null);\n");
        let sql = format!("create table old_{name} (no integer primary key, next integer)");
        world.database("data/legacy.db").execute_batch(&sql).unwrap();
    }
    world.write("schema.sql", &schema);
}

#[test]
fn a_circle_of_three_is_shown_whole() {
    let world = library(1);
    in_a_circle(&world);

    let told = world.transload(&["validate"]);
    let answered = world.transload(&["validate", "--format", "json"]);

    assert_eq!((told.code, answered.code), (1, 1), "{told:?}");
    let edges = [
        "`doctors` waits for `offices` here …",
        "… `offices` waits for `towns` here …",
        "… and `towns` waits for `doctors` here",
    ];
    for text in ["TL0205", "doctors → offices → towns → doctors is a cycle", "help:"].iter().chain(&edges) {
        assert!(told.stdout.contains(text), "no {text:?}: {}", told.stdout);
    }
    let document: Value = serde_json::from_str(&answered.stdout).unwrap();
    assert_eq!(document["problems"].as_array().unwrap().len(), 1);
    let places = document["problems"][0]["places"].as_array().unwrap();
    let places: Vec<_> = places.iter().map(|place| (place["path"].as_str(), place["text"].as_str())).collect();
    let files = ["specs/doctors.yaml", "specs/offices.yaml", "specs/towns.yaml"];
    assert_eq!(places, files.into_iter().map(Some).zip(edges.into_iter().map(Some)).collect::<Vec<_>>());
}
