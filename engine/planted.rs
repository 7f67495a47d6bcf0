//! The `transload` binary with bugs that tests plant by `TRANSLOAD_PLANTED_BUG`. It is built for `tests/it/planted.rs` and never shipped.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
