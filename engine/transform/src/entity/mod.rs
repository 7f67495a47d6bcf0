//! The fields and rules of one entity, compiled.

mod compile;
mod failures;
mod field;
mod judge;
mod run;
mod step;
mod validate;

pub(crate) use compile::compile;
