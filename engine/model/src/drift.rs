//! What changed between two looks at a table.
//!
//! One comparison serves everyone: a run, which writes nothing for a table that is not what it was, and whoever compares the databases with
//! `transload.lock`. What a change means to a spec is not said here, because only the spec knows which columns it reads and writes.

mod apply;
mod fit;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use crate::{Column, ColumnName, ForeignKey, Table};
pub use fit::{Fit, fit};

/// One thing that is different about a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableChange {
    /// The table is not there any more.
    TableGone,
    /// The table was not there before.
    TableNew,
    /// The database refuses the query that stands in the place of the table, and took it before.
    Refused,
    /// A column is not there any more.
    ColumnGone(Column),
    /// A column was not there before.
    ColumnNew(Column),
    /// A column of another name stands where one was, and is like it in everything else.
    ColumnRenamed {
        /// The name that it had.
        from: ColumnName,
        /// The column as it is.
        to: Column,
    },
    /// A column's type, length or precision is another.
    Type {
        /// As it was.
        before: Column,
        /// As it is.
        now: Column,
    },
    /// Something else about a column came or went.
    Trait(ColumnName, ColumnTrait, Presence),
    /// The primary key has other columns.
    PrimaryKey {
        /// Those that it had.
        before: Vec<ColumnName>,
        /// Those that it has.
        now: Vec<ColumnName>,
    },
    /// A unique key beside the primary key.
    UniqueKey(Vec<ColumnName>, Presence),
    /// A reference to another table.
    ForeignKey(ForeignKey, Presence),
    /// What else acts on rows that are written.
    Effect(Effect, Presence),
}

/// Whether something came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is not there any more.
    Gone,
    /// It was not there before.
    New,
}

/// What is said of a column beside its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnTrait {
    /// It takes NULL.
    Nullable,
    /// The database fills it where an insert leaves it out.
    HasDefault,
    /// The database computes it.
    Generated,
    /// It takes a value when a row is inserted and never again.
    InsertOnly,
}

/// What acts on a table's rows beside the statement that writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A trigger.
    Trigger(String),
    /// A rule that rewrites statements.
    Rule(String),
    /// Policies that hide or refuse rows.
    RowSecurity,
    /// Rows with different keys can refuse one another, by a constraint that is no unique key of columns alone.
    OtherUnique,
}

/// What is different now; nothing where all that a catalog holds of the table is as it was.
#[must_use]
pub fn table_changes(before: Option<&Table>, now: Option<&Table>) -> Vec<TableChange> {
    match (before, now) {
        (None, None) => Vec::new(),
        (Some(_), None) => vec![TableChange::TableGone],
        (None, Some(_)) => vec![TableChange::TableNew],
        (Some(before), Some(now)) => of_table(before, now),
    }
}

fn of_table(before: &Table, now: &Table) -> Vec<TableChange> {
    let renamed = renamed(before, now);
    let mut changes = Vec::new();
    for column in &before.columns {
        match (now.column(&column.name), renamed.get(&column.name)) {
            (Some(now), _) => of_column(column, now, &mut changes),
            (None, Some(to)) => {
                changes.push(TableChange::ColumnRenamed { from: column.name.clone(), to: (*to).clone() });
            }
            (None, None) => changes.push(TableChange::ColumnGone(column.clone())),
        }
    }
    let is_new = |column: &&Column| {
        before.column(&column.name).is_none() && renamed.values().all(|known| known.name != column.name)
    };
    changes.extend(now.columns.iter().filter(is_new).cloned().map(TableChange::ColumnNew));
    of_keys(&apply::renamed(before, &renamed), now, &mut changes);
    changes
}

/// Columns that have another name now, by the one that they had: of those that stand between the same neighbours, as many went as came, and
/// each is like the one in its place.
fn renamed<'a>(before: &'a Table, now: &'a Table) -> BTreeMap<&'a ColumnName, &'a Column> {
    let mut renamed = BTreeMap::new();
    let is_kept = |column: &Column| before.column(&column.name).is_some() && now.column(&column.name).is_some();
    let (gone, new) = (before.columns.split(is_kept), now.columns.split(is_kept));
    let kept = |table: &'a Table| table.columns.iter().filter(|column| is_kept(column)).map(|column| &column.name);
    if !kept(before).eq(kept(now)) {
        return renamed;
    }
    for (gone, new) in gone.zip(new).filter(|(gone, new)| gone.len() <= new.len()) {
        // What is added stands behind what was there.
        let pairs: Vec<(&Column, &Column)> = gone.iter().zip(new).collect();
        if pairs.iter().all(|(gone, new)| gone.is_like(new)) {
            renamed.extend(pairs.into_iter().map(|(gone, new)| (&gone.name, new)));
        }
    }
    renamed
}

