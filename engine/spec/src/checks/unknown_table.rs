//! Tables that the databases do not have.

use transload_model::{Catalog, Code, ConnectionName, Side, TableName};

use crate::checks::wrong_database;
use crate::compile::{Scope, targets};
use crate::problems::{Located, Problems, problem};

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    let is_told = |side| wrong_database::is_told(scope, side);
    let (has_no_source, has_no_destination) = (is_told(Side::Source), is_told(Side::Destination));
    for spec in scope.specs {
        // The table of a query is only its name.
        if !spec.is_query() && !has_no_source {
            check_table(scope, (scope.source, scope.project.source()), &spec.source_table, problems);
        }
        if has_no_destination {
            continue;
        }
        check_table(scope, (scope.destination, scope.project.destination()), &spec.destination_table, problems);
        for target in targets(scope.destination, spec) {
            check_table(scope, (scope.destination, scope.project.destination()), &target.table, problems);
        }
    }
}

fn check_table(
    scope: &Scope<'_>,
    (catalog, connection): (Option<&Catalog>, &ConnectionName),
    table: &Located<TableName>,
    problems: &mut Problems,
) {
    if catalog.is_some_and(|catalog| catalog.table(&table.value).is_some()) {
        return;
    }
    if scope.is_offline {
        let headline = format!("table `{}` of `{connection}` is not in transload.lock", table.value);
        let problem = problem(Code::UnknownTable, headline, &table.place, "this table");
        problems.push(problem.help("`transload validate --lock`, with the databases, writes what they hold"));
        return;
    }
    let Some(catalog) = catalog else {
        return;
    };
    let headline = format!("table `{}` does not exist in `{connection}`", table.value);
    let label = format!("not among the {} tables of `{connection}`", catalog.tables.len());
    let problem = problem(Code::UnknownTable, headline, &table.place, label);
    let names = catalog.tables.keys().map(TableName::as_str);
    let is_written = connection == scope.project.destination();
    match is_written {
        // Where rows go is not decided by what is spelt alike.
        true => match problems.meant(table.value.as_str(), names) {
            Some(help) => problems.push(problem.help(help)),
            None => problems.push(problem),
        },
        false => problems.push_unknown(problem, table.value.as_str(), names),
    }
}
