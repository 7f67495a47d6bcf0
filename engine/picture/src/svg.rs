//! The picture as SVG.
//!
//! One file that needs nothing else: no font, no script, no address. It brings its own background, in the colours that the reader prefers, and
//! says in words what it shows.

use std::fmt::Write;

use transload_model::{Edge, EntityGraph, Waits};
use unicode_width::UnicodeWidthStr;

use crate::layout::{Holds, Layout};
use crate::words::{reasons, waiting_sentence};

/// Sizes in pixels. A character of the font is at most 0.61 of its size wide.
const FONT: usize = 14;
const CHARACTER_TENTHS: usize = 86;
const PADDING: usize = 14;
const BOX: usize = 32;
const ROW: usize = 52;
const GAP: usize = 72;
const MARGIN: usize = 24;
const HEADING: usize = 44;

const STYLE: &str = "\
.transload-graph text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, \"DejaVu Sans Mono\", monospace; }
.transload-graph .paper { fill: #ffffff; }
.transload-graph .box { fill: #eef4fb; stroke: #3d6a99; }
.transload-graph .name { fill: #14202c; }
.transload-graph .wave { fill: #57606a; }
.transload-graph .line { fill: none; stroke: #57606a; stroke-width: 1.5; }
.transload-graph .dashed { stroke-dasharray: 5 4; }
.transload-graph .head { fill: #57606a; }
@media (prefers-color-scheme: dark) {
.transload-graph .paper { fill: #0d1117; }
.transload-graph .box { fill: #172638; stroke: #6ea3d8; }
.transload-graph .name { fill: #e6edf3; }
.transload-graph .wave { fill: #9aa4af; }
.transload-graph .line { stroke: #9aa4af; }
.transload-graph .head { fill: #9aa4af; }
}
";

/// The picture, under a title.
#[must_use]
pub fn svg(graph: &EntityGraph, title: &str) -> String {
    let labels: Vec<String> = graph.entities().iter().map(|entity| entity.name.to_string()).collect();
    drawn(graph, &labels, title)
}

/// Draws a graph, each entity by its label.
pub(crate) fn drawn(graph: &EntityGraph, labels: &[String], title: &str) -> String {
    let layout = Layout::of(graph);
    let page = Page::new(&layout, labels);
    let mut out = String::new();
    head(&mut out, graph, &page, title);
    for column in 0..layout.columns() {
        let x = page.lefts[column];
        let _ = writeln!(out, "<text class=\"wave\" x=\"{x}\" y=\"{}\">wave {}</text>", MARGIN + FONT, column + 1);
    }
    // An edge that is filled last would lead back through everything; the list of edges has it.
    for edge in graph.edges().iter().filter(|edge| !edge.is_deferred) {
        page.edge(&mut out, graph, edge);
    }
    for slot in layout.slots() {
        if let Holds::Entity(entity) = slot.holds {
            page.node(&mut out, graph, entity, (slot.column, slot.row));
        }
    }
    out.push_str("</svg>\n");
    out
}

fn head(out: &mut String, graph: &EntityGraph, page: &Page<'_>, title: &str) {
    let (width, height) = (page.width, page.height);
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"transload-graph\" role=\"img\" \
         aria-labelledby=\"transload-graph-title transload-graph-desc\" \
         width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">"
    );
    let _ = writeln!(out, "<title id=\"transload-graph-title\">{}</title>", escaped(title));
    let sentences: Vec<String> = (0..graph.entities().len()).map(|entity| waiting_sentence(graph, entity)).collect();
    let _ = writeln!(out, "<desc id=\"transload-graph-desc\">{}</desc>", escaped(&sentences.join(" ")));
    let _ = writeln!(out, "<style>\n{STYLE}</style>");
    out.push_str(
        "<defs><marker id=\"transload-graph-head\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" \
         markerHeight=\"7\" orient=\"auto\"><path class=\"head\" d=\"M0 0 L10 5 L0 10 z\"/></marker></defs>\n",
    );
    let _ = writeln!(out, "<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>");
}

/// Where everything is.
struct Page<'a> {
    layout: &'a Layout,
    labels: &'a [String],
    /// Of each column.
    lefts: Vec<usize>,
    widths: Vec<usize>,
    width: usize,
    height: usize,
}

impl<'a> Page<'a> {
    fn new(layout: &'a Layout, labels: &'a [String]) -> Self {
        let text_width = |text: &str| (text.width() * CHARACTER_TENTHS).div_ceil(10);
        let mut widths: Vec<usize> =
            (0..layout.columns()).map(|column| text_width(&format!("wave {}", column + 1))).collect();
        for slot in layout.slots() {
            if let Holds::Entity(entity) = slot.holds {
                widths[slot.column] = widths[slot.column].max(text_width(&labels[entity]) + 2 * PADDING);
            }
        }
        let mut lefts = Vec::new();
        let mut left = MARGIN;
        for width in &widths {
            lefts.push(left);
            left += width + GAP;
        }
        let width = lefts.last().zip(widths.last()).map_or(MARGIN, |(left, width)| left + width) + MARGIN;
        let height = MARGIN + HEADING + layout.rows() * ROW;
        Self { layout, labels, lefts, widths, width, height }
    }

    /// The upper edge of the boxes of a row.
    fn top(row: usize) -> usize {
        MARGIN + HEADING + row * ROW
    }

    fn node(&self, out: &mut String, graph: &EntityGraph, entity: usize, (column, row): (usize, usize)) {
        let at = &graph.entities()[entity];
        let (x, y) = (self.lefts[column], Self::top(row));
        let told =
            format!("{}: table {} to table {} ({})", at.name, at.source_table, at.destination_table, at.spec_path);
        let _ = writeln!(
            out,
            "<g><title>{}</title><rect class=\"box\" x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{BOX}\" rx=\"6\"/>\
             <text class=\"name\" x=\"{}\" y=\"{}\">{}</text></g>",
            escaped(&told),
            self.widths[column],
            x + PADDING,
            y + BOX / 2 + FONT / 3 + 1,
            escaped(&self.labels[entity])
        );
    }

    fn edge(&self, out: &mut String, graph: &EntityGraph, edge: &Edge) {
        let is_dashed = edge.because.iter().all(|because| because.word == Waits::DependsOn);
        let class = if is_dashed { "line dashed" } else { "line" };
        let path = if edge.is_own() { self.own_path(edge.child) } else { self.path(edge) };
        let _ = writeln!(
            out,
            "<g><title>{}</title><path class=\"{class}\" marker-end=\"url(#transload-graph-head)\" d=\"{path}\"/></g>",
            escaped(&reasons(graph, edge))
        );
    }

    /// From box to box, straight through the lanes.
    fn path(&self, edge: &Edge) -> String {
        let mut path = String::new();
        let mut before: Option<(usize, usize)> = None;
        let slots = self.layout.path(edge.parent, edge.child);
        for slot in slots.iter().map(|slot| self.layout.slots()[*slot]) {
            let (left, y) = (self.lefts[slot.column], Self::top(slot.row) + BOX / 2);
            let right = left + self.widths[slot.column];
            match before {
                None => {
                    let _ = write!(path, "M{right} {y}");
                }
                Some((_, above)) if above == y => {
                    let _ = write!(path, " H{left}");
                }
                Some((x, above)) => {
                    let middle = x + GAP / 2;
                    let _ = write!(path, " C{middle} {above} {middle} {y} {left} {y}");
                }
            }
            if before.is_some() && matches!(slot.holds, Holds::Lane(_)) {
                let _ = write!(path, " H{right}");
            }
            before = Some((right, y));
        }
        path
    }

    /// A loop over the right end of a box.
    fn own_path(&self, entity: usize) -> String {
        let is_it = |slot: &&crate::layout::Slot| slot.holds == Holds::Entity(entity);
        let Some(slot) = self.layout.slots().iter().find(is_it) else { return String::new() };
        let (right, y) = (self.lefts[slot.column] + self.widths[slot.column], Self::top(slot.row));
        let up = y - 22;
        format!("M{} {y} C{} {up} {} {up} {} {y}", right - 34, right - 34, right - 10, right - 10)
    }
}

/// Text as it stands in XML.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML has no way to write these.
            character if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            character => out.push(character),
        }
    }
    out
}
