//! Writing: what a batch holds becomes binary values of the column's type, each behind its length.
//!
//! The server would round some values and cut others to fit; here each is compared with the column first, and one that would not arrive as
//! it is refuses its row.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray,
    Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use transload_model::{Code, KeyValue};

use super::{EPOCH_DAYS, EPOCH_MICROS, Wire, numeric};
use crate::batch::Mismatch;
use crate::text::decimal_text;

/// Bytes that a `name` holds.
const NAME_MAX: usize = 63;

/// The first moment that a timestamp holds, 4713-11-24 before our era, in microseconds since 2000.
const FIRST_MICROS: i64 = -211_813_488_000_000_000;

/// Days that a date holds, since 2000.
const FIRST_DAY: i32 = -2_451_545;

enum Given<'a> {
    Boolean(&'a BooleanArray),
    Integer(&'a Int64Array),
    Float(&'a Float64Array),
    Decimal(&'a Decimal128Array, u8),
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    Date(&'a Date32Array),
    Timestamp(&'a TimestampMicrosecondArray),
    Timestamptz(&'a TimestampMicrosecondArray),
    Uuid(&'a FixedSizeBinaryArray),
}

/// A column of a batch on its way into a column of a table.
pub(in crate::postgres) struct Encoder<'a> {
    given: Given<'a>,
    column: &'a ArrayRef,
    wire: Wire,
}

impl<'a> Encoder<'a> {
    /// `None` where the batch holds what no unit holds.
    pub(in crate::postgres) fn new(column: &'a ArrayRef, wire: Wire) -> Option<Self> {
        let given = match column.data_type() {
            DataType::Boolean => Given::Boolean(column.as_boolean()),
            DataType::Int64 => Given::Integer(column.as_primitive::<Int64Type>()),
            DataType::Float64 => Given::Float(column.as_primitive::<Float64Type>()),
            DataType::Decimal128(_, scale) => {
                Given::Decimal(column.as_primitive::<Decimal128Type>(), u8::try_from(*scale).ok()?)
            }
            DataType::Utf8 => Given::Text(column.as_string::<i32>()),
            DataType::Binary => Given::Bytes(column.as_binary::<i32>()),
            DataType::Date32 => Given::Date(column.as_primitive::<Date32Type>()),
            DataType::Timestamp(_, None) => Given::Timestamp(column.as_primitive::<TimestampMicrosecondType>()),
            DataType::Timestamp(..) => Given::Timestamptz(column.as_primitive::<TimestampMicrosecondType>()),
            DataType::FixedSizeBinary(16) => Given::Uuid(column.as_fixed_size_binary()),
            _ => return None,
        };
        Some(Self { given, column, wire })
    }

    /// Appends a cell: its length in four bytes, and its value. Nothing is appended that does not fit.
    pub(in crate::postgres) fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Mismatch> {
        if self.column.is_null(row) {
            out.extend_from_slice(&(-1_i32).to_be_bytes());
            return Ok(());
        }
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        let written = self.value(row, out).and_then(|()| {
            i32::try_from(out.len() - start - 4)
                .map_err(|_| Mismatch::new(Code::RowTooLarge, "the value takes more than 2 GiB"))
        });
        match written {
            Ok(length) => out[start..start + 4].copy_from_slice(&length.to_be_bytes()),
            Err(mismatch) => {
                out.truncate(start);
                return Err(mismatch);
            }
        }
        Ok(())
    }

    fn value(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Mismatch> {
        match &self.given {
            Given::Boolean(cells) => out.push(u8::from(cells.value(row))),
            Given::Integer(cells) => integer(cells.value(row), self.wire, out)?,
            Given::Float(cells) => float(cells.value(row), self.wire, out)?,
            Given::Decimal(cells, scale) => self.decimal(cells.value(row), *scale, out)?,
            Given::Text(cells) => self.text(cells.value(row), out)?,
            Given::Bytes(cells) => out.extend_from_slice(cells.value(row)),
            Given::Date(cells) if self.wire == Wire::Date => {
                let days = cells.value(row).checked_sub(EPOCH_DAYS).filter(|days| *days >= FIRST_DAY);
                out.extend_from_slice(&days.ok_or_else(too_far)?.to_be_bytes());
            }
            Given::Date(cells) => self.text(&moment_text(&KeyValue::Date(cells.value(row)))?, out)?,
            Given::Timestamp(cells) => match self.wire {
                Wire::Timestamp(places) => micros(cells.value(row), places, out)?,
                _ => self.text(&moment_text(&KeyValue::Timestamp(cells.value(row)))?, out)?,
            },
            Given::Timestamptz(cells) => match self.wire {
                Wire::Timestamptz(places) => micros(cells.value(row), places, out)?,
                _ => self.text(&format!("{}Z", moment_text(&KeyValue::Timestamp(cells.value(row)))?), out)?,
            },
            Given::Uuid(cells) => match self.wire {
                Wire::Uuid | Wire::Bytea => out.extend_from_slice(cells.value(row)),
                _ => {
                    let uuid = uuid::Uuid::from_slice(cells.value(row)).unwrap_or_default();
                    self.text(&uuid.to_string(), out)?;
                }
            },
        }
        Ok(())
    }

    fn decimal(&self, units: i128, scale: u8, out: &mut Vec<u8>) -> Result<(), Mismatch> {
        let Wire::Numeric(declared) = self.wire else { return self.text(&decimal_text(units, scale), out) };
        let (units, scale) = shortened(units, scale, declared)?;
        numeric::write(units, scale, out);
        Ok(())
    }

    fn text(&self, text: &str, out: &mut Vec<u8>) -> Result<(), Mismatch> {
        if text.contains('\0') {
            return Err(Mismatch::new(
                Code::ValueEncoding,
                "the text has a zero byte, which PostgreSQL does not store",
            ));
        }
        let too_long = |length: usize, what: &str| {
            Mismatch::new(Code::ValueRange, format!("text of {length} {what} is longer than the column"))
        };
        match self.wire {
            Wire::Text(Some(max)) | Wire::Char(max) if text.len() > max && text.chars().count() > max => {
                return Err(too_long(text.chars().count(), "characters"));
            }
            Wire::Name if text.len() > NAME_MAX => return Err(too_long(text.len(), "bytes")),
            // Its version.
            Wire::Jsonb => out.push(1),
            _ => {}
        }
        out.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

fn integer(value: i64, wire: Wire, out: &mut Vec<u8>) -> Result<(), Mismatch> {
    let beyond = |_| Mismatch::new(Code::ValueRange, "the integer is outside the column's range");
    match wire {
        Wire::Int2 => out.extend_from_slice(&i16::try_from(value).map_err(beyond)?.to_be_bytes()),
        Wire::Int4 => out.extend_from_slice(&i32::try_from(value).map_err(beyond)?.to_be_bytes()),
        Wire::Numeric(declared) => {
            let (units, scale) = shortened(i128::from(value), 0, declared)?;
            numeric::write(units, scale, out);
        }
        _ => out.extend_from_slice(&value.to_be_bytes()),
    }
    Ok(())
}

fn float(value: f64, wire: Wire, out: &mut Vec<u8>) -> Result<(), Mismatch> {
    if wire != Wire::Float4 {
        out.extend_from_slice(&value.to_be_bytes());
        return Ok(());
    }
    #[expect(clippy::cast_possible_truncation, reason = "the next line looks whether anything was lost")]
    let narrow = value as f32;
    if f64::from(narrow).to_bits() != value.to_bits() && !value.is_nan() {
        return Err(Mismatch::new(Code::ValueRange, "the float has more digits than the column"));
    }
    out.extend_from_slice(&narrow.to_be_bytes());
    Ok(())
}

/// A number without the zeros at its end that the column has no place for.
fn shortened(units: i128, scale: u8, declared: Option<(u16, i16)>) -> Result<(i128, u8), Mismatch> {
    let Some((precision, places)) = declared else { return Ok((units, scale)) };
    let unfit =
        || Mismatch::new(Code::ValueRange, format!("the number does not fit numeric({precision},{places}) exactly"));
    let surplus = i16::from(scale) - places;
    if surplus <= 0 {
        return Ok((units, scale));
    }
    let divisor = u32::try_from(surplus).ok().and_then(|surplus| 10_i128.checked_pow(surplus)).unwrap_or(i128::MAX);
    if units % divisor != 0 {
        return Err(unfit());
    }
    // A negative scale has no places to write.
    if places < 0 { Ok((units, scale)) } else { Ok((units / divisor, u8::try_from(places).map_err(|_| unfit())?)) }
}

fn micros(value: i64, places: u8, out: &mut Vec<u8>) -> Result<(), Mismatch> {
    let unit = 10_i64.pow(u32::from(6 - places.min(6)));
    if value % unit != 0 {
        return Err(Mismatch::new(Code::ValueRange, "the timestamp has more digits of seconds than the column"));
    }
    let micros = value.checked_sub(EPOCH_MICROS).filter(|micros| *micros >= FIRST_MICROS);
    out.extend_from_slice(&micros.ok_or_else(too_far)?.to_be_bytes());
    Ok(())
}

/// A day as it is sent; `None` where no column holds it.
pub(in crate::postgres) fn date_bytes(days: i32) -> Option<Vec<u8>> {
    days.checked_sub(EPOCH_DAYS).filter(|days| *days >= FIRST_DAY).map(|days| days.to_be_bytes().to_vec())
}

/// A timestamp as it is sent; `None` where no column holds it.
pub(in crate::postgres) fn timestamp_bytes(value: i64) -> Option<Vec<u8>> {
    let micros = value.checked_sub(EPOCH_MICROS).filter(|micros| *micros >= FIRST_MICROS);
    micros.map(|micros| micros.to_be_bytes().to_vec())
}

fn moment_text(value: &KeyValue<'_>) -> Result<String, Mismatch> {
    if value.has_text() { Ok(value.text()) } else { Err(too_far()) }
}

fn too_far() -> Mismatch {
    Mismatch::new(Code::ValueRange, "the moment is outside the column's range")
}
