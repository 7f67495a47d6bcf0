//! Joins what changed with what is wrong: a problem that comes of a change is told as that, and a change that breaks is told at least once.

use std::collections::{BTreeMap, BTreeSet};

use transload_model::{Code, ColumnName, Diagnostic, Effect, Presence, Severity, TableChange, snake_case};

use super::{Drift, Judged, Side, Weight};
use crate::checks::wrong_database;
use crate::compile::Scope;
use crate::decode::Spec;
use crate::problems::{Place, Problems, listed};

/// Changes that a warning lists.
const LISTED: usize = 8;

/// Changes that the help of a problem names.
const NAMED: usize = 4;

const SHOWN_BY: &str =
    "`transload drift` shows what it touches; what is well so, `transload drift --accept` takes over";

pub(crate) const LOCKED_ELSEWHERE: &str =
    "`transload validate --lock` adds these systems; what the lock holds of others stays";

/// A change with the problems that come of it, by their places among all.
struct Blamed {
    drift: Drift,
    /// Errors.
    caused: Vec<usize>,
    /// Where a star says that it meets it, as an error or a warning.
    met: Vec<usize>,
}

/// Tells what breaks and what is to be looked at, and gives all that changed, the gravest first. What is wrong with
/// specs that are not active, and comes of a change, is only to be looked at.
pub(crate) fn settle(scope: &Scope<'_>, judged: Vec<Judged>, problems: &mut Problems) -> Vec<Drift> {
    let mut excused = BTreeSet::new();
    let mut all = Vec::new();
    for judged in judged {
        let mut blamed = blamed(judged, scope, problems);
        let (inactive, active): (Vec<usize>, Vec<usize>) =
            blamed.caused.iter().partition(|at| is_of_inactive(&problems.all()[**at], scope));
        if let Some(first) = active.first().filter(|_| blamed.drift.weight < Weight::Breaks) {
            blamed.drift.weight = Weight::Breaks;
            blamed.drift.why.clone_from(&problems.all()[*first].headline);
        }
        excused.extend(inactive);
        all.push(blamed);
    }
    advise(&all, problems);
    for Blamed { drift, caused, .. } in &all {
        for at in caused {
            problems.blame(*at, format!("{}: {}, since the project was locked", drift.path(), drift.change));
        }
        if caused.is_empty() && drift.weight == Weight::Breaks && !is_told_elsewhere(scope, drift) {
            tell(drift, problems);
        }
    }
    warn(&all, problems);
    warn_of_unlocked(scope, problems);
    problems.forget(&excused);
    let mut drifts: Vec<Drift> = all.into_iter().map(|blamed| blamed.drift).collect();
    drifts.sort_by_key(|drift| std::cmp::Reverse(drift.weight));
    drifts
}

fn blamed(Judged { drift, related, .. }: Judged, scope: &Scope<'_>, problems: &Problems) -> Blamed {
    let is_of = |found: &Diagnostic| {
        consequences(&drift.change).contains(&found.code)
            && (is_at(found, &drift, &related) && is_own(found, scope, &drift) || is_named(found, scope, &drift))
    };
    let of: Vec<usize> =
        problems.all().iter().enumerate().filter(|(_, found)| is_of(found)).map(|(at, _)| at).collect();
    let found = |at: &usize| &problems.all()[*at];
    let caused = of.iter().copied().filter(|at| found(at).severity == Severity::Error).collect();
    let met = of.iter().copied().filter(|at| found(at).code == Code::NewColumn).collect();
    Blamed { drift, caused, met }
}

/// Whether the problem stands at a place that the change touches.
fn is_at(found: &Diagnostic, drift: &Drift, related: &[Place]) -> bool {
    let mut labels = found.labels.iter();
    // One place may have problems of another side, or of another column.
    is_about(found, drift)
        && labels.any(|label| related.iter().any(|place| place.file == label.file && place.span == label.span))
}

