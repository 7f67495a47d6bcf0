//! How lines run between two columns of text.
//!
//! A line leaves its parent's row, turns into a track, and turns again into its child's row. All lines of one parent share a track, a trunk, as
//! far as that cannot mislead; lines into one child meet in its row. A reader goes along lines from left to right, up and down, and never
//! back, and must come to exactly the children that wait. So of the lines into one child one is the main line, and the others join it further
//! right, each from a track of its own. Where a reader on the main line could stray into a joining one and go on from there, the joining
//! line ends in an arrow.

use std::collections::BTreeMap;

/// A line between two columns, by its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Line {
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// A vertical line in a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trunk {
    /// The row it comes from.
    pub(crate) from: usize,
    /// The rows it goes to, ascending; none of them is `from`.
    pub(crate) to: Vec<usize>,
    /// Its track, from the left.
    pub(crate) track: usize,
    /// How it meets the rows it goes to.
    pub(crate) end: End,
}

/// How a trunk meets the rows it goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It is the main line of each.
    Main,
    /// It joins the main line.
    Joins,
    /// It joins the main line, with an arrow.
    Arrow,
}

/// All lines between two columns.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    pub(crate) trunks: Vec<Trunk>,
    /// Rows in which a line goes straight on.
    pub(crate) straight: Vec<usize>,
    /// How many tracks the trunks need.
    pub(crate) tracks: usize,
}

impl Trunk {
    fn first(&self) -> usize {
        self.to.iter().copied().chain([self.from]).min().unwrap_or(self.from)
    }

    fn last(&self) -> usize {
        self.to.iter().copied().chain([self.from]).max().unwrap_or(self.from)
    }

    /// Whether the row is inside of it and no line of its own.
    fn passes(&self, row: usize) -> bool {
        self.first() < row && row < self.last() && row != self.from && !self.to.contains(&row)
    }

    /// Whether the two cannot be in one track: they would touch. Two that join one line from above and from below may.
    fn touches(&self, other: &Self) -> bool {
        let is_near = self.first() <= other.last() + 1 && other.first() <= self.last() + 1;
        let is_below = |trunk: &Self| trunk.to.iter().all(|row| *row < trunk.from);
        is_near && !(self.to == other.to && is_below(self) != is_below(other))
    }

    /// How many lines cross where this one is left of the other: what leaves it to the right, and what comes to the other from the left.
    fn crossings(&self, right: &Self) -> usize {
        self.to.iter().filter(|row| right.passes(**row)).count() + usize::from(self.passes(right.from))
    }
}

impl Channel {
    /// Routes lines.
    pub(crate) fn new(lines: &[Line]) -> Self {
        let main = main_lines(lines);
        let straight: Vec<usize> = lines.iter().filter(|line| line.from == line.to).map(|line| line.from).collect();
        let mut mains: BTreeMap<usize, Trunk> = BTreeMap::new();
        let mut joins = Vec::new();
        for line in lines.iter().filter(|line| line.from != line.to) {
            let trunk = |end| Trunk { from: line.from, to: Vec::new(), track: 0, end };
            if main.get(&line.to) == Some(line) {
                mains.entry(line.from).or_insert_with(|| trunk(End::Main)).to.push(line.to);
            } else {
                joins.push(Trunk { to: vec![line.to], ..trunk(End::Joins) });
            }
        }
        let mut trunks: Vec<Trunk> = mains.into_values().collect();
        let main_tracks = place(&mut trunks, 0);
        // A line joins right of where the main line came in.
        let tracks = place(&mut joins, main_tracks);
        trunks.extend(joins);
        let mut channel = Self { trunks, straight, tracks };
        channel.mark_arrows();
        channel
    }

    /// A joining trunk is a dead end for whoever comes along the main line, unless a line goes on to the right where the trunk begins.
    fn mark_arrows(&mut self) {
        let goes_on =
            |row: usize, track: usize| self.trunks.iter().any(|other| other.from == row && other.track > track);
        let is_open = |trunk: &Trunk| self.straight.contains(&trunk.from) || goes_on(trunk.from, trunk.track);
        let open: Vec<bool> = self.trunks.iter().map(|trunk| trunk.end == End::Joins && is_open(trunk)).collect();
        for (trunk, is_open) in self.trunks.iter_mut().zip(open) {
            if is_open {
                trunk.end = End::Arrow;
            }
        }
    }
}

/// The main line into each row: the straight one; else one whose parent has more lines; else the nearest.
fn main_lines(lines: &[Line]) -> BTreeMap<usize, Line> {
    let leaving = |row: usize| lines.iter().filter(|line| line.from == row).count();
    let rank = |line: &Line| {
        (line.from != line.to, std::cmp::Reverse(leaving(line.from)), line.from.abs_diff(line.to), line.from)
    };
    let mut main: BTreeMap<usize, Line> = BTreeMap::new();
    for line in lines {
        let best = main.entry(line.to).or_insert(*line);
        if rank(line) < rank(best) {
            *best = *line;
        }
    }
    main
}

/// Gives trunks their tracks, beginning with `first`, so that few lines cross; says how many tracks are used then.
fn place(trunks: &mut [Trunk], first: usize) -> usize {
    for _ in 0..trunks.len() {
        let mut is_settled = true;
        for at in 1..trunks.len() {
            if trunks[at].crossings(&trunks[at - 1]) < trunks[at - 1].crossings(&trunks[at]) {
                trunks.swap(at - 1, at);
                is_settled = false;
            }
        }
        if is_settled {
            break;
        }
    }
    for at in 0..trunks.len() {
        let (placed, rest) = trunks.split_at_mut(at);
        let Some(trunk) = rest.first_mut() else { break };
        let near = placed.iter().filter(|other| other.touches(trunk)).map(|other| other.track + 1);
        trunk.track = near.max().unwrap_or(first);
    }
    trunks.iter().map(|trunk| trunk.track + 1).max().unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routed(lines: &[(usize, usize)]) -> Vec<(usize, Vec<usize>, usize, End)> {
        let lines: Vec<Line> = lines.iter().map(|(from, to)| Line { from: *from, to: *to }).collect();
        Channel::new(&lines).trunks.into_iter().map(|trunk| (trunk.from, trunk.to, trunk.track, trunk.end)).collect()
    }

    #[test]
    fn lines_of_one_parent_share_a_trunk_and_lines_side_by_side_do_not_cross() {
        assert_eq!(routed(&[(0, 0)]), []);
        assert_eq!(routed(&[(0, 0), (0, 1), (0, 2)]), [(0, vec![1, 2], 0, End::Main)]);
        // Downwards, the lower parent's trunk is left of the upper one's.
        assert_eq!(routed(&[(0, 2), (1, 3)]), [(1, vec![3], 0, End::Main), (0, vec![2], 1, End::Main)]);
        // Far enough apart, two share a track.
        assert_eq!(routed(&[(0, 1), (3, 4)]), [(0, vec![1], 0, End::Main), (3, vec![4], 0, End::Main)]);
    }

    #[test]
    fn what_joins_a_line_ends_in_an_arrow_where_its_parent_has_more() {
        assert_eq!(routed(&[(0, 0), (1, 0)]), [(1, vec![0], 0, End::Joins)]);
        assert_eq!(routed(&[(0, 0), (1, 1), (1, 0)]), [(1, vec![0], 0, End::Arrow)]);
    }
}
