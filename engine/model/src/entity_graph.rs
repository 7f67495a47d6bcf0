//! Who waits for whom, and why.
//!
//! The graph of a project as people and programs look at it: each edge knows the lines that made it. It comes from the specs, and from what is
//! known of the destination's tables, so it can be had without a database. Everything in it is sorted, whatever order it was given in.

use std::collections::BTreeMap;

use crate::{ColumnName, EntityName, PlanError, TableName, Waves, waves};

/// The entities of a project and what they wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityGraph {
    entities: Vec<GraphEntity>,
    edges: Vec<Edge>,
    waves: Waves,
}

/// An entity of a graph.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GraphEntity {
    /// Its name.
    pub name: EntityName,
    /// Its spec's path, as the user would type it.
    pub spec_path: String,
    /// Where rows come from.
    pub source_table: TableName,
    /// Where they go.
    pub destination_table: TableName,
}

/// One entity waits for another, or refers to itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The index of the entity that waits.
    pub child: usize,
    /// The index of the entity that comes first.
    pub parent: usize,
    /// What makes it wait, the first line first; at least one.
    pub because: Vec<Because>,
    /// Whether it does not wait after all: the columns are left NULL, and filled when the parent is loaded.
    pub is_deferred: bool,
}

/// A line of a spec that makes an entity wait, or that a foreign key of its column is behind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Because {
    /// The file, as the user would type it.
    pub path: String,
    /// The line, from one.
    pub line: usize,
    /// What it says.
    pub word: Waits,
}

/// What makes an entity wait.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waits {
    /// The field of that destination column `references` the parent.
    References(ColumnName),
    /// `depends_on` names the parent.
    DependsOn,
    /// The destination table's foreign key of these columns leads to the parent's table.
    ForeignKey(Vec<ColumnName>),
}

/// What a graph is made of: that `child` waits for `parent`.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// Who waits.
    pub child: EntityName,
    /// For whom; the same entity where rows refer to rows of their own kind.
    pub parent: EntityName,
    /// Why.
    pub because: Because,
    /// Whether it is filled later instead of being waited for.
    pub is_deferred: bool,
}

impl EntityGraph {
    /// Sorts what it is given and orders the entities in waves. References of an entity to itself make no wave.
    ///
    /// # Errors
    /// Where entities wait for one another, or for one that is not there.
    pub fn new(mut entities: Vec<GraphEntity>, dependencies: Vec<Dependency>) -> Result<Self, PlanError> {
        entities.sort();
        let index: BTreeMap<&EntityName, usize> =
            entities.iter().enumerate().map(|(at, entity)| (&entity.name, at)).collect();
        let mut reasons: BTreeMap<(usize, usize), (Vec<Because>, bool)> = BTreeMap::new();
        for Dependency { child, parent, because, is_deferred } in dependencies {
            let (Some(child), Some(parent)) = (index.get(&child), index.get(&parent)) else {
                return Err(PlanError::Dangling(child));
            };
            let (reasons, are_deferred) = reasons.entry((*child, *parent)).or_insert((Vec::new(), true));
            reasons.push(because);
            *are_deferred &= is_deferred;
        }
        let waits = |((child, parent), (_, is_deferred)): (&(usize, usize), &(Vec<Because>, bool))| {
            (child != parent && !is_deferred).then_some((*child, *parent))
        };
        let others: Vec<(usize, usize)> = reasons.iter().filter_map(waits).collect();
        let waves = waves(entities.len(), &others).map_err(|_| PlanError::Cycle)?;
        let edge = |((child, parent), (mut because, is_deferred)): ((usize, usize), (Vec<Because>, bool))| {
            because.sort();
            because.dedup();
            Edge { child, parent, because, is_deferred }
        };
        Ok(Self { edges: reasons.into_iter().map(edge).collect(), entities, waves })
    }

    /// The entities, by name.
    #[must_use]
    pub fn entities(&self) -> &[GraphEntity] {
        &self.entities
    }

    /// All edges, by the names of child and parent; those of an entity to itself too.
    #[must_use]
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Edges between two entities that make one wait for the other.
    pub fn waiting(&self) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(|edge| !edge.is_own() && !edge.is_deferred)
    }

    /// Indexes of entities, parents in earlier waves.
    #[must_use]
    pub fn waves(&self) -> &[Vec<usize>] {
        &self.waves.0
    }

    /// The edge of an entity to itself.
    #[must_use]
    pub fn own_edge(&self, entity: usize) -> Option<&Edge> {
        self.edges.iter().find(|edge| edge.is_own() && edge.child == entity)
    }

    /// One of the longest chains in which each entity waits for the one before: of several the first by name, from its end on.
    #[must_use]
    pub fn critical_path(&self) -> Vec<usize> {
        let mut path = Vec::new();
        for wave in self.waves().iter().rev() {
            let waits = |parent: &usize| match path.last() {
                Some(child) => self.waiting().any(|edge| edge.child == *child && edge.parent == *parent),
                None => true,
            };
            // A parent in the wave before is what put the child in its own.
            let Some(parent) = wave.iter().copied().find(waits) else { break };
            path.push(parent);
        }
        path.reverse();
        path
    }
}

