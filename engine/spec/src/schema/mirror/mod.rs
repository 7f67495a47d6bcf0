//! What a project may say, as types from which JSON Schemas are made.
//!
//! The decoder is written by hand, so that its messages are good; these types only describe what it takes. Nothing is ever read into them.
//! A doc comment here is what an editor shows, `example` and `default` are what it offers. A test compares the keys with those of
//! `decode/language.rs`: a key that is added there is a field that is added here.

mod auto_map;
mod defaults;
mod field;
mod function;
mod key;
mod name;
mod policy;
mod project;
mod rule;
mod source;
mod spec;
mod template;
mod test;
mod value;

pub(super) use project::Project;
pub(super) use spec::Spec;
pub(super) use template::Template;
