//! What acts on rows beside the statements that write and read them: rules, policies, triggers, and columns that are written only once.
//!
//! A plan counts what it writes and reads. Where a table may swallow, hide or change rows behind it, those counts would be wrong in silence.

use transload_model::{Code, Column, Diagnostic, Keeps, Table, TableName};

use crate::compile::{Scope, targets};
use crate::decode::Spec;
use crate::problems::{Located, Problems, listed, problem};

const CONNECT_AS_OWNER: &str = "connect as the table's owner, or as a role with BYPASSRLS";

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    for spec in scope.specs {
        if let Some(view) = scope.source_table(spec) {
            check_source(spec, view.table, problems);
        }
        if let Some(view) = scope.destination_table(spec) {
            check_rules(spec, view.table, problems);
            check_keeps(spec, view.table, problems);
            check_policies(spec, view.table, problems);
            warn_of_triggers(spec, view.table, problems);
        }
        for target in targets(scope.destination, spec) {
            check_lookup(scope, &target.table, problems);
        }
        check_columns(scope, spec, problems);
    }
}

fn check_source(spec: &Spec, table: &Table, problems: &mut Problems) {
    if table.side_effects.row_security {
        let headline = format!("policies of source table `{}` may hide rows from this user", table.name);
        let problem = problem(Code::RowSecurity, headline, &spec.source_table.place, "this table");
        problems.push(problem.note("rows would be missing without notice").help(CONNECT_AS_OWNER));
    }
}

fn check_rules(spec: &Spec, table: &Table, problems: &mut Problems) {
    let rules = &table.side_effects.rules;
    if rules.is_empty() {
        return;
    }
    let headline = format!("destination table `{}` has rules that rewrite what is written to it", table.name);
    let label = format!("its rules are {}", listed(rules.iter().map(String::as_str)));
    let problem = problem(Code::TableRules, headline, &spec.destination_table.place, label);
    problems.push(
        problem.note("it could not be told what arrives").help("drop the rules, or disable them while you migrate"),
    );
}

fn check_keeps(spec: &Spec, table: &Table, problems: &mut Problems) {
    let place = &spec.destination_table.place;
    match table.side_effects.keeps {
        Keeps::Committed => {}
        Keeps::Nothing => {
            let headline = format!("destination table `{}` is a view that does not take rows", table.name);
            problems
                .push(problem(Code::ViewWritten, headline, place, "this view").help(Code::ViewWritten.info().remedy));
        }
        Keeps::UntilCrash if !spec.is_active => {}
        Keeps::UntilCrash => {
            let headline = format!("destination table `{}` is unlogged", table.name);
            let label = "a crash of its server empties it";
            let warning =
                Diagnostic::warning(Code::TableUnlogged, headline).label(&place.file, place.span.clone(), label);
            problems.push(
                warning
                    .note("the ledger would remember rows that are gone, and the next run would be refused")
                    .help(format!("`alter table {} set logged`", table.name)),
            );
        }
    }
}

fn check_policies(spec: &Spec, table: &Table, problems: &mut Problems) {
    if table.side_effects.row_security {
        let headline = format!("policies of destination table `{}` may hide or refuse rows for this user", table.name);
        let problem = problem(Code::RowSecurity, headline, &spec.destination_table.place, "this table");
        problems.push(problem.help(CONNECT_AS_OWNER));
    }
}

fn check_lookup(scope: &Scope<'_>, table: &Located<TableName>, problems: &mut Problems) {
    let held = scope.destination.and_then(|catalog| catalog.table(&table.value));
    if held.is_some_and(|held| held.side_effects.row_security) {
        let headline = format!("policies of destination table `{}` may hide rows from this user", table.value);
        let problem = problem(Code::RowSecurity, headline, &table.place, "a rule looks in this table");
        problems.push(problem.note("values that are there would be missing").help(CONNECT_AS_OWNER));
    }
}

fn warn_of_triggers(spec: &Spec, table: &Table, problems: &mut Problems) {
    let triggers = &table.side_effects.triggers;
    if triggers.is_empty() || !spec.is_active {
        return;
    }
    let headline = format!("destination table `{}` has triggers", table.name);
    let label = format!("its triggers are {}", listed(triggers.iter().map(String::as_str)));
    let place = &spec.destination_table.place;
    let warning = Diagnostic::warning(Code::TableTriggers, headline).label(&place.file, place.span.clone(), label);
    problems.push(
        warning
            .note("they fire for the rows that Transload writes, and may change these or others")
            .help("where they should not, drop or disable them while you migrate"),
    );
}

/// A field whose value could not follow its source: only a key never changes.
fn check_columns(scope: &Scope<'_>, spec: &Spec, problems: &mut Problems) {
    let (Some(view), Some(key)) = (scope.destination_table(spec), scope.destination_key(spec)) else {
        return;
    };
    let is_frozen = |column: &&Column| column.insert_only && !column.generated && !key.contains(&&column.name);
    for field in &spec.fields {
        let Some(column) = view.column(&field.destination.value).filter(is_frozen) else {
            continue;
        };
        let headline =
            format!("destination column `{}` takes a value when a row is inserted, and never again", column.name);
        let label = format!("the column is declared `{}`", column.declared);
        let problem = problem(Code::InsertOnlyColumn, headline, &field.destination.place, label);
        let problem = problem
            .note("a row that changes at the source could not be updated")
            .help("take the mapping out, make the column part of the key, or alter it to `generated by default`");
        problems.push(spec.named_in(problem));
    }
}
