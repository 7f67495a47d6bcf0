//! How large a file may be: as it is, after its aliases, and in depth.

use std::sync::Arc;

use transload_model::{Code, Diagnostic, SourceFile};

use crate::problems::{Place, problem};

/// The largest file that people write.
pub(crate) const FILE_BYTES_MAX: usize = 1 << 20;
/// The largest that a file may become by its aliases.
pub(crate) const EXPANDED_BYTES_MAX: usize = 16 << 20;
/// Lists and maps inside one another.
pub(crate) const DEPTH_MAX: usize = 64;
/// What a node repeated by an alias costs beside its text: what it takes in memory, so that a million empty ones are bounded too.
pub(crate) const REPEATED_NODE_BYTES: usize = 160;

/// The problem of a file that is larger than any of its kind.
pub(crate) fn too_large(file: &Arc<SourceFile>, bytes_max: usize) -> Diagnostic {
    let headline = format!("file `{}` has more than {bytes_max} bytes", file.path);
    Diagnostic::new(Code::SpecLimit, headline).label(file, 0..0, "this file")
}

/// The problem of a node that is deeper than any spec nests.
pub(crate) fn too_deep(place: &Place) -> Diagnostic {
    let headline = format!("file `{}` nests more than {DEPTH_MAX} deep", place.file.path);
    problem(Code::SpecLimit, headline, place, "too deep from here")
}
