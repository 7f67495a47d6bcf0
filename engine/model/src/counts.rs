//! What became of the rows in scope.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Rows by outcome. `read = new + modified + unchanged + filtered + quarantined` holds whenever a unit is committed.
///
/// Deleted rows are outside the sum: they are no longer read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Rows read from the source.
    pub read: u64,
    /// Rows inserted at the destination.
    pub new: u64,
    /// Rows whose source moved and that were written again.
    pub modified: u64,
    /// Rows removed from the destination.
    pub deleted: u64,
    /// Rows found as they were.
    pub unchanged: u64,
    /// Rows outside the spec's filter.
    pub filtered: u64,
    /// Rows that are in quarantine now.
    pub quarantined: u64,
    /// Of those, rows that had not moved since they failed and were not tried again.
    pub untried: u64,
    /// Of those in quarantine, rows that a person decided are not to come. They are not among `untried`.
    #[serde(default)]
    pub discarded: u64,
    /// Rows that broke a rule whose `on_failure` is `warn`, and went on to the destination, which may refuse them.
    pub warned: u64,
}

impl Counts {
    /// Whether every row read is accounted for.
    #[must_use]
    pub fn balance(&self) -> bool {
        self.read == self.new + self.modified + self.unchanged + self.filtered + self.quarantined
    }

    /// These counts with what lies between `before` and `after`.
    #[must_use]
    pub fn moved(self, before: Self, after: Self) -> Self {
        let moved = |own: u64, before: u64, after: u64| (own + after).saturating_sub(before);
        Self {
            read: moved(self.read, before.read, after.read),
            new: moved(self.new, before.new, after.new),
            modified: moved(self.modified, before.modified, after.modified),
            deleted: moved(self.deleted, before.deleted, after.deleted),
            unchanged: moved(self.unchanged, before.unchanged, after.unchanged),
            filtered: moved(self.filtered, before.filtered, after.filtered),
            quarantined: moved(self.quarantined, before.quarantined, after.quarantined),
            untried: moved(self.untried, before.untried, after.untried),
            discarded: moved(self.discarded, before.discarded, after.discarded),
            warned: moved(self.warned, before.warned, after.warned),
        }
    }

    /// Rows in quarantine that count as failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.quarantined.saturating_sub(self.discarded)
    }

    /// Rows that went to quarantine in this run.
    #[must_use]
    pub fn set_aside(&self) -> u64 {
        self.failed().saturating_sub(self.untried)
    }

    /// Rows written to the destination table, or removed from it.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.new + self.modified + self.deleted
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.read += other.read;
        self.new += other.new;
        self.modified += other.modified;
        self.deleted += other.deleted;
        self.unchanged += other.unchanged;
        self.filtered += other.filtered;
        self.quarantined += other.quarantined;
        self.untried += other.untried;
        self.discarded += other.discarded;
        self.warned += other.warned;
    }
}
