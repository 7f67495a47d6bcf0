//! `transload.lock`: what both ends held when the project was locked, and what `auto_map` stood for.
//!
//! With it a project is checked without its databases, and a star copies nothing that nobody looked at. It is written by a machine and read
//! by people: a line for each column, always in the same order, so that a difference between two of them is the change and nothing else.
//! Environments may have other systems behind their connections, whose tables have other types; so it has a section for each set of systems.

mod accept;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use transload_model::{
    Catalog, Code, ColumnName, ConnectionName, ConnectionPlan, Diagnostic, EntityName, SourceFile, Table, TableName,
};

use crate::Project;
use crate::compile::{Catalogs, targets};
use crate::decode::{Reader, Spec, tree};
use crate::problems::{Place, Problems, problem};
use crate::yaml;
pub use accept::accept;
use table::LockedTable;

/// The file, beside `transload.yaml`.
pub(crate) const LOCK_FILE: &str = "transload.lock";

/// Bytes of a lock: five thousand tables of a dozen columns fit.
pub(crate) const LOCK_BYTES_MAX: usize = 32 << 20;

/// The form of the file. A change of it is a new version.
const VERSION: u32 = 1;

const HEADING: &str = "# Written by `transload validate --lock`. Commit it; it is not meant to be edited.\n";

/// A lock that was read.
#[derive(Debug)]
pub(crate) struct Lock {
    /// The section that counts: that of the project's systems, or the first one where there is none.
    content: Content,
    /// All sections.
    sections: Vec<Content>,
    /// The place of the section of the project's systems; behind all where there is none.
    at: usize,
    catalogs: Catalogs,
    auto_mapped: BTreeMap<EntityName, BTreeSet<ColumnName>>,
}

/// What is in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    /// RFC 3339.
    locked_at: String,
    /// The system behind each connection.
    connections: BTreeMap<String, String>,
    entities: BTreeMap<String, LockedEntity>,
    /// By connection and name.
    tables: BTreeMap<String, BTreeMap<String, LockedTable>>,
    /// What there is of other systems; only in the first section.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    other_systems: Vec<Content>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockedEntity {
    source: String,
    destination: String,
    /// Destination columns that `auto_map` fills; not there for a spec without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auto_mapped: Option<BTreeSet<String>>,
    /// What its query gives; not there for a spec without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    query: Option<LockedTable>,
}

impl Content {
    /// Whether it speaks of these connections: none of them has another system.
    fn is_of(&self, connections: &[&ConnectionPlan]) -> bool {
        let is_same = |known: &&ConnectionPlan| {
            self.connections.get(known.name.as_str()).is_none_or(|system| *system == known.system)
        };
        connections.iter().all(is_same)
    }
}

/// The text of a lock with these sections.
fn written(sections: Vec<Content>) -> String {
    let mut sections = sections.into_iter();
    let first = sections.next().map(|first| Content { other_systems: sections.collect(), ..first });
    // The types of this file have no value that JSON lacks.
    let document = serde_json::to_value(&first).unwrap_or_default();
    format!("{HEADING}{}", yaml::write(&document, usize::MAX))
}

impl Lock {
    /// Reads a lock, for a project with these connections.
    pub(crate) fn read(file: &Arc<SourceFile>, connections: &[&ConnectionPlan]) -> Result<Self, Box<Diagnostic>> {
        if let Some(mark) = merge_mark(file) {
            let headline = format!("`{LOCK_FILE}` cannot be read: a merge left its marks in it");
            let found = problem(Code::LockUnreadable, headline, &mark, "this mark");
            return Err(Box::new(found.help(Code::LockUnreadable.info().remedy)));
        }
        let mut problems = Problems::default();
        let value = yaml::load_up_to(file, LOCK_BYTES_MAX, &mut problems)
            .and_then(|node| tree(&mut Reader { file, problems: &mut problems }, &node, "a value of the lock"));
        let Some(value) = value else {
            let found = problems.finish();
            return Err(Box::new(match found.into_iter().next() {
                Some(found) => Diagnostic { code: Code::LockUnreadable, ..found },
                None => unreadable("it holds nothing"),
            }));
        };
        if !value.is_object() {
            return Err(Box::new(unreadable("it holds no map")));
        }
        let mut first: Content =
            serde_json::from_value(value).map_err(|error| Box::new(unreadable(&error.to_string())))?;
        let others = std::mem::take(&mut first.other_systems);
        let sections: Vec<Content> = std::iter::once(first).chain(others).collect();
        if let Some(other) = sections.iter().find(|section| section.version != VERSION) {
            let reason = format!("it has version {}, this Transload writes {VERSION}", other.version);
            return Err(Box::new(unreadable(&reason)));
        }
        Self::of(sections, connections).ok_or_else(|| Box::new(unreadable("a name or a type in it is none")))
    }

