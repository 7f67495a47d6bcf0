//! Tests across the crate.

pub(crate) mod boundaries;
mod entities;
pub(crate) mod given;
mod kernels;
mod library;
mod rows;
mod sandbox;
mod scripts;
mod vocabulary;
