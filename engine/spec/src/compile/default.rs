//! Whether a literal of a spec becomes a value of a type, by the rules that rows follow: nothing is rounded or cut.

use chrono::{NaiveDate, NaiveTime, Timelike};
use serde_json::Value;
use transload_model::LogicalType;
use uuid::Uuid;

use crate::compile::format;
use crate::yaml::is_exact_float;

/// Whether `value` can be a value of the type.
pub(crate) fn fits(value: &Value, to: LogicalType, pattern: Option<&str>) -> bool {
    match value {
        Value::String(text) => text_fits(text, to, pattern),
        Value::Bool(_) => matches!(to, LogicalType::Boolean | LogicalType::Integer | LogicalType::Text),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => integer_fits(integer, to),
            None => number.as_f64().is_some_and(|float| float_fits(float, to)),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

fn integer_fits(value: i64, to: LogicalType) -> bool {
    // Integers up to here are floats exactly.
    const EXACT_FLOAT_MAX: u64 = 1 << 53;
    match to {
        LogicalType::Integer | LogicalType::Text => true,
        LogicalType::Boolean => value == 0 || value == 1,
        LogicalType::Float => value.unsigned_abs() <= EXACT_FLOAT_MAX,
        LogicalType::Decimal { precision, scale } => decimal_fits(&value.to_string(), precision, scale),
        _ => false,
    }
}

fn float_fits(value: f64, to: LogicalType) -> bool {
    match to {
        LogicalType::Float | LogicalType::Text => true,
        LogicalType::Integer => value.fract() == 0.0 && format!("{value}").parse::<i64>().is_ok(),
        LogicalType::Decimal { precision, scale } => decimal_fits(&format!("{value}"), precision, scale),
        _ => false,
    }
}

fn text_fits(text: &str, to: LogicalType, pattern: Option<&str>) -> bool {
    match to {
        LogicalType::Text | LogicalType::Bytes => true,
        LogicalType::Boolean => matches!(text, "true" | "false"),
        LogicalType::Integer => text.parse::<i64>().is_ok(),
        LogicalType::Float => text.parse::<f64>().is_ok_and(|value| value.is_finite() && is_exact_float(text, value)),
        LogicalType::Decimal { precision, scale } => decimal_fits(text, precision, scale),
        LogicalType::Date => match pattern {
            Some(pattern) => format::read(pattern, text).is_some_and(|moment| moment.time() == NaiveTime::MIN),
            None => is_iso_date(text),
        },
        LogicalType::Timestamp => match pattern {
            Some(pattern) => format::read(pattern, text).is_some(),
            None => is_iso_timestamp(text),
        },
        LogicalType::Timestamptz => text.strip_suffix('Z').is_some_and(is_iso_timestamp),
        LogicalType::Uuid => {
            text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') && Uuid::try_parse(text).is_ok()
        }
    }
}

/// `YYYY-MM-DD` and nothing shorter.
fn is_iso_date(text: &str) -> bool {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok_and(|date| date.format("%Y-%m-%d").to_string() == text)
}

/// `YYYY-MM-DDTHH:MM:SS`, with `T` or one space between, and at most six digits behind a point.
fn is_iso_timestamp(text: &str) -> bool {
    let (Some(date), Some(time)) = (text.get(..10), text.get(11..)) else {
        return false;
    };
    let is_between = matches!(text.as_bytes().get(10), Some(b'T' | b' '));
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let is_fraction = (1..=6).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let is_clock = NaiveTime::parse_from_str(clock, "%H:%M:%S")
        .is_ok_and(|time| time.nanosecond() == 0 && time.format("%H:%M:%S").to_string() == clock);
    is_between && is_fraction && is_clock && is_iso_date(date)
}

fn decimal_fits(text: &str, precision: u8, scale: u8) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = format!("{whole}{fraction}");
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let whole_digits = whole.trim_start_matches('0').len();
    let fraction_digits = fraction.trim_end_matches('0').len();
    is_number && whole_digits <= usize::from(precision - scale.min(precision)) && fraction_digits <= usize::from(scale)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_literal_fits_where_a_row_would() {
        let decimal = LogicalType::Decimal { precision: 5, scale: 2 };
        for (value, to) in [
            (json!(0), decimal),
            (json!(999.99), decimal),
            (json!("12.50"), decimal),
            (json!("true"), LogicalType::Boolean),
            (json!(1), LogicalType::Boolean),
            (json!(5), LogicalType::Text),
            (json!("2020-02-29"), LogicalType::Date),
            (json!("2020-02-29T10:00:00"), LogicalType::Timestamp),
            (json!("2020-02-29 10:00:00.5"), LogicalType::Timestamp),
            (json!("2020-02-29T10:00:00.5Z"), LogicalType::Timestamptz),
            (json!("0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11"), LogicalType::Uuid),
        ] {
            assert!(fits(&value, to, None), "{value} {to}");
        }
        for (value, to) in [
            (json!(1000), decimal),
            (json!(0.125), decimal),
            (json!("yes"), LogicalType::Boolean),
            (json!(true), LogicalType::Date),
            (json!(1.5), LogicalType::Integer),
            (json!("2019-02-29"), LogicalType::Date),
            (json!("abc"), LogicalType::Integer),
            (json!(20200101), LogicalType::Date),
            (json!("x"), LogicalType::Uuid),
            (json!("{0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11}"), LogicalType::Uuid),
            (json!("2020-2-9"), LogicalType::Date),
            (json!("2020-02-29"), LogicalType::Timestamp),
            (json!("2020-02-29T23:59:60"), LogicalType::Timestamp),
            (json!("2020-02-29T10:00:00.1234567"), LogicalType::Timestamp),
            (json!("2020-02-29T10:00:00"), LogicalType::Timestamptz),
            (json!("2020-02-29T10:00:00+01:00"), LogicalType::Timestamptz),
            (json!("2020-02-29"), LogicalType::Timestamptz),
            (json!("inf"), LogicalType::Float),
        ] {
            assert!(!fits(&value, to, None), "{value} {to}");
        }
        assert!(fits(&json!("29/02/2020"), LogicalType::Date, Some("%d/%m/%Y")));
        assert!(!fits(&json!("29/02/2020 10:00"), LogicalType::Date, Some("%d/%m/%Y %H:%M")));
        assert!(fits(&json!("29/02/2020 10:00"), LogicalType::Timestamp, Some("%d/%m/%Y %H:%M")));
    }
}
