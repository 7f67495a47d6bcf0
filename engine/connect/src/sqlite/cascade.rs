//! Rows that a delete would take with it, or change.
//!
//! A foreign key with ON DELETE CASCADE, SET NULL or SET DEFAULT acts on rows of whatever table. Nobody asked for that, so what they are is counted
//! first, and the row stays.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use transload_model::{ColumnName, TableName};

use super::sql;

/// A foreign key that acts on its rows when what it refers to is deleted, or refuses that when it is too late.
pub(super) struct Cascade {
    /// The table and its columns, for messages.
    shown: String,
    /// What it does to the rows that refer; nothing where it waits for the end of the transaction and refuses there.
    does: Option<&'static str>,
    count: String,
}

/// Columns, each with the one that it refers to.
type Pairs = Vec<(String, String)>;

/// A foreign key to some table.
pub(super) struct KeyTo {
    /// The table that it is of.
    pub(super) table: String,
    pub(super) columns: Pairs,
    on_delete: String,
}

impl KeyTo {
    /// Its table and its columns, for messages.
    pub(super) fn shown(&self) -> String {
        format!("`{}`.`{}`", self.table, self.from().join("`, `"))
    }

    pub(super) fn from(&self) -> Vec<&str> {
        self.columns.iter().map(|(from, _)| from.as_str()).collect()
    }
}

/// Foreign keys `f` of tables `s` that act when a row is deleted, or that may be looked at when the transaction ends.
const ACTING: &str = "f.on_delete in ('CASCADE', 'SET NULL', 'SET DEFAULT') or s.sql like '%deferr%'";

/// Those that do nothing when a row is updated, and may be looked at when the transaction ends.
pub(super) const WAITING: &str = "f.on_update = 'NO ACTION' and s.sql like '%deferr%'";

/// Foreign keys to a table, of whatever table.
pub(super) fn keys_to(connection: &Connection, table: &TableName, which: &str) -> rusqlite::Result<Vec<KeyTo>> {
    let mut found = connection.prepare_cached(&format!(
        "select s.name || char(1) || f.id, s.name, f.\"from\", f.\"to\", f.on_delete
         from sqlite_schema s join pragma_foreign_key_list(s.name) f
         where s.type = 'table' and lower(f.\"table\") = lower(?) and ({which})
         order by s.name, f.id, f.seq"
    ))?;
    let mut primary = connection.prepare_cached("select name from pragma_table_xinfo(?) where pk > 0 order by pk")?;
    let primary: Vec<String> = primary.query_map([table.as_str()], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut keys: BTreeMap<String, KeyTo> = BTreeMap::new();
    let mut rows = found.query([table.as_str()])?;
    while let Some(row) = rows.next()? {
        let (id, table, from, to, on_delete): (String, String, String, Option<String>, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
        let key = keys.entry(id).or_insert_with(|| KeyTo { table, columns: Vec::new(), on_delete });
        // Without a column, the primary key is meant.
        let to = to.or_else(|| primary.get(key.columns.len()).cloned()).unwrap_or_default();
        key.columns.push((from, to));
    }
    Ok(keys.into_values().collect())
}

/// What a delete from a table may do to others.
pub(super) fn cascades(
    connection: &Connection,
    table: &TableName,
    key: &[ColumnName],
) -> rusqlite::Result<Vec<Cascade>> {
    let keys = keys_to(connection, table, ACTING)?;
    Ok(keys.iter().map(|referring| cascade((table, key), referring)).collect())
}

fn cascade((table, key): (&TableName, &[ColumnName]), referring: &KeyTo) -> Cascade {
    let is_own = referring.table.eq_ignore_ascii_case(table.as_str());
    Cascade {
        shown: referring.shown(),
        does: match &*referring.on_delete {
            "CASCADE" => Some("delete"),
            "SET NULL" | "SET DEFAULT" => Some("change"),
            _ => None,
        },
        count: sql::count_referring((&referring.table, &referring.columns), (table, key), is_own),
    }
}

/// The foreign keys of a table: what each refers to, and by which columns.
pub(super) fn keys_of(connection: &Connection, table: &TableName) -> rusqlite::Result<Vec<(String, Pairs)>> {
    let mut found = connection
        .prepare_cached("select id, \"table\", \"from\", \"to\" from pragma_foreign_key_list(?) order by id, seq")?;
    let mut primary = connection.prepare_cached("select name from pragma_table_xinfo(?) where pk > 0 order by pk")?;
    let mut keys: BTreeMap<i64, (String, Pairs)> = BTreeMap::new();
    let mut rows = found.query([table.as_str()])?;
    while let Some(row) = rows.next()? {
        let (id, parent, from, to): (i64, String, String, Option<String>) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let (_, columns) = keys.entry(id).or_insert_with(|| (parent.clone(), Vec::new()));
        // Without a column, the primary key is meant.
        let to = match to {
            Some(to) => to,
            None => primary.query_map([&parent], |row| row.get(0))?.nth(columns.len()).transpose()?.unwrap_or_default(),
        };
        columns.push((from, to));
    }
    Ok(keys.into_values().collect())
}

/// What a delete of this row would do to others; none where it does nothing.
pub(super) fn effect(connection: &Connection, cascades: &[Cascade], key: &[Value]) -> rusqlite::Result<Option<String>> {
    for cascade in cascades {
        let mut statement = connection.prepare_cached(&cascade.count)?;
        let rows: i64 = statement.query_row(params_from_iter(key), |row| row.get(0))?;
        if rows > 0 {
            let shown = &cascade.shown;
            let rows = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
            let does = cascade.does.map(|does| format!(", and would {does} {rows}")).unwrap_or_default();
            return Ok(Some(format!("{shown} still refers to it{does}")));
        }
    }
    Ok(None)
}
