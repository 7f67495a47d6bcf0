//! Reading: what SQLite gives becomes what the column promises, or a fault.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, FixedSizeBinaryBuilder, Float64Builder,
    Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use rusqlite::types::ValueRef;
use transload_model::{Code, LogicalType};

/// Days from the calendar's beginning to 1970-01-01, as chrono counts them.
const EPOCH_DAYS: i32 = 719_163;

/// Why a cell is not what its column promises: the code, and what was found.
pub(in crate::sqlite) struct Mismatch {
    pub(in crate::sqlite) code: Code,
    pub(in crate::sqlite) message: String,
}

/// Collects one column of a batch.
pub(in crate::sqlite) enum Cells {
    Boolean(BooleanBuilder),
    Integer(Int64Builder),
    Float(Float64Builder),
    Decimal(Decimal128Builder, u8, u8),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Uuid(FixedSizeBinaryBuilder),
}

impl Cells {
    pub(in crate::sqlite) fn new(logical: LogicalType, rows: usize) -> Self {
        match logical {
            LogicalType::Boolean => Self::Boolean(BooleanBuilder::with_capacity(rows)),
            LogicalType::Integer => Self::Integer(Int64Builder::with_capacity(rows)),
            LogicalType::Float => Self::Float(Float64Builder::with_capacity(rows)),
            LogicalType::Decimal { precision, scale } => {
                Self::Decimal(Decimal128Builder::with_capacity(rows).with_data_type(logical.arrow()), precision, scale)
            }
            LogicalType::Text => Self::Text(StringBuilder::with_capacity(rows, rows * 16)),
            LogicalType::Bytes => Self::Bytes(BinaryBuilder::with_capacity(rows, rows * 16)),
            LogicalType::Date => Self::Date(Date32Builder::with_capacity(rows)),
            LogicalType::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::with_capacity(rows)),
            LogicalType::Uuid => Self::Uuid(FixedSizeBinaryBuilder::with_capacity(rows, 16)),
        }
    }

    /// Appends a cell; a cell that does not fit is appended as NULL and reported.
    pub(in crate::sqlite) fn append(&mut self, value: ValueRef<'_>) -> Result<(), Mismatch> {
        if value == ValueRef::Null {
            self.append_null();
            return Ok(());
        }
        let done = self.append_value(value);
        if done.is_err() {
            self.append_null();
        }
        done
    }

    fn append_value(&mut self, value: ValueRef<'_>) -> Result<(), Mismatch> {
        match self {
            Self::Boolean(cells) => cells.append_value(boolean(value)?),
            Self::Integer(cells) => match value {
                ValueRef::Integer(number) => cells.append_value(number),
                other => return Err(wrong_class(other, "an integer")),
            },
            Self::Float(cells) => match value {
                ValueRef::Real(number) => cells.append_value(number),
                ValueRef::Integer(number) => cells.append_value(exact_float(number)?),
                other => return Err(wrong_class(other, "a float")),
            },
            Self::Decimal(cells, precision, scale) => cells.append_value(decimal_units(value, *precision, *scale)?),
            Self::Text(cells) => match value {
                ValueRef::Text(bytes) => cells.append_value(utf8(bytes)?),
                ValueRef::Integer(number) => cells.append_value(number.to_string()),
                ValueRef::Real(number) => cells.append_value(number.to_string()),
                other => return Err(wrong_class(other, "text")),
            },
            Self::Bytes(cells) => match value {
                ValueRef::Blob(bytes) => cells.append_value(bytes),
                other => return Err(wrong_class(other, "a blob")),
            },
            Self::Date(cells) => cells.append_value(date(text(value, "a date as text")?)?),
            Self::Timestamp(cells) => cells.append_value(timestamp(text(value, "a timestamp as text")?)?),
            Self::Uuid(cells) => {
                let uuid = uuid(value)?;
                // The builder only refuses another width.
                cells.append_value(uuid.as_bytes()).map_err(|_| wrong_class(value, "a UUID"))?;
            }
        }
        Ok(())
    }

    fn append_null(&mut self) {
        match self {
            Self::Boolean(cells) => cells.append_null(),
            Self::Integer(cells) => cells.append_null(),
            Self::Float(cells) => cells.append_null(),
            Self::Decimal(cells, ..) => cells.append_null(),
            Self::Text(cells) => cells.append_null(),
            Self::Bytes(cells) => cells.append_null(),
            Self::Date(cells) => cells.append_null(),
            Self::Timestamp(cells) => cells.append_null(),
            Self::Uuid(cells) => cells.append_null(),
        }
    }

    pub(in crate::sqlite) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Boolean(cells) => Arc::new(cells.finish()),
            Self::Integer(cells) => Arc::new(cells.finish()),
            Self::Float(cells) => Arc::new(cells.finish()),
            Self::Decimal(cells, ..) => Arc::new(cells.finish()),
            Self::Text(cells) => Arc::new(cells.finish()),
            Self::Bytes(cells) => Arc::new(cells.finish()),
            Self::Date(cells) => Arc::new(cells.finish()),
            Self::Timestamp(cells) => Arc::new(cells.finish()),
            Self::Uuid(cells) => Arc::new(cells.finish()),
        }
    }
}