/// Whether what a star meets is met for an entity of the table: many may share the star.
fn is_own(found: &Diagnostic, scope: &Scope<'_>, drift: &Drift) -> bool {
    let first = found.labels.first().map(|label| &label.file.path);
    let mut own = scope.specs.iter().filter(|spec| drift.entities.contains(&spec.entity.value));
    found.code != Code::NewColumn || own.any(|spec| Some(&spec.file.path) == first)
}

/// Whether a problem that is about columns is about the one that changed.
fn is_about(found: &Diagnostic, drift: &Drift) -> bool {
    let Some(subject) = &found.subject else { return true };
    let column = match &drift.change {
        TableChange::PrimaryKey { .. } => return true,
        // What misses it asks for the old name, and what meets it for the new one.
        TableChange::ColumnRenamed { to, .. } if matches!(found.code, Code::UnfilledColumn | Code::NewColumn) => {
            &to.name
        }
        change => match change.column() {
            Some(column) => column,
            None => return false,
        },
    };
    match found.code {
        // A star pairs the columns of both ends.
        Code::NewColumn => subject.columns.iter().any(|other| is_paired(other, column)),
        _ => subject.side == drift.side && subject.columns.contains(column),
    }
}

fn is_paired(one: &ColumnName, other: &ColumnName) -> bool {
    snake_case(one.as_str()) == snake_case(other.as_str())
}

/// Whether a script or a test of one of its specs asks for the column: a place that only who compiles it knows.
fn is_named(found: &Diagnostic, scope: &Scope<'_>, drift: &Drift) -> bool {
    let own = scope.specs.iter().filter(|spec| drift.entities.contains(&spec.entity.value));
    let is_own = own.map(|spec| &spec.file.path).any(|path| found.labels.iter().any(|label| label.file.path == *path));
    matches!(found.code, Code::UnknownColumn | Code::ScriptUnknownColumn)
        && drift.side == Side::Source
        && drift.change.column().is_some()
        && found.subject.is_some()
        && is_own
        && is_about(found, drift)
}

/// Whether it is a problem of a spec that is not active, and of no other. No active spec refers to its rows.
fn is_of_inactive(found: &Diagnostic, scope: &Scope<'_>) -> bool {
    let Some(label) = found.labels.first() else { return false };
    scope.specs.iter().any(|spec| spec.file.path == label.file.path && !spec.is_active)
}

/// Says by which names the columns are accepted that a star meets.
fn advise(all: &[Blamed], problems: &mut Problems) {
    let mut names: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for blamed in all {
        blamed.met.iter().for_each(|at| names.entry(*at).or_default().push(blamed.drift.path()));
    }
    for (at, names) in names {
        let accepted: Vec<String> = names.iter().take(NAMED).map(|name| format!(" --accept '{name}'")).collect();
        let accepted = if names.len() > NAMED { " --accept".to_owned() } else { accepted.concat() };
        problems.advise(at, format!("`transload drift{accepted}` takes it over; `exclude` leaves it out for good"));
    }
}

