//! `graph`: which entity waits for which, and which line of a spec or foreign key makes it wait.

use serde_json::{Value, json};
use transload_model::{Because, Edge, EntityGraph, Exit, Waits};
use transload_picture as picture;
use transload_spec::{Graphed, Project};

use crate::cli::args::{Format, Graph};
use crate::cli::failure::Failure;
use crate::cli::render::{Screen, answer_width, pretty};
use crate::cli::summary::table;
use crate::cli::text::counted;
use crate::cli::wiring::{self, Chosen};

/// Edges that are listed without `--edges`, where there are more than one beyond them.
const LISTED: usize = 5;

pub(crate) fn run(chosen: &Chosen, asked: &Graph, screen: &Screen) -> Result<Exit, Failure> {
    let project = wiring::project(chosen)?;
    let Graphed { graph, diagnostics } = transload_spec::graph(&project);
    let Some(graph) = graph else {
        return Err(Failure(diagnostics));
    };
    diagnostics.iter().for_each(|warning| screen.problem(warning));
    match screen.format {
        Format::Json => screen.answer(&pretty(&document(&graph, &project))),
        Format::Mermaid => screen.answer(picture::mermaid(&graph).trim_end()),
        Format::Dot => screen.answer(picture::dot(&graph, project.name()).trim_end()),
        Format::Svg => {
            let title = format!("The entities of {}", project.name());
            screen.answer(picture::svg(&graph, &title).trim_end());
        }
        _ => screen.say(&text(&graph, asked, screen)),
    }
    Ok(Exit::Done)
}

fn text(graph: &EntityGraph, asked: &Graph, screen: &Screen) -> String {
    if graph.entities().is_empty() {
        return "no spec is active, so there is nothing to order".to_owned();
    }
    let mut parts = vec![picture::text(graph, screen.characters(), answer_width()).join("\n"), counts(graph, screen)];
    if !graph.edges().is_empty() {
        parts.push(edges(graph, asked.edges, screen));
    }
    if asked.explain {
        let in_order = graph.waves().iter().flatten();
        parts.push(in_order.map(|entity| picture::sentence(graph, *entity)).collect::<Vec<_>>().join("\n"));
    }
    parts.join("\n\n")
}

fn counts(graph: &EntityGraph, screen: &Screen) -> String {
    let signs = screen.signs();
    let own = graph.edges().iter().filter(|edge| edge.is_own()).count();
    let later = graph.edges().len() - own - graph.waiting().count();
    let widest = graph.waves().iter().map(Vec::len).max().unwrap_or(0);
    let mut parts =
        vec![counted(graph.entities().len(), "entity", "entities"), counted(graph.waiting().count(), "edge", "edges")];
    if later > 0 {
        parts.push(counted(later, "edge filled last", "edges filled last"));
    }
    if own > 0 {
        parts.push(counted(own, "reference of an entity to itself", "references of entities to themselves"));
    }
    parts.push(format!("widest wave {widest}"));
    let counts = parts.join(&format!(" {} ", signs.dot));
    let path = graph.critical_path();
    if path.len() < 2 {
        return counts;
    }
    let names: Vec<&str> = path.iter().map(|entity| name(graph, *entity)).collect();
    format!("{counts}\ncritical path: {}", names.join(&format!(" {} ", signs.arrow)))
}

/// The edges as a table: the first few with their first lines, or all with all.
fn edges(graph: &EntityGraph, all: bool, screen: &Screen) -> String {
    let signs = screen.signs();
    let count = graph.edges().len();
    let shown = if all || count <= LISTED + 1 { count } else { LISTED };
    let width = graph.edges().iter().take(shown).map(|edge| name(graph, edge.child).len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for edge in graph.edges().iter().take(shown) {
        let reasons = if all { edge.because.as_slice() } else { edge.because.get(..1).unwrap_or_default() };
        for (at, because) in reasons.iter().enumerate() {
            let (child, parent) = (name(graph, edge.child), name(graph, edge.parent));
            let pair = if at == 0 { format!("{child:<width$} {} {parent}", signs.arrow) } else { String::new() };
            lines.push(vec![pair, clause(graph, edge, because), place(because, edge.because.len() - reasons.len())]);
        }
    }
    let mut text = table(&["edge", "because", "written at"], lines, 3);
    let left = count - shown;
    if left > 0 {
        text.push_str(&format!("\n{} {left} more (--edges)", signs.more));
    }
    text
}

fn clause(graph: &EntityGraph, edge: &Edge, because: &Because) -> String {
    let clause = because.clause(&graph.entities()[edge.child].name, &graph.entities()[edge.parent].name);
    if edge.is_deferred { format!("{clause}, and is filled last") } else { clause }
}

fn place(because: &Because, more: usize) -> String {
    if more == 0 { because.place() } else { format!("{} and {more} more", because.place()) }
}

fn name(graph: &EntityGraph, entity: usize) -> &str {
    graph.entities()[entity].name.as_str()
}

fn document(graph: &EntityGraph, project: &Project) -> Value {
    let names = |entities: &[usize]| entities.iter().map(|entity| name(graph, *entity)).collect::<Vec<_>>();
    let mut wave_of = vec![0; graph.entities().len()];
    for (wave, entities) in graph.waves().iter().enumerate() {
        entities.iter().for_each(|entity| wave_of[*entity] = wave + 1);
    }
    let entity = |(at, entity): (usize, &transload_model::GraphEntity)| {
        json!({
            "entity_type": entity.name,
            "wave": wave_of[at],
            "spec": entity.spec_path,
            "source_table": entity.source_table,
            "destination_table": entity.destination_table,
        })
    };
    let edge = |edge: &Edge| {
        json!({
            "child": name(graph, edge.child),
            "parent": name(graph, edge.parent),
            "filled_last": edge.is_deferred,
            "because": edge.because.iter().map(reason).collect::<Vec<_>>(),
        })
    };
    json!({
        "schema": "transload.graph/1",
        "project": project.name(),
        "entities": graph.entities().iter().enumerate().map(entity).collect::<Vec<_>>(),
        "edges": graph.edges().iter().map(edge).collect::<Vec<_>>(),
        "waves": graph.waves().iter().map(|wave| names(wave)).collect::<Vec<_>>(),
        "critical_path": names(&graph.critical_path()),
    })
}

fn reason(because: &Because) -> Value {
    let (word, field) = match &because.word {
        Waits::References(field) => ("references", Some(field)),
        Waits::DependsOn => ("depends_on", None),
        Waits::ForeignKey(columns) => ("foreign_key", columns.first()),
    };
    json!({ "by": word, "field": field, "path": because.path, "line": because.line })
}
