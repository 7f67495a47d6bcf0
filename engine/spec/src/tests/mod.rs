//! The crate from outside: a project in a directory, hand-built catalogs and a small vocabulary.

mod cases;
mod entities;
mod environments;
mod files;
mod forms;
mod fuzz;
mod graph;
mod kit;
mod plan;
mod project;
mod scripts;
mod vocabulary;
mod yaml;