    fn of(sections: Vec<Content>, connections: &[&ConnectionPlan]) -> Option<Self> {
        let at = sections.iter().position(|section| section.is_of(connections)).unwrap_or(sections.len());
        let content = sections.get(at).or(sections.first())?.clone();
        let mut catalogs = Catalogs::new();
        for (connection, tables) in &content.tables {
            let tables: Option<BTreeMap<TableName, Table>> =
                tables.iter().map(|(name, table)| Some((TableName::parse(name).ok()?, table.table(name)?))).collect();
            let catalog = Catalog { tables: tables?, ..Catalog::default() };
            catalogs.insert(ConnectionName::parse(connection).ok()?, catalog);
        }
        for (entity, locked) in &content.entities {
            let Some(query) = &locked.query else { continue };
            let (connection, name) = locked.source.split_once('.')?;
            let catalog = catalogs.entry(ConnectionName::parse(connection).ok()?).or_default();
            catalog.written.insert(EntityName::parse(entity).ok()?, Ok(query.table(name)?));
        }
        let mut auto_mapped = BTreeMap::new();
        for (entity, locked) in &content.entities {
            let Some(columns) = &locked.auto_mapped else { continue };
            let columns: Option<BTreeSet<ColumnName>> =
                columns.iter().map(|name| ColumnName::parse(name).ok()).collect();
            auto_mapped.insert(EntityName::parse(entity).ok()?, columns?);
        }
        Some(Self { content, sections, at, catalogs, auto_mapped })
    }

    /// The text of the lock with another section of the project's systems. What it holds of others stays.
    fn with(&self, content: Content) -> String {
        let mut sections = self.sections.clone();
        match sections.get_mut(self.at) {
            Some(known) => *known = content,
            None => sections.push(content),
        }
        written(sections)
    }

    /// What both ends held.
    pub(crate) fn catalogs(&self) -> &Catalogs {
        &self.catalogs
    }

    /// The system that was behind a connection.
    pub(crate) fn system(&self, connection: &ConnectionName) -> Option<&str> {
        self.content.connections.get(connection.as_str()).map(String::as_str)
    }

    /// Whether it was written when there was a spec of the entity.
    pub(crate) fn has(&self, entity: &EntityName) -> bool {
        self.content.entities.contains_key(entity.as_str())
    }

    /// Whether it holds all that a spec names.
    pub(crate) fn holds(&self, project: &Project, spec: &Spec) -> bool {
        self.has(&spec.entity.value) && self.lacks(project, spec).is_empty()
    }

    /// What a spec names and the lock does not hold: tables, and what its query gives.
    pub(crate) fn lacks(&self, project: &Project, spec: &Spec) -> Vec<String> {
        let (from, to) = (project.source(), project.destination());
        let table = |connection: &ConnectionName, name: &TableName| {
            let lacks = self.table(project, connection, name).is_none();
            lacks.then(|| format!("{connection}.{name}"))
        };
        let source = match spec.is_query() {
            true if self.query(project, from, &spec.entity.value).is_some() => None,
            true => Some(format!("{from}.{}", spec.source_table.value)),
            false => table(from, &spec.source_table.value),
        };
        let looked_in = targets(self.catalogs.get(to), spec).filter_map(|target| table(to, &target.table.value));
        source.into_iter().chain(table(to, &spec.destination_table.value)).chain(looked_in).collect()
    }

    /// When it was written.
    pub(crate) fn locked_at(&self) -> &str {
        &self.content.locked_at
    }

