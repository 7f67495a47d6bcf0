//! Makes a table what it became, one change at a time: that is how a lock takes over what somebody looked at, and nothing else.

use std::collections::BTreeMap;

use super::{ColumnTrait, Effect, Presence, TableChange};
use crate::{Column, ColumnName, ForeignKey, Table};

/// The table with these names in its keys; the columns themselves keep theirs.
pub(super) fn renamed(table: &Table, names: &BTreeMap<&ColumnName, &Column>) -> Table {
    let mut table = table.clone();
    for (from, to) in names {
        rename_in_keys(&mut table, from, &to.name);
    }
    table
}

fn rename_in_keys(table: &mut Table, from: &ColumnName, to: &ColumnName) {
    let foreign = table.foreign_keys.iter_mut().map(|key| &mut key.columns);
    let keys = table.unique_keys.iter_mut().chain(foreign).chain(std::iter::once(&mut table.primary_key));
    for name in keys.flatten().filter(|name| *name == from) {
        *name = to.clone();
    }
}

impl TableChange {
    /// Makes the change in a table as it was. `now` is the table as it is: what is new gets the place that it has there.
    pub fn apply(&self, table: &mut Table, now: &Table) {
        match self {
            Self::TableGone | Self::TableNew | Self::Refused => {}
            Self::ColumnGone(column) => table.columns.retain(|other| other.name != column.name),
            Self::ColumnNew(column) => insert(table, column, now),
            Self::ColumnRenamed { from, to } => {
                table.columns.iter_mut().filter(|column| column.name == *from).for_each(|column| *column = to.clone());
                rename_in_keys(table, from, &to.name);
            }
            Self::Type { now, .. } => {
                for column in table.columns.iter_mut().filter(|column| column.name == now.name) {
                    column.declared.clone_from(&now.declared);
                    column.stores.clone_from(&now.stores);
                    (column.logical, column.max_length) = (now.logical, now.max_length);
                }
            }
            Self::Trait(name, what, presence) => {
                let own = table.columns.iter_mut().filter(|column| column.name == *name);
                own.for_each(|column| *flag(column, *what) = *presence == Presence::New);
            }
            Self::PrimaryKey { before, now: columns } => {
                table.primary_key.clone_from(columns);
                present(&mut table.unique_keys, before, Presence::Gone, &now.unique_keys);
                if now.unique_keys.contains(columns) {
                    present(&mut table.unique_keys, columns, Presence::New, &now.unique_keys);
                }
            }
            Self::UniqueKey(key, presence) => {
                present(&mut table.unique_keys, key, *presence, &now.unique_keys);
                // It is told with the key.
                table.side_effects.secondary_unique = now.side_effects.secondary_unique;
            }
            Self::ForeignKey(key, presence) => {
                let own = table.foreign_keys.iter().find(|other| is_same(other, key)).unwrap_or(key).clone();
                present(&mut table.foreign_keys, &own, *presence, &now.foreign_keys);
            }
            Self::Effect(effect, presence) => act(table, effect, *presence, now),
        }
    }
}

/// Puts a column behind the one that it stands behind now, of those that are there.
fn insert(table: &mut Table, column: &Column, now: &Table) {
    let before = now.columns.iter().take_while(|other| other.name != column.name);
    let behind = before.filter_map(|other| table.columns.iter().position(|known| known.name == other.name)).last();
    table.columns.insert(behind.map_or(0, |at| at + 1), column.clone());
}

fn flag(column: &mut Column, what: ColumnTrait) -> &mut bool {
    match what {
        ColumnTrait::Nullable => &mut column.nullable,
        ColumnTrait::HasDefault => &mut column.has_default,
        ColumnTrait::Generated => &mut column.generated,
        ColumnTrait::InsertOnly => &mut column.insert_only,
    }
}

/// Takes one out of a list or puts it in, in the order in which they stand now.
fn present<T: Clone + PartialEq>(list: &mut Vec<T>, one: &T, presence: Presence, now: &[T]) {
    list.retain(|other| other != one);
    if presence == Presence::New {
        list.push(one.clone());
        list.sort_by_key(|other| now.iter().position(|known| known == other));
    }
}

/// Whether two keys are one. What they refer to may be left out where that is a primary key.
pub(super) fn is_same(a: &ForeignKey, b: &ForeignKey) -> bool {
    (&a.columns, &a.table, a.on_delete) == (&b.columns, &b.table, b.on_delete)
}

fn act(table: &mut Table, effect: &Effect, presence: Presence, now: &Table) {
    let (effects, known) = (&mut table.side_effects, &now.side_effects);
    match effect {
        Effect::Trigger(name) => present(&mut effects.triggers, name, presence, &known.triggers),
        Effect::Rule(name) => present(&mut effects.rules, name, presence, &known.rules),
        Effect::RowSecurity => effects.row_security = presence == Presence::New,
        Effect::OtherUnique => effects.secondary_unique = presence == Presence::New,
    }
}
