//! What needs a server.

mod abandoned;
mod asked;
mod compare;
mod first_runs;
pub(super) mod server;
