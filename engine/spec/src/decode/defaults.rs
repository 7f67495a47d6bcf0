//! `defaults` of `transload.yaml`: a template that every spec takes before all others, and the templates of specs that name none.

use crate::decode::language::{
    AUTO_MAP, CHANGE_DETECTION, DEFAULTS, DELETES, FUNCTION, KEY, LOAD, LONG_FIELD, RULE, SHARED_SOURCE, SHORT_FIELD,
};
use crate::decode::piece::Piece;
use crate::decode::reader::{Map, is_note};
use crate::decode::source::shared_source;
use crate::decode::template::template_names;
use crate::decode::{Files, Keys, Reader};
use crate::problems::Located;
use crate::yaml::{Kind, Node};

/// What every spec takes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Defaults {
    /// The templates of specs without a `use`.
    pub(crate) uses: Vec<Located<String>>,
    pub(crate) piece: Piece,
}

/// Reads them.
pub(crate) fn defaults(reader: &mut Reader<'_>, node: &Node, files: &Files<'_>) -> Defaults {
    let Some(map) = reader.map(node, &DEFAULTS) else {
        return Defaults::default();
    };
    Defaults {
        uses: template_names(reader, &map).unwrap_or_default(),
        piece: Piece::read_whole(reader, &map, files, shared_source),
    }
}

/// Looks at the keys of every map whose keys belong to the language, in an environment that may not be chosen; values are read once it is.
pub(crate) fn check_keys_of_defaults(reader: &mut Reader<'_>, node: &Node) {
    let Some(map) = reader.map(node, &DEFAULTS) else {
        return;
    };
    let parts = [
        ("source", &SHARED_SOURCE),
        ("key", &KEY),
        ("change_detection", &CHANGE_DETECTION),
        ("deletes", &DELETES),
        ("load", &LOAD),
    ];
    for (name, keys) in parts {
        if let Some(entry) = map.get(name) {
            reader.map(&entry.value, keys);
        }
    }
    if let Some(entry) = map.get("auto_map").filter(|entry| matches!(entry.value.kind, Kind::Map(_))) {
        reader.map(&entry.value, &AUTO_MAP);
    }
    if let Some(Kind::Map(mappings)) = map.get("field_mappings").map(|entry| &entry.value.kind) {
        let long = mappings.iter().filter(|entry| !is_note(&entry.key) && matches!(entry.value.kind, Kind::Map(_)));
        long.for_each(|entry| drop(reader.map(&entry.value, &SHORT_FIELD)));
    }
    check_items(reader, &map, "field_mappings", &LONG_FIELD);
    check_items(reader, &map, "validation_rules", &RULE);
    check_items(reader, &map, "transformation_functions", &FUNCTION);
}

fn check_items(reader: &mut Reader<'_>, map: &Map<'_>, name: &str, keys: &Keys) {
    if let Some(Kind::List(items)) = map.get(name).map(|entry| &entry.value.kind) {
        items.iter().for_each(|item| drop(reader.map(item, keys)));
    }
}
