//! What the specs of a project cover, for whoever writes more of them.
//!
//! It looks at names and places and at nothing that could fail on types: a spec that is half done is just what is to be completed.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use transload_model::{ColumnName, Diagnostic, EntityName, SourceFile, Table, TableName};
use uuid::Uuid;

use crate::Project;
use crate::compile::{Catalogs, specs, with_surroundings};
use crate::decode::{AutoMap, Spec, Strategy, decode};
use crate::problems::Problems;
use crate::yaml::{self, Entry, Kind};

/// A spec, as far as it says which columns go where.
#[derive(Debug)]
pub struct Outlined {
    /// Its file.
    pub file: Arc<SourceFile>,
    /// Its entity.
    pub entity: EntityName,
    /// The table that it reads.
    pub source_table: TableName,
    /// The table that it writes.
    pub destination_table: TableName,
    /// Whether it is active.
    pub is_active: bool,
    /// The source's key columns.
    pub key_source: Vec<ColumnName>,
    /// The destination's key columns.
    pub key_destination: Vec<ColumnName>,
    /// Whether the key is a UUID of the old one.
    pub is_uuid: bool,
    /// Destination columns that it fills.
    pub filled: BTreeSet<ColumnName>,
    /// Source columns that it reads, or leaves out on purpose.
    pub used: BTreeSet<ColumnName>,
    /// The entities that it waits for.
    pub parents: BTreeSet<EntityName>,
    /// Where new mappings belong; `None` where they stand on one line, or come from elsewhere.
    pub mappings: Option<Mapped>,
}

/// Where the mappings of a spec stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// Whether they are a list, and not a map; `None` where there are none.
    pub is_list: Option<bool>,
    /// Characters before each.
    pub indent: usize,
    /// From where the last one begins, or the key behind which they would stand, to where the next key does, or the file ends.
    pub last: Range<usize>,
}

/// What a project says of keys that a spec says nothing of.
#[derive(Debug, Clone, Copy)]
pub struct KeyDefault {
    /// Whether a strategy is given, and whether it is `uuid_v5`.
    pub is_uuid: Option<bool>,
    /// Whether it is one that makes keys when rows are loaded.
    pub is_made: bool,
    /// The namespace.
    pub namespace: Option<Uuid>,
}

impl Project {
    /// What it says of keys that a spec says nothing of.
    #[must_use]
    pub fn key_default(&self) -> KeyDefault {
        let key = &self.defaults.piece.key;
        KeyDefault {
            is_uuid: key.strategy.as_ref().map(|strategy| strategy.value == Strategy::UuidV5),
            is_made: key
                .strategy
                .as_ref()
                .is_some_and(|strategy| matches!(strategy.value, Strategy::UuidV7 | Strategy::Database)),
            namespace: key.namespace.as_ref().map(|namespace| namespace.value),
        }
    }
}

/// What each spec of a project covers, by file. `catalogs` say which columns a star stands for.
///
/// # Errors
/// Everything that keeps a spec from being read: nobody could tell what it covers.
pub fn outlines(project: &Project, catalogs: &Catalogs) -> Result<Vec<Outlined>, Vec<Diagnostic>> {
    let mut problems = Problems::default();
    let (mut specs, _) = specs(project, &mut problems);
    if problems.has_errors() {
        return Err(problems.finish());
    }
    // What a star cannot copy is reported where the project is compiled.
    crate::compile::settle(project, &mut specs, catalogs, None, &mut Problems::default());
    Ok(specs.iter().map(|spec| outlined(project, spec, catalogs)).collect())
}

/// The destination columns that a spec would map if this were its text; `None` where it could not be read. A star is not asked.
#[must_use]
pub fn mapped_columns(project: &Project, path: &str, text: &str) -> Option<BTreeSet<ColumnName>> {
    let mut problems = Problems::default();
    let file = Arc::new(SourceFile::new(path, text));
    let spec =
        with_surroundings(project, &mut problems, |surroundings, problems| decode(&file, surroundings, problems))
            .ok()?;
    let is_sound = !problems.has_errors() && spec.has_all_fields;
    is_sound.then(|| spec.fields.iter().map(|field| field.destination.value.clone()).collect())
}

fn outlined(project: &Project, spec: &Spec, catalogs: &Catalogs) -> Outlined {
    let table = |connection, name| -> Option<&Table> { catalogs.get(connection)?.table(name) };
    let source = table(project.source(), &spec.source_table.value);
    let destination = table(project.destination(), &spec.destination_table.value);
    let key = |named: Option<Vec<ColumnName>>, table: Option<&Table>| {
        named.or_else(|| Some(table?.primary_key.clone())).unwrap_or_default()
    };
    let names = |named: &Option<Vec<crate::problems::Located<ColumnName>>>| {
        named.as_ref().map(|columns| columns.iter().map(|column| column.value.clone()).collect())
    };
    let mut filled: BTreeSet<ColumnName> = spec.fields.iter().map(|field| field.destination.value.clone()).collect();
    if spec.is_query() {
        // What a query gives is for whoever wrote it to map.
        filled.extend(destination.iter().flat_map(|table| &table.columns).map(|column| column.name.clone()));
    }
    let key_source = key(names(&spec.key.source), source);
    let references = spec.fields.iter().filter_map(|field| field.reference.as_ref());
    let parents = references.map(|reference| &reference.entity).chain(&spec.depends_on);
    Outlined {
        file: Arc::clone(&spec.file),
        entity: spec.entity.value.clone(),
        source_table: spec.source_table.value.clone(),
        destination_table: spec.destination_table.value.clone(),
        is_active: spec.is_active,
        used: used(spec, source),
        key_source,
        key_destination: key(names(&spec.key.destination), destination),
        is_uuid: spec.key.strategy.as_ref().is_some_and(|strategy| strategy.value == Strategy::UuidV5),
        filled,
        parents: parents.map(|parent| parent.value.clone()).collect(),
        mappings: mapped(&spec.file),
    }
}

