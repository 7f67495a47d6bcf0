//! A column of one type as a column of another.
//!
//! One arm for each pair of types; what happens to a single value is in [`super::number`], [`super::temporal`] and [`super::canonical`].

use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanBuilder, PrimitiveBuilder};
use arrow::datatypes::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType,
};
use transload_model::{Code, LogicalType};
use uuid::Uuid;

use crate::column::{Column, Fault, Reason, UuidSink, map, map_to_bytes, nulls};

use super::canonical::texts;
use super::number;
use super::reason::not_a;
use super::temporal::{
    Format, date_from_text, date_from_timestamp, moment_from_text, timestamp_from_date, timestamp_from_text,
};

/// Converts every value. `format` is how text spells dates and timestamps; ISO 8601 where there is none.
pub(crate) fn convert(values: &ArrayRef, from: LogicalType, to: LogicalType, format: Option<&Format>) -> Column {
    if from == to {
        return Column::whole(values.clone());
    }
    match to {
        LogicalType::Text => texts(values, from),
        LogicalType::Integer => to_integer(values, from),
        LogicalType::Float => to_float(values, from),
        LogicalType::Decimal { precision, scale } => to_decimal(values, from, (precision, scale)),
        LogicalType::Boolean => to_boolean(values, from),
        LogicalType::Date => to_date(values, from, format),
        LogicalType::Timestamp => to_timestamp(values, from, format),
        LogicalType::Timestamptz => to_timestamptz(values, from),
        LogicalType::Uuid => to_uuid(values, from),
        LogicalType::Bytes => to_bytes(values, from),
    }
}

/// What no plan asks for: every value fails.
fn impossible(values: &ArrayRef, from: LogicalType, to: LogicalType) -> Column {
    let valid = (0..values.len()).filter(|row| values.is_valid(*row));
    let reason = || Reason::new(Code::ValueType, format!("{from} cannot become {to}"));
    let faults = valid.map(|row| Fault::quarantine(row, reason())).collect();
    Column { array: nulls(to, values.len()), faults }
}

fn builder<T: ArrowPrimitiveType>(values: &ArrayRef) -> PrimitiveBuilder<T> {
    PrimitiveBuilder::with_capacity(values.len())
}

fn to_integer(values: &ArrayRef, from: LogicalType) -> Column {
    let sink = builder::<Int64Type>(values);
    match from {
        LogicalType::Text => {
            map(values.as_string::<i32>().iter(), sink, |text| number::integer_from_text(text).map(Some))
        }
        LogicalType::Float => {
            map(values.as_primitive::<Float64Type>().iter(), sink, |value| number::integer_from_float(value).map(Some))
        }
        LogicalType::Decimal { scale, .. } => map(values.as_primitive::<Decimal128Type>().iter(), sink, |value| {
            number::integer_from_decimal(value, scale).map(Some)
        }),
        LogicalType::Boolean => map(values.as_boolean().iter(), sink, |value| Ok(Some(i64::from(value)))),
        _ => impossible(values, from, LogicalType::Integer),
    }
}

fn to_float(values: &ArrayRef, from: LogicalType) -> Column {
    let sink = builder::<Float64Type>(values);
    match from {
        LogicalType::Text => {
            map(values.as_string::<i32>().iter(), sink, |text| number::float_from_text(text).map(Some))
        }
        LogicalType::Integer => {
            map(values.as_primitive::<Int64Type>().iter(), sink, |value| number::float_from_integer(value).map(Some))
        }
        LogicalType::Decimal { scale, .. } => map(values.as_primitive::<Decimal128Type>().iter(), sink, |value| {
            number::float_from_decimal(value, scale).map(Some)
        }),
        _ => impossible(values, from, LogicalType::Float),
    }
}

