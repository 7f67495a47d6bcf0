//! Which rows a run is about.
//!
//! A run is about everything that the specs move, or about rows that someone named: those of a stored detection, or keys. Of the first, each
//! must still be what it was when it was detected; one that moved since is left alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use transload_model::{ChangeKind, EntityName, KeyBytes, SegmentHead};

/// The rows of a run.
#[derive(Debug, Clone, Default)]
pub enum Reach {
    /// All.
    #[default]
    Everything,
    /// These, by entity. Entities that are not named are not looked at.
    Rows {
        /// The rows.
        rows: BTreeMap<EntityName, Arc<NamedRows>>,
        /// The seed of the digests of a plan. A ledger with another seed says nothing about them.
        digest_seed: Option<u64>,
    },
}

/// Rows of one entity that someone named.
#[derive(Debug, Clone, Default)]
pub struct NamedRows {
    keys: Vec<KeyBytes>,
    planned: Option<Vec<Planned>>,
}

/// A change as it was detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// What it was.
    pub kind: ChangeKind,
    /// The row's digest then.
    pub digest: u64,
}

impl Reach {
    /// Whether rows of the entity are among them.
    #[must_use]
    pub fn includes(&self, entity: &EntityName) -> bool {
        match self {
            Self::Everything => true,
            Self::Rows { rows, .. } => rows.contains_key(entity),
        }
    }

    /// The seed of a plan's digests.
    pub(crate) fn digest_seed(&self) -> Option<u64> {
        match self {
            Self::Everything => None,
            Self::Rows { digest_seed, .. } => *digest_seed,
        }
    }

    /// The entity's rows, where not all are meant.
    #[must_use]
    pub fn rows(&self, entity: &EntityName) -> Option<&Arc<NamedRows>> {
        match self {
            Self::Everything => None,
            Self::Rows { rows, .. } => rows.get(entity),
        }
    }

    /// Whether rows of the entity were named by their keys, and nothing is known of what they were.
    pub(crate) fn is_by_key(&self, entity: &EntityName) -> bool {
        self.rows(entity).is_some_and(|rows| rows.planned.is_none())
    }

    /// Whether a segment of the entity may hold one of them.
    pub(crate) fn touches(&self, entity: &EntityName, head: &SegmentHead) -> bool {
        self.rows(entity).is_none_or(|rows| rows.touches(head))
    }

    /// Whether a row of the entity is among them.
    pub(crate) fn holds(&self, entity: &EntityName, key: &[u8]) -> bool {
        match self {
            Self::Everything => true,
            Self::Rows { rows, .. } => rows.get(entity).is_some_and(|rows| rows.holds(key)),
        }
    }

    /// Whether a row of the entity may be deleted.
    pub(crate) fn may_go(&self, entity: &EntityName, key: &[u8]) -> bool {
        match self {
            Self::Everything => true,
            Self::Rows { rows, .. } => rows.get(entity).is_some_and(|rows| rows.may_go(key)),
        }
    }
}

impl NamedRows {
    /// Rows with these keys, whatever they are.
    #[must_use]
    pub fn with_keys(mut keys: Vec<KeyBytes>) -> Self {
        keys.sort();
        keys.dedup();
        Self { keys, planned: None }
    }

    /// Rows as they were detected.
    #[must_use]
    pub fn planned(changes: BTreeMap<KeyBytes, Planned>) -> Self {
        let (keys, planned) = changes.into_iter().unzip();
        Self { keys, planned: Some(planned) }
    }

    /// The keys, ascending.
    #[must_use]
    pub fn keys(&self) -> &[KeyBytes] {
        &self.keys
    }

    /// Whether one of them lies between the first and the last key of a segment.
    pub(crate) fn touches(&self, head: &SegmentHead) -> bool {
        let at = self.keys.partition_point(|key| *key < head.first);
        self.keys.get(at).is_some_and(|key| *key <= head.last)
    }

    pub(crate) fn holds(&self, key: &[u8]) -> bool {
        self.find(key).is_some()
    }

    fn find(&self, key: &[u8]) -> Option<usize> {
        self.keys.binary_search_by(|wanted| wanted.as_bytes().cmp(key)).ok()
    }

    /// Whether a row may be moved that is now `found`; without a plan, every one may.
    pub(crate) fn approves(&self, key: &[u8], found: Planned) -> bool {
        let Some(planned) = &self.planned else { return true };
        self.find(key).is_some_and(|at| planned[at] == found)
    }

    /// Whether a row may be deleted because the source does not have it; without a plan, every one may.
    pub(crate) fn may_go(&self, key: &[u8]) -> bool {
        let Some(at) = self.find(key) else { return false };
        self.planned.as_ref().is_none_or(|planned| planned[at].kind == ChangeKind::Deleted)
    }
}
