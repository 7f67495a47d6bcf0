//! Why a row cannot go on.
//!
//! A fault is about one row and says so without the row's values: a type, a length, a rule's name.

use serde::Serialize;

use crate::{Code, ColumnName};

/// Where on its way a row failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Reading the source's value.
    Read,
    /// Transforming and converting.
    Transform,
    /// Turning an old key into a new one.
    Reference,
    /// Checking rules.
    Validate,
    /// The destination refused it.
    Load,
}

impl Stage {
    /// The word that is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Transform => "transform",
            Self::Reference => "reference",
            Self::Validate => "validate",
            Self::Load => "load",
        }
    }

    /// The stage that a stored word names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Read, Self::Transform, Self::Reference, Self::Validate, Self::Load];
        all.into_iter().find(|stage| stage.as_str() == text)
    }
}

/// What a fault does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnFailure {
    /// The row is set aside.
    Quarantine,
    /// The row is loaded and counted.
    Warn,
    /// The entity stops.
    Fail,
}

/// A row that failed, or is warned about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// Index of the row in the batch it was found in.
    pub row: usize,
    /// The destination field, where one can be named.
    pub field: Option<ColumnName>,
    /// Where it failed.
    pub stage: Stage,
    /// Why, as a code.
    pub code: Code,
    /// Why, in words, without the row's values.
    pub message: String,
    /// What follows.
    pub severity: OnFailure,
}

/// A cell that the source could not give as the type asked for. The batch holds NULL in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellFault {
    /// Index of the row in its batch.
    pub row: usize,
    /// Index of the column in its batch.
    pub column: usize,
    /// Why, as a code.
    pub code: Code,
    /// What was found and what was expected, without the value.
    pub message: String,
    /// A hash of what was found, so that the row's digest moves when the value does.
    pub value_digest: u64,
}
