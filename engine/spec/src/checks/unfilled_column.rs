//! Destination columns that must have a value and get none. Found here, and not by the first row.

use std::collections::BTreeSet;

use transload_model::{Code, ColumnName, Side};

use crate::compile::Scope;
use crate::decode::Spec;
use crate::problems::{Problems, listed, problem};

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    for spec in scope.specs.iter().filter(|spec| spec.has_all_fields) {
        check_spec(scope, spec, problems);
    }
}

fn check_spec(scope: &Scope<'_>, spec: &Spec, problems: &mut Problems) {
    // Without the source's columns nobody can tell what a star stands for.
    if spec.auto_map.is_some() && scope.source_table(spec).is_none() {
        return;
    }
    let Some(table) = scope.destination_table(spec).map(|view| view.table) else {
        return;
    };
    let Some(key) = scope.destination_key(spec) else {
        return;
    };
    let mapped = spec.fields.iter().map(|field| &field.destination.value);
    let filled: BTreeSet<&ColumnName> = mapped.chain(key).collect();
    let needs_value = |column: &&transload_model::Column| column.needs_value() && !filled.contains(&column.name);
    let unfilled: Vec<&ColumnName> = table.columns.iter().filter(needs_value).map(|column| &column.name).collect();
    let Some(first) = unfilled.first() else {
        return;
    };
    let (columns, needs) = match unfilled.len() {
        1 => ("column", "it is NOT NULL and has no default"),
        _ => ("columns", "they are NOT NULL and have no default"),
    };
    let names = listed(unfilled.iter().map(|name| name.as_str()));
    let headline = format!("{columns} {names} of table `{}` must have a value and get none", table.name);
    let label = format!("no mapping fills `{first}`");
    let problem = problem(Code::UnfilledColumn, headline, &spec.fields_place, label).note(needs);
    let problem = problem.about(Side::Destination, unfilled.iter().copied());
    problems.push(problem.help(format!("map `{first}`, or give it a `default_value`")));
}
