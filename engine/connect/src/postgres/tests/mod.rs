//! What needs a server.

mod abandoned;
mod first_runs;
pub(super) mod server;
