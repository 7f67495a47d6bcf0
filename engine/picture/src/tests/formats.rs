//! What other programs read: it must be what they expect, whatever a column is called.

use std::collections::BTreeSet;

use super::given::{chinook, fifty, graph};
use crate::{dot, mermaid, svg};

/// Names that mean something to one program or another.
fn awkward() -> transload_model::EntityGraph {
    graph(
        &["end", "graph", "a-b", "a_b", "a--", "h_a_hb"],
        &[
            "graph a\"b end",
            "graph <b>&amp;</b> a-b",
            "graph x|y a_b",
            "a-b ]-->|\"z\"|q a_b",
            "a-- #quot; a_b",
            "h_a_hb c:\\new\\l a_b",
            "h_a_hb `é]] graph",
            "h_a_hb %%{init:{}}%% a--",
            "a_b - end",
            "end own end",
        ],
    )
}

/// A node or an edge of a flowchart.
fn mermaid_statement(line: &str) -> Vec<String> {
    let word = |text: &str| {
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && text.contains('_'), "{line}");
        text.to_owned()
    };
    let label = |text: &str| {
        assert!(!text.contains(['"', '|', '<', '>', '`', '\\', '{', '}', '%']), "{line}");
        // A number sign begins a number.
        for escape in text.split('#').skip(1) {
            let (number, _) = escape.split_once(';').unwrap();
            assert!(number.parse::<u32>().is_ok(), "{line}");
        }
    };
    if let Some((id, rest)) = line.split_once("[\"") {
        label(rest.strip_suffix("\"]").unwrap());
        return vec![word(id)];
    }
    let (parent, rest) = line.split_once(' ').unwrap();
    let rest = rest.strip_prefix("-->|\"").or_else(|| rest.strip_prefix("-.->|\"")).unwrap();
    let (text, child) = rest.rsplit_once("\"| ").unwrap();
    label(text);
    vec![word(parent), word(child)]
}

#[test]
fn mermaid_finds_every_node_that_an_edge_names() {
    for graph in [awkward(), chinook(), fifty()] {
        let text = mermaid(&graph);
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("flowchart LR"));
        let comments = text.lines().filter(|line| line.starts_with("    %% "));
        assert_eq!(comments.filter(|line| !line.contains(['{', '}'])).count(), graph.edges().len());
        let statements: Vec<Vec<String>> = lines
            .map(|line| line.strip_prefix("    ").unwrap())
            .filter(|line| !line.starts_with("%% "))
            .map(mermaid_statement)
            .collect();
        let (nodes, edges): (Vec<_>, Vec<_>) = statements.into_iter().partition(|words| words.len() == 1);
        let ids: BTreeSet<String> = nodes.concat().into_iter().collect();
        assert_eq!(ids.len(), graph.entities().len());
        assert_eq!(edges.len(), graph.edges().len());
        assert!(edges.concat().iter().all(|id| ids.contains(id)));
    }
}

/// The tokens of Graphviz's language: texts without their quotes and escapes, and what is between them.
fn dot_tokens(text: &str) -> (Vec<String>, String) {
    let (mut texts, mut between) = (Vec::new(), String::new());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '"' {
            between.push(character);
            continue;
        }
        let mut token = String::new();
        loop {
            match characters.next().expect("a quote that is not closed") {
                '"' => break,
                '\\' => {
                    let escaped = characters.next().unwrap();
                    assert!(escaped == '"' || escaped == '\\', "an escape with a meaning: {escaped:?}");
                    token.push(escaped);
                }
                other => token.push(other),
            }
        }
        texts.push(token);
        between.push('$');
    }
    (texts, between)
}

#[test]
fn graphviz_reads_names_as_they_are() {
    for graph in [awkward(), chinook(), fifty()] {
        let (texts, between) = dot_tokens(&dot(&graph, "the \"old\" \\ one"));
        assert_eq!(texts[0], "the \"old\" \\ one");
        let statement = |line: &&str| {
            ["  $ -> $ [label=$, tooltip=$];", "  $ -> $ [label=$, tooltip=$, style=dashed];"].contains(line)
        };
        assert_eq!(between.lines().filter(statement).count(), graph.edges().len(), "{between}");
        let others: BTreeSet<char> = between.lines().filter(|line| !statement(line)).flat_map(str::chars).collect();
        assert!(others.iter().all(|c| c.is_ascii_alphanumeric() || " ${}[]=;,".contains(*c)), "{others:?}");
        for edge in graph.edges() {
            let names = [edge.parent, edge.child].map(|entity| graph.entities()[entity].name.to_string());
            let label = edge.because[0].label();
            let is_it = |words: &[String]| words[..2] == names && words[2].starts_with(label);
            assert!(texts.windows(4).any(is_it), "{names:?} {label}");
        }
    }
}

#[test]
fn a_picture_is_well_formed_and_asks_for_nothing() {
    for graph in [awkward(), chinook(), fifty(), graph(&["alone"], &[]), graph(&[], &[])] {
        let text = svg(&graph, "a < b & \"c\"\u{1}");
        let mut open: Vec<&str> = Vec::new();
        for part in text.split('<').skip(1) {
            let (tag, content) = part.split_once('>').unwrap();
            for entity in content.split('&').skip(1).chain(tag.split('&').skip(1)) {
                assert!(["amp;", "lt;", "gt;", "quot;"].iter().any(|known| entity.starts_with(known)), "{part}");
            }
            assert!(tag.matches('"').count().is_multiple_of(2), "{part}");
            let name = tag.split([' ', '\n']).next().unwrap();
            match tag.strip_prefix('/') {
                Some(closed) => assert_eq!(open.pop(), Some(closed)),
                None if tag.ends_with('/') => {}
                None => open.push(name),
            }
        }
        assert!(open.is_empty(), "{open:?}");
        let asks = ["http", "url(", "href", "@import", "<script", "<image"];
        let asked: Vec<&str> =
            asks.into_iter().flat_map(|word| text.match_indices(word).map(|(at, _)| text.split_at(at).1)).collect();
        let is_harmless = |found: &&str| {
            found.starts_with("http://www.w3.org/2000/svg\"") || found.starts_with("url(#transload-graph-head)")
        };
        assert!(asked.iter().all(is_harmless), "{asked:?}");
        assert_eq!(text.matches("class=\"box\"").count(), graph.entities().len());
        assert_eq!(text.matches("marker-end").count(), graph.edges().len());
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
    }
}
