//! Built-in functions: tables of cases, and that no value makes them fall over.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef};
use proptest::prelude::*;
use serde_json::{Value, json};
use transload_model::{Kind, LogicalType, OnFailure};

use super::boundaries::any_column;
use super::given::{cases, column, logical, texts};
use crate::BUILT_IN;
use crate::argument::Arguments;
use crate::transform::{Batch, Inputs, Nulls, Transform};

#[test]
fn every_function_does_what_its_table_says() {
    for transform in BUILT_IN {
        for case in cases(transform.name) {
            let outcome = outcome(transform, &case);
            let expected =
                ["expect", "code", "refused"].iter().find_map(|key| case.get(key).map(|value| (*key, value)));
            let (kind, expected) = expected.unwrap_or_else(|| panic!("{case} expects nothing"));
            match (kind, &outcome) {
                ("refused", Err(problem)) => {
                    assert!(problem.contains(expected.as_str().unwrap()), "{}: {case}: {problem}", transform.name);
                }
                (_, Ok(done)) => assert_eq!(json!({ kind: expected }), *done, "{}: {case}", transform.name),
                (_, Err(problem)) => panic!("{}: {case}: {problem}", transform.name),
            }
        }
    }
}

/// What became of a case's one row, or why the call was refused.
fn outcome(transform: &Transform, case: &Value) -> Result<Value, String> {
    let list = |one: &str, several: &str| match (case.get(one), case.get(several)) {
        (Some(only), _) => vec![only.clone()],
        (None, Some(values)) => values.as_array().unwrap().clone(),
        (None, None) => vec![Value::from("text")],
    };
    let types: Vec<LogicalType> = list("type", "types").iter().map(|name| logical(name.as_str().unwrap())).collect();
    let given = case.get("arguments").and_then(Value::as_object).into_iter().flatten();
    let given: BTreeMap<String, Value> = given.map(|(name, value)| (name.clone(), value.clone())).collect();
    let arguments = Arguments::read(transform.args, &given)?;
    let returns = transform.check(&types.iter().copied().map(Some).collect::<Vec<_>>(), &arguments)?;
    let returns = returns.expect("inputs of known types give a known type");
    if let Some(expected) = case.get("returns") {
        assert_eq!(*expected, returns.to_string(), "{}: {case}", transform.name);
    }
    let values = list("value", "values");
    let columns: Vec<(LogicalType, ArrayRef)> =
        types.iter().zip(&values).map(|(logical, value)| (*logical, column(*logical, &[value.as_str()]))).collect();
    let done = transform.run(&Batch { columns: &columns, rows: 1 }, &arguments);
    assert_eq!(*done.array.data_type(), returns.arrow(), "{}: {case}", transform.name);
    let Some(fault) = done.faults.first() else {
        return Ok(json!({ "expect": texts(&done.array, returns)[0] }));
    };
    assert!(done.array.is_null(0), "{}: {case}: a failed row holds NULL", transform.name);
    let stops = case.get("stops").and_then(Value::as_bool).unwrap_or(false);
    assert_eq!(fault.severity == OnFailure::Fail, stops, "{}: {case}", transform.name);
    Ok(json!({ "code": fault.reason.code.info().word }))
}

/// Arguments that every call of the function may have.
fn some_arguments(transform: &Transform) -> Arguments {
    let given = match transform.name {
        "value_map" => json!({ "map": { "a": 1, "1": "one", "true": null } }),
        "constant" => json!({ "value": "x" }),
        "cut" => json!({ "length": 2 }),
        "uuid_v5" => json!({ "namespace": "0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11" }),
        _ => json!({}),
    };
    let given = given.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    Arguments::read(transform.args, &given).unwrap()
}

/// Columns of one accepted type, as many as the function takes.
fn some_inputs() -> impl Strategy<Value = (usize, Vec<(LogicalType, ArrayRef)>)> {
    (0..BUILT_IN.len(), 1..4_usize, 0..12_usize).prop_flat_map(|(index, count, rows)| {
        let transform = &BUILT_IN[index];
        let count = if transform.inputs == Inputs::One { 1 } else { count };
        let kinds = if transform.accepts.is_empty() { &[Kind::Text] } else { transform.accepts };
        let column = prop::sample::select(kinds.to_vec()).prop_flat_map(move |kind| {
            let logical = match kind {
                Kind::Decimal => LogicalType::Decimal { precision: 20, scale: 4 },
                _ => logical(&format!("{kind:?}").to_lowercase()),
            };
            prop::collection::vec(any_column(logical, rows), count)
                .prop_map(move |arrays| arrays.into_iter().map(|array| (logical, array)).collect())
        });
        (Just(index), column)
    })
}

proptest! {
    #[test]
    fn every_function_is_total_on_the_types_it_accepts((index, columns) in some_inputs()) {
        let transform = &BUILT_IN[index];
        let arguments = some_arguments(transform);
        let inputs: Vec<Option<LogicalType>> = columns.iter().map(|(logical, _)| Some(*logical)).collect();
        let returns = transform.check(&inputs, &arguments).unwrap().unwrap();
        let rows = columns.first().map_or(0, |(_, values)| values.len());
        let done = transform.run(&Batch { columns: &columns, rows }, &arguments);
        prop_assert_eq!(done.array.len(), rows);
        prop_assert_eq!(done.array.data_type(), &returns.arrow());
        prop_assert!(done.faults.windows(2).all(|pair| pair[0].row < pair[1].row));
        prop_assert!(done.faults.iter().all(|fault| done.array.is_null(fault.row)));
        if transform.nulls == Nulls::PassThrough {
            let input = &columns[0].1;
            prop_assert!((0..rows).all(|row| input.is_valid(row) || done.array.is_null(row)));
            prop_assert!(done.faults.iter().all(|fault| input.is_valid(fault.row)));
        }
    }

    #[test]
    fn no_message_holds_the_value(text in "[a-zé]{7,20}") {
        for transform in BUILT_IN.iter().filter(|transform| transform.takes(LogicalType::Text)) {
            let columns = [(LogicalType::Text, column(LogicalType::Text, &[Some(&text)]))];
            let done = transform.run(&Batch { columns: &columns, rows: 1 }, &some_arguments(transform));
            prop_assert!(done.faults.iter().all(|fault| !fault.reason.message.contains(&text)));
        }
    }
}

#[test]
fn every_function_has_a_table_and_every_table_a_function() {
    let folder = format!("{}/cases", env!("CARGO_MANIFEST_DIR"));
    let others = ["convert", "masks", "rules"];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(crate::built_in(&name).is_some() || others.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn columns_that_a_function_leaves_alone_are_not_copied() {
    let values = column(LogicalType::Integer, &[Some("1"), None]);
    let columns = [(LogicalType::Integer, Arc::clone(&values))];
    for name in ["coalesce", "to_int"] {
        let done = crate::built_in(name).unwrap().run(&Batch { columns: &columns, rows: 2 }, &Arguments::default());
        assert!(Arc::ptr_eq(&done.array, &values), "{name}");
    }
}
