//! The second pass, for entities that refer to themselves, or in a circle to entities that are loaded later.
//!
//! The first pass inserted new rows with open references and left modified rows alone. Now every row that can be referred to is there. A new row
//! whose chain of parents ends in a row that is not, is taken out again, and so is every new row behind it; then the rest is filled. Rows that
//! missed a parent of the circle, and find it now, come with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use transload_model::{Counts, EntityName, KeyBytes, KeyRange, OnFailure, OnMissing, Outcome, Phase, Result};

use crate::derive::{Work, missing_parent, quarantine_row, stopped_by};
use crate::detect::{HashMerge, Policy, Scope, Verdict};
use crate::load::{Pass, is_done};
use crate::reach::Planned;
use crate::reading::Reading;
use crate::reference::ParentIndex;

/// What new rows with open references refer to: for each, its missing or not yet certain parents by field.
type Open = BTreeMap<KeyBytes, Vec<(usize, KeyBytes)>>;

/// A row that is referred to: its entity, and its source key.
type Parent = (EntityName, KeyBytes);

impl Pass<'_> {
    /// Fills what the first pass left open, and writes the modified rows. Where `again`, rows that miss a parent are tried once more.
    pub(crate) async fn fill(&mut self, reading: &mut Reading, again: bool) -> Result<()> {
        if self.stream.cursor().is_none() && self.stream.phase() == Phase::Filling {
            self.withdraw_unrooted(reading).await?;
        }
        let retry_orphaned = self.stream.sees_later_parents() || again;
        self.deriver.defers = false;
        self.deriver.refresh_own_index().await?;
        let cursor = self.stream.cursor().cloned();
        let policy = Policy { fill: true, retry_orphaned, ..Policy::default() };
        let scope = self.meant();
        let mut merge = HashMerge::within(scope.clone(), policy, self.heads().await?.1, cursor.clone());
        reading.start_ranges(vec![KeyRange::default()], cursor.clone(), scope.only()).await?;
        while let Some(scored) = reading.next().await? {
            let mut work = Vec::new();
            for row in 0..scored.len() {
                let is_meant = |key: &&[u8]| !is_done(key, cursor.as_ref()) && scope.holds(key);
                let Some(key) = scored.key(row).filter(is_meant) else { continue };
                let digest = scored.digest(row);
                let verdict = self.judge(&mut merge, key, digest).await?;
                if verdict.change().is_some_and(|kind| !scope.approves(key, Planned { kind, digest })) {
                    merge.leave_alone(verdict);
                    continue;
                }
                match verdict {
                    Verdict::New(None) => merge.take_back(),
                    Verdict::New(Some(known)) => {
                        self.stream.retry(known.outcome, 1);
                        work.push(Work { row, known: Some(known), insert: true, counted: false });
                    }
                    Verdict::Deferred => {
                        let known = Some(loaded(scored.digest(row)));
                        work.push(Work { row, known, insert: false, counted: true });
                    }
                    Verdict::Modified(known) => {
                        if known.outcome == Outcome::Orphaned {
                            self.stream.retry(known.outcome, 1);
                        } else {
                            self.stream.count(Counts { read: 1, ..Counts::default() });
                        }
                        work.push(Work { row, known: Some(known), insert: false, counted: false });
                    }
                    Verdict::Unchanged | Verdict::Untried | Verdict::Discarded => {}
                }
            }
            if !work.is_empty() {
                // Units that were committed meanwhile have moved the ledger's segments.
                self.deriver.refresh_own_index().await?;
                self.deriver.move_rows(&scored, &work, self.stream).await?;
            }
            self.after_batch(&mut merge, Phase::Filling).await?;
        }
        self.finish(&mut merge).await?;
        self.commit(&mut merge, None, Phase::Loaded).await?;
        self.stream.judge().await
    }

    /// The rows that this run is about. What an earlier one left open of others is left to the next that is about all.
    fn meant(&self) -> Scope {
        let rows = self.context.reach.rows(&self.plan.name);
        rows.map_or(Scope::Whole, |rows| Scope::Named(Arc::clone(rows)))
    }

    /// Takes new rows out again whose chain of parents does not end in a row that is in the destination.
    async fn withdraw_unrooted(&mut self, reading: &mut Reading) -> Result<()> {
        let open = self.survey(reading).await?;
        let unrooted = self.unrooted(&open).await?;
        if unrooted.is_empty() {
            return Ok(());
        }
        let mut quarantine = Vec::new();
        for (key, field) in &unrooted {
            let fault = missing_parent(self.plan, *field, 0);
            if fault.severity == OnFailure::Fail {
                return Err(stopped_by(self.plan, key, &fault));
            }
            quarantine.push(quarantine_row(self.plan, self.context.run, key.clone(), &fault));
        }
        let keys: Vec<KeyBytes> = unrooted.into_keys().collect();
        let rows = self.deriver.key_batch(&keys).await?;
        self.stream.withdraw(rows, quarantine, Outcome::Orphaned);
        // The corrections of these rows need their entries: the segments that hold them are written with the unit.
        let rewrite = self.rewrite_of(&keys).await?;
        self.stream.commit(rewrite, None, Phase::Filling).await
    }

    /// Reads the entity once more for what its new rows refer to.
    async fn survey(&mut self, reading: &mut Reading) -> Result<Open> {
        let lookups = self.deriver.open_lookups();
        let policy = Policy { fill: true, ..Policy::default() };
        let scope = self.meant();
        let mut merge = HashMerge::within(scope.clone(), policy, self.heads().await?.1, None);
        let mut open = Open::new();
        reading.start_ranges(vec![KeyRange::default()], None, scope.only()).await?;
        while let Some(scored) = reading.next().await? {
            let mut rows = Vec::new();
            for row in 0..scored.len() {
                let Some(key) = scored.key(row).filter(|key| scope.holds(key)) else { continue };
                if self.judge(&mut merge, key, scored.digest(row)).await? == Verdict::Deferred {
                    rows.push(Work { row, known: None, insert: false, counted: true });
                }
            }
            self.stream.check_halt()?;
            // Nothing of this pass is written.
            drop(merge.cut());
            if merge.is_stale() {
                merge.refresh(self.heads().await?.1);
            }
            if rows.is_empty() {
                continue;
            }
            for (reference, parents) in self.deriver.open_references(&scored, &rows)?.into_iter().enumerate() {
                for (work, parent) in rows.iter().zip(parents) {
                    let referred = parent.map(|parent| (lookups[reference], parent));
                    open.entry(scored.identity(work.row)).or_default().extend(referred);
                }
            }
        }
        Ok(open)
    }

    /// The rows that cannot stay, each with the field that says so.
    async fn unrooted(&self, open: &Open) -> Result<BTreeMap<KeyBytes, usize>> {
        let missing = self.missing(open).await?;
        let mut children: BTreeMap<&Parent, Vec<(&KeyBytes, usize)>> = BTreeMap::new();
        let mut referred = BTreeMap::new();
        for (child, parents) in open {
            for (field, parent) in parents.iter().filter(|(field, _)| self.needs_parent(*field)) {
                referred.insert((child, *field), (self.parent_of(*field).clone(), parent.clone()));
            }
        }
        for ((child, field), parent) in &referred {
            children.entry(parent).or_default().push((child, *field));
        }
        let mut unrooted = BTreeMap::new();
        let mut queue: Vec<Parent> = missing.into_iter().collect();
        while let Some(gone) = queue.pop() {
            for (child, field) in children.get(&gone).into_iter().flatten() {
                if unrooted.insert((*child).clone(), *field).is_none() {
                    // Only rows of this entity are withdrawn, and with them goes who refers to them here.
                    queue.push((self.plan.name.clone(), (*child).clone()));
                }
            }
        }
        Ok(unrooted)
    }

    /// Of all that is referred to, what is not in the destination.
    async fn missing(&self, open: &Open) -> Result<BTreeSet<Parent>> {
        let mut referred: BTreeMap<EntityName, BTreeSet<&KeyBytes>> = BTreeMap::new();
        for (field, parent) in open.values().flatten() {
            referred.entry(self.parent_of(*field).clone()).or_default().insert(parent);
        }
        let mut missing = BTreeSet::new();
        for (entity, keys) in referred {
            let mut index = ParentIndex::new(Arc::clone(&self.context.destination), &entity).await?;
            let asked: Vec<Option<KeyBytes>> = keys.into_iter().cloned().map(Some).collect();
            let present = index.are_present(&asked).await?;
            let absent = asked.into_iter().flatten().zip(present).filter(|(_, present)| !present);
            missing.extend(absent.map(|(key, _)| (entity.clone(), key)));
        }
        Ok(missing)
    }

    fn parent_of(&self, field: usize) -> &EntityName {
        let reference = self.plan.fields[field].reference.as_ref();
        reference.map_or(&self.plan.name, |reference| &reference.entity)
    }

    fn needs_parent(&self, field: usize) -> bool {
        let reference = self.plan.fields[field].reference.as_ref();
        reference.is_some_and(|reference| matches!(reference.on_missing, OnMissing::Quarantine | OnMissing::Fail))
    }
}

/// What the ledger knows of a row that the first pass inserted.
fn loaded(digest: u64) -> crate::detect::Known {
    crate::detect::Known { digest, outcome: transload_model::Outcome::Deferred, present: true }
}
