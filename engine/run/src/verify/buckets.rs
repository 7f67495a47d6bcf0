//! Digests of rows, in any order, by what their keys hash to.

use std::ops::Range;
use std::sync::Arc;

/// Rows of a bucket, about: few, so that a row that differs makes few others to be looked at, and enough that all buckets fit in memory.
const ROWS_EACH: u64 = 4;

/// Buckets that there are at most: 32 MB.
const MOST: u64 = 1 << 22;

/// Sums of digests. What one side holds is taken from what the other does: where both are the same, nothing is left.
#[derive(Debug, Clone)]
pub(super) struct Buckets {
    sums: Vec<u64>,
}

/// Buckets in which something is left.
#[derive(Clone)]
pub(super) struct Open {
    open: Arc<[bool]>,
    /// Where they are among all.
    part: Range<usize>,
    /// How many there are in all, open or not.
    pub(super) of: usize,
    /// How many.
    pub(super) count: usize,
}

impl Buckets {
    /// For about so many rows.
    pub(super) fn for_rows(rows: u64) -> Self {
        let count = (rows / ROWS_EACH).clamp(64, MOST).next_power_of_two();
        Self { sums: vec![0; usize::try_from(count).unwrap_or(64)] }
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.sums.len()
    }

    pub(super) fn add(&mut self, key: u64, row: u64) {
        let at = place(key, self.sums.len());
        self.sums[at] = self.sums[at].wrapping_add(row);
    }

    /// Where the other side does not hold the same.
    pub(super) fn without(&self, other: &Self) -> Open {
        let open: Arc<[bool]> = self.sums.iter().zip(&other.sums).map(|(one, other)| one != other).collect();
        let count = open.iter().filter(|open| **open).count();
        Open { part: 0..open.len(), of: open.len(), open, count }
    }
}

impl Open {
    /// The same in about so many parts.
    pub(super) fn cut(&self, parts: usize) -> Vec<Self> {
        let each = self.count.div_ceil(parts.max(1)).max(1);
        let (mut cut, mut from, mut count) = (Vec::new(), self.part.start, 0);
        for at in self.part.clone().filter(|at| self.open[*at]) {
            count += 1;
            if count == each {
                cut.push(Self { part: from..at + 1, count, ..self.clone() });
                (from, count) = (at + 1, 0);
            }
        }
        if count > 0 {
            cut.push(Self { part: from..self.part.end, count, ..self.clone() });
        }
        cut
    }

    pub(super) fn holds(&self, key: u64) -> bool {
        let place = place(key, self.open.len());
        self.part.contains(&place) && self.open[place]
    }
}

/// The number of buckets is a power of two.
fn place(key: u64, count: usize) -> usize {
    usize::try_from(key & (count as u64 - 1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_same_rows_in_any_order_leave_nothing(mut rows in prop::collection::vec(any::<(u64, u64)>(), 0..200), seed: u64) {
            let mut one = Buckets::for_rows(rows.len() as u64);
            let mut other = one.clone();
            rows.iter().for_each(|(key, row)| one.add(*key, *row));
            rows.sort_by_key(|(key, row)| key.rotate_left(17) ^ row.wrapping_mul(seed | 1));
            rows.iter().for_each(|(key, row)| other.add(*key, *row));
            prop_assert_eq!(one.without(&other).count, 0);
        }

        #[test]
        fn one_row_more_opens_its_bucket(rows in prop::collection::vec(any::<(u64, u64)>(), 1..200), at: prop::sample::Index) {
            let mut one = Buckets::for_rows(rows.len() as u64);
            let mut other = one.clone();
            let at = at.index(rows.len());
            for (number, (key, row)) in rows.iter().enumerate() {
                one.add(*key, *row | 1);
                if number != at {
                    other.add(*key, *row | 1);
                }
            }
            let open = one.without(&other);
            prop_assert_eq!(open.count, 1);
            prop_assert!(open.holds(rows[at].0));
        }
    }

    #[test]
    fn parts_hold_each_open_bucket_once() {
        let empty = Buckets::for_rows(1_000);
        let mut full = empty.clone();
        (0..40).for_each(|key| full.add(key * 5, 1));
        for parts in [1, 3, 7, 40, 100] {
            let open = full.without(&empty);
            let cut = open.cut(parts);
            assert_eq!(cut.iter().map(|part| part.count).sum::<usize>(), 40);
            for key in 0..256 {
                let holding = cut.iter().filter(|part| part.holds(key)).count();
                assert_eq!(holding, usize::from(open.holds(key)), "{parts} {key}");
            }
        }
    }

    #[test]
    fn there_are_never_none_and_never_too_many() {
        let counts = [0, 1, 10_000, 1_000_000, u64::MAX].map(|rows| Buckets::for_rows(rows).count());
        assert_eq!(counts, [64, 64, 4_096, 262_144, 1 << 22]);
    }
}
