//! The pass that reads every row of an entity, once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use transload_model::{
    Bug, Code, Counts, DetectionPlan, Diagnostic, EntityPlan, Entry, KeyBytes, KeyRange, OnFailure, Outcome, Phase,
    Result, RowFault, SegmentHead, Stage, planted,
};

use crate::context::Context;
use crate::derive::{Deriver, Work, quarantine_row};
use crate::detect::{Equal, HashMerge, Policy, Rewrite, Scope, Step, Verdict};
use crate::event::Event;
use crate::reach::Planned;
use crate::reading::Reading;
use crate::rows::Scored;
use crate::segment;
use crate::unit::Stream;

/// Rows without a key that one entity may have. Each is an identity of its own, so they stay in memory.
const UNKEYED_MAX: usize = 10_000;

/// Ledger entries that one unit writes at most, where no row moves beside them.
pub(crate) const REWRITTEN_MAX: usize = 262_144;

/// What a pass over an entity works with.
pub(crate) struct Pass<'a> {
    pub(crate) context: &'a Arc<Context>,
    pub(crate) plan: &'a Arc<EntityPlan>,
    pub(crate) deriver: &'a mut Deriver,
    pub(crate) stream: &'a mut Stream,
}

/// Which of the rows that a source gives are looked at.
struct Seen<'a> {
    /// Ascending.
    ranges: Vec<KeyRange>,
    cursor: Option<&'a KeyBytes>,
    scope: &'a Scope,
    keeps_to_ranges: bool,
}

impl Seen<'_> {
    fn holds(&self, key: &[u8]) -> bool {
        self.is_inside(key) && !is_done(key, self.cursor) && self.scope.holds(key)
    }

    fn is_inside(&self, key: &[u8]) -> bool {
        let begins = |range: &KeyRange| range.from.as_ref().is_none_or(|from| from.as_bytes() <= key);
        let behind = self.ranges.partition_point(begins);
        behind.checked_sub(1).is_some_and(|at| self.ranges[at].contains(key))
    }
}

/// What the rows of a batch are.
#[derive(Default)]
struct Judged {
    read: Counts,
    /// Rows to derive.
    work: Vec<Work>,
    /// Rows of these, and of those that the second pass writes, that may be moved.
    approved: u64,
    /// Of those, rows that the second pass was to write already.
    known_before: u64,
    /// Rows of which more has to be known than their keys.
    unknown: Vec<KeyBytes>,
    to_fill: bool,
}

impl Judged {
    /// What counts as read. A pass beside others over the same rows counts only what it moves, and one over keys nothing.
    fn counted(&self, scope: &Scope) -> Counts {
        match scope {
            Scope::Whole | Scope::Named(_) | Scope::Since(..) => self.read,
            Scope::Segments(_) => Counts { read: self.work.len() as u64, ..Counts::default() },
            Scope::KeysOnly => Counts::default(),
        }
    }
}

