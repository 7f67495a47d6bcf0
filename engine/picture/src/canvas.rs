//! Text in two dimensions: names, and lines that know where they lead.
//!
//! Lines are drawn as directions, and become characters only at the end, so that where several meet the right one comes out.

use unicode_width::UnicodeWidthChar;

use crate::text::Characters;

/// Where a line leads to from a cell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ways {
    pub(crate) up: bool,
    pub(crate) down: bool,
    pub(crate) left: bool,
    pub(crate) right: bool,
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cell {
    Line(Ways),
    /// A vertical line over a horizontal one that it does not meet.
    Bridge,
    Head(Head),
    /// A character and what stands over it.
    Text(String),
    /// The second half of a wide character.
    Taken,
}

/// The end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    Right,
    Up,
    Down,
}

/// Rows of cells.
#[derive(Debug)]
pub(crate) struct Canvas {
    rows: Vec<Vec<Cell>>,
}

const NOWHERE: Ways = Ways { up: false, down: false, left: false, right: false };

impl Canvas {
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self { rows: vec![vec![Cell::Line(NOWHERE); width]; height] }
    }

    /// Writes a text; what is over the edge is left out.
    pub(crate) fn write(&mut self, row: usize, column: usize, text: &str) {
        let mut at = column;
        for character in text.chars() {
            let width = character.width().unwrap_or(0);
            let cells = &mut self.rows[row];
            if width == 0 {
                if let Some(Cell::Text(before)) = at.checked_sub(1).and_then(|before| cells.get_mut(before)) {
                    before.push(character);
                }
                continue;
            }
            for (offset, cell) in cells.iter_mut().skip(at).take(width).enumerate() {
                *cell = if offset == 0 { Cell::Text(character.to_string()) } else { Cell::Taken };
            }
            at += width;
        }
    }

    /// Draws a line from one cell to another one right of it.
    pub(crate) fn horizontal(&mut self, row: usize, from: usize, to: usize) {
        for column in from..=to {
            let ways = Ways { left: column > from, right: column < to, ..NOWHERE };
            self.add(row, column, ways);
        }
    }

    /// Leads a line on from a cell.
    pub(crate) fn add(&mut self, row: usize, column: usize, ways: Ways) {
        if let Some(Cell::Line(there)) = self.rows[row].get_mut(column) {
            there.up |= ways.up;
            there.down |= ways.down;
            there.left |= ways.left;
            there.right |= ways.right;
        }
    }

    /// Leads a vertical line through a cell; over a horizontal line it makes a bridge.
    pub(crate) fn pass(&mut self, row: usize, column: usize) {
        match self.rows[row].get_mut(column) {
            Some(cell @ Cell::Line(Ways { left: true, .. } | Ways { right: true, .. })) => *cell = Cell::Bridge,
            Some(Cell::Line(ways)) => (ways.up, ways.down) = (true, true),
            _ => {}
        }
    }

    /// Ends a line.
    pub(crate) fn head(&mut self, row: usize, column: usize, head: Head) {
        if let Some(cell) = self.rows[row].get_mut(column) {
            *cell = Cell::Head(head);
        }
    }

    /// The rows as text, without blanks at their ends.
    pub(crate) fn lines(&self, characters: Characters) -> Vec<String> {
        let line = |cells: &Vec<Cell>| {
            let mut text = String::new();
            cells.iter().for_each(|cell| cell.write(characters, &mut text));
            text.trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }
}

impl Cell {
    fn write(&self, characters: Characters, text: &mut String) {
        let is_unicode = characters == Characters::Unicode;
        text.push(match self {
            Self::Taken => return,
            Self::Text(character) => {
                text.push_str(character);
                return;
            }
            Self::Line(ways) if is_unicode => ways.boxed(),
            Self::Line(ways) => ways.plain(),
            Self::Bridge => {
                if is_unicode {
                    '│'
                } else {
                    '|'
                }
            }
            Self::Head(Head::Right) => {
                if is_unicode {
                    '▶'
                } else {
                    '>'
                }
            }
            Self::Head(Head::Up) => {
                if is_unicode {
                    '▲'
                } else {
                    '^'
                }
            }
            Self::Head(Head::Down) => {
                if is_unicode {
                    '▼'
                } else {
                    'v'
                }
            }
        });
    }
}

impl Ways {
    fn boxed(self) -> char {
        match (self.up, self.down, self.left, self.right) {
            (false, false, false, false) => ' ',
            (false, false, _, _) => '─',
            (_, _, false, false) => '│',
            (false, true, false, true) => '╭',
            (false, true, true, false) => '╮',
            (true, false, false, true) => '╰',
            (true, false, true, false) => '╯',
            (true, true, false, true) => '├',
            (true, true, true, false) => '┤',
            (false, true, true, true) => '┬',
            (true, false, true, true) => '┴',
            (true, true, true, true) => '┼',
        }
    }

    fn plain(self) -> char {
        match (self.up || self.down, self.left || self.right) {
            (false, false) => ' ',
            (false, true) => '-',
            (true, false) => '|',
            (true, true) => '+',
        }
    }
}
