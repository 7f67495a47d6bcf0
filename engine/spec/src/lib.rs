//! Reads the YAML of a project and compiles it into a plan, or says everything that is wrong with it at once.
//!
//! `yaml` makes a tree of nodes that know their place, `decode` makes specs of the tree, `checks` looks at names and the graph, `compile`
//! types every field and builds the plan. It opens no database: what a database holds comes in as catalogs, what a spec may call as a
//! vocabulary. Nothing that a file says is ever ignored: a key that is not understood is a problem.

mod checks;
mod compile;
mod decode;
mod drift;
mod expand;
mod graph;
mod lock;
mod order;
mod outline;
mod problems;
mod project;
mod schema;
mod yaml;

#[cfg(test)]
mod tests;

pub use compile::{
    Catalogs, Compiled, Summary, check_lock, compile, compile_offline, entities, expand, lock, unlocked, written,
};
pub use drift::{Drift, Side, Suggestion, Touched, Weight};
pub use graph::{Graphed, graph};
pub use lock::accept;
pub use order::Broken;
pub use outline::{KeyDefault, Mapped, Outlined, mapped_columns, outlines};
pub use project::Project;
pub use schema::{
    EntitySchemas, OfferedFunction, entity_schemas, project_schema, schema_text, spec_schema, template_schema,
};

/// A YAML document as plain values, as an editor reads it: without places, and whatever the language says to it. `None` where the bytes hold no
/// document that can be read.
#[must_use]
pub fn from_yaml(bytes: &[u8]) -> Option<serde_json::Value> {
    let file = yaml::source_file("", bytes).ok()?;
    yaml::load(&file, &mut problems::Problems::default()).map(|root| yaml::plain(&root))
}

/// A map as YAML that people read, a line for what fits on one. It reads back as the same value.
#[must_use]
pub fn to_yaml(document: &serde_json::Value) -> String {
    yaml::write(document, 140)
}