fn wrong_class(value: ValueRef<'_>, expected: &str) -> Mismatch {
    let found = match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(_) => "an integer".to_owned(),
        ValueRef::Real(_) => "a float".to_owned(),
        ValueRef::Text(bytes) => format!("text of {} bytes", bytes.len()),
        ValueRef::Blob(bytes) => format!("a blob of {} bytes", bytes.len()),
    };
    Mismatch { code: Code::ValueType, message: format!("the column promises {expected}, the row has {found}") }
}

fn utf8(bytes: &[u8]) -> Result<&str, Mismatch> {
    std::str::from_utf8(bytes).map_err(|error| Mismatch {
        code: Code::ValueEncoding,
        message: format!("text of {} bytes is not UTF-8 from byte {} on", bytes.len(), error.valid_up_to()),
    })
}

fn text<'a>(value: ValueRef<'a>, expected: &str) -> Result<&'a str, Mismatch> {
    match value {
        ValueRef::Text(bytes) => utf8(bytes),
        other => Err(wrong_class(other, expected)),
    }
}

fn boolean(value: ValueRef<'_>) -> Result<bool, Mismatch> {
    match value {
        ValueRef::Integer(0) => Ok(false),
        ValueRef::Integer(1) => Ok(true),
        ValueRef::Integer(_) => Err(Mismatch {
            code: Code::ValueRange,
            message: "the column promises 0 or 1, the row has another integer".to_owned(),
        }),
        other => Err(wrong_class(other, "0 or 1")),
    }
}

/// Integers beyond 2^53 have gaps among floats.
fn exact_float(number: i64) -> Result<f64, Mismatch> {
    let text = number.to_string();
    match text.parse::<f64>() {
        Ok(float) if number.unsigned_abs() <= 1 << 53 => Ok(float),
        _ => Err(Mismatch { code: Code::ValueRange, message: "the integer has no exact float".to_owned() }),
    }
}

/// The value in units of its last digit.
pub(super) fn decimal_units(value: ValueRef<'_>, precision: u8, scale: u8) -> Result<i128, Mismatch> {
    let written = match value {
        ValueRef::Integer(number) => number.to_string(),
        // The shortest text that reads back as this float: what was written into the column.
        ValueRef::Real(number) if number.is_finite() => number.to_string(),
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        ValueRef::Real(_) => {
            return Err(Mismatch { code: Code::ValueRange, message: "no decimal is infinite".to_owned() });
        }
        other => return Err(wrong_class(other, "a decimal")),
    };
    let unfit = || Mismatch {
        code: Code::ValueRange,
        message: format!("the number does not fit decimal({precision},{scale}) exactly"),
    };
    let (sign, digits) = written.strip_prefix('-').map_or((1, written.as_str()), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return Err(wrong_class(value, "a decimal"));
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > usize::from(scale) {
        return Err(unfit());
    }
    let units: i128 = format!("{whole}{fraction:0<width$}", width = usize::from(scale)).parse().map_err(|_| unfit())?;
    if units >= 10_i128.pow(u32::from(precision)) {
        return Err(unfit());
    }
    Ok(sign * units)
}

fn date(text: &str) -> Result<i32, Mismatch> {
    let unfit = || Mismatch {
        code: Code::ValueFormat,
        message: format!("text of {} bytes is not a date as YYYY-MM-DD", text.len()),
    };
    if text.len() != 10 {
        return Err(unfit());
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| unfit())?;
    Ok(day.num_days_from_ce() - EPOCH_DAYS)
}

fn timestamp(text: &str) -> Result<i64, Mismatch> {
    let unfit = || Mismatch {
        code: Code::ValueFormat,
        message: format!("text of {} bytes is not a timestamp as YYYY-MM-DD HH:MM:SS", text.len()),
    };
    let has_shape = text.len() >= 19 && text.as_bytes().get(4) == Some(&b'-') && text.len() <= 26;
    if !has_shape {
        return Err(unfit());
    }
    let pattern = if text.contains('T') { "%Y-%m-%dT%H:%M:%S%.f" } else { "%Y-%m-%d %H:%M:%S%.f" };
    let moment = NaiveDateTime::parse_from_str(text, pattern).map_err(|_| unfit())?;
    // A leap second, which would become the second after it.
    if moment.nanosecond() >= 1_000_000_000 {
        return Err(unfit());
    }
    Ok(moment.and_utc().timestamp_micros())
}

fn uuid(value: ValueRef<'_>) -> Result<uuid::Uuid, Mismatch> {
    match value {
        ValueRef::Blob(bytes) => uuid::Uuid::from_slice(bytes).map_err(|_| wrong_class(value, "a UUID")),
        other => {
            let text = text(other, "a UUID")?;
            let read = uuid::Uuid::try_parse(text).ok().filter(|_| matches!(text.len(), 32 | 36));
            read.ok_or_else(|| Mismatch {
                code: Code::ValueFormat,
                message: format!("text of {} bytes is not a UUID", text.len()),
            })
        }
    }
}
