//! Writes drafts where there is no file yet, and adds lines to specs that there are.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use transload_infer::{Addition, Draft, Inferred, MARK, Mappings, Style, added};
use transload_model::{Code, ColumnName, Diagnostic, EntityName};
use transload_spec::{Mapped, Outlined, Project, mapped_columns};

use crate::cli::args::Infer;
use crate::cli::commands::schema::{FOLDER, modelines};
use crate::cli::failure::{Failure, file_error};

/// What became of the spec of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// It is new.
    Drafted,
    /// It was there and was left alone.
    Exists,
    /// It was there, and these columns were added.
    Updated(Vec<ColumnName>),
    /// It was there, and these columns could be added by hand: its mappings do not stand on lines of their own.
    ByHand(Vec<ColumnName>),
}

/// A spec, and what became of it.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) state: State,
    /// What stands in it now, or would.
    pub(super) text: String,
}

/// All of them by entity; of specs that are not active there may be several.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) drafts: BTreeMap<EntityName, File>,
    /// In the order of the specs.
    pub(super) specs: Vec<File>,
}

impl Done {
    /// Whether any file is other than it was.
    pub(super) fn has_written(&self) -> bool {
        let mut files = self.drafts.values().chain(&self.specs);
        files.any(|file| matches!(file.state, State::Drafted | State::Updated(_)))
    }
}

impl File {
    /// The lines that a person should look at, as `path:line`, of what this run wrote.
    pub(super) fn marks(&self) -> Vec<String> {
        let is_meant = |line: &str| match &self.state {
            State::Drafted => line.contains(MARK),
            State::Updated(columns) => {
                let is_new = |column: &ColumnName| line.contains(column.as_str());
                line.contains(MARK) && !line.trim_start().starts_with('#') && columns.iter().any(is_new)
            }
            State::Exists | State::ByHand(_) => false,
        };
        let lines = self.text.lines().enumerate().filter(|(_, line)| is_meant(line));
        lines.map(|(at, _)| format!("{}:{}", self.path, at + 1)).collect()
    }
}

/// What would be written.
pub(super) fn planned(
    project: &Project,
    inferred: &Inferred,
    outlines: &[Outlined],
    asked: &Infer,
) -> Result<Done, Failure> {
    let mut done = Done::default();
    for draft in &inferred.drafts {
        let path = path(project, draft)?;
        let is_there = project.root().join(&path).symlink_metadata().is_ok();
        let state = if is_there { State::Exists } else { State::Drafted };
        let has_schemas = project.root().join(FOLDER).is_dir();
        let head = if has_schemas { modelines(&path, &draft.entity) } else { String::new() };
        let text = format!("{head}{}", transload_infer::spec(draft));
        done.drafts.insert(draft.entity.clone(), File { path, state, text });
    }
    for (addition, outline) in pairs(inferred, outlines) {
        done.specs.push(updated(project, addition, outline, asked.update));
    }
    Ok(done)
}

/// Writes what is planned. A file that came to be in the meantime is left alone.
pub(super) fn written(
    project: &Project,
    inferred: &Inferred,
    outlines: &[Outlined],
    asked: &Infer,
) -> Result<Done, Failure> {
    let mut done = planned(project, inferred, outlines, asked)?;
    for file in done.drafts.values_mut().filter(|file| file.state == State::Drafted) {
        let path = project.root().join(&file.path);
        if !created(&path, &file.text).map_err(|error| file_error(&path, &error))? {
            file.state = State::Exists;
        }
    }
    for ((_, outline), file) in pairs(inferred, outlines).zip(&mut done.specs) {
        if !matches!(file.state, State::Updated(_)) {
            continue;
        }
        let path = project.root().join(&file.path);
        if !replaced(&path, &outline.file.text, &file.text).map_err(|error| file_error(&path, &error))? {
            file.state = State::Exists;
        }
    }
    Ok(done)
}

fn path(project: &Project, draft: &Draft) -> Result<String, Failure> {
    project.spec_path(&draft.entity).ok_or_else(|| {
        let headline = format!("`specs` does not say where the spec of `{}` belongs", draft.entity);
        Diagnostic::new(Code::DraftPlace, headline).help(Code::DraftPlace.info().remedy).into()
    })
}

/// What could be added to each spec, and where it stands.
fn pairs<'a>(inferred: &'a Inferred, outlines: &'a [Outlined]) -> impl Iterator<Item = (&'a Addition, &'a Outlined)> {
    inferred.additions.iter().filter_map(|addition| Some((addition, outlines.get(addition.known)?)))
}

fn updated(project: &Project, addition: &Addition, outline: &Outlined, is_asked: bool) -> File {
    let text = outline.file.text.as_str();
    let file = |state, text: &str| File { path: outline.file.path.clone(), state, text: text.to_owned() };
    let new = outline.mappings.as_ref().and_then(|place| added(text, &mappings(place), &addition.fields));
    match new {
        _ if !is_asked => file(State::Exists, text),
        Some((new, columns)) if says_the_same(project, outline, &new, &columns) => file(State::Updated(columns), &new),
        Some((_, columns)) => file(State::ByHand(columns), text),
        None if outline.mappings.is_some() => file(State::Exists, text),
        None => {
            // Only which columns there are counts here, not where they would stand.
            let nowhere = Mappings::None { last: 0..text.len() };
            let columns = added(text, &nowhere, &addition.fields).map(|(_, columns)| columns);
            file(columns.map_or(State::Exists, State::ByHand), text)
        }
    }
}

/// Whether a spec still maps what it did, and these columns besides. Lines can stand in ways in which a new one does not belong behind the last.
fn says_the_same(project: &Project, outline: &Outlined, new: &str, columns: &[ColumnName]) -> bool {
    let mapped = |text: &str| mapped_columns(project, &outline.file.path, text);
    let expected = mapped(&outline.file.text).map(|before| before.into_iter().chain(columns.iter().cloned()).collect());
    expected.is_some() && mapped(new) == expected
}

fn mappings(place: &Mapped) -> Mappings {
    let last = place.last.clone();
    match place.is_list {
        None => Mappings::None { last },
        Some(is_list) => {
            let style = if is_list { Style::List } else { Style::Map };
            Mappings::Block { style, indent: place.indent, last }
        }
    }
}

/// Makes a file; `false` where there is one.
fn created(path: &Path, text: &str) -> std::io::Result<bool> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(error),
    };
    file.write_all(text.as_bytes())?;
    Ok(true)
}

/// Replaces a file's text whole; `false` where it is not what was looked at any more.
fn replaced(path: &Path, before: &str, after: &str) -> std::io::Result<bool> {
    let found = std::fs::read_to_string(path)?;
    // A mark of the byte order stands before the text that was looked at.
    let Some(mark) = found.strip_suffix(before) else { return Ok(false) };
    let unfinished = path.with_extension("unfinished");
    std::fs::write(&unfinished, format!("{mark}{after}"))?;
    std::fs::rename(&unfinished, path)?;
    Ok(true)
}
