//! How the rows of a drafted entity find one another: which columns are the key, and what becomes of it.

use transload_model::{Column, ColumnName, Kind, Table};
use uuid::Uuid;

use crate::fit::{fit, is_uuid_text};
use crate::words::{alike, column_words};

/// What the project says of keys that a spec says nothing of.
#[derive(Debug, Clone, Copy)]
pub struct KeyDefaults {
    /// Whether a strategy is given, and whether it is `uuid_v5`.
    pub is_uuid: Option<bool>,
    /// Whether it is another one, which makes keys when rows are loaded.
    pub is_made: bool,
    /// Whether a namespace is given.
    pub has_namespace: bool,
    /// The namespace that is written where none is given.
    pub namespace: Uuid,
}

/// How a destination key comes from a source key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyDraft {
    /// A UUID of the old key.
    Uuid {
        /// The source's columns.
        source: Vec<ColumnName>,
        /// The destination's one column.
        destination: ColumnName,
    },
    /// The old key's columns, each with the one that it goes to.
    Kept(Vec<(ColumnName, ColumnName)>),
    /// There is none, for this reason.
    Missing(String),
}

impl KeyDraft {
    /// The source's columns.
    #[must_use]
    pub fn source(&self) -> Vec<&ColumnName> {
        match self {
            Self::Uuid { source, .. } => source.iter().collect(),
            Self::Kept(pairs) => pairs.iter().map(|(source, _)| source).collect(),
            Self::Missing(_) => Vec::new(),
        }
    }

    /// The destination's columns.
    #[must_use]
    pub fn destination(&self) -> Vec<&ColumnName> {
        match self {
            Self::Uuid { destination, .. } => vec![destination],
            Self::Kept(pairs) => pairs.iter().map(|(_, destination)| destination).collect(),
            Self::Missing(_) => Vec::new(),
        }
    }
}

/// The columns that identify a row: the primary key, or else the first set that the database keeps unique.
pub(crate) fn identity(table: &Table) -> Option<Vec<&Column>> {
    let names = if table.primary_key.is_empty() { table.keys().next()? } else { &table.primary_key };
    names.iter().map(|name| table.column(name)).collect()
}

/// The key of a pair of tables, as far as it can be told without their other columns; `None` where the destination's key has several columns, or
/// refers to another table, so that it depends on how columns are mapped.
pub(crate) fn simple(source: &Table, destination: &Table, defaults: &KeyDefaults) -> Option<KeyDraft> {
    let (from, to) = match ends(source, destination) {
        Ok(ends) => ends,
        Err(reason) => return Some(KeyDraft::Missing(reason)),
    };
    let [column] = to.as_slice() else { return None };
    if refers(destination, &column.name) {
        return None;
    }
    Some(single(&from, column, destination, defaults))
}

/// The columns of both keys, where they can be keys.
pub(crate) fn ends<'a>(
    source: &'a Table,
    destination: &'a Table,
) -> Result<(Vec<&'a Column>, Vec<&'a Column>), String> {
    let from = identity(source).ok_or_else(|| format!("`{}` has no primary key", source.name))?;
    let to = identity(destination).ok_or_else(|| format!("`{}` has no primary key", destination.name))?;
    match from.iter().find(|column| !column.logical.can_be_key()) {
        Some(column) => Err(format!("`{}` is {} and cannot be a key", column.name, column.logical)),
        None => Ok((from, to)),
    }
}

/// Whether a column is a reference to another table.
pub(crate) fn refers(table: &Table, column: &ColumnName) -> bool {
    table
        .foreign_keys
        .iter()
        .any(|key| key.columns.as_slice() == std::slice::from_ref(column) && key.table != table.name)
}

fn single(from: &[&Column], to: &Column, destination: &Table, defaults: &KeyDefaults) -> KeyDraft {
    let uuid = || KeyDraft::Uuid {
        source: from.iter().map(|column| column.name.clone()).collect(),
        destination: to.name.clone(),
    };
    let can_be_uuid = to.takes_uuid() && !to.generated;
    let missing = |reason: String| KeyDraft::Missing(reason);
    if to.generated {
        return missing(format!("key column `{}` is computed by the database", to.name));
    }
    let [only] = from else {
        return if can_be_uuid {
            uuid()
        } else {
            missing(format!("a key of {} columns cannot become `{}`, which is {}", from.len(), to.name, to.logical))
        };
    };
    let kept = || KeyDraft::Kept(vec![(only.name.clone(), to.name.clone())]);
    if can_be_uuid && is_new(only, to, destination, defaults) {
        return uuid();
    }
    match fit(only, to, None) {
        Ok(fit) if fit.is_plain() => kept(),
        Ok(_) => missing(format!("`{}` does not keep {} as it is", to.name, only.logical)),
        Err(reason) => missing(format!("key: {reason}")),
    }
}

/// Whether the destination has keys of its own, and does not go on with the old ones.
fn is_new(from: &Column, to: &Column, destination: &Table, defaults: &KeyDefaults) -> bool {
    match (from.logical.kind(), to.logical.kind()) {
        (Kind::Uuid, _) => false,
        (Kind::Text, Kind::Uuid) => !is_uuid_text(from),
        (_, Kind::Uuid) => true,
        (Kind::Text, Kind::Text) => {
            let like = |column: &Column| alike(&column_words(from.name.as_str()), &column_words(column.name.as_str()));
            let is_elsewhere = destination.columns.iter().any(|column| column.name != to.name && like(column) >= 800);
            like(to) < 800 && (is_elsewhere || defaults.is_uuid == Some(true))
        }
        (_, Kind::Text | Kind::Bytes) => defaults.is_uuid != Some(false),
        _ => false,
    }
}
