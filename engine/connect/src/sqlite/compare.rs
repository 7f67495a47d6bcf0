//! Rows beside what the table holds of them.
//!
//! SQLite compares, by the very expressions that an update asks, so that a row is told to differ exactly where an update would change it.

use arrow::record_batch::RecordBatch;
use rusqlite::{Connection, OptionalExtension, params_from_iter};
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
        let differing = statement.query_row(params_from_iter(given), |found| {
            let differs =
                (0..columns.len()).map(|at| found.get::<_, bool>(at)).collect::<rusqlite::Result<Vec<_>>>()?;
            Ok((0..columns.len()).filter(|at| differs[*at] || bound[*at].is_lost(row)).collect())
        });
        held.push(differing.optional()?.map_or(Held::Nothing, Held::Row));
    }
    Ok(held)
}
