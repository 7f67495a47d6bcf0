//! The value must be in a table of the destination that no entity loads.
//!
//! Only the engine sees that table, so it judges; here the parameters are checked, and NULL is let in or not.

use std::collections::BTreeMap;

use arrow::array::ArrayRef;
use serde_json::Value;
use transload_model::{Code, LogicalType};

use super::check::{Breach, Check, Prepared, Rule, Today, null_rows};
use super::parameters::Parameters;

pub(crate) const RULE: Rule = Rule { name: "foreign_key", code: Code::RuleForeignKey, prepare };

#[derive(Debug)]
struct ForeignKey {
    rejects_nulls: bool,
}

fn prepare(_: LogicalType, parameters: &BTreeMap<String, Value>, _: Today) -> Prepared {
    let parameters = Parameters(parameters);
    parameters.only(&["table", "column", "nulls"])?;
    if parameters.get("column").is_some() && parameters.get("table").is_none() {
        return Err("`column` is one of a `table`, which is missing".to_owned());
    }
    Ok(Box::new(ForeignKey { rejects_nulls: parameters.rejects_nulls()? }))
}

impl Check for ForeignKey {
    fn breaches(&self, values: &ArrayRef) -> Vec<Breach> {
        if self.rejects_nulls { null_rows(values).collect() } else { Vec::new() }
    }
}
