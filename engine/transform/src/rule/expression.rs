//! A script must give true.
//!
//! It sees the fields of the row, so only what runs an entity's scripts can judge; here the parameters are checked.

use std::collections::BTreeMap;

use arrow::array::ArrayRef;
use serde_json::Value;
use transload_model::{Code, LogicalType};

use super::check::{Breach, Check, Prepared, Rule, Today};
use super::parameters::Parameters;

pub(crate) const RULE: Rule = Rule { name: "expression", code: Code::RuleExpression, prepare };

#[derive(Debug)]
struct Expression;

fn prepare(_: LogicalType, parameters: &BTreeMap<String, Value>, _: Today) -> Prepared {
    let parameters = Parameters(parameters);
    parameters.only(&["expression"])?;
    match parameters.get("expression") {
        Some(Value::String(script)) if !script.trim().is_empty() => Ok(Box::new(Expression)),
        Some(_) => Err("`expression` is a script, in quotes".to_owned()),
        None => Err("`expression` is missing: a script that gives true or false".to_owned()),
    }
}

impl Check for Expression {
    fn breaches(&self, _: &ArrayRef) -> Vec<Breach> {
        Vec::new()
    }
}
