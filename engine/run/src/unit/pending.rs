//! What a unit collects until it is committed.

use std::time::Duration;

use arrow::record_batch::RecordBatch;
use transload_model::{Counts, KeyBytes, Outcome, QuarantineRow};

use super::Stream;
use crate::overlay::Corrections;
use crate::settle::{Arrival, CountedAs, Departure};

/// What a unit collects.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) inserts: Vec<RecordBatch>,
    pub(super) inserted: Vec<Arrival>,
    pub(super) adopted: Vec<Arrival>,
    pub(super) updates: Vec<RecordBatch>,
    pub(super) updated: Vec<Arrival>,
    pub(super) deletes: Vec<RecordBatch>,
    pub(super) departing: Vec<Departure>,
    pub(super) corrections: Corrections,
    pub(super) quarantine: Vec<QuarantineRow>,
    pub(super) released: Vec<KeyBytes>,
    /// Rows that were counted as loaded and are not.
    pub(super) withdrawn: u64,
    /// Of these, rows that are known to be counted as unchanged.
    pub(super) withdrawn_unchanged: u64,
    /// Rows that came back before they were deleted.
    pub(super) regained: u64,
    /// Rows that were counted as set aside, and are tried again.
    pub(super) retried: u64,
    pub(super) counts: Counts,
    pub(super) bytes: usize,
    pub(super) since: Option<Duration>,
}

impl Stream {
    /// Rows to insert, with the entries they stand for.
    pub(crate) fn insert(&mut self, rows: RecordBatch, arrivals: Vec<Arrival>) {
        self.pending.counts.new += arrivals.len() as u64;
        self.pending.inserted.extend(arrivals);
        self.pending.inserts.push(rows);
        self.touch();
    }

    /// Rows that the destination held before they were loaded: those that are the same, and those that are to be updated as well.
    pub(crate) fn adopt(&mut self, (same, other): (Vec<Arrival>, Vec<Arrival>)) {
        self.pending.counts.unchanged += same.len() as u64;
        if !same.is_empty() {
            self.touch();
        }
        self.pending.adopted.extend(same.into_iter().chain(other));
    }

    /// Rows that the destination held before they were loaded, and that the second pass reads and writes: they may have a parent that is not there.
    pub(crate) fn postpone(&mut self, rows: Vec<Arrival>) {
        if rows.is_empty() {
            return;
        }
        self.pending.counts.read -= rows.len() as u64;
        let left = |row: &Arrival| (row.key.clone(), (Outcome::UpdatePending, true));
        self.pending.corrections.extend(rows.iter().map(left));
        self.pending.adopted.extend(rows);
        self.touch();
    }

    /// Rows to update, with the entries they stand for. Whether they count as modified, the caller says.
    pub(crate) fn update(&mut self, rows: RecordBatch, mut arrivals: Vec<Arrival>) {
        let is_found =
            |arrival: &&mut Arrival| arrival.counted == CountedAs::New && self.found_open.contains(&arrival.key);
        arrivals.iter_mut().filter(is_found).for_each(|arrival| arrival.counted = CountedAs::Unchanged);
        self.pending.updated.extend(arrivals);
        self.pending.updates.push(rows);
        self.touch();
    }

    /// Rows to delete.
    pub(crate) fn delete(&mut self, rows: RecordBatch, keys: Vec<KeyBytes>) {
        self.pending.counts.deleted += keys.len() as u64;
        self.pending.departing.extend(keys.into_iter().map(|key| Departure { key, deleted: true }));
        self.pending.deletes.push(rows);
        self.touch();
    }

    /// Rows that stay though the source does not have them any more: they say when it lost them.
    pub(crate) fn retire(&mut self, rows: RecordBatch, keys: Vec<KeyBytes>) {
        self.pending.counts.deleted += keys.len() as u64;
        for key in keys {
            self.pending.corrections.insert(key.clone(), (Outcome::Retired, true));
            self.pending.updated.push(Arrival { key, destination_id: None, counted: CountedAs::Now, retires: true });
        }
        self.pending.updates.push(rows);
        self.touch();
    }

    /// Rows to take out of the destination again because they failed after they were loaded.
    pub(crate) fn withdraw(&mut self, rows: RecordBatch, quarantine: Vec<QuarantineRow>, outcome: Outcome) {
        let is_found = |row: &&QuarantineRow| self.found_open.contains(&row.key);
        self.pending.withdrawn_unchanged += quarantine.iter().filter(is_found).count() as u64;
        self.pending.withdrawn += quarantine.len() as u64;
        for row in quarantine {
            self.pending.departing.push(Departure { key: row.key.clone(), deleted: false });
            self.quarantine(row, outcome, false);
        }
        self.pending.deletes.push(rows);
    }

    /// A row that failed; `present` says whether a version of it is in the destination.
    pub(crate) fn quarantine(&mut self, row: QuarantineRow, outcome: Outcome, present: bool) {
        self.pending.counts.quarantined += 1;
        self.counted.add(outcome, 1);
        if outcome == Outcome::Collided {
            self.collisions.add(present);
        }
        self.pending.corrections.insert(row.key.clone(), (outcome, present));
        self.list(row);
    }

    /// A row to list in quarantine that is counted elsewhere.
    pub(crate) fn list(&mut self, row: QuarantineRow) {
        self.pending.quarantine.push(row);
        self.touch();
    }

    /// Rows that parents' children may refer to again.
    pub(crate) fn regain(&mut self, rows: u64) {
        self.pending.regained += rows;
    }

    /// A row whose reference to its own entity the second pass fills.
    pub(crate) fn defer(&mut self, key: KeyBytes) {
        self.pending.corrections.insert(key, (Outcome::Deferred, true));
    }

    /// A row that is to leave the quarantine.
    pub(crate) fn release(&mut self, key: KeyBytes) {
        self.pending.released.push(key);
    }

    /// Adds to the counts of the pending unit.
    pub(crate) fn count(&mut self, counts: Counts) {
        self.pending.counts += counts;
    }

    /// Rows that were set aside before, in this run or an earlier one, and are tried again. What this run has not counted is read only now.
    pub(crate) fn retry(&mut self, outcome: Outcome, rows: u64) {
        let counted = self.counted.take(outcome, rows);
        self.pending.retried += counted;
        self.pending.counts.read += rows - counted;
    }

    pub(crate) fn add_bytes(&mut self, bytes: usize) {
        self.pending.bytes += bytes;
    }

    pub(super) fn touch(&mut self) {
        if self.pending.since.is_none() {
            self.pending.since = Some(self.context.clock.monotonic());
        }
    }
}
