//! What stays of a run in the project: `.transload/runs/<id>/events.jsonl` and `run.json`.
//!
//! A run that goes on after an interruption appends its events to its own folder. Its `run.json` is about its last attempt: while that is at work
//! there is none.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use transload_model::{Diagnostic, RunId};
use transload_run::{Event, EventSink};

use super::failure::file_error;
use super::render::pretty;

/// The file that says how a run ended.
pub(crate) const REPORT: &str = "run.json";

/// The folder of a run.
pub(crate) fn folder(root: &Path, run: RunId) -> PathBuf {
    root.join(".transload").join("runs").join(run.to_string())
}

/// Makes the folder of all runs, so that one who may not is told before anything is done.
pub(crate) fn make_folder(root: &Path) -> Result<(), Box<Diagnostic>> {
    let folder = root.join(".transload").join("runs");
    std::fs::create_dir_all(&folder).map_err(|error| Box::new(file_error(&folder, &error)))
}

/// Appends every event to `events.jsonl`.
pub(crate) struct EventsFile {
    root: PathBuf,
    file: Mutex<Option<File>>,
}

impl EventsFile {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), file: Mutex::new(None) }
    }

    fn open(&self, run: RunId) -> std::io::Result<File> {
        let folder = folder(&self.root, run);
        std::fs::create_dir_all(&folder)?;
        OpenOptions::new().create(true).append(true).open(folder.join("events.jsonl"))
    }
}

impl EventSink for EventsFile {
    fn emit(&self, event: &Event) {
        // Progress within a batch is for the eye; the file holds what is durable.
        if matches!(event, Event::Progress { .. }) {
            return;
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Event::RunStarted { run_id, .. } = event {
            // How an earlier attempt ended is not how the run ends.
            drop(std::fs::remove_file(folder(&self.root, *run_id).join(REPORT)));
            *file = self.open(*run_id).ok();
        }
        // The run's truth is in the destination; a full disk here must not stop it.
        if let (Some(file), Ok(line)) = (&mut *file, serde_json::to_string(event)) {
            // In one write, so that a kill leaves whole lines.
            drop(file.write_all(format!("{line}\n").as_bytes()));
        }
    }
}

/// Writes `run.json` whole, and points `latest` at its folder.
pub(crate) fn write_report(root: &Path, run: RunId, report: &Value) -> Result<PathBuf, Box<Diagnostic>> {
    let folder = folder(root, run);
    let (path, unfinished) = (folder.join(REPORT), folder.join("run.json.unfinished"));
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(&folder)?;
        std::fs::write(&unfinished, pretty(report) + "\n")?;
        std::fs::rename(&unfinished, &path)
    };
    write().map_err(|error| {
        // A part of it is of no use to anyone.
        drop(std::fs::remove_file(&unfinished));
        Box::new(
            file_error(&path, &error)
                .note("the run itself is not affected: its rows and its ledger are in the destination"),
        )
    })?;
    // A convenience; where the place is taken by something else, it stays as it is.
    drop(point_latest(&folder));
    Ok(path)
}

#[cfg(unix)]
fn point_latest(folder: &Path) -> std::io::Result<()> {
    let (Some(runs), Some(name)) = (folder.parent(), folder.file_name()) else { return Ok(()) };
    let new = runs.join("latest.unfinished");
    if new.is_symlink() {
        std::fs::remove_file(&new)?;
    }
    std::os::unix::fs::symlink(name, &new)?;
    std::fs::rename(&new, runs.join("latest")).or_else(|_| std::fs::remove_file(&new))
}

#[cfg(not(unix))]
fn point_latest(_: &Path) -> std::io::Result<()> {
    Ok(())
}