impl Pass<'_> {
    /// Reads the rows of the stream's part of the source table that are meant, writes what moved, and marks what is gone. Says whether the
    /// second pass must follow.
    ///
    /// What it wrote last is not committed yet: it comes back, to be committed with the step that follows.
    pub(crate) async fn load(
        &mut self,
        reading: &mut Reading,
        (policy, scope): (Policy, &Scope),
    ) -> Result<(Rewrite, bool)> {
        let range = self.stream.range();
        let (unkeyed_heads, heads) = self.heads().await?;
        let mut cursor = self.stream.cursor().cloned();
        if planted(Bug::ResumeTooFar) {
            cursor = cursor.map(|key| one_further(&key));
        }
        let (heads, mut ranges) = scope.narrow(heads, range.clone());
        let equal = match scope {
            // What others changed at the destination, no digest of the source tells.
            _ if self.plan.detection == DetectionPlan::Full => Equal::default(),
            Scope::Whole => Equal::find(reading, &heads, (&range, policy, cursor.is_some())).await?,
            _ => Equal::default(),
        };
        let mut merge = HashMerge::within(scope.clone(), policy, heads, cursor.clone()).naming(self.named_in(scope));
        if scope.is_whole() {
            ranges = equal.tell(&mut merge, range.clone());
        }
        let has_open_fields = !self.plan.open_fields().is_empty();
        self.deriver.defers = has_open_fields;
        // Before the cursor there may be rows of which a field is open.
        let mut to_fill = has_open_fields && cursor.is_some() && !planted(Bug::ReferencesLeftOpen);
        let mut unkeyed = Vec::new();
        let mut approved = 0;
        let keeps_to_ranges = reading.keeps_to_ranges();
        let seen = Seen { ranges: ranges.clone(), cursor: cursor.as_ref(), scope, keeps_to_ranges };
        // Else all rows would be given for each of them.
        let asked = if keeps_to_ranges || ranges.is_empty() { ranges } else { vec![range.clone()] };
        if scope.is_of_keys() {
            reading.start_keys(asked, cursor.clone()).await?;
        } else {
            reading.start_ranges(asked, cursor.clone(), scope.only()).await?;
        }
        while let Some(scored) = reading.next().await? {
            let mut judged = self.judge_batch(&mut merge, &scored, &seen, &mut unkeyed).await?;
            judged.read += passed(&mut merge);
            self.stream.count(judged.counted(scope));
            self.stream.unknown.append(&mut judged.unknown);
            self.stream.regain(std::mem::take(&mut merge.returned));
            self.context.marks.add(self.plan, std::mem::take(&mut merge.unretired));
            approved += judged.approved;
            self.stream.found += judged.approved - judged.known_before;
            to_fill |= judged.to_fill | self.move_rows(&scored, &judged.work).await?;
            self.after_batch(&mut merge, Phase::Loading).await?;
        }
        self.finish(&mut merge).await?;
        self.stream.count(passed(&mut merge));
        if let Scope::Named(rows) = scope {
            // A row that waits for another is what it was, also where that one did not come after all.
            let as_found = approved + merge.gone + merge.untried.orphaned;
            self.stream.left_alone += (rows.keys().len() as u64).saturating_sub(as_found);
        }
        if scope.counts_what_it_leaves() {
            self.stream.count_left(merge.untried);
        }
        self.stream.leave(merge.untried);
        // Rows without a key belong to the stream that begins with the first.
        let mut rewrite = match range.from {
            None => {
                if matches!(scope, Scope::Since(..)) && self.lacks_unkeyed(&unkeyed, &unkeyed_heads).await? {
                    unkeyed = self.find_unkeyed(reading).await?;
                }
                self.settle_unkeyed((policy, scope), unkeyed, &unkeyed_heads).await?
            }
            Some(_) => Rewrite::default(),
        };
        rewrite.append(merge.cut());
        Ok((rewrite, to_fill))
    }

    /// Says of each row of a batch what it is.
    async fn judge_batch(
        &mut self,
        merge: &mut HashMerge,
        scored: &Scored,
        seen: &Seen<'_>,
        unkeyed: &mut Vec<u64>,
    ) -> Result<Judged> {
        let mut judged = Judged::default();
        let has_open_fields = !self.plan.open_fields().is_empty();
        let beside = self.deriver.beside(scored, |key| seen.holds(key)).await?;
        for row in 0..scored.len() {
            let Some(key) = scored.key(row) else {
                keep_unkeyed(unkeyed, scored.digest(row), &self.plan.name)?;
                continue;
            };
            if !seen.is_inside(key) && seen.keeps_to_ranges {
                return Err(self.in_source(strayed()));
            }
            if !seen.holds(key) {
                continue;
            }
            let digest = scored.digest(row);
            merge.differs = beside.differs(row);
            let is_missing = beside.is_missing(row);
            let verdict = self.judge(merge, key, digest).await?;
            if let Some(kind) = verdict.change() {
                if !seen.scope.approves(key, Planned { kind, digest }) {
                    merge.leave_alone(verdict);
                    judged.unknown.extend(seen.scope.is_of_keys().then(|| scored.identity(row)));
                    continue;
                }
                judged.approved += 1;
                judged.known_before += u64::from(verdict.is_pending());
            }
            match verdict {
                Verdict::Unchanged => judged.read.unchanged += 1,
                Verdict::Deferred => {
                    if seen.scope.counts_what_it_leaves() {
                        self.stream.found_open(scored.identity(row));
                    }
                    judged.read.unchanged += 1;
                    judged.to_fill = true;
                }
                Verdict::Untried => {
                    judged.read.quarantined += 1;
                    judged.read.untried += 1;
                }
                Verdict::Discarded => {
                    judged.read.quarantined += 1;
                    judged.read.discarded += 1;
                }
                // A row that is not there is inserted like one that is new, and the second pass fills what stays open.
                Verdict::Modified(known) if has_open_fields && !is_missing => {
                    merge.postpone(known);
                    judged.to_fill = true;
                    continue;
                }
                Verdict::Modified(known) => {
                    judged.work.push(Work { row, known: Some(known), insert: is_missing, counted: false });
                }
                Verdict::New(known) => judged.work.push(Work { row, known, insert: true, counted: false }),
            }
            judged.read.read += 1;
        }
        Ok(judged)
    }

    /// Rows of the entity that this run was asked to try again.
    fn named(&self) -> Arc<BTreeSet<KeyBytes>> {
        self.context.options.retry_quarantined.keys_of(&self.plan.name)
    }

    /// Of these, the rows that a pass takes up: one beside others over the same rows leaves them to those.
    fn named_in(&self, scope: &Scope) -> Arc<BTreeSet<KeyBytes>> {
        if matches!(scope, Scope::Segments(_) | Scope::KeysOnly) { Arc::default() } else { self.named() }
    }

    async fn move_rows(&mut self, scored: &Scored, work: &[Work]) -> Result<bool> {
        if work.is_empty() {
            return Ok(false);
        }
        self.deriver.move_rows(scored, work, self.stream).await
    }

    /// Whether the ledger holds rows of which this became.
    pub(crate) async fn has(&self, outcome: Outcome) -> Result<bool> {
        for head in self.heads().await?.1 {
            if self.segment(head.id).await?.iter().any(|entry| entry.outcome == outcome) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the source holds a row that is new or modified. Nothing is written.
    pub(crate) async fn anything_moves(&self, reading: &mut Reading, policy: Policy) -> Result<bool> {
        let mut merge = HashMerge::new(policy, self.heads().await?.1, None).naming(self.named());
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
        segment::unpack(&self.context.destination.segment(id).await?)
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
        let halt = self.stream.halt();
        // What failed is listed with its reasons before it stops the entity.
        let over_budget = self.stream.check_budget();
        if fullness >= 2 || (fullness == 1 && merge.is_at_seam()) || halt.is_some() || over_budget.is_err() {
            let cursor = merge.position().cloned();
            self.commit(merge, cursor, phase).await?;
        }
        match halt {
            Some(halt) => Err(halt.problem(&self.plan.name)),
            None => over_budget,
        }
    }

    pub(crate) async fn commit(&mut self, merge: &mut HashMerge, cursor: Option<KeyBytes>, phase: Phase) -> Result<()> {
        self.stream.commit(merge.cut(), cursor, phase).await?;
        if merge.is_stale() {
            let (_, heads) = self.heads().await?;
            merge.refresh(heads);
        }
        Ok(())
    }

    /// Whether the ledger knows a row without a key that is none of those that were found.
    async fn lacks_unkeyed(&self, found: &[u64], heads: &[SegmentHead]) -> Result<bool> {
        let found: BTreeSet<u64> = found.iter().copied().collect();
        for head in heads {
            if self.segment(head.id).await?.iter().any(|entry| !found.contains(&entry.digest)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads all rows for those without a key: a source that gives only what moved gives those whose key is NULL, and may not know which others
    /// are of another type than their column promises.
    async fn find_unkeyed(&mut self, reading: &mut Reading) -> Result<Vec<u64>> {
        let mut unkeyed = Vec::new();
        reading.start(KeyRange::default(), None).await?;
        while let Some(scored) = reading.next().await? {
            for row in (0..scored.len()).filter(|row| scored.key(*row).is_none()) {
                keep_unkeyed(&mut unkeyed, scored.digest(row), &self.plan.name)?;
            }
            self.stream.check_halt()?;
        }
        Ok(unkeyed)
    }

    /// Rows without a key, compared with those the ledger knew: what is to be written for them.
    async fn settle_unkeyed(
        &mut self,
        (policy, scope): (Policy, &Scope),
        mut found: Vec<u64>,
        heads: &[SegmentHead],
    ) -> Result<Rewrite> {
        if matches!(scope, Scope::Named(_) | Scope::Segments(_) | Scope::KeysOnly) {
            return Ok(Rewrite::default());
        }
        let mut known = BTreeMap::new();
        for head in heads {
            let entries = self.segment(head.id).await?;
            known.extend(entries.into_iter().map(|entry| (entry.key, entry.outcome)));
        }
        let (read, named) = (found.len() as u64, self.named());
        let is_kept = |digest: &u64| {
            let key = KeyBytes::unkeyed(*digest);
            known.get(&key) == Some(&Outcome::Discarded) && !named.contains(&key)
        };
        let discarded = found.iter().filter(|digest| is_kept(digest)).count() as u64;
        found.sort_unstable();
        found.dedup();
        let keys: Vec<KeyBytes> = found.iter().map(|digest| KeyBytes::unkeyed(*digest)).collect();
        let is_named = keys.iter().any(|key| named.contains(key));
        let again = policy.retry_quarantined || policy.incomparable || policy.remap || is_named;
        let is_same = known.len() == keys.len() && keys.iter().all(|key| known.contains_key(key));
        let untried = if is_same && !again { read - discarded } else { 0 };
        self.stream.count(Counts { read, quarantined: read, untried, discarded, ..Counts::default() });
        if is_same && !again {
            return Ok(Rewrite::default());
        }
        let fault = no_key(0);
        let gone = known.keys().filter(|key| !keys.contains(key)).cloned().collect();
        let mut entries = Vec::new();
        for (key, digest) in keys.into_iter().zip(&found) {
            let outcome = if is_kept(digest) { Outcome::Discarded } else { Outcome::Quarantined };
            entries.push(Entry { key: key.clone(), digest: *digest, outcome, present: false });
            if outcome == Outcome::Quarantined {
                self.stream.list(quarantine_row(self.plan, self.context.run, key, &fault));
            }
        }
        let puts = if entries.is_empty() { Vec::new() } else { vec![entries] };
        Ok(Rewrite { removed: heads.iter().map(|head| head.id).collect(), puts, forgotten: gone, ..Rewrite::default() })
    }
}

/// The next integer, where the key is one.
fn one_further(key: &KeyBytes) -> KeyBytes {
    let mut bytes = key.as_bytes().to_vec();
    if let Some(last) = bytes.last_mut() {
        *last = last.wrapping_add(1);
    }
    KeyBytes::from_encoded(&bytes)
}

/// A source that orders keys differently would give a row to no stream, or to two.
fn strayed() -> Diagnostic {
    let headline = "the source gives a row whose key is not in the range that was asked for";
    Diagnostic::new(Code::KeyOrder, headline).help(Code::KeyOrder.info().remedy)
}

/// Rows that the source did not have to give.
pub(crate) fn passed(merge: &mut HashMerge) -> Counts {
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
