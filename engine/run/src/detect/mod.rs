//! Finding what changed.

mod equal;
mod hash;
mod scope;
#[cfg(test)]
mod tests;

pub(crate) use equal::Equal;
pub(crate) use hash::{HashMerge, Known, Policy, Rewrite, Step, UNKNOWN, Untried, Verdict};
pub(crate) use scope::Scope;
