//! Rows as keys and digests.
//!
//! The digest is ours and the same on every system: XXH3 over a typed encoding in which NULL is not empty and `("a", "bc")` is not
//! `("ab", "c")`. It covers every column that the spec reads, so it moves exactly when something the spec can see moves.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray,
    Float64Array, Int64Array, StringArray, StructArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use transload_model::{
    Bug, CellFault, Code, Diagnostic, EntityPlan, KeyBytes, KeyValue, MaskKey, Result, SourceBatch, planted,
};
use twox_hash::XxHash3_64;

/// A column of a batch, by its type.
pub(crate) enum Cells<'a> {
    Boolean(&'a BooleanArray),
    Integer(&'a Int64Array),
    Float(&'a Float64Array),
    Decimal(&'a Decimal128Array),
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    Date(&'a Date32Array),
    Timestamp(&'a TimestampMicrosecondArray),
    Uuid(&'a FixedSizeBinaryArray),
}

const NULL: u8 = 0;
const FAULT: u8 = 0xFE;

impl<'a> Cells<'a> {
    pub(crate) fn new(column: &'a ArrayRef) -> Result<Self> {
        Ok(match column.data_type() {
            DataType::Boolean => Self::Boolean(column.as_boolean()),
            DataType::Int64 => Self::Integer(column.as_primitive::<Int64Type>()),
            DataType::Float64 => Self::Float(column.as_primitive::<Float64Type>()),
            DataType::Decimal128(..) => Self::Decimal(column.as_primitive::<Decimal128Type>()),
            DataType::Utf8 => Self::Text(column.as_string::<i32>()),
            DataType::Binary => Self::Bytes(column.as_binary::<i32>()),
            DataType::Date32 => Self::Date(column.as_primitive::<Date32Type>()),
            DataType::Timestamp(..) => Self::Timestamp(column.as_primitive::<TimestampMicrosecondType>()),
            DataType::FixedSizeBinary(16) => Self::Uuid(column.as_fixed_size_binary()),
            other => {
                let headline = format!("a batch holds {other}, which is no logical type");
                return Err(Box::new(Diagnostic::new(Code::SourceFailed, headline)));
            }
        })
    }

    pub(crate) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Boolean(cells) => cells.is_null(row),
            Self::Integer(cells) => cells.is_null(row),
            Self::Float(cells) => cells.is_null(row),
            Self::Decimal(cells) => cells.is_null(row),
            Self::Text(cells) => cells.is_null(row),
            Self::Bytes(cells) => cells.is_null(row),
            Self::Date(cells) => cells.is_null(row),
            Self::Timestamp(cells) => cells.is_null(row),
            Self::Uuid(cells) => cells.is_null(row),
        }
    }

    /// Appends the canonical encoding of a cell: a tag, and the value at a fixed width or behind its length.
    pub(crate) fn encode(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_null(row) {
            out.push(NULL);
            return;
        }
        match self {
            Self::Boolean(cells) => out.extend_from_slice(&[1, u8::from(cells.value(row))]),
            Self::Integer(cells) => fixed(out, 2, &cells.value(row).to_le_bytes()),
            Self::Float(cells) => fixed(out, 3, &canonical_float(cells.value(row)).to_le_bytes()),
            Self::Decimal(cells) => fixed(out, 4, &cells.value(row).to_le_bytes()),
            Self::Text(cells) => sized(out, 5, cells.value(row).as_bytes()),
            Self::Bytes(cells) => sized(out, 6, cells.value(row)),
            Self::Date(cells) => fixed(out, 7, &cells.value(row).to_le_bytes()),
            Self::Timestamp(cells) => fixed(out, 8, &cells.value(row).to_le_bytes()),
            Self::Uuid(cells) => fixed(out, 9, cells.value(row)),
        }
    }

    /// The cell as a part of a key; `None` for NULL and for types that are no keys.
    pub(crate) fn key_part(&self, row: usize) -> Option<KeyValue<'a>> {
        if self.is_null(row) {
            return None;
        }
        match self {
            Self::Integer(cells) => Some(KeyValue::Integer(cells.value(row))),
            Self::Text(cells) => Some(KeyValue::Text(cells.value(row).into())),
            Self::Date(cells) => Some(KeyValue::Date(cells.value(row))),
            Self::Timestamp(cells) => Some(KeyValue::Timestamp(cells.value(row))),
            Self::Uuid(cells) => cells.value(row).try_into().ok().map(KeyValue::Uuid),
            Self::Boolean(_) | Self::Float(_) | Self::Decimal(_) | Self::Bytes(_) => None,
        }
    }
}

fn fixed(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

fn sized(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    if planted(Bug::NoLengthInDigest) {
        return out.extend_from_slice(bytes);
    }
    out.push(tag);
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// All NaNs are one, and negative zero is zero.
fn canonical_float(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() }
}

/// Identity of some cells of a row, for indexes in memory.
pub(crate) fn hash_cells(cells: &[Cells<'_>], row: usize) -> u64 {
    let mut bytes = Vec::with_capacity(32);
    for cell in cells {
        cell.encode(row, &mut bytes);
    }
    XxHash3_64::oneshot(&bytes)
}

/// What digests rows.
///
/// Those of an entity with masks are digested with the project's key: without it, whoever guesses what is hidden could see in the ledger
/// whether the guess is right.
#[derive(Debug, Clone)]
pub(crate) enum Digester {
    /// With the ledger's seed, which anyone may know who reads the ledger.
    Open(u64),
    /// With the project's key.
    Keyed(MaskKey, [u8; 8]),
}

impl Digester {
    /// What digests the rows of an entity.
    ///
    /// # Errors
    /// `TL0322` where it has masks and there is no key.
    pub(crate) fn of(plan: &EntityPlan, key: Option<&MaskKey>, seed: u64) -> Result<Self> {
        match key {
            _ if plan.masks.is_empty() => Ok(Self::Open(seed)),
            Some(key) => Ok(Self::Keyed(key.clone(), seed.to_le_bytes())),
            None => Err(Box::new(plan.lacks_mask_key())),
        }
    }

    fn digest(&self, row: &[u8]) -> u64 {
        match self {
            Self::Open(seed) => XxHash3_64::oneshot_with_seed(*seed, row),
            Self::Keyed(key, seed) => key.number("row", &[seed, row]),
        }
    }
}

/// A batch with the key and the digest of each row.
pub(crate) struct Scored {
    pub(crate) batch: SourceBatch,
    keys: Vec<u8>,
    ends: Vec<usize>,
    digests: Vec<u64>,
}

impl Scored {
    pub(crate) fn new(batch: SourceBatch, plan: &EntityPlan, digester: &Digester) -> Result<Self> {
        let columns: Vec<Cells<'_>> = batch.rows.columns().iter().map(Cells::new).collect::<Result<_>>()?;
        let rows = batch.rows.num_rows();
        let mut scored = (Vec::with_capacity(rows * 9), Vec::with_capacity(rows), Vec::with_capacity(rows));
        let mut faults = batch.faults.iter().peekable();
        let mut bytes = Vec::with_capacity(256);
        for row in 0..rows {
            bytes.clear();
            for column in &columns {
                column.encode(row, &mut bytes);
            }
            while let Some(fault) = faults.next_if(|fault| fault.row == row) {
                bytes.push(FAULT);
                bytes.extend_from_slice(&(fault.column as u64).to_le_bytes());
                bytes.extend_from_slice(&fault.value_digest.to_le_bytes());
            }
            let before = scored.0.len();
            for part in &plan.key.source {
                if let Some(value) = columns[*part].key_part(row) {
                    value.write(&mut scored.0);
                } else {
                    scored.0.truncate(before);
                    break;
                }
            }
            scored.1.push(scored.0.len());
            scored.2.push(digester.digest(&bytes));
        }
        let (keys, ends, digests) = scored;
        Ok(Self { batch, keys, ends, digests })
    }

    /// Some of its rows, in their order.
    pub(crate) fn picked(&self, rows: &[usize]) -> Result<Self> {
        let at = UInt64Array::from_iter_values(rows.iter().map(|row| *row as u64));
        let mut picked = Self { batch: self.batch.clone(), keys: Vec::new(), ends: Vec::new(), digests: Vec::new() };
        picked.batch.rows = take_record_batch(&self.batch.rows, &at).map_err(|error| broken(&error))?;
        picked.batch.bytes = self.batch.bytes * rows.len() / self.len().max(1);
        let place =
            |fault: &CellFault| rows.binary_search(&fault.row).ok().map(|row| CellFault { row, ..fault.clone() });
        picked.batch.faults = self.batch.faults.iter().filter_map(place).collect();
        for row in rows {
            picked.keys.extend_from_slice(self.key(*row).unwrap_or_default());
            picked.ends.push(picked.keys.len());
            picked.digests.push(self.digests[*row]);
        }
        Ok(picked)
    }

    /// Several batches of one table as one.
    pub(crate) fn joined(parts: &[Self]) -> Result<Option<Self>> {
        let Some(first) = parts.first() else { return Ok(None) };
        let rows = concat_batches(&first.batch.rows.schema(), parts.iter().map(|part| &part.batch.rows));
        let rows = rows.map_err(|error| broken(&error))?;
        let batch = SourceBatch { rows, faults: Vec::new(), bytes: 0 };
        let mut joined = Self { batch, keys: Vec::new(), ends: Vec::new(), digests: Vec::new() };
        for part in parts {
            let (rows, bytes) = (joined.ends.len(), joined.keys.len());
            joined.batch.bytes += part.batch.bytes;
            let moved = |fault: &CellFault| CellFault { row: fault.row + rows, ..fault.clone() };
            joined.batch.faults.extend(part.batch.faults.iter().map(moved));
            joined.keys.extend_from_slice(&part.keys);
            joined.ends.extend(part.ends.iter().map(|end| end + bytes));
            joined.digests.extend_from_slice(&part.digests);
        }
        Ok(Some(joined))
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The encoded key; `None` where the row has NULL or another type in it.
    pub(crate) fn key(&self, row: usize) -> Option<&[u8]> {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        let key = &self.keys[start..self.ends[row]];
        (!key.is_empty()).then_some(key)
    }

    pub(crate) fn digest(&self, row: usize) -> u64 {
        self.digests[row]
    }

    /// The row's identity: its key, or its content where it has none.
    pub(crate) fn identity(&self, row: usize) -> KeyBytes {
        self.key(row).map_or_else(|| KeyBytes::unkeyed(self.digests[row]), KeyBytes::from_encoded)
    }
}

fn broken(error: &arrow::error::ArrowError) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(Code::SourceFailed, format!("a batch does not hold together: {error}")))
}

/// The keys of rows that hold nothing else, those that are none left out, in their order.
pub(crate) fn whole_keys(keys: &RecordBatch) -> Result<Vec<KeyBytes>> {
    let columns: Vec<Cells<'_>> = keys.columns().iter().map(Cells::new).collect::<Result<_>>()?;
    let key = |row: usize| {
        let parts: Option<Vec<KeyValue<'_>>> = columns.iter().map(|column| column.key_part(row)).collect();
        parts.map(|parts| KeyBytes::encode(&parts))
    };
    let mut keys: Vec<KeyBytes> = (0..keys.num_rows()).filter_map(key).collect();
    keys.sort();
    Ok(keys)
}

/// The source keys of a column that refers to another entity. One that refers to a key of several columns holds them side by side.
pub(crate) fn referred_keys(column: &ArrayRef) -> Result<Vec<Option<KeyBytes>>> {
    let parts = column.as_struct_opt().map_or_else(|| std::slice::from_ref(column), StructArray::columns);
    let cells = parts.iter().map(Cells::new).collect::<Result<Vec<_>>>()?;
    let encode = |row: usize| {
        let parts: Option<Vec<KeyValue<'_>>> = cells.iter().map(|cells| cells.key_part(row)).collect();
        parts.filter(|_| column.is_valid(row)).map(|parts| KeyBytes::encode(&parts))
    };
    Ok((0..column.len()).map(encode).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_have_the_key_cannot_make_the_digest_of_a_masked_row() {
        let key = |secret: &str| MaskKey::new(&format!("{secret}: long enough to be the key of masks")).unwrap();
        let digest = |digester: &Digester, row: &[u8]| digester.digest(row);
        let (open, keyed) = (Digester::Open(7), Digester::Keyed(key("one"), 7_u64.to_le_bytes()));

        let of_row = digest(&keyed, b"a row");

        assert_eq!(of_row, digest(&keyed.clone(), b"a row"));
        let others = [
            digest(&open, b"a row"),
            digest(&keyed, b"another row"),
            digest(&Digester::Keyed(key("other"), 7_u64.to_le_bytes()), b"a row"),
            digest(&Digester::Keyed(key("one"), 8_u64.to_le_bytes()), b"a row"),
        ];
        assert!(!others.contains(&of_row));
    }
}
