//! The canonical text of a value.
//!
//! It is the one text that keys, rules, maps and text columns see, so it is written here and nowhere else in the crate. It agrees with
//! [`transload_model::KeyValue::text`], which a test holds it to.

use std::fmt::Write as _;

use arrow::array::{Array as _, ArrayRef, AsArray as _, StringBuilder};
use arrow::datatypes::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDate};
use transload_model::{KeyValue, LogicalType};
use uuid::Uuid;

use crate::column::{Column, map, map_to_text};

use super::reason::{does_not_fit, not_utf8};

/// Days from the first day of the common era to 1970-01-01.
const EPOCH_FROM_CE: i32 = 719_163;

/// The canonical texts of a column. Only bytes that are not UTF-8 have none, and what is outside the calendar.
pub(crate) fn texts(values: &ArrayRef, from: LogicalType) -> Column {
    let rows = values.len();
    let array = match from {
        LogicalType::Text => return Column::whole(values.clone()),
        LogicalType::Bytes => return text_from_bytes(values),
        LogicalType::Boolean => map_to_text(values.as_boolean().iter(), rows, |value, text| {
            text.push_str(if value { "true" } else { "false" });
        }),
        LogicalType::Integer => map_to_text(values.as_primitive::<Int64Type>().iter(), rows, write_display),
        LogicalType::Float => map_to_text(values.as_primitive::<Float64Type>().iter(), rows, write_float),
        LogicalType::Decimal { scale, .. } => {
            let decimals = values.as_primitive::<Decimal128Type>().iter();
            map_to_text(decimals, rows, |value, text| {
                write_decimal(value, scale, text);
            })
        }
        LogicalType::Date => {
            let exists = |days: i32| KeyValue::Date(days).has_text();
            return moments(values.as_primitive::<Date32Type>().iter(), exists, write_date);
        }
        LogicalType::Timestamp | LogicalType::Timestamptz => {
            let exists = |micros: i64| KeyValue::Timestamp(micros).has_text();
            let write = if from == LogicalType::Timestamp { write_timestamp } else { write_timestamptz };
            return moments(values.as_primitive::<TimestampMicrosecondType>().iter(), exists, write);
        }
        LogicalType::Uuid => map_to_text(values.as_fixed_size_binary().iter(), rows, write_uuid),
    };
    Column::whole(array)
}

/// Days or moments of which most are in the calendar.
fn moments<V: Copy>(
    values: impl ExactSizeIterator<Item = Option<V>> + Clone,
    exists: impl Fn(V) -> bool,
    write: impl Fn(V, &mut String),
) -> Column {
    let rows = values.len();
    if values.clone().flatten().all(&exists) {
        return Column::whole(map_to_text(values, rows, write));
    }
    map(values, StringBuilder::with_capacity(rows, rows * 16), |value| {
        let mut text = String::new();
        write(value, &mut text);
        if exists(value) { Ok(Some(text)) } else { Err(does_not_fit("the moment", "the calendar")) }
    })
}

fn text_from_bytes(values: &ArrayRef) -> Column {
    let sink = StringBuilder::with_capacity(values.len(), values.len() * 16);
    map(values.as_binary::<i32>().iter(), sink, |bytes| {
        std::str::from_utf8(bytes).map(|text| Some(text.to_owned())).map_err(|_| not_utf8(bytes.len()))
    })
}

fn write_display(value: impl std::fmt::Display, text: &mut String) {
    let written = write!(text, "{value}");
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

/// The shortest digits that read back as the same float; with an exponent where they would be far from the point.
pub(crate) fn write_float(value: f64, text: &mut String) {
    let is_near_the_point = value == 0.0 || !value.is_finite() || (1e-5..1e16).contains(&value.abs());
    if is_near_the_point {
        write_display(value, text);
    } else {
        write_display(format_args!("{value:e}"), text);
    }
}

/// All digits of the scale, and at least one before the point.
pub(crate) fn write_decimal(value: i128, scale: u8, text: &mut String) {
    let unit = 10_u128.pow(u32::from(scale.min(38)));
    let magnitude = value.unsigned_abs();
    if value < 0 {
        text.push('-');
    }
    write_display(magnitude / unit, text);
    if scale > 0 {
        write_display(format_args!(".{:0width$}", magnitude % unit, width = usize::from(scale)), text);
    }
}

/// `YYYY-MM-DD`; outside the calendar, the count of days since 1970-01-01.
pub(crate) fn write_date(days: i32, text: &mut String) {
    match days.checked_add(EPOCH_FROM_CE).and_then(NaiveDate::from_num_days_from_ce_opt) {
        Some(date) => write_display(date, text),
        None => write_display(days, text),
    }
}

/// `YYYY-MM-DDTHH:MM:SS`, with a fraction where there is one; outside the calendar, the count of microseconds since 1970-01-01.
pub(crate) fn write_timestamp(micros: i64, text: &mut String) {
    let Some(moment) = DateTime::from_timestamp_micros(micros) else {
        return write_display(micros, text);
    };
    let fraction = moment.timestamp_subsec_micros();
    write_display(moment.format("%Y-%m-%dT%H:%M:%S"), text);
    if fraction > 0 {
        write_display(format_args!(".{fraction:06}"), text);
        text.truncate(text.trim_end_matches('0').len());
    }
}

/// As [`write_timestamp`], with the `Z` of UTC.
pub(crate) fn write_timestamptz(micros: i64, text: &mut String) {
    write_timestamp(micros, text);
    text.push('Z');
}

/// Lower case with hyphens.
pub(crate) fn write_uuid(bytes: &[u8], text: &mut String) {
    match Uuid::from_slice(bytes) {
        Ok(uuid) => write_display(uuid.as_hyphenated(), text),
        Err(_) => debug_assert!(false, "a UUID has 16 bytes"),
    }
}
