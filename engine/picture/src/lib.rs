//! Draws the graph of a project.
//!
//! One layout serves every picture, so that a terminal, a file and a page show the same thing in the same places: waves as columns, parents
//! to the left of those that wait for them. It knows the model and nothing else: whoever shows a picture decides where it goes.

mod canvas;
mod channel;
mod dot;
mod layout;
mod list;
mod mermaid;
mod order;
mod rows;
mod svg;
mod text;
mod words;

#[cfg(test)]
mod tests;

pub use dot::dot;
pub use layout::{Holds, Layout, Slot};
pub use mermaid::mermaid;
pub use svg::svg;
pub use text::{Characters, text};
pub use words::sentence;
