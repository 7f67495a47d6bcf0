//! A value must be there, and text must not be empty.

use std::collections::BTreeMap;

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::datatypes::DataType;
use serde_json::Value;
use transload_model::{Code, LogicalType};

use super::check::{Breach, Check, Prepared, Rule, Today, null_rows};
use super::parameters::Parameters;

pub(crate) const RULE: Rule = Rule { name: "required", code: Code::RuleRequired, prepare };

#[derive(Debug)]
struct Required;

fn prepare(_: LogicalType, parameters: &BTreeMap<String, Value>, _: Today) -> Prepared {
    Parameters(parameters).only(&[])?;
    Ok(Box::new(Required))
}

impl Check for Required {
    fn breaches(&self, values: &ArrayRef) -> Vec<Breach> {
        if *values.data_type() != DataType::Utf8 {
            return null_rows(values).collect();
        }
        let message = |text: Option<&str>| match text {
            None => Some("the value is NULL"),
            Some("") => Some("the text is empty"),
            Some(_) => None,
        };
        let breach = |(row, text)| message(text).map(|message| Breach { row, message: message.to_owned() });
        values.as_string::<i32>().iter().enumerate().filter_map(breach).collect()
    }
}
