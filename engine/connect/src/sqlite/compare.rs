//! Rows beside what the table holds of them.
//!
//! SQLite compares, by the very expressions that an update asks, so that a row is told to differ exactly where an update would change it.

use std::collections::BTreeSet;

use arrow::record_batch::RecordBatch;
use rusqlite::{Connection, params_from_iter};
use transload_model::{ColumnName, Held, TableName};

use super::sql;
use super::write::{Written, bind, blob_columns, names, values};

/// What the table holds of each row.
pub(super) fn compare(
    connection: &Connection,
    table: &TableName,
    key: &[ColumnName],
    rows: &RecordBatch,
) -> Written<Vec<Held>> {
    let blobs = blob_columns(connection, table)?;
    let columns = names(rows)?;
    let (bound, bound_key) = (bind(rows, &columns, &blobs)?, bind(rows, key, &blobs)?);
    let mut statement = connection.prepare_cached(&sql::compare(table, &columns, key))?;
    let mut held = Vec::with_capacity(rows.num_rows());
    for row in 0..rows.num_rows() {
        let given = values(&bound, row).into_iter().chain(values(&bound_key, row));
        let mut found = statement.query(params_from_iter(given))?;
        let mut differing: Option<BTreeSet<usize>> = None;
        // A table without a unique key may hold several rows of one key: what one of them lacks, differs.
        while let Some(found) = found.next()? {
            let differing = differing.get_or_insert_default();
            for (at, bound) in bound.iter().enumerate() {
                if found.get(at)? || bound.loss(row).is_some() {
                    differing.insert(at);
                }
            }
        }
        held.push(differing.map_or(Held::Nothing, |differing| Held::Row(differing.into_iter().collect())));
    }
    Ok(held)
}