    /// The destination columns that `auto_map` of an entity stood for; `None` where the lock has no such entity, or it had no `auto_map`.
    pub(crate) fn auto_mapped(&self, entity: &EntityName) -> Option<&BTreeSet<ColumnName>> {
        self.auto_mapped.get(entity)
    }

    /// What the query of an entity gave; `None` as with [`Lock::table`].
    pub(crate) fn query(&self, project: &Project, connection: &ConnectionName, entity: &EntityName) -> Option<&Table> {
        let is_same = self.system(connection) == system(project, connection);
        self.catalogs.get(connection)?.written.get(entity)?.as_ref().ok().filter(|_| is_same)
    }

    /// The table as it was; `None` where the lock does not have it, or was written for another system than the project's now.
    pub(crate) fn table(&self, project: &Project, connection: &ConnectionName, table: &TableName) -> Option<&Table> {
        let is_same = self.system(connection) == system(project, connection);
        self.catalogs.get(connection)?.table(table).filter(|_| is_same)
    }
}

fn system<'a>(project: &'a Project, connection: &ConnectionName) -> Option<&'a str> {
    project.connections().find(|known| known.name == *connection).map(|known| known.system.as_str())
}

/// The first mark that a merge left.
fn merge_mark(file: &Arc<SourceFile>) -> Option<Place> {
    let is_mark = |line: &str| ["<<<<<<<", ">>>>>>>"].iter().any(|mark| line.starts_with(mark)) || line == "=======";
    let mut start = 0;
    for line in file.text.split('\n') {
        if is_mark(line.trim_end()) {
            return Some(Place { file: Arc::clone(file), span: start..start + line.trim_end().len() });
        }
        start += line.len() + 1;
    }
    None
}

fn unreadable(reason: &str) -> Diagnostic {
    Diagnostic::new(Code::LockUnreadable, format!("`{LOCK_FILE}` cannot be read: {reason}"))
        .help(Code::LockUnreadable.info().remedy)
}

/// The text of a lock. Where nothing but the time would change, `before` stays as it is.
pub(crate) fn text(project: &Project, specs: &[Spec], catalogs: &Catalogs, now: &str, before: Option<&Lock>) -> String {
    let mut content = Content {
        version: VERSION,
        locked_at: now.to_owned(),
        connections: BTreeMap::new(),
        entities: BTreeMap::new(),
        tables: BTreeMap::new(),
        other_systems: Vec::new(),
    };
    for spec in specs {
        let mut locked = |connection: &ConnectionName, table: &TableName, is_there: bool| {
            let catalog = catalogs.get(connection).filter(|_| is_there);
            let found = catalog.and_then(|catalog| Some(LockedTable::of(catalog.table(table)?, catalog)));
            if let (Some(found), Some(system)) = (found, system(project, connection)) {
                content.connections.insert(connection.to_string(), system.to_owned());
                let tables = content.tables.entry(connection.to_string()).or_default();
                tables.insert(table.to_string(), found);
            }
            format!("{connection}.{table}")
        };
        let source = locked(project.source(), &spec.source_table.value, !spec.is_query());
        let destination = locked(project.destination(), &spec.destination_table.value, true);
        for target in targets(catalogs.get(project.destination()), spec) {
            locked(project.destination(), &target.table.value, true);
        }
        if !spec.is_active && content.entities.contains_key(spec.entity.value.as_str()) {
            continue;
        }
        let copied = spec.fields.iter().filter(|field| field.is_auto);
        let copied = copied.map(|field| field.destination.value.to_string()).collect();
        let auto_mapped = spec.auto_map.is_some().then_some(copied);
        let query = catalogs.get(project.source()).filter(|_| spec.is_query());
        let query = query.and_then(|catalog| {
            Some(LockedTable::of(catalog.written.get(&spec.entity.value)?.as_ref().ok()?, catalog))
        });
        if let (Some(_), Some(system)) = (&query, system(project, project.source())) {
            content.connections.insert(project.source().to_string(), system.to_owned());
        }
        content
            .entities
            .insert(spec.entity.value.to_string(), LockedEntity { source, destination, auto_mapped, query });
    }
    let Some(before) = before else { return written(vec![content]) };
    let same = Content { locked_at: before.content.locked_at.clone(), ..content.clone() };
    before.with(if same == before.content { same } else { content })
}
