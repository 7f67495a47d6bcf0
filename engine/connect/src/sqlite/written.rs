//! The SQL of specs: whether SQLite takes it, and what it gives.

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use transload_model::{Code, Column, ColumnName, Diagnostic, Relation, Result, Selection, Table};

use super::error::failure;
use super::{catalog, sql};

/// What a query is looked at as: a view that only this connection has. No table that can be mapped has a control character in its name.
const VIEW: &str = "described\u{1}";

/// What a relation gives, as a table without keys.
pub(super) fn describe(connection: &Connection, relation: &Relation, name: &str) -> Result<Table> {
    let columns = columns(connection, relation).map_err(|error| refused(&error, relation, name))?;
    Ok(Table {
        name: relation.table.clone(),
        columns,
        primary_key: Vec::new(),
        unique_keys: Vec::new(),
        foreign_keys: Vec::new(),
        side_effects: transload_model::SideEffects::default(),
    })
}

fn columns(connection: &Connection, relation: &Relation) -> rusqlite::Result<Vec<Column>> {
    // A name that is not there is a mistake, and no text in quotes of another kind.
    for setting in [DbConfig::SQLITE_DBCONFIG_DQS_DML, DbConfig::SQLITE_DBCONFIG_DQS_DDL] {
        connection.set_db_config(setting, false)?;
    }
    // A view may have no parameters, and nothing would fill them. Of several statements none is run.
    connection.execute(&sql::create_view(VIEW, relation), [])?;
    // Only what is prepared is looked into.
    drop(connection.prepare(&sql::select_view(VIEW))?);
    let mut columns = catalog::columns(connection, VIEW)?;
    if let Selection::Query(query) = &relation.rows {
        // A view gives a name of its own to the second column of a name.
        let statement = connection.prepare(query)?;
        for (column, name) in columns.iter_mut().zip(statement.column_names()) {
            column.name = ColumnName::parse(name).unwrap_or_else(|_| column.name.clone());
        }
    }
    Ok(columns)
}

fn refused(error: &rusqlite::Error, relation: &Relation, name: &str) -> Box<Diagnostic> {
    let key = if matches!(relation.rows, Selection::Query(_)) { "query" } else { "where" };
    failure(error, Code::SourceSql, &format!("`{name}` refuses this `{key}`"))
}
