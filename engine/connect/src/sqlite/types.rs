//! What SQLite's declared types mean, and how values cross the border.
//!
//! SQLite keeps any value in any column; the declared type is a promise that single rows may break. Such a cell becomes a fault of its row and
//! never something near what was there.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, FixedSizeBinaryBuilder,
    Float64Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use std::sync::Arc;

use chrono::{NaiveDate, NaiveDateTime};
use rusqlite::types::{Value, ValueRef};
use transload_model::{Code, Kind, LogicalType};

/// Days from the calendar's beginning to 1970-01-01, as chrono counts them.
const EPOCH_DAYS: i32 = 719_163;

/// The type that a declared column's values have.
pub(super) fn logical(declared: &str) -> LogicalType {
    let upper = declared.to_uppercase();
    let word = upper.split(['(', ' ']).next().unwrap_or("");
    match word {
        "BOOLEAN" | "BOOL" => LogicalType::Boolean,
        "DATE" => LogicalType::Date,
        "DATETIME" | "TIMESTAMP" => LogicalType::Timestamp,
        "UUID" => LogicalType::Uuid,
        "DECIMAL" | "NUMERIC" => decimal(&upper).unwrap_or(LogicalType::Text),
        _ if upper.contains("INT") => LogicalType::Integer,
        _ if upper.contains("CHAR") || upper.contains("CLOB") || upper.contains("TEXT") => LogicalType::Text,
        _ if upper.contains("BLOB") => LogicalType::Bytes,
        _ if upper.contains("REAL") || upper.contains("FLOA") || upper.contains("DOUB") => LogicalType::Float,
        _ => LogicalType::Text,
    }
}

/// `DECIMAL(10,2)`; a scale that is left out is zero.
fn decimal(upper: &str) -> Option<LogicalType> {
    let inner = upper.split_once('(')?.1.split_once(')')?.0;
    let (precision, scale) = inner.split_once(',').unwrap_or((inner, "0"));
    let (precision, scale): (u8, u8) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    ((1..=38).contains(&precision) && scale <= precision).then_some(LogicalType::Decimal { precision, scale })
}

/// The kinds of value that a column keeps as they are, by SQLite's rules of affinity.
pub(super) fn stores(declared: &str) -> Vec<Kind> {
    let upper = declared.to_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| upper.contains(word));
    if has(&["INT"]) {
        vec![Kind::Integer, Kind::Boolean]
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        vec![Kind::Text, Kind::Date, Kind::Timestamp, Kind::Uuid, Kind::Decimal]
    } else if upper.is_empty() || has(&["BLOB", "ANY"]) {
        vec![
            Kind::Boolean,
            Kind::Integer,
            Kind::Float,
            Kind::Decimal,
            Kind::Text,
            Kind::Bytes,
            Kind::Date,
            Kind::Timestamp,
            Kind::Uuid,
        ]
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        vec![Kind::Float]
    } else {
        numeric_affinity(&upper)
    }
}

/// A number-like text becomes a number here, so plain text is not safe; a date or a UUID never looks like a number … save a UUID of
/// digits with one `e`, which is why only a column declared `UUID` takes it as bytes of text with hyphens.
fn numeric_affinity(upper: &str) -> Vec<Kind> {
    match logical(upper) {
        LogicalType::Boolean => vec![Kind::Boolean],
        LogicalType::Date => vec![Kind::Date],
        LogicalType::Timestamp => vec![Kind::Timestamp, Kind::Date],
        LogicalType::Uuid => vec![Kind::Uuid],
        // Up to fifteen digits a decimal survives as the float that SQLite makes of it.
        LogicalType::Decimal { precision, .. } if precision <= 15 => vec![Kind::Decimal, Kind::Integer],
        _ => vec![Kind::Integer, Kind::Boolean],
    }
}

/// Why a cell is not what its column promises: the code, and what was found.
pub(super) struct Mismatch {
    pub(super) code: Code,
    pub(super) message: String,
}

