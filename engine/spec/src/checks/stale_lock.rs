//! Tables that are not as `transload.lock` says. A warning: the databases count, but whoever checks offline sees something else.

use std::collections::BTreeSet;

use transload_model::{Code, Column, ConnectionName, Severity, Table, TableName};

use crate::compile::{Scope, targets};
use crate::problems::{Located, Problems, problem};

/// Differences that a message lists.
const LISTED: usize = 8;

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    for spec in scope.specs {
        let lock = |connection: &ConnectionName, name: &TableName| {
            scope.lock.and_then(|lock| lock.table(scope.project, connection, name))
        };
        let (source, destination) = (scope.project.source(), scope.project.destination());
        let locked = match spec.is_query() {
            true => scope.lock.and_then(|lock| lock.query(scope.project, source, &spec.entity.value)),
            false => lock(source, &spec.source_table.value),
        };
        let found = scope.source_table(spec).map(|view| view.table);
        check_table((source, &spec.source_table), locked, found, problems);
        let locked = lock(destination, &spec.destination_table.value);
        let found = scope.destination_table(spec).map(|view| view.table);
        check_table((destination, &spec.destination_table), locked, found, problems);
        for target in targets(scope.destination, spec) {
            let locked = lock(destination, &target.table.value);
            let found = scope.destination.and_then(|catalog| catalog.table(&target.table.value));
            check_table((destination, &target.table), locked, found, problems);
        }
    }
}

fn check_table(
    (connection, name): (&ConnectionName, &Located<TableName>),
    locked: Option<&Table>,
    found: Option<&Table>,
    problems: &mut Problems,
) {
    let (Some(locked), Some(found)) = (locked, found) else { return };
    let differences = differences(locked, found);
    if differences.is_empty() {
        return;
    }
    let headline = format!("table `{}` is not as transload.lock says", name.value);
    let mut problem = problem(Code::LockStale, headline, &name.place, format!("in `{connection}`"));
    problem.severity = Severity::Warning;
    let mut shown = differences.iter().take(LISTED).cloned().collect::<Vec<_>>().join("; ");
    if differences.len() > LISTED {
        shown += &format!("; and {} more", differences.len() - LISTED);
    }
    problems.push(problem.note(shown).help("`transload validate --lock` writes what is there now"));
}

fn differences(locked: &Table, found: &Table) -> Vec<String> {
    let mut differences = Vec::new();
    for column in &found.columns {
        match locked.column(&column.name) {
            None => differences.push(format!("`{}` is new", column.name)),
            Some(before) => differences.extend(changed(before, column)),
        }
    }
    let gone = locked.columns.iter().filter(|column| found.column(&column.name).is_none());
    differences.extend(gone.map(|column| format!("`{}` is gone", column.name)));
    if locked.primary_key != found.primary_key {
        differences.push("the primary key is another".to_owned());
    }
    let keys = |table: &Table| table.unique_keys.iter().cloned().collect::<BTreeSet<_>>();
    if keys(locked) != keys(found) {
        differences.push("the unique keys are others".to_owned());
    }
    differences
}

fn changed(before: &Column, now: &Column) -> Option<String> {
    let name = &now.name;
    if before.logical != now.logical || before.declared != now.declared {
        return Some(format!("`{name}` was declared `{}` and is `{}`", before.declared, now.declared));
    }
    if before.nullable != now.nullable {
        return Some(format!("`{name}` {} NULL", if now.nullable { "now allows" } else { "no longer allows" }));
    }
    let is_same = before.stores == now.stores
        && (before.has_default, before.generated, before.insert_only)
            == (now.has_default, now.generated, now.insert_only);
    (!is_same).then(|| format!("`{name}` is filled in another way"))
}
