//! A table as the lock writes it.

use serde::{Deserialize, Serialize};
use transload_model::{Catalog, Column, ColumnName, ForeignKey, Kind, OnDelete, SideEffects, Table, TableName};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LockedTable {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    primary_key: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unique_keys: Vec<Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    foreign_keys: Vec<LockedForeignKey>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    triggers: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rules: Vec<String>,
    #[serde(default, skip_serializing_if = "is_not")]
    secondary_unique: bool,
    #[serde(default, skip_serializing_if = "is_not")]
    row_security: bool,
    columns: Vec<LockedColumn>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockedForeignKey {
    columns: Vec<String>,
    table: String,
    /// Not there where they refer to its primary key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refers_to: Vec<String>,
    /// Not there where a delete is refused.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    on_delete: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockedColumn {
    name: String,
    #[serde(rename = "type")]
    logical: String,
    declared: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_length: Option<usize>,
    stores: Vec<String>,
    #[serde(default, skip_serializing_if = "is_not")]
    not_null: bool,
    #[serde(default, skip_serializing_if = "is_not")]
    has_default: bool,
    #[serde(default, skip_serializing_if = "is_not")]
    generated: bool,
    #[serde(default, skip_serializing_if = "is_not")]
    insert_only: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_not(flag: &bool) -> bool {
    !flag
}

impl LockedTable {
    pub(super) fn of(table: &Table, catalog: &Catalog) -> Self {
        let key = |columns: &Vec<ColumnName>| columns.iter().map(ToString::to_string).collect();
        let reference = |to: &ForeignKey| {
            let is_primary = catalog.table(&to.table).is_some_and(|other| other.primary_key == to.refers_to);
            let refers_to = if is_primary { Vec::new() } else { key(&to.refers_to) };
            let on_delete = to.on_delete.as_sql().to_owned();
            LockedForeignKey { columns: key(&to.columns), table: to.table.to_string(), refers_to, on_delete }
        };
        Self {
            primary_key: key(&table.primary_key),
            unique_keys: table.unique_keys.iter().map(key).collect(),
            foreign_keys: table.foreign_keys.iter().map(reference).collect(),
            triggers: table.side_effects.triggers.clone(),
            rules: table.side_effects.rules.clone(),
            secondary_unique: table.side_effects.secondary_unique,
            row_security: table.side_effects.row_security,
            columns: table.columns.iter().map(LockedColumn::of).collect(),
        }
    }

    /// The table; `None` where a name or a type is none.
    pub(super) fn table(&self, name: &str) -> Option<Table> {
        let key = |columns: &Vec<String>| -> Option<Vec<ColumnName>> {
            columns.iter().map(|name| ColumnName::parse(name).ok()).collect()
        };
        let reference = |key_to: &LockedForeignKey| {
            Some(ForeignKey {
                columns: key(&key_to.columns)?,
                table: TableName::parse(&key_to.table).ok()?,
                refers_to: key(&key_to.refers_to)?,
                on_delete: OnDelete::of_sql(&key_to.on_delete),
            })
        };
        Some(Table {
            name: TableName::parse(name).ok()?,
            columns: self.columns.iter().map(LockedColumn::column).collect::<Option<_>>()?,
            primary_key: key(&self.primary_key)?,
            unique_keys: self.unique_keys.iter().map(key).collect::<Option<_>>()?,
            foreign_keys: self.foreign_keys.iter().map(reference).collect::<Option<_>>()?,
            side_effects: SideEffects {
                triggers: self.triggers.clone(),
                rules: self.rules.clone(),
                secondary_unique: self.secondary_unique,
                row_security: self.row_security,
                ..SideEffects::default()
            },
        })
    }
}

impl LockedColumn {
    fn of(column: &Column) -> Self {
        Self {
            name: column.name.to_string(),
            logical: column.logical.to_string(),
            declared: column.declared.clone(),
            max_length: column.max_length,
            stores: column.stores.iter().map(|kind| kind.as_str().to_owned()).collect(),
            not_null: !column.nullable,
            has_default: column.has_default,
            generated: column.generated,
            insert_only: column.insert_only,
        }
    }

    fn column(&self) -> Option<Column> {
        let kind = |name: &String| Kind::ALL.into_iter().find(|kind| kind.as_str() == name);
        Some(Column {
            name: ColumnName::parse(&self.name).ok()?,
            declared: self.declared.clone(),
            max_length: self.max_length,
            logical: self.logical.parse().ok()?,
            stores: self.stores.iter().map(kind).collect::<Option<_>>()?,
            nullable: !self.not_null,
            has_default: self.has_default,
            generated: self.generated,
            insert_only: self.insert_only,
        })
    }
}
