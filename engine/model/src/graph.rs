//! The order of entities.
//!
//! An entity waits for the entities it references and for those it names in `depends_on`. What can run side by side is a wave.

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// Entities by index, in waves: every edge leads to an earlier wave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waves(pub Vec<Vec<usize>>);

/// Entities that wait for one another, each for the next, the last for the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle(pub Vec<usize>);

/// Orders `count` entities; an edge `(child, parent)` says that `child` waits for `parent`.
///
/// # Errors
/// Every cycle, each as a walk along its edges.
pub fn waves(count: usize, edges: &[(usize, usize)]) -> Result<Waves, Vec<Cycle>> {
    let mut graph = DiGraph::<(), ()>::new();
    let nodes: Vec<NodeIndex> = (0..count).map(|_| graph.add_node(())).collect();
    for (child, parent) in edges {
        graph.update_edge(nodes[*child], nodes[*parent], ());
    }
    let components = kosaraju_scc(&graph);
    let mut cycles: Vec<Cycle> = components
        .iter()
        .filter(|component| component.len() > 1 || graph.contains_edge(component[0], component[0]))
        .map(|component| walk(&graph, component))
        .collect();
    if !cycles.is_empty() {
        cycles.sort_by(|a, b| a.0.cmp(&b.0));
        return Err(cycles);
    }
    let mut depth = vec![0; count];
    // Without cycles each component is one entity, and they come in an order in which parents are first.
    for entity in components.into_iter().flatten() {
        let parents = graph.neighbors(entity).map(|parent| depth[parent.index()] + 1);
        depth[entity.index()] = parents.max().unwrap_or(0);
    }
    let deepest = depth.iter().max().map_or(0, |deepest| deepest + 1);
    let mut waves = vec![Vec::new(); deepest];
    for (entity, level) in depth.into_iter().enumerate() {
        waves[level].push(entity);
    }
    Ok(Waves(waves))
}

/// Entities that wait for one another whatever is left open: each group in ascending order, and one of a single entity where it waits for none
/// that waits for it.
#[must_use]
pub fn circles(count: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut graph = DiGraph::<(), ()>::new();
    let nodes: Vec<NodeIndex> = (0..count).map(|_| graph.add_node(())).collect();
    for (child, parent) in edges {
        graph.update_edge(nodes[*child], nodes[*parent], ());
    }
    let ascending = |component: Vec<NodeIndex>| {
        let mut circle: Vec<usize> = component.into_iter().map(NodeIndex::index).collect();
        circle.sort_unstable();
        circle
    };
    let mut circles: Vec<Vec<usize>> = kosaraju_scc(&graph).into_iter().map(ascending).collect();
    circles.sort();
    circles
}

/// A shortest way around inside one strongly connected component, from its lowest entity.
fn walk(graph: &DiGraph<(), ()>, component: &[NodeIndex]) -> Cycle {
    let start = component.iter().min().copied().unwrap_or(component[0]);
    let mut came_from = vec![None; graph.node_count()];
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        let mut next: Vec<NodeIndex> = graph.neighbors(node).filter(|n| component.contains(n)).collect();
        next.sort();
        for neighbor in next {
            if neighbor == start {
                let mut path = vec![node.index()];
                let mut at = node;
                while let Some(previous) = came_from[at.index()] {
                    at = previous;
                    path.push(at.index());
                }
                path.reverse();
                return Cycle(path);
            }
            if came_from[neighbor.index()].is_none() {
                came_from[neighbor.index()] = Some(node);
                queue.push_back(neighbor);
            }
        }
    }
    Cycle(vec![start.index()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_in_earlier_waves() {
        // 0 offices, 1 doctors, 2 patients, 3 orders, 4 jaw
        let edges = [(1, 0), (2, 1), (3, 2), (3, 4), (2, 0)];
        assert_eq!(waves(5, &edges).unwrap(), Waves(vec![vec![0, 4], vec![1], vec![2], vec![3]]));
        assert_eq!(waves(0, &[]).unwrap(), Waves(vec![]));
    }

    #[test]
    fn entities_that_wait_for_one_another_are_one_circle() {
        assert_eq!(circles(5, &[(0, 1), (1, 2), (2, 0), (3, 0)]), [vec![0, 1, 2], vec![3], vec![4]]);
    }

    #[test]
    fn a_cycle_is_shown_whole() {
        assert_eq!(waves(4, &[(0, 1), (1, 2), (2, 0), (3, 0)]).unwrap_err(), [Cycle(vec![0, 1, 2])]);
        assert_eq!(waves(2, &[(1, 1)]).unwrap_err(), [Cycle(vec![1])]);
        let two = waves(4, &[(0, 1), (1, 0), (2, 3), (3, 2)]).unwrap_err();
        assert_eq!(two, [Cycle(vec![0, 1]), Cycle(vec![2, 3])]);
    }
}
