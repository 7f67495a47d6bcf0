//! Signals: the first asks the run to stop after what it has in hand, the second ends it at once. Either way nothing is half-written.

use std::sync::atomic::{AtomicBool, Ordering};

use transload_model::Exit;
use transload_run::{Halt, Stop};

/// What signals came.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// Whether the first was the one that ends services.
    is_terminated: AtomicBool,
}

impl Signals {
    /// What the process answers after it stopped: a service manager is told that its signal was heard.
    pub(crate) fn told(&self, exit: Exit) -> Exit {
        let is_terminated = self.is_terminated.load(Ordering::Relaxed);
        if exit == Exit::Interrupted && is_terminated { Exit::Terminated } else { exit }
    }

    /// Waits for signals and hands them on; must be polled from the beginning, or the first one ends the process.
    pub(crate) async fn watch(&self, stop: &Stop) {
        let Some(mut heard) = Heard::new() else { return };
        let first = heard.next().await;
        self.is_terminated.store(first == Exit::Terminated, Ordering::Relaxed);
        stop.ask(Halt::Interrupted);
        let second = heard.next().await;
        std::process::exit(second as i32);
    }
}

#[cfg(unix)]
struct Heard {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Heard {
    fn new() -> Option<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Some(Self {
            interrupt: signal(SignalKind::interrupt()).ok()?,
            terminate: signal(SignalKind::terminate()).ok()?,
        })
    }

    /// The next signal, as what the process answers to it.
    async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
        }
    }
}

#[cfg(not(unix))]
struct Heard;

#[cfg(not(unix))]
impl Heard {
    fn new() -> Option<Self> {
        Some(Self)
    }

    async fn next(&mut self) -> Exit {
        drop(tokio::signal::ctrl_c().await);
        Exit::Interrupted
    }
}
