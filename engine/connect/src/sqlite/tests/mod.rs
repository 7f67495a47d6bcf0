//! The whole of the SQLite folder, on real files.

mod asked;
mod catalog;
mod commit;
mod compare;
mod control;
mod delete;
mod given;
mod quarantine;
mod read;
mod snapshot;
