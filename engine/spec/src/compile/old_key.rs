//! Old keys where new ones belong.
//!
//! A destination column that refers to rows whose keys are made anew takes a new key. An old one that is copied there finds nobody, or, where both
//! are numbers, somebody else; the databases cannot tell.

use std::collections::BTreeMap;

use transload_model::{Code, Diagnostic, EntityName, Severity, TableName};

use crate::compile::Scope;
use crate::compile::key::{ResolvedKey, own_place};
use crate::decode::{Field, Spec};
use crate::problems::{Place, Problems, listed, problem};

/// Warns of fields that copy a column into one that refers to an entity with new keys.
pub(crate) fn check(scope: &Scope<'_>, keys: &[Option<ResolvedKey<'_>>], problems: &mut Problems) {
    let made: BTreeMap<&TableName, &EntityName> = scope
        .specs
        .iter()
        .zip(keys)
        .filter(|(spec, key)| spec.is_active && key.as_ref().is_some_and(|key| key.strategy.made().is_some()))
        .map(|(spec, _)| (&spec.destination_table.value, &spec.entity.value))
        .collect();
    for spec in scope.specs.iter().filter(|spec| spec.is_active) {
        let found: Vec<(&Field, &EntityName)> =
            spec.fields.iter().filter_map(|field| Some((field, *made.get(referred(scope, spec, field)?)?))).collect();
        for (field, parent) in found.iter().filter(|(field, _)| !field.is_auto) {
            problems.push(warning(&[(*field, *parent)], &field.destination.place));
        }
        // All fields of a star have its place.
        let auto: Vec<(&Field, &EntityName)> = found.into_iter().filter(|(field, _)| field.is_auto).collect();
        if let Some((first, _)) = auto.first() {
            let place = own_place(spec, Some(&first.destination.place), &spec.destination_table.place);
            problems.push(warning(&auto, place));
        }
    }
}

/// The table that a plainly copied column refers to.
fn referred<'a>(scope: &Scope<'a>, spec: &Spec, field: &Field) -> Option<&'a TableName> {
    if field.reference.is_some() || field.sources.len() != 1 || !field.calls.is_empty() {
        return None;
    }
    let table = scope.destination_table(spec)?.table;
    let key = table.foreign_keys.iter().find(|key| key.columns.contains(&field.destination.value))?;
    Some(&key.table)
}

fn warning(fields: &[(&Field, &EntityName)], place: &Place) -> Diagnostic {
    let names = listed(fields.iter().map(|(field, _)| field.destination.value.as_str()));
    let parents = listed(fields.iter().map(|(_, parent)| parent.as_str()));
    let headline = format!("{names} would hold old keys, and the rows of {parents} have new ones");
    let label = format!("refers to {parents} by the destination's foreign key");
    let mut found = problem(Code::OldKey, headline, place, label);
    found.severity = Severity::Warning;
    let line = |(field, parent): &(&Field, &EntityName)| {
        let source = field.sources.first().map(|source| source.value.as_str()).unwrap_or_default();
        format!("`{}: {{ source_field: {source}, references: {parent} }}`", field.destination.value)
    };
    found.help(format!("map {}", fields.iter().map(line).collect::<Vec<_>>().join(", ")))
}
