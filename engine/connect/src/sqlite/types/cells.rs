//! Reading: what SQLite gives becomes what the column promises, or a fault.

use rusqlite::types::ValueRef;
use transload_model::Code;

use crate::batch::{Cells, Mismatch};
use crate::text;

/// Appends a cell, or says why it does not fit.
pub(in crate::sqlite) fn append(cells: &mut Cells, value: ValueRef<'_>) -> Result<(), Mismatch> {
    if value == ValueRef::Null {
        cells.append_null();
        return Ok(());
    }
    match cells {
        Cells::Boolean(cells) => cells.append_value(boolean(value)?),
        Cells::Integer(cells) => match value {
            ValueRef::Integer(number) => cells.append_value(number),
            other => return Err(wrong_class(other, "an integer")),
        },
        Cells::Float(cells) => match value {
            ValueRef::Real(number) => cells.append_value(number),
            ValueRef::Integer(number) => cells.append_value(exact_float(number)?),
            other => return Err(wrong_class(other, "a float")),
        },
        Cells::Decimal(cells, precision, scale) => cells.append_value(decimal_units(value, *precision, *scale)?),
        Cells::Text(cells) => match value {
            ValueRef::Text(bytes) => cells.append_value(text::utf8(bytes)?),
            ValueRef::Integer(number) => cells.append_value(number.to_string()),
            ValueRef::Real(number) => cells.append_value(number.to_string()),
            other => return Err(wrong_class(other, "text")),
        },
        Cells::Bytes(cells) => match value {
            ValueRef::Blob(bytes) => cells.append_value(bytes),
            other => return Err(wrong_class(other, "a blob")),
        },
        Cells::Date(cells) => cells.append_value(text::date(words(value, "a date as text")?)?),
        Cells::Timestamp(cells) => cells.append_value(text::timestamp(words(value, "a timestamp as text")?)?),
        Cells::Timestamptz(cells) => cells.append_value(text::moment(words(value, "a moment as text")?)?),
        Cells::Uuid(cells) => {
            let uuid = uuid(value)?;
            // The builder only refuses another width.
            cells.append_value(uuid.as_bytes()).map_err(|_| wrong_class(value, "a UUID"))?;
        }
    }
    Ok(())
}

fn wrong_class(value: ValueRef<'_>, expected: &str) -> Mismatch {
    let found = match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(_) => "an integer".to_owned(),
        ValueRef::Real(_) => "a float".to_owned(),
        ValueRef::Text(bytes) => format!("text of {} bytes", bytes.len()),
        ValueRef::Blob(bytes) => format!("a blob of {} bytes", bytes.len()),
    };
    Mismatch::new(Code::ValueType, format!("the column promises {expected}, the row has {found}"))
}

fn words<'a>(value: ValueRef<'a>, expected: &str) -> Result<&'a str, Mismatch> {
    match value {
        ValueRef::Text(bytes) => text::utf8(bytes),
        other => Err(wrong_class(other, expected)),
    }
}

fn boolean(value: ValueRef<'_>) -> Result<bool, Mismatch> {
    match value {
        ValueRef::Integer(0) => Ok(false),
        ValueRef::Integer(1) => Ok(true),
        ValueRef::Integer(_) => {
            Err(Mismatch::new(Code::ValueRange, "the column promises 0 or 1, the row has another integer"))
        }
        other => Err(wrong_class(other, "0 or 1")),
    }
}

/// Integers beyond 2^53 have gaps among floats.
fn exact_float(number: i64) -> Result<f64, Mismatch> {
    let text = number.to_string();
    match text.parse::<f64>() {
        Ok(float) if number.unsigned_abs() <= 1 << 53 => Ok(float),
        _ => Err(Mismatch::new(Code::ValueRange, "the integer has no exact float")),
    }
}

/// The value in units of its last digit.
pub(super) fn decimal_units(value: ValueRef<'_>, precision: u8, scale: u8) -> Result<i128, Mismatch> {
    match value {
        ValueRef::Integer(number) => text::decimal(&number.to_string(), precision, scale),
        // The shortest text that reads back as this float: what was written into the column.
        ValueRef::Real(number) if number.is_finite() => text::decimal(&number.to_string(), precision, scale),
        ValueRef::Real(_) => Err(Mismatch::new(Code::ValueRange, "no decimal is infinite")),
        ValueRef::Text(bytes) => text::decimal(&String::from_utf8_lossy(bytes), precision, scale),
        other => Err(wrong_class(other, "a decimal")),
    }
}

fn uuid(value: ValueRef<'_>) -> Result<uuid::Uuid, Mismatch> {
    match value {
        ValueRef::Blob(bytes) => uuid::Uuid::from_slice(bytes).map_err(|_| wrong_class(value, "a UUID")),
        other => text::uuid(words(other, "a UUID")?),
    }
}
