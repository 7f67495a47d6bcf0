//! The files of a project: found by pattern, read within limits.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use transload_model::{Code, Diagnostic, Result, SourceFile};

use crate::yaml::{FILE_BYTES_MAX, source_file, too_large};

/// The files that match a pattern relative to `root`, by path.
pub(crate) fn matching(root: &Path, pattern: &str) -> std::result::Result<Vec<PathBuf>, String> {
    let base = glob::Pattern::escape(&root.to_string_lossy());
    let paths = glob::glob(&format!("{base}/{pattern}")).map_err(|error| error.msg.to_owned())?;
    // A directory that cannot be listed holds files that nobody promised; those that are promised are read by name.
    let mut found: Vec<PathBuf> = paths.filter_map(std::result::Result::ok).filter(|path| path.is_file()).collect();
    found.sort();
    Ok(found)
}

/// A file's text, its path as the user would type it.
pub(crate) fn read(root: &Path, path: &Path) -> Result<Arc<SourceFile>> {
    let shown = shown(root, path);
    let limit = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    // One byte more than allowed, so that a file of any size is seen to be too large without being read.
    let read = fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes));
    if let Err(reason) = read {
        return Err(Box::new(error(Path::new(&shown), &reason)));
    }
    text(&shown, &bytes)
}

/// A file of these bytes.
pub(crate) fn text(path: &str, bytes: &[u8]) -> Result<Arc<SourceFile>> {
    if bytes.len() > FILE_BYTES_MAX {
        let empty = Arc::new(SourceFile::new(path, ""));
        return Err(Box::new(too_large(&empty)));
    }
    source_file(path, bytes)
}

/// The problem of a file that the operating system does not give.
pub(crate) fn error(path: &Path, reason: &std::io::Error) -> Diagnostic {
    Diagnostic::new(Code::FileError, format!("file `{}` cannot be read: {reason}", path.display()))
}

/// A path below `root`, with `/` between its parts.
pub(crate) fn shown(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    if below.is_absolute() { below.display().to_string() } else { parts.join("/") }
}
