//! Old keys where new ones belong.
//!
//! A destination column that refers to rows whose keys are made anew takes a new key. An old one that is copied there finds nobody, or, where both
//! are numbers, somebody else; the databases cannot tell.

use std::collections::{BTreeMap, BTreeSet};

use transload_model::{Code, ColumnName, Diagnostic, ForeignKey, Severity, TableName};

use crate::compile::key::{ResolvedKey, own_place};
use crate::compile::{Scope, key_field};
use crate::decode::{Field, Spec};
use crate::problems::{Place, Problems, listed, problem};

/// An active entity whose key is known.
#[derive(Clone, Copy)]
struct Parent<'s, 'a> {
    spec: &'s Spec,
    key: &'s ResolvedKey<'a>,
}

/// A field that copies an old key, and what it should refer to.
struct Copied<'s, 'a> {
    field: Field,
    parent: Parent<'s, 'a>,
    column: &'s ColumnName,
}

/// Warns of fields that copy a column into one that refers to a new key.
pub(crate) fn check(scope: &Scope<'_>, keys: &[Option<ResolvedKey<'_>>], problems: &mut Problems) {
    let active = || scope.specs.iter().zip(keys).filter(|(spec, _)| spec.is_active);
    let known =
        active().filter_map(|(spec, key)| Some((&spec.destination_table.value, Parent { spec, key: key.as_ref()? })));
    let parents: BTreeMap<&TableName, Parent<'_, '_>> = known.collect();
    for (spec, key) in active() {
        let implied = key.as_ref().map(|key| key_field::copied_keys(spec, key)).unwrap_or_default();
        let found = implied.iter().chain(&spec.fields).filter_map(|field| copied(scope, &parents, (spec, field)));
        // All fields of a star have its place.
        let (auto, own): (Vec<_>, Vec<_>) = found.partition(|copied| copied.field.is_auto);
        for copied in own {
            let place = own_place(spec, Some(&copied.field.destination.place), &spec.destination_table.place).clone();
            problems.push(warning(&[copied], &place));
        }
        if let Some(first) = auto.first() {
            let place = own_place(spec, Some(&first.field.destination.place), &spec.destination_table.place).clone();
            problems.push(warning(&auto, &place));
        }
    }
}

/// A plain copy into a column that refers to a key that is no copy itself.
fn copied<'s, 'a>(
    scope: &'s Scope<'a>,
    parents: &BTreeMap<&TableName, Parent<'s, 'a>>,
    (spec, field): (&Spec, &Field),
) -> Option<Copied<'s, 'a>> {
    let table = scope.destination_table(spec)?.table;
    if !is_copy(field) {
        return None;
    }
    let referred = |key: &ForeignKey| {
        let at = key.columns.iter().position(|column| *column == field.destination.value)?;
        let parent = parents.get(&key.table).copied()?;
        let named = key.refers_to.get(at);
        let column = match named {
            Some(named) => parent.key.destination.iter().find(|column| column.name == *named)?,
            None => scope
                .destination_table(parent.spec)?
                .table
                .primary_key
                .get(at)
                .and_then(|name| parent.key.destination.iter().find(|column| column.name == *name))?,
        };
        parent.gives_new(&column.name).then(|| Copied { field: field.clone(), parent, column: &column.name })
    };
    table.foreign_keys.iter().find_map(referred)
}

/// Whether a field's value is one source column's, as it is.
fn is_copy(field: &Field) -> bool {
    field.reference.is_none() && field.sources.len() == 1 && field.calls.is_empty()
}

impl Parent<'_, '_> {
    /// Whether a column of the entity's key holds something else than the old key.
    fn gives_new(&self, column: &ColumnName) -> bool {
        let field = self.spec.fields.iter().find(|field| field.destination.value == *column);
        self.key.strategy.made().is_some() || field.is_some_and(|field| !is_copy(field))
    }
}

impl Copied<'_, '_> {
    /// The mapping that would be right.
    fn mended(&self) -> String {
        let Self { field, parent, column } = self;
        let (name, entity) = (&field.destination.value, &parent.spec.entity.value);
        let source = match parent.key.source.as_slice() {
            [_] => field.sources.first().map_or_else(String::new, |source| source.value.to_string()),
            several => format!("[{}]", several.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(", ")),
        };
        let taken = match parent.key.destination.len() {
            1 => String::new(),
            _ if *name == **column => String::new(),
            _ => format!(", referenced_column: {column}"),
        };
        format!("`{name}: {{ source_field: {source}, references: {entity}{taken} }}`")
    }
}

fn warning(fields: &[Copied<'_, '_>], place: &Place) -> Diagnostic {
    let names = listed(fields.iter().map(|copied| copied.field.destination.value.as_str()));
    let entities: BTreeSet<&str> = fields.iter().map(|copied| copied.parent.spec.entity.value.as_str()).collect();
    let parents = listed(entities);
    let headline = format!("{names} would hold old keys, and the rows of {parents} have new ones");
    let label = format!("refers to {parents} by the destination's foreign key");
    let mut found = problem(Code::OldKey, headline, place, label);
    found.severity = Severity::Warning;
    let lines: Vec<String> = fields.iter().map(Copied::mended).collect();
    let has_several = fields.iter().any(|copied| copied.parent.key.source.len() > 1);
    let columns = if has_several { ", with the columns that hold the old key" } else { "" };
    found.help(format!("map {}{columns}", lines.join(", ")))
}
