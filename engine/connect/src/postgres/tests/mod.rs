//! What needs a server.

mod abandoned;
mod asked;
mod compare;
mod first_runs;
mod quarantine;
mod sequences;
pub(super) mod server;
