//! Entities: fields in their order, faults, defaults, rules.

use std::sync::Arc;

use arrow::array::Array as _;
use serde_json::{Value, json};
use transload_model::{CellFault, Code, OnFailure, Reference, RowFault, TransformFactory as _};

use super::given::{Given, column, context, functions, line, logical};

fn some<'a>(texts: &[&'a str]) -> Vec<Option<&'a str>> {
    texts.iter().map(|text| Some(*text)).collect()
}

fn fault(row: usize, column: usize) -> CellFault {
    CellFault {
        row,
        column,
        code: Code::ValueType,
        message: "a blob where text is expected".to_owned(),
        value_digest: 7,
    }
}

/// Why an entity cannot be compiled.
fn problem(given: Given) -> String {
    let problem = functions().compile(&given.plan(), &context()).err().expect("the plan is wrong");
    format!("{} {}", problem.code.info().word, problem.headline)
}

#[test]
fn a_field_that_needs_nothing_is_the_same_column() {
    let mut entity = Given::reading(&[("id", "integer"), ("name", "text")])
        .field("id", &[0], "integer")
        .field("name", &[1], "text")
        .with(|field| field.default = Some(Value::from("nobody")))
        .compiled();
    let batch = entity.batch(&[&some(&["1", "2"]), &some(&["a", "b"])]);
    let done = entity.entity.transform(&batch, &[]);
    assert!(Arc::ptr_eq(&done.columns[0], batch.column(0)));
    assert!(Arc::ptr_eq(&done.columns[1], batch.column(1)));
}

#[test]
fn a_row_fails_once_with_its_first_field_and_holds_nothing_then() {
    let mut entity = Given::reading(&[("id", "integer"), ("a", "text"), ("b", "text")])
        .field("id", &[0], "integer")
        .field("b", &[2], "integer")
        .field("a", &[1], "date")
        .compiled();
    let (texts, faults) = entity.run(&[
        &some(&["1", "2", "3", "4"]),
        &some(&["x", "2020-01-01", "x", "2020-01-01"]),
        &some(&["x", "x", "7", "7"]),
    ]);
    assert_eq!(faults, ["0 b transform VALUE_FORMAT", "1 b transform VALUE_FORMAT", "2 a transform VALUE_FORMAT"]);
    for texts in texts {
        assert_eq!(texts.iter().filter(|text| text.is_some()).count(), 1, "{texts:?}");
        assert!(texts[3].is_some());
    }
}

#[test]
fn a_chain_goes_from_source_to_type_in_the_documented_order() {
    let mut entity = Given::reading(&[("id", "text")])
        .field("active", &[0], "boolean")
        .call("trimmed", json!({}))
        .call("upper", json!({}))
        .call("value_map", json!({ "map": { "Y": true, "N": false }, "on_unmapped": "default" }))
        .with(|field| field.default = Some(Value::from(false)))
        .compiled();
    let (texts, faults) = entity.run(&[&[Some(" y "), Some("n"), Some("?"), None]]);
    assert_eq!(faults, [""; 0]);
    assert_eq!(texts[0], ["true", "false", "false", "false"].map(|text| Some(text.to_owned())));
}

#[test]
fn a_default_takes_the_place_of_null_and_of_nothing_else() {
    let mut entity = Given::reading(&[("id", "text")])
        .field("amount", &[0], "decimal(8,2)")
        .with(|field| field.default = Some(Value::from(0.1)))
        .field("day", &[0], "date")
        .call("value_map", json!({ "map": {}, "on_unmapped": "null" }))
        .with(|field| {
            field.default = Some(Value::from("31/01/2020"));
            field.format = Some("%d/%m/%Y".to_owned());
        })
        .field("constant", &[], "text")
        .with(|field| field.default = Some(Value::from("active")))
        .field("nothing", &[], "integer")
        .compiled();
    let (texts, faults) = entity.run(&[&[Some("1.5"), None, Some("x"), Some("")]]);
    assert_eq!(faults, ["2 amount transform VALUE_FORMAT", "3 amount transform VALUE_FORMAT"]);
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(texts[0], [text("1.50"), text("0.10"), None, None]);
    assert_eq!(texts[1], [text("2020-01-31"), text("2020-01-31"), None, None]);
    assert_eq!(texts[2], [text("active"), text("active"), None, None]);
    assert_eq!(texts[3], [None, None, None, None]);
}

#[test]
fn on_unmapped_fail_stops_the_entity() {
    let mut entity = Given::reading(&[("id", "text")])
        .field("sex", &[0], "text")
        .call("value_map", json!({ "map": { "1": "male" }, "on_unmapped": "fail" }))
        .field("other", &[0], "text")
        .call("value_map", json!({ "map": { "1": "male" } }))
        .compiled();
    assert_eq!(entity.run(&[&some(&["1", "2"])]).1, ["1 sex transform VALUE_UNMAPPED fail"]);
}

