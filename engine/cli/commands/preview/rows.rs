//! The rows that are previewed: from a file, from the source, or those in quarantine.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use serde_json::Value;
use transload_model::{
    Code, ColumnName, Destination, Diagnostic, EntityPlan, HeldRow, KeyBytes, LogicalType, ReadColumn, Relation,
    Selection, SourceBatch, TransformFactory,
};
use transload_run::{Trial, Tried, Wanted, find, parse_key};

use crate::cli::args::Preview;
use crate::cli::failure::Failure;
use crate::cli::render::Screen;
use crate::cli::wiring::World;

/// Rows of a JSON file, or of standard input: one object, or a list of them.
pub(super) fn from_file(
    trial: &Trial<'_>,
    entity: &EntityPlan,
    path: &Path,
    screen: &Screen,
) -> Result<SourceBatch, Failure> {
    let refused = |reason: String| {
        let headline = format!("the rows of `{}` cannot be read: {reason}", path.display());
        let help = "write a JSON object with the source's columns, or a list of such objects";
        Failure::from(Diagnostic::new(Code::FileError, headline).help(help))
    };
    let mut text = String::new();
    let read = match path.to_str() {
        Some("-") => std::io::stdin().read_to_string(&mut text),
        _ => std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text)),
    };
    read.map_err(|error| refused(error.to_string()))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| refused(error.to_string()))?;
    let items = match value {
        Value::Array(items) => items,
        one => vec![one],
    };
    let mut rows = Vec::new();
    for item in items {
        let Value::Object(map) = item else { return Err(refused("a row is no object".to_owned())) };
        let mut row = BTreeMap::new();
        for (name, value) in map {
            let column = ColumnName::parse(&name).map_err(|error| refused(error.to_string()))?;
            row.insert(column, value);
        }
        rows.push(row);
    }
    tell_unread(entity, &rows, screen);
    trial.batch(&rows).map_err(|(row, column, reason)| {
        refused(format!("in row {}, `{column}` is none of its column's type: {reason}", row + 1))
    })
}

/// Columns that nothing reads are most often meant otherwise.
fn tell_unread(entity: &EntityPlan, rows: &[BTreeMap<ColumnName, Value>], screen: &Screen) {
    let is_unread = |name: &&ColumnName| entity.reads.iter().all(|read| read.name != **name);
    let unread: BTreeSet<&str> =
        rows.iter().flat_map(BTreeMap::keys).filter(is_unread).map(ColumnName::as_str).collect();
    if !unread.is_empty() {
        let names = unread.into_iter().collect::<Vec<_>>().join(", ");
        screen.hint(&format!("the spec of `{}` does not read {names}", entity.name));
    }
}

/// Rows of the source, as they are now.
pub(super) async fn from_source(
    world: &World,
    entity: &EntityPlan,
    held: &[HeldRow],
    preview: &Preview,
) -> Result<SourceBatch, Failure> {
    let wanted = wanted(world, entity, held, preview)?;
    let Some(source) = world.sources.get(&entity.source.connection) else {
        let headline = format!("connection `{}` is not open", entity.source.connection);
        return Err(Diagnostic::new(Code::UnknownConnection, headline).into());
    };
    let mut relation = entity.relation();
    if let Some(condition) = &preview.condition {
        relation = relation.narrowed(condition);
        source.describe(&relation).await?;
    }
    let snapshot = source.snapshot(std::slice::from_ref(&relation), 1).await?;
    let mut reader = snapshot.reader().await?;
    let found = find(reader.as_mut(), &relation, &entity.reads, &entity.key.source, &wanted).await?;
    if let Wanted::Keys(keys) = &wanted
        && found.rows.num_rows() < keys.len()
        && preview.key.is_some()
    {
        let among = match entity.rows {
            Selection::All => "",
            Selection::Where(_) | Selection::Query(_) => " among those that `source` selects",
        };
        let headline = format!("`{}` has no row with this key{among}", entity.source.table);
        let help = "a key is written as its canonical text; `transload quarantine` shows some";
        return Err(Diagnostic::new(Code::UnknownKey, headline).help(help).into());
    }
    Ok(found)
}

fn wanted(world: &World, entity: &EntityPlan, held: &[HeldRow], preview: &Preview) -> Result<Wanted, Failure> {
    if let Some(text) = &preview.key {
        let key = parse_key(&*world.functions, &entity.key_types(), text).map_err(|reason| {
            let headline = format!("`--key` is no key of `{}`: {reason}", entity.name);
            Failure::from(Diagnostic::new(Code::UnknownKey, headline))
        })?;
        return Ok(Wanted::Keys(BTreeSet::from([key])));
    }
    if !preview.quarantined {
        return Ok(Wanted::First(preview.limit));
    }
    let keys = held.iter().map(|held| held.row.key.clone()).filter(|key| !key.is_unkeyed());
    Ok(Wanted::Keys(keys.take(preview.limit).collect()))
}

/// What the destination holds of these rows, a text for each of their columns.
pub(super) async fn current(
    destination: &dyn Destination,
    entity: &EntityPlan,
    tried: &Tried,
    world: &World,
) -> Result<Vec<Option<Vec<Option<String>>>>, Failure> {
    let columns: Vec<ReadColumn> =
        tried.columns.iter().map(|column| ReadColumn { name: column.name.clone(), logical: column.logical }).collect();
    let position = |name: &ColumnName| columns.iter().position(|column| column.name == *name);
    let key: Vec<usize> = entity.key.destination.iter().filter_map(position).collect();
    let types: Vec<LogicalType> = key.iter().map(|at| columns[*at].logical).collect();
    let keys: Vec<Option<KeyBytes>> =
        (0..tried.faults.len()).map(|row| key_of(tried, &key, &types, row, world)).collect();
    let wanted = Wanted::Keys(keys.iter().flatten().cloned().collect());
    let mut reader = destination.reader().await?;
    let found =
        find(reader.as_mut(), &Relation::all(entity.destination.table.clone()), &columns, &key, &wanted).await?;
    let texts: Vec<Vec<Option<String>>> = columns
        .iter()
        .zip(found.rows.columns())
        .map(|(column, cells)| world.functions.texts(cells, column.logical))
        .collect();
    let mut by_key = BTreeMap::new();
    for row in 0..found.rows.num_rows() {
        let cells: Vec<Option<String>> = texts.iter().map(|column| column[row].clone()).collect();
        let parts: Vec<String> = key.iter().map(|at| cells[*at].clone().unwrap_or_default()).collect();
        by_key.insert(key_text(&parts), cells);
    }
    let of_row = |key: &Option<KeyBytes>| by_key.get(&key.as_ref()?.text()).cloned();
    Ok(keys.iter().map(of_row).collect())
}

fn key_of(tried: &Tried, key: &[usize], types: &[LogicalType], row: usize, world: &World) -> Option<KeyBytes> {
    let parts: Option<Vec<String>> = key.iter().map(|at| tried.columns[*at].texts[row].clone()).collect();
    parse_key(&*world.functions, types, &key_text(&parts?)).ok()
}

/// A key's text: of one column as it is, of several as a JSON array.
fn key_text(parts: &[String]) -> String {
    match parts {
        [only] => only.clone(),
        _ => Value::from(parts).to_string(),
    }
}
