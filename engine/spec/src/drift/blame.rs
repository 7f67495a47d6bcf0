//! Joins what changed with what is wrong: a problem that comes of a change is told as that, and a change that breaks is told at least once.

use std::collections::BTreeMap;

use transload_model::{Code, ColumnName, Diagnostic, Effect, Presence, Severity, TableChange};

use super::{Drift, Judged, Side, Weight};
use crate::checks::wrong_source;
use crate::compile::Scope;
use crate::problems::Problems;

/// Changes that a warning lists.
const LISTED: usize = 8;

const SHOWN_BY: &str =
    "`transload drift` shows what it touches; what is well so, `transload drift --accept` takes over";

/// Tells what breaks and what is to be looked at, and gives all that changed, the gravest first.
pub(crate) fn settle(scope: &Scope<'_>, judged: Vec<Judged>, problems: &mut Problems) -> Vec<Drift> {
    let mut drifts = Vec::new();
    let mut causes = Vec::new();
    for Judged { mut drift, related } in judged {
        let is_cause = |found: &Diagnostic| {
            found.severity == Severity::Error
                && consequences(&drift.change).contains(&found.code)
                && (is_at(found, &drift, &related) || is_named(found, scope, &drift))
        };
        let caused: Vec<usize> =
            problems.all().iter().enumerate().filter(|(_, found)| is_cause(found)).map(|(at, _)| at).collect();
        if let Some(first) = caused.first().filter(|_| drift.weight < Weight::Breaks) {
            drift.weight = Weight::Breaks;
            drift.why.clone_from(&problems.all()[*first].headline);
        }
        causes.push(caused);
        drifts.push(drift);
    }
    for (drift, caused) in drifts.iter().zip(&causes) {
        for at in caused {
            problems.blame(*at, format!("{}: {}, since the project was locked", drift.path(), drift.change));
        }
        if caused.is_empty() && drift.weight == Weight::Breaks && !is_told_elsewhere(scope, drift) {
            problems.push(broken(drift));
        }
    }
    warn(&drifts, problems);
    drifts.sort_by_key(|drift| std::cmp::Reverse(drift.weight));
    drifts
}

/// Whether the problem stands at a place that the change touches.
fn is_at(found: &Diagnostic, drift: &Drift, related: &[crate::problems::Place]) -> bool {
    let mut labels = found.labels.iter();
    let names = |column: &ColumnName| found.headline.contains(&format!("`{column}`"));
    // One place may have problems of another side, or of another column.
    let is_meant = match (&drift.change, found.code) {
        (_, Code::UnknownColumn) => {
            found.headline.starts_with(&drift.side.to_string()) && drift.change.column().is_some_and(names)
        }
        (TableChange::PrimaryKey { .. }, _) => true,
        (TableChange::ColumnRenamed { to, .. }, Code::UnfilledColumn) => names(&to.name),
        (_, Code::UnfilledColumn) => drift.change.column().is_some_and(names),
        _ => true,
    };
    is_meant && labels.any(|label| related.iter().any(|place| place.file == label.file && place.span == label.span))
}

/// Whether a script or a test of one of its specs asks for the column: a place that only who compiles it knows.
fn is_named(found: &Diagnostic, scope: &Scope<'_>, drift: &Drift) -> bool {
    let Some(column) = drift.change.column() else { return false };
    let is_of_source = match found.code {
        Code::ScriptUnknownColumn => true,
        Code::UnknownColumn => !found.headline.starts_with("destination"),
        _ => return false,
    };
    let own = scope.specs.iter().filter(|spec| drift.entities.contains(&spec.entity.value));
    let is_own = own.map(|spec| &spec.file.path).any(|path| found.labels.iter().any(|label| label.file.path == *path));
    is_of_source && drift.side == Side::Source && is_own && found.headline.contains(&format!("`{column}`"))
}