/// Columns that a mapping names, a script mentions or a star leaves out.
fn used(spec: &Spec, table: Option<&Table>) -> BTreeSet<ColumnName> {
    let mut used: BTreeSet<ColumnName> =
        spec.fields.iter().flat_map(|field| &field.sources).map(|source| source.value.clone()).collect();
    let columns = table.map(|table| table.columns.as_slice()).unwrap_or_default();
    let is_mentioned =
        |name: &ColumnName| spec.functions.iter().any(|function| function.body.value.contains(name.as_str()));
    let is_excluded =
        |auto_map: &AutoMap, name: &ColumnName| auto_map.exclude.iter().any(|pattern| pattern.value.matches(name));
    for column in columns {
        if is_mentioned(&column.name)
            || spec.auto_map.as_ref().is_some_and(|auto_map| is_excluded(auto_map, &column.name))
        {
            used.insert(column.name.clone());
        }
    }
    used
}

fn mapped(file: &Arc<SourceFile>) -> Option<Mapped> {
    let root = yaml::load(file, &mut Problems::default())?;
    let Kind::Map(entries) = &root.kind else { return None };
    // A spec on one line has no line to put another one behind.
    if file.text.get(root.span.start..)?.starts_with('{') {
        return None;
    }
    let end = |entry: &Entry| {
        let next = entries.iter().map(|other| other.key_span.start).filter(|start| *start > entry.key_span.start);
        next.min().unwrap_or(file.text.len())
    };
    let find = |key: &str| entries.iter().find(|entry| entry.key == key);
    let Some(entry) = find("field_mappings") else {
        let entry = find("auto_map").or_else(|| find("use"))?;
        return Some(Mapped { is_list: None, indent: 2, last: entry.key_span.start..end(entry) });
    };
    let (is_list, last) = match &entry.value.kind {
        Kind::Map(fields) => (false, fields.last()?.key_span.start),
        Kind::List(fields) => (true, dash(&file.text, fields.last()?.span.start)?),
        Kind::Scalar(_) | Kind::Refused => return None,
    };
    let line = file.text.get(..last)?.rfind('\n')? + 1;
    let before = file.text.get(line..last)?;
    let is_block = before.chars().all(|sign| sign == ' ') && (entry.key_span.end..end(entry)).contains(&last);
    is_block.then_some(Mapped { is_list: Some(is_list), indent: before.len(), last: last..end(entry) })
}

/// Where the hyphen of a list's item stands.
fn dash(text: &str, item: usize) -> Option<usize> {
    let before = text.get(..item)?;
    let line = before.rfind('\n')? + 1;
    let hyphen = before.get(line..)?.rfind('-')?;
    Some(line + hyphen)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands behind `from` up to `to`, and how the mappings are written.
    fn place(text: &str) -> Option<(Option<bool>, usize, &str)> {
        let file = Arc::new(SourceFile::new("specs/a.yaml", text));
        let place = mapped(&file)?;
        Some((place.is_list, place.indent, text.get(place.last)?))
    }

    #[test]
    fn new_mappings_belong_behind_the_last_one() {
        for (text, expected) in [
            ("field_mappings:\n  a: b\n  c: d # e\n\nversion: 1\n", Some((Some(false), 2, "c: d # e\n\n"))),
            ("field_mappings:\n    a:\n      source_field: b", Some((Some(false), 4, "a:\n      source_field: b"))),
            (
                "field_mappings:\n- { destination_field: a-b }\n- source_field: b\n  x: 1\nversion: 1",
                Some((Some(true), 0, "- source_field: b\n  x: 1\n")),
            ),
            ("field_mappings:\n  - {\n      a: b }\n", Some((Some(true), 2, "- {\n      a: b }\n"))),
            ("auto_map: true # all\n# more\nversion: 1\n", Some((None, 2, "auto_map: true # all\n# more\n"))),
            ("version: 1\nuse: [a]", Some((None, 2, "use: [a]"))),
            // On one line, from elsewhere, or with nothing in it: a person must do it.
            ("field_mappings: { a: b }\n", None),
            ("field_mappings: {\n  a: b }\n", Some((Some(false), 2, "a: b }\n"))),
            ("x-all: &all\n  a: b\nfield_mappings: *all\n", None),
            ("field_mappings:\nversion: 1\n", None),
            ("field_mappings: []\n", None),
            ("{ field_mappings: { a: b } }\n", None),
            ("[]", None),
            ("field_mappings: {\n", None),
        ] {
            assert_eq!(place(text), expected, "{text}");
        }
    }
}
