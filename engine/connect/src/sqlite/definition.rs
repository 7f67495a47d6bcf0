//! What defines a table, as one number: as long as nothing of that changes, neither does the number.
//!
//! SQLite keeps what it was told: the statements that made the table, its triggers and its unique indexes. Within a write transaction nobody else
//! changes them.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use transload_model::{TableName, Unit};
use twox_hash::XxHash3_64;

use crate::ledger::drifted;

use super::write::{WriteError, Written};

/// Of all tables, or of one. Plain indexes are not among them.
const STATEMENTS: &str = "
    select tbl_name, type || ' ' || name || ' ' || coalesce(sql, '') from sqlite_schema
    where (type <> 'index' or sql like 'create unique%') and (?1 is null or tbl_name = ?1 collate nocase)
    order by tbl_name, type, name";

/// The definition of each table, or of one.
pub(super) fn definitions(
    connection: &Connection,
    table: Option<&TableName>,
) -> rusqlite::Result<BTreeMap<TableName, u64>> {
    let mut statement = connection.prepare_cached(STATEMENTS)?;
    let mut rows = statement.query(params![table.map(TableName::as_str)])?;
    let mut definitions = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (table, text): (String, String) = (row.get(0)?, row.get(1)?);
        if let Ok(table) = TableName::parse(&table) {
            let so_far = definitions.entry(table).or_default();
            *so_far = XxHash3_64::oneshot_with_seed(*so_far, text.as_bytes());
        }
    }
    Ok(definitions)
}

/// Refuses a unit that was made for another definition of its table. Only in a write transaction.
pub(super) fn check(connection: &Connection, unit: &Unit) -> Written<()> {
    let Some(expected) = unit.definition else { return Ok(()) };
    let found = definitions(connection, Some(&unit.table))?;
    if found.get(&unit.table) == Some(&expected) { Ok(()) } else { Err(WriteError::Problem(drifted(&unit.table))) }
}
