//! Values on their way into a script and out of it.
//!
//! Dates, timestamps and UUIDs are text inside. A decimal keeps its digits: rhai's has 28 of them, so a longer one is a fault and is not rounded.

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::datatypes::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use rhai::{Dynamic, ImmutableString};
use rust_decimal::Decimal;
use transload_model::{Code, LogicalType};

use crate::cells::{Cell, Cells, CellsBuilder};
use crate::column::{Fault, Reason};
use crate::convert::canonical::{write_date, write_timestamp, write_timestamptz, write_uuid};
use crate::convert::reason::does_not_fit;

/// A cell as a script sees it.
pub(crate) fn to_dynamic(values: &ArrayRef, logical: LogicalType, row: usize) -> Result<Dynamic, Reason> {
    if values.is_null(row) {
        return Ok(Dynamic::UNIT);
    }
    Ok(match logical {
        LogicalType::Boolean => values.as_boolean().value(row).into(),
        LogicalType::Integer => values.as_primitive::<Int64Type>().value(row).into(),
        LogicalType::Float => values.as_primitive::<Float64Type>().value(row).into(),
        LogicalType::Decimal { scale, .. } => {
            decimal(values.as_primitive::<Decimal128Type>().value(row), scale)?.into()
        }
        LogicalType::Text => ImmutableString::from(values.as_string::<i32>().value(row)).into(),
        LogicalType::Bytes => Dynamic::from_blob(values.as_binary::<i32>().value(row).to_vec()),
        LogicalType::Date => text(|text| write_date(values.as_primitive::<Date32Type>().value(row), text)),
        LogicalType::Timestamp => {
            let micros = values.as_primitive::<TimestampMicrosecondType>().value(row);
            text(|text| write_timestamp(micros, text))
        }
        LogicalType::Timestamptz => {
            let micros = values.as_primitive::<TimestampMicrosecondType>().value(row);
            text(|text| write_timestamptz(micros, text))
        }
        LogicalType::Uuid => text(|text| write_uuid(values.as_fixed_size_binary().value(row), text)),
    })
}

fn text(write: impl FnOnce(&mut String)) -> Dynamic {
    let mut text = String::new();
    write(&mut text);
    text.into()
}

fn decimal(value: i128, scale: u8) -> Result<Decimal, Reason> {
    let decimal = Decimal::try_from_i128_with_scale(value, u32::from(scale));
    decimal.map_err(|_| does_not_fit("the decimal", "a script's decimal of 28 digits"))
}

/// What scripts gave, row by row, as cells; a row that is not in `given` is NULL.
pub(crate) fn results(given: Vec<(usize, Dynamic)>, rows: usize) -> (Cells, Vec<Fault>) {
    let mut cells = CellsBuilder::new(rows);
    let mut faults = Vec::new();
    for (row, value) in given {
        match from_dynamic(value) {
            Ok(Some(cell)) => cells.push(row, cell),
            Ok(None) => {}
            Err(reason) => faults.push(Fault::quarantine(row, reason)),
        }
    }
    (cells.finish(), faults)
}

fn from_dynamic(value: Dynamic) -> Result<Option<Cell>, Reason> {
    // What a closure has captured is wrapped; the value inside is what counts.
    let value = value.flatten();
    if value.is_unit() {
        return Ok(None);
    }
    if let Ok(value) = value.as_bool() {
        return Ok(Some(Cell::Boolean(value)));
    }
    if let Ok(value) = value.as_int() {
        return Ok(Some(Cell::Integer(value)));
    }
    if let Ok(value) = value.as_float() {
        return Ok(Some(Cell::Float(value)));
    }
    if let Ok(value) = value.as_decimal() {
        let scale = u8::try_from(value.scale()).unwrap_or(u8::MAX);
        return Ok(Some(Cell::Decimal { value: value.mantissa(), scale }));
    }
    if let Ok(value) = value.as_char() {
        return Ok(Some(Cell::Text(value.to_string())));
    }
    if value.is_blob() {
        return Ok(value.into_blob().ok().map(Cell::Bytes));
    }
    let type_name = type_name(&value);
    let Ok(text) = value.into_string() else {
        return Err(Reason::new(
            Code::ScriptResultType,
            format!("the script gave {type_name}, which no field can take"),
        ));
    };
    Ok(Some(Cell::Text(text)))
}

/// What a value is, in the words of the page on scripts.
pub(crate) fn type_name(value: &Dynamic) -> &'static str {
    if value.is_unit() {
        "NULL"
    } else if value.is_string() || value.is_char() {
        "a text"
    } else if value.is_int() {
        "an integer"
    } else if value.is_float() {
        "a float"
    } else if value.is_decimal() {
        "a decimal"
    } else if value.is_bool() {
        "a boolean"
    } else if value.is_array() {
        "an array"
    } else if value.is_blob() {
        "bytes"
    } else if value.is_map() {
        "a map"
    } else if value.is_fnptr() {
        "a function"
    } else {
        "a value of another type"
    }
}
