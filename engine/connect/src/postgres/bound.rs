//! The keys that a read begins and ends at, as parameters of its statement.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo};
use sqlx::{Encode, Postgres, Type};
use transload_model::{Code, Diagnostic, KeyBytes, KeyValue, LogicalType, Only, ReadRequest, Result};

use super::array::Array;
use super::sql::{Bounds, Reading, quote};
use super::types;

type Query<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

/// A part of a key, ready to be bound: in binary where a text would have to be read.
pub(super) enum Bound {
    Integer(i64),
    /// Text that is compared as text.
    Text(String),
    /// Text that is compared by its bytes.
    Bytes(Vec<u8>),
    Binary(Oid, Vec<u8>),
    /// Several values of a type, as the server's array of it.
    Several(Array),
}

/// A value of a type that has an object id, in the type's own bytes.
struct Binary(Oid, Vec<u8>);

impl Type<Postgres> for Binary {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Binary {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> std::result::Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.1);
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(self.0))
    }
}

const BYTEA: Oid = Oid(17);
const INT8: Oid = Oid(20);
const TEXT: Oid = Oid(25);
const TIMESTAMPTZ: Oid = Oid(1184);
const UUID: Oid = Oid(2950);
const DATE: Oid = Oid(1082);
const TIMESTAMP: Oid = Oid(1114);

impl Bound {
    fn of(part: &KeyValue<'_>, column: &Reading) -> Option<Self> {
        Some(match part {
            KeyValue::Integer(number) => Self::Integer(*number),
            KeyValue::Text(text) if column.by_bytes => Self::Bytes(text.as_bytes().to_vec()),
            KeyValue::Text(text) => Self::Text(text.to_string()),
            KeyValue::Uuid(bytes) => Self::Binary(UUID, bytes.to_vec()),
            KeyValue::Date(days) => Self::Binary(DATE, types::date_bytes(*days)?),
            KeyValue::Timestamp(micros) => Self::Binary(TIMESTAMP, types::timestamp_bytes(*micros)?),
        })
    }

    pub(super) fn bind<'q>(self, query: Query<'q>) -> Query<'q> {
        match self {
            Self::Integer(number) => query.bind(number),
            Self::Text(text) => query.bind(text),
            Self::Bytes(bytes) => query.bind(bytes),
            Self::Binary(oid, bytes) => query.bind(Binary(oid, bytes)),
            Self::Several(array) => query.bind(array),
        }
    }

    fn placeholder(&self, number: usize) -> String {
        match self {
            Self::Text(_) => format!("${number} collate \"C\""),
            Self::Integer(_) | Self::Bytes(_) | Self::Binary(..) | Self::Several(_) => format!("${number}"),
        }
    }

    /// The value's type, as SQL and the server name it, and its bytes.
    fn element(&self) -> Option<(&'static str, Oid, Vec<u8>)> {
        Some(match self {
            Self::Integer(number) => ("int8", INT8, number.to_be_bytes().to_vec()),
            Self::Text(text) => ("text", TEXT, text.as_bytes().to_vec()),
            Self::Bytes(bytes) => ("bytea", BYTEA, bytes.clone()),
            Self::Binary(oid, bytes) => (
                if *oid == UUID {
                    "uuid"
                } else if *oid == DATE {
                    "date"
                } else {
                    "timestamp"
                },
                *oid,
                bytes.clone(),
            ),
            Self::Several(_) => return None,
        })
    }
}

/// The bounds of a request, and what is bound to their placeholders.
pub(super) fn bounds(request: &ReadRequest, readings: &[Reading]) -> Result<(Bounds, Vec<Bound>)> {
    let mut bound: Vec<Bound> = Vec::new();
    let mut place = |key: Option<&KeyBytes>| -> Result<Vec<String>> {
        let Some(key) = key else { return Ok(Vec::new()) };
        let parts = parts(request, readings, key)?;
        let marks = parts.iter().zip(bound.len() + 1..).map(|(part, number)| part.placeholder(number)).collect();
        bound.extend(parts);
        Ok(marks)
    };
    let range = &request.range;
    let (from, to) = (place(range.from.as_ref())?, place(range.to.as_ref())?);
    let behind = place(request.after.as_ref())?;
    let mut bounds = Bounds { from, to, behind, unkeyed: range.from.is_none(), ..Bounds::default() };
    match &request.only {
        Only::All => {}
        Only::Keys(keys) => {
            let arrays = arrays(request, readings, keys)?;
            let marks = arrays.iter().zip(bound.len() + 1..);
            bounds.among = marks.map(|((sql, _), number)| format!("${number}::{sql}[]")).collect();
            bound.extend(arrays.into_iter().map(|(_, array)| Bound::Several(array)));
        }
        Only::Since { column, from } => {
            // What lies before everything that a column can hold leaves nothing out.
            if let Some(value) = moment(column.logical, *from) {
                bound.push(value);
                bounds.since = Some((quote(column.name.as_str()), format!("${}", bound.len())));
            }
        }
    }
    Ok((bounds, bound))
}

/// Keys as an array for each of their parts, with the parts' types.
fn arrays(request: &ReadRequest, readings: &[Reading], keys: &[KeyBytes]) -> Result<Vec<(&'static str, Array)>> {
    let mut arrays: Vec<(&'static str, Array)> = Vec::new();
    for key in keys {
        for (at, part) in parts(request, readings, key)?.iter().enumerate() {
            let Some((sql, oid, bytes)) = part.element() else { continue };
            if arrays.len() == at {
                arrays.push((sql, Array::of(oid)));
            }
            arrays[at].1.push(&bytes);
        }
    }
    Ok(arrays)
}

/// A value of a cursor.
fn moment(logical: LogicalType, value: i64) -> Option<Bound> {
    match logical {
        LogicalType::Date => Some(Bound::Binary(DATE, types::date_bytes(i32::try_from(value).ok()?)?)),
        LogicalType::Timestamp => Some(Bound::Binary(TIMESTAMP, types::timestamp_bytes(value)?)),
        LogicalType::Timestamptz => Some(Bound::Binary(TIMESTAMPTZ, types::timestamp_bytes(value)?)),
        _ => None,
    }
}

/// The parts of a key, as the columns of the key take them.
fn parts(request: &ReadRequest, readings: &[Reading], key: &KeyBytes) -> Result<Vec<Bound>> {
    let parts = key.decode().ok().filter(|parts| parts.len() == request.key.len());
    let columns = request.key.iter().map(|part| &readings[*part]);
    let parts =
        parts.and_then(|parts| parts.iter().zip(columns).map(|(part, column)| Bound::of(part, column)).collect());
    parts.ok_or_else(|| {
        let headline =
            format!("a stored key of `{}` of the source is not one of its columns' types any more", request.relation);
        Box::new(Diagnostic::new(Code::SchemaDrift, headline).help(Code::SchemaDrift.info().remedy))
    })
}
