//! Writing: what a batch holds becomes what SQLite stores.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use rusqlite::types::Value;
use transload_model::{KeyValue, Kind};

use crate::text::decimal_text;

/// A column of a batch, ready to be bound row by row.
pub(in crate::sqlite) struct Bound<'a> {
    column: &'a ArrayRef,
    kind: Kind,
    scale: u8,
    as_blob: bool,
}

impl<'a> Bound<'a> {
    /// `as_blob` says that the destination column is a BLOB, where a UUID is 16 bytes.
    pub(in crate::sqlite) fn new(column: &'a ArrayRef, as_blob: bool) -> Option<Self> {
        let (kind, scale) = match column.data_type() {
            DataType::Boolean => (Kind::Boolean, 0),
            DataType::Int64 => (Kind::Integer, 0),
            DataType::Float64 => (Kind::Float, 0),
            DataType::Decimal128(_, scale) => (Kind::Decimal, u8::try_from(*scale).ok()?),
            DataType::Utf8 => (Kind::Text, 0),
            DataType::Binary => (Kind::Bytes, 0),
            DataType::Date32 => (Kind::Date, 0),
            DataType::Timestamp(_, None) => (Kind::Timestamp, 0),
            DataType::Timestamp(..) => (Kind::Timestamptz, 0),
            DataType::FixedSizeBinary(16) => (Kind::Uuid, 0),
            _ => return None,
        };
        Some(Self { column, kind, scale, as_blob })
    }

    pub(in crate::sqlite) fn value(&self, row: usize) -> Value {
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
            Kind::Date => Value::Text(KeyValue::Date(self.column.as_primitive::<Date32Type>().value(row)).text()),
            Kind::Timestamp => Value::Text(
                KeyValue::Timestamp(self.column.as_primitive::<TimestampMicrosecondType>().value(row)).text(),
            ),
            Kind::Timestamptz => {
                let micros = self.column.as_primitive::<TimestampMicrosecondType>().value(row);
                Value::Text(format!("{}Z", KeyValue::Timestamp(micros).text()))
            }
            Kind::Uuid => self.uuid(row),
        }
    }

    /// Why the value would not be stored as what it is: SQLite takes a float that is no number for NULL, and there is no text for a moment that
    /// the calendar does not have.
    pub(in crate::sqlite) fn loss(&self, row: usize) -> Option<&'static str> {
        if self.column.is_null(row) {
            return None;
        }
        let moment = match self.kind {
            Kind::Float => {
                let is_none = self.column.as_primitive::<Float64Type>().value(row).is_nan();
                return is_none.then_some("the float is no number, which SQLite does not store");
            }
            Kind::Date => KeyValue::Date(self.column.as_primitive::<Date32Type>().value(row)),
            Kind::Timestamp | Kind::Timestamptz => {
                KeyValue::Timestamp(self.column.as_primitive::<TimestampMicrosecondType>().value(row))
            }
            _ => return None,
        };
        (!moment.has_text()).then_some("the moment is outside the calendar, so that there is no text for it")
    }

    fn uuid(&self, row: usize) -> Value {
        let bytes = self.column.as_fixed_size_binary().value(row);
        if self.as_blob {
            return Value::Blob(bytes.to_vec());
        }
        Value::Text(uuid::Uuid::from_slice(bytes).map(|uuid| uuid.to_string()).unwrap_or_default())
    }
}

/// The value of a key part, for a statement that goes on behind it.
pub(in crate::sqlite) fn key_value(part: &KeyValue<'_>) -> Value {
    match part {
        KeyValue::Integer(number) => Value::Integer(*number),
        other => Value::Text(other.text()),
    }
}
