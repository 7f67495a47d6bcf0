//! What rows are read from.
//!
//! A table, or what a spec's own SQL takes from the source. The SQL is the database's: nothing here reads it.

use std::fmt;

use crate::TableName;

/// A set of rows at the source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relation {
    /// The table; of a query, the name that it goes by.
    pub table: TableName,
    /// Which rows.
    pub rows: Selection,
}

/// Which rows of a relation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selection {
    /// Every row of the table.
    All,
    /// Those for which a condition of the database's SQL holds.
    Where(String),
    /// What a query of the database's SQL gives. The table of that name need not exist.
    Query(String),
}

impl Relation {
    /// Every row of a table.
    #[must_use]
    pub fn all(table: TableName) -> Self {
        Self { table, rows: Selection::All }
    }

    /// Those of the rows for which a condition holds as well. What follows SQL is on a line of its own, since that may end with a comment.
    #[must_use]
    pub fn narrowed(&self, condition: &str) -> Self {
        let rows = match &self.rows {
            Selection::All => Selection::Where(condition.to_owned()),
            Selection::Where(own) => Selection::Where(format!("({own}\n) and ({condition}\n)")),
            Selection::Query(query) => {
                Selection::Query(format!("select * from ({query}\n) given where ({condition}\n)"))
            }
        };
        Self { table: self.table.clone(), rows }
    }

    /// The table whose rows these are; none of a query.
    #[must_use]
    pub fn stored(&self) -> Option<&TableName> {
        match self.rows {
            Selection::All | Selection::Where(_) => Some(&self.table),
            Selection::Query(_) => None,
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table.fmt(f)
    }
}
