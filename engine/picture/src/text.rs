//! The picture as text, for a terminal or a log.

use transload_model::EntityGraph;
use unicode_width::UnicodeWidthStr;

use crate::canvas::{Canvas, Head, Ways};
use crate::channel::{Channel, End, Line, Trunk};
use crate::layout::{Holds, Layout, Slot};
use crate::list::listed;

/// Which characters there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Characters {
    /// All of them.
    Unicode,
    /// Those of ASCII.
    Ascii,
}

/// The lines of the picture, or of a list by waves where the picture would be wider than `width`. A loop behind a name says that rows of the
/// entity refer to rows of their own kind.
#[must_use]
pub fn text(graph: &EntityGraph, characters: Characters, width: usize) -> Vec<String> {
    let label = |(entity, at): (usize, &transload_model::GraphEntity)| match (graph.own_edge(entity), characters) {
        (None, _) => at.name.to_string(),
        (Some(_), Characters::Unicode) => format!("{} ↺", at.name),
        (Some(_), Characters::Ascii) => format!("{} (self)", at.name),
    };
    let labels: Vec<String> = graph.entities().iter().enumerate().map(label).collect();
    let layout = Layout::of(graph);
    let drawing = Drawing::new(&layout, &labels);
    if drawing.width() > width { listed(graph, &labels, characters, width) } else { drawing.drawn(characters) }
}

pub(crate) fn heading(column: usize) -> String {
    format!("wave {}", column + 1)
}

/// A layout as text, each entity by its label: where everything is on the canvas.
pub(crate) struct Drawing<'a> {
    layout: &'a Layout,
    labels: &'a [String],
    /// Between each column and the next.
    channels: Vec<Channel>,
    /// The first cell of each column.
    lefts: Vec<usize>,
    widths: Vec<usize>,
    /// For each row of the layout, and the one behind its last, its row on the canvas.
    rows: Vec<usize>,
}

impl<'a> Drawing<'a> {
    pub(crate) fn new(layout: &'a Layout, labels: &'a [String]) -> Self {
        let channels = channels(layout);
        let mut widths: Vec<usize> = (0..layout.columns()).map(|column| heading(column).width()).collect();
        for slot in layout.slots() {
            if let Holds::Entity(entity) = slot.holds {
                widths[slot.column] = widths[slot.column].max(labels[entity].width());
            }
        }
        let mut lefts = Vec::new();
        let mut left = 0;
        for (width, channel) in widths.iter().zip(&channels) {
            lefts.push(left);
            left += width + channel_width(channel);
        }
        let rows = rows(layout, &channels);
        Self { layout, labels, channels, lefts, widths, rows }
    }

    /// The lines, under one that numbers the waves.
    pub(crate) fn drawn(&self, characters: Characters) -> Vec<String> {
        if self.lefts.is_empty() {
            return Vec::new();
        }
        let mut canvas = Canvas::new(self.width(), self.row(self.layout.rows()));
        for (column, left) in self.lefts.iter().enumerate() {
            canvas.write(0, *left, &heading(column));
        }
        for slot in self.layout.slots() {
            if let Holds::Entity(entity) = slot.holds {
                canvas.write(self.row(slot.row), self.lefts[slot.column], &self.labels[entity]);
            }
        }
        self.lines(&mut canvas);
        canvas.lines(characters)
    }

    fn width(&self) -> usize {
        self.lefts.last().zip(self.widths.last()).map_or(0, |(left, width)| left + width)
    }

    fn row(&self, row: usize) -> usize {
        self.rows[row]
    }

    /// The cell of a track in the channel behind a column: behind a blank and the beginning of a line.
    fn track(&self, column: usize, track: usize) -> usize {
        self.lefts[column] + self.widths[column] + 2 + 2 * track
    }

    fn lines(&self, canvas: &mut Canvas) {
        let (mut is_left, mut is_entered) =
            (vec![false; self.layout.slots().len()], vec![false; self.layout.slots().len()]);
        for (from, to) in self.layout.links() {
            is_left[*from] = true;
            is_entered[*to] = true;
        }
        // Horizontal lines first, so that trunks know what they pass.
        for (at, slot) in self.layout.slots().iter().enumerate() {
            if is_left[at] {
                self.leave(canvas, *slot);
            }
            if is_entered[at] {
                self.arrive(canvas, *slot);
            }
        }
        for (column, channel) in self.channels.iter().enumerate() {
            channel.trunks.iter().for_each(|trunk| self.trunk(canvas, column, trunk));
        }
    }

