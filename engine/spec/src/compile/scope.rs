//! All that the checks and the compiler look at: specs, catalogs, vocabulary.

use std::collections::BTreeMap;

use transload_model::{Catalog, Column, ColumnName, EntityName, Table, TableName, Vocabulary};

use crate::Project;
use crate::compile::Catalogs;
use crate::decode::{Outline, Spec};
use crate::lock::Lock;

/// Specs by the names of their entities: all that is needed to tell who waits for whom.
pub(crate) struct Entities<'a> {
    pub(crate) specs: &'a [Spec],
    outlines: &'a [Outline],
    by_name: BTreeMap<&'a EntityName, usize>,
}

/// What a project is compiled from.
pub(crate) struct Scope<'a> {
    pub(crate) project: &'a Project,
    pub(crate) specs: &'a [Spec],
    pub(crate) entities: Entities<'a>,
    pub(crate) source: Option<&'a Catalog>,
    pub(crate) destination: Option<&'a Catalog>,
    pub(crate) vocabulary: &'a dyn Vocabulary,
    /// What the project was locked to.
    pub(crate) lock: Option<&'a Lock>,
    /// Whether the catalogs are the lock's.
    pub(crate) is_offline: bool,
    source_tables: BTreeMap<&'a TableName, TableView<'a>>,
    /// What the queries of specs give, by entity.
    queries: BTreeMap<&'a EntityName, TableView<'a>>,
    destination_tables: BTreeMap<&'a TableName, TableView<'a>>,
}

/// A table whose columns are found by name at once; a table may have thousands.
pub(crate) struct TableView<'a> {
    pub(crate) table: &'a Table,
    columns: BTreeMap<&'a ColumnName, &'a Column>,
}

impl<'a> TableView<'a> {
    pub(crate) fn of(table: &'a Table) -> Self {
        Self { table, columns: table.columns.iter().map(|column| (&column.name, column)).collect() }
    }

    /// The column of that name.
    pub(crate) fn column(&self, name: &ColumnName) -> Option<&'a Column> {
        self.columns.get(name).copied()
    }
}

impl<'a> Entities<'a> {
    /// Of several specs of one name the active one counts, and of several active ones the first.
    pub(crate) fn new(specs: &'a [Spec], outlines: &'a [Outline]) -> Self {
        let mut by_name = BTreeMap::new();
        for (index, spec) in specs.iter().enumerate().rev().filter(|(_, spec)| !spec.is_active) {
            by_name.insert(&spec.entity.value, index);
        }
        for (index, spec) in specs.iter().enumerate().rev().filter(|(_, spec)| spec.is_active) {
            by_name.insert(&spec.entity.value, index);
        }
        Self { specs, outlines, by_name }
    }

    /// The spec of an entity, active or not.
    pub(crate) fn find(&self, name: &EntityName) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Whether a file that cannot be read is likely the spec of this entity.
    pub(crate) fn is_unreadable(&self, name: &EntityName) -> bool {
        self.outlines.iter().any(|outline| match &outline.entity {
            Some(entity) => entity == name,
            None => outline.stem == name.as_str(),
        })
    }
}

impl<'a> Scope<'a> {
    /// Looks up what the specs name.
    pub(crate) fn new(
        project: &'a Project,
        specs: &'a [Spec],
        outlines: &'a [Outline],
        vocabulary: &'a dyn Vocabulary,
        catalogs: &'a Catalogs,
    ) -> Self {
        let source = catalogs.get(project.source());
        let destination = catalogs.get(project.destination());
        Self {
            project,
            specs,
            entities: Entities::new(specs, outlines),
            source,
            destination,
            vocabulary,
            lock: None,
            is_offline: false,
            source_tables: views(source, specs.iter().map(|spec| &spec.source_table.value)),
            queries: queries(source),
            destination_tables: views(destination, specs.iter().map(|spec| &spec.destination_table.value)),
        }
    }

    /// The spec of an entity, active or not.
    pub(crate) fn entity(&self, name: &EntityName) -> Option<usize> {
        self.entities.find(name)
    }

    /// The table that a spec reads.
    pub(crate) fn source_table(&self, spec: &Spec) -> Option<&TableView<'a>> {
        if spec.is_query() {
            self.queries.get(&spec.entity.value)
        } else {
            self.source_tables.get(&spec.source_table.value)
        }
    }

    /// The table that a spec writes.
    pub(crate) fn destination_table(&self, spec: &Spec) -> Option<&TableView<'a>> {
        self.destination_tables.get(&spec.destination_table.value)
    }

    /// Whether the spec's star stood for a column when the project was locked. Where it does not any more, that is told as drift.
    pub(crate) fn is_missed_by_star(&self, spec: &Spec, column: &ColumnName) -> bool {
        let locked = self.lock.and_then(|lock| lock.auto_mapped(&spec.entity.value));
        spec.auto_map.is_some() && locked.is_some_and(|locked| locked.contains(column))
    }

    /// The columns of a spec's destination key, whether the table has them or not; `None` where they cannot be told.
    pub(crate) fn destination_key<'s>(&'s self, spec: &'s Spec) -> Option<Vec<&'s ColumnName>> {
        match &spec.key.destination {
            _ if !spec.key.is_sound => None,
            Some(key) => Some(key.iter().map(|column| &column.value).collect()),
            None => Some(self.destination_table(spec)?.table.primary_key.iter().collect()),
        }
    }
}

fn views<'a>(
    catalog: Option<&'a Catalog>,
    names: impl Iterator<Item = &'a TableName>,
) -> BTreeMap<&'a TableName, TableView<'a>> {
    let mut views = BTreeMap::new();
    for name in names {
        if let Some(table) = catalog.and_then(|catalog| catalog.table(name)) {
            views.entry(name).or_insert_with(|| TableView::of(table));
        }
    }
    views
}

fn queries(source: Option<&Catalog>) -> BTreeMap<&EntityName, TableView<'_>> {
    let written = source.into_iter().flat_map(|catalog| &catalog.written);
    written.filter_map(|(entity, table)| Some((entity, TableView::of(table.as_ref().ok()?)))).collect()
}
