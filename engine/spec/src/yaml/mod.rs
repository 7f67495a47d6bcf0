//! YAML text as a tree of nodes that know their place.

mod limits;
mod load;
mod node;
mod plain;
mod position;
mod scalar;
mod syntax;
mod tag;
mod text;
mod write;

pub(crate) use limits::{FILE_BYTES_MAX, too_large};
pub(crate) use load::{load, load_up_to};
pub(crate) use node::{Entry, Kind, Node, Scalar, Style};
pub(crate) use plain::plain;
pub(crate) use position::{Embedded, Lines, script_span};
pub(crate) use scalar::{Atom, is_exact_float, resolve};
pub(crate) use text::source_file;
pub(crate) use write::{is_plain, to_text, write};
