//! Deletes, after everything is loaded, children before parents.
//!
//! What is gone was marked in the ledger while the entity was read to its end. Nothing is deleted that was not loaded by Transload, and nothing at
//! all where more is gone than the guard allows.

use transload_model::{Code, DeletePolicy, Diagnostic, Entry, KeyBytes, Outcome, Phase, Result, Share};

use crate::detect::Rewrite;
use crate::load::Pass;

/// Without `deletes.max`, so many rows may go, or one in a hundred.
const ALWAYS_ALLOWED: u64 = 10;

/// One in a hundred.
const DEFAULT_SHARE: Share = Share::PerMillion(10_000);

impl Pass<'_> {
    /// Applies the deletes that are pending. The guard's refusal is the answer, not a failure: everything else is done.
    pub(crate) async fn delete(&mut self) -> Result<Option<Diagnostic>> {
        let (DeletePolicy::Hard(limit) | DeletePolicy::Soft(limit)) = self.plan.deletes else { return Ok(None) };
        let (_, heads) = self.heads().await?;
        let present: u64 = heads.iter().map(|head| head.present).sum();
        // A row that something referred to may be free once anything of this run moved.
        let again = self.context.fences.are_taken();
        let mut count = 0;
        for head in &heads {
            count += waiting(&self.segment(head.id).await?, again).len() as u64;
        }
        if let Some(refusal) = self.guard(limit, count, present) {
            return Ok(Some(refusal));
        }
        // A row that refers to another of another segment goes first, so as long as some go, the others are tried again.
        let mut again = again;
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
            let entries = self.segment(head.id).await?;
            let gone = waiting(&entries, again);
            if gone.is_empty() {
                continue;
            }
            tried += gone.len() as u64;
            if matches!(self.plan.deletes, DeletePolicy::Soft(_)) {
                let rows = self.deriver.retired_batch(&gone).await?;
                self.stream.retire(rows, gone);
            } else {
                let rows = self.deriver.key_batch(&gone).await?;
                self.stream.delete(rows, gone);
            }
            let rewrite = Rewrite { removed: vec![head.id], puts: vec![entries], ..Rewrite::default() };
            self.stream.commit(rewrite, None, Phase::Loaded).await?;
        }
        Ok(tried)
    }

    fn guard(&self, limit: Option<Share>, count: u64, present: u64) -> Option<Diagnostic> {
        let given = self.context.options.max_deletes;
        let allowed = match given.or(limit) {
            Some(limit) => limit.of(present),
            None => DEFAULT_SHARE.of(present).max(ALWAYS_ALLOWED),
        };
        let is_empty_source = self.stream.counts().read == 0 && given.is_none();
        if count == 0 || (count <= allowed && !is_empty_source) {
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

    /// The segments that hold `keys`, to be written again so that corrections of these keys take effect.
    pub(crate) async fn rewrite_of(&self, keys: &[KeyBytes]) -> Result<Rewrite> {
        let (_, heads) = self.heads().await?;
        let mut rewrite = Rewrite::default();
        for head in heads {
            if keys.iter().any(|key| head.first <= *key && *key <= head.last) {
                rewrite.puts.push(self.segment(head.id).await?);
                rewrite.removed.push(head.id);
            }
        }
        Ok(rewrite)
    }
}

/// The rows that wait for deletion; those that were refused before only where it may go better now.
fn waiting(entries: &[Entry], again: bool) -> Vec<KeyBytes> {
    let waits = |entry: &&Entry| match entry.outcome {
        Outcome::DeletePending => true,
        Outcome::DeleteRefused => again,
        _ => false,
    };
    entries.iter().filter(waits).map(|entry| entry.key.clone()).collect()
}
