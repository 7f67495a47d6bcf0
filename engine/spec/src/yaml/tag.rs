//! Tags: what `!!str` and its like make of a node.
//!
//! A tag of the user's own would be code that this program does not have; one that changes a type would give a value another meaning than
//! it shows.

use granit_parser::Tag;

/// What a tag makes of a node.
pub(crate) enum Tagged {
    Not,
    Text,
    Refused,
}

/// Text, lists and maps may say that they are; everything else would give a value another meaning than it shows.
pub(crate) fn tagged(tag: Option<&Tag>) -> Tagged {
    match tag {
        None => Tagged::Not,
        Some(tag) if tag.is_yaml_core_schema_tag("str") => Tagged::Text,
        Some(tag) if tag.is_yaml_core_schema_tag("seq") || tag.is_yaml_core_schema_tag("map") => Tagged::Not,
        Some(_) => Tagged::Refused,
    }
}
