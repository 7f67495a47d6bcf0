//! The columns to read, each once for each type it is needed as.

use std::collections::BTreeMap;

use transload_model::{ColumnName, LogicalType, ReadColumn};

/// Columns in the order of first use.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    columns: Vec<ReadColumn>,
    indexes: BTreeMap<(ColumnName, String), usize>,
}

impl Reads {
    /// The index of a column read as a type.
    pub(crate) fn index(&mut self, name: &ColumnName, logical: LogicalType) -> usize {
        let next = self.columns.len();
        let index = *self.indexes.entry((name.clone(), logical.to_string())).or_insert(next);
        if index == next {
            self.columns.push(ReadColumn { name: name.clone(), logical });
        }
        index
    }

    /// What a column is read as, with the indexes.
    pub(crate) fn of(&self, name: &ColumnName) -> Vec<(usize, LogicalType)> {
        let named = self.columns.iter().enumerate().filter(|(_, read)| read.name == *name);
        named.map(|(at, read)| (at, read.logical)).collect()
    }

    /// All of them.
    pub(crate) fn into_columns(self) -> Vec<ReadColumn> {
        self.columns
    }
}
