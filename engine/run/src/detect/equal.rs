//! Segments that need not be read: the source's own server says that their rows are as they were.
//!
//! One query asks for a digest of each segment. Where it is what the ledger holds, the segment is done; the others are read row by row. A
//! digest is kept by the first run that read all rows of a segment and found them unchanged, so the second run after a load pays for the
//! query and the third has the gain.

use std::collections::{BTreeMap, BTreeSet};

use transload_model::{KeyBytes, KeyRange, RangeDigest, Result, SegmentHead};

use super::{HashMerge, Policy};
use crate::reading::Reading;

/// Rows below which reading them is as cheap as asking.
const WORTH_ASKING: u64 = 20_000;

/// What the server said of an entity's segments, or of those of a key range.
#[derive(Default)]
pub(crate) struct Equal {
    asked: BTreeMap<i64, RangeDigest>,
    equal: BTreeSet<i64>,
    /// Where each of `equal` begins, and the next segment does.
    spans: Vec<(KeyBytes, Option<KeyBytes>)>,
}

impl Equal {
    /// Asks the server, where that is worth it.
    pub(crate) async fn find(
        reading: &mut Reading,
        heads: &[SegmentHead],
        (range, policy, is_resumed): (&KeyRange, Policy, bool),
    ) -> Result<Self> {
        let rows: u64 = heads.iter().map(|head| head.rows).sum();
        if is_resumed || policy.remap || policy.incomparable || rows < WORTH_ASKING {
            return Ok(Self::default());
        }
        let bounds = heads.iter().map(|head| head.first.clone()).collect();
        let digests = reading.digests(range.clone(), bounds).await?;
        Ok(digests.map_or_else(Self::default, |digests| Self::compare(heads, digests, range)))
    }

    /// Compares what the server says, for each segment from its first key on up to the next, with what the ledger holds.
    pub(super) fn compare(heads: &[SegmentHead], digests: Vec<RangeDigest>, range: &KeyRange) -> Self {
        let mut equal = Self::default();
        let ends = heads.iter().skip(1).map(|head| Some(head.first.clone())).chain([range.to.clone()]);
        for ((head, asked), end) in heads.iter().zip(digests).zip(ends) {
            // A digest was only kept where every row was loaded, and the segment has not been written since.
            if asked.rows == head.rows && head.server_digest.as_ref() == Some(&asked.digest) {
                equal.equal.insert(head.id);
                equal.spans.push((head.first.clone(), end));
            }
            equal.asked.insert(head.id, asked);
        }
        equal
    }

    /// Tells the merge, and gives the ranges that are left to read.
    pub(crate) fn tell(self, merge: &mut HashMerge, range: KeyRange) -> Vec<KeyRange> {
        let mut ranges = Vec::new();
        let mut from = range.from;
        let mut reaches_end = false;
        for (first, end) in self.spans {
            if from.as_ref() != Some(&first) {
                ranges.push(KeyRange { from: from.take(), to: Some(first) });
            }
            reaches_end = end == range.to;
            from = end;
        }
        if !reaches_end {
            ranges.push(KeyRange { from, to: range.to });
        }
        merge.ask(self.asked, self.equal);
        ranges
    }
}
