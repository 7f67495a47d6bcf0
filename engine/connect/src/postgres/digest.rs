//! Digests that the server itself computes.
//!
//! One grouped query gives the count and a sum of hashes for each key range. A row's hash is over its columns in an order, the key among
//! them, and it is hashed once more before it is added: the server's hash of a row is a sum over its columns, and without that, values that
//! change places between rows would leave the sum as it is. The server's own hash functions are made for equality: they fold 64 bits into 32
//! and pass over a number's sign. So columns of such types enter as the bytes that they are sent as, and those that have several
//! spellings of equal values as their text. Key ranges are only made of types whose values all have a place in the order.

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use transload_model::{DigestRequest, KeyBytes, KeyValue, LogicalType, RangeDigest, ServerDigest};
use twox_hash::XxHash3_64;

use super::catalog::PgColumn;
use super::sql::{self, printed, quote};
use super::types::Wire;

/// How digests are made. Another way gets another number, so that what was kept is not compared with it.
const METHOD: u32 = 2;

/// The first version that hashes a row with a seed.
const FIRST_VERSION: i32 = 140_000;

/// The expression whose hash moves when a value does.
fn hashed(column: &PgColumn) -> String {
    let name = quote(column.name.as_str());
    match column.wire {
        Wire::Text(_) | Wire::Name => format!("{name} collate \"C\""),
        // As text they would lose the blanks at their end.
        Wire::Char(_) => format!("pg_catalog.bpcharsend({name})"),
        Wire::Int8 => format!("pg_catalog.int8send({name})"),
        Wire::Float4 => format!("pg_catalog.float4send({name})"),
        Wire::Float8 => format!("pg_catalog.float8send({name})"),
        Wire::Numeric(_) => format!("pg_catalog.numeric_send({name})"),
        Wire::Timestamp(_) => format!("pg_catalog.timestamp_send({name})"),
        Wire::Timestamptz(_) => format!("pg_catalog.timestamptz_send({name})"),
        // A document has several spellings; an enum is hashed by a number that another database has not.
        Wire::Json | Wire::Jsonb | Wire::Enum => format!("{name}::text"),
        Wire::Other => printed(&name),
        Wire::Bool | Wire::Int2 | Wire::Int4 | Wire::Bytea | Wire::Date | Wire::Uuid => name,
    }
}

/// How a key column's values are compared with bounds: the expression, and the type of the array of bounds.
fn placed(column: &PgColumn) -> Option<(String, &'static str)> {
    let name = quote(column.name.as_str());
    match column.wire {
        // Another encoding has another order of bytes.
        _ if !column.is_required() || (column.recodes && column.wire.logical() == LogicalType::Text) => None,
        Wire::Int2 | Wire::Int4 | Wire::Int8 => Some((format!("{name}::int8"), "text[]::int8[]")),
        Wire::Uuid => Some((name, "text[]::uuid[]")),
        Wire::Text(_) => Some((format!("{name} collate \"C\""), "text[]")),
        _ => None,
    }
}

/// The one part of a key, as text that is cast to its type.
fn bound(key: &KeyBytes) -> Option<String> {
    match key.decode().ok()?.as_slice() {
        [part @ (KeyValue::Integer(_) | KeyValue::Uuid(_) | KeyValue::Text(_))] => Some(part.text()),
        _ => None,
    }
}

/// What is asked, ready for the server; `None` where it cannot be answered.
pub(super) struct Question {
    sql: String,
    bounds: Vec<String>,
    kind: String,
}

impl Question {
    /// `columns` are those of the request, in its order.
    pub(super) fn new(table: &str, columns: &[&PgColumn], request: &DigestRequest) -> Option<Self> {
        let [key] = request.key.as_slice() else { return None };
        let (place, array) = placed(columns[*key])?;
        let mut bounds: Vec<String> = request.bounds.iter().map(bound).collect::<Option<_>>()?;
        // What is behind the range falls into a last bucket of its own, which is not asked for.
        let has_end = request.range.to.is_some();
        bounds.extend(request.range.to.as_ref().map(bound).into_iter().collect::<Option<Vec<_>>>()?);
        let hashed: Vec<String> = columns.iter().map(|column| hashed(column)).collect();
        let row = hashed.join(", ");
        let first = element("$1", array, 1);
        let behind =
            if has_end { format!(" and {place} < {}", element("$1", array, bounds.len())) } else { String::new() };
        let sql = format!(
            "select pg_catalog.width_bucket({place}, $1::{array}), count(*), \
             sum(pg_catalog.hash_record_extended(row(pg_catalog.int8send(pg_catalog.hash_record_extended(row({row}), $2))), $2))::text \
             from {table} where {place} >= {first}{behind} group by 1"
        );
        let types: Vec<&str> = columns.iter().map(|column| &*column.declared).collect();
        let kind =
            format!("{:016x}", XxHash3_64::oneshot(format!("{METHOD} {row} {types:?} {}", request.seed).as_bytes()));
        Some(Self { sql, bounds, kind })
    }

    /// Asks the server.
    pub(super) async fn ask(
        self,
        connection: &mut PgConnection,
        request: &DigestRequest,
    ) -> sqlx::Result<Option<Vec<RangeDigest>>> {
        let server = "select pg_catalog.current_setting('server_version_num')::int4, \
                      pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute')";
        let server = sqlx::query(server).fetch_one(&mut *connection).await?;
        let (version, tells): (i32, bool) = (server.try_get(0)?, server.try_get(1)?);
        // A server that does not say which one it is could be mistaken for another.
        if version < FIRST_VERSION || !tells {
            return Ok(None);
        }
        let identity = "select system_identifier::text from pg_catalog.pg_control_system()";
        let identity: String = sqlx::query(identity).fetch_one(&mut *connection).await?.try_get(0)?;
        let kind = format!("postgres/{version}/{identity}/{}", self.kind);
        // Bound as constants, the bounds are unpacked once and not for each row.
        let asked = sql::query(self.sql).persistent(false).bind(self.bounds).bind(request.seed.cast_signed());
        let none = RangeDigest { rows: 0, digest: ServerDigest { kind: kind.clone(), digest: "0".to_owned() } };
        let mut digests = vec![none; request.bounds.len()];
        for row in asked.fetch_all(connection).await? {
            let (bucket, rows, digest) = answer(&row)?;
            if let Some(range) = digests.get_mut(bucket) {
                *range = RangeDigest { rows, digest: ServerDigest { kind: kind.clone(), digest } };
            }
        }
        Ok(Some(digests))
    }
}

/// An element of the array of bounds, of its own type.
fn element(array: &str, cast: &str, at: usize) -> String {
    format!("({array}::{cast})[{at}]")
}

/// Buckets are counted from one.
fn answer(row: &PgRow) -> sqlx::Result<(usize, u64, String)> {
    let (bucket, rows): (i32, i64) = (row.try_get(0)?, row.try_get(1)?);
    let bucket = usize::try_from(bucket - 1).unwrap_or(usize::MAX);
    Ok((bucket, u64::try_from(rows).unwrap_or_default(), row.try_get(2)?))
}
