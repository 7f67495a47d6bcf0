//! Text must be a JSON document that a schema describes.
//!
//! Nothing is fetched: a schema that refers to another place is refused. Patterns run in time in proportion to the text.

use std::collections::BTreeMap;

use arrow::array::{ArrayRef, AsArray as _};
use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;
use transload_model::{Code, Kind, LogicalType};

use super::check::{Breach, Check, Prepared, Rule, Today};
use super::parameters::Parameters;

pub(crate) const RULE: Rule = Rule { name: "json_schema", code: Code::RuleJsonSchema, prepare };

/// Bytes that a compiled pattern of a schema may take.
const PATTERN_BYTES_MAX: usize = 1 << 20;

#[derive(Debug)]
struct JsonSchema {
    validator: Validator,
    rejects_nulls: bool,
}

fn prepare(field: LogicalType, parameters: &BTreeMap<String, Value>, _: Today) -> Prepared {
    let parameters = Parameters(parameters);
    parameters.only(&["schema", "nulls"])?;
    if field.kind() != Kind::Text {
        return Err(format!("a JSON document is text, the field is {field}"));
    }
    let schema = match parameters.get("schema") {
        Some(schema @ Value::Object(_)) => schema,
        Some(_) => return Err("`schema` is a JSON Schema, as a map".to_owned()),
        None => return Err("`schema` is missing: a JSON Schema".to_owned()),
    };
    let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES_MAX);
    let options = jsonschema::options().with_draft(Draft::Draft7).with_pattern_options(patterns);
    let validator = options.build(schema).map_err(|error| match error.kind() {
        ValidationErrorKind::Referencing(_) => {
            "`schema` is no JSON Schema that can be used: it refers to something outside itself".to_owned()
        }
        _ => format!("`schema` is no JSON Schema: {error}"),
    })?;
    Ok(Box::new(JsonSchema { validator, rejects_nulls: parameters.rejects_nulls()? }))
}

impl JsonSchema {
    /// Why a text does not pass, without what is in it.
    fn problem(&self, text: &str) -> Option<String> {
        match serde_json::from_str::<Value>(text) {
            Err(error) => Some(format!("no JSON document: line {}, column {}", error.line(), error.column())),
            Ok(document) => {
                let error = self.validator.iter_errors(&document).next()?;
                Some(format!("not as the schema says at `{}`", error.schema_path()))
            }
        }
    }
}

impl Check for JsonSchema {
    fn breaches(&self, values: &ArrayRef) -> Vec<Breach> {
        let message = |text: Option<&str>| match text {
            None => self.rejects_nulls.then(|| "the value is NULL".to_owned()),
            Some(text) => self.problem(text),
        };
        let breach = |(row, text)| message(text).map(|message| Breach { row, message });
        values.as_string::<i32>().iter().enumerate().filter_map(breach).collect()
    }
}
