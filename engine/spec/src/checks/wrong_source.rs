//! A source that is another database than the one that the specs were written for.
//!
//! It is told once. A problem for each spec would name every table, and none would name the cause.

use std::collections::BTreeSet;

use transload_model::{Code, Diagnostic, TableName};

use crate::compile::Scope;
use crate::problems::{Problems, listed};

/// Below so many tables, names may just be mistyped.
const TABLES_MIN: usize = 3;

/// Of so many tables, one may be there by chance.
const ONE_FOUND_OF: usize = 10;

/// Names that are told.
const TOLD: usize = 5;

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    let Some(missing) = missing(scope) else { return };
    let name = scope.project.source();
    let (named, found) = (named(scope).len(), named(scope).len() - missing.len());
    let has = if found == 0 { "none".to_owned() } else { format!("only {found}") };
    let headline = format!(
        "`{name}` seems to be the wrong database: it has {has} of the {named} source tables that the specs read"
    );
    let held: Vec<&str> =
        scope.source.into_iter().flat_map(|catalog| catalog.tables.keys()).map(TableName::as_str).collect();
    let holds = match held.len() {
        0 => "no table".to_owned(),
        1 => format!("one table: {}", few(&held)),
        count => format!("{count} tables: {}", few(&held)),
    };
    let missing: Vec<&str> = missing.into_iter().map(TableName::as_str).collect();
    let problem = Diagnostic::new(Code::UnknownTable, headline)
        .note(format!("`{name}` is {}, which holds {holds}", scope.project.whereabouts(name)))
        .note(format!("looked for {}", few(&missing)))
        .help(format!(
            "correct `{name}` under `connections` in transload.yaml, or choose another environment with `--env`"
        ));
    problems.push(problem);
}

/// Whether that was told, so that what follows from it need not be.
pub(crate) fn is_told(scope: &Scope<'_>) -> bool {
    missing(scope).is_some()
}

/// The tables that are not there, where they are nearly all.
fn missing<'a>(scope: &Scope<'a>) -> Option<Vec<&'a TableName>> {
    let catalog = scope.source.filter(|_| !scope.is_offline)?;
    let named = named(scope);
    let missing: Vec<&TableName> = named.iter().copied().filter(|name| catalog.table(name).is_none()).collect();
    let found = named.len() - missing.len();
    if named.len() < TABLES_MIN || found * ONE_FOUND_OF > named.len() {
        return None;
    }
    // Names of this database in another case are better corrected one by one.
    let held: BTreeSet<String> = catalog.tables.keys().map(|name| name.as_str().to_lowercase()).collect();
    let is_near = |name: &&TableName| held.contains(&name.as_str().to_lowercase());
    (!missing.iter().any(is_near)).then_some(missing)
}

/// The tables that specs read; that of a query is only its name.
fn named<'a>(scope: &Scope<'a>) -> BTreeSet<&'a TableName> {
    scope.specs.iter().filter(|spec| !spec.is_query()).map(|spec| &spec.source_table.value).collect()
}

fn few(names: &[&str]) -> String {
    let told = listed(names.iter().copied().take(TOLD));
    if names.len() > TOLD { format!("{told} and {} more", names.len() - TOLD) } else { told }
}
