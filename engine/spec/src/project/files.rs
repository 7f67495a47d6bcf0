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

/// The path of a file of this name that a pattern matches: a star for directories stands for none, the one in the file's name for the name.
pub(crate) fn named(pattern: &str, name: &str) -> Option<String> {
    let (folders, file) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    let folders: Vec<&str> = folders.split('/').filter(|folder| !folder.is_empty() && *folder != "**").collect();
    let path = folders.into_iter().chain([file.replacen('*', name, 1).as_str()]).collect::<Vec<_>>().join("/");
    let is_match = glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(&path));
    (is_match && file.contains('*') && !path.contains(['*', '?', '['])).then_some(path)
}

/// The text of a file that people write, its path as the user would type it.
pub(crate) fn read(root: &Path, path: &Path) -> Result<Arc<SourceFile>> {
    read_up_to(root, path, FILE_BYTES_MAX)
}

/// The text of a file of at most so many bytes.
pub(crate) fn read_up_to(root: &Path, path: &Path, bytes_max: usize) -> Result<Arc<SourceFile>> {
    let shown = shown(root, path);
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    // One byte more than allowed, so that a file of any size is seen to be too large without being read.
    let read = fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes));
    if let Err(reason) = read {
        return Err(Box::new(error(Path::new(&shown), &reason)));
    }
    text(&shown, &bytes, bytes_max)
}

/// A file of these bytes, which may be so many.
pub(crate) fn text(path: &str, bytes: &[u8], bytes_max: usize) -> Result<Arc<SourceFile>> {
    if bytes.len() > bytes_max {
        let empty = Arc::new(SourceFile::new(path, ""));
        return Err(Box::new(too_large(&empty, bytes_max)));
    }
    source_file(path, bytes)
}

/// The text of a file that another file of the project names, relative to its own place. What lies outside of the project is not read: a spec
/// may come from anywhere, and messages show lines of what it names.
pub(crate) fn read_beside(root: &Path, path: &str, named_in: &str) -> Result<Arc<SourceFile>> {
    let named = root.join(named_in).parent().map_or_else(|| root.join(path), |folder| folder.join(path));
    let refused = |reason: std::io::Error| Box::new(error(Path::new(path), &reason));
    let (real, within) = (named.canonicalize().map_err(refused)?, root.canonicalize().map_err(refused)?);
    if !real.starts_with(&within) {
        let headline = format!("file `{path}` is outside of the project");
        return Err(Box::new(Diagnostic::new(Code::FileError, headline).help("keep it in the project's directory")));
    }
    read(&within, &real)
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

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn a_pattern_says_where_a_new_file_belongs() {
        for (pattern, expected) in [
            ("specs/**/*.yaml", Some("specs/offices.yaml")),
            ("specs/*.transload.yaml", Some("specs/offices.transload.yaml")),
            ("*.yaml", Some("offices.yaml")),
            ("a/b/**/spec_*.yaml", Some("a/b/spec_offices.yaml")),
            ("specs/all.yaml", None),
            ("*/specs/*.yaml", None),
            ("specs/?*.yaml", None),
            ("specs/*/*.yaml", None),
        ] {
            assert_eq!(named(pattern, "offices").as_deref(), expected, "{pattern}");
        }
    }
}
