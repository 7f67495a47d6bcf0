//! Tests that name what is not there: columns of the source, fields of the spec, entities that it does not refer to.

use transload_model::{Code, ColumnName, Side};

use crate::compile::Scope;
use crate::decode::{ReferenceSpec, Spec, TestSpec};
use crate::problems::{Located, Problems, listed, problem, with_suggestion};

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    for spec in scope.specs {
        for test in &spec.tests {
            check_given(scope, spec, test, problems);
            check_mappings(scope, spec, test, problems);
            if spec.has_all_fields {
                check_expected(scope, spec, test, problems);
            }
        }
    }
}

fn check_given(scope: &Scope<'_>, spec: &Spec, test: &TestSpec, problems: &mut Problems) {
    let Some(view) = scope.source_table(spec) else { return };
    for (column, _) in test.rows.iter().flatten() {
        if view.column(&column.value).is_none() {
            let headline = format!("source column `{}` does not exist", column.value);
            let label = format!("not among the {} columns of {}", view.table.columns.len(), view.table.name);
            let found =
                problem(Code::UnknownColumn, headline, &column.place, label).about(Side::Source, [&column.value]);
            let names = view.table.columns.iter().map(|other| other.name.as_str());
            problems.push(with_suggestion(found, column.value.as_str(), names));
        }
    }
}

fn check_mappings(scope: &Scope<'_>, spec: &Spec, test: &TestSpec, problems: &mut Problems) {
    let referred: Vec<&str> = spec
        .fields
        .iter()
        .filter_map(|field| field.reference.as_ref())
        .map(|reference| reference.entity.value.as_str())
        .collect();
    // A reference to an entity that does not exist is most often the one that the test means.
    let is_known = |reference: &ReferenceSpec| scope.entities.find(&reference.entity.value).is_some();
    if !spec.fields.iter().filter_map(|field| field.reference.as_ref()).all(is_known) {
        return;
    }
    for (entity, _) in &test.mappings {
        if spec.has_all_fields && !referred.contains(&entity.value.as_str()) {
            let headline = format!("no field of `{}` refers to `{}`", spec.entity.value, entity.value);
            let found = problem(Code::UnknownReference, headline, &entity.place, "these keys are never looked up");
            problems.push(with_suggestion(found, entity.value.as_str(), referred.iter().copied()));
        }
    }
}

fn check_expected(scope: &Scope<'_>, spec: &Spec, test: &TestSpec, problems: &mut Problems) {
    let Some(key) = scope.destination_key(spec) else { return };
    // A mapping of a column that does not exist is most often the field that the test means.
    let view = scope.destination_table(spec);
    if view.is_some_and(|view| spec.fields.iter().any(|field| view.column(&field.destination.value).is_none())) {
        return;
    }
    let filled: Vec<&ColumnName> = spec.fields.iter().map(|field| &field.destination.value).chain(key).collect();
    let in_rows = test.expected_rows.iter().flatten().map(|(column, _)| column);
    let faults = test.quarantine.iter().chain(test.warnings.iter().flatten());
    for column in in_rows.chain(faults.filter_map(|fault| fault.field.as_ref())) {
        // That a star does not find it any more is told as what changed.
        if !scope.is_missed_by_star(spec, &column.value) {
            check_field(column, &filled, problems);
        }
    }
}

fn check_field(column: &Located<ColumnName>, filled: &[&ColumnName], problems: &mut Problems) {
    if !filled.contains(&&column.value) {
        let headline = format!("the spec fills no column `{}`", column.value);
        let found = problem(Code::UnknownField, headline, &column.place, "no mapping has this destination")
            .note(format!("tests name destination columns: {}", listed(filled.iter().map(|name| name.as_str()))))
            .help("map it, or take it out of the test");
        problems.push(with_suggestion(found, column.value.as_str(), filled.iter().map(|name| name.as_str())));
    }
}
