//! Several values as one parameter, in the server's own form.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo};
use sqlx::{Encode, Postgres, Type};

/// Where the number of values stands.
const COUNT: std::ops::Range<usize> = 12..16;

/// An array of one dimension. What it is an array of, the statement says by a cast.
pub(super) struct Array {
    bytes: Vec<u8>,
    count: i32,
}

impl Array {
    /// An empty array of a type, by its number.
    pub(super) fn of(element: Oid) -> Self {
        let one = 1_i32.to_be_bytes();
        // Its dimensions, whether it may hold NULL, what it is of, how many there are, and the number of the first.
        let bytes = [one, one, element.0.to_be_bytes(), [0; 4], one].concat();
        Self { bytes, count: 0 }
    }

    /// Adds a value, or NULL, as `write` puts it: its length in four bytes, and its bytes.
    pub(super) fn push_written(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.count += 1;
        self.bytes[COUNT].copy_from_slice(&self.count.to_be_bytes());
    }

    /// Adds a value.
    pub(super) fn push(&mut self, value: &[u8]) {
        self.push_written(|bytes| {
            bytes.extend_from_slice(&u32::try_from(value.len()).unwrap_or_default().to_be_bytes());
            bytes.extend_from_slice(value);
        });
    }
}

impl Type<Postgres> for Array {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Array {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> std::result::Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.bytes);
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(Oid(0)))
    }
}