fn of_column(before: &Column, now: &Column, changes: &mut Vec<TableChange>) {
    if fit(before, now) != Fit::Same {
        changes.push(TableChange::Type { before: before.clone(), now: now.clone() });
    }
    let cases = [
        (before.nullable, now.nullable, ColumnTrait::Nullable),
        (before.has_default, now.has_default, ColumnTrait::HasDefault),
        (before.generated, now.generated, ColumnTrait::Generated),
        (before.insert_only, now.insert_only, ColumnTrait::InsertOnly),
    ];
    for (had, has, what) in cases {
        match (had, has) {
            (true, false) => changes.push(TableChange::Trait(now.name.clone(), what, Presence::Gone)),
            (false, true) => changes.push(TableChange::Trait(now.name.clone(), what, Presence::New)),
            _ => {}
        }
    }
}

fn of_keys(before: &Table, now: &Table, changes: &mut Vec<TableChange>) {
    let mut primary = None;
    if before.primary_key != now.primary_key {
        primary = Some((&before.primary_key, &now.primary_key));
        changes.push(TableChange::PrimaryKey { before: before.primary_key.clone(), now: now.primary_key.clone() });
    }
    // A primary key is one of the unique keys, too; it is told once.
    let unique = compared(&before.unique_keys, &now.unique_keys, |a, b| a == b);
    let unique: Vec<_> = unique
        .filter(|(key, presence)| match presence {
            Presence::Gone => primary.is_none_or(|(before, _)| before != *key),
            Presence::New => primary.is_none_or(|(_, now)| now != *key),
        })
        .collect();
    let is_told = |presence| unique.iter().any(|(_, told)| *told == presence);
    let (had, has) = (before.side_effects.secondary_unique, now.side_effects.secondary_unique);
    let other: &[Effect] = match (had, has) {
        (true, false) if !is_told(Presence::Gone) => &[Effect::OtherUnique],
        (false, true) if !is_told(Presence::New) => &[Effect::OtherUnique],
        _ => &[],
    };
    changes.extend(unique.iter().map(|(key, presence)| TableChange::UniqueKey((*key).clone(), *presence)));
    let foreign = compared(&before.foreign_keys, &now.foreign_keys, apply::is_same);
    changes.extend(foreign.map(|(key, presence)| TableChange::ForeignKey(key.clone(), presence)));
    let (acted, act) = (effects(before), effects(now));
    let acting = compared(&acted, &act, |a, b| a == b);
    changes.extend(acting.map(|(effect, presence)| TableChange::Effect(effect.clone(), presence)));
    let presence = if has { Presence::New } else { Presence::Gone };
    changes.extend(other.iter().map(|effect| TableChange::Effect(effect.clone(), presence)));
}

/// What went, and then what came.
fn compared<'a, T>(
    before: &'a [T],
    now: &'a [T],
    is_same: impl Fn(&T, &T) -> bool + Copy,
) -> impl Iterator<Item = (&'a T, Presence)> {
    let lacks = move |all: &'a [T], one: &T| !all.iter().any(|other| is_same(one, other));
    let gone = before.iter().filter(move |one| lacks(now, one)).map(|one| (one, Presence::Gone));
    gone.chain(now.iter().filter(move |one| lacks(before, one)).map(|one| (one, Presence::New)))
}

fn effects(table: &Table) -> Vec<Effect> {
    let effects = &table.side_effects;
    let triggers = effects.triggers.iter().cloned().map(Effect::Trigger);
    let rules = effects.rules.iter().cloned().map(Effect::Rule);
    triggers.chain(rules).chain(effects.row_security.then_some(Effect::RowSecurity)).collect()
}

