//! Tables and columns as observed in a live database.

use std::collections::BTreeMap;

use crate::{ColumnName, Diagnostic, EntityName, Kind, LogicalType, TableName};

/// What one end of a migration holds.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Tables by name.
    pub tables: BTreeMap<TableName, Table>,
    /// What defines each table, as a number that only changes with it. Two of them can be compared where one server made both.
    pub definitions: BTreeMap<TableName, u64>,
    /// By entity, what the SQL of its spec gives, or why the database refuses it.
    pub written: BTreeMap<EntityName, std::result::Result<Table, Diagnostic>>,
    /// The schema that holds the tables, where it is not there; or not yet, because what is to make it was only tried.
    pub missing_schema: Option<String>,
}

/// A table or view.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name, as the database spells it.
    pub name: TableName,
    /// Its columns, in the database's order.
    pub columns: Vec<Column>,
    /// The primary key's columns, in key order; empty where there is none.
    pub primary_key: Vec<ColumnName>,
    /// Column sets that the database keeps unique, the primary key included. One that takes NULL tells no rows apart: see [`Table::keys`].
    pub unique_keys: Vec<Vec<ColumnName>>,
    /// References to other tables.
    pub foreign_keys: Vec<ForeignKey>,
    /// What else acts on rows that are written.
    pub side_effects: SideEffects,
}

/// What acts on a table's rows beside the statement that writes them.
#[derive(Debug, Clone, Default)]
pub struct SideEffects {
    /// Names of the triggers that fire for each row or statement; those that only keep foreign keys are not among them.
    pub triggers: Vec<String>,
    /// Whether rows with different keys can refuse one another: by a unique or exclusion constraint beside the primary key.
    pub secondary_unique: bool,
    /// Names of the rules that rewrite statements.
    pub rules: Vec<String>,
    /// Whether policies hide or refuse rows for the user of this connection.
    pub row_security: bool,
    /// What the table keeps of rows that are written.
    pub keeps: Keeps,
}

/// What a table keeps of rows that are written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keeps {
    /// What was committed.
    #[default]
    Committed,
    /// What was committed, until its server crashes.
    UntilCrash,
    /// Nothing: it is a view that takes no rows.
    Nothing,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, as the database spells it.
    pub name: ColumnName,
    /// The type as declared, for messages.
    pub declared: String,
    /// What a value read from it is.
    pub logical: LogicalType,
    /// The most characters that it keeps, where the database keeps to that.
    pub max_length: Option<usize>,
    /// The kinds of value it stores without changing them.
    pub stores: Vec<Kind>,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// Whether the database fills it where an insert leaves it out.
    pub has_default: bool,
    /// Whether the database computes it, so that nothing may be written to it.
    pub generated: bool,
    /// Whether it takes a value when a row is inserted and never again.
    pub insert_only: bool,
}

/// A reference of some columns to another table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The referring columns.
    pub columns: Vec<ColumnName>,
    /// The table they refer to.
    pub table: TableName,
    /// The columns of it that they refer to; empty where these are its primary key and nothing else is said.
    pub refers_to: Vec<ColumnName>,
    /// What becomes of a row when the one that it refers to is deleted.
    pub on_delete: OnDelete,
}

/// What becomes of a row when the one that it refers to is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDelete {
    /// The delete is refused, at once or in the end.
    #[default]
    Refused,
    /// It is deleted, too.
    Deleted,
    /// It refers to nothing then.
    Null,
    /// It refers to what the columns' defaults say.
    Default,
}

impl OnDelete {
    /// The words of SQL for it; none for what is so where nothing is said.
    #[must_use]
    pub fn as_sql(self) -> &'static str {
        match self {
            Self::Refused => "",
            Self::Deleted => "cascade",
            Self::Null => "set null",
            Self::Default => "set default",
        }
    }

    /// What words of SQL say.
    #[must_use]
    pub fn of_sql(words: &str) -> Self {
        let all = [Self::Deleted, Self::Null, Self::Default];
        all.into_iter().find(|one| one.as_sql().eq_ignore_ascii_case(words)).unwrap_or_default()
    }
}

impl Catalog {
    /// The table of that name, if there is one.
    #[must_use]
    pub fn table(&self, name: &TableName) -> Option<&Table> {
        self.tables.get(name)
    }
}

impl Column {
    /// Whether an insert must give it a value: the database neither fills nor computes it, and takes no NULL.
    #[must_use]
    pub fn needs_value(&self) -> bool {
        !self.nullable && !self.has_default && !self.generated
    }

    /// Whether it is the same but for its name.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        Self { name: other.name.clone(), ..self.clone() } == *other
    }

    /// Whether its database fills values up with blanks, and takes values that differ by those alone for one: `character(6)` of PostgreSQL.
    #[must_use]
    pub fn is_padded(&self) -> bool {
        let base = self.declared.split('(').next().unwrap_or_default();
        matches!(base, "character" | "bpchar")
    }

    /// Whether it keeps a UUID: as such, as its text or as its bytes.
    #[must_use]
    pub fn takes_uuid(&self) -> bool {
        self.stores.iter().any(|kind| matches!(kind, Kind::Uuid | Kind::Text | Kind::Bytes))
    }
}

impl Table {
    /// The column of that name, if there is one.
    #[must_use]
    pub fn column(&self, name: &ColumnName) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == *name)
    }

    /// The sets of columns that tell rows apart: unique, and never NULL.
    pub fn keys(&self) -> impl Iterator<Item = &[ColumnName]> {
        let is_never_null = |name: &ColumnName| self.column(name).is_some_and(|column| !column.nullable);
        self.unique_keys.iter().map(Vec::as_slice).filter(move |unique| unique.iter().all(is_never_null))
    }

    /// Whether the database itself keeps `columns` unique and not null.
    #[must_use]
    pub fn is_unique(&self, columns: &[ColumnName]) -> bool {
        self.keys().any(|unique| unique.iter().all(|column| columns.contains(column)))
    }
}
