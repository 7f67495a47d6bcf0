//! No other row may have the value.
//!
//! Only the engine sees all rows, so it judges; here the parameters are checked.

use std::collections::BTreeMap;

use arrow::array::ArrayRef;
use serde_json::Value;
use transload_model::{Code, LogicalType};

use super::check::{Breach, Check, Prepared, Rule, Today};
use super::parameters::Parameters;

pub(crate) const RULE: Rule = Rule { name: "unique", code: Code::RuleUnique, prepare };

#[derive(Debug)]
struct Unique;

fn prepare(_: LogicalType, parameters: &BTreeMap<String, Value>, _: Today) -> Prepared {
    let parameters = Parameters(parameters);
    parameters.only(&["scope"])?;
    match parameters.get("scope").map(Value::as_str) {
        None | Some(Some("destination")) => Ok(Box::new(Unique)),
        Some(_) => Err("`scope` is `destination`".to_owned()),
    }
}

impl Check for Unique {
    fn breaches(&self, _: &ArrayRef) -> Vec<Breach> {
        Vec::new()
    }
}
