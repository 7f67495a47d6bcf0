//! JSON Schemas of what a project may say: for editors, which complete, explain and check a file while it is written.
//!
//! `mirror` describes the language, `shape` writes it as editors read it, `entity` puts the columns of one entity's tables into it. Draft 7,
//! because that is what editors know. A schema sees one file: what needs another file, a type or a script, `validate` says.

mod entity;
#[expect(dead_code, reason = "the types are described, and never filled")]
mod mirror;
mod order;
mod reach;
mod shape;
mod text;

use serde_json::Value;

pub use entity::{EntitySchemas, OfferedFunction, entity_schemas};
pub use text::schema_text;

/// The schema of `transload.yaml`.
#[must_use]
pub fn project_schema() -> Value {
    let mut schema = shape::root::<mirror::Project>();
    shape::allow_variables(&mut schema);
    schema.into()
}

/// The schema of a spec.
#[must_use]
pub fn spec_schema() -> Value {
    shape::root::<mirror::Spec>().into()
}

/// The schema of a template.
#[must_use]
pub fn template_schema() -> Value {
    shape::root::<mirror::Template>().into()
}
