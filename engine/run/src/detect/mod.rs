//! Finding what changed.

mod equal;
mod hash;
#[cfg(test)]
mod tests;

pub(crate) use equal::Equal;
pub(crate) use hash::{HashMerge, Known, Policy, Rewrite, Step, Verdict};
