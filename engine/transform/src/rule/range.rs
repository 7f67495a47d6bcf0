//! The value must lie between two bounds.
//!
//! Bounds have the field's own type, so that comparing never rounds. For a timestamp, a bound that is a day means the whole day: `max: today` lets
//! what happened this afternoon pass. For a moment, that day is one of UTC.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use arrow::array::{ArrayRef, AsArray as _};
use arrow::datatypes::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType,
};
use serde_json::Value;
use transload_model::{Code, Kind, LogicalType};

use crate::convert::temporal::{days, timestamp_from_date};
use crate::convert::{Scalar, canonical};

use super::check::{Breach, Check, Prepared, Rule, Today, null_rows};
use super::parameters::Parameters;

pub(crate) const RULE: Rule = Rule { name: "range", code: Code::RuleRange, prepare };

/// Microseconds from a day's first to its last.
const REST_OF_DAY: i64 = 86_400_000_000 - 1;

#[derive(Debug)]
struct Range {
    /// The bounds, each an array of one value of the field's type.
    min: Option<ArrayRef>,
    max: Option<ArrayRef>,
    field: LogicalType,
    rejects_nulls: bool,
}

/// Which end of the range.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Min,
    Max,
}

fn prepare(field: LogicalType, parameters: &BTreeMap<String, Value>, today: Today) -> Prepared {
    let parameters = Parameters(parameters);
    parameters.only(&["min", "max", "nulls"])?;
    if !is_number(field) && field != LogicalType::Date && !has_days(field) {
        return Err(format!("a range is of numbers, dates or timestamps, the field is {field}"));
    }
    let bound = |name, end| match parameters.get(name) {
        Some(value) => bound(value, field, end, today).map(Some).map_err(|problem| format!("`{name}`: {problem}")),
        None => Ok(None),
    };
    let (min, max) = (bound("min", End::Min)?, bound("max", End::Max)?);
    if min.is_none() && max.is_none() {
        return Err("`min` or `max` is missing".to_owned());
    }
    let range = Range { min, max, field, rejects_nulls: parameters.rejects_nulls()? };
    if range.is_empty() && !is_today(&parameters, "min") && !is_today(&parameters, "max") {
        return Err("`min` is more than `max`, so no value would pass".to_owned());
    }
    Ok(Box::new(range))
}

fn is_number(field: LogicalType) -> bool {
    matches!(field.kind(), Kind::Integer | Kind::Float | Kind::Decimal)
}

/// Whether a value lies within a day, so that a bound that is a day has a first and a last moment.
fn has_days(field: LogicalType) -> bool {
    matches!(field, LogicalType::Timestamp | LogicalType::Timestamptz)
}

fn is_today(parameters: &Parameters<'_>, name: &str) -> bool {
    parameters.get(name).and_then(Value::as_str) == Some("today")
}

/// A bound as an array of one value.
fn bound(value: &Value, field: LogicalType, end: End, today: Today) -> Result<ArrayRef, String> {
    let scalar = match value.as_str() {
        Some("today") if field == LogicalType::Date || has_days(field) => {
            let mut text = String::new();
            canonical::write_date(today.map(days).unwrap_or_default(), &mut text);
            Scalar::Text(text)
        }
        Some("today") => return Err(format!("`today` is a day, the field is {field}")),
        Some(_) if is_number(field) => return Err("a number is expected".to_owned()),
        _ => Scalar::from_json(value)?,
    };
    if !has_days(field) {
        return scalar.converted(field, None).map_err(|problem| expected(field, &problem));
    }
    match scalar.converted(LogicalType::Date, None) {
        Ok(day) => moment(&day, end),
        Err(_) => scalar.converted(field, None).map_err(|problem| expected(field, &problem)),
    }
}

fn expected(field: LogicalType, problem: &str) -> String {
    match field {
        LogicalType::Date | LogicalType::Timestamp | LogicalType::Timestamptz => {
            format!("a day such as \"2020-12-31\" or `today` is expected: {problem}")
        }
        _ => format!("a value of type {field} is expected: {problem}"),
    }
}

/// The first or the last moment of a day.
fn moment(day: &ArrayRef, end: End) -> Result<ArrayRef, String> {
    let first = timestamp_from_date(day.as_primitive::<Date32Type>().value(0)).map_err(|reason| reason.message)?;
    let micros = if end == End::Min { first } else { first.saturating_add(REST_OF_DAY) };
    Ok(std::sync::Arc::new(arrow::array::TimestampMicrosecondArray::from(vec![micros])))
}

impl Range {
    fn is_empty(&self) -> bool {
        match (&self.min, &self.max) {
            (Some(min), Some(_)) => !self.outside(min).is_empty(),
            _ => false,
        }
    }

    /// The values that are there and outside the bounds.
    fn outside(&self, values: &ArrayRef) -> Vec<Breach> {
        match self.field.kind() {
            Kind::Integer => self.compared::<Int64Type>(values),
            Kind::Float => self.compared::<Float64Type>(values),
            Kind::Decimal => self.compared::<Decimal128Type>(values),
            Kind::Date => self.compared::<Date32Type>(values),
            _ => self.compared::<TimestampMicrosecondType>(values),
        }
    }

    fn compared<T: ArrowPrimitiveType>(&self, values: &ArrayRef) -> Vec<Breach> {
        let first = |bound: &Option<ArrayRef>| bound.as_ref().map(|bound| bound.as_primitive::<T>().value(0));
        let (min, max) = (first(&self.min), first(&self.max));
        let word = |value: T::Native| match (min, max) {
            // NaN is neither below nor above, and outside all the same.
            (Some(min), _) if min.partial_cmp(&value).is_none_or(Ordering::is_gt) => Some("below the minimum"),
            (_, Some(max)) if value.partial_cmp(&max).is_none_or(Ordering::is_gt) => Some("above the maximum"),
            _ => None,
        };
        let mut breaches = Vec::new();
        for (row, value) in values.as_primitive::<T>().iter().enumerate() {
            if let Some(word) = value.and_then(word) {
                breaches.push(Breach { row, message: format!("the {} is {word}", self.field) });
            }
        }
        breaches
    }
}

impl Check for Range {
    fn breaches(&self, values: &ArrayRef) -> Vec<Breach> {
        let mut breaches = self.outside(values);
        if self.rejects_nulls {
            breaches.extend(null_rows(values));
            breaches.sort_by_key(|breach| breach.row);
        }
        breaches
    }
}
