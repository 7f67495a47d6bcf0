//! Files that look like specs and are not read, because `specs` does not match their names.
//!
//! A spec that is saved under another ending is not refused by anybody: its entity just does not move any more.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use transload_model::{Code, Diagnostic};

use super::{PROJECT_FILE, Project, files};

/// What every spec says.
const MARK: &str = "entity_type";

/// A warning for each such file beside the specs.
pub(super) fn warnings(project: &Project) -> Vec<Diagnostic> {
    let pattern = &project.specs_pattern.text;
    let folders = pattern.rsplit_once('/').map_or("", |(folders, _)| folders);
    let around = if folders.is_empty() { "*".to_owned() } else { format!("{folders}/*") };
    let read = project.spec_files.iter().chain(&project.template_files).map(|file| file.path.as_str());
    let failed = project.unreadable.iter().map(|file| file.path.as_str());
    let known: BTreeSet<&str> = read.chain(failed).chain([PROJECT_FILE]).collect();
    let found = files::matching(&project.root, &around).unwrap_or_default();
    let is_other = |path: &&Path| is_yaml(path) && !known.contains(files::shown(&project.root, path).as_str());
    let others = found.iter().map(PathBuf::as_path).filter(is_other);
    others.filter_map(|path| warning(&project.root, path, pattern)).collect()
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ["yaml", "yml"].iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

fn warning(root: &Path, path: &Path, pattern: &str) -> Option<Diagnostic> {
    let file = files::read(root, path).ok()?;
    let start = file.text.find(MARK)?;
    let headline = format!("`{}` looks like a spec and is not read", file.path);
    let problem = Diagnostic::warning(Code::UnreadSpec, headline)
        .label(&file, start..start + MARK.len(), "what it says is not moved")
        .note(format!("files are specs where their names match `{pattern}`"));
    let renamed = files::shown(root, &path.with_extension("yaml"));
    let would_match = glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(&renamed));
    Some(match would_match && renamed != file.path {
        true => problem.help(format!("rename it to `{renamed}`, or move it elsewhere")),
        false => problem.help("give it such a name, or move it elsewhere"),
    })
}