#[test]
fn cells_that_could_not_be_read_fail_their_rows() {
    let mut entity = Given::reading(&[("id", "integer"), ("a", "text"), ("b", "text"), ("unread", "text")])
        .field("number", &[0], "integer")
        .field("both", &[1, 2], "text")
        .call("coalesce", json!({}))
        .field("scripted", &[0], "text")
        .script("row.b")
        .compiled();
    let batch = entity.batch(&[&some(&["1", "2", "3", "4", "5"]), &[None; 5], &[Some("b"); 5], &[None; 5]]);
    let faults = [fault(4, 0), fault(1, 1), fault(2, 2), fault(3, 3)];
    let done = entity.entity.transform(&batch, &faults);
    let lines: Vec<String> = done.faults.iter().map(line).collect();
    assert_eq!(lines, ["1 both read VALUE_TYPE", "2 both read VALUE_TYPE", "4 id read VALUE_TYPE"]);
    assert_eq!(done.faults[0].message, "a blob where text is expected");
    assert!(done.columns.iter().all(|column| (0..5).all(|row| column.is_valid(row) == [0, 3].contains(&row))));
    let mut entity =
        Given::reading(&[("id", "integer"), ("b", "text")]).field("scripted", &[0], "text").script("row.b").compiled();
    let batch = entity.batch(&[&some(&["1"]), &[None]]);
    assert_eq!(
        entity.entity.transform(&batch, &[fault(0, 1)]).faults.iter().map(line).collect::<Vec<_>>(),
        ["0 scripted read VALUE_TYPE"]
    );
}

#[test]
fn a_batch_that_is_not_the_plans_arrives_nowhere() {
    let mut entity = Given::reading(&[("id", "integer")]).field("id", &[0], "integer").compiled();
    let other = Given::reading(&[("id", "text")]).compiled();
    let done = entity.entity.transform(&other.batch(&[&some(&["1"])]), &[]);
    assert_eq!((done.faults.len(), done.faults[0].severity), (1, OnFailure::Fail));
    assert!(done.columns[0].is_null(0));
}

#[test]
fn a_batch_without_rows_is_one() {
    let mut entity = Given::reading(&[("id", "text"), ("b", "text")])
        .field("a", &[0, 1], "text")
        .call("concat", json!({}))
        .script("trimmed(value) + row.b")
        .call("value_map", json!({ "map": { "a": 1 }, "on_unmapped": "keep" }))
        .field("c", &[], "text")
        .with(|field| field.default = Some(Value::from("c")))
        .compiled();
    assert_eq!(entity.run(&[&[], &[]]), (vec![vec![], vec![]], vec![]));
}

#[test]
fn several_values_reach_a_script_as_an_array() {
    let mut entity = Given::reading(&[("id", "integer"), ("name", "text")])
        .field("both", &[0, 1], "text")
        .script("`${value[1]}-${value[0] + 1}${value.len()}`")
        .field("none", &[], "text")
        .script("if value == () { vars.country_prefix }")
        .compiled();
    let (texts, faults) = entity.run(&[&some(&["1"]), &some(&["a"])]);
    assert_eq!((texts[0][0].as_deref(), texts[1][0].as_deref(), faults.len()), (Some("a-22"), Some("+1"), 0));
}

#[test]
fn every_type_crosses_into_a_script_and_back() {
    let types =
        ["boolean", "integer", "float", "decimal(10,2)", "text", "bytes", "date", "timestamp", "timestamptz", "uuid"];
    let values = [
        "true",
        "-7",
        "0.1",
        "1.50",
        "a",
        "b",
        "2020-02-29",
        "2020-02-29T12:00:00.5",
        "2020-02-29T12:00:00.5Z",
        "0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11",
    ];
    for (name, value) in types.iter().zip(values) {
        let mut entity =
            Given::reading(&[("id", name)]).field("field", &[0], name).script("let copy = value; copy").compiled();
        let (texts, faults) = entity.run(&[&[Some(value), None]]);
        assert_eq!((texts[0].clone(), faults), (vec![Some(value.to_owned()), None], vec![]), "{name}");
    }
}

#[test]
fn what_a_script_gives_is_converted_like_anything_else() {
    let outcome = |body: &str, of: &str| {
        let mut entity = Given::reading(&[("id", "text")]).field("f", &[0], of).script(body).compiled();
        let (texts, faults) = entity.run(&[&some(&["a"])]);
        faults.first().cloned().unwrap_or_else(|| texts[0][0].clone().unwrap_or_default()).replace("0 f transform ", "")
    };
    assert_eq!(outcome("\"7\"", "integer"), "7");
    assert_eq!(outcome("\"seven\"", "integer"), "VALUE_FORMAT");
    assert_eq!(outcome("7.0", "integer"), "7");
    assert_eq!(outcome("7.5", "integer"), "VALUE_RANGE");
    assert_eq!(outcome("7", "decimal(5,2)"), "7.00");
    assert_eq!(outcome("true", "integer"), "1");
    assert_eq!(outcome("true", "date"), "SCRIPT_RESULT_TYPE");
    assert_eq!(outcome("2020", "uuid"), "SCRIPT_RESULT_TYPE");
    assert_eq!(outcome("\"2020-02-29\"", "date"), "2020-02-29");
    assert_eq!(outcome("\"2020-02-30\"", "date"), "VALUE_FORMAT");
    assert_eq!(outcome("now + \"Z\"", "timestamptz"), "2026-11-20T12:00:00Z");
    assert_eq!(outcome("now", "timestamptz"), "VALUE_FORMAT");
    assert_eq!(outcome("0.1 + 0.2", "text"), "0.30000000000000004");
}

