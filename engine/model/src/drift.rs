//! What changed between two looks at a table.

use std::collections::BTreeSet;
use std::fmt::Display;

use crate::{Column, ForeignKey, Table};

/// Says in words what is different now, a line for each change; nothing where all that a catalog holds of the table is as it was.
#[must_use]
pub fn table_changes(before: Option<&Table>, now: Option<&Table>) -> Vec<String> {
    match (before, now) {
        (None, None) => Vec::new(),
        (Some(_), None) => vec!["the table is gone".to_owned()],
        (None, Some(_)) => vec!["there was no such table".to_owned()],
        (Some(before), Some(now)) => of_table(before, now),
    }
}

fn of_table(before: &Table, now: &Table) -> Vec<String> {
    let mut changes = Vec::new();
    for column in &before.columns {
        match now.column(&column.name) {
            Some(now) => changes.extend(of_column(column, now)),
            None => changes.push(format!("column `{}` is gone", column.name)),
        }
    }
    let is_new = |column: &&Column| before.column(&column.name).is_none();
    changes.extend(now.columns.iter().filter(is_new).map(new_column));
    if before.primary_key != now.primary_key {
        changes.push(format!(
            "the primary key was ({}), is ({})",
            listed(&before.primary_key),
            listed(&now.primary_key)
        ));
    }
    let unique =
        |table: &Table| table.unique_keys.iter().map(|key| format!("the unique key ({})", listed(key))).collect();
    compare(&unique(before), &unique(now), &mut changes);
    let foreign = |table: &Table| table.foreign_keys.iter().map(foreign_key).collect();
    compare(&foreign(before), &foreign(now), &mut changes);
    let acting = |table: &Table| {
        let effects = &table.side_effects;
        let triggers = effects.triggers.iter().map(|name| format!("the trigger `{name}`"));
        let rules = effects.rules.iter().map(|name| format!("the rule `{name}`"));
        let policies = effects.row_security.then(|| "row security".to_owned());
        let unique = effects.secondary_unique.then(|| "a unique constraint beside the primary key".to_owned());
        triggers.chain(rules).chain(policies).chain(unique).collect()
    };
    compare(&acting(before), &acting(now), &mut changes);
    changes
}

fn of_column(before: &Column, now: &Column) -> Vec<String> {
    let name = &before.name;
    let mut changes = Vec::new();
    if before.declared != now.declared {
        changes.push(format!("column `{name}` was {}, is {}", declared(before), declared(now)));
    }
    let cases = [
        (before.nullable, now.nullable, "takes NULL"),
        (before.has_default, now.has_default, "has a default"),
        (before.generated, now.generated, "is computed by the database"),
        (before.insert_only, now.insert_only, "can only be set by an insert"),
    ];
    for (before, now, what) in cases {
        match (before, now) {
            (true, false) => changes.push(format!("that column `{name}` {what} is no longer so")),
            (false, true) => changes.push(format!("column `{name}` {what} now")),
            _ => {}
        }
    }
    changes
}

fn new_column(column: &Column) -> String {
    let is_required = !column.nullable && !column.has_default && !column.generated;
    let required = if is_required { ", which must have a value" } else { "" };
    format!("column `{}` is new: {}{required}", column.name, declared(column))
}

fn declared(column: &Column) -> &str {
    if column.declared.is_empty() { "without a type" } else { &column.declared }
}

fn foreign_key(key: &ForeignKey) -> String {
    format!("the foreign key ({}) to `{}`", listed(&key.columns), key.table)
}

fn listed(names: &[impl Display]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn compare(before: &BTreeSet<String>, now: &BTreeSet<String>, changes: &mut Vec<String>) {
    changes.extend(before.difference(now).map(|what| format!("{what} is gone")));
    changes.extend(now.difference(before).map(|what| format!("{what} is new")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ColumnName, Kind, LogicalType, SideEffects, TableName};

    fn name(text: &str) -> ColumnName {
        ColumnName::parse(text).unwrap()
    }

    fn column(text: &str, declared: &str) -> Column {
        Column {
            name: name(text),
            declared: declared.to_owned(),
            logical: LogicalType::Text,
            max_length: None,
            stores: vec![Kind::Text],
            nullable: true,
            has_default: false,
            generated: false,
            insert_only: false,
        }
    }

    fn table() -> Table {
        Table {
            name: TableName::parse("orders").unwrap(),
            columns: vec![column("id", "integer"), column("note", "text")],
            primary_key: vec![name("id")],
            unique_keys: vec![vec![name("id")]],
            foreign_keys: Vec::new(),
            side_effects: SideEffects::default(),
        }
    }

    #[test]
    fn what_changed_is_told_in_words() {
        type Change = fn(&mut Table);
        let cases: &[(Change, &str)] = &[
            (|table| drop(table.columns.pop()), "column `note` is gone"),
            (|table| table.columns.push(column("more", "date")), "column `more` is new: date"),
            (
                |table| table.columns.push(Column { nullable: false, ..column("more", "date") }),
                "column `more` is new: date, which must have a value",
            ),
            (|table| table.columns[1].declared = "varchar(5)".to_owned(), "column `note` was text, is varchar(5)"),
            (|table| table.columns[1].nullable = false, "that column `note` takes NULL is no longer so"),
            (|table| table.columns[1].has_default = true, "column `note` has a default now"),
            (|table| table.primary_key.push(name("note")), "the primary key was (id), is (id, note)"),
            (|table| table.unique_keys.clear(), "the unique key (id) is gone"),
            (
                |table| {
                    let to = TableName::parse("notes").unwrap();
                    table.foreign_keys.push(ForeignKey {
                        columns: vec![name("note")],
                        table: to,
                        refers_to: Vec::new(),
                    });
                },
                "the foreign key (note) to `notes` is new",
            ),
            (|table| table.side_effects.triggers.push("audit".to_owned()), "the trigger `audit` is new"),
            (|table| table.side_effects.row_security = true, "row security is new"),
        ];
        for (change, expected) in cases {
            let mut now = table();
            change(&mut now);
            assert_eq!(table_changes(Some(&table()), Some(&now)), [*expected]);
        }
    }

    #[test]
    fn a_table_that_is_as_it_was_has_no_changes() {
        assert_eq!(table_changes(Some(&table()), Some(&table())), [""; 0]);
        assert_eq!(table_changes(Some(&table()), None), ["the table is gone"]);
        assert_eq!(table_changes(None, Some(&table())), ["there was no such table"]);
    }
}
