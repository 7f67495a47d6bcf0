//! `sqlite:PATH`: a file. Relative paths become absolute, so that the URL means the same wherever it is read.

use std::path::Path;

use transload_model::Code;

use crate::decode::Reader;
use crate::problems::{Located, Place, problem};

/// `sqlite:PATH` with an absolute path.
pub(crate) fn url(reader: &mut Reader<'_>, root: &Path, url: &Located<String>, what: &str) -> Option<String> {
    let rest = url.value.strip_prefix("sqlite:").unwrap_or(&url.value);
    let written = rest.strip_prefix("//").unwrap_or(rest);
    path(reader, root, &url.place, written, what)
}

/// The URL of a path that was written at a place.
pub(crate) fn path(reader: &mut Reader<'_>, root: &Path, place: &Place, path: &str, what: &str) -> Option<String> {
    let reason = match path {
        "" => "names no file",
        _ if path.starts_with(":memory:") => "names a database in memory, which is gone before the next run",
        _ if path.contains('?') => "has parameters, which are not read",
        _ if path.contains('\0') => "names no file",
        _ => return Some(file_url(root, path)),
    };
    let headline = format!("{what} {reason}");
    reader.problems.push(problem(Code::ConnectionUrl, headline, place, "this value").help("write `sqlite:PATH`"));
    None
}

/// The URL of a file of the project.
pub(crate) fn file_url(root: &Path, path: &str) -> String {
    let joined = root.join(path);
    let absolute = std::path::absolute(&joined).unwrap_or(joined);
    format!("sqlite:{}", absolute.display())
}