impl Edge {
    /// Whether rows refer to rows of their own kind.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.child == self.parent
    }
}

impl Because {
    /// Where it is written, as `specs/doctors.yaml:18`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{}", self.path, self.line)
    }

    /// What it says of a child and a parent, as `doctors.office_id references offices`.
    #[must_use]
    pub fn clause(&self, child: &EntityName, parent: &EntityName) -> String {
        match &self.word {
            Waits::References(field) => format!("{child}.{field} references {parent}"),
            Waits::DependsOn => format!("{child} depends_on {parent}"),
            Waits::ForeignKey(columns) => {
                let columns: Vec<&str> = columns.iter().map(ColumnName::as_str).collect();
                format!("{child}.{} has a foreign key to {parent}", columns.join(", "))
            }
        }
    }

    /// What makes it wait, as a word: the field, or `depends_on`.
    #[must_use]
    pub fn label(&self) -> &str {
        match &self.word {
            Waits::References(field) => field.as_str(),
            Waits::DependsOn => "depends_on",
            Waits::ForeignKey(columns) => columns.first().map_or("foreign key", ColumnName::as_str),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(name: &str) -> GraphEntity {
        let table = TableName::parse(name).unwrap();
        GraphEntity {
            name: EntityName::parse(name).unwrap(),
            spec_path: format!("specs/{name}.yaml"),
            source_table: table.clone(),
            destination_table: table,
        }
    }

    fn dependency(child: &str, parent: &str, line: usize, field: Option<&str>) -> Dependency {
        let word = field.map_or(Waits::DependsOn, |field| Waits::References(ColumnName::parse(field).unwrap()));
        Dependency {
            child: EntityName::parse(child).unwrap(),
            parent: EntityName::parse(parent).unwrap(),
            because: Because { path: format!("specs/{child}.yaml"), line, word },
            is_deferred: false,
        }
    }

    #[test]
    fn the_order_in_which_it_is_given_changes_nothing() {
        let entities = ["orders", "doctors", "offices"].map(entity).to_vec();
        let dependencies = vec![
            dependency("orders", "doctors", 9, Some("doctor_id")),
            dependency("orders", "doctors", 4, None),
            dependency("orders", "doctors", 12, Some("second_doctor_id")),
            dependency("orders", "doctors", 4, None),
            dependency("doctors", "offices", 7, Some("office_id")),
            dependency("offices", "offices", 5, Some("parent_id")),
        ];
        let backwards = |list: &[Dependency]| list.iter().rev().cloned().collect::<Vec<_>>();

        let graph = EntityGraph::new(entities.clone(), dependencies.clone()).unwrap();
        let turned = EntityGraph::new(entities.into_iter().rev().collect(), backwards(&dependencies)).unwrap();

        assert_eq!(graph, turned);
        assert_eq!(graph.waves(), [vec![1], vec![0], vec![2]], "by name: doctors, offices, orders");
        let orders = &graph.edges()[2];
        let clauses = orders.because.iter().map(|because| (because.line, because.label()));
        assert_eq!(clauses.collect::<Vec<_>>(), [(4, "depends_on"), (9, "doctor_id"), (12, "second_doctor_id")]);
        assert!(graph.own_edge(1).is_some() && graph.own_edge(0).is_none());
        assert_eq!(graph.waiting().count(), 2);
        assert_eq!(graph.critical_path(), [1, 0, 2]);
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let entities = ["a", "b"].map(entity).to_vec();
        let around = vec![dependency("a", "b", 1, None), dependency("b", "a", 1, None)];
        assert_eq!(EntityGraph::new(entities.clone(), around), Err(PlanError::Cycle));
        let nowhere = vec![dependency("a", "c", 1, None)];
        assert!(matches!(EntityGraph::new(entities, nowhere), Err(PlanError::Dangling(_))));
        let empty = EntityGraph::new(Vec::new(), Vec::new()).unwrap();
        assert!(empty.waves().is_empty() && empty.critical_path().is_empty());
    }
}
