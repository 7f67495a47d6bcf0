//! Tables and columns as SQLite declares them.

use std::collections::BTreeMap;

use rusqlite::Connection;
use transload_model::{Catalog, Column, ColumnName, ForeignKey, Keeps, OnDelete, SideEffects, Table, TableName};

use super::definition;
use super::sql::quote;
use super::types;

/// Prefix of the ledger's tables, which are no one's business but ours.
pub(super) const OWN_PREFIX: &str = "transload_";

pub(super) fn read(connection: &Connection) -> rusqlite::Result<Catalog> {
    // First, so that what changes while the rest is read is found to have changed.
    let definitions = definition::definitions(connection, None)?;
    let mut names = connection.prepare(
        "select name, type = 'view' from sqlite_schema where type in ('table', 'view') and name not like 'sqlite\\_%' escape '\\' order by name",
    )?;
    let names: Vec<(String, bool)> =
        names.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut triggers = triggers(connection)?;
    let mut tables = BTreeMap::new();
    for (name, is_view) in names.iter().filter(|(name, _)| !name.starts_with(OWN_PREFIX)) {
        // A name with control characters cannot be mapped, so it need not be listed.
        if let Ok(name) = TableName::parse(name) {
            let mut table = table(connection, name.clone())?;
            table.side_effects.triggers = triggers.remove(name.as_str()).unwrap_or_default();
            // What a trigger does in the place of a statement, SQLite does not count, so that nobody could say what was written.
            if *is_view {
                table.side_effects.keeps = Keeps::Nothing;
            }
            tables.insert(name, table);
        }
    }
    spell_as_declared(&mut tables);
    Ok(Catalog { tables, definitions, ..Catalog::default() })
}

/// Gives the tables and columns of foreign keys the names that they have: SQLite takes them in any case.
fn spell_as_declared(tables: &mut BTreeMap<TableName, Table>) {
    let names = |table: &Table| -> Vec<ColumnName> { table.columns.iter().map(|column| column.name.clone()).collect() };
    let lower = |name: &str| name.to_ascii_lowercase();
    let known: BTreeMap<String, (TableName, Vec<ColumnName>)> =
        tables.iter().map(|(name, table)| (lower(name.as_str()), (name.clone(), names(table)))).collect();
    let spell = |columns: &mut Vec<ColumnName>, own: &[ColumnName]| {
        for column in columns {
            let is_it = |name: &&ColumnName| name.as_str().eq_ignore_ascii_case(column.as_str());
            if let Some(name) = own.iter().find(is_it) {
                *column = name.clone();
            }
        }
    };
    for table in tables.values_mut() {
        let own = names(table);
        for key in &mut table.foreign_keys {
            spell(&mut key.columns, &own);
            if let Some((name, columns)) = known.get(&lower(key.table.as_str())) {
                key.table = name.clone();
                spell(&mut key.refers_to, columns);
            }
        }
    }
}

struct Raw {
    name: String,
    declared: String,
    not_null: bool,
    default: Option<String>,
    key_position: usize,
    hidden: u8,
    is_strict: bool,
}

/// The columns of a view.
pub(super) fn columns(connection: &Connection, view: &str) -> rusqlite::Result<Vec<Column>> {
    Ok(raw(connection, view)?.iter().filter_map(|column| describe(column, false)).collect())
}

fn raw(connection: &Connection, name: &str) -> rusqlite::Result<Vec<Raw>> {
    let mut statement = connection.prepare(
        "select name, type, \"notnull\", dflt_value, pk, hidden,
                exists (select 1 from pragma_table_list(?1) where schema = 'main' and strict = 1)
         from pragma_table_xinfo(?1) where hidden <> 1",
    )?;
    statement
        .query_map([name], |row| {
            Ok(Raw {
                name: row.get(0)?,
                declared: row.get(1)?,
                not_null: row.get(2)?,
                default: row.get(3)?,
                key_position: row.get(4)?,
                hidden: row.get(5)?,
                is_strict: row.get(6)?,
            })
        })?
        .collect()
}

/// A table without its triggers.
fn table(connection: &Connection, name: TableName) -> rusqlite::Result<Table> {
    let raw = raw(connection, name.as_str())?;
    let mut key: Vec<(usize, ColumnName)> = raw
        .iter()
        .filter(|column| column.key_position > 0)
        .filter_map(|column| Some((column.key_position, ColumnName::parse(&column.name).ok()?)))
        .collect();
    key.sort();
    let primary_key: Vec<ColumnName> = key.into_iter().map(|(_, column)| column).collect();
    let has_row_id = has_row_id(connection, &name);
    let is_row_id =
        |column: &Raw| has_row_id && primary_key.len() == 1 && column.key_position == 1 && is_integer(&column.declared);
    let columns: Vec<Column> = raw.iter().filter_map(|column| describe(column, is_row_id(column))).collect();
    let (unique_keys, secondary_unique) = unique_keys(connection, &name, &primary_key)?;
    let foreign_keys = foreign_keys(connection, &name)?;
    let side_effects = SideEffects { secondary_unique, ..SideEffects::default() };
    Ok(Table { name, columns, primary_key, unique_keys, foreign_keys, side_effects })
}

