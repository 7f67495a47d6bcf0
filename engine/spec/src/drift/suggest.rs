//! What could be written in a spec for what changed: an edit where there is one that is surely meant, else a sentence.

use std::ops::Range;
use std::sync::Arc;

use transload_model::{Column, ColumnName, Fix, TableChange, snake_case};

use super::judge::End;
use super::uses::{Role, Use, mappings, uses};
use super::{Side, Suggestion, Weight};
use crate::decode::Field;
use crate::problems::Place;
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

/// What to write about a change that touches the spec.
pub(super) fn suggestions(end: &End<'_, '_>, change: &TableChange, weight: Weight) -> Vec<Suggestion> {
    match change {
        TableChange::ColumnRenamed { from, to } => {
            let uses = uses(end, from).into_iter();
            uses.map(|used| renamed(end, &used, (from, &to.name))).collect()
        }
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

/// The new name in the place of the old one.
fn renamed(end: &End<'_, '_>, used: &Use, (from, to): (&ColumnName, &ColumnName)) -> Suggestion {
    let name = |field: &ColumnName| end.spec.fields.iter().find(|other| other.destination.value == *field);
    match &used.role {
        // A key of a map that stands for both ends: the old name may have to stay for the other one.
        Role::Field(field) if name(field).is_some_and(is_both) => Suggestion::Words(match end.side {
            Side::Source => format!("write `source_field: {to}` in the mapping of `{field}`"),
            Side::Destination => format!("call the mapping `{to}`, with `source_field: {from}`"),
        }),
        Role::Star(field) => Suggestion::Words(match end.side {
            Side::Source => format!("map it: `{field}: {to}`"),
            Side::Destination => format!("map it: `{to}: …`, from the column that went to `{field}`"),
        }),
        _ => named(&used.place, (from, to))
            .map_or_else(|| Suggestion::Words(format!("write `{to}` in the place of `{from}`")), Suggestion::Edit),
    }
}

/// Whether one word of the spec names the columns of both ends.
fn is_both(field: &Field) -> bool {
    field.sources.iter().any(|source| source.place == field.destination.place)
}

/// A name at a place, in quotes or without, as another one.
fn named(place: &Place, (from, to): (&ColumnName, &ColumnName)) -> Option<Fix> {
    let text = place.text()?;
    let inner = text.strip_prefix(['"', '\'']).and_then(|rest| rest.strip_suffix(['"', '\''])).unwrap_or(text);
    let is_written = inner == from.as_str() && is_plain(to.as_str());
    is_written.then(|| Fix {
        file: Arc::clone(&place.file),
        span: place.span.clone(),
        replacement: text.replace(from.as_str(), to.as_str()),
    })
}

/// The line of a mapping taken out, where it is one line and reads nothing else.
fn gone(end: &End<'_, '_>, used: &Use, column: &ColumnName) -> Option<Suggestion> {
    let Role::Field(name) = &used.role else {
        let is_known = matches!(used.role, Role::Key | Role::Cursor | Role::Mark);
        return is_known.then(|| Suggestion::Words(format!("name another column than `{column}`")));
    };
    let field = end.spec.fields.iter().find(|field| field.destination.value == *name)?;
    if field.sources.len() > 1 && end.side == Side::Source {
        return Some(Suggestion::Words(format!("take `{column}` out of the `source_field` of `{name}`")));
    }
    let line = whole_line(field).map(|span| Fix {
        file: Arc::clone(&field.destination.place.file),
        span,
        replacement: String::new(),
    });
    let words = || Suggestion::Words(format!("take the mapping of `{name}` out"));
    Some(line.map_or_else(words, Suggestion::Edit))
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
fn new(end: &End<'_, '_>, column: &Column, weight: Weight) -> Option<Suggestion> {
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
            return (weight == Weight::Breaks).then_some(Suggestion::Words(words));
        }
    };
    // A star takes it where somebody accepts it.
    if end.spec.auto_map.is_some() && weight < Weight::Breaks {
        return None;
    }
    let words = || Suggestion::Words(format!("map it: `{destination}: {source}`"));
    Some(line_for(end, (source, destination)).map_or_else(words, Suggestion::Edit))
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
