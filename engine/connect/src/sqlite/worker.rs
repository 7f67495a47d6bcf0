//! A thread that owns a connection.

use std::sync::mpsc;
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;
use transload_model::{Code, Diagnostic, Result};

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Does one job after the other on its connection. Dropping it waits for the last job and closes the connection.
pub(super) struct Worker {
    // Taken on drop, so that the thread sees the end of the queue before it is joined.
    jobs: Option<mpsc::SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// Jobs that may wait. Callers wait for answers anyway, so this is reached by as many callers at once.
const QUEUE: usize = 64;

impl Worker {
    pub(super) fn new(name: &str, connection: Connection) -> Result<Self> {
        let (jobs, queue) = mpsc::sync_channel::<Job>(QUEUE);
        let work = move || {
            let mut connection = connection;
            for job in queue {
                job(&mut connection);
            }
        };
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(work)
            .map_err(|error| Box::new(Diagnostic::new(Code::FileError, format!("no thread for `{name}`: {error}"))))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs `job` on the connection and waits for its answer.
    pub(super) async fn call<T, F>(&self, job: F) -> T
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> T + Send + 'static,
    {
        let (answer, wait) = oneshot::channel();
        let job: Job = Box::new(move |connection| drop(answer.send(job(connection))));
        self.send(job);
        wait.await.expect("the worker's thread answers every job, as no job panics")
    }

    /// Runs `job` on the connection; nobody waits.
    pub(super) fn send(&self, job: Job) {
        let jobs = self.jobs.as_ref().expect("the queue is open until the worker is dropped");
        jobs.send(job).expect("the thread lives until the queue is closed");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has reported it already; there is nothing left to close.
            drop(thread.join());
        }
    }
}
