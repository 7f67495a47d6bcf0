//! A reference of an entity to itself whose column cannot wait.
//!
//! Such references are filled in a second pass, so they make no cycle; the column must be able to hold nothing until then.

use transload_model::Code;

use crate::compile::Scope;
use crate::decode::{Field, Spec};
use crate::problems::{Problems, problem};

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    for spec in scope.specs {
        for field in spec.fields.iter().filter(|field| is_self_reference(spec, field)) {
            check_field(scope, spec, field, problems);
        }
    }
}

fn is_self_reference(spec: &Spec, field: &Field) -> bool {
    field.reference.as_ref().is_some_and(|reference| reference.entity.value == spec.entity.value)
}

/// The first pass leaves the column NULL, so it must allow that, and no row may be found by it.
fn check_field(scope: &Scope<'_>, spec: &Spec, field: &Field, problems: &mut Problems) {
    let (Some(view), Some(reference)) = (scope.destination_table(spec), &field.reference) else {
        return;
    };
    let Some(column) = view.column(&field.destination.value) else {
        return;
    };
    let is_key = scope.destination_key(spec).is_some_and(|key| key.contains(&&column.name));
    if column.nullable && !is_key {
        return;
    }
    let reason = if is_key { "is part of the key" } else { "is NOT NULL" };
    let headline = format!("column `{}` refers to its own entity `{}` and {reason}", column.name, spec.entity.value);
    problems.push(
        problem(Code::Cycle, headline, &reference.entity.place, "each row would wait for another one")
            .note("a reference to the entity itself is NULL at first and filled when all rows are in")
            .help(format!("let column `{}` of table `{}` be NULL", column.name, view.table.name)),
    );
}
