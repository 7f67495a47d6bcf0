//! The canonical text of a value.
//!
//! It is the one text that keys, rules, maps and text columns see, so it is written here and nowhere else in the crate. It agrees with
//! [`transload_model::KeyValue::text`], which a test holds it to.

use std::fmt::Write as _;

use arrow::array::{Array as _, ArrayRef, AsArray as _, StringBuilder};
use arrow::datatypes::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDate};
use transload_model::LogicalType;
use uuid::Uuid;

use crate::column::{Column, map, map_to_text};

use super::reason::not_utf8;

/// Days from the first day of the common era to 1970-01-01.
const EPOCH_FROM_CE: i32 = 719_163;

/// The canonical texts of a column. Only bytes that are not UTF-8 have none.
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
        LogicalType::Date => map_to_text(values.as_primitive::<Date32Type>().iter(), rows, write_date),
        LogicalType::Timestamp => {
            map_to_text(values.as_primitive::<TimestampMicrosecondType>().iter(), rows, write_timestamp)
        }
        LogicalType::Timestamptz => {
            map_to_text(values.as_primitive::<TimestampMicrosecondType>().iter(), rows, write_timestamptz)
        }
        LogicalType::Uuid => map_to_text(values.as_fixed_size_binary().iter(), rows, write_uuid),
    };
    Column::whole(array)
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
