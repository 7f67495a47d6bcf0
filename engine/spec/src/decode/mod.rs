//! From the tree of nodes to typed specs, each value with its place.
//!
//! Written by hand, because a message must name what was found and what was expected, at its place; one file for each part of a spec.

mod auto_map;
mod call;
mod condition;
mod defaults;
mod detection;
mod field;
mod function;
mod key;
pub(crate) mod language;
mod literal;
mod mask;
mod piece;
mod policy;
mod reader;
mod record;
mod residency;
mod rule;
mod source;
mod spec;
mod template;
mod test;

pub(crate) use auto_map::{AutoMap, AutoMapPart, ColumnPattern, OnNewColumn, Pairing};
pub(crate) use call::CallSpec;
pub(crate) use defaults::{Defaults, check_keys_of_defaults, defaults};
pub(crate) use detection::DetectionSpec;
pub(crate) use field::{Field, ReferenceSpec};
pub(crate) use function::FunctionSpec;
pub(crate) use key::Strategy;
use language::Keys;
pub(crate) use literal::{literal, tree};
pub(crate) use mask::MaskSpec;
pub(crate) use reader::{Map, Reader, shown};
pub(crate) use residency::{Residency, region};
pub(crate) use rule::{LookupSpec, RuleSpec};

pub(crate) use spec::{Outline, Spec, Surroundings, decode};
pub(crate) use template::{taken, templates};
pub(crate) use test::{FaultSpec, RowSpec, TestSpec};

/// Reads a file of the project, given its path as a file of it names it, and that file's.
pub(crate) type Files<'a> =
    dyn Fn(&str, &str) -> transload_model::Result<std::sync::Arc<transload_model::SourceFile>> + 'a;
