//! How changes are shown to people and to programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use transload_model::{ColumnName, Diagnostic, EntityName, Exit, Fix};
use transload_spec::{Drift, Project, Suggestion, Touched, Weight};

use crate::cli::diff::unified;
use crate::cli::render::Screen;
use crate::cli::report::as_json;

/// The table of changes, what else a run is refused for, and what to do next.
pub(super) fn text(project: &Project, drifts: &[&Drift], others: &[&Diagnostic], screen: &Screen) {
    let (from, to) = (project.source(), project.destination());
    let moment = project.locked_at().unwrap_or_default();
    let day = moment.split('T').next().unwrap_or_default();
    screen.say(&format!("against transload.lock of {day}, {from} and {to} as of now\n"));
    let unlocked = transload_spec::unlocked(project);
    if !unlocked.is_empty() {
        let names = unlocked.iter().map(|entity| format!("`{entity}`")).collect::<Vec<_>>().join(", ");
        screen.hint(&format!(
            "not compared, because transload.lock does not hold what they name: {names} (`transload validate --lock`)"
        ));
    }
    match (drifts.is_empty(), unlocked.is_empty()) {
        (true, true) => screen.say("nothing changed"),
        (true, false) => screen.say("nothing changed of what was compared"),
        (false, _) => {
            screen.answer(&table(drifts));
            screen.say(&format!("\n{}", counted(drifts)));
        }
    }
    if !others.is_empty() {
        screen.say("\nthe project does not compile all the same:\n");
        others.iter().for_each(|problem| screen.answer(&screen.render(problem)));
    }
    if let Some(path) = reviewed(drifts) {
        screen.hint(&format!(
            "accept what you have reviewed:  transload drift --accept '{path}'   (writes transload.lock)"
        ));
    }
    if drifts.iter().any(|drift| !drift.suggestions.is_empty()) {
        screen.hint("suggested edits of the specs:   transload drift --suggest");
    }
}

/// A name to accept: of those that take over nothing that breaks, one that most needs a look; else whichever there is.
fn reviewed(drifts: &[&Drift]) -> Option<String> {
    let heaviest = |path: &str| drifts.iter().filter(|drift| drift.path() == path).map(|drift| drift.weight).max();
    let weighed = drifts.iter().map(|drift| (heaviest(&drift.path()), drift.path()));
    let acceptable = weighed.filter(|(weight, _)| *weight < Some(Weight::Breaks)).max_by_key(|(weight, _)| *weight);
    acceptable.map(|(_, path)| path).or_else(|| drifts.last().map(|drift| drift.path()))
}

