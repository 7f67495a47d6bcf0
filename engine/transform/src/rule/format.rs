//! The value's text must match a pattern.
//!
//! The engine behind it needs time in proportion to the text, whatever the pattern; the pattern's own size is limited when the spec is checked.

use std::collections::BTreeMap;

use arrow::array::{ArrayRef, AsArray as _};
use regex::{Regex, RegexBuilder};
use serde_json::Value;
use transload_model::{Code, Kind, LogicalType};

use crate::convert::canonical::texts;
use crate::convert::reason::length;

use super::check::{Breach, Check, Prepared, Rule, Today};
use super::parameters::Parameters;

pub(crate) const RULE: Rule = Rule { name: "format", code: Code::RuleFormat, prepare };

/// Bytes of a pattern as it is written: what reads it takes some hundred times as many before the limit below can stop it.
const PATTERN_TEXT_MAX: usize = 16 << 10;
/// Bytes that a compiled pattern may take.
const PATTERN_BYTES_MAX: usize = 1 << 20;

#[derive(Debug)]
struct Format {
    pattern: Regex,
    field: LogicalType,
    rejects_nulls: bool,
}

fn prepare(field: LogicalType, parameters: &BTreeMap<String, Value>, _: Today) -> Prepared {
    let parameters = Parameters(parameters);
    parameters.only(&["pattern", "nulls"])?;
    if field.kind() == Kind::Bytes {
        return Err("bytes have no text to match".to_owned());
    }
    let pattern = match parameters.get("pattern") {
        Some(Value::String(pattern)) => pattern,
        Some(_) => return Err("`pattern` is a regular expression, in quotes".to_owned()),
        None => return Err("`pattern` is missing: a regular expression".to_owned()),
    };
    if pattern.len() > PATTERN_TEXT_MAX {
        return Err(format!("`pattern` has {} bytes, the limit is {PATTERN_TEXT_MAX}", pattern.len()));
    }
    let rejects_nulls = parameters.rejects_nulls()?;
    let compiled = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build();
    let pattern = compiled.map_err(|error| format!("`pattern` is not a regular expression: {}", last_line(&error)))?;
    Ok(Box::new(Format { pattern, field, rejects_nulls }))
}

/// Regex errors draw the pattern over several lines; the last one says what is wrong.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let line = text.lines().last().unwrap_or_default();
    line.trim_start_matches("error: ").to_lowercase().trim_end_matches('.').to_owned()
}

impl Check for Format {
    fn breaches(&self, values: &ArrayRef) -> Vec<Breach> {
        let texts = texts(values, self.field).array;
        let message = |text: Option<&str>| match text {
            None => self.rejects_nulls.then(|| "the value is NULL".to_owned()),
            Some(text) if self.pattern.is_match(text) => None,
            Some(text) => Some(format!("{} does not match `{}`", length(text), self.pattern)),
        };
        let breach = |(row, text)| message(text).map(|message| Breach { row, message });
        texts.as_string::<i32>().iter().enumerate().filter_map(breach).collect()
    }
}