/// The problems that a change may lead to.
fn consequences(change: &TableChange) -> &'static [Code] {
    match change {
        TableChange::TableGone => &[Code::UnknownTable],
        TableChange::ColumnGone(_) | TableChange::ColumnRenamed { .. } => &[
            Code::UnknownColumn,
            Code::ScriptUnknownColumn,
            Code::SchemaDrift,
            Code::SourceSql,
            Code::UnfilledColumn,
            Code::KeyMissing,
        ],
        TableChange::ColumnNew(_) => &[Code::UnfilledColumn],
        TableChange::Type { .. } => &[
            Code::ImpossibleConversion,
            Code::UnfitColumn,
            Code::FunctionArgument,
            Code::KeyType,
            Code::SpecValue,
            Code::RuleParameter,
            Code::SchemaDrift,
        ],
        TableChange::Trait(..) => &[Code::UnfilledColumn, Code::UnfitColumn, Code::InsertOnlyColumn],
        TableChange::PrimaryKey { .. } => {
            &[Code::KeyMissing, Code::KeyType, Code::UnfilledColumn, Code::UnfitColumn, Code::ImpossibleConversion]
        }
        TableChange::Effect(Effect::Rule(_), Presence::New) => &[Code::TableRules],
        TableChange::Effect(Effect::RowSecurity, Presence::New) => &[Code::RowSecurity],
        TableChange::TableNew | TableChange::UniqueKey(..) | TableChange::ForeignKey(..) | TableChange::Effect(..) => {
            &[]
        }
    }
}

/// A source that is another database altogether is told once, and not table by table.
fn is_told_elsewhere(scope: &Scope<'_>, drift: &Drift) -> bool {
    drift.side == Side::Source && drift.change == TableChange::TableGone && wrong_source::is_told(scope)
}

fn broken(drift: &Drift) -> Diagnostic {
    let (connection, table) = (&drift.connection, &drift.table);
    let headline = format!("`{connection}.{table}` is not what it was when the project was locked: {}", drift.change);
    let mut problem = Diagnostic::new(Code::SchemaDrift, headline);
    for touched in &drift.touches {
        problem = problem.label(&touched.file, touched.span.clone(), drift.why.clone());
    }
    problem.help(format!(
        "adapt the spec or the table; `transload drift --accept '{}'` takes it over as it is",
        drift.path()
    ))
}

/// A warning for each table that somebody should look at.
fn warn(drifts: &[Drift], problems: &mut Problems) {
    let mut tables: BTreeMap<_, Vec<&Drift>> = BTreeMap::new();
    let is_told = |drift: &Drift, problems: &Problems| {
        let name = drift.change.column().map(|column| format!("`{column}`"));
        let new = problems.all().iter().filter(|found| found.code == Code::NewColumn);
        matches!(drift.change, TableChange::ColumnNew(_))
            && new.into_iter().any(|found| name.as_ref().is_some_and(|name| found.headline.contains(name)))
    };
    for drift in drifts.iter().filter(|drift| drift.weight == Weight::Look) {
        if let Some(at) = warned_of_triggers(drift, problems) {
            problems.note(at, format!("{}, since the project was locked", drift.change));
            continue;
        }
        if is_told(drift, problems) {
            continue;
        }
        tables.entry((drift.side, &drift.connection, &drift.table)).or_default().push(drift);
    }
    for ((_, connection, table), drifts) in tables {
        let headline = format!("table `{table}` of `{connection}` is not as transload.lock says");
        let mut warning = Diagnostic::warning(Code::LockStale, headline).help(SHOWN_BY);
        if let Some(touched) = drifts.iter().find_map(|drift| drift.touches.first()) {
            warning = warning.label(&touched.file, touched.span.clone(), "touched here");
        }
        for drift in drifts.iter().take(LISTED) {
            warning = warning.note(format!("{}: {}", drift.change, drift.why));
        }
        if drifts.len() > LISTED {
            warning = warning.note(format!("and {} more", drifts.len() - LISTED));
        }
        problems.push(warning);
    }
}

/// The warning that a table has triggers, where one of them is new.
fn warned_of_triggers(drift: &Drift, problems: &Problems) -> Option<usize> {
    let TableChange::Effect(Effect::Trigger(_), Presence::New) = drift.change else { return None };
    let is_here = |found: &Diagnostic| {
        let mut labels = found.labels.iter();
        labels.any(|label| drift.touches.iter().any(|at| at.file == label.file && at.span == label.span))
    };
    problems.all().iter().position(|found| found.code == Code::TableTriggers && is_here(found))
}
