//! The standard library, and what a project's files may be.

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::Dynamic;
use serde_json::Value;
use transload_model::{Code, SourceFile, Vocabulary as _};

use super::given::{context, functions};
use crate::Functions;
use crate::script::{Host, Library, Program, RowInput, checking_engine};

fn transforms() -> String {
    format!("{}/../../transforms", env!("CARGO_MANIFEST_DIR"))
}

fn file(text: &str) -> Arc<SourceFile> {
    Arc::new(SourceFile::new("transforms/own.rhai", text))
}

/// What is wrong with a project that has this file: code, headline, place, marked text.
fn problems(text: &str) -> Vec<String> {
    let problems = Functions::new(&[file(text)]).err().unwrap_or_default();
    let line = |problem: transload_model::Diagnostic| {
        let marked = problem.labels.first().and_then(|label| label.file.text.get(label.span.clone())).unwrap_or("?");
        let place = problem.place().unwrap_or_default().replace("transforms/own.rhai:", "");
        format!("{} {} | {place} {marked}", problem.code.info().word, problem.headline)
    };
    problems.into_iter().map(line).collect()
}

#[test]
fn library_functions_do_what_their_tables_say() {
    let library = Library::new(&[], &checking_engine()).unwrap();
    let host = Host::new(&library, &context());
    let mut seen = BTreeMap::new();
    for entry in std::fs::read_dir(format!("{}/cases", transforms())).unwrap() {
        let path = entry.unwrap().path();
        let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for case in cases {
            let name = case["function"].as_str().unwrap().to_owned();
            *seen.entry(name.clone()).or_insert(0) += 1;
            let input = RowInput { value: dynamic(&case["value"]), row: rhai::Map::new() };
            let done = host.run(&Program::Library(name), input, Vec::new);
            match (case.get("throws"), done) {
                (Some(_), Err(reason)) => assert_eq!(reason.code, Code::ScriptThrown, "{case}: {}", reason.message),
                (None, Ok(value)) => assert_eq!(json(value), case["expect"], "{case}"),
                (throws, done) => panic!("{case}: {throws:?} {done:?}"),
            }
        }
    }
    let without: Vec<_> = library.functions().iter().filter(|function| !seen.contains_key(&function.name)).collect();
    assert!(without.is_empty(), "functions without cases: {:?}", without.iter().map(|f| &f.name).collect::<Vec<_>>());
}

fn dynamic(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => number.as_i64().map_or_else(|| number.as_f64().unwrap().into(), Into::into),
        Value::String(text) => text.into(),
        Value::Array(items) => Dynamic::from_array(items.iter().map(dynamic).collect()),
        Value::Object(_) => panic!("a map is no value of a field"),
    }
}

fn json(value: Dynamic) -> Value {
    match (value.as_int(), value.as_float(), value.as_bool(), value.is_unit()) {
        (Ok(number), ..) => number.into(),
        (_, Ok(number), ..) => number.into(),
        (_, _, Ok(value), _) => value.into(),
        (.., true) => Value::Null,
        _ => value.to_string().into(),
    }
}

#[test]
fn every_file_of_the_standard_library_is_embedded() {
    let pages = functions().pages();
    for entry in std::fs::read_dir(transforms()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rhai") {
            let name = format!("transforms/{}", path.file_name().unwrap().to_str().unwrap());
            assert!(pages.iter().any(|page| page.origin == name), "{name} is not in the list");
        }
    }
}

#[test]
fn every_function_has_a_page() {
    let pages = functions().pages();
    let mut names: Vec<String> = pages.iter().map(|page| page.name.clone()).collect();
    let mut known = functions().function_names();
    names.sort();
    known.sort();
    assert_eq!(names, known);
    for page in &pages {
        assert!(!page.summary.is_empty() && page.text.contains(&page.summary), "{}", page.name);
    }
    let trimmed = pages.iter().find(|page| page.name == "trimmed").unwrap();
    assert_eq!(trimmed.origin, "built in");
    assert_eq!(trimmed.summary, "Text without white space at both ends.");
    assert!(
        trimmed.text.ends_with("\n  takes    text\n  gives    text\n  NULL     stays NULL\n  scripts  trimmed(text)\n"),
        "{}",
        trimmed.text
    );
}

