//! What `infer` found and did, as people and programs read it.

use serde_json::{Value, json};
use transload_infer::{Addition, Confidence, Draft, Fate, FieldDraft, KeyDraft, Unpaired};
use transload_model::{ColumnName, Severity, TableName};

use super::files::{File, State};
use super::{Answer, Lock, names};
use crate::cli::args::Infer;
use crate::cli::lock::Locked;
use crate::cli::render::{Screen, Signs};
use crate::cli::report::as_json;
use crate::cli::summary::aligned;
use crate::cli::text::{counted, some};

/// Tables without a counterpart that are listed without `--all`.
const LISTED: usize = 4;
/// Places that are named in one line.
const PLACES: usize = 6;

/// A pair of tables, whether its spec is new or not.
struct Pair<'a> {
    source: &'a TableName,
    destination: &'a TableName,
    score: Confidence,
    key: &'a KeyDraft,
    fields: &'a [FieldDraft],
    /// Source columns, those that nothing reads, and mapped ones besides `fields`.
    columns: usize,
    unread: usize,
    file: &'a File,
    draft: Option<&'a Draft>,
    addition: Option<&'a Addition>,
}

pub(super) fn text(answer: &Answer, asked: &Infer, screen: &Screen) {
    let signs = screen.signs();
    let read = format!(
        "read {} of the source and {} of the destination\n",
        some(answer.source_tables, "table"),
        some(answer.destination_tables, "table")
    );
    screen.say(&read);
    let pairs = pairs(answer);
    screen.say(&table(answer, &pairs, asked, &signs));
    if asked.dry_run {
        dry(&pairs, screen);
        return;
    }
    screen.say(&format!("\n{}", verdict(answer, &pairs)));
    for line in marks(&pairs, &signs) {
        screen.say(&line);
    }
    let mut drafts = pairs.iter().filter(|pair| pair.file.state == State::Drafted).filter_map(|pair| pair.draft);
    if let Some(namespace) = drafts.find_map(|draft| draft.namespace) {
        screen.hint(&format!(
            "each new key names its namespace; in transload.yaml one line says it for all:\n  \
             defaults: {{ key: {{ strategy: uuid_v5, namespace: {namespace} }} }}"
        ));
    }
    next(answer, &pairs, screen);
}

fn pairs(answer: &Answer) -> Vec<Pair<'_>> {
    let drafts = answer.inferred.drafts.iter().filter_map(|draft| {
        Some(Pair {
            source: &draft.source_table,
            destination: &draft.destination_table,
            score: draft.score,
            key: &draft.key,
            fields: &draft.fields,
            columns: draft.columns.len(),
            unread: draft.unread.len(),
            file: answer.done.drafts.get(&draft.entity)?,
            draft: Some(draft),
            addition: None,
        })
    });
    let additions = answer.inferred.additions.iter().zip(&answer.done.specs).filter_map(|(addition, file)| {
        let outline = answer.outlines.get(addition.known)?;
        Some(Pair {
            source: &outline.source_table,
            destination: &outline.destination_table,
            score: addition.score,
            key: &addition.key,
            fields: &addition.fields,
            columns: addition.columns,
            unread: addition.unread.len(),
            file,
            draft: None,
            addition: Some(addition),
        })
    });
    let mut pairs: Vec<Pair<'_>> = drafts.chain(additions).collect();
    pairs.sort_by_key(|pair| (pair.destination, pair.source));
    pairs
}