    /// The line out of a slot, to the last track that it leads to, or straight on.
    fn leave(&self, canvas: &mut Canvas, slot: Slot) {
        let from = self.lefts[slot.column] + self.label_width(slot.holds).map_or(0, |width| width + 1);
        let next = self.lefts[slot.column + 1] - 1;
        let track = self.leaves_to(&self.channels[slot.column], slot.row);
        canvas.horizontal(self.row(slot.row), from, track.map_or(next, |track| self.track(slot.column, track)));
    }

    /// The width of what a line begins behind; a lane has nothing.
    fn label_width(&self, holds: Holds) -> Option<usize> {
        match holds {
            Holds::Entity(entity) => Some(self.labels[entity].width()),
            Holds::Lane(_) => None,
        }
    }

    /// The last track that a line from this row leads to; `None` where it goes straight on.
    fn leaves_to(&self, channel: &Channel, row: usize) -> Option<usize> {
        let is_straight = channel.straight.contains(&row);
        let own = channel.trunks.iter().filter(|trunk| trunk.from == row).map(|trunk| trunk.track);
        if is_straight { None } else { own.max() }
    }

    /// The line into a slot, from where its main line comes in.
    fn arrive(&self, canvas: &mut Canvas, slot: Slot) {
        let (left, row) = (slot.column - 1, slot.row);
        let channel = &self.channels[left];
        let is_main = |trunk: &&Trunk| trunk.end == End::Main && trunk.to.contains(&row);
        let main = channel.trunks.iter().find(is_main).map(|trunk| self.track(left, trunk.track));
        let end = self.lefts[left + 1];
        let from = main.unwrap_or_else(|| self.track(left, 0) - 1);
        match slot.holds {
            Holds::Lane(_) => canvas.horizontal(self.row(row), from, end),
            Holds::Entity(_) => {
                canvas.horizontal(self.row(row), from, end - 2);
                canvas.head(self.row(row), end - 2, Head::Right);
                canvas.write(self.row(row), end - 1, " ");
            }
        }
    }

    fn trunk(&self, canvas: &mut Canvas, column: usize, trunk: &Trunk) {
        let at = self.track(column, trunk.track);
        let mut stops: Vec<usize> = trunk.to.iter().copied().chain([trunk.from]).map(|row| self.row(row)).collect();
        stops.sort_unstable();
        let (Some(first), Some(last)) = (stops.first().copied(), stops.last().copied()) else { return };
        let from = self.row(trunk.from);
        for row in first..=last {
            let is_at_arrow = trunk.end == End::Arrow && row != from;
            if is_at_arrow && row.abs_diff(from) + 1 == last - first {
                canvas.head(row, at, if row > from { Head::Down } else { Head::Up });
            } else if is_at_arrow && stops.contains(&row) {
                // The arrow points at the line that is there.
            } else if stops.contains(&row) {
                canvas.add(row, at, Ways { up: row > first, down: row < last, ..Ways::default() });
            } else {
                canvas.pass(row, at);
            }
        }
    }
}

/// The lines between each column and the next; none behind the last.
fn channels(layout: &Layout) -> Vec<Channel> {
    let mut lines = vec![Vec::new(); layout.columns()];
    for (from, to) in layout.links() {
        let (from, to) = (layout.slots()[*from], layout.slots()[*to]);
        lines[from.column].push(Line { from: from.row, to: to.row });
    }
    lines.iter().map(|lines| Channel::new(lines)).collect()
}

/// ` ─┬──▶ `: a blank, the tracks with a line before each, the way on, the arrow, a blank.
fn channel_width(channel: &Channel) -> usize {
    5 + 2 * channel.tracks
}

/// The row on the canvas of each row of the layout, and of the one behind the last. The heading is above; where an arrow points up or down
/// there is a row for it.
fn rows(layout: &Layout, channels: &[Channel]) -> Vec<usize> {
    let mut needs_room = vec![false; layout.rows() + 1];
    for trunk in channels.iter().flat_map(|channel| &channel.trunks).filter(|trunk| trunk.end == End::Arrow) {
        for row in &trunk.to {
            // Room is made above a row: above the one that the arrow points down to, or below the one it points up to.
            needs_room[if *row > trunk.from { *row } else { row + 1 }] = true;
        }
    }
    let mut at = 0;
    let mut rows = Vec::new();
    for needs_room in needs_room {
        at += 1 + usize::from(needs_room);
        rows.push(at);
    }
    rows
}
