//! The whole of the SQLite folder, on real files.

mod catalog;
mod commit;
mod control;
mod delete;
mod given;
mod read;
mod snapshot;
