//! The value must be one of a list.
//!
//! Values are told apart by their canonical text in the field's own type, so that `1` and `1.0` are one decimal.

use std::collections::{BTreeMap, HashSet};

use arrow::array::{ArrayRef, AsArray as _};
use serde_json::Value;
use transload_model::{Code, Kind, LogicalType};

use crate::convert::Scalar;
use crate::convert::canonical::texts;
use crate::convert::reason::length;

use super::check::{Breach, Check, Prepared, Rule, Today};
use super::parameters::Parameters;

pub(crate) const RULE: Rule = Rule { name: "enum", code: Code::RuleEnum, prepare };

#[derive(Debug)]
struct OneOf {
    values: HashSet<String>,
    field: LogicalType,
    rejects_nulls: bool,
}

fn prepare(field: LogicalType, parameters: &BTreeMap<String, Value>, _: Today) -> Prepared {
    let parameters = Parameters(parameters);
    parameters.only(&["values", "nulls"])?;
    if field.kind() == Kind::Bytes {
        return Err("bytes have no text to look up".to_owned());
    }
    let listed = match parameters.get("values") {
        Some(Value::Array(values)) if !values.is_empty() => values,
        Some(_) => return Err("`values` is a list of at least one value".to_owned()),
        None => return Err("`values` is missing: a list".to_owned()),
    };
    let mut values = HashSet::new();
    for value in listed {
        let text = text(value, field).map_err(|problem| format!("a value of `values` is no {field}: {problem}"))?;
        values.insert(text);
    }
    Ok(Box::new(OneOf { values, field, rejects_nulls: parameters.rejects_nulls()? }))
}

fn text(value: &Value, field: LogicalType) -> Result<String, String> {
    let column = Scalar::from_json(value)?.converted(field, None)?;
    let texts = texts(&column, field).array;
    let text = texts.as_string::<i32>().iter().next().flatten();
    text.map(ToOwned::to_owned).ok_or_else(|| "NULL is let in by `nulls: allow`".to_owned())
}

impl Check for OneOf {
    fn breaches(&self, values: &ArrayRef) -> Vec<Breach> {
        let texts = texts(values, self.field).array;
        let message = |text: Option<&str>| match text {
            None => self.rejects_nulls.then(|| "the value is NULL".to_owned()),
            Some(text) if self.values.contains(text) => None,
            Some(text) => Some(format!("{} is not one of the {} values", length(text), self.values.len())),
        };
        let breach = |(row, text)| message(text).map(|message| Breach { row, message });
        texts.as_string::<i32>().iter().enumerate().filter_map(breach).collect()
    }
}
