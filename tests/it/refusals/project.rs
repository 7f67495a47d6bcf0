//! Projects that cannot start.

use super::{Case, assert_told, check, library};
use crate::world::World;

fn project(world: &World, from: &str, to: &str) {
    world.replace("transload.yaml", from, to);
}

const LEGACY: &str = "url: \"sqlite:data/legacy.db\"";

const CASES: &[Case] = &[
    Case {
        what: "no `transload.yaml`",
        broken: |world| std::fs::remove_file(world.file("transload.yaml")).unwrap(),
        code: "TL0001",
        exit: 2,
        place: "",
        says: &["there is no `transload.yaml` in", "--project DIR"],
    },
    Case {
        what: "a variable that is not set",
        broken: |world| project(world, LEGACY, "url: \"${LEGACY_URL}\""),
        code: "TL0003",
        exit: 2,
        place: "transload.yaml:7:18",
        says: &["environment variable `LEGACY_URL` is not set", "`${LEGACY_URL:-default}`"],
    },
    Case {
        what: "a URL of no known kind",
        broken: |world| project(world, LEGACY, "url: \"oracle:data\""),
        code: "TL0004",
        exit: 2,
        place: "transload.yaml:7:18",
        says: &["starts neither with `sqlite:` nor with `postgres://`", "write `sqlite:PATH`"],
    },
    Case {
        what: "a URL of a kind that is not built",
        broken: |world| project(world, LEGACY, "url: \"mysql://db/legacy\""),
        code: "TL0109",
        exit: 1,
        place: "transload.yaml:7:18",
        says: &["names a mysql server, which is not built yet"],
    },
    Case {
        what: "a type that is not built",
        broken: |world| project(world, LEGACY, "type: mysql, url: \"mysql://db/legacy\""),
        code: "TL0109",
        exit: 1,
        place: "transload.yaml:7:19",
        says: &["`mysql` as the connection's type is not built yet"],
    },
    Case {
        what: "a server that may be anyone",
        broken: |world| project(world, LEGACY, "url: \"postgres://reader@db/legacy?sslmode=require\""),
        code: "TL0004",
        exit: 2,
        place: "transload.yaml:7:18",
        says: &["has `sslmode=require`", "`require` encrypts without checking whom you talk to"],
    },
    Case {
        what: "a default environment that is not there",
        broken: |world| project(world, "version: 1", "version: 1\ndefault_environment: dev\nenvironments: { dve: {} }"),
        code: "TL0012",
        exit: 2,
        place: "transload.yaml:4:22",
        says: &["the project has no environment `dev`", "did you mean `dve`?"],
    },
    Case {
        what: "no specs",
        broken: |world| std::fs::remove_dir_all(world.file("specs")).unwrap(),
        code: "TL0008",
        exit: 2,
        place: "",
        says: &["no file matches `specs/**/*.yaml`"],
    },
    Case {
        what: "a destination that is `read_only`",
        broken: |world| project(world, "create_with:", "read_only: true, create_with:"),
        code: "TL0108",
        exit: 1,
        place: "transload.yaml:5:14",
        says: &["destination `platform` is a connection that is `read_only`"],
    },
    Case {
        what: "a source that is not there",
        broken: |world| project(world, "legacy.db", "elsewhere.db"),
        code: "TL0005",
        exit: 4,
        place: "",
        says: &["connection `legacy` has no database", "data/elsewhere.db does not exist"],
    },
    Case {
        what: "a source that is no database",
        broken: |world| world.write("data/legacy.db", &"no database ".repeat(100)),
        code: "TL0005",
        exit: 4,
        place: "",
        says: &["connection `legacy` cannot open", "data/legacy.db: file is not a database"],
    },
    Case {
        what: "a `create_with` that is not there",
        broken: |world| project(world, "schema.sql", "scheme.sql"),
        code: "TL0007",
        exit: 2,
        place: "transload.yaml:8:60",
        says: &["file `scheme.sql` cannot be read"],
    },
];

#[test]
fn a_project_that_cannot_start_says_why_and_touches_nothing() {
    CASES.iter().for_each(check);
}

#[test]
fn another_database_as_the_source_is_told_once() {
    let world = World::clinic();
    std::fs::remove_file(world.file("data/legacy.db")).unwrap();
    world.database("data/legacy.db").execute_batch("create table albums (id integer primary key)").unwrap();
    world.replace("specs/jaw.yaml", "source_table: jaw_types", "source_table: jaw_types\nsource: { where: \"1 = 1\" }");

    for verb in ["validate", "run"] {
        let says = [
            "none of the 6 source tables",
            "data/legacy.db, which holds one table: `albums`",
            "`jaw_types` and 1 more",
        ];
        assert_told(verb, &world.transload(&[verb]), "TL0204", 1, &says);
        let answered = world.transload(&[verb, "--format", "json"]);
        let document: serde_json::Value = serde_json::from_str(&answered.stdout).unwrap();
        assert_eq!(document["problems"].as_array().unwrap().len(), 1, "{document}");
    }
}

#[test]
fn a_schema_that_is_not_sql_leaves_no_file() {
    let world = library(1);
    world.replace("schema.sql", "create table books", "create tabel books");

    for verb in ["validate", "run"] {
        let told = world.transload(&[verb]);

        let says = ["`create_with` of `platform` failed: near \"tabel\": syntax error", "correct the script"];
        assert_told(verb, &told, "TL0005", 4, &says);
        let left: Vec<_> = std::fs::read_dir(world.file("data")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["legacy.db"]);
    }
    world.write("schema.sql", super::SCHEMA);
    world.run();
    world.assert_as_expected();
}

#[test]
fn a_destination_that_is_no_database_stays_what_it_is() {
    let world = library(1);
    world.write("data/platform.db", "someone's notes");

    let told = world.transload(&["run"]);

    let says = ["connection `platform` cannot open", "data/platform.db: file is not a database"];
    assert_told("run", &told, "TL0005", 4, &says);
    assert_eq!(world.read("data/platform.db"), "someone's notes");
}

#[test]
fn looking_makes_no_destination() {
    let world = library(1);

    for verb in ["validate", "quarantine"] {
        let told = world.transload(&[verb]);

        assert_eq!(told.code, 0, "{told:?}");
        assert!(!world.file("data/platform.db").exists(), "`{verb}` made a destination");
    }
}
