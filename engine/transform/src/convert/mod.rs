//! From one logical type to another: exactly, or not at all.
//!
//! Nothing is rounded, cut, trimmed or guessed. A value that the new type cannot hold as it is makes its row fail; a pair of types without a
//! way between them is refused before a row is read ([`transload_model::LogicalType::conversion`] says which).

pub(crate) mod canonical;
mod column;
pub(crate) mod number;
pub(crate) mod reason;
pub(crate) mod scalar;
pub(crate) mod temporal;
#[cfg(test)]
mod tests;

pub(crate) use column::convert;
pub(crate) use scalar::Scalar;
pub(crate) use temporal::Format;