/// All triggers by table, in one look: the schema has no index, and a database may have thousands of tables.
fn triggers(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Vec<String>>> {
    let mut statement =
        connection.prepare("select tbl_name, name from sqlite_schema where type = 'trigger' order by name")?;
    let mut triggers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))? {
        let (table, name) = row?;
        triggers.entry(table).or_default().push(name);
    }
    Ok(triggers)
}

fn has_row_id(connection: &Connection, table: &TableName) -> bool {
    connection.prepare(&format!("select rowid from {}", quote(table.as_str()))).is_ok()
}

/// Only the exact word makes a rowid alias.
fn is_integer(declared: &str) -> bool {
    declared.eq_ignore_ascii_case("integer")
}

fn describe(raw: &Raw, is_row_id: bool) -> Option<Column> {
    Some(Column {
        name: ColumnName::parse(&raw.name).ok()?,
        logical: types::logical(&raw.declared),
        stores: types::stores(&raw.declared, raw.is_strict),
        max_length: None,
        declared: raw.declared.clone(),
        nullable: !raw.not_null && !is_row_id,
        has_default: raw.default.as_deref().is_some_and(|text| !text.eq_ignore_ascii_case("null")) || is_row_id,
        generated: raw.hidden == 2 || raw.hidden == 3,
        insert_only: false,
    })
}

/// Sets of columns that are unique, the primary key first, and whether anything beside that key is: also in a part of the rows alone, or by
/// what is computed.
fn unique_keys(
    connection: &Connection,
    table: &TableName,
    primary_key: &[ColumnName],
) -> rusqlite::Result<(Vec<Vec<ColumnName>>, bool)> {
    let mut indexes =
        connection.prepare("select name, origin <> 'pk', partial from pragma_index_list(?) where \"unique\" = 1")?;
    let indexes: Vec<(String, bool, bool)> = indexes
        .query_map([table.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    let has_more = indexes.iter().any(|(_, is_more, _)| *is_more);
    let mut unique = Vec::new();
    if !primary_key.is_empty() {
        unique.push(primary_key.to_vec());
    }
    for (index, ..) in indexes.iter().filter(|(.., is_partial)| !is_partial) {
        let mut parts = connection.prepare("select name from pragma_index_info(?)")?;
        let parts: Vec<Option<String>> = parts.query_map([index], |row| row.get(0))?.collect::<Result<_, _>>()?;
        // An index on an expression has a part without a name.
        let named: Option<Vec<ColumnName>> = parts.into_iter().map(|part| ColumnName::parse(&part?).ok()).collect();
        unique.extend(named.filter(|set| !unique.contains(set)));
    }
    Ok((unique, has_more))
}

fn foreign_keys(connection: &Connection, table: &TableName) -> rusqlite::Result<Vec<ForeignKey>> {
    let mut statement = connection.prepare(
        "select id, \"table\", \"from\", \"to\", on_delete from pragma_foreign_key_list(?) order by id, seq",
    )?;
    let rows: Vec<(i64, String, String, Option<String>, String)> = statement
        .query_map([table.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?
        .collect::<Result<_, _>>()?;
    let mut keys: BTreeMap<i64, ForeignKey> = BTreeMap::new();
    for (id, table, from, to, on_delete) in rows {
        let (Ok(table), Ok(from)) = (TableName::parse(&table), ColumnName::parse(&from)) else { continue };
        let on_delete = OnDelete::of_sql(&on_delete);
        let new = || ForeignKey { columns: Vec::new(), table, refers_to: Vec::new(), on_delete };
        let key = keys.entry(id).or_insert_with(new);
        key.columns.push(from);
        key.refers_to.extend(to.and_then(|to| ColumnName::parse(&to).ok()));
    }
    Ok(keys.into_values().collect())
}

/// Whether the key is the rowid itself: then it holds nothing but integers, in their order.
pub(super) fn is_row_id(connection: &Connection, name: &TableName, key: &[&ColumnName]) -> rusqlite::Result<bool> {
    let table = table(connection, name.clone())?;
    let [column] = key else { return Ok(false) };
    let is_declared = table.column(column).is_some_and(|column| is_integer(&column.declared));
    Ok(is_declared
        && has_row_id(connection, name)
        && table.primary_key.len() == 1
        && table.primary_key.contains(column))
}
