//! Whose a place of the destination is: a row's that the ledger knows, a stranger's, or nobody's any more.
//!
//! Both sides were read before, so what a run put there or took away meanwhile is asked for again, behind that reading.

use std::collections::{BTreeMap, BTreeSet};

use transload_model::{ColumnName, KeyBytes, KeyRange, Only, ReadColumn, ReadRequest, Result};

use super::{Looker, TOGETHER};
use crate::derive::Deriver;
use crate::entries::Entries;
use crate::keys::Of;
use crate::rows::whole_keys;
use crate::start::observe;
use crate::unique::column_type;
use crate::verify::destination_relation;
use crate::verify::judge::{Difference, Finding};
use crate::verify::sides::{Place, Sides, places};

/// Rows that only the destination was seen to have.
pub(in crate::verify) struct Owned {
    /// The source keys of those that the ledger knows.
    pub(in crate::verify) known: Vec<KeyBytes>,
    /// The destination keys of the others, by their encoding.
    pub(in crate::verify) unknown: BTreeMap<Vec<u8>, KeyBytes>,
}

impl Looker<'_> {
    /// Says of rows that are not loaded and whose place is taken whether that is by another row of the ledger.
    pub(super) async fn judge_occupied(
        &self,
        occupied: Vec<(KeyBytes, Finding)>,
        mut take: impl FnMut(&KeyBytes, Finding),
    ) -> Result<()> {
        let keys: Vec<KeyBytes> = occupied.iter().map(|(key, _)| key.clone()).collect();
        let owned = self.owned(&keys).await?;
        for (key, finding) in occupied {
            let Finding::Occupied { reason, columns, fault } = finding else { continue };
            let finding = match reason.filter(|_| owned.contains(&key)) {
                Some(reason) => Finding::Explained(Difference::Missing, reason),
                None => Finding::Differs { difference: Difference::Different, columns, fault },
            };
            take(&key, finding);
        }
        Ok(())
    }

    /// Of rows whose place is taken, those where that is by a row that the ledger knows, or that is told by itself.
    async fn owned(&self, keys: &[KeyBytes]) -> Result<BTreeSet<KeyBytes>> {
        if keys.is_empty() {
            return Ok(BTreeSet::new());
        }
        let context = observe(self.job.clone()).await?;
        let mut deriver = Deriver::new(&context, &self.plan).await?;
        let own = places(&deriver.key_batch_of(keys, Of::Perhaps).await?, self.columns)?;
        drop((context, deriver));
        let strangers: BTreeMap<Vec<u8>, KeyBytes> =
            own.iter().flatten().map(|place| (place.encoded.clone(), place.key.clone())).collect();
        let mut unknown = self.owners(strangers).await?.unknown;
        // Where a collation takes another spelling for the same, the row that stands there was met by its own.
        if !self.columns.has_padded_key() {
            let spelt_so = self.held(unknown.values().filter(|key| self.columns.finds(key)).cloned().collect()).await?;
            unknown.retain(|_, key| !self.columns.finds(key) || spelt_so.binary_search(key).is_ok());
        }
        let is_owned =
            |place: &Option<Place>| place.as_ref().is_some_and(|place| !unknown.contains_key(&place.encoded));
        Ok(keys.iter().zip(&own).filter(|(_, place)| is_owned(place)).map(|(key, _)| key.clone()).collect())
    }

    /// Which of some rows that no row of the source was seen to lead to the ledger knows.
    pub(in crate::verify) async fn owners(&self, strangers: BTreeMap<Vec<u8>, KeyBytes>) -> Result<Owned> {
        let mut owned = Owned { known: Vec::new(), unknown: strangers };
        if owned.unknown.is_empty() {
            return Ok(owned);
        }
        // Behind the reading of both sides: what a run put there meanwhile stands in the ledger by now.
        let context = observe(self.job.clone()).await?;
        let mut deriver = Deriver::new(&context, &self.plan).await?;
        let mut entries = Entries::of(&*context.destination, &self.plan.name).await?;
        while let Some(segment) = entries.next(|head| head.present > 0).await? {
            let present = segment.into_iter().filter(|entry| entry.present && !entry.key.is_unkeyed());
            let keys: Vec<KeyBytes> = present.map(|entry| entry.key).collect();
            let places = places(&deriver.key_batch(&keys).await?, self.columns)?;
            for (key, place) in keys.into_iter().zip(places) {
                if place.is_some_and(|place| owned.unknown.remove(&place.encoded).is_some()) {
                    owned.known.push(key);
                }
            }
        }
        Ok(owned)
    }

    /// The keys of those of some rows that the destination has now, too. They were found by their keys, or by all of their columns.
    pub(in crate::verify) async fn still_there(
        &self,
        rows: BTreeMap<Vec<u8>, KeyBytes>,
        by_key: bool,
    ) -> Result<Vec<KeyBytes>> {
        let (mut unnamed, mut named) = (BTreeMap::new(), Vec::new());
        for (place, key) in rows {
            if self.columns.finds(&key) {
                named.push(key);
            } else {
                unnamed.insert(place, key);
            }
        }
        let mut there = self.held(named).await?;
        there.dedup();
        if !unnamed.is_empty() {
            let context = observe(self.job.clone()).await?;
            let columns = if by_key { self.columns.of_key() } else { self.columns.clone() };
            let sides = Sides { context: &context, plan: &self.plan, columns: &columns };
            sides
                .held(|row| {
                    there.extend(unnamed.remove(&row.place()));
                    Ok(())
                })
                .await?;
        }
        Ok(there)
    }

    /// Of keys that several rows of the destination had, those that several have now: once for each row but the first.
    pub(in crate::verify) async fn still_doubled(&self, mut keys: Vec<KeyBytes>) -> Result<Vec<KeyBytes>> {
        let mut doubled: Vec<KeyBytes> = keys.extract_if(.., |key| !self.columns.finds(key)).collect();
        let held = self.held(keys).await?;
        doubled.extend(held.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone()));
        Ok(doubled)
    }

    /// The keys of the rows that the destination has of these, in order; of a key that several have, as often.
    async fn held(&self, mut keys: Vec<KeyBytes>) -> Result<Vec<KeyBytes>> {
        let plan = &self.plan;
        let column = |name: &ColumnName| ReadColumn { name: name.clone(), logical: column_type(plan, name) };
        let columns: Vec<ReadColumn> = self.columns.key.iter().map(column).collect();
        keys.sort();
        keys.dedup();
        let mut there = Vec::new();
        for asked in keys.chunks(TOGETHER) {
            let mut reader = self.job.destination.reader().await?;
            reader
                .read(ReadRequest {
                    relation: destination_relation(plan),
                    key: (0..columns.len()).collect(),
                    columns: columns.clone(),
                    range: KeyRange::default(),
                    after: None,
                    only: Only::Keys(asked.into()),
                    batch_rows: TOGETHER,
                })
                .await?;
            while let Some(batch) = reader.next().await? {
                let found = whole_keys(&batch.rows)?;
                there.extend(found.into_iter().filter(|key| asked.binary_search(key).is_ok()));
            }
        }
        there.sort();
        Ok(there)
    }
}