/// The problems that a change may lead to.
fn consequences(change: &TableChange) -> &'static [Code] {
    match change {
        TableChange::TableGone => &[Code::UnknownTable],
        TableChange::Refused => &[Code::SourceSql],
        TableChange::ColumnGone(_) | TableChange::ColumnRenamed { .. } => &[
            Code::UnknownColumn,
            Code::ScriptUnknownColumn,
            Code::SchemaDrift,
            Code::SourceSql,
            Code::UnfilledColumn,
            Code::KeyMissing,
            Code::NewColumn,
        ],
        TableChange::ColumnNew(_) => &[Code::UnfilledColumn, Code::NewColumn],
        TableChange::Type { .. } => &[
            Code::ImpossibleConversion,
            Code::UnfitColumn,
            Code::FunctionArgument,
            Code::KeyType,
            Code::SpecValue,
            Code::RuleParameter,
            Code::SchemaDrift,
            Code::SourceSql,
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

/// An end that is another database altogether is told once, and not table by table.
fn is_told_elsewhere(scope: &Scope<'_>, drift: &Drift) -> bool {
    let is_gone = matches!(drift.change, TableChange::TableGone | TableChange::Refused);
    is_gone && wrong_database::is_told(scope, drift.side)
}

/// Tells a change that breaks: where something is told at its place, as one more of that.
fn tell(drift: &Drift, problems: &mut Problems) {
    let is_error = |found: &Diagnostic| found.severity == Severity::Error;
    match drift.touches.first().and_then(|first| problems.told_at((&first.file, first.span.start), is_error)) {
        Some(at) => problems.note(at, format!("{}: {}: {}", drift.path(), drift.change, drift.why)),
        None => problems.push(broken(drift)),
    }
}

fn broken(drift: &Drift) -> Diagnostic {
    let (connection, table) = (&drift.connection, &drift.table);
    let headline = format!("`{connection}.{table}` is not what it was when the project was locked: {}", drift.change);
    let mut problem = Diagnostic::new(Code::SchemaDrift, headline);
    for touched in &drift.touches {
        problem = problem.label(&touched.file, touched.span.clone(), drift.why.clone());
    }
    problem.help(match drift.is_of_key {
        true => {
            "undo the change, or start over: loaded rows are told apart by what it was, and `--accept` changes no row"
                .to_owned()
        }
        false => {
            format!("adapt the spec or the table; `transload drift --accept '{}'` takes it over as it is", drift.path())
        }
    })
}

/// A warning for each table that somebody should look at.
fn warn(all: &[Blamed], problems: &mut Problems) {
    let mut tables: BTreeMap<_, Vec<&Drift>> = BTreeMap::new();
    for Blamed { drift, met, .. } in all.iter().filter(|blamed| blamed.drift.weight == Weight::Look) {
        if let Some(at) = warned_of_triggers(drift, problems) {
            problems.note(at, format!("{}, since the project was locked", drift.change));
        } else if met.is_empty() {
            tables.entry((drift.side, &drift.connection, &drift.table)).or_default().push(drift);
        }
    }
    for ((_, connection, table), drifts) in tables {
        let headline = format!("table `{table}` of `{connection}` is not as transload.lock says");
        let first = drifts.iter().find_map(|drift| drift.touches.first());
        let is_same = |found: &Diagnostic| found.code == Code::LockStale;
        // One place may touch tables of both ends.
        if let Some(at) = first.and_then(|first| problems.told_at((&first.file, first.span.start), is_same)) {
            for drift in drifts.iter().take(LISTED) {
                problems.note(at, format!("{}: {}: {}", drift.path(), drift.change, drift.why));
            }
            continue;
        }
        let mut warning = Diagnostic::warning(Code::LockStale, headline).help(SHOWN_BY);
        if let Some(touched) = first {
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

/// A warning that some of what is there was compared with nothing, because the lock does not have it.
fn warn_of_unlocked(scope: &Scope<'_>, problems: &mut Problems) {
    let Some(lock) = scope.lock.filter(|_| !scope.is_offline) else { return };
    if let Some((name, system)) = scope.project.locked_elsewhere().first() {
        let headline = format!("transload.lock was written for {system} behind `{name}`: nothing was compared with it");
        problems.push(Diagnostic::warning(Code::LockStale, headline).help(LOCKED_ELSEWHERE));
        return;
    }
    let unlocked: Vec<&Spec> =
        scope.specs.iter().filter(|spec| spec.is_active && !lock.holds(scope.project, spec)).collect();
    if unlocked.is_empty() {
        return;
    }
    let names = listed(unlocked.iter().map(|spec| spec.entity.value.as_str()));
    let headline = format!("transload.lock does not hold everything that is named by {names}: that was not compared");
    let missing: BTreeSet<String> = unlocked.iter().flat_map(|spec| lock.lacks(scope.project, spec)).collect();
    let mut warning = Diagnostic::warning(Code::LockStale, headline).help("`transload validate --lock` takes it over");
    if !missing.is_empty() {
        warning = warning.note(format!("it lacks {}", listed(missing.iter().map(String::as_str))));
    }
    problems.push(warning);
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
