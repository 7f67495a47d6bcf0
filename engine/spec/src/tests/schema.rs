//! The JSON Schemas: they say what the decoder does, and explain all of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::{Map, Value, json};
use transload_model::Diagnostic;

use super::cases;
use super::kit::{catalogs, changed, good, load, problems, written};
use crate::decode::language::{self, Keys};
use crate::{OfferedFunction, entity_schemas, from_yaml, project_schema, schema_text, spec_schema, template_schema};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn validator(schema: &Value) -> Validator {
    jsonschema::draft7::new(schema).unwrap()
}

/// The schema of a file, by where it stands.
fn schema_of(path: &str) -> Value {
    match path {
        "transload.yaml" => project_schema(),
        _ if path.contains("templates/") => template_schema(),
        _ => spec_schema(),
    }
}

/// What the schema says against a file; nothing where it is valid.
fn complaints(path: &str, text: &str) -> Vec<String> {
    let Some(document) = from_yaml(text.as_bytes()) else { return vec!["it is no YAML".to_owned()] };
    let complaint = |error: jsonschema::ValidationError<'_>| format!("{path}{}: {error}", error.instance_path());
    validator(&schema_of(path)).iter_errors(&document).map(complaint).collect()
}

/// Every map of a schema that is a schema, with where it stands.
fn each<'s>(schema: &'s Value, path: &str, visit: &mut impl FnMut(&str, &'s Map<String, Value>)) {
    let Value::Object(map) = schema else { return };
    visit(path, map);
    for (key, value) in map {
        let path = format!("{path}/{key}");
        match (key.as_str(), value) {
            ("properties" | "definitions" | "patternProperties", Value::Object(parts)) => {
                parts.iter().for_each(|(name, part)| each(part, &format!("{path}/{name}"), visit));
            }
            ("anyOf" | "allOf" | "oneOf", Value::Array(parts)) => {
                parts.iter().enumerate().for_each(|(at, part)| each(part, &format!("{path}/{at}"), visit));
            }
            ("items" | "additionalProperties", _) => each(value, &path, visit),
            _ => {}
        }
    }
}