#[test]
fn a_project_adds_functions_and_uses_those_of_other_files() {
    let files = [
        file("// Twice.\nfn twice(value) { once(once(value)) }\nfn pair(a, b) { a }"),
        file("private fn hidden(x) { x }\nfn once(value) { us_phone(hidden(value)) }"),
    ];
    let functions = Functions::new(&files).unwrap();
    assert!(functions.function_names().contains(&"twice".to_owned()));
    for not_a_transformation in ["pair", "hidden"] {
        assert!(!functions.function_names().contains(&not_a_transformation.to_owned()), "{not_a_transformation}");
    }
    let page = functions.pages().into_iter().find(|page| page.name == "twice").unwrap();
    assert_eq!((page.summary.as_str(), page.origin.as_str()), ("Twice.", "transforms/own.rhai"));
    assert!(functions.check_script("twice(value)", &[]).is_ok());
    assert_ne!(functions.library_fingerprint(), Functions::new(&[]).unwrap().library_fingerprint());
    assert_eq!(Functions::new(&[]).unwrap().library_fingerprint(), Functions::new(&[]).unwrap().library_fingerprint());
}

#[test]
fn what_is_wrong_with_a_file_is_shown_in_it() {
    let one = |text: &str| problems(text).join("\n");
    assert_eq!(
        one("fn f(value) {\n  trimed(value)\n}"),
        "SCRIPT_UNKNOWN_NAME there is no function `trimed` | 2:3 trimed"
    );
    assert_eq!(
        one("fn f(value) { valeu }"),
        "SCRIPT_UNKNOWN_NAME a script does not know the variable `valeu` | 1:15 valeu"
    );
    assert_eq!(
        one("fn f(value) { vars.x }"),
        "SCRIPT_UNKNOWN_NAME a script does not know the variable `vars` | 1:15 vars"
    );
    assert_eq!(one("fn f(value) { eval(value) }"), "SCRIPT_FORBIDDEN scripts may not call `eval` | 1:15 eval");
    assert_eq!(
        one("fn f(é) { é }\nfn g(value) { é; sleep(1); value }").lines().next().unwrap().get(..12),
        Some("SCRIPT_PARSE")
    );
    assert!(
        one("fn f(value) { value +").starts_with("SCRIPT_PARSE the script is not rhai: "),
        "{}",
        one("fn f(value) { value +")
    );
    assert_eq!(one("fn trimmed(value) { value }"), "SCRIPT_SHADOW the function `trimmed` is built in | 1:1 fn trimmed");
    assert_eq!(
        one("fn to_upper(value) { value }"),
        "SCRIPT_SHADOW the function `to_upper` is built in | 1:1 fn to_upper"
    );
    assert_eq!(
        one("fn us_phone(value) { value }"),
        "SCRIPT_SHADOW the function `us_phone` is defined already | 1:1 fn us_phone"
    );
    assert_eq!(one("fn f(a) { a }\nfn f(a, b) { b }"), "SCRIPT_SHADOW the function `f` is defined already | 2:1 fn f");
    assert_eq!(
        one("let x = 1;\nfn f(value) { value }"),
        "SCRIPT_FORBIDDEN a library file holds functions and nothing else | 1:1 let"
    );
    assert_eq!(
        one("fn f(value) {\n  import \"x\" as y; value }"),
        "SCRIPT_FORBIDDEN scripts may not call `import` | 2:3 import"
    );
    assert_eq!(problems("fn f(value) { a1(value); b2(value) }").len(), 2);
}
