//! Values that a table's own default gives.
//!
//! A row number is the next behind the highest that ever was, as SQLite itself counts where the table says `autoincrement`. Until the rows
//! that use them are committed, only this process knows which are given.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension};
use transload_model::{ColumnName, TableName};

use super::catalog::is_row_id;
use super::sql;

/// So many new values of a column.
pub(super) fn new_values(
    connection: &Connection,
    (table, column): (&TableName, &ColumnName),
    count: usize,
    next: &Mutex<BTreeMap<TableName, i64>>,
) -> rusqlite::Result<Vec<String>> {
    if !is_row_id(connection, table, &[column])? {
        return evaluated(connection, (table, column), count);
    }
    let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
    // Someone else may have inserted rows since the last time.
    let behind = highest(connection, (table, column))?.saturating_add(1);
    let from = next.get(table).copied().unwrap_or_default().max(behind);
    let to = i64::try_from(count).ok().and_then(|count| from.checked_add(count));
    let to = to.ok_or(rusqlite::Error::IntegralValueOutOfRange(0, i64::MAX))?;
    next.insert(table.clone(), to);
    Ok((from..to).map(|number| number.to_string()).collect())
}

fn highest(connection: &Connection, (table, column): (&TableName, &ColumnName)) -> rusqlite::Result<i64> {
    let held: i64 = connection.query_row(&sql::highest(table, column), [], |row| row.get(0))?;
    let counts = "select 1 from sqlite_schema where name = 'sqlite_sequence'";
    if connection.query_row(counts, [], |_| Ok(())).optional()?.is_none() {
        return Ok(held);
    }
    let counted = "select coalesce(max(seq), 0) from sqlite_sequence where name = ?";
    let counted: i64 = connection.query_row(counted, [table.as_str()], |row| row.get(0))?;
    Ok(held.max(counted))
}

/// What the column's default expression gives, again and again.
fn evaluated(
    connection: &Connection,
    (table, column): (&TableName, &ColumnName),
    count: usize,
) -> rusqlite::Result<Vec<String>> {
    let default = "select dflt_value from pragma_table_xinfo(?) where name = ? and dflt_value is not null";
    let default: String = connection.query_row(default, [table.as_str(), column.as_str()], |row| row.get(0))?;
    let mut statement = connection.prepare(&sql::default_value(&default))?;
    (0..count).map(|_| statement.query_row([], |row| row.get(0))).collect()
}
