//! From specs to a plan: keys, types, reads, rules, fingerprints.

mod auto_map;
mod cursor;
mod default;
mod entity;
mod field;
mod fingerprint;
mod format;
mod key;
mod key_field;
mod lookup;
mod mask;
mod old_key;
mod plan;
mod reads;
mod reference;
mod retired;
mod rule;
mod scope;
mod script;
mod test;
mod width;

pub(crate) use auto_map::{paired, settle};
pub(crate) use lookup::{Target, targets};
pub use plan::{
    Catalogs, Compiled, Summary, check_lock, compile, compile_offline, entities, expand, lock, unlocked, written,
};
pub(crate) use plan::{locked, specs, with_surroundings};
pub(crate) use scope::{Entities, Scope, TableView};
