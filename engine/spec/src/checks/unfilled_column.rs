//! Destination columns that must have a value and get none. Found here, and not by the first row.

use std::collections::BTreeSet;

use transload_model::{Code, ColumnName};

use crate::compile::Scope;
use crate::decode::Spec;
use crate::problems::{Problems, listed, problem};

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    for spec in scope.specs.iter().filter(|spec| spec.has_all_fields) {
        check_spec(scope, spec, problems);
    }
}

fn check_spec(scope: &Scope<'_>, spec: &Spec, problems: &mut Problems) {
    let Some(table) = scope.destination_table(spec).map(|view| view.table) else {
        return;
    };
    let key = scope.destination_key(spec).unwrap_or_default();
    let mapped = spec.fields.iter().map(|field| &field.destination.value);
    let filled: BTreeSet<&ColumnName> = mapped.chain(key).collect();
    let needs_value = |column: &&transload_model::Column| {
        !column.nullable && !column.has_default && !column.generated && !filled.contains(&column.name)
    };
    let unfilled: Vec<&str> = table.columns.iter().filter(needs_value).map(|column| column.name.as_str()).collect();
    let Some(first) = unfilled.first() else {
        return;
    };
    let columns = if unfilled.len() == 1 { "column" } else { "columns" };
    let headline = format!(
        "{columns} {} of table `{}` must have a value and get none",
        listed(unfilled.iter().copied()),
        table.name
    );
    let problem = problem(Code::UnfilledColumn, headline, &spec.fields_place, format!("no mapping fills `{first}`"));
    problems.push(
        problem
            .note("they are NOT NULL and have no default")
            .help(format!("map `{first}`, or give it a `default_value`")),
    );
}
