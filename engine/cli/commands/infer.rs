//! `infer`: drafts of specs from what both databases hold.
//!
//! The guesses are made in `transload_infer`, which sees catalogs and shapes and no database. Here both ends are looked at, a few rows of columns
//! whose type says too little are read, files are written where there is none, and what was found is shown.

mod files;
mod rows;
mod show;

use std::collections::BTreeSet;

use glob::Pattern;
use transload_infer::{Asked, Inferred, KeyDefaults, KeyDraft, Known, Observations, Schemas, Selected};
use transload_model::{Catalog, Code, ColumnName, Diagnostic, Exit, TableName, nearest};
use transload_spec::{Outlined, Project};
use uuid::Uuid;

use crate::cli::args::{Format, Infer};
use crate::cli::failure::Failure;
use crate::cli::lock::{Locked, write_lock};
use crate::cli::render::{Screen, pretty};
use crate::cli::wiring::{self, Chosen, Ends};
use files::Done;

/// What came of it.
struct Answer {
    inferred: Inferred,
    outlines: Vec<Outlined>,
    done: Done,
    lock: Lock,
    source_tables: usize,
    destination_tables: usize,
}

/// What became of `transload.lock`.
enum Lock {
    /// Written, or as it was.
    Done(Locked),
    /// Nothing was to be locked.
    NotNeeded,
    /// The specs do not compile, for these reasons.
    Refused(Vec<Diagnostic>),
}

pub(crate) async fn run(chosen: &Chosen, asked: &Infer, screen: &Screen) -> Result<Exit, Failure> {
    let mut ends = wiring::ends(chosen).await?;
    let outlines = transload_spec::outlines(&ends.project, &ends.catalogs)?;
    let inferred = inferred(&ends, &outlines, asked).await?;
    let done = if asked.dry_run {
        files::planned(&ends.project, &inferred, &outlines, asked)?
    } else {
        files::written(&ends.project, &inferred, &outlines, asked)?
    };
    let lock = if asked.dry_run { Lock::NotNeeded } else { locked(&mut ends, chosen, &done)? };
    let tables = |name| ends.catalogs.get(name).map_or(0, |catalog: &Catalog| catalog.tables.len());
    let answer = Answer {
        source_tables: tables(ends.project.source()),
        destination_tables: tables(ends.project.destination()),
        inferred,
        outlines,
        done,
        lock,
    };
    match screen.format {
        Format::Json => screen.answer(&pretty(&show::document(&answer, ends.project.name(), asked))),
        _ => show::text(&answer, asked, screen),
    }
    Ok(Exit::Done)
}

/// Guesses from the catalogs, looks at rows of what they leave open, and guesses again.
async fn inferred(ends: &Ends, outlines: &[Outlined], asked: &Infer) -> Result<Inferred, Failure> {
    let (Some(source), Some(destination)) =
        (ends.catalogs.get(ends.project.source()), ends.catalogs.get(ends.project.destination()))
    else {
        return Ok(Inferred::default());
    };
    let known: Vec<Known> = outlines.iter().map(known).collect();
    let selected = selected(asked, source, destination, outlines)?;
    let schemas = Schemas::of(source, destination);
    let nothing = Observations::new();
    let question = Asked { known: &known, keys: keys(&ends.project), seen: &nothing, selected: &selected };
    let first = transload_infer::infer(&schemas, &question);
    if asked.no_rows {
        return Ok(first);
    }
    let seen = rows::observed(ends, source, &first).await?;
    Ok(transload_infer::infer(&schemas, &Asked { seen: &seen, ..question }))
}

/// Where the project gives no namespace for keys, one that follows from its name: the same each time.
fn keys(project: &Project) -> KeyDefaults {
    let default = project.key_default();
    let name = format!("https://transload.dev/projects/{}", project.name());
    KeyDefaults {
        is_uuid: default.is_uuid,
        is_made: default.is_made,
        has_namespace: default.namespace.is_some(),
        namespace: Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()),
    }
}

fn known(outline: &Outlined) -> Known {
    let (source, destination) = (&outline.key_source, &outline.key_destination);
    let key = match destination.as_slice() {
        [] => KeyDraft::Missing("the tables have no primary key".to_owned()),
        [column] if outline.is_uuid => KeyDraft::Uuid { source: source.clone(), destination: column.clone() },
        _ => KeyDraft::Kept(source.iter().cloned().zip(destination.iter().cloned()).collect()),
    };
    Known {
        entity: outline.entity.clone(),
        source_table: outline.source_table.clone(),
        destination_table: outline.destination_table.clone(),
        is_active: outline.is_active,
        settled: outline.filled.clone(),
        used: outline.used.clone(),
        key,
        parents: outline.parents.clone(),
    }
}

/// The tables that the flags choose.
fn selected(
    asked: &Infer,
    source: &Catalog,
    destination: &Catalog,
    outlines: &[Outlined],
) -> Result<Selected, Failure> {
    let mut sources = BTreeSet::new();
    for text in &asked.select {
        let pattern = Pattern::new(text).map_err(|error| {
            let headline = format!("`{text}` is no pattern: {}", error.msg);
            Diagnostic::new(Code::NothingSelected, headline).help("`*` and `?` stand for other characters")
        })?;
        let found: Vec<&TableName> = source.tables.keys().filter(|name| pattern.matches(name.as_str())).collect();
        if found.is_empty() {
            return Err(nothing_selected(text, "source", source));
        }
        sources.extend(found.into_iter().cloned());
    }
    let mut destinations = BTreeSet::new();
    for text in &asked.entity {
        // An entity that there is may be called otherwise than its table.
        let of_entity = outlines.iter().find(|outline| outline.entity.as_str() == text);
        let table = of_entity.map(|outline| &outline.destination_table);
        let table = table.or_else(|| destination.tables.keys().find(|name| name.as_str() == text));
        let table = table.ok_or_else(|| nothing_selected(text, "destination", destination))?;
        destinations.insert(table.clone());
    }
    let some = |names: BTreeSet<TableName>, is_chosen: bool| is_chosen.then_some(names);
    Ok(Selected {
        sources: some(sources, !asked.select.is_empty()),
        destinations: some(destinations, !asked.entity.is_empty()),
    })
}

fn nothing_selected(text: &str, end: &str, catalog: &Catalog) -> Failure {
    let headline = format!("no table of the {end} is called `{text}`");
    let problem = Diagnostic::new(Code::NothingSelected, headline);
    let help = match nearest(text, catalog.tables.keys().map(TableName::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => Code::NothingSelected.info().remedy.to_owned(),
    };
    problem.help(help).into()
}

/// Locks the project where all of its specs compile. What was there before is not locked again unless something was written.
fn locked(ends: &mut Ends, chosen: &Chosen, done: &Done) -> Result<Lock, Failure> {
    ends.read_again(chosen)?;
    let is_needed = done.has_written() || ends.project.locked_at().is_none();
    if !is_needed || ends.project.spec_files().is_empty() {
        return Ok(Lock::NotNeeded);
    }
    match write_lock(&ends.project, &ends.functions, &ends.catalogs) {
        Ok(locked) => Ok(Lock::Done(locked)),
        Err(Failure(problems)) if problems.iter().all(|problem| problem.code != Code::PermissionDenied) => {
            Ok(Lock::Refused(problems))
        }
        Err(failure) => Err(failure),
    }
}

/// Names with commas between them.
fn names(columns: &[ColumnName]) -> String {
    columns.iter().map(ColumnName::as_str).collect::<Vec<_>>().join(", ")
}
