//! Where each entity stands: the one layout of all pictures.
//!
//! Waves are columns. What leads over a column goes through a lane there, a slot of its own that all edges of one parent share, so that no
//! line runs behind an entity. What does not hang together is laid out apart and stands one below the other, entities without any edge
//! last. The same graph always gives the same layout.

use std::collections::BTreeMap;

use transload_model::EntityGraph;

use crate::order::ordered;
use crate::rows::assigned;

/// Slots in columns and rows, and what leads from one to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    slots: Vec<Slot>,
    /// Pairs of slots, the second in the column after the first's; sorted.
    links: Vec<(usize, usize)>,
    columns: usize,
    rows: usize,
}

/// A place in the picture. No two are in the same column and row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Its column, from the left.
    pub column: usize,
    /// Its row, from the top.
    pub row: usize,
    /// What is there.
    pub holds: Holds,
}

/// What is in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holds {
    /// The entity of that index.
    Entity(usize),
    /// Lines that come from the entity of that index and go on.
    Lane(usize),
}

impl Layout {
    /// Lays a graph out.
    #[must_use]
    pub fn of(graph: &EntityGraph) -> Self {
        let edges: Vec<(usize, usize)> = graph.waiting().map(|edge| (edge.parent, edge.child)).collect();
        Self::new(graph.waves(), &edges)
    }

    /// Lays out entities that stand in `columns`; an edge `(parent, child)` leads from one column to a later one.
    pub(crate) fn new(columns: &[Vec<usize>], edges: &[(usize, usize)]) -> Self {
        let mut layout = Self { slots: Vec::new(), links: Vec::new(), columns: columns.len(), rows: 0 };
        for part in parts(columns, edges) {
            layout.add(&Skeleton::new(&part, edges));
        }
        layout.links.sort_unstable();
        layout
    }

    /// Lays out a part that hangs together, below all that is there.
    fn add(&mut self, part: &Skeleton) {
        let order = ordered(part);
        let rows = assigned(part, &order);
        let (first_slot, first_row) = (self.slots.len(), self.rows);
        for (slot, (column, holds)) in part.slots.iter().enumerate() {
            self.slots.push(Slot { column: *column, row: first_row + rows[slot], holds: *holds });
        }
        self.links.extend(part.links.iter().map(|(from, to)| (first_slot + from, first_slot + to)));
        self.rows = first_row + rows.iter().max().map_or(0, |last| last + 1);
    }

    /// All slots.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Pairs of indexes of slots: a line leads from the first to the second, which is in the next column.
    #[must_use]
    pub fn links(&self) -> &[(usize, usize)] {
        &self.links
    }

    /// How many columns there are.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The slots that the edge from `parent` to `child` goes through, both of theirs among them; empty where there is no such edge.
    #[must_use]
    pub fn path(&self, parent: usize, child: usize) -> Vec<usize> {
        let find = |holds: Holds| self.slots.iter().position(|slot| slot.holds == holds);
        let (Some(mut at), Some(end)) = (find(Holds::Entity(parent)), find(Holds::Entity(child))) else {
            return Vec::new();
        };
        let mut path = vec![at];
        while self.links.binary_search(&(at, end)).is_err() {
            let is_lane = |to: &usize| self.slots[*to].holds == Holds::Lane(parent);
            let Some(lane) = self.after(at).map(|(_, to)| *to).find(is_lane) else {
                return Vec::new();
            };
            path.push(lane);
            at = lane;
        }
        path.push(end);
        path
    }

    /// The links from a slot.
    fn after(&self, slot: usize) -> impl Iterator<Item = &(usize, usize)> {
        let first = self.links.partition_point(|(from, _)| *from < slot);
        self.links[first..].iter().take_while(move |(from, _)| *from == slot)
    }
}

/// A part of a graph that hangs together, before anything has a place: slots with their columns, and links between neighbouring columns.
#[derive(Debug)]
pub(crate) struct Skeleton {
    pub(crate) slots: Vec<(usize, Holds)>,
    pub(crate) links: Vec<(usize, usize)>,
    pub(crate) columns: usize,
}

impl Skeleton {
    /// `columns` of the part's entities; of `edges` those between them count.
    fn new(columns: &[Vec<usize>], edges: &[(usize, usize)]) -> Self {
        let mut index: BTreeMap<(usize, Holds), usize> = BTreeMap::new();
        let mut slots = Vec::new();
        let mut slot = |column: usize, holds: Holds| {
            *index.entry((column, holds)).or_insert_with(|| {
                slots.push((column, holds));
                slots.len() - 1
            })
        };
        let mut column_of = BTreeMap::new();
        for (column, entities) in columns.iter().enumerate() {
            for entity in entities {
                slot(column, Holds::Entity(*entity));
                column_of.insert(*entity, column);
            }
        }
        let mut links = Vec::new();
        for (parent, child) in edges {
            let (Some(start), Some(end)) = (column_of.get(parent), column_of.get(child)) else { continue };
            let mut from = slot(*start, Holds::Entity(*parent));
            for column in start + 1..*end {
                let lane = slot(column, Holds::Lane(*parent));
                links.push((from, lane));
                from = lane;
            }
            links.push((from, slot(*end, Holds::Entity(*child))));
        }
        links.sort_unstable();
        links.dedup();
        Self { slots, links, columns: columns.len() }
    }

    /// The slots that lines come from, for each slot.
    pub(crate) fn before(&self) -> Vec<Vec<usize>> {
        self.neighbors(|(from, to)| (to, from))
    }

    /// The slots that lines go to, for each slot.
    pub(crate) fn after(&self) -> Vec<Vec<usize>> {
        self.neighbors(|link| link)
    }

    fn neighbors(&self, turned: fn((usize, usize)) -> (usize, usize)) -> Vec<Vec<usize>> {
        let mut neighbors = vec![Vec::new(); self.slots.len()];
        for link in &self.links {
            let (of, neighbor) = turned(*link);
            neighbors[of].push(neighbor);
        }
        neighbors
    }
}

/// The parts of a graph that hang together, each with as many columns as the whole: by their first entity, those of one entity last.
fn parts(columns: &[Vec<usize>], edges: &[(usize, usize)]) -> Vec<Vec<Vec<usize>>> {
    let count = columns.iter().flatten().max().map_or(0, |last| last + 1);
    let mut part: Vec<usize> = (0..count).collect();
    // The lowest index spreads along the edges, by one edge in a round at the least.
    for _ in 0..count {
        let before = part.clone();
        for (parent, child) in edges {
            let lowest = part[*parent].min(part[*child]);
            part[*parent] = lowest;
            part[*child] = lowest;
        }
        if before == part {
            break;
        }
    }
    let mut sizes = vec![0_usize; count];
    columns.iter().flatten().for_each(|entity| sizes[part[*entity]] += 1);
    let mut firsts: Vec<usize> = (0..count).filter(|first| sizes[*first] > 0).collect();
    firsts.sort_by_key(|first| (sizes[*first] == 1, *first));
    let of = |first: &usize| {
        let own = |column: &Vec<usize>| column.iter().copied().filter(|entity| part[*entity] == *first).collect();
        columns.iter().map(own).collect()
    };
    firsts.iter().map(of).collect()
}