/// Two lines for each change: what changed, and below it where that is felt and why.
fn table(drifts: &[&Drift]) -> String {
    let width = drifts.iter().flat_map(|drift| names(drift)).map(|name| name.chars().count()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for drift in drifts {
        let [name, place] = names(drift);
        let weight = drift.weight.to_string();
        lines.push(format!("{weight:<6}  {name:<width$}  {}", drift.change));
        lines.push(format!("{:6}  {place:<width$}  {}", "", drift.why));
        for touched in drift.touches.iter().skip(1) {
            lines.push(format!("{:6}  {}", "", touched.place()));
        }
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

/// The change's name, and the first place that it touches.
fn names(drift: &Drift) -> [String; 2] {
    [drift.path(), drift.touches.first().map(Touched::place).unwrap_or_default()]
}

/// `2 breaking, 1 to look at, 3 safe`
fn counted(drifts: &[&Drift]) -> String {
    let count = |weight| drifts.iter().filter(|drift| drift.weight == weight).count();
    let (breaks, look, safe) = (count(Weight::Breaks), count(Weight::Look), count(Weight::Safe));
    format!("{breaks} breaking, {look} to look at, {safe} safe")
}

/// What was taken over, and what is left.
pub(super) fn accepted(taken: &[&Drift], left: &[&Drift], screen: &Screen) {
    for drift in taken {
        screen.say(&format!("accepted  {}  {}", drift.path(), drift.change));
    }
    match taken.len() {
        0 => screen.say("nothing changed: transload.lock is as it was"),
        _ => screen.hint(&format!("wrote transload.lock; commit it. Left: {}", counted(left))),
    }
    for drift in taken.iter().filter(|drift| drift.is_of_key) {
        screen.hint(&format!(
            "{}: loaded rows are told apart by what it was. A run is refused where rows are loaded: undo the change, or start over",
            drift.path()
        ));
    }
}

/// Edits as a diff, and sentences where no edit is surely meant.
pub(super) fn suggested(drifts: &[&Drift]) -> String {
    let mut edits: BTreeMap<&str, Vec<&Fix>> = BTreeMap::new();
    let mut text = String::new();
    for drift in drifts {
        let place = || drift.touches.first().map(|touched| format!(" ({})", touched.place())).unwrap_or_default();
        if drift.suggestions.is_empty() && drift.weight == Weight::Breaks {
            text += &format!("# {}: {}: {}{}\n", drift.path(), drift.change, drift.why, place());
        }
        for suggestion in &drift.suggestions {
            match suggestion {
                Suggestion::Edit(fix) => edits.entry(fix.file.path.as_str()).or_default().push(fix),
                Suggestion::Words(words) => {
                    text += &format!("# {}: {words}{}\n", drift.path(), place());
                }
            }
        }
    }
    for mut fixes in edits.into_values() {
        fixes.sort_by_key(|fix| (fix.span.start, fix.span.end));
        let fixes = apart(fixes);
        if let Some(first) = fixes.first() {
            text += &unified(&first.file, &fixes);
        }
    }
    if text.is_empty() { "# no spec needs another word".to_owned() } else { text }
}

/// Edits that do not meet: of two that overlap the first counts.
fn apart(fixes: Vec<&Fix>) -> Vec<&Fix> {
    let mut kept: Vec<&Fix> = Vec::new();
    for fix in fixes {
        let is_free = kept.last().is_none_or(|last| last.span.end <= fix.span.start && *last != fix);
        if is_free {
            kept.push(fix);
        }
    }
    kept
}

/// The answer for programs.
pub(super) fn document(project: &Project, drifts: &[&Drift], others: &[&Diagnostic], exit: Exit) -> Value {
    let count = |weight| drifts.iter().filter(|drift| drift.weight == weight).count();
    json!({
        "schema": "transload.drift/1",
        "project": project.name(),
        "environment": project.environment(),
        "locked_at": project.locked_at(),
        "exit_code": exit as i32,
        "not_locked": transload_spec::unlocked(project),
        "breaks": count(Weight::Breaks),
        "look": count(Weight::Look),
        "safe": count(Weight::Safe),
        "changes": drifts.iter().map(|drift| change(drift)).collect::<Vec<_>>(),
        "problems": others.iter().map(|problem| as_json(problem)).collect::<Vec<_>>(),
    })
}

/// One change for programs.
pub(super) fn change(drift: &Drift) -> Value {
    json!({
        "name": drift.path(),
        "weight": drift.weight.to_string(),
        "side": drift.side.to_string(),
        "connection": drift.connection.as_str(),
        "table": drift.table.as_str(),
        "column": drift.change.column().map(ColumnName::as_str),
        "query_of": drift.query.as_ref().map(EntityName::as_str),
        "change": drift.change.word(),
        "message": drift.change.to_string(),
        "why": drift.why,
        "entities": drift.entities.iter().map(EntityName::as_str).collect::<Vec<_>>(),
        "places": drift.touches.iter().map(Touched::place).collect::<Vec<_>>(),
        "suggestions": drift.suggestions.iter().map(suggestion).collect::<Vec<_>>(),
    })
}

fn suggestion(suggestion: &Suggestion) -> Value {
    match suggestion {
        Suggestion::Edit(fix) => json!({ "diff": unified(&fix.file, &[fix]) }),
        Suggestion::Words(words) => json!({ "words": words }),
    }
}
