//! A close look at single rows: what the source gives, what the destination holds, and what the ledger says of them.
//!
//! The three are not seen at one moment. So the ledger is asked before and after the destination is, and a row that moved between is looked at
//! again; one that differs is, too. What is left after that differs as long as anybody looks.

mod owners;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use transload_model::{
    Code, ColumnName, DeletePolicy, EntityPlan, Entry, KeyBytes, KeyRange, Only, Outcome, Result, SegmentHead,
};

use super::Columns;
use super::judge::{Difference, Finding, Reason, Row, differs, judge};
use super::sides::all_of;
use crate::context::Context;
use crate::cursor;
use crate::derive::{Deriver, Work};
use crate::entries::Entries;
use crate::reading::Reading;
use crate::stale;
use crate::start::{Job, observe};
pub(super) use owners::Owned;

/// Rows that are looked at together. A source may have to give all of its rows for that.
const TOGETHER: usize = 65_536;

/// How often a row is looked at before it is believed to differ, and at most.
const BELIEVED: usize = 2;
pub(super) const LOOKS: usize = 4;

/// Looks at rows of one entity.
pub(super) struct Looker<'a> {
    job: &'a Job,
    plan: Arc<EntityPlan>,
    columns: &'a Columns,
}

/// What one look saw of a row.
struct Seen {
    key: KeyBytes,
    finding: Finding,
    /// Whether a unit wrote it meanwhile.
    moves: bool,
}

impl<'a> Looker<'a> {
    pub(super) fn new(job: &'a Job, plan: &Arc<EntityPlan>, columns: &'a Columns) -> Self {
        Self { job, plan: Arc::clone(plan), columns }
    }

    /// Says of rows with these source keys what they are.
    pub(super) async fn judge(&self, keys: Vec<KeyBytes>, mut take: impl FnMut(&KeyBytes, Finding)) -> Result<()> {
        let mut occupied = Vec::new();
        for keys in keys.chunks(TOGETHER) {
            self.settle(keys, &mut |key, finding| sort_out(key, finding, (&mut take, &mut occupied))).await?;
        }
        self.judge_occupied(occupied, take).await
    }

    /// The same, of all rows that the source gives and that have a key.
    pub(super) async fn judge_all(&self, mut take: impl FnMut(&KeyBytes, Finding)) -> Result<()> {
        let (mut behind, mut occupied) = (None, Vec::new());
        loop {
            let keys = self.some_keys(behind).await?;
            self.settle(&keys, &mut |key, finding| sort_out(key, finding, (&mut take, &mut occupied))).await?;
            behind = keys.into_iter().next_back();
            if behind.is_none() {
                return self.judge_occupied(occupied, take).await;
            }
        }
    }

    /// Keys of rows that the source gives behind one, about as many as are looked at together. Rows without a key are left out.
    async fn some_keys(&self, behind: Option<KeyBytes>) -> Result<Vec<KeyBytes>> {
        let context = observe(self.job.clone()).await?;
        let mut reading = Reading::open(&context, &self.plan).await?;
        let mut keys = Vec::new();
        reading.start_keys(vec![KeyRange::default()], behind.clone()).await?;
        while let Some(scored) = reading.next().await? {
            let is_new = |key: &KeyBytes| !key.is_unkeyed() && Some(key) > behind.as_ref();
            keys.extend((0..scored.len()).map(|row| scored.identity(row)).filter(is_new));
            if keys.len() >= TOGETHER {
                break;
            }
        }
        Ok(keys)
    }

    async fn settle(&self, keys: &[KeyBytes], take: &mut impl FnMut(&KeyBytes, Finding)) -> Result<()> {
        let mut open = keys.to_vec();
        for look in 1..=LOOKS {
            if open.is_empty() {
                return Ok(());
            }
            let seen = self.look(&open).await?;
            open.clear();
            for Seen { key, finding, moves } in seen {
                match finding {
                    // It is written while anybody looks, so it is not what it was.
                    Finding::Differs { difference, .. } if moves && look == LOOKS => {
                        take(&key, Finding::Explained(difference, Reason::Changed));
                    }
                    Finding::Occupied { .. } if moves && look == LOOKS => {
                        take(&key, Finding::Explained(Difference::Different, Reason::Changed));
                    }
                    Finding::Differs { .. } | Finding::Occupied { .. } if moves || look < BELIEVED => open.push(key),
                    finding => take(&key, finding),
                }
            }
        }
        Ok(())
    }

    /// Looks at rows once, as they are now.
    async fn look(&self, keys: &[KeyBytes]) -> Result<Vec<Seen>> {
        let context = observe(self.job.clone()).await?;
        let position = context.position(&self.plan.name);
        let are_comparable =
            position.as_ref().is_some_and(|position| position.read_fingerprint == self.plan.read_fingerprint);
        let is_masked = position.is_none_or(|position| stale::is_masked(&self.plan, &position));
        let before = self.entries(&context, keys).await?;
        let rows = self.rows(&context, keys).await?;
        let after = self.entries(&context, keys).await?;
        let judged = |key: &KeyBytes| match key.is_unkeyed() {
            true => unkeyed(after.get(key)),
            false => judge(rows.get(key), after.get(key), are_comparable),
        };
        let may_be_passed = |key: &&KeyBytes| {
            matches!(judged(key), Finding::Explained(_, Reason::Changed)) && self.goes_by_cursor(after.get(*key))
        };
        let passed = self.passed(&context, keys.iter().filter(may_be_passed).collect()).await?;
        let seen = |key: &KeyBytes| {
            let (entry, row) = (after.get(key), rows.get(key));
            let finding = match (judged(key), row) {
                (Finding::Explained(difference, _), Some(row)) if passed.contains(key) => differs(difference, row),
                (finding, _) => finding,
            };
            let is_stale = !is_masked && entry.is_some_and(stale::is_older);
            let finding = if is_stale { finding.unexplained(Code::MaskStale) } else { finding };
            Seen { key: key.clone(), finding, moves: before.get(key) != entry }
        };
        Ok(keys.iter().map(seen).collect())
    }

