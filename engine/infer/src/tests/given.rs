//! Catalogs in a notation that is quick to read: a line for each table, `name: column type, column type! pk`.
//!
//! `!` is NOT NULL, `=` has a default, `pk` is in the primary key, `-> table` refers to one.

use transload_model::{
    Catalog, Column, ColumnName, ForeignKey, Kind, LogicalType, OnDelete, SideEffects, Table, TableName,
};
use uuid::Uuid;

use crate::{Asked, Inferred, KeyDefaults, Known, Observations, Schemas, Selected, infer, spec};

pub(super) const KEYS: KeyDefaults =
    KeyDefaults { is_uuid: None, is_made: false, has_namespace: false, namespace: Uuid::nil() };

pub(super) fn catalog(lines: &str) -> Catalog {
    let tables = lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(table);
    Catalog { tables: tables.map(|table| (table.name.clone(), table)).collect(), ..Catalog::default() }
}

fn table(line: &str) -> Table {
    let (name, columns) = line.split_once(": ").unwrap();
    let mut table = Table {
        name: TableName::parse(name).unwrap(),
        columns: Vec::new(),
        primary_key: Vec::new(),
        unique_keys: Vec::new(),
        foreign_keys: Vec::new(),
        side_effects: SideEffects::default(),
    };
    for text in columns.split(", ") {
        let words: Vec<&str> = text.split(' ').collect();
        let column = column(words[0], words[1]);
        if let Some(at) = words.iter().position(|word| *word == "->") {
            let parent = TableName::parse(words[at + 1]).unwrap();
            table.foreign_keys.push(ForeignKey {
                columns: vec![column.name.clone()],
                table: parent,
                refers_to: Vec::new(),
                on_delete: OnDelete::Refused,
            });
        }
        if words.contains(&"pk") {
            table.primary_key.push(column.name.clone());
        }
        table.columns.push(Column { nullable: column.nullable && !words.contains(&"pk"), ..column });
    }
    table
}

pub(super) fn column(name: &str, marked: &str) -> Column {
    let declared = marked.trim_end_matches(['!', '=', '@']);
    let logical = match declared {
        _ if declared.starts_with("char") => LogicalType::Text,
        "decimal" => LogicalType::Decimal { precision: 10, scale: 2 },
        known => known.parse().unwrap(),
    };
    let mut stores = vec![logical.kind()];
    if logical == LogicalType::Text {
        stores.extend([Kind::Uuid, Kind::Date, Kind::Timestamp, Kind::Decimal]);
    }
    Column {
        max_length: None,
        name: ColumnName::parse(name).unwrap(),
        declared: declared.to_owned(),
        logical,
        stores,
        nullable: !marked.contains('!'),
        has_default: marked.contains('='),
        generated: marked.contains('@'),
        insert_only: false,
    }
}

pub(super) fn inferred(source: &str, destination: &str) -> Inferred {
    inferred_beside(source, destination, &[])
}

pub(super) fn inferred_beside(source: &str, destination: &str, known: &[Known]) -> Inferred {
    let (source, destination) = (catalog(source), catalog(destination));
    let (seen, selected) = (Observations::new(), Selected::default());
    infer(&Schemas::of(&source, &destination), &Asked { known, keys: KEYS, seen: &seen, selected: &selected })
}

/// The specs that are drafted, one behind the other.
pub(super) fn specs(inferred: &Inferred) -> String {
    inferred.drafts.iter().map(spec).collect::<Vec<_>>().join("\n")
}

/// `source > destination`, for each pair.
pub(super) fn pairs(inferred: &Inferred) -> Vec<String> {
    inferred.drafts.iter().map(|draft| format!("{} > {}", draft.source_table, draft.destination_table)).collect()
}
