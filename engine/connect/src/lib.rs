//! The systems that Transload reads from and writes to.
//!
//! One folder per system, with the same file names in each, so that knowing one is knowing all. What differs between systems stays in their
//! folders: nothing outside asks which one it talks to.

mod backoff;
mod batch;
mod control;
#[cfg(test)]
mod given;
mod ledger;
mod postgres;
mod process;
mod registry;
mod sqlite;
mod text;

pub use registry::{
    SYSTEMS, System, check_apart, control_store, destination, destination_catalog, exists, set_control_store_aside,
    source,
};
