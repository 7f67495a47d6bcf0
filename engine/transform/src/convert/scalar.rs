//! One value from a spec: a default, a constant, an entry of a map, a bound.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use serde_json::Value;
use transload_model::{Conversion, LogicalType};

use super::{Format, canonical, convert};

/// A value as YAML has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar {
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Text(String),
}

impl Scalar {
    /// Takes a value of a spec.
    ///
    /// # Errors
    /// Says why it is none: a list, a map, NULL, or a number out of range.
    pub(crate) fn from_json(value: &Value) -> Result<Self, String> {
        match value {
            Value::Bool(value) => Ok(Self::Boolean(*value)),
            Value::String(text) => Ok(Self::Text(text.clone())),
            Value::Number(number) => match (number.as_i64(), number.is_f64(), number.as_f64()) {
                (Some(value), _, _) => Ok(Self::Integer(value)),
                (None, true, Some(value)) if value.is_finite() => Ok(Self::Float(value)),
                _ => Err("a whole number has at most 64 bits".to_owned()),
            },
            Value::Null => Err("NULL is not a value".to_owned()),
            Value::Array(_) | Value::Object(_) => Err("a list or a map is not a single value".to_owned()),
        }
    }

    /// Its type.
    pub(crate) fn logical(&self) -> LogicalType {
        match self {
            Self::Boolean(_) => LogicalType::Boolean,
            Self::Integer(_) => LogicalType::Integer,
            Self::Float(_) => LogicalType::Float,
            Self::Text(_) => LogicalType::Text,
        }
    }

    /// Its canonical text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        match self {
            Self::Boolean(value) => text = value.to_string(),
            Self::Integer(value) => text = value.to_string(),
            Self::Float(value) => canonical::write_float(*value, &mut text),
            Self::Text(value) => text.clone_from(value),
        }
        text
    }

    /// The value for every row.
    pub(crate) fn repeated(&self, rows: usize) -> ArrayRef {
        match self {
            Self::Boolean(value) => Arc::new(BooleanArray::from(vec![*value; rows])),
            Self::Integer(value) => Arc::new(Int64Array::from_value(*value, rows)),
            Self::Float(value) => Arc::new(Float64Array::from_value(*value, rows)),
            Self::Text(value) => Arc::new(StringArray::from_iter_values(std::iter::repeat_n(value, rows))),
        }
    }

    /// The one value as `to`.
    ///
    /// # Errors
    /// Says why it does not fit.
    pub(crate) fn converted(&self, to: LogicalType, format: Option<&Format>) -> Result<ArrayRef, String> {
        let from = self.logical();
        if from.conversion(to) == Conversion::Impossible {
            return Err(format!("{from} cannot become {to}"));
        }
        let mut column = convert(&self.repeated(1), from, to, format);
        column.faults.pop().map_or(Ok(column.array), |fault| Err(fault.reason.message))
    }
}
