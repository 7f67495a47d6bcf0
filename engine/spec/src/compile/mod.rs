//! From specs to a plan: keys, types, reads, rules, fingerprints.

mod default;
mod entity;
mod field;
mod fingerprint;
mod format;
mod key;
mod key_field;
mod plan;
mod reads;
mod reference;
mod rule;
mod scope;
mod script;

pub(crate) use plan::specs;
pub use plan::{Catalogs, Compiled, Summary, compile};
pub(crate) use scope::{Entities, Scope, TableView};
