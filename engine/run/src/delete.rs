//! Deletes, after everything is loaded, children before parents.
//!
//! What is gone was marked in the ledger while the entity was read to its end. Nothing is deleted that was not loaded by Transload, and nothing at
//! all where more is gone than the guard allows.

use std::collections::BTreeSet;

use transload_model::{
    Bug, Code, DeletePolicy, DetectedEntity, Diagnostic, Entry, KeyBytes, Outcome, Phase, Result, SegmentHead, Share,
    planted,
};

use crate::detect::Rewrite;
use crate::load::Pass;

/// Without `deletes.max`, so many rows may go, or one in a hundred.
const ALWAYS_ALLOWED: u64 = 10;

/// One in a hundred.
const DEFAULT_SHARE: Share = Share::PerMillion(10_000);

fn allowed(limit: Option<Share>, present: u64) -> u64 {
    match limit {
        Some(limit) => limit.of(present),
        None => DEFAULT_SHARE.of(present).max(ALWAYS_ALLOWED),
    }
}

/// How many rows a plain run may delete, where a detection found more than that, so that none would go; or where the source is empty.
#[must_use]
pub fn deletes_refused(policy: DeletePolicy, found: &DetectedEntity) -> Option<u64> {
    let (DeletePolicy::Hard(limit) | DeletePolicy::Soft(limit)) = policy else { return None };
    let is_emptied = found.counts.read == 0 && found.counts.deleted > 0;
    let allowed = if is_emptied { 0 } else { allowed(limit, found.loaded) };
    (found.counts.deleted > allowed).then_some(allowed)
}

impl Pass<'_> {
    /// Applies the deletes that are pending. The guard's refusal is the answer, not a failure: everything else is done.
    pub(crate) async fn delete(&mut self) -> Result<Option<Diagnostic>> {
        let (DeletePolicy::Hard(limit) | DeletePolicy::Soft(limit)) = self.plan.deletes else { return Ok(None) };
        let (unkeyed, heads) = self.heads().await?;
        let present: u64 = heads.iter().map(|head| head.present).sum();
        let (mut pending, mut waiting) = (0, 0);
        // The ledger accounts for each row of the source, whatever became of it and whichever of them this run read.
        let mut is_emptied = unkeyed.is_empty() && self.context.reach.rows(&self.plan.name).is_none();
        for head in heads.iter().filter(|head| self.is_touched(head)) {
            let entries = self.segment(head.id).await?;
            pending += self.waiting(&entries, false).len() as u64;
            waiting += self.waiting(&entries, true).len() as u64;
            is_emptied &= entries.iter().all(is_gone);
        }
        // What was refused before, the guard has let through, but not from a source without rows.
        let count = if is_emptied { waiting } else { pending };
        if let Some(refusal) = self.guard(limit, (count, present), is_emptied) {
            return Ok(Some(refusal));
        }
        // A row that something referred to may be free once anything of this run moved.
        let mut again = self.context.fences.are_taken();
        // A row that refers to another of another segment goes first, so as long as some go, the others are tried again.
        loop {
            let before = self.stream.counts().deleted;
            let tried = self.delete_waiting(again).await?;
            let deleted = self.stream.counts().deleted - before;
            if deleted == 0 || deleted == tried {
                return Ok(None);
            }
            again = true;
        }
    }

    /// Tries every row that waits, a segment at a time, so that no more than one of them is in memory. Says how many there were.
    async fn delete_waiting(&mut self, again: bool) -> Result<u64> {
        let mut tried = 0;
        for head in self.heads().await?.1 {
            if !self.is_touched(&head) {
                continue;
            }
            let entries = self.segment(head.id).await?;
            let gone = self.waiting(&entries, again);
            if gone.is_empty() {
                continue;
            }
            tried += gone.len() as u64;
            let keys = gone.clone();
            if matches!(self.plan.deletes, DeletePolicy::Soft(_)) {
                let rows = self.deriver.retired_batch(&gone).await?;
                self.stream.retire(rows, gone);
            } else {
                let rows = self.deriver.key_batch(&gone).await?;
                self.stream.delete(rows, gone);
            }
            let mut rewrite = Rewrite::default();
            rewrite.touch(&head, entries, &keys.iter().collect());
            self.stream.commit(rewrite, None, Phase::Loaded).await?;
            self.stream.check_halt()?;
        }
        Ok(tried)
    }

    /// Whether a segment may hold rows that this run is about.
    fn is_touched(&self, head: &SegmentHead) -> bool {
        self.context.reach.touches(&self.plan.name, head)
    }

    /// The rows that wait for deletion; those that were refused before only where it may go better now.
    fn waiting(&self, entries: &[Entry], again: bool) -> Vec<KeyBytes> {
        let waits = |entry: &&Entry| match entry.outcome {
            Outcome::DeletePending => true,
            Outcome::DeleteRefused => again && !planted(Bug::DeletesForgotten),
            _ => false,
        };
        let is_meant = |entry: &&Entry| self.context.reach.may_go(&self.plan.name, entry.key.as_bytes());
        entries.iter().filter(waits).filter(is_meant).map(|entry| entry.key.clone()).collect()
    }

    fn guard(&self, limit: Option<Share>, (count, present): (u64, u64), is_emptied: bool) -> Option<Diagnostic> {
        let given = self.context.options.max_deletes;
        let allowed = allowed(given.or(limit), present);
        let is_empty_source = is_emptied && given.is_none() && !planted(Bug::EmptySourceDeletes);
        if planted(Bug::GuardOff) || count == 0 || (count <= allowed && !is_empty_source) {
            return None;
        }
        let headline = format!("{count} of {present} rows of `{}` are gone from the source", self.plan.name);
        let why = if is_empty_source {
            "the source table is empty, so that none was deleted; all else is loaded".to_owned()
        } else {
            format!("{allowed} may be deleted, so that none was; all else is loaded")
        };
        let help = format!("if the source is right and complete: transload run --max-deletes {count}");
        Some(Diagnostic::new(Code::DeleteGuard, headline).note(why).help(help))
    }

    /// The segments that hold `keys`, so that corrections of these keys take effect.
    pub(crate) async fn rewrite_of(&self, keys: &[KeyBytes]) -> Result<Rewrite> {
        let (_, heads) = self.heads().await?;
        let keys: BTreeSet<&KeyBytes> = keys.iter().collect();
        let mut rewrite = Rewrite::default();
        for head in heads {
            if keys.range::<&KeyBytes, _>(&head.first..=&head.last).next().is_some() {
                rewrite.touch(&head, self.segment(head.id).await?, &keys);
            }
        }
        Ok(rewrite)
    }
}

/// Whether the source does not have the row any more.
fn is_gone(entry: &Entry) -> bool {
    matches!(entry.outcome, Outcome::DeletePending | Outcome::DeleteRefused | Outcome::Retired)
}
