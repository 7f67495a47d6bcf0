//! In which row each slot stands: so that lines are straight where they can be.
//!
//! A row is shared by two slots in neighbouring columns only where a line may lead straight from one to the other. That keeps a line that
//! leaves a slot from running into one that arrives beside it, which in text could not be told apart.

use crate::layout::{Holds, Skeleton};

/// Rounds of forth and back. More changes little.
const ROUNDS: usize = 6;

/// How much a lane that stays straight counts, where it competes with entities.
const LANE_WEIGHT: usize = 8;

/// The row of each slot, without rows that nothing stands in. `order` has the slots of each column from the top.
pub(crate) fn assigned(part: &Skeleton, order: &[Vec<usize>]) -> Vec<usize> {
    let mut best: Option<(usize, Vec<usize>)> = None;
    for crowd in [Crowd::Below, Crowd::Around] {
        let mut rows = Rows::new(part, order, crowd);
        for _ in 0..ROUNDS {
            rows.sweep(order);
            let compact = compact(&rows.of);
            let cost = cost(part, &compact);
            if best.as_ref().is_none_or(|(lowest, _)| cost < *lowest) {
                best = Some((cost, compact));
            }
        }
    }
    best.map(|(_, rows)| rows).unwrap_or_default()
}

/// How far lines go up and down, and how high the picture is.
fn cost(part: &Skeleton, rows: &[usize]) -> usize {
    let bends: usize = part.links.iter().map(|(from, to)| 2 * rows[*from].abs_diff(rows[*to])).sum();
    bends + rows.iter().max().map_or(0, |last| last + 1)
}

/// Where slots stand of which several want the same row. Small graphs look better with the one, large ones with the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crowd {
    /// The first one there, the others below.
    Below,
    /// All of them around it.
    Around,
}

/// Which neighbours decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

struct Rows {
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
    is_lane: Vec<bool>,
    crowd: Crowd,
    of: Vec<usize>,
}

impl Rows {
    /// Each slot in the row of its place in its column.
    fn new(part: &Skeleton, order: &[Vec<usize>], crowd: Crowd) -> Self {
        let mut of = vec![0; part.slots.len()];
        for column in order {
            column.iter().enumerate().for_each(|(place, slot)| of[*slot] = place);
        }
        let is_lane = part.slots.iter().map(|(_, holds)| matches!(holds, Holds::Lane(_))).collect();
        Self { before: part.before(), after: part.after(), is_lane, crowd, of }
    }

    /// Goes from the last column to the first and back. The way back decides, because it sees what stands in the column before.
    fn sweep(&mut self, order: &[Vec<usize>]) {
        for at in (0..order.len()).rev() {
            self.place(&order[at], order.get(at + 1), Side::After);
        }
        for at in 0..order.len() {
            let beside = at.checked_sub(1).map(|left| &order[left]);
            self.place(&order[at], beside, Side::Before);
        }
    }

    /// Puts the slots of a column as near as can be to their neighbours `beside` it, in their order.
    fn place(&mut self, column: &[usize], beside: Option<&Vec<usize>>, side: Side) {
        let wanted = |slot: &usize| {
            let near = match side {
                Side::Before => &self.before[*slot],
                Side::After => &self.after[*slot],
            };
            // What has no neighbour there stays where the sweep before put it.
            let row = if near.is_empty() { self.of[*slot] } else { self.middle(near) };
            (row, if self.is_lane[*slot] { LANE_WEIGHT } else { 1 })
        };
        let wanted: Vec<(usize, usize)> = column.iter().map(wanted).collect();
        let wanted: Vec<usize> = match self.crowd {
            Crowd::Below => wanted.into_iter().map(|(row, _)| row).collect(),
            Crowd::Around => ascending(&wanted),
        };
        let mut next = 0;
        for (slot, wanted) in column.iter().zip(wanted) {
            let mut row = wanted.max(next);
            while beside.is_some_and(|beside| self.is_taken(*slot, row, beside, side)) {
                row += 1;
            }
            self.of[*slot] = row;
            next = row + 1;
        }
    }

    /// The middle one of the rows of some slots.
    fn middle(&self, slots: &[usize]) -> usize {
        let mut rows: Vec<usize> = slots.iter().map(|slot| self.of[*slot]).collect();
        rows.sort_unstable();
        rows[(rows.len() - 1) / 2]
    }

    /// Whether a slot beside stands in that row, and no straight line may join the two.
    fn is_taken(&self, slot: usize, row: usize, beside: &[usize], side: Side) -> bool {
        let mut there = beside.iter().copied().filter(|other| self.of[*other] == row);
        there.any(|other| match side {
            Side::Before => !self.may_share(other, slot),
            Side::After => !self.may_share(slot, other),
        })
    }

    /// Whether two slots of neighbouring columns may stand in one row: nothing leaves the left one, or a line leads from it to the right
    /// one, and not both of them have others.
    fn may_share(&self, left: usize, right: usize) -> bool {
        let (leaving, arriving) = (&self.after[left], &self.before[right]);
        leaving.is_empty() || (leaving.contains(&right) && (leaving.len() == 1 || arriving.len() == 1))
    }
}

/// Rows that ascend and are as near as can be to those wanted, each by its weight: where several want the same, they stand around it, and not
/// all below it.
fn ascending(wanted: &[(usize, usize)]) -> Vec<usize> {
    // Runs of slots that stand one below the other: how many, their weight, and the weighted sum of what each wants for the first of them.
    let mut runs: Vec<(usize, usize, usize)> = Vec::new();
    for (at, (row, weight)) in wanted.iter().enumerate() {
        let (mut count, mut weight, mut sum) = (1, *weight, row.saturating_sub(at) * weight);
        while let Some((above, above_weight, above_sum)) = runs.last().copied()
            && above_sum * weight > sum * above_weight
        {
            (count, weight, sum) = (count + above, weight + above_weight, sum + above_sum);
            runs.pop();
        }
        runs.push((count, weight, sum));
    }
    let firsts = runs.iter().flat_map(|(count, weight, sum)| std::iter::repeat_n(sum / weight, *count));
    firsts.enumerate().map(|(at, first)| first + at).collect()
}

/// The same rows, without those between them that nothing stands in.
fn compact(rows: &[usize]) -> Vec<usize> {
    let mut used: Vec<usize> = rows.to_vec();
    used.sort_unstable();
    used.dedup();
    rows.iter().map(|row| used.partition_point(|other| other < row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_that_want_one_row_stand_around_it() {
        let of = |rows: &[usize]| ascending(&rows.iter().map(|row| (*row, 1)).collect::<Vec<_>>());
        assert!(of(&[]).is_empty());
        assert_eq!(of(&[0, 3, 9]), [0, 3, 9]);
        assert_eq!(of(&[5, 5, 5]), [4, 5, 6]);
        assert_eq!(of(&[0, 0, 0]), [0, 1, 2]);
        assert_eq!(of(&[7, 2, 20]), [4, 5, 20]);
        assert_eq!(ascending(&[(5, 1), (5, 8), (5, 1)]), [4, 5, 6]);
        assert_eq!(ascending(&[(5, 8), (5, 1), (5, 1)]), [4, 5, 6]);
    }

    #[test]
    fn rows_that_nothing_stands_in_are_left_out() {
        assert_eq!(compact(&[7, 2, 2, 9]), [1, 0, 0, 2]);
    }
}
