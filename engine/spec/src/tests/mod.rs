//! The crate from outside: a project in a directory, hand-built catalogs and a small vocabulary.

mod auto_map;
mod cases;
mod defaults;
mod drift;
mod entities;
mod environments;
mod expand;
mod files;
mod forms;
mod fuzz;
mod graph;
mod kit;
mod lock;
mod lookup;
mod masks;
mod plan;
mod project;
mod references;
mod schema;
mod scripts;
mod templates;
mod vocabulary;
mod width;
mod yaml;
