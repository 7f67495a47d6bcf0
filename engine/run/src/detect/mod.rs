//! Finding what changed.

mod hash;
#[cfg(test)]
mod tests;

pub(crate) use hash::{HashMerge, Known, Policy, Rewrite, Step, Verdict};
