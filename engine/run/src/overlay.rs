//! Overlays: what changed about a segment that stays, stored behind it.
//!
//! A segment holds tens of thousands of entries, and of those a run changes a few. To write it anew for them costs a megabyte for a row. So the
//! changed entries are stored as one more part, and whoever reads the segment lays its parts over one another. Where they have become many, or
//! much changed, it is written anew, and has one part again.

use std::collections::{BTreeMap, BTreeSet};

use transload_model::{Entry, KeyBytes, Outcome, SegmentHead, SegmentOverlay, SegmentPut};

use crate::segment::{self, Change};

/// A segment has no more parts.
const PARTS_MAX: u32 = 16;

/// A segment is written anew where more than one in so many of its entries are in overlays.
const SHARE: u64 = 8;

/// What became of entries that were to become something else: an outcome, and whether a version of the row is in the destination.
pub(crate) type Corrections = BTreeMap<KeyBytes, (Outcome, bool)>;

/// Entries of a segment that changed, and what stays of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Overlay {
    segment: i64,
    parts: u32,
    /// Entries that stay: how many, those of rows in the destination, the lowest key and the highest.
    rest: (u64, u64, Option<(KeyBytes, KeyBytes)>),
    /// Ascending.
    changed: Vec<Entry>,
    /// Ascending.
    gone: Vec<KeyBytes>,
}

impl Overlay {
    /// Whether a segment that has so many entries now takes so many changes as an overlay.
    pub(crate) fn is_worth_it(head: &SegmentHead, entries: usize, changes: usize) -> bool {
        let overlaid = head.overlaid + changes as u64;
        head.parts < PARTS_MAX && overlaid * SHARE <= entries as u64
    }

    /// Of the entries that a segment has now, those that changed, and the keys of those that it had before and has no more. All ascend.
    pub(crate) fn of<'e>(
        head: &SegmentHead,
        entries: impl Iterator<Item = (&'e Entry, bool)>,
        gone: Vec<KeyBytes>,
    ) -> Self {
        let mut overlay = Self { segment: head.id, parts: head.parts, rest: (0, 0, None), changed: Vec::new(), gone };
        let mut ends: Option<(&KeyBytes, &KeyBytes)> = None;
        for (entry, has_changed) in entries {
            if has_changed {
                overlay.changed.push(entry.clone());
                continue;
            }
            overlay.rest.0 += 1;
            overlay.rest.1 += u64::from(entry.present);
            ends = Some((ends.map_or(&entry.key, |(first, _)| first), &entry.key));
        }
        overlay.rest.2 = ends.map(|(first, last)| (first.clone(), last.clone()));
        overlay
    }

    /// Entries that changed, came or went.
    pub(crate) fn len(&self) -> usize {
        self.changed.len() + self.gone.len()
    }

    /// What is stored of it, given what became of its entries: some became something else than was foreseen, and some went.
    pub(crate) fn pack(&self, corrections: &Corrections, deleted: &BTreeSet<&KeyBytes>) -> Option<SegmentOverlay> {
        let gone =
            self.gone.iter().chain(self.changed.iter().map(|entry| &entry.key).filter(|key| deleted.contains(key)));
        let mut changes: Vec<Change> = gone.cloned().map(Change::Gone).collect();
        let (mut rows, mut present, mut ends) = self.rest.clone();
        for entry in self.changed.iter().filter(|entry| !deleted.contains(&entry.key)) {
            let mut entry = entry.clone();
            if let Some((outcome, is_present)) = corrections.get(&entry.key) {
                (entry.outcome, entry.present) = (*outcome, *is_present);
            }
            rows += 1;
            present += u64::from(entry.present);
            let (first, last) = ends.unwrap_or_else(|| (entry.key.clone(), entry.key.clone()));
            ends = Some((first.min(entry.key.clone()), last.max(entry.key.clone())));
            changes.push(Change::Put(entry));
        }
        changes.sort_by(|a, b| a.key().cmp(b.key()));
        let (first, last) = ends?;
        let put = SegmentPut { first, last, rows, present, part: segment::pack_changes(&changes) };
        Some(SegmentOverlay { id: self.segment, parts: self.parts, entries: changes.len() as u64, put })
    }
}
