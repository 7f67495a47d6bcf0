//! `validation_rules`: what must hold for a row to be loaded.

use std::collections::BTreeMap;

use serde_json::Value;
use transload_model::{ColumnName, OnFailure, TableName};

use crate::decode::Reader;
use crate::decode::function::{FunctionSpec, judging};
use crate::decode::language::RULE;
use crate::decode::literal::tree;
use crate::problems::{Located, Place};
use crate::yaml::{Entry, Kind, Node};

/// A rule of a spec.
#[derive(Debug, Clone)]
pub(crate) struct RuleSpec {
    pub(crate) field: Located<ColumnName>,
    pub(crate) rule: Located<String>,
    pub(crate) parameters: BTreeMap<String, Value>,
    /// Where the parameters are; the rule's type where there are none.
    pub(crate) parameters_place: Place,
    pub(crate) on_failure: OnFailure,
    /// What an `expression` computes.
    pub(crate) script: Option<FunctionSpec>,
    /// Where a `foreign_key` looks.
    pub(crate) lookup: Option<LookupSpec>,
}

/// Where a rule looks, as far as the spec says.
#[derive(Debug, Clone, Default)]
pub(crate) struct LookupSpec {
    pub(crate) table: Option<Located<TableName>>,
    pub(crate) column: Option<Located<ColumnName>>,
}

/// Reads the list; those that cannot be read are left out.
pub(crate) fn rules(reader: &mut Reader<'_>, node: &Node) -> Vec<RuleSpec> {
    let Some(items) = reader.list(node, "`validation_rules`") else {
        return Vec::new();
    };
    items.iter().filter_map(|item| rule(reader, item)).collect()
}

fn rule(reader: &mut Reader<'_>, node: &Node) -> Option<RuleSpec> {
    let before = reader.problems.seen();
    let map = reader.map(node, &RULE)?;
    let outcomes = [("quarantine", OnFailure::Quarantine), ("warn", OnFailure::Warn), ("fail", OnFailure::Fail)];
    let on_failure = map.get("on_failure").and_then(|entry| reader.word(&entry.value, "`on_failure`", &outcomes, &[]));
    let parameters_entry = map.get("rule_parameters");
    let parameters = parameters_entry.map(|entry| parameters(reader, &entry.value)).unwrap_or_default();
    if !reader.require(&map, &["field_name", "rule_type"], "a validation rule") {
        return None;
    }
    let field = reader.name(&map.get("field_name")?.value, "`field_name`", ColumnName::parse);
    let rule = reader.text(&map.get("rule_type")?.value, "`rule_type`")?;
    let entries = match parameters_entry.map(|entry| &entry.value.kind) {
        Some(Kind::Map(entries)) => entries.as_slice(),
        _ => &[],
    };
    let script = match &field {
        Some(field) if rule.value == "expression" => {
            let entry = entries.iter().find(|entry| entry.key == "expression");
            entry.and_then(|entry| judging(reader, entry, &field.value))
        }
        _ => None,
    };
    let lookup = (rule.value == "foreign_key").then(|| lookup(reader, entries));
    let parameters_place = parameters_entry.map_or_else(|| rule.place.clone(), |entry| reader.key_place(entry));
    let is_sound = reader.problems.seen() == before;
    let on_failure = on_failure.map_or(OnFailure::Quarantine, |word| word.value);
    is_sound.then_some(RuleSpec { field: field?, rule, parameters, parameters_place, on_failure, script, lookup })
}

fn lookup(reader: &mut Reader<'_>, entries: &[Entry]) -> LookupSpec {
    let find = |key: &str| entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
    LookupSpec {
        table: find("table").and_then(|node| reader.name(node, "`table`", TableName::parse)),
        column: find("column").and_then(|node| reader.name(node, "`column`", ColumnName::parse)),
    }
}

fn parameters(reader: &mut Reader<'_>, node: &Node) -> BTreeMap<String, Value> {
    let Some(map) = reader.any_map(node, "`rule_parameters`") else {
        return BTreeMap::new();
    };
    map.entries()
        .filter_map(|entry| Some((entry.key.clone(), tree(reader, &entry.value, &format!("`{}`", entry.key))?)))
        .collect()
}
