//! Which rows a pass looks at.
//!
//! A pass over a whole table may conclude from a row that is not given that it is gone. One that asks for some rows only must not: to it, what
//! is not given is as it was.

use std::collections::BTreeSet;
use std::sync::Arc;

use transload_model::{KeyBytes, KeyRange, Only, ReadColumn, SegmentHead};

use crate::reach::{NamedRows, Planned};

/// The rows of a pass, and what it means that one of them is not given.
#[derive(Debug, Clone, Default)]
pub(crate) enum Scope {
    /// All: one that is not given is gone.
    #[default]
    Whole,
    /// Those that someone named: one that is not given is gone.
    Named(Arc<NamedRows>),
    /// Those whose cursor is not below a value. One that is not given is as it was.
    Since(ReadColumn, i64),
    /// All, but nothing of them except their keys: a row that the ledger knows is as it was, and one that is not given is gone.
    KeysOnly,
    /// Those of these segments, and of the gaps behind them: one that is not given is gone.
    Segments(Arc<BTreeSet<i64>>),
}

impl Scope {
    /// What a source is asked for.
    pub(crate) fn only(&self) -> Only {
        match self {
            Self::Whole | Self::Segments(_) | Self::KeysOnly => Only::All,
            Self::Named(rows) => Only::Keys(rows.keys().into()),
            Self::Since(column, from) => Only::Since { column: column.clone(), from: *from },
        }
    }

    /// Whether every row of the entity is looked at.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, Self::Whole)
    }

    /// Whether rows that are left as they are count as read. A pass beside others over the same rows counts only what it moves.
    pub(crate) fn counts_what_it_leaves(&self) -> bool {
        matches!(self, Self::Whole | Self::Named(_) | Self::Since(..))
    }

    /// Whether nothing of a row is known but its key.
    pub(crate) fn is_of_keys(&self) -> bool {
        matches!(self, Self::KeysOnly)
    }

    /// Whether a row with this key, which the source gave, is one of the pass.
    pub(crate) fn holds(&self, key: &[u8]) -> bool {
        match self {
            Self::Named(rows) => rows.holds(key),
            Self::Whole | Self::Since(..) | Self::Segments(_) | Self::KeysOnly => true,
        }
    }

    /// Whether a row may be moved that is now `found`.
    pub(crate) fn approves(&self, key: &[u8], found: Planned) -> bool {
        match self {
            Self::Named(rows) => rows.approves(key, found),
            Self::KeysOnly => false,
            Self::Whole | Self::Since(..) | Self::Segments(_) => true,
        }
    }

    /// Whether a row that the ledger has and the source does not give is gone.
    pub(crate) fn misses(&self, key: &KeyBytes) -> bool {
        match self {
            Self::Whole | Self::Segments(_) | Self::KeysOnly => true,
            Self::Named(rows) => rows.may_go(key.as_bytes()),
            Self::Since(..) => false,
        }
    }

    /// Whether a row of the segment may be gone, so that it must be looked at though the source gives none of it.
    pub(crate) fn misses_in(&self, head: &SegmentHead) -> bool {
        match self {
            Self::Whole | Self::Segments(_) | Self::KeysOnly => true,
            Self::Named(rows) => rows.touches(head),
            Self::Since(..) => false,
        }
    }

    /// The segments, of all of a range, that the pass looks at, and the ranges to read for them.
    pub(crate) fn narrow(&self, heads: Vec<SegmentHead>, range: KeyRange) -> (Vec<SegmentHead>, Vec<KeyRange>) {
        let Self::Segments(wanted) = self else { return (heads, vec![range]) };
        let firsts: Vec<KeyBytes> = heads.iter().skip(1).map(|head| head.first.clone()).collect();
        let spans = range.cut(&firsts);
        heads.into_iter().zip(spans).filter(|(head, _)| wanted.contains(&head.id)).unzip()
    }
}
