//! Destination columns that are narrower than what is copied into them.
//!
//! No value is lost by it: a row that does not fit is set aside. But whoever declared the columns may not know, so it is said.

use transload_model::{Code, Column, Diagnostic, LogicalType, Severity};

use crate::decode::Field;
use crate::problems::problem;

/// The warning about a field that copies one column to another, where it may not fit.
pub(crate) fn narrower(
    field: &Field,
    (source, from): (&Column, LogicalType),
    (column, to): (&Column, LogicalType),
) -> Option<Diagnostic> {
    if field.reference.is_some() || field.format.is_some() {
        return None;
    }
    let (what, help) = match (from, to) {
        // A type that the spec names is a promise that someone made.
        (LogicalType::Decimal { precision, scale }, LogicalType::Decimal { precision: digits, scale: behind })
            if field.data_type.is_none() =>
        {
            if scale > behind {
                (format!("{behind} digits behind the point, {scale} come in"), rounding(behind))
            } else if precision - scale > digits - behind {
                (
                    format!("{} digits before the point, {} come in", digits - behind, precision - scale),
                    WIDEN.to_owned(),
                )
            } else {
                return None;
            }
        }
        (LogicalType::Text, LogicalType::Text) if field.calls.is_empty() => {
            let (length, limit) =
                (source.max_length.or_else(|| declared_length(&source.declared))?, column.max_length?);
            if length <= limit {
                return None;
            }
            (
                format!("{limit} characters, up to {length} come in"),
                format!("{WIDEN}, or add `transformation: [{{ cut: {{ length: {limit} }} }}]`"),
            )
        }
        _ => return None,
    };
    let headline = format!("destination column `{}` keeps {what}", column.name);
    let place = field.sources.first().map_or(&field.destination.place, |source| &source.place);
    let label = format!("declared `{}`, and `{}` at the destination", source.declared, column.declared);
    let mut narrow = problem(Code::NarrowColumn, headline, place, label);
    narrow.severity = Severity::Warning;
    Some(narrow.note("rows that do not fit are set aside").help(help))
}

/// `NVARCHAR(200)`: what whoever declared it meant, kept to or not.
fn declared_length(declared: &str) -> Option<usize> {
    declared.split_once('(')?.1.split_once(')')?.0.trim().parse().ok()
}

const WIDEN: &str = "widen the destination column";

fn rounding(scale: u8) -> String {
    format!("{WIDEN}, or add `transformation: [{{ rounded: {{ scale: {scale} }} }}]`")
}
