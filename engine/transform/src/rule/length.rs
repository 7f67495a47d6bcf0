//! Text must have so many characters, or bytes so many.
//!
//! A character is a Unicode scalar value, as databases count them.

use std::collections::BTreeMap;

use arrow::array::{ArrayRef, AsArray as _};
use serde_json::Value;
use transload_model::{Code, Kind, LogicalType};

use crate::convert::canonical::texts;

use super::check::{Breach, Check, Prepared, Rule, Today, null_rows};
use super::parameters::Parameters;

pub(crate) const RULE: Rule = Rule { name: "length", code: Code::RuleLength, prepare };

#[derive(Debug)]
struct Length {
    min: Option<u64>,
    max: Option<u64>,
    field: LogicalType,
    rejects_nulls: bool,
}

fn prepare(field: LogicalType, parameters: &BTreeMap<String, Value>, _: Today) -> Prepared {
    let parameters = Parameters(parameters);
    parameters.only(&["min", "max", "nulls"])?;
    if !matches!(field.kind(), Kind::Text | Kind::Bytes) {
        return Err(format!("a length is of text or bytes, the field is {field}"));
    }
    let bound = |name: &str| match parameters.get(name) {
        None => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or_else(|| format!("`{name}` is a count such as 40")),
    };
    let (min, max) = (bound("min")?, bound("max")?);
    match (min, max) {
        (None, None) => return Err("`min` or `max` is missing".to_owned()),
        (Some(min), Some(max)) if min > max => {
            return Err("`min` is more than `max`, so no value would pass".to_owned());
        }
        _ => {}
    }
    Ok(Box::new(Length { min, max, field, rejects_nulls: parameters.rejects_nulls()? }))
}

impl Length {
    fn breach(&self, row: usize, length: usize, unit: &str) -> Option<Breach> {
        let length = length as u64;
        let limit = match (self.min, self.max) {
            (Some(min), _) if length < min => format!("fewer than {min}"),
            (_, Some(max)) if length > max => format!("more than {max}"),
            _ => return None,
        };
        let unit = if length == 1 { unit.to_owned() } else { format!("{unit}s") };
        Some(Breach { row, message: format!("{length} {unit}, {limit}") })
    }
}

impl Check for Length {
    fn breaches(&self, values: &ArrayRef) -> Vec<Breach> {
        let mut breaches: Vec<Breach> = match self.field.kind() {
            Kind::Bytes => {
                let lengths = values.as_binary::<i32>().iter().enumerate();
                lengths.filter_map(|(row, bytes)| self.breach(row, bytes?.len(), "byte")).collect()
            }
            _ => {
                let texts = texts(values, self.field).array;
                let lengths = texts.as_string::<i32>().iter().enumerate();
                lengths.filter_map(|(row, text)| self.breach(row, text?.chars().count(), "character")).collect()
            }
        };
        if self.rejects_nulls {
            breaches.extend(null_rows(values));
            breaches.sort_by_key(|breach| breach.row);
        }
        breaches
    }
}
