//! The pass that reads every row of an entity, once.

use std::collections::BTreeMap;
use std::sync::Arc;

use transload_model::{
    Code, Counts, Diagnostic, EntityPlan, Entry, KeyBytes, KeyRange, OnFailure, Outcome, Phase, Result, RowFault,
    SegmentHead, Stage,
};

use crate::derive::{Deriver, Work, quarantine_row};
use crate::detect::{Equal, HashMerge, Policy, Rewrite, Step, Verdict};
use crate::event::Event;
use crate::reading::Reading;
use crate::rows::Scored;
use crate::segment;
use crate::start::Context;
use crate::unit::Stream;

/// Rows without a key that one entity may have. Each is an identity of its own, so they stay in memory.
const UNKEYED_MAX: usize = 10_000;

/// Ledger entries that one unit writes at most, where no row moves beside them.
const REWRITTEN_MAX: usize = 262_144;

/// What a pass over an entity works with.
pub(crate) struct Pass<'a> {
    pub(crate) context: &'a Arc<Context>,
    pub(crate) plan: &'a Arc<EntityPlan>,
    pub(crate) deriver: &'a mut Deriver,
    pub(crate) stream: &'a mut Stream,
}

impl Pass<'_> {
    /// Reads the stream's part of the source table, writes what moved, and marks what is gone. Says whether the second pass must follow.
    ///
    /// What it wrote last is not committed yet: it comes back, to be committed with the step that follows.
    pub(crate) async fn load(&mut self, reading: &mut Reading, policy: Policy) -> Result<(Rewrite, bool)> {
        let range = self.stream.range();
        let (unkeyed_heads, heads) = self.heads().await?;
        let cursor = self.stream.cursor().cloned();
        let equal = Equal::find(reading, &heads, (&range, policy, cursor.is_some())).await?;
        let mut merge = HashMerge::new(policy, heads, cursor.clone());
        let ranges = equal.tell(&mut merge, range.clone());
        let mut unkeyed = Vec::new();
        let has_self_references = !self.plan.self_references().is_empty();
        self.deriver.defers = has_self_references;
        // Before the cursor there may be rows whose references are open.
        let mut to_fill = has_self_references && cursor.is_some();
        reading.start_ranges(ranges, cursor.clone()).await?;
        while let Some(scored) = reading.next().await? {
            let mut read = Counts::default();
            let mut work = Vec::new();
            for row in 0..scored.len() {
                let Some(key) = scored.key(row) else {
                    keep_unkeyed(&mut unkeyed, scored.digest(row), &self.plan.name)?;
                    continue;
                };
                let is_inside = range.contains(key);
                if !is_inside && reading.keeps_to_ranges() {
                    return Err(self.in_source(strayed()));
                }
                if !is_inside || is_done(key, cursor.as_ref()) {
                    continue;
                }
                match self.judge(&mut merge, key, scored.digest(row)).await? {
                    Verdict::Unchanged => read.unchanged += 1,
                    Verdict::Deferred => {
                        read.unchanged += 1;
                        to_fill = true;
                    }
                    Verdict::Untried => {
                        read.quarantined += 1;
                        read.untried += 1;
                    }
                    Verdict::Modified(known) if has_self_references => {
                        merge.postpone(known);
                        to_fill = true;
                        continue;
                    }
                    Verdict::Modified(known) => {
                        work.push(Work { row, known: Some(known), insert: false, counted: false });
                    }
                    Verdict::New(known) => work.push(Work { row, known, insert: true, counted: false }),
                }
                read.read += 1;
            }
            read += passed(&mut merge);
            self.stream.count(read);
            self.stream.regain(std::mem::take(&mut merge.returned));
            to_fill |= self.move_rows(&scored, &work).await?;
            self.after_batch(&mut merge, Phase::Loading).await?;
        }
        self.finish(&mut merge).await?;
        self.stream.count(passed(&mut merge));
        // Rows without a key belong to the stream that begins with the first.
        let mut rewrite = match range.from {
            None => self.settle_unkeyed(policy, unkeyed, &unkeyed_heads).await?,
            Some(_) => Rewrite::default(),
        };
        rewrite.append(merge.cut());
        Ok((rewrite, to_fill))
    }

    async fn move_rows(&mut self, scored: &Scored, work: &[Work]) -> Result<bool> {
        if work.is_empty() {
            return Ok(false);
        }
        let deferred = self.deriver.move_rows(scored, work, self.stream).await?;
        let keys = work.iter().zip(&deferred).filter(|(_, deferred)| **deferred);
        let mut any = false;
        for (work, _) in keys {
            self.stream.defer(scored.identity(work.row));
            any = true;
        }
        Ok(any)
    }

    /// Whether the ledger holds rows that miss a parent.
    pub(crate) async fn has_orphans(&self) -> Result<bool> {
        for head in self.heads().await?.1 {
            if self.segment(head.id).await?.iter().any(|entry| entry.outcome == Outcome::Orphaned) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the source holds a row that is new or modified. Nothing is written.
    pub(crate) async fn anything_moves(&self, reading: &mut Reading, policy: Policy) -> Result<bool> {
        let mut merge = HashMerge::new(policy, self.heads().await?.1, None);
        reading.start(KeyRange::default(), None).await?;
        while let Some(scored) = reading.next().await? {
            for row in 0..scored.len() {
                let Some(key) = scored.key(row) else { continue };
                if matches!(
                    self.judge(&mut merge, key, scored.digest(row)).await?,
                    Verdict::New(_) | Verdict::Modified(_)
                ) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The segments of the entity: those of rows without a key, and the others.
    pub(crate) async fn heads(&self) -> Result<(Vec<SegmentHead>, Vec<SegmentHead>)> {
        let range = self.stream.range();
        let heads = self.context.destination.segments(&self.plan.name).await?.into_iter();
        let own = |head: &SegmentHead| head.first.is_unkeyed() || range.contains(head.first.as_bytes());
        Ok(heads.filter(own).partition(|head| head.first.is_unkeyed()))
    }

    /// Judges one row, reading segments as they are needed.
    pub(crate) async fn judge(&self, merge: &mut HashMerge, key: &[u8], digest: u64) -> Result<Verdict> {
        loop {
            match merge.step(key, digest).map_err(|problem| self.in_source(*problem))? {
                Step::Verdict(verdict) => return Ok(verdict),
                Step::NeedSegment(id) => merge.give(self.segment(id).await?),
            }
        }
    }

    fn in_source(&self, problem: Diagnostic) -> Box<Diagnostic> {
        let place = format!("{} · table `{}`", self.plan.name, self.plan.source.table);
        Box::new(problem.at(place))
    }

    pub(crate) async fn segment(&self, id: i64) -> Result<Vec<Entry>> {
        let (content, digest) = self.context.destination.segment(id).await?;
        segment::unpack(&content, digest)
    }

    /// Goes through what the ledger has behind the source's last row, in units where that is much.
    pub(crate) async fn finish(&mut self, merge: &mut HashMerge) -> Result<()> {
        while let Some(id) = merge.finish() {
            merge.give(self.segment(id).await?);
            if merge.rewritten() >= REWRITTEN_MAX {
                let (cursor, phase) = (merge.position().cloned(), self.stream.phase());
                self.commit(merge, cursor, phase).await?;
            }
        }
        Ok(())
    }

    /// Tells of progress, commits a full unit, and stops where that was asked for or too much failed.
    pub(crate) async fn after_batch(&mut self, merge: &mut HashMerge, phase: Phase) -> Result<()> {
        let (entity, counts) = (self.plan.name.clone(), self.stream.total());
        self.context.sink.emit(&Event::Progress { entity, counts });
        let fullness = self.stream.fullness().max(merge.rewritten() / REWRITTEN_MAX);
        let stops = self.stream.is_stopped();
        // What failed is listed with its reasons before it stops the entity.
        let over_budget = self.stream.check_budget(false);
        if fullness >= 2 || (fullness == 1 && merge.is_at_seam()) || stops || over_budget.is_err() {
            let cursor = merge.position().cloned();
            self.commit(merge, cursor, phase).await?;
        }
        if stops {
            let headline = format!("`{}` stopped on request", self.plan.name);
            return Err(Box::new(Diagnostic::new(Code::Interrupted, headline).help("transload run goes on from here")));
        }
        over_budget
    }

    pub(crate) async fn commit(&mut self, merge: &mut HashMerge, cursor: Option<KeyBytes>, phase: Phase) -> Result<()> {
        self.stream.commit(merge.cut(), cursor, phase).await?;
        if merge.is_stale() {
            let (_, heads) = self.heads().await?;
            merge.refresh(heads);
        }
        Ok(())
    }

    /// Rows without a key, compared with those the ledger knew: what is to be written for them.
    async fn settle_unkeyed(&mut self, policy: Policy, mut found: Vec<u64>, heads: &[SegmentHead]) -> Result<Rewrite> {
        let mut known = BTreeMap::new();
        for head in heads {
            known.extend(self.segment(head.id).await?.into_iter().map(|entry| (entry.key, entry.digest)));
        }
        let read = found.len() as u64;
        found.sort_unstable();
        found.dedup();
        let keys: Vec<KeyBytes> = found.iter().map(|digest| KeyBytes::unkeyed(*digest)).collect();
        let again = policy.retry_quarantined || policy.incomparable || policy.remap;
        let is_same = known.len() == keys.len() && keys.iter().all(|key| known.contains_key(key));
        let untried = if is_same && !again { read } else { 0 };
        self.stream.count(Counts { read, quarantined: read, untried, ..Counts::default() });
        if is_same && !again {
            return Ok(Rewrite::default());
        }
        let fault = no_key(0);
        let gone = known.keys().filter(|key| !keys.contains(key)).cloned().collect();
        let entry = |(key, digest): (&KeyBytes, &u64)| Entry {
            key: key.clone(),
            digest: *digest,
            outcome: Outcome::Quarantined,
            present: false,
        };
        let entries: Vec<Entry> = keys.iter().zip(&found).map(entry).collect();
        for key in keys {
            self.stream.list(quarantine_row(self.plan, self.context.run, key, &fault));
        }
        let puts = if entries.is_empty() { Vec::new() } else { vec![entries] };
        Ok(Rewrite { removed: heads.iter().map(|head| head.id).collect(), puts, forgotten: gone, ..Rewrite::default() })
    }
}

/// A source that orders keys differently would give a row to no stream, or to two.
fn strayed() -> Diagnostic {
    let headline = "the source gives a row whose key is not in the range that was asked for";
    Diagnostic::new(Code::KeyOrder, headline).help(Code::KeyOrder.info().remedy)
}

/// Rows that the source did not have to give.
fn passed(merge: &mut HashMerge) -> Counts {
    let rows = std::mem::take(&mut merge.passed);
    Counts { read: rows, unchanged: rows, ..Counts::default() }
}

/// Whether a row was accounted for before the run was interrupted. A source may give it again.
pub(crate) fn is_done(key: &[u8], cursor: Option<&KeyBytes>) -> bool {
    cursor.is_some_and(|cursor| key <= cursor.as_bytes())
}

fn keep_unkeyed(unkeyed: &mut Vec<u64>, digest: u64, entity: &transload_model::EntityName) -> Result<()> {
    if unkeyed.len() == UNKEYED_MAX {
        let headline = format!("more than {UNKEYED_MAX} rows of `{entity}` have no key");
        let code = Code::ErrorBudget;
        return Err(Box::new(Diagnostic::new(code, headline).help("choose other columns for `key.source`")));
    }
    unkeyed.push(digest);
    Ok(())
}

/// The fault of a row without a key.
pub(crate) fn no_key(row: usize) -> RowFault {
    RowFault {
        row,
        field: None,
        stage: Stage::Read,
        code: Code::KeyNull,
        message: "the key is NULL, or has a value of another type than its column promises".to_owned(),
        severity: OnFailure::Quarantine,
    }
}
