//! Writes `transload.lock`.

use chrono::SecondsFormat;
use transload_model::{Clock, SystemClock};
use transload_spec::{Catalogs, Project};
use transload_transform::Functions;

use super::failure::{Failure, file_error};

/// What became of the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locked {
    /// It says something else now.
    Written,
    /// It said the same before.
    AsItWas,
}

/// Writes what the databases hold now, and what each `auto_map` stands for.
///
/// # Errors
/// Everything that keeps the project from being compiled, or the file from being written.
pub(crate) fn write_lock(project: &Project, functions: &Functions, catalogs: &Catalogs) -> Result<Locked, Failure> {
    let path = project.root().join("transload.lock");
    let now = SystemClock::new().now().to_rfc3339_opts(SecondsFormat::Secs, true);
    let text = transload_spec::lock(project, functions, catalogs, &now)?;
    if std::fs::read_to_string(&path).is_ok_and(|known| known == text) {
        return Ok(Locked::AsItWas);
    }
    replace_lock(project, &text)?;
    Ok(Locked::Written)
}

/// Puts a lock in the place of the one that there is.
///
/// # Errors
/// A file that cannot be written; the lock is as it was then.
pub(crate) fn replace_lock(project: &Project, text: &str) -> Result<(), Failure> {
    let path = project.root().join("transload.lock");
    let unfinished = path.with_extension("lock.unfinished");
    let written = std::fs::write(&unfinished, text).and_then(|()| std::fs::rename(&unfinished, &path));
    written.map_err(|error| file_error(&path, &error))?;
    Ok(())
}
