//! Entities that wait for one another.
//!
//! A cycle is one problem, shown whole: each place along it may be the one to take out. An entity's reference to itself is none, because
//! it is filled in a second pass; the column must be able to wait for it.

use transload_model::{Code, Cycle, Diagnostic, waves};

use crate::compile::Scope;
use crate::decode::{Field, Spec};
use crate::problems::{Place, Problems, problem};

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    if let Err(cycles) = waves(scope.specs.len(), &edges(scope)) {
        for cycle in cycles {
            problems.push(whole(scope, &cycle));
        }
    }
    for spec in scope.specs {
        for field in spec.fields.iter().filter(|field| is_self_reference(spec, field)) {
            check_self_reference(scope, spec, field, problems);
        }
    }
}

/// `(child, parent)` for every active entity that waits for another, each pair once.
pub(crate) fn edges(scope: &Scope<'_>) -> Vec<(usize, usize)> {
    let mut edges = Vec::new();
    for (child, spec) in scope.specs.iter().enumerate().filter(|(_, spec)| spec.is_active) {
        for (parent, _) in waits(scope, spec) {
            edges.push((child, parent));
        }
    }
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// Whom an entity waits for, and where that is written.
fn waits<'a>(scope: &Scope<'a>, spec: &'a Spec) -> Vec<(usize, &'a Place)> {
    let references = spec.fields.iter().filter_map(|field| field.reference.as_ref()).map(|reference| &reference.entity);
    let references = references.filter(|name| name.value != spec.entity.value);
    let names = references.chain(&spec.depends_on);
    let active = |index: &usize| scope.specs.get(*index).is_some_and(|parent| parent.is_active);
    names.filter_map(|name| Some((scope.entity(&name.value).filter(active)?, &name.place))).collect()
}

fn whole(scope: &Scope<'_>, cycle: &Cycle) -> Diagnostic {
    let walk: Vec<&Spec> = cycle.0.iter().filter_map(|index| scope.specs.get(*index)).collect();
    let name = |at: usize| walk.get(at % walk.len()).map_or("", |spec| spec.entity.value.as_str());
    let path: Vec<&str> = (0..=walk.len()).map(name).collect();
    let mut problem = Diagnostic::new(Code::Cycle, format!("{} is a cycle", path.join(" → ")));
    for (at, spec) in walk.iter().enumerate() {
        let parent = cycle.0.get((at + 1) % walk.len());
        let is_last = at + 1 == walk.len();
        for (_, place) in waits(scope, spec).iter().filter(|(index, _)| Some(index) == parent) {
            let text = match (at, is_last) {
                (0, true) => format!("`{}` waits for itself here", name(at)),
                (0, false) => format!("`{}` waits for `{}` here …", name(at), name(at + 1)),
                (_, true) => format!("… and `{}` waits for `{}` here", name(at), name(at + 1)),
                (_, false) => format!("… `{}` waits for `{}` here …", name(at), name(at + 1)),
            };
            problem = problem.label(&place.file, place.span.clone(), text);
        }
    }
    problem.help("take one of them out, and fill that column in a later step")
}

fn is_self_reference(spec: &Spec, field: &Field) -> bool {
    field.reference.as_ref().is_some_and(|reference| reference.entity.value == spec.entity.value)
}

/// The first pass leaves the column NULL, so it must allow that, and no row may be found by it.
fn check_self_reference(scope: &Scope<'_>, spec: &Spec, field: &Field, problems: &mut Problems) {
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
