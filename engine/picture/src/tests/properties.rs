//! What holds for the pictures of all graphs.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use transload_model::EntityGraph;

use super::given::graph;
use crate::{Characters, Holds, Layout, text};

/// Up to `most` entities and any edges between them that make no cycle, in any order.
fn graphs(most: usize, edges: usize) -> impl Strategy<Value = (Vec<String>, Vec<String>)> {
    let pairs = prop::collection::vec((0..most, 0..most), 0..edges);
    (1..=most, pairs).prop_flat_map(|(count, pairs)| {
        let names: Vec<String> = (0..count).map(|at| format!("e{at:02}")).collect();
        // Which entity waits follows from the name, in an order that is not that of the names.
        let rank = |at: usize| (at * 7 + 3) % 41;
        let edge = |(at, (a, b)): (usize, &(usize, usize))| {
            let (a, b) = (a % count, b % count);
            let (child, parent) = if rank(a) > rank(b) { (a, b) } else { (b, a) };
            format!("{} field_{at} {}", names[child], names[parent])
        };
        let edges: Vec<String> = pairs.iter().enumerate().map(edge).collect();
        (Just(names).prop_shuffle(), Just(edges))
    })
}

fn built((names, edges): &(Vec<String>, Vec<String>)) -> EntityGraph {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let edges: Vec<&str> = edges.iter().map(String::as_str).collect();
    graph(&names, &edges)
}

proptest! {
    #[test]
    fn no_two_slots_overlap_and_every_edge_goes_from_left_to_right(given in graphs(40, 90)) {
        let graph = built(&given);

        let layout = Layout::of(&graph);

        let places: BTreeSet<(usize, usize)> = layout.slots().iter().map(|slot| (slot.column, slot.row)).collect();
        prop_assert_eq!(places.len(), layout.slots().len());
        for (wave, entities) in graph.waves().iter().enumerate() {
            for entity in entities {
                let slot = layout.slots().iter().find(|slot| slot.holds == Holds::Entity(*entity));
                prop_assert_eq!(slot.map(|slot| slot.column), Some(wave));
            }
        }
        for (from, to) in layout.links() {
            prop_assert_eq!(layout.slots()[*from].column + 1, layout.slots()[*to].column);
        }
        for edge in graph.waiting() {
            let path = layout.path(edge.parent, edge.child);
            prop_assert!(path.len() >= 2);
            prop_assert!(path.windows(2).all(|pair| layout.links().contains(&(pair[0], pair[1]))));
            prop_assert_eq!(layout.slots()[path[0]].holds, Holds::Entity(edge.parent));
            prop_assert_eq!(layout.slots()[path[path.len() - 1]].holds, Holds::Entity(edge.child));
        }
    }

    #[test]
    fn the_order_in_which_a_graph_is_given_changes_nothing((given, seed) in (graphs(20, 40), any::<u64>())) {
        let graph = built(&given);
        let (mut sorted, mut edges) = given;
        sorted.sort();
        let turn = usize::try_from(seed % 41).unwrap() % edges.len().max(1);
        edges.rotate_left(turn);
        let turned = built(&(sorted, edges));

        prop_assert_eq!(Layout::of(&graph), Layout::of(&turned));
        prop_assert_eq!(text(&graph, Characters::Unicode, usize::MAX), text(&turned, Characters::Unicode, usize::MAX));
    }

    #[test]
    fn whoever_follows_the_lines_of_a_text_finds_the_edges_and_no_others(given in graphs(24, 60)) {
        let graph = built(&given);
        let name = |index: usize| graph.entities()[index].name.to_string();
        let mut expected: BTreeSet<(String, String)> = BTreeSet::new();
        expected.extend(graph.waiting().map(|edge| (name(edge.parent), name(edge.child))));

        let lines = text(&graph, Characters::Unicode, usize::MAX);

        prop_assert_eq!(followed(&lines), expected, "\n{}", lines.join("\n"));
    }
}

/// Where a reader is and which way the next step goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Right,
    Up,
    Down,
    /// Onto a line, out of an arrow.
    Onto,
}

/// All pairs of names that lines lead from and to. A reader goes right, up and down, and never back.
fn followed(lines: &[String]) -> BTreeSet<(String, String)> {
    let cells: BTreeMap<(usize, usize), char> = lines
        .iter()
        .enumerate()
        .skip(1)
        .flat_map(|(row, line)| line.chars().enumerate().map(move |(column, cell)| ((row, column), cell)))
        .collect();
    let is_name = |at: &(usize, usize)| cells.get(at).is_some_and(char::is_ascii_alphanumeric);
    let name = |(row, column): (usize, usize)| -> String {
        (column..column + 3).map(|column| cells[&(row, column)]).collect()
    };
    let starts = cells
        .keys()
        .filter(|(row, column)| is_name(&(*row, *column)) && (*column == 0 || !is_name(&(*row, *column - 1))));
    let mut found = BTreeSet::new();
    for (row, column) in starts {
        let mut behind = column + 4;
        // A loop behind a name is no line.
        if cells.get(&(*row, behind)) == Some(&'↺') {
            behind += 2;
        }
        if cells.get(&(*row, behind)).is_none_or(|cell| *cell == ' ') {
            continue;
        }
        for child in children(&cells, (*row, behind)) {
            found.insert((name((*row, *column)), name(child)));
        }
    }
    found
}

/// Where the arrows are that a line from a cell comes to.
fn children(cells: &BTreeMap<(usize, usize), char>, start: (usize, usize)) -> Vec<(usize, usize)> {
    let mut open = vec![(start, Step::Right)];
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    while let Some((at, step)) = open.pop() {
        if !seen.insert((at, step)) {
            continue;
        }
        let cell = cells.get(&at).copied().unwrap_or(' ');
        if cell == '▶' {
            assert_eq!(step, Step::Right, "an arrow that is not at the end of its line");
            found.push((at.0, at.1 + 2));
            continue;
        }
        for next in steps(cell, step).iter().copied() {
            let to = match (cell, next) {
                (_, Step::Right) => (at.0, at.1 + 1),
                (_, Step::Up) | ('▲', Step::Onto) => (at.0 - 1, at.1),
                (_, Step::Down | Step::Onto) => (at.0 + 1, at.1),
            };
            open.push((to, next));
        }
    }
    found
}

fn steps(cell: char, came: Step) -> &'static [Step] {
    use Step::{Down, Onto, Right, Up};
    match (came, cell) {
        (Right, '─' | '│') => &[Right],
        (Right, '╮') => &[Down],
        (Right, '╯') => &[Up],
        (Right, '┬') => &[Right, Down],
        (Right, '┴') => &[Right, Up],
        (Right, '┤') => &[Up, Down],
        (Right, '┼') => &[Right, Up, Down],
        (Down, '│') | (Down, '┤') => &[Down],
        (Down, '├' | '┼') => &[Down, Right],
        (Down, '╰' | '┴') => &[Right],
        (Up, '│') | (Up, '┤') => &[Up],
        (Up, '├' | '┼') => &[Up, Right],
        (Up, '╭' | '┬') => &[Right],
        (Down, '▼') | (Up, '▲') => &[Onto],
        (Onto, '─' | '┬' | '┴' | '┼' | '├' | '╰' | '╭') => &[Right],
        // Back to where another line comes from.
        (Down, '╯') | (Up, '╮') => &[],
        _ => panic!("no line leads {came:?} into {cell:?}"),
    }
}
