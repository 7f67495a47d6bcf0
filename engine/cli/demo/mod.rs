//! The clinic demo: the legacy database that `transload init --demo` writes.

mod entity;
mod faults;
pub(crate) mod legacy;
mod names;
mod notation;
mod random;
mod rows;
