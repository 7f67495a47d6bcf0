//! The stack that scripts run on.
//!
//! A list may hold a list that holds a list, and so on, as many as the limits of a row allow. rhai copies, compares and drops such a value by
//! functions that call themselves, so what a script may nest must fit the stack, whatever thread asks.

use std::io;
use std::thread::{Builder, scope};

/// Bytes that are reserved; only those that are used are taken. A level takes half a KiB at most, in a debug build.
const STACK_BYTES: usize = 64 << 20;

/// Does the work on a thread of its own, and waits for it.
///
/// # Errors
/// Where the machine has no thread left to give.
pub(crate) fn on_own_stack<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    scope(|scope| {
        let thread = Builder::new().name("script".to_owned()).stack_size(STACK_BYTES).spawn_scoped(scope, work)?;
        thread.join().map_or_else(|panic| std::panic::resume_unwind(panic), Ok)
    })
}
