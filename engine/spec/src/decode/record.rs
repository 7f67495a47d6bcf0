//! `id`, `created_at` and `updated_at`: what a store of specs says of a spec, and a file may say as well.
//!
//! They decide nothing, and the long form gives them back.

use chrono::DateTime;
use uuid::Uuid;

use crate::decode::Reader;
use crate::decode::reader::Map;
use crate::problems::Located;

/// What a store says of a spec, as it was written.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) id: Option<String>,
    pub(crate) created_at: Option<String>,
    pub(crate) updated_at: Option<String>,
}

/// Reads what there is of it.
pub(crate) fn record(reader: &mut Reader<'_>, map: &Map<'_>) -> Record {
    let id = text(reader, map, "id", "a UUID", |text| Uuid::try_parse(text).is_ok());
    let mut moment = |key: &str| {
        let example = "a moment such as 2025-01-27T10:30:00Z";
        text(reader, map, key, example, |text| DateTime::parse_from_rfc3339(text).is_ok())
    };
    let (created_at, updated_at) = (moment("created_at"), moment("updated_at"));
    Record { id, created_at, updated_at }
}

fn text(
    reader: &mut Reader<'_>,
    map: &Map<'_>,
    key: &str,
    expected: &str,
    is_right: impl FnOnce(&str) -> bool,
) -> Option<String> {
    let entry = map.get(key)?;
    let Located { value, .. } = reader.text(&entry.value, &format!("`{key}`"))?;
    if !is_right(&value) {
        reader.wrong_value(&entry.value, format!("`{key}` is not {expected}"), "it may be left out");
        return None;
    }
    Some(value)
}
