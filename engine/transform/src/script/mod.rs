//! Scripts: the part of a spec that is a program.
//!
//! A script sees one row and nothing else. It cannot read files, the clock or the environment, cannot print, cannot keep anything from one row
//! to the next, and cannot take more steps, depth or memory than a row may cost.

mod check;
mod closure;
mod failure;
mod host;
mod library;
mod names;
mod sandbox;
mod stack;
mod value;
mod walk;

pub(crate) use check::{Surroundings, check};
pub(crate) use host::{Host, Program, RowInput};
pub(crate) use library::Library;
pub(crate) use sandbox::checking_engine;
pub(crate) use stack::on_own_stack;
pub(crate) use value::{results, to_dynamic};
