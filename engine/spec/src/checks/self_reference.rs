//! A reference that is filled in a second pass, and whose column cannot wait.
//!
//! References of an entity to itself are, and those that ask for it by `defer`. The column must be able to hold nothing until then.

use transload_model::Code;

use crate::compile::Scope;
use crate::decode::{Field, ReferenceSpec, Spec};
use crate::problems::{Problems, problem};

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    for spec in scope.specs {
        for field in spec.fields.iter().filter(|field| is_filled_later(spec, field)) {
            check_field(scope, spec, field, problems);
        }
    }
}

fn is_filled_later(spec: &Spec, field: &Field) -> bool {
    field.reference.as_ref().is_some_and(|reference| {
        reference.entity.value == spec.entity.value || reference.defer.as_ref().is_some_and(|defer| defer.value)
    })
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
        refuse_at_once(spec, reference, problems);
        return;
    }
    let reason = if is_key { "is part of the key" } else { "is NOT NULL" };
    let is_own = reference.entity.value == spec.entity.value;
    let asked = reference.defer.as_ref().filter(|_| !is_own);
    let (headline, label, note) = if is_own {
        (
            format!("column `{}` refers to its own entity `{}` and {reason}", column.name, spec.entity.value),
            "each row would wait for another one",
            "a reference to the entity itself is NULL at first and filled when all rows are in",
        )
    } else {
        (
            format!("column `{}` is to be filled later and {reason}", column.name),
            "it could not be left open",
            "a reference with `defer` is NULL at first and filled when its entity is loaded",
        )
    };
    problems.push(
        problem(Code::Cycle, headline, asked.map_or(&reference.entity.place, |defer| &defer.place), label)
            .note(note)
            .help(format!("let column `{}` of table `{}` be NULL", column.name, view.table.name)),
    );
}

/// Rows of one entity are loaded in the order of their keys, whatever they refer to.
fn refuse_at_once(spec: &Spec, reference: &ReferenceSpec, problems: &mut Problems) {
    let refused = reference.defer.as_ref().filter(|defer| !defer.value);
    if let Some(defer) = refused.filter(|_| reference.entity.value == spec.entity.value) {
        let headline = format!("a reference of `{}` to itself is always filled last", spec.entity.value);
        problems.push(problem(Code::SpecValue, headline, &defer.place, "this has no effect").help("take it out"));
    }
}