fn kinds() -> [(&'static str, Value); 3] {
    [("project", project_schema()), ("spec", spec_schema()), ("template", template_schema())]
}

#[test]
fn what_is_checked_in_is_what_the_types_say() {
    let mut stale = Vec::new();
    for (name, schema) in kinds() {
        assert!(jsonschema::meta::is_valid(&schema), "{name} is no schema");
        let path = root().join(format!("schemas/{name}.json"));
        let text = schema_text(&schema);
        if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        if std::fs::read_to_string(&path).unwrap_or_default() != text {
            stale.push(name);
        }
    }
    assert!(stale.is_empty(), "schemas/ is stale, INSTA_UPDATE=always writes it: {stale:?}");
}

#[test]
fn the_keys_of_the_schemas_are_those_of_the_language() {
    let parts: [(&Value, &str, &Keys); 22] = [
        (&project_schema(), "", &language::PROJECT),
        (&project_schema(), "/definitions/Environment", &language::ENVIRONMENT),
        (&project_schema(), "/definitions/Connection", &language::CONNECTION),
        (&project_schema(), "/definitions/Defaults", &language::DEFAULTS),
        (&project_schema(), "/definitions/SharedSource", &language::SHARED_SOURCE),
        (&project_schema(), "/definitions/Execution", &language::EXECUTION),
        (&spec_schema(), "", &language::SPEC),
        (&spec_schema(), "/definitions/AutoMap", &language::AUTO_MAP),
        (&spec_schema(), "/definitions/Key", &language::KEY),
        (&spec_schema(), "/definitions/LongField", &language::LONG_FIELD),
        (&spec_schema(), "/definitions/Field", &language::SHORT_FIELD),
        (&spec_schema(), "/definitions/Rule", &language::RULE),
        (&spec_schema(), "/definitions/Function", &language::FUNCTION),
        (&spec_schema(), "/definitions/Test", &language::TEST),
        (&spec_schema(), "/definitions/Given", &language::GIVEN),
        (&spec_schema(), "/definitions/Expect", &language::EXPECT),
        (&spec_schema(), "/definitions/ExpectedFault", &language::EXPECTED_FAULT),
        (&spec_schema(), "/definitions/ChangeDetection", &language::CHANGE_DETECTION),
        (&spec_schema(), "/definitions/Deletes", &language::DELETES),
        (&spec_schema(), "/definitions/Load", &language::LOAD),
        (&template_schema(), "", &language::TEMPLATE),
        (&template_schema(), "/definitions/Field", &language::SHORT_FIELD),
    ];
    let mut wrong = Vec::new();
    for (schema, path, keys) in parts {
        let map = schema.pointer(path).unwrap();
        let described: BTreeSet<&str> = map["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let built: BTreeSet<&str> = keys.built.iter().copied().collect();
        let differs: Vec<_> = described.symmetric_difference(&built).collect();
        if !differs.is_empty()
            || map["additionalProperties"] != false
            || map["patternProperties"] != json!({ "^x-": {} })
        {
            wrong.push(format!("{} at {path:?}: {differs:?}", keys.what));
        }
    }
    assert!(wrong.is_empty(), "a key of `language.rs` is a field in `schema/mirror`:\n{}", wrong.join("\n"));
}

#[test]
fn every_key_is_explained_and_its_examples_are_right() {
    let mut wrong = Vec::new();
    for (kind, schema) in kinds() {
        let definitions = &schema["definitions"];
        each(&schema, kind, &mut |path, part| {
            for (name, property) in part.get("properties").and_then(Value::as_object).into_iter().flatten() {
                let text = property["description"].as_str().unwrap_or_default();
                let examples = property["examples"].as_array().map_or(&[][..], Vec::as_slice);
                if !text.ends_with('.') || property["title"] != *name || examples.is_empty() {
                    wrong.push(format!("{path}/{name} has no description or no example"));
                }
                let mut alone = property.clone();
                alone["definitions"] = definitions.clone();
                let alone = validator(&alone);
                let values = examples.iter().chain(property.get("default"));
                wrong.extend(
                    values.filter(|value| !alone.is_valid(value)).map(|value| format!("{path}/{name}: {value}")),
                );
            }
            if let Some(words) = part.get("enum") {
                let described = part.get("enumDescriptions").and_then(Value::as_array).map(Vec::len);
                if described != words.as_array().map(Vec::len) {
                    wrong.push(format!("{path} has words without a description"));
                }
            }
            let titles = part.get("anyOf").and_then(Value::as_array).into_iter().flatten();
            let untitled = titles.filter(|choice| choice.get("title").is_none() && choice.get("$ref").is_none());
            if untitled.filter(|choice| choice.get("enum").is_none() && choice.get("type").is_none()).count() > 0 {
                wrong.push(format!("{path} has a choice without a title"));
            }
        });
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every YAML file of a folder of the checkout that is a project's.
fn project_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            project_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            found.push(path);
        }
    }
}

#[test]
fn every_spec_that_is_accepted_is_valid() {
    let mut texts: Vec<(String, String)> = good().into_iter().collect();
    for case in cases::all() {
        texts.push((case.path.to_owned(), changed(case.path, case.from, case.good).remove(case.path).unwrap()));
    }
    let mut files = Vec::new();
    for folder in ["specs", "examples", "fuzz/project"] {
        project_files(&root().join(folder), &mut files);
    }
    assert!(files.len() > 20, "{files:?}");
    for path in files {
        // The checkout may lie anywhere, and its own path says nothing.
        let name = match path.ends_with("transload.yaml") {
            true => "transload.yaml".to_owned(),
            false => path.strip_prefix(root()).unwrap().display().to_string(),
        };
        texts.push((name, std::fs::read_to_string(&path).unwrap()));
    }
    let wrong: Vec<String> = texts.iter().flat_map(|(path, text)| complaints(path, text)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_long_form_of_a_spec_is_valid() {
    let directory = written(&good());
    let project = load(directory.path()).unwrap();
    let expanded = crate::expand(&project, &super::vocabulary::FewWords { library: 7 }, Some(&catalogs())).unwrap();
    assert_eq!(expanded.len(), 3);
    let wrong: Vec<String> =
        expanded.iter().flat_map(|(entity, text)| complaints(&format!("specs/{entity}.yaml"), text)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Where only `validate` refuses what is about the language, and why: a schema sees values, not how they are written nor what they mean.
const BEYOND_SCHEMAS: &[(&str, &str)] = &[
    ("TL0106 specs/offices.yaml:9:52", HOW_IT_IS_WRITTEN),
    ("TL0108 specs/positions.yaml:11:49 default_value: 007", HOW_IT_IS_WRITTEN),
    ("TL0107 specs/doctors.yaml:7:31", THE_MAPPING_AS_A_WHOLE),
    ("TL0107 specs/positions.yaml:11:5", THE_MAPPING_AS_A_WHOLE),
    ("TL0108 specs/offices.yaml:9:77", THE_MAPPING_AS_A_WHOLE),
    ("TL0108 specs/offices.yaml:7:62", THE_MAPPING_AS_A_WHOLE),
    ("TL0108 specs/positions.yaml:12:31", WITH_THE_DEFAULTS),
    ("TL0108 specs/positions.yaml:6:70", WITH_THE_DEFAULTS),
    ("TL0108 specs/offices.yaml:11:38", WITH_THE_DEFAULTS),
    ("TL0107 specs/positions.yaml:1:14 mode: soft", WITH_THE_DEFAULTS),
    ("TL0108 specs/doctors.yaml:12:31 deletes:", WITH_THE_DEFAULTS),
    ("TL0109 specs/offices.yaml:13:41", WITH_THE_KEY),
    ("TL0108 specs/offices.yaml:8:47", WHAT_IT_MEANS),
    ("TL0108 specs/doctors.yaml:9:81", THE_COLUMNS_TYPE),
    ("TL0108 specs/doctors.yaml:10:48", THE_COLUMNS_TYPE),
    ("TL0108 specs/doctors.yaml:10:29", THE_COLUMNS_TYPE),
    ("TL0107 specs/offices.yaml:4:31 change_detection: { strategy: timestamp }", WITH_THE_DEFAULTS),
    ("TL0108 specs/offices.yaml:4:51 change_detection: { strategy: full,", WITH_THE_STRATEGY),
];

const HOW_IT_IS_WRITTEN: &str = "a schema sees the value, and not how it is written";
const THE_MAPPING_AS_A_WHOLE: &str = "what keys of a mapping mean for each other is told better by `validate`";
const WITH_THE_DEFAULTS: &str = "it depends on what the project's defaults say";
const WITH_THE_STRATEGY: &str = "what goes with a strategy is told better by `validate`";
const WITH_THE_KEY: &str = "it depends on how the entity's key comes about";
const WHAT_IT_MEANS: &str = "a pattern's meaning";
const THE_COLUMNS_TYPE: &str = "it depends on the type of the column";

#[test]
fn what_the_language_does_not_have_is_refused_by_the_schema_too() {
    let families = ["TL0105", "TL0106", "TL0107", "TL0108", "TL0109", "TL0113"];
    let mut wrong = Vec::new();
    for case in cases::all()
        .filter(|case| case.found.iter().any(|found| families.iter().any(|family| found.starts_with(family))))
    {
        let files = changed(case.path, case.from, case.bad);
        let is_refused = !complaints(case.path, &files[case.path]).is_empty();
        let found = format!("{} {}", case.found[0], case.bad);
        let reason = BEYOND_SCHEMAS.iter().find(|(start, _)| found.starts_with(start));
        if is_refused == reason.is_some() {
            wrong.push(format!("{:?} {:?}, refused: {is_refused}, known: {reason:?}", case.bad, case.found));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The notes of what is wrong with a project in which one text is another.
fn notes(path: &str, from: &str, to: &str) -> Vec<String> {
    problems(&changed(path, from, to)).into_iter().flat_map(|found: Diagnostic| found.notes).collect()
}

#[test]
fn words_are_those_that_the_decoder_lists() {
    let spec = |to: &str| ("specs/offices.yaml", "version:", format!("{to}\nversion:"));
    let field = |to: &str| ("specs/offices.yaml", "references: offices", format!("references: offices, {to}"));
    let texts = [
        ("OnMissing", field("on_missing: zzz")),
        ("OnUnmapped", field("value_map: { a: b }, on_unmapped: zzz")),
        ("OnFailure", ("specs/offices.yaml", "rule_type: required", "rule_type: required, on_failure: zzz".to_owned())),
        ("Strategy", spec("key: { strategy: zzz }")),
        ("DeleteMode", spec("deletes: { mode: zzz }")),
        ("DetectionStrategy", spec("change_detection: { strategy: zzz }")),
        ("Pairing", spec("auto_map: { match: zzz }")),
        ("OnNewColumn", spec("auto_map: { on_new_column: zzz }")),
        ("System", ("transload.yaml", "type: sqlite", "type: zzz".to_owned())),
    ];
    for (definition, (path, from, to)) in texts {
        let notes = notes(path, from, &to);
        let schema = schema_of(path);
        let found = &schema["definitions"][definition];
        let words = found.get("enum").unwrap_or(&found["anyOf"][0]["enum"]);
        let words: BTreeSet<&str> = words.as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let listed = |note: &String| note.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect::<BTreeSet<_>>();
        let words: BTreeSet<String> = words.into_iter().map(ToOwned::to_owned).collect();
        assert!(notes.iter().any(|note| listed(note) == words), "{definition}: {words:?} in {notes:?}");
    }
}

#[test]
fn limits_are_those_that_the_decoder_names() {
    let mut checked = 0;
    for (kind, schema) in kinds() {
        each(&schema, kind, &mut |path, part| {
            let (Some(least), Some(most)) = (part.get("minimum"), part.get("maximum")) else { return };
            let path = path.replace("/anyOf/0", "");
            let key = path.rsplit('/').next().unwrap();
            let (path, from, to) = match key {
                "pool" => (
                    "transload.yaml",
                    "type: sqlite, url: \"sqlite:data/legacy.db\"",
                    "url: \"postgres://u@localhost/d?sslmode=disable\", pool: -9".to_owned(),
                ),
                "parallel_entity_limit" => ("transload.yaml", "vars:", format!("execution: {{ {key}: -9 }}\nvars:")),
                "version" => ("transload.yaml", "version: 1", "version: -9".to_owned()),
                "audit_runs" => {
                    ("specs/offices.yaml", "version:", format!("change_detection: {{ {key}: -9 }}\nversion:"))
                }
                "length" | "keep_first" | "keep_last" | "days" => {
                    let strategy = match key {
                        "length" => "hash",
                        "days" => "shift_date",
                        _ => "partial",
                    };
                    let mask = format!("trimmed, mask: {{ strategy: {strategy}, {key}: -9 }} }}");
                    ("specs/offices.yaml", "trimmed }", mask)
                }
                _ => ("specs/offices.yaml", "version:", format!("load: {{ {key}: -9 }}\nversion:")),
            };
            let (notes, expected) = (notes(path, from, &to), format!("an integer from {least} to {most}"));
            assert!(notes.contains(&expected), "{key}: {expected:?} in {notes:?}");
            checked += 1;
        });
    }
    assert!(checked >= 6, "{checked}");
}

fn entity(name: &str, files: &std::collections::BTreeMap<String, String>) -> Value {
    let directory = written(files);
    let project = load(directory.path()).unwrap();
    let functions = [OfferedFunction { name: "trimmed".to_owned(), summary: "No blanks at the ends.".to_owned() }];
    let mut schemas = entity_schemas(&project, &functions, Some(&catalogs())).schemas;
    schemas.retain(|entity, _| entity.as_str() == name);
    schemas.into_values().next().unwrap()
}

#[test]
fn the_schema_of_an_entity_knows_its_columns() {
    let schema = entity("doctors", &good());
    assert!(jsonschema::meta::is_valid(&schema));
    let doctors = validator(&schema);
    let valid = |text: &str| doctors.is_valid(&from_yaml(text.as_bytes()).unwrap());
    let spec = &good()["specs/doctors.yaml"];
    assert!(valid(spec));

    for (from, to) in [
        ("entity_type: doctors", "entity_type: offices"),
        ("office_no,", "ofice_no,"),
        ("  email:", "  e_mail:"),
        ("[first_nm, last_nm]", "[first_nm, lastnm]"),
        ("joined_on: join_dt", "joined_on: joindt"),
        ("field_name: email", "field_name: emial"),
        ("version:", "key: { source: doc }\nversion:"),
        ("version:", "key: { destination: [id, nr] }\nversion:"),
        ("version:", "tests: [{ name: a, given: { row: { doc: 1 } }, expect: { row: { id: 1 } } }]\nversion:"),
        ("version:", "tests: [{ name: a, given: { row: { doc_no: 1 } }, expect: { row: { nr: 1 } } }]\nversion:"),
    ] {
        assert!(spec.contains(from), "{from}");
        assert!(!valid(&spec.replacen(from, to, 1)), "{to} is valid");
    }
    // What may be new passes.
    for (from, to) in [("references: offices", "references: shops"), ("[trimmed, lower]", "[trimmed, my_own]")] {
        assert!(valid(&spec.replacen(from, to, 1)), "{to}");
    }
    let shown = &schema["definitions"]["ShortMappings"]["properties"]["discount"]["description"];
    assert_eq!(shown, "`doctors.discount`: `text`, declared `text not null`, NOT NULL");
    let offered = &schema["definitions"]["FunctionName"]["anyOf"][0];
    assert_eq!(offered, &json!({ "enum": ["trimmed"], "enumDescriptions": ["No blanks at the ends."] }));
}

#[test]
fn what_the_database_computes_is_not_offered() {
    let schema = entity("offices", &good());
    let columns = schema["definitions"]["ShortMappings"]["properties"].as_object().unwrap();
    assert!(columns.contains_key("name") && !columns.contains_key("search"), "{columns:?}");
}

#[test]
fn a_spec_that_is_being_written_has_a_schema() {
    let mut files = good();
    let begun =
        "entity_type: doctors\nsource_table: dispatch_doctors\ndestination_table: nowhere\nfield_mapings:\n".to_owned();
    files.insert("specs/doctors.yaml".to_owned(), begun);

    let schema = entity("doctors", &files);

    let columns = schema["definitions"]["SourceColumn"]["enum"].as_array().unwrap();
    assert!(columns.contains(&json!("first_nm")), "{columns:?}");
    assert_eq!(schema["definitions"]["DestinationColumn"]["type"], "string", "its table is not known");
    let project = written(&files);
    let unknown = entity_schemas(&load(project.path()).unwrap(), &[], Some(&catalogs())).unknown;
    assert_eq!(unknown.into_iter().collect::<Vec<_>>(), ["platform.nowhere"]);
}

#[test]
fn no_example_of_another_project_is_offered_in_an_entitys_schema() {
    let schema = entity("doctors", &good());
    let mut found = Vec::new();
    each(&schema, "", &mut |path, part| {
        let examples = part.get("examples").map(Value::to_string).unwrap_or_default();
        if ["patient", "office_nm", "full_name", "first_nm\""].iter().any(|name| examples.contains(name)) {
            found.push(format!("{path} {examples}"));
        }
    });
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn variables_may_stand_for_values_of_a_project_only() {
    let project = good()["transload.yaml"].replace("read_only: true", "read_only: \"${READ_ONLY:-true}\"");
    assert_eq!(complaints("transload.yaml", &project), Vec::<String>::new());
    let wrong = good()["transload.yaml"].replace("read_only: true", "read_only: maybe");
    assert!(!complaints("transload.yaml", &wrong).is_empty());
    let spec = good()["specs/positions.yaml"].replace("batch_size: 500", "batch_size: \"${SIZE}\"");
    assert!(!complaints("specs/positions.yaml", &spec).is_empty());
}
