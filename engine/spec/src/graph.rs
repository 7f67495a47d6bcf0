//! The way from a project to its graph.
//!
//! Who waits for whom stands in the specs. So the graph needs no database, no catalog and no function, and can be drawn where none can be
//! reached. Problems of the specs are reported as `compile` reports them; a graph with a part missing would be a wrong one, so there is none.

use transload_model::{Because, Code, Dependency, Diagnostic, EntityGraph, EntityName, GraphEntity, Waits};

use crate::Project;
use crate::checks::ENTITY_CHECKS;
use crate::compile::{Entities, specs};
use crate::decode::Spec;
use crate::problems::{Located, Problems};

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
    let (specs, outlines) = specs(project, &mut problems);
    let entities = Entities::new(&specs, &outlines);
    for check in ENTITY_CHECKS {
        check(&entities, &mut problems);
    }
    let graph = if problems.has_errors() { None } else { build(&entities, &mut problems) };
    Graphed { graph, diagnostics: problems.finish() }
}

fn build(entities: &Entities<'_>, problems: &mut Problems) -> Option<EntityGraph> {
    let active = || entities.specs.iter().filter(|spec| spec.is_active);
    let nodes = active().map(node).collect();
    let edges = active().flat_map(dependencies).collect();
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

/// What the spec's lines say about whom it waits for, the entity itself among them.
fn dependencies(spec: &Spec) -> Vec<Dependency> {
    let mut found = Vec::new();
    for field in &spec.fields {
        if let Some(reference) = &field.reference {
            found.push(dependency(spec, &reference.entity, Waits::References(field.destination.value.clone())));
        }
    }
    for name in &spec.depends_on {
        found.push(dependency(spec, name, Waits::DependsOn));
    }
    found
}

fn dependency(spec: &Spec, parent: &Located<EntityName>, word: Waits) -> Dependency {
    let (line, _) = parent.place.file.position(parent.place.span.start);
    let because = Because { path: parent.place.file.path.clone(), line, word };
    Dependency { child: spec.entity.value.clone(), parent: parent.value.clone(), because }
}
