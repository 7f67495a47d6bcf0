//! The graph in the language of Graphviz.

use std::fmt::Write;

use transload_model::{Edge, EntityGraph, Waits};

use crate::words::{label, reasons};

/// A directed graph of that name, from parents to those that wait for them, each wave on one rank. A dashed edge comes from `depends_on`.
#[must_use]
pub fn dot(graph: &EntityGraph, name: &str) -> String {
    let mut out = format!("digraph {} {{\n  rankdir=LR;\n  node [shape=box, style=rounded];\n", quoted(name));
    for wave in graph.waves() {
        let names: Vec<String> =
            wave.iter().map(|entity| quoted(graph.entities()[*entity].name.as_str()) + ";").collect();
        let _ = writeln!(out, "  {{ rank=same; {} }}", names.join(" "));
    }
    for edge in graph.edges() {
        edge_line(&mut out, graph, edge);
    }
    out.push_str("}\n");
    out
}

fn edge_line(out: &mut String, graph: &EntityGraph, edge: &Edge) {
    let [child, parent] = [edge.child, edge.parent].map(|entity| quoted(graph.entities()[entity].name.as_str()));
    let is_dashed = edge.is_deferred || edge.because.iter().all(|because| because.word == Waits::DependsOn);
    let style = if is_dashed { ", style=dashed" } else { "" };
    let (label, why) = (quoted(&label(edge)), quoted(&reasons(graph, edge)));
    let _ = writeln!(out, "  {parent} -> {child} [label={label}, tooltip={why}{style}];");
}

/// Text between quotes. A backslash would begin an escape in a label.
fn quoted(text: &str) -> String {
    let text = text.replace(char::is_control, "\u{fffd}").replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{text}\"")
}
