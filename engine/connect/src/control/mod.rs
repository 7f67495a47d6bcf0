//! What the control store is, whatever system keeps it: scripts that make it, and steps that its states take.
//!
//! Every system has the same tables, rules and views, as far as it can; the scenarios here run on each.

pub(crate) mod detected;
mod request;
mod script;
mod step;

#[cfg(test)]
pub(crate) mod scenarios;

pub(crate) use request::requests;
pub(crate) use script::{Script, pending};
pub(crate) use step::{CheckpointState, adopted_steps, checkpoint_steps, moves_checkpoint, passed_through};
