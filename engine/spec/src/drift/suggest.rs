//! What could be written in a spec for what changed: an edit where there is one that is surely meant, else a sentence.
//!
//! An edit is kept only where the edited text is still a spec, with as many mappings as are meant. Whoever pastes all edits at once gets what
//! each of them says.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use transload_model::{Column, ColumnName, Fix, SourceFile, TableChange, snake_case};

use super::judge::End;
use super::uses::{Role, Use, mappings, uses};
use super::{Judged, Side, Suggestion, Weight};
use crate::compile::{Scope, with_surroundings};
use crate::decode::{Field, Spec, Surroundings, decode};
use crate::problems::{Located, Place, Problems};
use crate::yaml::is_plain;

/// What may stand before the first column of a mapping in a list.
const BEFORE_LIST: [&str; 6] = [
    "- { source_field: ",
    "- {source_field: ",
    "- { destination_field: ",
    "- {destination_field: ",
    "- source_field: ",
    "- destination_field: ",
];

/// What could be written, before anyone looked whether it can be.
#[derive(Debug)]
pub(super) enum Proposal {
    /// An edit.
    Edit {
        fix: Fix,
        /// How many mappings more there are then.
        mappings: isize,
        /// What is said where it cannot be made.
        words: String,
    },
    /// A sentence.
    Words(String),
}