fn table(answer: &Answer, pairs: &[Pair<'_>], asked: &Infer, signs: &Signs) -> String {
    let header = ["source", "destination", "score", "columns", "same", "renamed", "no target", "unfilled", "spec"];
    let mut lines: Vec<Vec<String>> = pairs.iter().map(line).collect();
    let (sources, destinations) = (&answer.inferred.unpaired_sources, &answer.inferred.unpaired_destinations);
    let all: Vec<Vec<String>> = sources
        .iter()
        .map(|left| left_line(left, false))
        .chain(destinations.iter().map(|left| left_line(left, true)))
        .collect();
    let count = all.len();
    let shown = if asked.all || count <= LISTED + 1 { count } else { LISTED };
    lines.extend(all.into_iter().take(shown));
    let mut text = aligned(&header, lines, |at| at < 2 || at == 8);
    if shown < count {
        text.push_str(&format!("\n{} {} more (--all)", signs.more, count - shown));
    }
    text
}

fn line(pair: &Pair<'_>) -> Vec<String> {
    let cells = [pair.source.to_string(), pair.destination.to_string(), pair.score.to_string()];
    let (same, renamed) = same_and_renamed(pair);
    let unfilled = pair.fields.iter().filter(|field| field.is_unfilled()).count();
    // Of a spec that there is, only what it does not say is known here.
    let counts = match pair.draft {
        Some(_) => [pair.columns, same, renamed, pair.unread, unfilled].map(|count| count.to_string()),
        None => {
            [pair.columns.to_string(), "–".to_owned(), "–".to_owned(), pair.unread.to_string(), unfilled.to_string()]
        }
    };
    cells.into_iter().chain(counts).chain([state(pair)]).collect()
}

/// Source columns that keep their name, and those that are mapped or looked up.
fn same_and_renamed(pair: &Pair<'_>) -> (usize, usize) {
    let same = pair.fields.iter().filter(|field| matches!(field.fate, Fate::Same(_))).count();
    (same, pair.columns.saturating_sub(same + pair.unread))
}

fn state(pair: &Pair<'_>) -> String {
    let marks = pair.file.marks().len();
    let doubts = if marks > 0 { format!("  ! {marks}") } else { String::new() };
    match &pair.file.state {
        State::Drafted => format!("{}{doubts}", pair.file.path),
        State::Exists => format!("{}  exists", pair.file.path),
        State::Updated(columns) => format!("{}  + {}{doubts}", pair.file.path, columns.len()),
        State::ByHand(columns) => format!("{}  exists; by hand: {}", pair.file.path, names(columns)),
    }
}

fn left_line(left: &Unpaired, is_destination: bool) -> Vec<String> {
    let (table, none) = (left.table.to_string(), "–".to_owned());
    let (ends, missing) = match is_destination {
        true => ([none.clone(), table], "source"),
        false => ([table, none.clone()], "destination"),
    };
    let near = match &left.nearest {
        Some((table, score)) => format!("no {missing} above 0.60; {table} has {score}"),
        None => format!("no {missing} above 0.60"),
    };
    let mut cells: Vec<String> = ends.into();
    cells.extend([none.clone(), left.columns.to_string(), none.clone(), none.clone(), none.clone(), none, near]);
    cells
}

/// The texts that would be written.
fn dry(pairs: &[Pair<'_>], screen: &Screen) {
    let is_new = |pair: &&Pair<'_>| matches!(pair.file.state, State::Drafted | State::Updated(_));
    for pair in pairs.iter().filter(is_new) {
        screen.say(&format!("\n--- {}\n{}", pair.file.path, pair.file.text.trim_end()));
    }
    screen.hint("nothing was written");
}

fn verdict(answer: &Answer, pairs: &[Pair<'_>]) -> String {
    let count = |is: fn(&State) -> bool| pairs.iter().filter(|pair| is(&pair.file.state)).count();
    let drafted = count(|state| matches!(state, State::Drafted));
    let updated = count(|state| matches!(state, State::Updated(_)));
    let kept = count(|state| matches!(state, State::Exists | State::ByHand(_)));
    let mut parts = Vec::new();
    if drafted > 0 {
        parts.push(some(drafted, "spec"));
    }
    if matches!(answer.lock, Lock::Done(Locked::Written)) {
        parts.push("transload.lock".to_owned());
    }
    let mut sentences = Vec::new();
    if !parts.is_empty() {
        sentences.push(format!("wrote {}.", parts.join(" and ")));
    }
    if updated > 0 {
        sentences.push(format!("added to {}; everything else in them is as it was.", some(updated, "spec")));
    }
    if sentences.is_empty() {
        sentences.push("nothing was written.".to_owned());
    }
    if kept > 0 && updated == 0 {
        sentences.push("A spec that exists is never overwritten (--update adds to it, comments stay).".to_owned());
    }
    sentences.join(" ")
}

/// What a person has to look at, by place.
fn marks(pairs: &[Pair<'_>], signs: &Signs) -> Vec<String> {
    let places: Vec<String> = pairs.iter().flat_map(|pair| pair.file.marks()).collect();
    if places.is_empty() {
        return Vec::new();
    }
    let shown = if places.len() > PLACES + 1 { PLACES } else { places.len() };
    let more =
        if shown < places.len() { format!("  {} {} more", signs.more, places.len() - shown) } else { String::new() };
    let lines = counted(places.len(), "line is", "lines are");
    vec![format!("{} {lines} marked `# TODO(infer)`:  {}{more}", signs.warning, places[..shown].join("  "))]
}

fn next(answer: &Answer, pairs: &[Pair<'_>], screen: &Screen) {
    let entity = pairs.iter().filter_map(|pair| Some(&pair.draft?.entity)).next();
    match &answer.lock {
        Lock::Refused(problems) => {
            let errors: Vec<_> = problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
            screen.say(&format!(
                "{} transload.lock is not written, because the specs do not compile yet:",
                screen.signs().warning
            ));
            for problem in errors.iter().take(PLACES) {
                let place = problem.place().map(|place| format!("{place}: ")).unwrap_or_default();
                screen.say(&format!("  {place}{}", problem.headline));
            }
            if errors.len() > PLACES {
                screen.say(&format!("  {} {} more", screen.signs().more, errors.len() - PLACES));
            }
            screen.hint("next: fill what is marked, then transload validate --lock");
        }
        _ => {
            let preview = entity.map(|entity| format!(" && transload preview {entity}")).unwrap_or_default();
            screen.hint(&format!("next: transload validate{preview}"));
        }
    }
}

/// Everything, for programs.
pub(super) fn document(answer: &Answer, project: &str, asked: &Infer) -> Value {
    let (lock, problems) = match &answer.lock {
        Lock::Done(Locked::Written) => ("written", Vec::new()),
        Lock::Done(Locked::AsItWas) => ("as_it_was", Vec::new()),
        Lock::NotNeeded => ("not_needed", Vec::new()),
        Lock::Refused(problems) => ("not_written", problems.iter().map(as_json).collect()),
    };
    json!({
        "schema": "transload.infer/1",
        "project": project,
        "dry_run": asked.dry_run,
        "source_tables": answer.source_tables,
        "destination_tables": answer.destination_tables,
        "pairs": pairs(answer).iter().map(pair_json).collect::<Vec<_>>(),
        "unpaired": {
            "source": answer.inferred.unpaired_sources.iter().map(unpaired_json).collect::<Vec<_>>(),
            "destination": answer.inferred.unpaired_destinations.iter().map(unpaired_json).collect::<Vec<_>>(),
        },
        "lock": lock,
        "problems": problems,
        "exit_code": 0,
    })
}

fn pair_json(pair: &Pair<'_>) -> Value {
    let (same, renamed) = same_and_renamed(pair);
    let (state, added) = match &pair.file.state {
        State::Drafted => ("drafted", &[][..]),
        State::Exists => ("exists", &[][..]),
        State::Updated(columns) => ("updated", columns.as_slice()),
        State::ByHand(columns) => ("by_hand", columns.as_slice()),
    };
    let unread = pair.draft.map(|draft| &draft.unread).or_else(|| pair.addition.map(|addition| &addition.unread));
    json!({
        "source_table": pair.source,
        "destination_table": pair.destination,
        "score": share(pair.score),
        "entity_type": pair.draft.map(|draft| &draft.entity).or_else(|| pair.addition.map(|addition| &addition.entity)),
        "spec": pair.file.path,
        "state": state,
        "added": added,
        "columns": pair.columns,
        "same": same,
        "renamed": renamed,
        "no_target": unread,
        "unfilled": unfilled(pair.fields),
        "key": key_json(pair.key),
        "fields": pair.fields.iter().map(field_json).collect::<Vec<_>>(),
        "text": pair.draft.map(|_| &pair.file.text),
    })
}

fn share(confidence: Confidence) -> f64 {
    f64::from(confidence.get()) / 1000.0
}

fn unfilled(fields: &[FieldDraft]) -> Vec<&ColumnName> {
    fields.iter().filter(|field| field.is_unfilled()).map(|field| &field.destination).collect()
}

fn key_json(key: &KeyDraft) -> Value {
    let (strategy, reason) = match key {
        KeyDraft::Uuid { .. } => (Some("uuid_v5"), None),
        KeyDraft::Kept(_) => (Some("keep"), None),
        KeyDraft::Missing(reason) => (None, Some(reason)),
    };
    json!({ "source": key.source(), "destination": key.destination(), "strategy": strategy, "missing": reason })
}

fn field_json(field: &FieldDraft) -> Value {
    let fate = match &field.fate {
        Fate::Same(_) => "same",
        Fate::Mapped(_) => "mapped",
        Fate::Left => "left",
    };
    json!({
        "destination_field": field.destination,
        "source_fields": field.sources(),
        "state": fate,
        "references": field.parent(),
        "confidence": share(field.confidence),
        "doubts": field.doubts,
        "reasons": field.notes,
        "is_unfilled": field.is_unfilled(),
    })
}

fn unpaired_json(left: &Unpaired) -> Value {
    let nearest = left.nearest.as_ref().map(|(table, score)| json!({ "table": table, "score": share(*score) }));
    json!({ "table": left.table, "columns": left.columns, "nearest": nearest })
}
