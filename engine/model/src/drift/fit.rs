//! Whether what a column took before, it takes now.

use crate::{Column, Conversion, Kind};

/// What became of a column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It is what it was.
    Same,
    /// Every value fits as it is.
    Wider,
    /// Some values do not fit any more.
    Narrower,
    /// The values are of another kind.
    Other,
    /// The declaration is another, and nobody here can tell what that means for values: an enum, a domain, a precision.
    Unknown,
}

/// Texts that are stored as they are, and only differ in how long they may be.
const TEXTS: [&str; 5] = ["text", "varchar", "character varying", "nvarchar", "clob"];

/// Numbers that only differ in how large they may be, the smaller ones first.
const NUMBERS: [&[&str]; 5] = [
    &["smallint", "int2"],
    &["integer", "int", "int4"],
    &["bigint", "int8"],
    &["real", "float4"],
    &["double precision", "float8"],
];

/// How a column as it is relates to what it was.
#[must_use]
pub fn fit(before: &Column, now: &Column) -> Fit {
    let of = |column: &Column| (column.declared.clone(), column.logical, column.max_length, column.stores.clone());
    if of(before) == of(now) {
        return Fit::Same;
    }
    let keeps = |from: &Column, to: &Column| from.stores.iter().all(|kind| to.stores.contains(kind));
    if before.logical.kind() != now.logical.kind() || !keeps(before, now) {
        return Fit::Other;
    }
    match before.logical.kind() {
        Kind::Decimal if before.logical.conversion(now.logical) == Conversion::Exact => Fit::Wider,
        Kind::Decimal => Fit::Narrower,
        Kind::Text if is_plain_text(before) && is_plain_text(now) => by_size(before.max_length, now.max_length),
        Kind::Integer | Kind::Float => match (rank(before), rank(now)) {
            (Some(had), Some(has)) => by_size(Some(had), Some(has)),
            _ => Fit::Unknown,
        },
        _ => Fit::Unknown,
    }
}

/// No limit is the largest.
fn by_size(had: Option<usize>, has: Option<usize>) -> Fit {
    match (had, has) {
        (None, Some(_)) => Fit::Narrower,
        (Some(had), Some(has)) if has < had => Fit::Narrower,
        _ => Fit::Wider,
    }
}

fn is_plain_text(column: &Column) -> bool {
    TEXTS.contains(&word(column).as_str())
}

fn rank(column: &Column) -> Option<usize> {
    NUMBERS.iter().position(|words| words.contains(&word(column).as_str()))
}

/// The declared type without its length.
fn word(column: &Column) -> String {
    column.declared.split('(').next().unwrap_or_default().trim().to_lowercase()
}
