//! What a picture says in words.

use transload_model::{Because, Edge, EntityGraph};

/// Why an edge is there, each reason with its place: `doctors.office_id references offices (specs/doctors.yaml:18)`.
pub(crate) fn reasons(graph: &EntityGraph, edge: &Edge) -> String {
    let (child, parent) = (&graph.entities()[edge.child].name, &graph.entities()[edge.parent].name);
    let reason = |because: &Because| format!("{} ({})", because.clause(child, parent), because.place());
    edge.because.iter().map(reason).collect::<Vec<_>>().join("; ")
}

/// What makes an edge, in a word or two: `office_id`, or `office_id +1` where there is one more reason.
pub(crate) fn label(edge: &Edge) -> String {
    let more = edge.because.len().saturating_sub(1);
    let first = edge.because.first().map_or("", Because::label);
    if more == 0 { first.to_owned() } else { format!("{first} +{more}") }
}

/// A sentence about an entity: when it can start, for whom it waits and by which line, and who waits for it.
#[must_use]
pub fn sentence(graph: &EntityGraph, entity: usize) -> String {
    let parents = graph.waiting().filter(|edge| edge.child == entity);
    let parents: Vec<String> = parents.map(|edge| format!("{} ({})", name(graph, edge.parent), first(edge))).collect();
    let children: Vec<&str> =
        graph.waiting().filter(|edge| edge.parent == entity).map(|edge| name(graph, edge.child)).collect();
    let own = graph
        .own_edge(entity)
        .map(|edge| format!(", and refers to itself ({}), which is filled when all its rows are in", first(edge)));
    let verb = if children.len() == 1 { "waits" } else { "wait" };
    let after = if children.is_empty() {
        "nothing waits for it".to_owned()
    } else {
        format!("{} {verb} for it", enumeration(&children))
    };
    format!("{}{}; {after}.", starts(graph, entity, &parents), own.unwrap_or_default())
}

/// For whom an entity waits, without reasons.
pub(crate) fn waiting_sentence(graph: &EntityGraph, entity: usize) -> String {
    let parents: Vec<String> =
        graph.waiting().filter(|edge| edge.child == entity).map(|edge| name(graph, edge.parent).to_owned()).collect();
    let own = if graph.own_edge(entity).is_some() { " and refers to itself" } else { "" };
    format!("{}{own}.", starts(graph, entity, &parents))
}

fn starts(graph: &EntityGraph, entity: usize, parents: &[String]) -> String {
    let name = name(graph, entity);
    if parents.is_empty() {
        return format!("{name} waits for nothing");
    }
    let parents: Vec<&str> = parents.iter().map(String::as_str).collect();
    format!("{name} waits for {}", enumeration(&parents))
}

/// The first reason, as `office_id, specs/doctors.yaml:18`, and how many more there are.
fn first(edge: &Edge) -> String {
    let more = edge.because.len().saturating_sub(1);
    let Some(first) = edge.because.first() else { return String::new() };
    let told = format!("{}, {}", first.label(), first.place());
    if more == 0 { told } else { format!("{told}, and {more} more") }
}

fn name(graph: &EntityGraph, entity: usize) -> &str {
    graph.entities()[entity].name.as_str()
}

/// `a`, `a and b`, `a, b and c`.
fn enumeration(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
