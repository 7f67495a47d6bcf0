//! `transformation` and `value_map`: the calls of a field, in their order.
//!
//! `value_map` is a call of the function of that name at the end of the chain, so that nothing after this file knows it apart.

use std::collections::BTreeMap;

use serde_json::Value;
use transload_model::Code;

use crate::decode::Reader;
use crate::decode::literal::{is_plain_text, literal, tree};
use crate::decode::reader::{Map, scalar_of};
use crate::problems::{Located, problem};
use crate::yaml::{Kind, Node};

/// A function in a chain.
#[derive(Debug, Clone)]
pub(crate) struct CallSpec {
    pub(crate) name: Located<String>,
    pub(crate) arguments: BTreeMap<String, Value>,
}

/// Reads `transformation`.
pub(crate) fn chain(reader: &mut Reader<'_>, node: &Node) -> Vec<CallSpec> {
    match &node.kind {
        Kind::List(items) => items.iter().filter_map(|item| call(reader, item)).collect(),
        Kind::Map(_) => {
            reader.wrong_type(node, "`transformation`", "a function's name or a list of calls");
            Vec::new()
        }
        Kind::Scalar(_) | Kind::Refused => call(reader, node).into_iter().collect(),
    }
}

/// A name, or a map of one name to its arguments.
fn call(reader: &mut Reader<'_>, node: &Node) -> Option<CallSpec> {
    let Kind::Map(_) = &node.kind else {
        let name = reader.text(node, "`transformation`")?;
        return Some(CallSpec { name, arguments: BTreeMap::new() });
    };
    let map = reader.any_map(node, "a call")?;
    let mut entries = map.entries();
    let (Some(entry), None) = (entries.next(), entries.next()) else {
        reader.wrong_value(node, "a call names not exactly one function", "write `{name: {argument: value}}`");
        return None;
    };
    let name = Located { value: entry.key.clone(), place: reader.key_place(entry) };
    let what = format!("the call of `{}`", entry.key);
    let mut arguments = BTreeMap::new();
    for argument in reader.any_map(&entry.value, &what)?.entries() {
        let value = match &argument.value.kind {
            Kind::Map(_) if argument.key == "map" => mapping(reader, &argument.value),
            _ => tree(reader, &argument.value, &format!("argument `{}`", argument.key)),
        };
        arguments.insert(argument.key.clone(), value?);
    }
    Some(CallSpec { name, arguments })
}

/// The field's `value_map` as a call of the function of that name.
pub(crate) fn value_map(reader: &mut Reader<'_>, map: &Map<'_>) -> Option<CallSpec> {
    const WORDS: [(&str, &str); 5] =
        [("quarantine", "quarantine"), ("null", "null"), ("default", "default"), ("keep", "keep"), ("fail", "fail")];
    let policy = map.get("on_unmapped").and_then(|entry| reader.word(&entry.value, "`on_unmapped`", &WORDS, &[]));
    let Some(entry) = map.get("value_map") else {
        without(reader, map, "on_unmapped", "value_map");
        return None;
    };
    let values = mapping(reader, &entry.value)?;
    let policy = policy.map_or("quarantine", |word| word.value);
    if policy == "default" && map.get("default_value").is_none() {
        without(reader, map, "on_unmapped", "default_value");
    }
    let arguments = BTreeMap::from([("map".to_owned(), values), ("on_unmapped".to_owned(), policy.into())]);
    Some(CallSpec { name: Located { value: "value_map".to_owned(), place: reader.key_place(entry) }, arguments })
}

/// A map from canonical text to a value.
fn mapping(reader: &mut Reader<'_>, node: &Node) -> Option<Value> {
    let Kind::Map(entries) = &node.kind else {
        reader.wrong_type(node, "`value_map`", "a map");
        return None;
    };
    if entries.is_empty() {
        reader.wrong_value(node, "`value_map` is empty", "a map from canonical text to value");
        return None;
    }
    let mut values = serde_json::Map::new();
    for entry in entries {
        if entry.is_plain && !is_plain_text(&entry.key) {
            let headline = format!("key `{}` of `value_map` could be read in two ways", entry.key);
            let problem = problem(Code::SpecType, headline, &reader.key_place(entry), "a key without quotes");
            reader
                .problems
                .push(problem.note("keys are canonical text; NULL is never looked up").help("put it in quotes"));
            continue;
        }
        if let Some(value) = literal(reader, &entry.value, &format!("`value_map` for `{}`", entry.key)) {
            values.insert(entry.key.clone(), value.value);
        }
    }
    (values.len() == entries.len()).then_some(Value::Object(values))
}

/// Notes that `key`, if it is there, needs another one.
pub(crate) fn without(reader: &mut Reader<'_>, map: &Map<'_>, key: &str, needed: &str) {
    if let Some(entry) = map.get(key) {
        let shown = scalar_of(&entry.value).map_or_else(String::new, |scalar| format!(": {}", scalar.text));
        let headline = format!("`{key}{shown}` has no effect without `{needed}`");
        let problem = problem(Code::SpecValue, headline, &reader.key_place(entry), "this key");
        reader.problems.push(problem.help(format!("add `{needed}`, or take `{key}` out")));
    }
}
