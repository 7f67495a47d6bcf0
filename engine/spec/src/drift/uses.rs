//! What a spec does with a column, and where it says so.

use transload_model::{ColumnName, Selection};

use super::judge::End;
use super::{Side, star};
use crate::decode::{DetectionSpec, Field};
use crate::problems::Place;

/// What a column is to a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    /// Rows are told apart by it.
    Key,
    /// It says when a row was written last.
    Cursor,
    /// A mapping reads it, or fills it: the destination column.
    Field(ColumnName),
    /// `auto_map` reads it, or fills it: the destination column.
    Star(ColumnName),
    /// A script that a mapping calls reads it: the destination column.
    Script(ColumnName),
    /// The mask of a mapping shifts days by it: the destination column.
    MaskedBy(ColumnName),
    /// The condition on the rows names it.
    Where,
    /// It says when a row went.
    Mark,
    /// A rule looks in it.
    Lookup,
}

/// One thing that a spec does with a column.
#[derive(Debug)]
pub(super) struct Use {
    pub(super) role: Role,
    pub(super) place: Place,
}

/// Everything that the spec does with the column of its end.
pub(super) fn uses(end: &End<'_, '_>, column: &ColumnName) -> Vec<Use> {
    let mut uses = match end.side {
        Side::Source => of_source(end, column),
        Side::Destination if end.is_loaded() => of_destination(end, column),
        Side::Destination => Vec::new(),
    };
    if end.side == Side::Destination {
        uses.extend(lookups(end, column));
    }
    uses
}

fn of_source(end: &End<'_, '_>, column: &ColumnName) -> Vec<Use> {
    let spec = end.spec;
    let mut uses = key(end, spec.key.source.as_deref(), column);
    if let DetectionSpec::Timestamp { cursor, .. } = &spec.detection
        && cursor.value == *column
    {
        uses.push(Use { role: Role::Cursor, place: cursor.place.clone() });
    }
    for field in spec.fields.iter().filter(|field| !field.is_auto) {
        let own = field.sources.iter().filter(|source| source.value == *column);
        let read = |place: &Place| Use { role: Role::Field(field.destination.value.clone()), place: place.clone() };
        uses.extend(own.map(|source| read(&source.place)));
    }
    uses.extend(star::copied(end, column));
    uses.extend(scripts(end, column));
    uses.extend(masked_by(end, column));
    uses.extend(condition(end, column));
    uses
}

/// The calls of functions that ask `row` for the column.
fn scripts(end: &End<'_, '_>, column: &ColumnName) -> Vec<Use> {
    let mut uses = Vec::new();
    for field in &end.spec.fields {
        let calls = field.calls.iter().filter(|call| end.is_read_by(&call.name.value, column));
        let read = |place: &Place| Use { role: Role::Script(field.destination.value.clone()), place: place.clone() };
        uses.extend(calls.map(|call| read(&call.name.place)));
    }
    uses
}

fn masked_by(end: &End<'_, '_>, column: &ColumnName) -> Vec<Use> {
    let by = |field: &Field| {
        let by = field.mask.as_ref()?.by.as_ref().filter(|by| by.value == *column)?;
        Some(Use { role: Role::MaskedBy(field.destination.value.clone()), place: by.place.clone() })
    };
    end.spec.fields.iter().filter_map(by).collect()
}

fn condition(end: &End<'_, '_>, column: &ColumnName) -> Option<Use> {
    let rows = end.spec.rows.as_ref()?;
    match &rows.value {
        Selection::Where(sql) if is_named_in(sql, column) => Some(Use { role: Role::Where, place: rows.place.clone() }),
        _ => None,
    }
}

/// Whether SQL names the column: as a word outside of literals, in whatever case.
fn is_named_in(sql: &str, column: &ColumnName) -> bool {
    let (sql, name) = (sql.to_lowercase(), column.as_str().to_lowercase());
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let is_word = |text: &str, at: usize| {
        let (before, behind) = (text.get(..at), text.get(at + name.len()..));
        !before.is_some_and(|before| before.ends_with(is_part))
            && !behind.is_some_and(|behind| behind.starts_with(is_part))
    };
    // Of what quotes separate, every other part is a literal.
    sql.split('\'').step_by(2).any(|text| text.match_indices(&name).any(|(at, _)| is_word(text, at)))
}

fn of_destination(end: &End<'_, '_>, column: &ColumnName) -> Vec<Use> {
    let spec = end.spec;
    let mut uses = key(end, spec.key.destination.as_deref(), column);
    for field in mappings(end, column) {
        uses.push(Use { role: Role::Field(column.clone()), place: field.destination.place.clone() });
    }
    if let Some(mark) = spec.deleted_field.as_ref().filter(|mark| mark.value == *column) {
        uses.push(Use { role: Role::Mark, place: mark.place.clone() });
    }
    uses.extend(star::copied(end, column));
    uses
}

/// The key: what the spec names, or else the table's primary key as it was.
fn key(end: &End<'_, '_>, named: Option<&[crate::problems::Located<ColumnName>]>, column: &ColumnName) -> Vec<Use> {
    let place = match named {
        Some(named) => named.iter().find(|part| part.value == *column).map(|part| part.place.clone()),
        None => end.before.primary_key.contains(column).then(|| end.table_place()),
    };
    place.map(|place| Use { role: Role::Key, place }).into_iter().collect()
}

fn lookups(end: &End<'_, '_>, column: &ColumnName) -> Vec<Use> {
    let columns = end.looked_in().filter_map(|target| target.column).filter(|looked| looked.value == *column);
    columns.map(|looked| Use { role: Role::Lookup, place: looked.place }).collect()
}

/// The mappings that fill a destination column.
pub(super) fn mappings<'r>(end: &'r End<'_, '_>, column: &'r ColumnName) -> impl Iterator<Item = &'r Field> {
    end.spec.fields.iter().filter(move |field| !field.is_auto && field.destination.value == *column)
}

/// Every place of a mapping at which a problem with its types may stand, those of the rules for it among them.
pub(super) fn places_of(end: &End<'_, '_>, destination: &ColumnName) -> Vec<Place> {
    let mut places = Vec::new();
    for field in end.spec.fields.iter().filter(|field| field.destination.value == *destination) {
        places.push(&field.destination.place);
        places.extend(field.sources.iter().map(|source| &source.place));
        places.extend(field.calls.iter().map(|call| &call.name.place));
        places.extend(field.data_type.as_ref().map(|part| &part.place));
        places.extend(field.format.as_ref().map(|part| &part.place));
        places.extend(field.default.as_ref().map(|part| &part.place));
        let reference = field.reference.as_ref();
        places.extend(reference.map(|reference| &reference.entity.place));
        places.extend(reference.and_then(|reference| Some(&reference.column.as_ref()?.place)));
    }
    for rule in end.spec.rules.iter().filter(|rule| rule.field.value == *destination) {
        places.extend([&rule.field.place, &rule.rule.place, &rule.parameters_place]);
    }
    places.into_iter().cloned().collect()
}
