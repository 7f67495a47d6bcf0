//! Rules: a table.

use chrono::NaiveDate;
use serde_json::Value;

use super::Rule;
use crate::tests::given::{cases, column, logical};

#[test]
fn every_rule_does_what_its_table_says() {
    let today = NaiveDate::from_ymd_opt(2026, 11, 20);
    for case in cases("rules") {
        let field = logical(case["field"].as_str().unwrap());
        let rule = Rule::find(case["rule"].as_str().unwrap()).unwrap();
        let parameters = case.get("parameters").and_then(Value::as_object).into_iter().flatten();
        let parameters = parameters.map(|(name, value)| (name.clone(), value.clone())).collect();
        let prepared = (rule.prepare)(field, &parameters, today);
        if let Some(expected) = case.get("refused") {
            let problem = prepared.map(|_| ()).unwrap_err();
            assert!(problem.contains(expected.as_str().unwrap()), "{case}: {problem}");
            continue;
        }
        let check = prepared.unwrap_or_else(|problem| panic!("{case}: {problem}"));
        let list = |key: &str| case[key].as_array().unwrap().iter().map(Value::as_str).collect::<Vec<_>>();
        let (passes, breaks) = (list("passes"), list("breaks"));
        let values = column(field, &[passes.clone(), breaks.clone()].concat());
        let broken: Vec<usize> = check.breaches(&values).iter().map(|breach| breach.row).collect();
        assert_eq!(broken, (passes.len()..passes.len() + breaks.len()).collect::<Vec<_>>(), "{case}");
        for breach in check.breaches(&values) {
            let value = breaks[breach.row - passes.len()];
            assert!(
                !value.is_some_and(|value| value.len() > 3 && breach.message.contains(value)),
                "{}",
                breach.message
            );
        }
    }
}

#[test]
fn a_float_that_is_no_number_is_in_no_range() {
    let parameters = [("min".to_owned(), Value::from(0))].into();
    let check = (super::range::RULE.prepare)(logical("float"), &parameters, None).unwrap();
    let values: arrow::array::ArrayRef = std::sync::Arc::new(arrow::array::Float64Array::from(vec![f64::NAN, 1.0]));
    assert_eq!(check.breaches(&values).len(), 1);
}

#[test]
fn a_pattern_costs_time_in_proportion_to_the_text() {
    let parameters = [("pattern".to_owned(), Value::from("(a+)+$"))].into();
    let check = (super::format::RULE.prepare)(logical("text"), &parameters, None).unwrap();
    let text = format!("{}b", "a".repeat(100_000));
    assert_eq!(check.breaches(&column(logical("text"), &[Some(&text)])).len(), 1);
}