    /// What the source gives of these rows, beside what the destination holds.
    async fn rows(&self, context: &Arc<Context>, keys: &[KeyBytes]) -> Result<BTreeMap<KeyBytes, Row>> {
        let wanted: BTreeSet<&KeyBytes> = keys.iter().filter(|key| !key.is_unkeyed()).collect();
        let mut rows = BTreeMap::new();
        if wanted.is_empty() {
            return Ok(rows);
        }
        let mut reading = Reading::open(context, &self.plan).await?;
        let mut deriver = Deriver::new(context, &self.plan).await?;
        let only = Only::Keys(wanted.iter().map(|key| (*key).clone()).collect());
        let from = wanted.first().map(|key| (*key).clone());
        reading.start_ranges(vec![KeyRange { from, to: None }], None, only).await?;
        while let Some(scored) = reading.next().await? {
            // A source may give others between them, and behind them.
            if (0..scored.len()).all(|row| Some(&scored.identity(row)) > wanted.last().copied()) {
                break;
            }
            let is_wanted = |work: &Work| wanted.contains(&scored.identity(work.row));
            let work: Vec<Work> = all_of(&scored).into_iter().filter(is_wanted).collect();
            let compared = deriver.compare_in(&scored, &work, &self.compared()).await?;
            for (at, work) in work.iter().enumerate() {
                let fault = compared.faults[at].as_ref();
                let columns = compared.differing(at);
                let row = Row {
                    digest: scored.digest(work.row),
                    fault: fault.map(|fault| fault.code),
                    has_key: compared.has_key[at],
                    refers_only: columns.iter().all(|name| self.is_reference(name)),
                    columns,
                    held: compared.held[at].clone(),
                };
                rows.insert(scored.identity(work.row), row);
            }
        }
        Ok(rows)
    }

    fn is_reference(&self, name: &ColumnName) -> bool {
        self.plan.fields.iter().any(|field| field.reference.is_some() && field.destination == *name)
    }

    /// Whether nothing but its cursor leads the next run to a row with this entry, where it goes by one.
    fn goes_by_cursor(&self, entry: Option<&Entry>) -> bool {
        match entry.map(|entry| entry.outcome) {
            // Where deletes are wanted, the keys of both sides are compared.
            None => self.plan.deletes == DeletePolicy::Ignore,
            Some(outcome) => matches!(outcome, Outcome::Loaded | Outcome::Deferred | Outcome::UpdatePending),
        }
    }

    /// Of rows that moved at the source, those that the next run would not read for that: by a cursor it goes by what sets it.
    async fn passed<'k>(
        &self,
        context: &Arc<Context>,
        moved: BTreeSet<&'k KeyBytes>,
    ) -> Result<BTreeSet<&'k KeyBytes>> {
        let since = cursor::since(context, &self.plan);
        let (Some(since), Some(first)) = (since, moved.first()) else { return Ok(BTreeSet::new()) };
        let from = Some((*first).clone());
        let mut passed = moved;
        let mut reading = Reading::open(context, &self.plan).await?;
        reading.start_ranges(vec![KeyRange { from, to: None }], None, since).await?;
        while let Some(scored) = reading.next().await? {
            for row in 0..scored.len() {
                passed.remove(&scored.identity(row));
            }
        }
        Ok(passed)
    }

    fn compared(&self) -> BTreeSet<ColumnName> {
        self.columns.all().cloned().collect()
    }

    /// What the ledger says of these rows.
    async fn entries(&self, context: &Context, keys: &[KeyBytes]) -> Result<BTreeMap<KeyBytes, Entry>> {
        let wanted: BTreeSet<&KeyBytes> = keys.iter().collect();
        let is_meant = |head: &SegmentHead| wanted.range::<KeyBytes, _>(&head.first..=&head.last).next().is_some();
        let mut found = BTreeMap::new();
        let mut entries = Entries::of(&*context.destination, &self.plan.name).await?;
        while let Some(segment) = entries.next(is_meant).await? {
            let meant = segment.into_iter().filter(|entry| wanted.contains(&entry.key));
            found.extend(meant.map(|entry| (entry.key.clone(), entry)));
        }
        Ok(found)
    }
}

/// Keeps back what is to be asked whose it is.
fn sort_out(
    key: &KeyBytes,
    finding: Finding,
    (take, occupied): (&mut impl FnMut(&KeyBytes, Finding), &mut Vec<(KeyBytes, Finding)>),
) {
    match finding {
        Finding::Occupied { .. } => occupied.push((key.clone(), finding)),
        finding => take(key, finding),
    }
}

/// A row without a key is never loaded. The ledger knows it, or it came since.
fn unkeyed(entry: Option<&Entry>) -> Finding {
    let reason = match entry.map(|entry| entry.outcome) {
        Some(Outcome::Discarded) => Reason::Discarded,
        Some(_) => Reason::Quarantine,
        None => Reason::Changed,
    };
    Finding::Explained(Difference::Missing, reason)
}
