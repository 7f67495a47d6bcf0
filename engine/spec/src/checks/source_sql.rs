//! SQL of specs that the source refuses, or that gives no table.

use std::collections::BTreeSet;

use transload_model::{Code, Side, Table};

use crate::checks::wrong_database;
use crate::compile::Scope;
use crate::problems::{Place, Problems, problem};

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    let is_told = wrong_database::is_told(scope, Side::Source);
    for spec in scope.specs {
        let Some(rows) = &spec.rows else { continue };
        match scope.source.and_then(|catalog| catalog.written.get(&spec.entity.value)) {
            Some(Ok(given)) => check_columns(given, &rows.place, problems),
            Some(Err(_)) if is_told => {}
            Some(Err(refused)) => {
                let refused = refused.clone();
                let refused = spec.named_in(refused.label(&rows.place.file, rows.place.span.clone(), "this SQL"));
                problems.push(match rows.place.is_default() {
                    true => refused.note("a spec with a `source` of its own does not take this one"),
                    false => refused,
                });
            }
            None if scope.is_offline && spec.is_query() => {
                let headline = format!("the query of `{}` is not in transload.lock", spec.entity.value);
                let problem = problem(Code::UnknownTable, headline, &rows.place, "this query");
                problems.push(problem.help("`transload validate --lock`, with the databases, writes what it gives"));
            }
            // A condition changes no column, and a source that was not looked at has been reported.
            None => {}
        }
    }
}

fn check_columns(given: &Table, place: &Place, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for column in given.columns.iter().filter(|column| !seen.insert(&column.name)) {
        let headline = format!("the query gives column `{}` twice", column.name);
        let problem = problem(Code::SourceSql, headline, place, "this SQL");
        problems.push(problem.help("give one of them another name: `select … as …`"));
    }
}
