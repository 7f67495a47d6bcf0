//! Tables that the databases do not have.

use transload_model::{Catalog, Code, ConnectionName, TableName};

use crate::compile::Scope;
use crate::problems::{Located, Problems, problem};

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    for spec in scope.specs {
        check_table(scope.source, scope.project.source(), &spec.source_table, problems);
        check_table(scope.destination, scope.project.destination(), &spec.destination_table, problems);
    }
}

fn check_table(
    catalog: Option<&Catalog>,
    connection: &ConnectionName,
    table: &Located<TableName>,
    problems: &mut Problems,
) {
    let Some(catalog) = catalog else {
        return;
    };
    if catalog.table(&table.value).is_some() {
        return;
    }
    let headline = format!("table `{}` does not exist in `{connection}`", table.value);
    let label = format!("not among the {} tables of `{connection}`", catalog.tables.len());
    let problem = problem(Code::UnknownTable, headline, &table.place, label);
    problems.push_unknown(problem, table.value.as_str(), catalog.tables.keys().map(TableName::as_str));
}
