//! The systems that Transload reads from and writes to.
//!
//! One folder per system, with the same file names in each, so that knowing one is knowing all. What differs between systems stays in their
//! folders: nothing outside asks which one it talks to.

mod process;
mod registry;
mod sqlite;

pub use registry::{SYSTEMS, control_store, destination, destination_catalog, exists, source};