#[test]
fn plans_that_do_not_fit_are_refused() {
    let id = || Given::reading(&[("id", "integer"), ("b", "text")]);
    let default = |value: Value| {
        id().field("f", &[0], "date").with(|field| {
            field.sources.clear();
            field.default = Some(value);
        })
    };
    assert_eq!(
        problem(id().field("f", &[0], "date")),
        "IMPOSSIBLE_CONVERSION patients, field `f`: integer cannot become date"
    );
    assert_eq!(
        problem(default(Value::from(7))),
        "SPEC_VALUE patients, field `f`: the default does not fit the field: integer cannot become date"
    );
    assert!(problem(default(Value::from("never"))).starts_with("SPEC_VALUE"));
    assert!(problem(id().field("f", &[0, 1], "text")).starts_with("FUNCTION_ARGUMENT"));
    assert!(
        problem(id().field("f", &[0], "text").call("trimmed", json!({})))
            .ends_with("`trimmed`: it takes text, here is integer")
    );
    assert!(problem(id().field("f", &[1], "text").call("nope", json!({}))).starts_with("UNKNOWN_FUNCTION"));
    assert!(
        problem(id().field("f", &[1], "date").with(|field| field.format = Some("%Q".to_owned())))
            .starts_with("SPEC_VALUE")
    );
    assert!(
        problem(id().field("f", &[1], "text").rule(0, "range", json!({ "min": 1 }), OnFailure::Warn))
            .starts_with("RULE_PARAMETER")
    );
}

/// What `validate` says of columns given as types and texts.
fn judged(given: Given, columns: &[&[Option<&str>]], skip: &[bool]) -> Vec<String> {
    let mut entity = given.compiled();
    let types = entity.plan.fields.iter().map(|field| field.written_as);
    let arrays: Vec<_> = types.zip(columns).map(|(logical, texts)| column(logical, texts)).collect();
    entity.entity.validate(&arrays, skip).iter().map(line).collect()
}

fn clinic() -> Given {
    Given::reading(&[("id", "integer")])
        .field("name", &[0], "text")
        .with(|field| field.required = true)
        .field("parent", &[0], "integer")
        .with(|field| {
            field.required = true;
            field.written_as = logical("text");
            field.reference = Some(Reference {
                column: None,
                entity: transload_model::EntityName::parse("patients").unwrap(),
                on_missing: transload_model::OnMissing::Quarantine,
                is_made: true,
            });
        })
        .field("age", &[0], "integer")
        .rule(2, "range", json!({ "max": 120 }), OnFailure::Warn)
        .rule(0, "format", json!({ "pattern": "^[A-Z]" }), OnFailure::Quarantine)
        .rule(2, "range", json!({ "min": 0 }), OnFailure::Fail)
        .rule(0, "required", json!({}), OnFailure::Quarantine)
        .rule(0, "unique", json!({ "scope": "destination" }), OnFailure::Quarantine)
}

#[test]
fn required_comes_before_rules_and_a_row_fails_once() {
    let names = [Some("Ada"), None, Some("ada"), Some("ada"), Some("Ada"), Some("")];
    let parents = [Some("k"), Some("k"), None, Some("k"), Some("k"), Some("k")];
    let ages = [Some("7"), Some("-1"), Some("7"), Some("-1"), Some("-1"), Some("200")];
    let faults = judged(clinic(), &[&names, &parents, &ages], &[false; 6]);
    assert_eq!(
        faults,
        [
            "1 name validate REQUIRED_MISSING",
            "2 parent validate REQUIRED_MISSING",
            "3 name validate RULE_FORMAT",
            "4 age validate RULE_RANGE fail",
            "5 name validate RULE_FORMAT",
            "5 age validate RULE_RANGE warn"
        ]
    );
}

#[test]
fn rows_to_skip_are_not_judged() {
    let (names, parents, ages) = ([None, None], [None, Some("k")], [Some("200"), Some("200")]);
    let faults = judged(clinic(), &[&names, &parents, &ages], &[true, false]);
    assert_eq!(faults, ["1 name validate REQUIRED_MISSING", "1 age validate RULE_RANGE warn"]);
}

#[test]
fn faults_say_no_values() {
    let mut entity = clinic().compiled();
    let arrays = [
        column(logical("text"), &[Some("lovelace")]),
        column(logical("text"), &[Some("k")]),
        column(logical("integer"), &[Some("98765")]),
    ];
    let faults: Vec<RowFault> = entity.entity.validate(&arrays, &[]);
    let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(messages, ["text of 8 characters does not match `^[A-Z]`", "the integer is above the maximum"]);
}
