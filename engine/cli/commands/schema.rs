//! `schema`: JSON Schemas, by which editors complete, explain and check the files of a project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use transload_model::{EntityName, Exit};
use transload_spec::{EntitySchemas, OfferedFunction, Project, schema_text};
use transload_transform::Functions;

use crate::cli::args::{Format, Schema};
use crate::cli::failure::{Failure, file_error, unknown_entity};
use crate::cli::render::{Screen, pretty};
use crate::cli::text::some;
use crate::cli::wiring::{self, Chosen};

/// Where a project keeps them, so that a file's first line can name its own by a path that holds everywhere.
pub(super) const FOLDER: &str = "schemas";

/// Those that every project has.
const KINDS: [&str; 3] = ["project", "spec", "template"];

fn of_kind(kind: &str) -> Option<Value> {
    match kind {
        "project" => Some(transload_spec::project_schema()),
        "spec" => Some(transload_spec::spec_schema()),
        "template" => Some(transload_spec::template_schema()),
        _ => None,
    }
}

pub(crate) async fn run(chosen: &Chosen, asked: &Schema, screen: &Screen) -> Result<Exit, Failure> {
    if asked.write {
        return write(chosen, screen).await;
    }
    let schema = match of_kind(&asked.what) {
        Some(schema) => schema,
        None => of_entity(chosen, &asked.what, screen).await?,
    };
    screen.answer(schema_text(&schema).trim_end());
    Ok(Exit::Done)
}

async fn of_entity(chosen: &Chosen, what: &str, screen: &Screen) -> Result<Value, Failure> {
    let (_, mut schemas) = entities(chosen, screen).await?;
    let wanted = schemas.keys().find(|entity| entity.as_str() == what).cloned();
    if let Some(schema) = wanted.and_then(|entity| schemas.remove(&entity)) {
        return Ok(schema);
    }
    let names: Vec<&EntityName> = schemas.keys().collect();
    Err(unknown_entity(what, &names))
}

async fn write(chosen: &Chosen, screen: &Screen) -> Result<Exit, Failure> {
    let (root, entities) = entities(chosen, screen).await?;
    let Written { files, changed } = write_all(&root, entities)?;
    if screen.format == Format::Json {
        screen.answer(&pretty(&json!({ "schema": "transload.schema/1", "files": files, "changed": changed })));
    } else if changed.is_empty() {
        screen.hint(&format!("{} in {FOLDER}/ are as they were", some(files.len(), "schema")));
    } else {
        let (changed, all) = (changed.len(), some(files.len(), "schema"));
        screen.hint(&format!("wrote {changed} of {all} in {FOLDER}/; commit them, and begin each spec with the line"));
        screen.hint("# yaml-language-server: $schema=../schemas/ENTITY.json");
    }
    Ok(Exit::Done)
}

/// What was written, as paths of the project.
struct Written {
    files: Vec<String>,
    changed: Vec<String>,
}

fn write_all(root: &Path, entities: BTreeMap<EntityName, Value>) -> Result<Written, Failure> {
    let folder = root.join(FOLDER);
    std::fs::create_dir_all(&folder).map_err(|error| file_error(&folder, &error))?;
    let kinds = KINDS.iter().filter_map(|kind| Some((format!("{kind}.json"), of_kind(kind)?)));
    let entities = entities.into_iter().map(|(entity, schema)| (file_name(&entity), schema));
    let mut written = Written { files: Vec::new(), changed: Vec::new() };
    for (name, schema) in kinds.chain(entities) {
        let shown = format!("{FOLDER}/{name}");
        if put(&folder.join(name), &schema_text(&schema))? {
            written.changed.push(shown.clone());
        }
        written.files.push(shown);
    }
    Ok(written)
}

/// Writes those of a project that has a lock; no variable of the environment is read, and no database asked.
pub(crate) fn write_locked(directory: &Path) -> Result<(), Failure> {
    let project = Project::load(directory, None, &|_| None)?;
    let EntitySchemas { schemas, .. } = transload_spec::entity_schemas(&project, &offered(&project)?, None);
    write_all(project.root(), schemas).map(|_| ())
}

/// The project's directory, and the schemas of its entities. Databases are asked only for tables that the lock does not have.
async fn entities(chosen: &Chosen, screen: &Screen) -> Result<(PathBuf, BTreeMap<EntityName, Value>), Failure> {
    let project = wiring::project(chosen)?;
    let (root, functions) = (project.root().to_owned(), offered(&project)?);
    let mut found = transload_spec::entity_schemas(&project, &functions, None);
    if !found.unknown.is_empty() {
        match wiring::catalogs(&project).await {
            Ok((catalogs, _)) => found = transload_spec::entity_schemas(&project, &functions, Some(&catalogs)),
            // What is locked is known all the same.
            Err(Failure(problems)) if project.locked_at().is_some() => {
                problems.iter().for_each(|problem| screen.problem(problem));
            }
            Err(failure) => return Err(failure),
        }
    }
    for table in &found.unknown {
        screen.hint(&format!("the columns of {table} are not known, and not in the schemas"));
    }
    Ok((root, found.schemas))
}

/// The functions that every spec of a project may call. A library that cannot be read is told of by `validate`; what every project has is
/// offered all the same.
fn offered(project: &Project) -> Result<Vec<OfferedFunction>, Failure> {
    let functions = Functions::new(project.transforms()).or_else(|_| Functions::new(&[]))?;
    let first_sentence = |text: &str| text.split_once(". ").map_or(text.to_owned(), |(first, _)| format!("{first}."));
    let pages = functions.pages().into_iter();
    Ok(pages.map(|page| OfferedFunction { name: page.name, summary: first_sentence(&page.summary) }).collect())
}

/// The lines by which editors find the schema of a spec: one for most of them, one for those of JetBrains.
pub(super) fn modelines(spec_path: &str, entity: &EntityName) -> String {
    let up = "../".repeat(spec_path.matches('/').count());
    let path = format!("{up}{FOLDER}/{}", file_name(entity));
    format!("# yaml-language-server: $schema={path}\n# $schema: {path}\n")
}

/// The file of an entity's schema. One that is called as a kind is, in whatever case, must not take its place.
fn file_name(entity: &EntityName) -> String {
    let is_taken = KINDS.iter().any(|kind| entity.as_str().eq_ignore_ascii_case(kind));
    if is_taken { format!("{entity}.entity.json") } else { format!("{entity}.json") }
}

/// Writes a file where it would change, and says whether it did.
fn put(path: &Path, text: &str) -> Result<bool, Failure> {
    if std::fs::read_to_string(path).is_ok_and(|known| known == text) {
        return Ok(false);
    }
    std::fs::write(path, text).map_err(|error| file_error(path, &error))?;
    Ok(true)
}
