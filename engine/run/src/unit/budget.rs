//! How many rows of an entity may fail.
//!
//! While it runs, what failed in this run is judged. Once all rows were tried, those that failed before count as well: an entity does not become
//! sound by being run again. A run by a cursor does not meet most of them, so there the ledger is asked.

use transload_model::{Code, DeletePolicy, DetectionPlan, Diagnostic, KeyBytes, Outcome, Result, SegmentHead, Share};

use super::Stream;
use crate::segment;

impl Stream {
    /// Stops the entity where more rows failed in this run than may.
    pub(crate) fn check_budget(&self) -> Result<()> {
        let counts = self.total();
        let rows = counts.read.max(self.known);
        // A share of the first few rows says nothing.
        if matches!(self.plan.load.max_errors, Share::PerMillion(_)) && rows < 1_000 {
            return Ok(());
        }
        let excused = if self.may_delete() { self.collisions_so_far() } else { self.may_exchange() };
        self.check_failed(counts.set_aside().saturating_sub(excused), rows)
    }

    /// Stops the entity, all rows of which were tried, where more of them are set aside than may. Rows that are about to go may give up what
    /// others wait for: those are judged when they have.
    pub(crate) async fn judge(&self) -> Result<()> {
        let counts = self.total();
        let is_by_cursor = matches!(self.plan.detection, DetectionPlan::Timestamp(_));
        let (failed, rows) = if is_by_cursor && self.context.reach.rows(&self.plan.name).is_none() {
            self.standing().await?
        } else {
            (counts.failed(), counts.read)
        };
        let failed = failed.saturating_sub(self.may_exchange());
        let judged = self.check_failed(failed, rows);
        if judged.is_ok() || self.plan.deletes == DeletePolicy::Ignore {
            return judged;
        }
        self.check_failed(failed.saturating_sub(self.wait_for_deletes().await?), rows)
    }

    /// Rows that wait for a value, where rows are to be deleted: one of these may free many, one after the other.
    async fn wait_for_deletes(&self) -> Result<u64> {
        let (destination, mut collided, mut is_any_to_go) = (&self.context.destination, 0, false);
        for head in destination.segments(&self.plan.name).await? {
            for entry in segment::unpack(&destination.segment(head.id).await?)? {
                collided += u64::from(entry.outcome == Outcome::Collided);
                is_any_to_go |= entry.outcome == Outcome::DeletePending;
            }
        }
        Ok(if is_any_to_go { collided } else { 0 })
    }

    /// Whether rows may go that others wait for. Which, and what they give up, is not known before all were read.
    fn may_delete(&self) -> bool {
        let is_loaded = self.context.position(&self.plan.name).is_some();
        let may_collide = self.context.colliding.contains(&self.plan.destination.table)
            || self.plan.rules.iter().any(|rule| rule.rule == "unique");
        may_collide && is_loaded && self.plan.deletes != DeletePolicy::Ignore
    }

    /// Rows that wait for a value, as far as they were tried. Of those that an interrupted process tried nobody knows, so it may be all.
    fn collisions_so_far(&self) -> u64 {
        if self.goes_on { u64::MAX } else { self.collisions.new }
    }

    /// Rows that may yet find their value free, and are judged when they were tried again.
    fn may_exchange(&self) -> u64 {
        self.collisions.new.min(self.collisions.holding)
    }

    fn check_failed(&self, failed: u64, rows: u64) -> Result<()> {
        // From rows that someone named nothing follows for the others.
        if self.context.reach.is_by_key(&self.plan.name) {
            return Ok(());
        }
        let allowed = self.plan.load.max_errors.of(rows);
        if failed <= allowed {
            return Ok(());
        }
        let headline = format!("{failed} rows of `{}` failed, {allowed} are allowed", self.plan.name);
        let code = Code::ErrorBudget;
        Err(Box::new(Diagnostic::new(code, headline).note(code.info().sentence).help(code.info().remedy)))
    }

    /// Of all rows that the ledger knows, how many are set aside, and how many there are.
    async fn standing(&self) -> Result<(u64, u64)> {
        let (destination, entity) = (&self.context.destination, &self.plan.name);
        let heads = destination.segments(entity).await?;
        let rows = heads.iter().map(|head| head.rows).sum();
        let held = destination.quarantine(Some(entity)).await?;
        let open = held.into_iter().filter(|held| held.discarded.is_none());
        let mut keys: Vec<KeyBytes> = open.map(|held| held.row.key).collect();
        keys.sort();
        let mut failed = 0;
        for head in heads.iter().filter(|head| may_hold(head, &keys)) {
            let parts = destination.segment(head.id).await?;
            // Those that are gone from the source and cannot be deleted are no rows that failed.
            let is_failed = |outcome| matches!(outcome, Outcome::Quarantined | Outcome::Orphaned | Outcome::Collided);
            let entries = segment::unpack(&parts)?;
            failed += entries.iter().filter(|entry| is_failed(entry.outcome)).count() as u64;
        }
        Ok((failed, rows))
    }
}

/// Whether one of these keys, which ascend, lies within the segment.
fn may_hold(head: &SegmentHead, keys: &[KeyBytes]) -> bool {
    let at = keys.partition_point(|key| *key < head.first);
    keys.get(at).is_some_and(|key| *key <= head.last)
}
