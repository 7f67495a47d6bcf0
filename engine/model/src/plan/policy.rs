//! Policies: how changes are found, what becomes of what is gone, and how much at a time.

use super::ReadColumn;

/// A count, or a part of a whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Share {
    /// So many rows.
    Rows(u64),
    /// So many rows of each million.
    PerMillion(u32),
}

impl Share {
    /// How many rows of `whole` it allows.
    #[must_use]
    pub fn of(self, whole: u64) -> u64 {
        match self {
            Self::Rows(rows) => rows,
            Self::PerMillion(parts) => whole.saturating_mul(u64::from(parts)) / 1_000_000,
        }
    }
}

/// How changes are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DetectionPlan {
    /// By a digest of every row: nothing is missed.
    Hash,
    /// By comparing what is made of every row with what the destination holds: nothing is missed there either.
    Full,
    /// By a column that says when a row was written last, and every row once in some runs.
    Timestamp(CursorPlan),
}

/// A column of the source that says when a row was written last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorPlan {
    /// A date, a timestamp or a timestamptz. It need not be among those that are read.
    pub column: ReadColumn,
    /// Seconds that are looked back behind what the last run saw.
    pub overlap_seconds: u64,
    /// Runs in which every row is read once; at least one.
    pub audit_runs: u32,
}

/// What happens with rows that are gone from the source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DeletePolicy {
    /// They stay, and are not looked for.
    Ignore,
    /// They are deleted, if no more than this are gone. Default: the greater of 1 % and 10 rows.
    Hard(Option<Share>),
    /// They stay, and `EntityPlan::deleted_field` says when they went; the same limit.
    Soft(Option<Share>),
}

/// How many rows of an entity may fail in a run.
pub type ErrorBudget = Share;

/// Sizes and budgets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadPolicy {
    /// Rows read at a time.
    pub batch_rows: usize,
    /// Rows that commit together at most.
    pub unit_rows: usize,
    /// Rows that may be in quarantine.
    pub max_errors: ErrorBudget,
    /// Times that a unit is tried again after a passing failure of the destination.
    pub max_retry_attempts: u32,
    /// Key ranges that are moved side by side; as many as fit the entity and the machine where nothing is said.
    pub streams: Option<usize>,
}

impl Default for LoadPolicy {
    fn default() -> Self {
        Self {
            batch_rows: 8_192,
            unit_rows: 65_536,
            max_errors: Share::Rows(100),
            max_retry_attempts: 3,
            streams: None,
        }
    }
}
