//! Which slot of a column is above which: so that few lines cross.
//!
//! Each column is sorted by where its neighbours in the column beside it stand on average, forth and back, and the best order seen is kept.
//! Finding the best there is would take too long, and this comes close.

use crate::layout::Skeleton;

/// Sweeps over all columns. More changes little.
const SWEEPS: usize = 12;

/// The slots of each column from the top.
pub(crate) fn ordered(part: &Skeleton) -> Vec<Vec<usize>> {
    let mut columns = vec![Vec::new(); part.columns];
    for (slot, (column, _)) in part.slots.iter().enumerate() {
        columns[*column].push(slot);
    }
    // Entities are sorted by name; lanes begin beside the entity they come from.
    columns.iter_mut().for_each(|column: &mut Vec<usize>| column.sort_by_key(|slot| part.slots[*slot].1));
    let (before, after) = (part.before(), part.after());
    let mut best = (crossings(part, &columns), columns.clone());
    for sweep in 0..SWEEPS {
        if best.0 == 0 {
            break;
        }
        let is_forth = sweep % 2 == 0;
        for step in 1..columns.len() {
            let at = if is_forth { step } else { columns.len() - 1 - step };
            sort(&mut columns, at, if is_forth { &before } else { &after });
        }
        let count = crossings(part, &columns);
        if count < best.0 {
            best = (count, columns.clone());
        }
    }
    best.1
}

/// Sorts a column by the average place of each slot's neighbours. One without neighbours stays at its place.
fn sort(columns: &mut [Vec<usize>], at: usize, neighbors: &[Vec<usize>]) {
    let places = places(columns, neighbors.len());
    let average = |slot: usize| {
        let near = &neighbors[slot];
        if near.is_empty() { (places[slot], 1) } else { (near.iter().map(|near| places[*near]).sum(), near.len()) }
    };
    columns[at].sort_by(|a, b| {
        let ((sum_a, count_a), (sum_b, count_b)) = (average(*a), average(*b));
        // As fractions, because two that are equal must be seen to be.
        (sum_a * count_b).cmp(&(sum_b * count_a))
    });
}

/// The place of each slot in its column.
fn places(columns: &[Vec<usize>], count: usize) -> Vec<usize> {
    let mut places = vec![0; count];
    for column in columns {
        for (place, slot) in column.iter().enumerate() {
            places[*slot] = place;
        }
    }
    places
}

/// How many pairs of links cross.
pub(crate) fn crossings(part: &Skeleton, columns: &[Vec<usize>]) -> usize {
    let places = places(columns, part.slots.len());
    let mut links: Vec<(usize, usize, usize)> =
        part.links.iter().map(|(from, to)| (part.slots[*from].0, places[*from], places[*to])).collect();
    links.sort_unstable();
    let mut count = 0;
    for (column, from) in columns.iter().enumerate().skip(1) {
        let channel = links.iter().filter(|(left, _, _)| left + 1 == column).map(|(_, _, to)| *to);
        count += inversions(channel, from.len());
    }
    count
}

/// Pairs of a later value that is less than an earlier one; all are less than `limit`.
fn inversions(values: impl Iterator<Item = usize>, limit: usize) -> usize {
    // Partial sums by the lowest set bit.
    let mut sums = vec![0_usize; limit + 1];
    let mut count = 0;
    for (seen, value) in values.enumerate() {
        let mut not_greater = 0;
        let mut at = value + 1;
        while at > 0 {
            not_greater += sums[at];
            at &= at - 1;
        }
        count += seen - not_greater;
        at = value + 1;
        while at <= limit {
            sums[at] += 1;
            at += at & at.wrapping_neg();
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inversions_are_counted_as_by_hand() {
        let of = |values: &[usize]| inversions(values.iter().copied(), 5);
        assert_eq!([of(&[]), of(&[0, 1, 2]), of(&[2, 1, 0]), of(&[1, 1, 0]), of(&[4, 0, 3, 3])], [0, 0, 3, 2, 3]);
    }
}