fn to_decimal(values: &ArrayRef, from: LogicalType, (precision, scale): (u8, u8)) -> Column {
    let to = LogicalType::Decimal { precision, scale };
    let sink = builder::<Decimal128Type>(values).with_data_type(to.arrow());
    match from {
        LogicalType::Text => map(values.as_string::<i32>().iter(), sink, |text| {
            number::decimal_from_text(text, precision, scale).map(Some)
        }),
        LogicalType::Integer => map(values.as_primitive::<Int64Type>().iter(), sink, |value| {
            number::decimal_from_integer(value, precision, scale).map(Some)
        }),
        LogicalType::Float => map(values.as_primitive::<Float64Type>().iter(), sink, |value| {
            number::decimal_from_float(value, precision, scale).map(Some)
        }),
        LogicalType::Decimal { scale: old, .. } => map(values.as_primitive::<Decimal128Type>().iter(), sink, |value| {
            number::rescaled(value, old, (precision, scale)).map(Some)
        }),
        _ => impossible(values, from, to),
    }
}

fn to_boolean(values: &ArrayRef, from: LogicalType) -> Column {
    let sink = BooleanBuilder::with_capacity(values.len());
    match from {
        LogicalType::Text => map(values.as_string::<i32>().iter(), sink, |text| match text {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => Err(not_a(text, "`true` or `false`")),
        }),
        LogicalType::Integer => {
            map(values.as_primitive::<Int64Type>().iter(), sink, |value| number::boolean_from_integer(value).map(Some))
        }
        _ => impossible(values, from, LogicalType::Boolean),
    }
}

fn to_date(values: &ArrayRef, from: LogicalType, format: Option<&Format>) -> Column {
    let sink = builder::<Date32Type>(values);
    match from {
        LogicalType::Text => map(values.as_string::<i32>().iter(), sink, |text| date_from_text(text, format).map(Some)),
        LogicalType::Timestamp => map(values.as_primitive::<TimestampMicrosecondType>().iter(), sink, |micros| {
            date_from_timestamp(micros).map(Some)
        }),
        _ => impossible(values, from, LogicalType::Date),
    }
}

fn to_timestamp(values: &ArrayRef, from: LogicalType, format: Option<&Format>) -> Column {
    let sink = builder::<TimestampMicrosecondType>(values);
    match from {
        LogicalType::Text => {
            map(values.as_string::<i32>().iter(), sink, |text| timestamp_from_text(text, format).map(Some))
        }
        LogicalType::Date => {
            map(values.as_primitive::<Date32Type>().iter(), sink, |days| timestamp_from_date(days).map(Some))
        }
        _ => impossible(values, from, LogicalType::Timestamp),
    }
}

fn to_timestamptz(values: &ArrayRef, from: LogicalType) -> Column {
    let sink = builder::<TimestampMicrosecondType>(values).with_timezone("UTC");
    match from {
        LogicalType::Text => map(values.as_string::<i32>().iter(), sink, |text| moment_from_text(text).map(Some)),
        _ => impossible(values, from, LogicalType::Timestamptz),
    }
}

fn to_uuid(values: &ArrayRef, from: LogicalType) -> Column {
    let sink = UuidSink::with_capacity(values.len());
    match from {
        LogicalType::Text => map(values.as_string::<i32>().iter(), sink, |text| uuid_from_text(text).map(Some)),
        LogicalType::Bytes => map(values.as_binary::<i32>().iter(), sink, |bytes| {
            let reason =
                || Reason::new(Code::ValueFormat, format!("{} bytes are not a UUID, which has 16", bytes.len()));
            <[u8; 16]>::try_from(bytes).map(Some).map_err(|_| reason())
        }),
        _ => impossible(values, from, LogicalType::Uuid),
    }
}

fn to_bytes(values: &ArrayRef, from: LogicalType) -> Column {
    match from {
        LogicalType::Text => {
            Column::whole(map_to_bytes(values.as_string::<i32>().iter().map(|text| text.map(str::as_bytes))))
        }
        LogicalType::Uuid => Column::whole(map_to_bytes(values.as_fixed_size_binary().iter())),
        _ => impossible(values, from, LogicalType::Bytes),
    }
}

/// 32 hexadecimal digits, with hyphens at the usual places or without any.
fn uuid_from_text(text: &str) -> Result<[u8; 16], Reason> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let uuid = if is_plain { Uuid::try_parse(text).ok() } else { None };
    uuid.map(Uuid::into_bytes).ok_or_else(|| not_a(text, "a UUID"))
}
