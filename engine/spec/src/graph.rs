//! The way from a project to its graph.
//!
//! Who waits for whom stands in the specs, and in the destination's foreign keys as far as `transload.lock` knows them. So the graph needs no
//! database and no function, and can be drawn where none can be reached. Problems of the specs are reported as `compile` reports them; a graph with a part missing would be a wrong one, so there is none.

use transload_model::{Because, Code, Dependency, Diagnostic, EntityGraph, GraphEntity, Waits};

use crate::Project;
use crate::checks::ENTITY_CHECKS;
use crate::compile::{Entities, locked, settle, specs};
use crate::decode::Spec;
use crate::order::Order;
use crate::problems::{Place, Problems};

/// What became of a project's graph.
#[derive(Debug)]
pub struct Graphed {
    /// The graph; there is one exactly where no diagnostic is an error.
    pub graph: Option<EntityGraph>,
    /// Everything that is wrong with the specs as far as the graph is concerned, by file and place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Tells who waits for whom among the active specs of a project.
pub fn graph(project: &Project) -> Graphed {
    let mut problems = Problems::default();
    let (mut specs, outlines) = specs(project, &mut problems);
    let catalogs = locked(project).ok();
    if let Some(catalogs) = catalogs {
        // What is wrong with a star is not the graph's business.
        settle(project, &mut specs, catalogs, project.lock.as_ref(), &mut Problems::default());
    }
    let entities = Entities::new(&specs, &outlines);
    for check in ENTITY_CHECKS {
        check(&entities, &mut problems);
    }
    let order = Order::of(&entities, catalogs.and_then(|catalogs| catalogs.get(project.destination())));
    order.report(&mut problems);
    let graph = if problems.has_errors() { None } else { build(&entities, &order, &mut problems) };
    Graphed { graph, diagnostics: problems.finish() }
}

fn build(entities: &Entities<'_>, order: &Order<'_>, problems: &mut Problems) -> Option<EntityGraph> {
    let active = || entities.specs.iter().enumerate().filter(|(_, spec)| spec.is_active);
    let nodes = active().map(|(_, spec)| node(spec)).collect();
    let edges = active().flat_map(|(index, spec)| dependencies(entities, order, (index, spec))).collect();
    match EntityGraph::new(nodes, edges) {
        Ok(graph) => Some(graph),
        Err(error) => {
            // The checks rule this out; should one have a hole, the user is told and nothing is drawn.
            let headline = format!("the graph does not hold together: {error}");
            problems.push(Diagnostic::new(Code::Cycle, headline));
            None
        }
    }
}

fn node(spec: &Spec) -> GraphEntity {
    GraphEntity {
        name: spec.entity.value.clone(),
        spec_path: spec.file.path.clone(),
        source_table: spec.source_table.value.clone(),
        destination_table: spec.destination_table.value.clone(),
    }
}

/// What the spec's lines say about whom it waits for, the entity itself among them, and what its table says.
fn dependencies(entities: &Entities<'_>, order: &Order<'_>, (index, spec): (usize, &Spec)) -> Vec<Dependency> {
    let mut found = Vec::new();
    for field in &spec.fields {
        let reference = field.reference.as_ref().filter(|reference| reference.entity.value == spec.entity.value);
        if let Some(reference) = reference {
            let word = Waits::References(field.destination.value.clone());
            let because = because(&reference.entity.place, word);
            let name = spec.entity.value.clone();
            found.push(Dependency { child: name.clone(), parent: name, because, is_deferred: false });
        }
    }
    for wait in order.waits(index) {
        let Some(parent) = entities.specs.get(wait.parent) else { continue };
        found.push(Dependency {
            child: spec.entity.value.clone(),
            parent: parent.entity.value.clone(),
            because: because(wait.place, wait.word.clone()),
            is_deferred: wait.is_deferred,
        });
    }
    found
}

fn because(place: &Place, word: Waits) -> Because {
    let (line, _) = place.file.position(place.span.start);
    Because { path: place.file.path.clone(), line, word }
}
