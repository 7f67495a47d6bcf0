//! SQLite, by rusqlite on threads of its own.
//!
//! One thread owns one connection and does what it is sent, so that no async task ever blocks and no connection is shared.

mod catalog;
mod control;
mod destination;
mod error;
mod ledger;
mod open;
mod source;
mod sql;
#[cfg(test)]
mod tests;
mod types;
mod worker;
mod write;

pub(crate) use control::open_control_store;
pub(crate) use destination::{destination_catalog, open_destination};
pub(crate) use open::exists;
pub(crate) use source::open_source;
