//! What a run would move: changes of rows since they were loaded, as they are found, and kept to be looked at.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{ColumnName, Counts, EntityName, KeyBytes, RunId};

/// What a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The destination does not have the row.
    New,
    /// The row is not what was loaded.
    Modified,
    /// The source does not have the row any more.
    Deleted,
}

impl ChangeKind {
    const ALL: [Self; 3] = [Self::New, Self::Modified, Self::Deleted];

    /// The word that is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Modified => "modified",
            Self::Deleted => "deleted",
        }
    }

    /// The kind that a stored word names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A change of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The row's entity.
    pub entity: EntityName,
    /// What it is.
    pub kind: ChangeKind,
    /// The row's key at the source.
    pub key: KeyBytes,
    /// The digest of the row as the source has it; of one that is gone, of what was loaded.
    pub digest: u64,
    /// Of a modified row: the destination's columns that would be written.
    pub fields: ChangedFields,
}

/// Columns that a modified row changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangedFields {
    /// These, of which there may be none: the source moved, and what is made of it did not.
    Known(Vec<ColumnName>),
    /// Nobody can say, and why.
    Unknown(String),
    /// The row is new or gone.
    NotAsked,
}

/// What was found of one entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetectedEntity {
    /// Which.
    pub entity: EntityName,
    /// Rows read, by what they are; `quarantined` are those that would not be tried again.
    pub counts: Counts,
    /// Rows in the destination, of those that this entity loaded.
    pub loaded: u64,
    /// Whether a run would delete what is gone.
    pub applies_deletes: bool,
    /// Identity of the compiled spec.
    pub plan_fingerprint: u64,
    /// Milliseconds that it took.
    pub elapsed_ms: u64,
}

impl DetectedEntity {
    /// Rows that a run would write or delete.
    #[must_use]
    pub fn moved(&self) -> u64 {
        self.counts.new + self.counts.modified + if self.applies_deletes { self.counts.deleted } else { 0 }
    }
}

/// A detection as it is kept. Its changes are kept beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectionRecord {
    /// Its id, one of the same kind as a run's.
    pub id: RunId,
    /// The project's name.
    pub project: String,
    /// The environment's name.
    pub environment: String,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it was complete, if it is.
    pub completed_at: Option<DateTime<Utc>>,
    /// The seed of the changes' digests.
    pub digest_seed: u64,
    /// Entities, parents first; none before it is complete.
    pub entities: Vec<DetectedEntity>,
    /// The run that moved all of it, if one did.
    pub carried_out_by: Option<RunId>,
}
