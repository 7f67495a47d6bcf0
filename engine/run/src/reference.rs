//! Lookups of parents.
//!
//! A reference may only name a row that is in the destination. What is there stands in the parent's ledger, so it is looked up there, in batches:
//! that also names the missing field, which a foreign key's refusal does not, and works where the destination has no foreign key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use transload_model::{Destination, EntityName, Entry, KeyBytes, Outcome, Result, SegmentHead};

use crate::segment;

/// Entries that stay in memory between two lookups.
const CACHED_ENTRIES: usize = 2_000_000;

/// Which keys of one entity are in the destination, and not about to leave it.
pub(crate) struct ParentIndex {
    destination: Arc<dyn Destination>,
    heads: Vec<SegmentHead>,
    cache: BTreeMap<i64, Vec<(KeyBytes, bool)>>,
    cached: usize,
}

impl ParentIndex {
    /// The index as it is committed now.
    pub(crate) async fn new(destination: Arc<dyn Destination>, entity: &EntityName) -> Result<Self> {
        let heads = destination.segments(entity).await?;
        Ok(Self { destination, heads, cache: BTreeMap::new(), cached: 0 })
    }

    /// Sees what has been committed since. What is in memory stays, where its segment does.
    pub(crate) async fn refresh(&mut self, entity: &EntityName) -> Result<()> {
        self.heads = self.destination.segments(entity).await?;
        let ids: BTreeSet<i64> = self.heads.iter().map(|head| head.id).collect();
        self.cache.retain(|id, _| ids.contains(id));
        self.cached = self.cache.values().map(Vec::len).sum();
        Ok(())
    }

    /// For each key, whether its row is in the destination.
    pub(crate) async fn are_present(&mut self, keys: &[Option<KeyBytes>]) -> Result<Vec<bool>> {
        let needed: BTreeSet<usize> = keys.iter().flatten().filter_map(|key| self.head_of(key)).collect();
        self.load(&needed).await?;
        Ok(keys.iter().map(|key| key.as_ref().is_some_and(|key| self.is_present(key))).collect())
    }

    fn head_of(&self, key: &KeyBytes) -> Option<usize> {
        let at = self.heads.partition_point(|head| head.last < *key);
        self.heads.get(at).filter(|head| head.first <= *key).map(|_| at)
    }

    fn is_present(&self, key: &KeyBytes) -> bool {
        let entries = self.head_of(key).and_then(|at| self.cache.get(&self.heads[at].id));
        entries.is_some_and(|entries| {
            let found = entries.binary_search_by(|(known, _)| known.cmp(key));
            found.is_ok_and(|at| entries[at].1)
        })
    }

    async fn load(&mut self, needed: &BTreeSet<usize>) -> Result<()> {
        if self.cached > CACHED_ENTRIES {
            let keep: BTreeSet<i64> = needed.iter().map(|at| self.heads[*at].id).collect();
            self.cache.retain(|id, _| keep.contains(id));
            self.cached = self.cache.values().map(Vec::len).sum();
        }
        for at in needed {
            let id = self.heads[*at].id;
            if !self.cache.contains_key(&id) {
                let (content, digest) = self.destination.segment(id).await?;
                let entries = segment::unpack(&content, digest)?;
                self.cached += entries.len();
                self.cache.insert(id, entries.into_iter().map(standing).collect());
            }
        }
        Ok(())
    }
}

/// A key, and whether rows may refer to it.
fn standing(entry: Entry) -> (KeyBytes, bool) {
    let goes = matches!(entry.outcome, Outcome::DeletePending | Outcome::DeleteRefused | Outcome::Retired);
    (entry.key, entry.present && !goes)
}
