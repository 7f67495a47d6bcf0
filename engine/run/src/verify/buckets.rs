//! Digests of rows, in any order, by what their keys hash to.

/// Rows of a bucket, about: few, so that a row that differs makes few others to be looked at, and enough that all buckets fit in memory.
const ROWS_EACH: u64 = 4;

/// Buckets that there are at most: 32 MB.
const MOST: u64 = 1 << 22;

/// Sums of digests. What one side holds is taken from what the other does: where both are the same, nothing is left.
#[derive(Debug, Clone)]
pub(super) struct Buckets {
    sums: Vec<u64>,
}

/// The buckets in which something is left.
pub(super) struct Open {
    open: Vec<bool>,
    /// How many.
    pub(super) count: usize,
}

impl Buckets {
    /// For about so many rows.
    pub(super) fn for_rows(rows: u64) -> Self {
        let count = (rows / ROWS_EACH).clamp(64, MOST).next_power_of_two();
        Self { sums: vec![0; usize::try_from(count).unwrap_or(64)] }
    }

    pub(super) fn count(&self) -> usize {
        self.sums.len()
    }

    pub(super) fn add(&mut self, key: u64, row: u64) {
        let at = place(key, self.sums.len());
        self.sums[at] = self.sums[at].wrapping_add(row);
    }

    /// Where the other side does not hold the same.
    pub(super) fn without(&self, other: &Self) -> Open {
        let open: Vec<bool> = self.sums.iter().zip(&other.sums).map(|(one, other)| one != other).collect();
        let count = open.iter().filter(|open| **open).count();
        Open { open, count }
    }
}

impl Open {
    /// The same in so many parts.
    pub(super) fn cut(&self, parts: usize) -> Vec<Self> {
        let each = self.count.div_ceil(parts.max(1)).max(1);
        let mut cut: Vec<Self> = Vec::new();
        for at in (0..self.open.len()).filter(|at| self.open[*at]) {
            if cut.last().is_none_or(|part| part.count == each) {
                cut.push(Self { open: vec![false; self.open.len()], count: 0 });
            }
            if let Some(part) = cut.last_mut() {
                part.open[at] = true;
                part.count += 1;
            }
        }
        cut
    }

    pub(super) fn holds(&self, key: u64) -> bool {
        self.open[place(key, self.open.len())]
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
    fn there_are_never_none_and_never_too_many() {
        let counts = [0, 1, 10_000, 1_000_000, u64::MAX].map(|rows| Buckets::for_rows(rows).count());
        assert_eq!(counts, [64, 64, 4_096, 262_144, 1 << 22]);
    }
}
