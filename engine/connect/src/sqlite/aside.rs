//! A control store that is damaged steps aside, so that a new one can take its place.
//!
//! It keeps everything under another name: nothing of it is deleted, and a file that is sound stays where it is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use transload_model::{Code, Diagnostic, Result};

use super::control::{failed, store_path};
use super::open::BUSY_TIMEOUT;

/// What belongs to a database file, which comes last: as long as it is there, all of it is looked for.
const PARTS: [&str; 3] = ["-wal", "-shm", ""];

/// Gives a damaged control store another name, and says which.
///
/// # Errors
/// `TL0507` where nobody can say whether it is damaged, or it cannot be renamed.
pub(super) fn set_aside(url: &str) -> Result<Option<PathBuf>> {
    let path = store_path(url);
    let doing = format!("the control store {} cannot be opened", path.display());
    if !path.exists() || !is_damaged(path).map_err(|error| failed(&error, &doing, path))? {
        return Ok(None);
    }
    let aside = free_name(path);
    for part in PARTS {
        let (from, to) = (with(path, part), with(&aside, part));
        if from.exists() {
            std::fs::rename(&from, &to).map_err(|error| {
                let headline = format!("the control store {} cannot be renamed: {error}", from.display());
                Box::new(Diagnostic::new(Code::ControlStore, headline).help(Code::ControlStore.info().remedy))
            })?;
        }
    }
    Ok(Some(aside))
}

fn is_damaged(path: &Path) -> rusqlite::Result<bool> {
    let look = || -> rusqlite::Result<bool> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let found: String = connection.query_row("pragma quick_check(1)", [], |row| row.get(0))?;
        Ok(found != "ok")
    };
    look().or_else(|error| if is_damage(&error) { Ok(true) } else { Err(error) })
}

/// Whether an error says that the file is none that SQLite wrote, or not any more.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

/// A name that nothing has yet.
fn free_name(path: &Path) -> PathBuf {
    let named = |number: u32| with(path, &format!(".damaged-{number}"));
    let is_free = |name: &PathBuf| PARTS.iter().all(|part| !with(name, part).exists());
    (1..u32::MAX).map(named).find(is_free).unwrap_or_else(|| named(u32::MAX))
}

fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}
