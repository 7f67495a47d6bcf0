//! `transload schema`, and the schemas that it writes: as checked in, and true to what the binary accepts.
//!
//! Whatever project a scenario here runs is held against the schemas too: `World::transload` asks [`complaints`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;
use transload_model::{LogicalType, Vocabulary};
use transload_transform::Functions;

use crate::ends::{Ends, for_each_pair};
use crate::refusals::library;
use crate::world::{World, root};

/// A schema as it is checked in.
fn checked_in(kind: &str) -> Validator {
    let text = std::fs::read_to_string(root().join(format!("schemas/{kind}.json"))).unwrap();
    jsonschema::draft7::new(&serde_json::from_str(&text).unwrap()).unwrap()
}

static PROJECT: LazyLock<Validator> = LazyLock::new(|| checked_in("project"));
static SPEC: LazyLock<Validator> = LazyLock::new(|| checked_in("spec"));
static TEMPLATE: LazyLock<Validator> = LazyLock::new(|| checked_in("template"));

/// What the schemas say against the files of a project; nothing where all are valid.
pub(crate) fn complaints(project: &Path) -> Vec<String> {
    let mut files = vec![(project.join("transload.yaml"), &PROJECT)];
    files.extend(yaml_files(&project.join("specs")).into_iter().map(|path| (path, &SPEC)));
    files.extend(yaml_files(&project.join("templates")).into_iter().map(|path| (path, &TEMPLATE)));
    let complaints = |(path, schema): (PathBuf, &LazyLock<Validator>)| {
        let said = |text: String| format!("{}{text}", path.display());
        match transload_spec::from_yaml(&std::fs::read(&path).unwrap()) {
            Some(document) => {
                let errors = schema.iter_errors(&document);
                errors.map(|error| said(format!("{}: {error}", error.instance_path()))).collect()
            }
            None => vec![said(" is no YAML".to_owned())],
        }
    };
    files.into_iter().flat_map(complaints).collect()
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let inside = |path: PathBuf| if path.is_dir() { yaml_files(&path) } else { vec![path] };
    entries.flat_map(inside).filter(|path| path.extension().is_some_and(|ending| ending == "yaml")).collect()
}

fn schema(world: &World, what: &[&str]) -> Value {
    let told = world.transload(&[&["schema"], what].concat());
    assert_eq!(told.code, 0, "{told:?}");
    serde_json::from_str(&told.stdout).unwrap_or_else(|error| panic!("{error}: {told:?}"))
}

/// Every file of a folder, by its name.
fn texts(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap()))
        .collect()
}

#[test]
fn schemas_of_any_project_need_no_project() {
    let world = World::empty();
    for (what, kind) in
        [(&[][..], "spec"), (&["spec"][..], "spec"), (&["project"][..], "project"), (&["template"][..], "template")]
    {
        let told = world.transload(&[&["schema"], what].concat());
        assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
        assert_eq!(told.stdout, std::fs::read_to_string(root().join(format!("schemas/{kind}.json"))).unwrap());
    }
    let told = world.transload(&["schema", "patients"]);
    assert_eq!(told.code, 2, "{told:?}");
    assert!(told.stderr.contains("TL0001"), "{}", told.stderr);
}

#[test]
fn the_schemas_of_our_projects_are_as_they_would_be_written() {
    for place in ["specs/clinic", "specs/insurance", "examples/chinook"] {
        let world = World::copy_of(place);
        let told = world.transload(&["schema", "--write"]);
        assert_eq!(told.code, 0, "{told:?}");
        let folder = root().join(place).join("schemas");
        if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
            texts(&world.file("schemas"))
                .iter()
                .for_each(|(name, text)| std::fs::write(folder.join(name), text).unwrap());
        }
        let is_same = texts(&world.file("schemas")) == texts(&folder);
        assert!(is_same, "{place}/schemas is stale, `transload schema --write -C {place}` writes it: {}", told.stderr);
        assert!(world.transload(&["schema", "--write"]).stderr.contains("are as they were"));
        for (path, kind) in [("transload.yaml", "schemas/project.json"), ("specs", "../schemas/")] {
            let files = if path == "specs" { yaml_files(&world.file(path)) } else { vec![world.file(path)] };
            for file in files {
                let text = std::fs::read_to_string(&file).unwrap();
                let named = text.lines().next().and_then(|line| line.strip_prefix("# yaml-language-server: $schema="));
                let named = named.unwrap_or_else(|| panic!("{} names no schema", file.display()));
                assert!(named.starts_with(kind) && file.parent().unwrap().join(named).exists(), "{}", file.display());
                assert_eq!(text.lines().nth(1), Some(format!("# $schema: {named}").as_str()), "{}", file.display());
            }
        }
    }
}

#[test]
fn the_demo_brings_its_schemas() {
    let made = texts(&World::clinic().file("schemas"));
    assert!(made == texts(&root().join("specs/clinic/schemas")), "{:?}", made.keys());
}

