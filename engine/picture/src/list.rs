//! The graph as a list by waves, where there is no room for a picture.

use transload_model::EntityGraph;
use unicode_width::UnicodeWidthStr;

use crate::text::{Characters, heading};

/// A line for each entity, by its label, with those that it waits for; what is longer than `width` goes on in the next line.
pub(crate) fn listed(graph: &EntityGraph, labels: &[String], characters: Characters, width: usize) -> Vec<String> {
    let arrow = if characters == Characters::Unicode { "←" } else { "<-" };
    let indent = heading(graph.waves().len().saturating_sub(1)).width() + 2;
    let label_width = labels.iter().map(|label| label.width()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for (wave, entities) in graph.waves().iter().enumerate() {
        for (at, entity) in entities.iter().enumerate() {
            let head = if at == 0 { heading(wave) } else { String::new() };
            let parents = graph.waiting().filter(|edge| edge.child == *entity);
            let parents: Vec<&str> = parents.map(|edge| graph.entities()[edge.parent].name.as_str()).collect();
            let mut line = format!("{head:<indent$}{}", labels[*entity]);
            if !parents.is_empty() {
                let blanks = " ".repeat(label_width - labels[*entity].width());
                line.push_str(&format!("{blanks} {arrow} "));
            }
            lines.extend(wrapped(line, &parents, width));
        }
    }
    lines
}

/// A line and the words behind it, in as many lines as needed, each beginning below the first word.
fn wrapped(head: String, words: &[&str], width: usize) -> Vec<String> {
    let indent = head.width();
    let mut lines = Vec::new();
    let mut line = head;
    for (at, word) in words.iter().enumerate() {
        let comma = if at + 1 < words.len() { "," } else { "" };
        let is_first = line.width() <= indent;
        let gap = if is_first { "" } else { " " };
        if !is_first && line.width() + gap.len() + word.width() + comma.len() > width {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            line.push_str(&format!("{word}{comma}"));
        } else {
            line.push_str(&format!("{gap}{word}{comma}"));
        }
    }
    lines.push(line);
    lines
}
