//! The second pass, for entities that refer to themselves.
//!
//! The first pass inserted new rows with open references and left modified rows alone. Now every row that can be referred to is there. A new row
//! whose chain of parents ends in a row that is not, is taken out again, and so is every new row behind it; then the rest is filled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use transload_model::{Counts, KeyBytes, KeyRange, OnFailure, OnMissing, Outcome, Phase, Result};

use crate::derive::{Work, missing_parent, quarantine_row, stopped_by};
use crate::detect::{HashMerge, Policy, Verdict};
use crate::load::{Pass, is_done};
use crate::reading::Reading;
use crate::reference::ParentIndex;

/// What new rows with open references refer to: for each, its missing or not yet certain parents by field.
type Open = BTreeMap<KeyBytes, Vec<(usize, KeyBytes)>>;

impl Pass<'_> {
    /// Fills references to the entity itself, and writes the modified rows.
    pub(crate) async fn fill(&mut self, reading: &mut Reading) -> Result<()> {
        if self.stream.cursor().is_none() {
            self.withdraw_unrooted(reading).await?;
        }
        self.deriver.defers = false;
        self.deriver.refresh_own_index().await?;
        let cursor = self.stream.cursor().cloned();
        let mut merge = self.second_merge(cursor.clone()).await?;
        reading.start(KeyRange::default(), cursor.clone()).await?;
        while let Some(scored) = reading.next().await? {
            let mut work = Vec::new();
            for row in 0..scored.len() {
                let Some(key) = scored.key(row).filter(|key| !is_done(key, cursor.as_ref())) else { continue };
                match self.judge(&mut merge, key, scored.digest(row)).await? {
                    Verdict::New(_) => merge.take_back(),
                    Verdict::Deferred => {
                        let known = Some(loaded(scored.digest(row)));
                        work.push(Work { row, known, insert: false, counted: true });
                    }
                    Verdict::Modified(known) => {
                        self.stream.count(Counts { read: 1, ..Counts::default() });
                        work.push(Work { row, known: Some(known), insert: false, counted: false });
                    }
                    Verdict::Unchanged | Verdict::Untried => {}
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
        self.stream.check_budget(true)
    }

    async fn second_merge(&self, cursor: Option<KeyBytes>) -> Result<HashMerge> {
        let (_, heads) = self.heads().await?;
        Ok(HashMerge::new(Policy { fill: true, ..Policy::default() }, heads, cursor))
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
        // The corrections of these rows need their entries: the segments that hold them are written again as they are.
        let rewrite = self.rewrite_of(&keys).await?;
        self.stream.commit(rewrite, None, Phase::Filling).await
    }

    /// Reads the entity once more for what its new rows refer to.
    async fn survey(&mut self, reading: &mut Reading) -> Result<Open> {
        let own = self.plan.self_references();
        let mut merge = self.second_merge(None).await?;
        let mut open = Open::new();
        reading.start(KeyRange::default(), None).await?;
        while let Some(scored) = reading.next().await? {
            let mut rows = Vec::new();
            for row in 0..scored.len() {
                let Some(key) = scored.key(row) else { continue };
                if self.judge(&mut merge, key, scored.digest(row)).await? == Verdict::Deferred {
                    rows.push(Work { row, known: None, insert: false, counted: true });
                }
            }
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
                    let referred = parent.map(|parent| (own[reference], parent));
                    open.entry(scored.identity(work.row)).or_default().extend(referred);
                }
            }
        }
        Ok(open)
    }

    /// The rows that cannot stay, each with the field that says so.
    async fn unrooted(&self, open: &Open) -> Result<BTreeMap<KeyBytes, usize>> {
        let mut index = ParentIndex::new(Arc::clone(&self.context.destination), &self.plan.name).await?;
        let referred: BTreeSet<&KeyBytes> = open.values().flatten().map(|(_, parent)| parent).collect();
        let asked: Vec<Option<KeyBytes>> = referred.into_iter().cloned().map(Some).collect();
        let present = index.are_present(&asked).await?;
        let missing: BTreeSet<KeyBytes> =
            asked.into_iter().flatten().zip(present).filter(|(_, present)| !present).map(|(key, _)| key).collect();
        let mut children: BTreeMap<&KeyBytes, Vec<(&KeyBytes, usize)>> = BTreeMap::new();
        for (child, parents) in open {
            for (field, parent) in parents.iter().filter(|(field, _)| self.needs_parent(*field)) {
                children.entry(parent).or_default().push((child, *field));
            }
        }
        let mut unrooted = BTreeMap::new();
        let mut queue: Vec<&KeyBytes> = missing.iter().collect();
        while let Some(gone) = queue.pop() {
            for (child, field) in children.get(gone).into_iter().flatten() {
                if unrooted.insert((*child).clone(), *field).is_none() {
                    queue.push(child);
                }
            }
        }
        Ok(unrooted)
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