impl TableChange {
    /// The word for it that programs read.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::TableGone => "table_gone",
            Self::TableNew => "table_new",
            Self::Refused => "query_refused",
            Self::ColumnGone(_) => "column_gone",
            Self::ColumnNew(_) => "column_new",
            Self::ColumnRenamed { .. } => "column_renamed",
            Self::Type { .. } => "column_type",
            Self::Trait(_, ColumnTrait::Nullable, _) => "column_nullable",
            Self::Trait(_, ColumnTrait::HasDefault, _) => "column_default",
            Self::Trait(_, ColumnTrait::Generated, _) => "column_generated",
            Self::Trait(_, ColumnTrait::InsertOnly, _) => "column_insert_only",
            Self::PrimaryKey { .. } => "primary_key",
            Self::UniqueKey(..) => "unique_key",
            Self::ForeignKey(..) => "foreign_key",
            Self::Effect(Effect::Trigger(_), _) => "trigger",
            Self::Effect(Effect::Rule(_), _) => "rule",
            Self::Effect(Effect::RowSecurity, _) => "row_security",
            Self::Effect(Effect::OtherUnique, _) => "other_unique",
        }
    }

    /// The column that it is about, by the name that it had; `None` where it is about the table.
    #[must_use]
    pub fn column(&self) -> Option<&ColumnName> {
        match self {
            Self::ColumnGone(column) | Self::ColumnNew(column) => Some(&column.name),
            Self::Type { before, .. } => Some(&before.name),
            Self::ColumnRenamed { from, .. } => Some(from),
            Self::Trait(column, ..) => Some(column),
            _ => None,
        }
    }
}

impl Display for TableChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TableGone => f.write_str("the table is gone"),
            Self::TableNew => f.write_str("there was no such table"),
            Self::Refused => f.write_str("the database no longer takes the query"),
            Self::ColumnGone(column) => write!(f, "column `{}` is gone", column.name),
            Self::ColumnNew(column) => {
                let required = if column.needs_value() { ", which must have a value" } else { "" };
                write!(f, "column `{}` is new: {}{required}", column.name, declared(column))
            }
            Self::ColumnRenamed { from, to } => {
                write!(f, "column `{from}` is gone; `{}` is where it was, and like it", to.name)
            }
            Self::Type { before, now } if before.declared == now.declared => {
                write!(f, "column `{}` was read as {}, is read as {}", now.name, before.logical, now.logical)
            }
            Self::Type { before, now } => {
                write!(f, "column `{}` was {}, is {}", now.name, declared(before), declared(now))
            }
            Self::Trait(name, what, Presence::Gone) => write!(f, "that column `{name}` {what} is no longer so"),
            Self::Trait(name, what, Presence::New) => write!(f, "column `{name}` {what} now"),
            Self::PrimaryKey { before, now } => {
                write!(f, "the primary key was ({}), is ({})", listed(before), listed(now))
            }
            Self::UniqueKey(columns, presence) => write!(f, "the unique key ({}) {presence}", listed(columns)),
            Self::ForeignKey(key, presence) => {
                let on_delete = match key.on_delete.as_sql() {
                    "" => String::new(),
                    words => format!(" on delete {words}"),
                };
                write!(f, "the foreign key ({}) to `{}`{on_delete} {presence}", listed(&key.columns), key.table)
            }
            Self::Effect(effect, presence) => write!(f, "{effect} {presence}"),
        }
    }
}

impl Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gone => "is gone",
            Self::New => "is new",
        })
    }
}

impl Display for ColumnTrait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nullable => "takes NULL",
            Self::HasDefault => "has a default",
            Self::Generated => "is computed by the database",
            Self::InsertOnly => "can only be set by an insert",
        })
    }
}

impl Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trigger(name) => write!(f, "the trigger `{name}`"),
            Self::Rule(name) => write!(f, "the rule `{name}`"),
            Self::RowSecurity => f.write_str("row security"),
            Self::OtherUnique => f.write_str("a unique constraint beside the primary key"),
        }
    }
}

fn declared(column: &Column) -> &str {
    if column.declared.is_empty() { "without a type" } else { &column.declared }
}

fn listed(names: &[ColumnName]) -> String {
    names.iter().map(ColumnName::as_str).collect::<Vec<_>>().join(", ")
}
