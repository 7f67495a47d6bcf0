//! What the compiler of specs is told.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use transload_model::{Function, FunctionInfo, LogicalType, Vocabulary as _};

use super::given::{functions, logical};

fn call(
    name: &str,
    inputs: &[Option<LogicalType>],
    arguments: Value,
) -> Result<FunctionInfo, Option<(String, String)>> {
    let arguments: BTreeMap<String, Value> =
        arguments.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    functions().call(name, inputs, &arguments)
}

#[test]
fn calls_are_typed_or_refused() {
    let text = Some(LogicalType::Text);
    let built_in = |name: &str, returns| Ok(FunctionInfo { function: Function::BuiltIn(name.to_owned()), returns });
    assert_eq!(call("trimmed", &[text], json!({})), built_in("trimmed", text));
    assert_eq!(call("trimmed", &[None], json!({})), built_in("trimmed", text));
    assert_eq!(call("coalesce", &[None], json!({})), built_in("coalesce", None));
    assert_eq!(
        call("value_map", &[None], json!({ "map": { "a": 1 }, "on_unmapped": "keep" })),
        built_in("value_map", None)
    );
    assert_eq!(
        call("parse_decimal", &[text], json!({ "precision": 10 })),
        built_in("parse_decimal", Some(logical("decimal(10,2)")))
    );
    assert_eq!(
        call("us_phone", &[text, text], json!({})),
        Ok(FunctionInfo { function: Function::Library("us_phone".to_owned()), returns: None })
    );
    assert_eq!(call("nope", &[text], json!({})), Err(None));
    let refused = |headline: &str, note: &str| Err(Some((headline.to_owned(), note.to_owned())));
    assert_eq!(
        call("trimmed", &[text, text], json!({})),
        refused("`trimmed` cannot be called like this", "it takes one value, here are 2")
    );
    assert_eq!(
        call("us_phone", &[text], json!({ "country": 1 })),
        refused("`us_phone` cannot be called like this", "a library function has no arguments, here is `country`")
    );
}

#[test]
fn rules_are_checked_by_name_and_parameters() {
    let rule = |name: &str, parameters: BTreeMap<String, Value>| functions().rule(name, LogicalType::Date, &parameters);
    assert_eq!(
        functions().rule_names(),
        ["required", "unique", "format", "range", "length", "enum", "json_schema", "expression", "foreign_key"]
    );
    assert_eq!(rule("legnth", BTreeMap::new()), Err(None));
    assert_eq!(rule("range", [("max".to_owned(), Value::from("today"))].into()), Ok(()));
    let (headline, note) = rule("range", BTreeMap::new()).unwrap_err().unwrap();
    assert_eq!(
        (headline.as_str(), note.as_str()),
        ("the rule `range` cannot be stated like this", "`min` or `max` is missing")
    );
}

#[test]
fn scripts_of_the_examples_pass() {
    for body in [
        "let parts = value.filter(|part| part != ()).map(|part| trimmed(part)).filter(|part| part != \"\");\nparts.reduce(|name, part| if name == () { part } else { `${name} ${part}` })",
        "let number = phone_digits(value);\nif number == () { return; }\nif number.len() != 10 { throw `phone has ${number.len()} digits`; }\nvars.country_prefix + number",
        "let padded = `000${value}`;\n`${row.sys_cd}-${padded.sub_string(-4)}`",
        "let digits = \"\";\nfor c in value.chars() { if c >= '0' && c <= '9' { digits += c; } }\ndigits",
    ] {
        assert_eq!(functions().check_script(body, &["sys_cd"]).err(), None, "{body}");
    }
}
