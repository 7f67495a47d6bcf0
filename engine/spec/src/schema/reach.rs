//! Which definitions a schema leads to.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Whether a schema leads to one of some definitions.
pub(super) fn reaches(schema: &Map<String, Value>, definitions: &Value, wanted: &BTreeSet<&str>) -> bool {
    let (mut open, mut seen) = (names_in(&Value::Object(schema.clone())), BTreeSet::new());
    while let Some(name) = open.pop() {
        if wanted.contains(name.as_str()) {
            return true;
        }
        if let (Some(definition), true) = (definitions.get(&name), seen.insert(name.clone())) {
            open.extend(names_in(definition));
        }
    }
    false
}

/// The definitions that a schema names.
fn names_in(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(map) => {
            let own = map.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
            own.map(ToOwned::to_owned).into_iter().chain(map.values().flat_map(names_in)).collect()
        }
        Value::Array(items) => items.iter().flat_map(names_in).collect(),
        _ => Vec::new(),
    }
}