/// A spec is valid by the schema of its entity, which knows the columns by their names, whether a lock or the databases tell them.
fn the_schema_of_an_entity_knows_the_columns_of_its_tables(ends: Ends) {
    let world = super::refusals::library_between(ends, 1);
    let live = schema(&world, &["books"]);
    let locked = world.transload(&["validate", "--lock"]);
    assert_eq!(locked.code, 0, "{locked:?}");
    world.take_databases_away();
    assert_eq!(schema(&world, &["books"]), live);

    let books = jsonschema::draft7::new(&live).unwrap();
    let valid = |text: &str| books.is_valid(&transload_spec::from_yaml(text.as_bytes()).unwrap());
    let spec = world.read("specs/books.yaml");
    assert!(valid(&spec), "{spec}");
    assert!(!valid(&spec.replace("source_field: shelf", "source_field: shelv")));
    assert!(!valid(&spec.replace("  title:", "  titel:")));
    let told = live["definitions"]["ShortMappings"]["properties"]["title"]["description"].to_string();
    assert!(told.contains("`books.title`: `text`"), "{told}");
}

for_each_pair!(the_schema_of_an_entity_knows_the_columns_of_its_tables);

#[test]
fn a_table_that_the_lock_does_not_have_is_looked_for_in_the_databases() {
    let world = library(1);
    assert_eq!(world.transload(&["validate", "--lock"]).code, 0);
    let begun = "entity_type: copies\nsource_table: old_books\ndestination_table: copies\n";
    world.write("specs/copies.yaml", begun);
    world.source().execute("create table more_books (no integer primary key, isbn text)");
    world.replace("specs/copies.yaml", "old_books", "more_books");

    let told = world.transload(&["schema", "copies"]);

    assert_eq!(told.code, 0, "{told:?}");
    let schema: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(schema["definitions"]["SourceColumn"]["enum"], serde_json::json!(["no", "isbn"]));
    assert!(told.stderr.contains("the columns of platform.copies are not known"), "{}", told.stderr);

    world.take_databases_away();
    let told = world.transload(&["schema", "--write"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.stderr.contains("TL0005") && told.stderr.contains("wrote 6 of 6 schemas"), "{}", told.stderr);
}

#[test]
fn what_an_entity_is_called_is_told_where_it_is_not_there() {
    let told = library(1).transload(&["schema", "boocks"]);
    assert_eq!(told.code, 2, "{told:?}");
    assert!(told.stderr.contains("did you mean `books`?"), "{}", told.stderr);
}

#[test]
fn an_entity_that_is_called_as_a_kind_of_file_does_not_take_its_place() {
    let world = library(1);
    let spec = world.read("specs/books.yaml").replace("entity_type: books", "entity_type: Project");
    world.write("specs/books.yaml", &spec);

    let told = world.transload(&["schema", "--write", "--format", "json"]);

    let answer: Value = serde_json::from_str(&told.stdout).unwrap_or_else(|error| panic!("{error}: {told:?}"));
    let files = ["project.json", "spec.json", "template.json", "Project.entity.json", "shelves.json"];
    assert_eq!(answer["files"], Value::from(files.map(|name| format!("schemas/{name}")).to_vec()));
    assert_eq!(
        world.read("schemas/project.json"),
        std::fs::read_to_string(root().join("schemas/project.json")).unwrap()
    );
    assert!(world.read("schemas/Project.entity.json").contains("old_books → books"));
}

#[test]
fn rules_of_the_schema_are_those_that_are_built_and_take_its_parameters() {
    let (schema, functions) = (schema(&World::empty(), &["spec"]), Functions::new(&[]).unwrap());
    let words = schema["definitions"]["RuleType"]["enum"].as_array().unwrap().iter();
    let words: Vec<&str> = words.map(|word| word.as_str().unwrap()).collect();
    assert_eq!(words, functions.rule_names());

    for (name, property) in schema["definitions"]["RuleParameters"]["properties"].as_object().unwrap() {
        for example in property["examples"].as_array().unwrap() {
            let alone = BTreeMap::from([(name.clone(), example.clone())]);
            let beside = |other: &str, value: &str| {
                let others = BTreeMap::from([(other.to_owned(), Value::from(value))]);
                others.into_iter().chain(alone.clone()).collect::<BTreeMap<_, _>>()
            };
            let tried = [alone.clone(), beside("pattern", "x"), beside("min", "2020-01-01"), beside("table", "x")];
            let types = [LogicalType::Text, LogicalType::Integer, LogicalType::Date];
            let takes = |rule: &&str| {
                types.iter().any(|of| tried.iter().any(|parameters| functions.rule(rule, *of, parameters).is_ok()))
            };
            assert!(words.iter().any(takes), "no rule takes {name}: {example}");
        }
    }
}
