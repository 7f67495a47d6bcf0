//! Whole schemas, and what holds for all of them.

#![expect(clippy::string_slice, reason = "names and specs of these tests are ASCII")]

mod given;
mod properties;
mod schemas;
mod updates;
