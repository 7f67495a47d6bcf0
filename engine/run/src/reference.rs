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
    entity: EntityName,
    heads: Vec<SegmentHead>,
    /// By segment and by how many parts it had.
    cache: BTreeMap<(i64, u32), Vec<(KeyBytes, bool)>>,
    cached: usize,
}

impl ParentIndex {
    /// The index as it is committed now.
    pub(crate) async fn new(destination: Arc<dyn Destination>, entity: &EntityName) -> Result<Self> {
        let heads = destination.segments(entity).await?;
        Ok(Self { destination, entity: entity.clone(), heads, cache: BTreeMap::new(), cached: 0 })
    }

    /// Sees what has been committed since. What is in memory stays, where its segment does.
    pub(crate) async fn refresh(&mut self, entity: &EntityName) -> Result<()> {
        self.heads = self.destination.segments(entity).await?;
        let ids: BTreeSet<(i64, u32)> = self.heads.iter().map(version).collect();
        self.cache.retain(|id, _| ids.contains(id));
        self.cached = self.cache.values().map(Vec::len).sum();
        Ok(())
    }

    /// For each key, whether its row is in the destination.
    pub(crate) async fn are_present(&mut self, keys: &[Option<KeyBytes>]) -> Result<Vec<bool>> {
        if self.load(&self.needed(keys)).await.is_err() {
            // A unit may have been committed meanwhile, and its segments stand in the place of those that were to be read.
            self.refresh(&self.entity.clone()).await?;
            self.load(&self.needed(keys)).await?;
        }
        Ok(keys.iter().map(|key| key.as_ref().is_some_and(|key| self.is_present(key))).collect())
    }

    fn needed(&self, keys: &[Option<KeyBytes>]) -> BTreeSet<usize> {
        keys.iter().flatten().filter_map(|key| self.head_of(key)).collect()
    }

    fn head_of(&self, key: &KeyBytes) -> Option<usize> {
        let at = self.heads.partition_point(|head| head.last < *key);
        self.heads.get(at).filter(|head| head.first <= *key).map(|_| at)
    }

    fn is_present(&self, key: &KeyBytes) -> bool {
        let entries = self.head_of(key).and_then(|at| self.cache.get(&version(&self.heads[at])));
        entries.is_some_and(|entries| {
            let found = entries.binary_search_by(|(known, _)| known.cmp(key));
            found.is_ok_and(|at| entries[at].1)
        })
    }

    async fn load(&mut self, needed: &BTreeSet<usize>) -> Result<()> {
        if self.cached > CACHED_ENTRIES {
            let keep: BTreeSet<(i64, u32)> = needed.iter().map(|at| version(&self.heads[*at])).collect();
            self.cache.retain(|id, _| keep.contains(id));
            self.cached = self.cache.values().map(Vec::len).sum();
        }
        for at in needed {
            let id = version(&self.heads[*at]);
            if !self.cache.contains_key(&id) {
                let entries = segment::unpack(&self.destination.segment(id.0).await?)?;
                self.cached += entries.len();
                self.cache.insert(id, entries.into_iter().map(standing).collect());
            }
        }
        Ok(())
    }
}

fn version(head: &SegmentHead) -> (i64, u32) {
    (head.id, head.parts)
}

/// A key, and whether rows may refer to it.
fn standing(entry: Entry) -> (KeyBytes, bool) {
    let goes = matches!(entry.outcome, Outcome::DeletePending | Outcome::DeleteRefused | Outcome::Retired);
    (entry.key, entry.present && !goes)
}