/// Collects one column of a batch.
pub(super) enum Cells {
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
    pub(super) fn new(logical: LogicalType, rows: usize) -> Self {
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
    pub(super) fn append(&mut self, value: ValueRef<'_>) -> Result<(), Mismatch> {
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

    pub(super) fn finish(&mut self) -> ArrayRef {
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
fn decimal_units(value: ValueRef<'_>, precision: u8, scale: u8) -> Result<i128, Mismatch> {
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
    Ok(chrono::Datelike::num_days_from_ce(&day) - EPOCH_DAYS)
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
    if chrono::Timelike::nanosecond(&moment) >= 1_000_000_000 {
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

/// A column of a batch, ready to be bound row by row.
pub(super) struct Bound<'a> {
    column: &'a ArrayRef,
    kind: Kind,
    scale: u8,
    as_blob: bool,
}

impl<'a> Bound<'a> {
    /// `as_blob` says that the destination column is a BLOB, where a UUID is 16 bytes.
    pub(super) fn new(column: &'a ArrayRef, as_blob: bool) -> Option<Self> {
        use arrow::datatypes::DataType;
        let (kind, scale) = match column.data_type() {
            DataType::Boolean => (Kind::Boolean, 0),
            DataType::Int64 => (Kind::Integer, 0),
            DataType::Float64 => (Kind::Float, 0),
            DataType::Decimal128(_, scale) => (Kind::Decimal, u8::try_from(*scale).ok()?),
            DataType::Utf8 => (Kind::Text, 0),
            DataType::Binary => (Kind::Bytes, 0),
            DataType::Date32 => (Kind::Date, 0),
            DataType::Timestamp(..) => (Kind::Timestamp, 0),
            DataType::FixedSizeBinary(16) => (Kind::Uuid, 0),
            _ => return None,
        };
        Some(Self { column, kind, scale, as_blob })
    }

    pub(super) fn value(&self, row: usize) -> Value {
        if self.column.is_null(row) {
            return Value::Null;
        }
        match self.kind {
            Kind::Boolean => Value::Integer(i64::from(self.column.as_boolean().value(row))),
            Kind::Integer => Value::Integer(self.column.as_primitive::<Int64Type>().value(row)),
            Kind::Float => Value::Real(self.column.as_primitive::<Float64Type>().value(row)),
            Kind::Decimal => {
                Value::Text(decimal_text(self.column.as_primitive::<Decimal128Type>().value(row), self.scale))
            }
            Kind::Text => Value::Text(self.column.as_string::<i32>().value(row).to_owned()),
            Kind::Bytes => Value::Blob(self.column.as_binary::<i32>().value(row).to_vec()),
            Kind::Date => Value::Text(date_text(self.column.as_primitive::<Date32Type>().value(row))),
            Kind::Timestamp => {
                Value::Text(timestamp_text(self.column.as_primitive::<TimestampMicrosecondType>().value(row)))
            }
            Kind::Uuid => self.uuid(row),
        }
    }

    fn uuid(&self, row: usize) -> Value {
        let bytes = self.column.as_fixed_size_binary().value(row);
        if self.as_blob {
            return Value::Blob(bytes.to_vec());
        }
        Value::Text(uuid::Uuid::from_slice(bytes).map(|uuid| uuid.to_string()).unwrap_or_default())
    }
}

fn decimal_text(units: i128, scale: u8) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

fn date_text(days: i32) -> String {
    transload_model::KeyValue::Date(days).text()
}

fn timestamp_text(micros: i64) -> String {
    transload_model::KeyValue::Timestamp(micros).text()
}

/// The value of a key part, for a statement that goes on behind it.
pub(super) fn key_value(part: &transload_model::KeyValue<'_>) -> Value {
    match part {
        transload_model::KeyValue::Integer(number) => Value::Integer(*number),
        other => Value::Text(other.text()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn declared_types_mean_this() {
        let decimal = |precision, scale| LogicalType::Decimal { precision, scale };
        for (declared, expected) in [
            ("INTEGER", LogicalType::Integer),
            ("unsigned bigint", LogicalType::Integer),
            ("NVARCHAR(160)", LogicalType::Text),
            ("NUMERIC(10,2)", decimal(10, 2)),
            ("decimal(5)", decimal(5, 0)),
            ("NUMERIC", LogicalType::Text),
            ("DATETIME", LogicalType::Timestamp),
            ("date", LogicalType::Date),
            ("BOOLEAN", LogicalType::Boolean),
            ("UUID", LogicalType::Uuid),
            ("BLOB", LogicalType::Bytes),
            ("double precision", LogicalType::Float),
            ("", LogicalType::Text),
        ] {
            assert_eq!(logical(declared), expected, "{declared}");
        }
    }

    #[test]
    fn a_cell_of_another_class_is_a_fault_and_a_null() {
        for (declared, value) in [
            ("INTEGER", ValueRef::Text(b"12")),
            ("INTEGER", ValueRef::Real(1.0)),
            ("BOOLEAN", ValueRef::Integer(2)),
            ("TEXT", ValueRef::Blob(b"x")),
            ("TEXT", ValueRef::Text(b"\xff")),
            ("DATE", ValueRef::Text(b"2024-02-30")),
            ("DATE", ValueRef::Text(b"2024-2-3")),
            ("DATE", ValueRef::Integer(20_240_203)),
            ("DATETIME", ValueRef::Text(b"2024-02-03")),
            ("DATETIME", ValueRef::Text(b"2024-02-03T10:00:00Z")),
            ("DATETIME", ValueRef::Text(b"2016-12-31T23:59:60")),
            ("UUID", ValueRef::Text(b"{0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11}")),
            ("NUMERIC(4,2)", ValueRef::Real(100.0)),
            ("NUMERIC(4,2)", ValueRef::Real(0.125)),
            ("NUMERIC(4,2)", ValueRef::Real(f64::NAN)),
            ("NUMERIC(4,2)", ValueRef::Text(b"1e2")),
            ("UUID", ValueRef::Text(b"not one")),
            ("REAL", ValueRef::Integer(i64::MAX)),
        ] {
            let mut cells = Cells::new(logical(declared), 1);
            assert!(cells.append(value).is_err(), "{declared} {value:?}");
            assert_eq!(cells.finish().null_count(), 1);
        }
    }

    #[test]
    fn values_are_stored_as_they_were_read() {
        for (declared, value, stored) in [
            ("NUMERIC(10,2)", ValueRef::Real(1.98), Value::Text("1.98".into())),
            ("NUMERIC(10,2)", ValueRef::Integer(-3), Value::Text("-3.00".into())),
            ("NUMERIC(38,2)", ValueRef::Text(b"-0.05"), Value::Text("-0.05".into())),
            ("DATETIME", ValueRef::Text(b"2002-08-14 00:00:00"), Value::Text("2002-08-14T00:00:00".into())),
            ("DATETIME", ValueRef::Text(b"2002-08-14T01:02:03.5000"), Value::Text("2002-08-14T01:02:03.5".into())),
            ("DATE", ValueRef::Text(b"1899-12-31"), Value::Text("1899-12-31".into())),
            ("BOOLEAN", ValueRef::Integer(1), Value::Integer(1)),
        ] {
            let mut cells = Cells::new(logical(declared), 1);
            assert!(cells.append(value).is_ok(), "{declared}");
            let column = cells.finish();
            assert_eq!(Bound::new(&column, false).unwrap().value(0), stored, "{declared}");
        }
    }

    proptest! {
        #[test]
        fn a_decimal_survives_text(units in -10_i128.pow(18)..10_i128.pow(18), scale in 0_u8..=6) {
            let text = decimal_text(units, scale);
            let read = decimal_units(ValueRef::Text(text.as_bytes()), 38, scale);
            prop_assert_eq!(read.map_err(|mismatch| mismatch.message), Ok(units));
        }

        #[test]
        fn a_decimal_of_fifteen_digits_survives_a_float(units in -10_i64.pow(15)..10_i64.pow(15), scale in 0_u8..=6) {
            let float: f64 = decimal_text(i128::from(units), scale).parse().unwrap();
            let read = decimal_units(ValueRef::Real(float), 38, scale);
            prop_assert_eq!(read.map_err(|mismatch| mismatch.message), Ok(i128::from(units)));
        }
    }
}
