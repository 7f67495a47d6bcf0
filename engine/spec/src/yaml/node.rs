//! The tree that a file becomes.
//!
//! It keeps what a parser into plain values throws away: where each key and value stands, and how a scalar was written.

use std::ops::Range;

use crate::yaml::Atom;

/// A value of the file.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Bytes of the file; of a list or map the first line only, because a label shows where it is, not all of it.
    pub(crate) span: Range<usize>,
    pub(crate) kind: Kind,
}

/// What a node holds.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// What stands here was refused already; whoever reads it says nothing more.
    Refused,
}

/// One line of a map.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    /// Whether the key is written without quotes.
    pub(crate) is_plain: bool,
    pub(crate) value: Node,
}

/// A single value.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    /// The text after escapes and folding.
    pub(crate) text: String,
    pub(crate) style: Style,
    /// What a plain scalar is by YAML's core schema; any other is text.
    pub(crate) atom: Atom,
    /// Whether variables stand in it. It is text then, but reads as a number or boolean where one is expected; it is never shown.
    pub(crate) is_substituted: bool,
    /// Whether the environment put something else there than the file says.
    pub(crate) is_given: bool,
}

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Quoted,
    Literal,
    Folded,
    /// A file that holds nothing else.
    Whole,
}

impl Node {
    /// What is here, in the words of a message. A value is never part of it.
    pub(crate) fn found(&self) -> &'static str {
        match &self.kind {
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Refused => "what was refused",
            Kind::Scalar(scalar) => match scalar.atom {
                Atom::Null if self.span.is_empty() => "nothing",
                Atom::Null => "null",
                Atom::Boolean(_) => "a boolean",
                Atom::Integer(_) | Atom::HugeInteger => "an integer",
                Atom::Float(_) => "a number",
                Atom::Text => "text",
            },
        }
    }
}
