//! What SQLite's declared types mean, and how values cross the border.
//!
//! SQLite keeps any value in any column; the declared type is a promise that single rows may break. Such a cell becomes a fault of its row and
//! never something near what was there.

mod bound;
mod cells;
mod declared;
#[cfg(test)]
mod tests;

pub(super) use bound::{Bound, key_value};
pub(super) use cells::append;
pub(super) use declared::{logical, stores};
