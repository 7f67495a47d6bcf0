//! The graph as a Mermaid flowchart, for READMEs and summaries of builds.

use std::fmt::Write;

use transload_model::{Edge, EntityGraph, Waits};

use crate::words::{label, reasons};

/// A flowchart from parents to those that wait for them. A dotted edge comes from `depends_on`.
#[must_use]
pub fn mermaid(graph: &EntityGraph) -> String {
    let mut out = String::from("flowchart LR\n");
    for entity in graph.entities() {
        let name = entity.name.as_str();
        let _ = writeln!(out, "    {}[\"{}\"]", id(name), quoted(name));
    }
    for edge in graph.edges() {
        edge_lines(&mut out, graph, edge);
    }
    out
}

fn edge_lines(out: &mut String, graph: &EntityGraph, edge: &Edge) {
    let [child, parent] = [edge.child, edge.parent].map(|entity| id(graph.entities()[entity].name.as_str()));
    let is_dotted = edge.is_deferred || edge.because.iter().all(|because| because.word == Waits::DependsOn);
    let arrow = if is_dotted { "-.->" } else { "-->" };
    // Braces would make Mermaid take a comment for a directive.
    let why = reasons(graph, edge).replace('{', "(").replace('}', ")").replace(char::is_control, "\u{fffd}");
    let _ = writeln!(out, "    %% {why}");
    let _ = writeln!(out, "    {parent} {arrow}|\"{}\"| {child}", quoted(&label(edge)));
}

/// A word that Mermaid takes for nothing else: `end` and `class` mean something there, and so do some hyphens.
fn id(name: &str) -> String {
    if name.contains('-') { format!("h_{}", name.replace('_', "_u").replace('-', "_h")) } else { format!("e_{name}") }
}

/// Text between quotes: what has a meaning to Mermaid or to a browser is written as its number.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '"' | '#' | '%' | '&' | '<' | '>' | '`' | '\\' | '|' | '{' | '}' | ';' => {
                let _ = write!(out, "#{};", u32::from(character));
            }
            character if character.is_control() => out.push('\u{fffd}'),
            character => out.push(character),
        }
    }
    out
}
