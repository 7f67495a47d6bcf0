//! Rules: what must hold for a row to be loaded.
//!
//! Each is one file and one line here. A rule looks at one field's final value and says which rows break it; what follows is up to the spec.

mod check;
mod expression;
mod foreign_key;
mod format;
mod json_schema;
mod length;
mod one_of;
mod parameters;
mod range;
mod required;
#[cfg(test)]
mod tests;
mod unique;

pub(crate) use check::{Check, Rule};

/// The rules. A new one is a file beside this one and a line here.
pub(crate) const RULES: &[Rule] = &[
    required::RULE,
    unique::RULE,
    format::RULE,
    range::RULE,
    length::RULE,
    one_of::RULE,
    json_schema::RULE,
    expression::RULE,
    foreign_key::RULE,
];
