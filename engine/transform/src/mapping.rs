//! The map of `value_map`, ready to be looked up.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, UInt32Array};
use serde_json::{Map, Value};
use transload_model::LogicalType;

use crate::convert::Scalar;

/// Values by canonical text.
#[derive(Debug, Clone)]
pub(crate) struct Mapping {
    places: HashMap<String, u32>,
    values: Vec<Option<Scalar>>,
}

impl Mapping {
    /// Takes the map of a spec. NULL is a value here: what is mapped to it becomes NULL.
    ///
    /// # Errors
    /// Says which entry is no single value.
    pub(crate) fn read(entries: &Map<String, Value>) -> Result<Self, String> {
        let mut places = HashMap::with_capacity(entries.len());
        let mut values = Vec::with_capacity(entries.len());
        for (place, (text, value)) in (0..).zip(entries) {
            places.insert(text.clone(), place);
            values.push(match value {
                Value::Null => None,
                _ => Some(Scalar::from_json(value).map_err(|problem| format!("the entry `{text}`: {problem}"))?),
            });
        }
        Ok(Self { places, values })
    }

    /// The type of all values: the narrowest that holds each of them as it is.
    pub(crate) fn returns(&self) -> LogicalType {
        let all = |fits: fn(&Scalar) -> bool| self.values.iter().flatten().all(fits);
        if self.values.iter().all(Option::is_none) {
            LogicalType::Text
        } else if all(|value| boolean(value).is_some()) {
            LogicalType::Boolean
        } else if all(|value| integer(value).is_some()) {
            LogicalType::Integer
        } else if all(|value| float(value).is_some()) {
            LogicalType::Float
        } else {
            LogicalType::Text
        }
    }

    /// The value's place for each text; none where the text is NULL or not in the map.
    pub(crate) fn places(&self, texts: &StringArray) -> UInt32Array {
        texts.iter().map(|text| self.places.get(text?).copied()).collect()
    }

    /// The values, by place.
    pub(crate) fn values(&self, as_type: LogicalType) -> ArrayRef {
        let values = self.values.iter();
        match as_type {
            LogicalType::Boolean => Arc::new(values.map(|value| boolean(value.as_ref()?)).collect::<BooleanArray>()),
            LogicalType::Integer => Arc::new(values.map(|value| integer(value.as_ref()?)).collect::<Int64Array>()),
            LogicalType::Float => Arc::new(values.map(|value| float(value.as_ref()?)).collect::<Float64Array>()),
            _ => Arc::new(values.map(|value| value.as_ref().map(Scalar::text)).collect::<StringArray>()),
        }
    }
}

fn boolean(value: &Scalar) -> Option<bool> {
    if let Scalar::Boolean(value) = value { Some(*value) } else { None }
}

fn integer(value: &Scalar) -> Option<i64> {
    if let Scalar::Integer(value) = value { Some(*value) } else { None }
}

/// A float, or an integer that a float holds exactly.
fn float(value: &Scalar) -> Option<f64> {
    match value {
        Scalar::Float(value) => Some(*value),
        Scalar::Integer(value) => crate::convert::number::float_from_integer(*value).ok(),
        _ => None,
    }
}
