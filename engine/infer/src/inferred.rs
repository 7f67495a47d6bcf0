//! What is found: drafts of specs, what specs that there are could have besides, and tables that have no counterpart.

use transload_model::{ColumnName, EntityName, LogicalType, TableName};
use uuid::Uuid;

use crate::confidence::Confidence;
use crate::key::KeyDraft;
use crate::observed::Flags;

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Inferred {
    /// A spec for each new pair of tables, by destination table.
    pub drafts: Vec<Draft>,
    /// What specs that there are do not fill yet, in the order in which they were given.
    pub additions: Vec<Addition>,
    /// Source tables without a counterpart, by name.
    pub unpaired_sources: Vec<Unpaired>,
    /// Destination tables without a counterpart, by name.
    pub unpaired_destinations: Vec<Unpaired>,
}

/// A spec that is drafted.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Its entity, which is called as the destination table is.
    pub entity: EntityName,
    /// The table that it reads.
    pub source_table: TableName,
    /// The table that it writes.
    pub destination_table: TableName,
    /// How sure the pair is.
    pub score: Confidence,
    /// Its key.
    pub key: KeyDraft,
    /// The namespace, where the key needs one that the project does not give.
    pub namespace: Option<Uuid>,
    /// Whether the project and the tables say the same key.
    pub is_default_key: bool,
    /// What becomes of each destination column that the key does not fill, in the table's order.
    pub fields: Vec<FieldDraft>,
    /// Source columns that nothing reads, in the table's order.
    pub unread: Vec<ColumnName>,
    /// The columns of the source table.
    pub columns: Vec<ColumnName>,
}

/// Mappings that a spec could have besides its own.
#[derive(Debug, Clone)]
pub struct Addition {
    /// Which of the specs that were given it is.
    pub known: usize,
    /// The spec's entity.
    pub entity: EntityName,
    /// The table that it reads.
    pub source_table: TableName,
    /// Its key.
    pub key: KeyDraft,
    /// How sure the pair of its tables would be.
    pub score: Confidence,
    /// Destination columns that it does not fill.
    pub fields: Vec<FieldDraft>,
    /// Source columns that nothing reads.
    pub unread: Vec<ColumnName>,
    /// The columns of the source table.
    pub columns: usize,
}

/// A table without a counterpart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpaired {
    /// The table.
    pub table: TableName,
    /// Its columns.
    pub columns: usize,
    /// The table of the other end that comes nearest.
    pub nearest: Option<(TableName, Confidence)>,
}

/// What becomes of a destination column.
#[derive(Debug, Clone)]
pub struct FieldDraft {
    /// The column.
    pub destination: ColumnName,
    /// How it is filled.
    pub fate: Fate,
    /// How sure that is.
    pub confidence: Confidence,
    /// What speaks against it, or keeps it from being filled.
    pub doubts: Vec<String>,
    /// What speaks for it, or was seen on the way.
    pub notes: Vec<String>,
    /// Whether each row must bring a value.
    pub needs_value: bool,
    /// Whether rows of the source would tell more.
    pub asks: bool,
}

/// How a destination column is filled.
#[derive(Debug, Clone)]
pub enum Fate {
    /// By the source column of the same name, without a line of its own.
    Same(ColumnName),
    /// By a mapping.
    Mapped(Mapping),
    /// Not at all.
    Left,
}

/// A mapping, as far as a draft has use for one.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    /// The source columns.
    pub sources: Vec<ColumnName>,
    /// The type, where the column's own would not do.
    pub data_type: Option<LogicalType>,
    /// How a day is spelt.
    pub format: Option<&'static str>,
    /// The words for yes and no.
    pub flags: Option<Flags>,
    /// The functions to call, in their order.
    pub calls: Vec<&'static str>,
    /// The entity that is referred to.
    pub references: Option<EntityName>,
}

impl Mapping {
    /// A copy of one column.
    pub(crate) fn copy(source: ColumnName) -> Self {
        Self { sources: vec![source], ..Self::default() }
    }
}

impl FieldDraft {
    /// A column that nothing fills.
    pub(crate) fn left(destination: ColumnName, needs_value: bool, doubts: Vec<String>) -> Self {
        let confidence = Confidence::NONE;
        Self { destination, fate: Fate::Left, confidence, doubts, notes: Vec::new(), needs_value, asks: false }
    }

    /// The source columns that it reads.
    #[must_use]
    pub fn sources(&self) -> &[ColumnName] {
        match &self.fate {
            Fate::Same(source) => std::slice::from_ref(source),
            Fate::Mapped(mapping) => &mapping.sources,
            Fate::Left => &[],
        }
    }

    /// Whether a row cannot be written until a person fills it.
    #[must_use]
    pub fn is_unfilled(&self) -> bool {
        self.needs_value && matches!(self.fate, Fate::Left)
    }

    /// Whether it is a guess that a person should look at.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        matches!(self.fate, Fate::Mapped(_)) && self.confidence < Confidence::SETTLED
    }

    /// The entity that it refers to.
    #[must_use]
    pub fn parent(&self) -> Option<&EntityName> {
        match &self.fate {
            Fate::Mapped(mapping) => mapping.references.as_ref(),
            Fate::Same(_) | Fate::Left => None,
        }
    }
}