/// What to write about a change that touches the spec.
pub(super) fn proposals(end: &End<'_, '_>, change: &TableChange, weight: Weight) -> Vec<Proposal> {
    match change {
        TableChange::ColumnRenamed { from, to } => renamed(end, (from, &to.name)),
        TableChange::ColumnGone(column) => {
            let uses = uses(end, &column.name).into_iter();
            uses.filter_map(|used| gone(end, &used, &column.name)).collect()
        }
        TableChange::ColumnNew(column) if end.side == Side::Source || end.is_loaded() => {
            new(end, column, weight).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// The new name in the place of the old one, wherever that stands.
fn renamed(end: &End<'_, '_>, names: (&ColumnName, &ColumnName)) -> Vec<Proposal> {
    let uses = uses(end, names.0);
    let mut proposals: Vec<Proposal> = uses.iter().map(|used| rename(end, used, names)).collect();
    // Where a mapping goes by both names, words say what becomes of it.
    let is_edited = |proposal: &Proposal| matches!(proposal, Proposal::Edit { .. });
    if proposals.iter().any(is_edited) {
        proposals.extend(mentions(end, names.0).into_iter().map(|place| named(end, place, names)));
    }
    proposals
}

fn rename(end: &End<'_, '_>, used: &Use, (from, to): (&ColumnName, &ColumnName)) -> Proposal {
    let name = |field: &ColumnName| end.spec.fields.iter().find(|other| other.destination.value == *field);
    match &used.role {
        Role::Key => Proposal::Words(format!(
            "undo the rename: loaded rows are told apart by `{from}`; or start over, with `{to}` as the key"
        )),
        // A key of a map that stands for both ends: the old name may have to stay for the other one.
        Role::Field(field) if name(field).is_some_and(is_both) => Proposal::Words(match end.side {
            Side::Source => format!("write `source_field: {to}` in the mapping of `{field}`"),
            Side::Destination => format!("call the mapping `{to}`, with `source_field: {from}`"),
        }),
        Role::Star(field) => Proposal::Words(match end.side {
            Side::Source => format!("map it: `{field}: {to}`"),
            Side::Destination => format!("map it: `{to}: …`, from the column that went to `{field}`"),
        }),
        Role::Script(field) => {
            Proposal::Words(format!("write `row.{to}` in the place of `row.{from}` in the script of `{field}`"))
        }
        Role::Where => Proposal::Words(format!("write `{to}` in the place of `{from}` in `where`")),
        Role::Cursor | Role::Field(_) | Role::MaskedBy(_) | Role::Mark | Role::Lookup => {
            named(end, &used.place, (from, to))
        }
    }
}

/// Whether one word of the spec names the columns of both ends.
fn is_both(field: &Field) -> bool {
    field.sources.iter().any(|source| source.place == field.destination.place)
}

/// Where rules and tests of the spec name a column of the end.
fn mentions<'s>(end: &End<'s, '_>, column: &ColumnName) -> Vec<&'s Place> {
    let spec = end.spec;
    let given = spec.tests.iter().flat_map(|test| &test.rows).flatten().map(|(name, _)| name);
    let named: Vec<&Located<ColumnName>> = match end.side {
        Side::Source => given.collect(),
        Side::Destination => judged(spec).collect(),
    };
    named.into_iter().filter(|name| name.value == *column).map(|name| &name.place).collect()
}

/// The fields that rules and tests of the spec name.
fn judged(spec: &Spec) -> impl Iterator<Item = &Located<ColumnName>> {
    let expected = spec.tests.iter().flat_map(|test| &test.expected_rows).flatten().map(|(name, _)| name);
    let faults = spec.tests.iter().flat_map(|test| test.quarantine.iter().chain(test.warnings.iter().flatten()));
    let rules = spec.rules.iter().map(|rule| &rule.field);
    rules.chain(expected).chain(faults.filter_map(|fault| fault.field.as_ref()))
}

/// A name at a place, in quotes or without, as another one.
fn named(end: &End<'_, '_>, place: &Place, (from, to): (&ColumnName, &ColumnName)) -> Proposal {
    let words = format!("write `{to}` in the place of `{from}`");
    let fix = || {
        let text = place.text().filter(|_| place.file == end.spec.file)?;
        let inner = text.strip_prefix(['"', '\'']).and_then(|rest| rest.strip_suffix(['"', '\''])).unwrap_or(text);
        let is_written = inner == from.as_str() && is_plain(to.as_str());
        is_written.then(|| Fix {
            file: Arc::clone(&place.file),
            span: place.span.clone(),
            replacement: text.replace(from.as_str(), to.as_str()),
        })
    };
    match fix() {
        Some(fix) => Proposal::Edit { fix, mappings: 0, words },
        None => Proposal::Words(words),
    }
}

/// The line of a mapping taken out, where it is one line, reads nothing else, and nothing needs what it fills.
fn gone(end: &End<'_, '_>, used: &Use, column: &ColumnName) -> Option<Proposal> {
    let name = match &used.role {
        Role::Field(name) => name,
        Role::Key => {
            let words =
                format!("put `{column}` back: loaded rows are told apart by it; or start over with another key");
            return Some(Proposal::Words(words));
        }
        Role::Cursor | Role::Mark | Role::MaskedBy(_) => {
            return Some(Proposal::Words(format!("name another column than `{column}`")));
        }
        Role::Script(field) => {
            return Some(Proposal::Words(format!("take `row.{column}` out of the script of `{field}`")));
        }
        Role::Where => return Some(Proposal::Words(format!("take `{column}` out of `where`"))),
        Role::Star(_) | Role::Lookup => return None,
    };
    let field = end.spec.fields.iter().find(|field| field.destination.value == *name)?;
    if field.sources.len() > 1 && end.side == Side::Source {
        return Some(Proposal::Words(format!("take `{column}` out of the `source_field` of `{name}`")));
    }
    let filled = end.scope.destination_table(end.spec).and_then(|table| table.column(name));
    if end.side == Side::Source && filled.is_some_and(Column::needs_value) {
        return Some(Proposal::Words(format!("give `{name}` another source, or a `default_value` alone")));
    }
    let words = format!("take the mapping of `{name}` out, and what names it");
    let fix = whole_line(field).filter(|_| !is_needed(end.spec, name) && field.destination.place.file == end.spec.file);
    let fix = fix.map(|span| Fix { file: Arc::clone(&end.spec.file), span, replacement: String::new() });
    Some(match fix {
        Some(fix) => Proposal::Edit { fix, mappings: -1, words },
        None => Proposal::Words(words),
    })
}

/// Whether a rule or a test of the spec names what a mapping fills.
fn is_needed(spec: &Spec, field: &ColumnName) -> bool {
    let mut scripts = spec.rules.iter().filter_map(|rule| rule.script.as_ref());
    judged(spec).any(|name| name.value == *field) || scripts.any(|script| script.body.value.contains(field.as_str()))
}

/// The line of a mapping that stands on one alone.
fn whole_line(field: &Field) -> Option<Range<usize>> {
    let place = &field.destination.place;
    let text = &place.file.text;
    let start = text.get(..place.span.start)?.rfind('\n').map_or(0, |at| at + 1);
    let rest = text.get(start..)?;
    let line = rest.split_inclusive('\n').next()?;
    let depth = indent(line);
    let begins = field.sources.iter().map(|source| source.place.span.start).fold(place.span.start, usize::min);
    let before = text.get(start + depth..begins)?;
    let is_entry = BEFORE_LIST.contains(&before) || before.is_empty();
    // What belongs to it would stand further in, and what it belongs to would close behind it.
    let next = rest.get(line.len()..)?.lines().find(|line| !line.trim().is_empty());
    let is_alone = next.is_none_or(|next| indent(next) <= depth) && !line.trim_end().ends_with(',');
    (is_entry && is_alone).then(|| start..start + line.len())
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// A line for a new column, where the column of the other end is plain.
fn new(end: &End<'_, '_>, column: &Column, weight: Weight) -> Option<Proposal> {
    let other = match end.side {
        Side::Source => end.scope.destination_table(end.spec)?.table,
        Side::Destination => end.scope.source_table(end.spec)?.table,
    };
    if end.side == Side::Destination && mappings(end, &column.name).next().is_some() {
        return None;
    }
    let is_same = |found: &&Column| snake_case(found.name.as_str()) == snake_case(column.name.as_str());
    let pair = other.columns.iter().find(is_same).filter(|found| end.side == Side::Destination || is_free(end, found));
    let (source, destination) = match (end.side, pair) {
        (Side::Source, Some(found)) => (&column.name, &found.name),
        (Side::Destination, Some(found)) => (&found.name, &column.name),
        (Side::Source, None) => return None,
        (Side::Destination, None) => {
            let words = format!("map `{}`, or give it a `default_value`", column.name);
            return (weight == Weight::Breaks).then_some(Proposal::Words(words));
        }
    };
    // A star takes it where somebody accepts it.
    if end.spec.auto_map.is_some() && weight < Weight::Breaks {
        return None;
    }
    let words = format!("map it: `{destination}: {source}`");
    Some(match line_for(end, (source, destination)) {
        Some(fix) => Proposal::Edit { fix, mappings: 1, words },
        None => Proposal::Words(words),
    })
}

fn is_free(end: &End<'_, '_>, column: &Column) -> bool {
    let is_key = end.scope.destination_key(end.spec).is_some_and(|key| key.contains(&&column.name));
    !column.generated
        && !column.insert_only
        && !is_key
        && end.spec.fields.iter().all(|field| field.destination.value != column.name)
}

/// A line before the first mapping of the spec.
fn line_for(end: &End<'_, '_>, (source, destination): (&ColumnName, &ColumnName)) -> Option<Fix> {
    let own = end.spec.fields.iter().filter(|field| !field.is_auto && field.destination.place.file == end.spec.file);
    let first = own.min_by_key(|field| field.destination.place.span.start)?;
    let begins = first.sources.iter().map(|source| source.place.span.start);
    let begins = begins.fold(first.destination.place.span.start, usize::min);
    let text = &end.spec.file.text;
    let start = text.get(..begins)?.rfind('\n').map_or(0, |at| at + 1);
    let before = text.get(start..begins)?;
    let spaces = " ".repeat(indent(before));
    let end_of_line = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let line = match before.trim_start_matches(' ') {
        "" => format!("{destination}: {source}"),
        list if BEFORE_LIST.contains(&list) => {
            format!("- {{ source_field: {source}, destination_field: {destination} }}")
        }
        _ => return None,
    };
    let is_written = is_plain(source.as_str()) && is_plain(destination.as_str());
    is_written.then(|| Fix {
        file: Arc::clone(&end.spec.file),
        span: start..start,
        replacement: format!("{spaces}{line}{end_of_line}"),
    })
}

/// Makes suggestions of what was proposed: the edits that can be made one after the other, and words in the place of the others.
pub(super) fn settle(scope: &Scope<'_>, found: &mut [Judged]) {
    if found.iter().all(|judged| judged.proposals.is_empty()) {
        return;
    }
    // What is wrong with templates is told where they are read.
    with_surroundings(scope.project, &mut Problems::default(), |surroundings, _| {
        let mut edited: BTreeMap<usize, Edited> = BTreeMap::new();
        for judged in found {
            for (index, proposal) in judged.proposals.drain(..) {
                let suggestion = match (proposal, scope.specs.get(index)) {
                    (Proposal::Edit { fix, mappings, .. }, Some(spec))
                        if edited.entry(index).or_default().takes((&fix, mappings), spec, surroundings) =>
                    {
                        Suggestion::Edit(fix)
                    }
                    (Proposal::Edit { words, .. } | Proposal::Words(words), _) => Suggestion::Words(words),
                };
                if !judged.drift.suggestions.contains(&suggestion) {
                    judged.drift.suggestions.push(suggestion);
                }
            }
        }
    });
}

/// The edits of a spec that are kept.
#[derive(Default)]
struct Edited {
    fixes: Vec<Fix>,
    mappings: isize,
}

impl Edited {
    /// Keeps an edit, where the text is still the spec with it.
    fn takes(&mut self, (fix, mappings): (&Fix, isize), spec: &Spec, surroundings: &Surroundings<'_>) -> bool {
        if self.fixes.contains(fix) {
            return true;
        }
        let meets = |other: &Fix| other.span.start < fix.span.end && fix.span.start < other.span.end;
        if self.fixes.iter().any(meets) {
            return false;
        }
        let fixes: Vec<&Fix> = self.fixes.iter().chain([fix]).collect();
        let mut problems = Problems::default();
        let file = Arc::new(SourceFile::new(spec.file.path.clone(), with(&spec.file.text, fixes)));
        let is_sound = decode(&file, surroundings, &mut problems).is_ok_and(|now| {
            let is_whole = !problems.has_errors() && now.has_all_fields;
            let before = spec.fields.iter().filter(|field| !field.is_auto).count();
            is_whole && before.checked_add_signed(self.mappings + mappings) == Some(now.fields.len())
        });
        if is_sound {
            self.fixes.push(fix.clone());
            self.mappings += mappings;
        }
        is_sound
    }
}

/// The text with all of the edits, which do not meet.
fn with(text: &str, mut fixes: Vec<&Fix>) -> String {
    let mut text = text.to_owned();
    fixes.sort_by_key(|fix| std::cmp::Reverse((fix.span.start, fix.span.end)));
    for fix in fixes {
        text.replace_range(fix.span.clone(), &fix.replacement);
    }
    text
}
