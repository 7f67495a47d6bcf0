//! Reading: binary values become what the request asks for, or a fault.

use transload_model::{Code, LogicalType};

use super::{EPOCH_DAYS, EPOCH_MICROS, Wire, numeric};
use crate::batch::{Cells, Mismatch};
use crate::text;

/// How a column's values are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::postgres) enum Decoder {
    /// In binary, as the type's own.
    Native(Wire),
    /// As text that the server makes or the column holds; it is parsed where the request asks for something else.
    Text,
}

impl Decoder {
    /// For a column of that type, read as `logical`.
    pub(in crate::postgres) fn new(wire: Wire, logical: LogicalType) -> Self {
        let is_number = matches!(wire, Wire::Numeric(_));
        let is_native = match logical {
            LogicalType::Decimal { .. } | LogicalType::Integer if is_number => true,
            LogicalType::Uuid if wire == Wire::Bytea => true,
            LogicalType::Text => false,
            _ => wire.logical().kind() == logical.kind() && wire.logical() != LogicalType::Text,
        };
        match wire {
            // As text, without the version that stands before it.
            Wire::Jsonb => Self::Native(wire),
            _ if is_native => Self::Native(wire),
            _ => Self::Text,
        }
    }

    /// Whether the server has to make the text. The driver would ask what a type of the user's own is, in the middle of the read.
    pub(in crate::postgres) fn needs_cast(self, wire: Wire) -> bool {
        let is_text = matches!(wire, Wire::Text(_) | Wire::Char(_) | Wire::Name | Wire::Json);
        self == Self::Text && !is_text
    }
}

/// Appends a cell, or says why it does not fit.
pub(in crate::postgres) fn append(cells: &mut Cells, decoder: Decoder, value: Option<&[u8]>) -> Result<(), Mismatch> {
    let Some(bytes) = value else {
        cells.append_null();
        return Ok(());
    };
    match decoder {
        Decoder::Text => append_text(cells, text::utf8(bytes)?),
        Decoder::Native(Wire::Jsonb) => append_text(cells, text::utf8(bytes.get(1..).unwrap_or_default())?),
        Decoder::Native(wire) => append_native(cells, wire, bytes),
    }
}

fn append_text(cells: &mut Cells, value: &str) -> Result<(), Mismatch> {
    match cells {
        Cells::Text(cells) => cells.append_value(value),
        Cells::Date(cells) => cells.append_value(text::date(value)?),
        Cells::Timestamp(cells) => cells.append_value(text::timestamp(value)?),
        Cells::Timestamptz(cells) => cells.append_value(text::moment(value)?),
        Cells::Uuid(cells) => cells.append_value(text::uuid(value)?.as_bytes()).map_err(|_| malformed())?,
        Cells::Decimal(cells, precision, scale) => cells.append_value(text::decimal(value, *precision, *scale)?),
        Cells::Boolean(_) | Cells::Integer(_) | Cells::Float(_) | Cells::Bytes(_) => return Err(malformed()),
    }
    Ok(())
}

fn append_native(cells: &mut Cells, wire: Wire, bytes: &[u8]) -> Result<(), Mismatch> {
    match cells {
        Cells::Boolean(cells) => cells.append_value(bytes == [1]),
        Cells::Integer(cells) => cells.append_value(integer(wire, bytes)?),
        Cells::Float(cells) => cells.append_value(match wire {
            Wire::Float4 => f64::from(f32::from_be_bytes(fixed(bytes)?)),
            _ => f64::from_be_bytes(fixed(bytes)?),
        }),
        Cells::Decimal(cells, precision, scale) => cells.append_value(numeric::read(bytes, *precision, *scale)?),
        Cells::Bytes(cells) => cells.append_value(bytes),
        Cells::Date(cells) => cells.append_value(date(i32::from_be_bytes(fixed(bytes)?))?),
        Cells::Timestamp(cells) | Cells::Timestamptz(cells) => {
            cells.append_value(micros(i64::from_be_bytes(fixed(bytes)?))?);
        }
        Cells::Uuid(cells) => cells.append_value(fixed::<16>(bytes)?).map_err(|_| malformed())?,
        Cells::Text(_) => return Err(malformed()),
    }
    Ok(())
}

fn integer(wire: Wire, bytes: &[u8]) -> Result<i64, Mismatch> {
    Ok(match wire {
        Wire::Int2 => i64::from(i16::from_be_bytes(fixed(bytes)?)),
        Wire::Int4 => i64::from(i32::from_be_bytes(fixed(bytes)?)),
        Wire::Numeric(_) => {
            let units = numeric::read(bytes, 38, 0)?;
            i64::try_from(units).map_err(|_| Mismatch::new(Code::ValueRange, "the number is no 64-bit integer"))?
        }
        _ => i64::from_be_bytes(fixed(bytes)?),
    })
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Mismatch> {
    bytes.try_into().map_err(|_| malformed())
}

/// Days since 1970-01-01; the ends of the range stand for infinity.
fn date(days: i32) -> Result<i32, Mismatch> {
    if days == i32::MAX || days == i32::MIN {
        return Err(Mismatch::new(Code::ValueRange, "the date is infinite"));
    }
    days.checked_add(EPOCH_DAYS).ok_or_else(|| Mismatch::new(Code::ValueRange, "the date is too far away"))
}

/// Microseconds since 1970-01-01; the ends of the range stand for infinity.
fn micros(micros: i64) -> Result<i64, Mismatch> {
    if micros == i64::MAX || micros == i64::MIN {
        return Err(Mismatch::new(Code::ValueRange, "the timestamp is infinite"));
    }
    micros.checked_add(EPOCH_MICROS).ok_or_else(|| Mismatch::new(Code::ValueRange, "the timestamp is too far away"))
}

fn malformed() -> Mismatch {
    Mismatch::new(Code::ValueFormat, "the server sent a value of another type than its column's")
}
