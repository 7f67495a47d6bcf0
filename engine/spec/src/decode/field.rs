//! `field_mappings`: what each destination column gets, in the long form or the short one.
//!
//! The short form is the long one with the destination as the key of a map. Both become the same [`Field`]; nothing after this file
//! can tell them apart.

use std::collections::BTreeMap;

use serde_json::Value;
use transload_model::{Code, ColumnName, EntityName, LogicalType, OnMissing, nearest};

use crate::decode::Reader;
use crate::decode::call::{CallSpec, chain, value_map, without};
use crate::decode::function::{FunctionSpec, expression};
use crate::decode::language::{LONG_FIELD, SHORT_FIELD};
use crate::decode::literal::literal;
use crate::decode::mask::{MaskSpec, mask};
use crate::decode::reader::{Map, is_note};
use crate::problems::{Located, Place, problem, with_suggestion};
use crate::yaml::{Atom, Entry, Kind, Node};

/// A field mapping.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) destination: Located<ColumnName>,
    /// Empty for a constant.
    pub(crate) sources: Vec<Located<ColumnName>>,
    pub(crate) data_type: Option<Located<LogicalType>>,
    pub(crate) format: Option<Located<String>>,
    /// The chain, `value_map` as its last link.
    pub(crate) calls: Vec<CallSpec>,
    pub(crate) default: Option<Located<Value>>,
    pub(crate) required: Option<Located<bool>>,
    pub(crate) reference: Option<ReferenceSpec>,
    pub(crate) sensitive: bool,
    /// What is seen of its source columns.
    pub(crate) mask: Option<MaskSpec>,
    /// Its `expression`, until the spec takes it among its functions; the first call names it.
    pub(crate) expression: Option<FunctionSpec>,
    /// Whether `auto_map` stands for it.
    pub(crate) is_auto: bool,
    /// Whether all of it could be read. What could not is not judged further.
    pub(crate) is_sound: bool,
}

impl Field {
    /// A column copied as it is.
    pub(crate) fn copied(destination: Located<ColumnName>, source: Located<ColumnName>) -> Self {
        bare(destination, vec![source])
    }
}

/// `references`.
#[derive(Debug, Clone)]
pub(crate) struct ReferenceSpec {
    pub(crate) entity: Located<EntityName>,
    /// The column of its destination key, where one is named.
    pub(crate) column: Option<Located<ColumnName>>,
    pub(crate) on_missing: OnMissing,
    /// Whether it is filled when its entity is loaded, where that is said.
    pub(crate) defer: Option<Located<bool>>,
}

/// Reads the mappings; those without a destination are left out.
pub(crate) fn fields(reader: &mut Reader<'_>, node: &Node) -> Vec<Field> {
    match &node.kind {
        Kind::List(items) => items.iter().filter_map(|item| long(reader, item)).collect(),
        Kind::Map(entries) => {
            entries.iter().filter(|entry| !is_note(&entry.key)).filter_map(|entry| short(reader, entry)).collect()
        }
        Kind::Scalar(_) | Kind::Refused => {
            reader.wrong_type(node, "`field_mappings`", "a list or a map");
            Vec::new()
        }
    }
}

fn long(reader: &mut Reader<'_>, node: &Node) -> Option<Field> {
    let before = reader.problems.seen();
    if let Some(entry) = short_in_list(node) {
        let headline = format!("field `{}` stands in a list in its short form", entry.key);
        let found = problem(Code::SpecUnknownKey, headline, &reader.key_place(entry), "this key");
        let note = "in a list a mapping says `destination_field: …`; without `- ` its column is the key";
        let help = format!("take away the `- `, or write `- destination_field: {}`", entry.key);
        reader.problems.push(found.note(note).help(help));
        return None;
    }
    let map = reader.map(node, &LONG_FIELD)?;
    if !reader.require(&map, &["destination_field"], "a field mapping") {
        return None;
    }
    let destination = reader.name(&map.get("destination_field")?.value, "`destination_field`", ColumnName::parse)?;
    let sources = map.get("source_field").map(|entry| sources(reader, &entry.value)).unwrap_or_default();
    Some(finish(reader, &map, destination, sources, before))
}

/// The first key of an item whose keys are all columns: nothing that a mapping says, nor nearly so.
fn short_in_list(node: &Node) -> Option<&Entry> {
    let Kind::Map(entries) = &node.kind else { return None };
    let said = || LONG_FIELD.built.iter().chain(LONG_FIELD.later).copied();
    let is_column = |entry: &Entry| {
        said().all(|key| key != entry.key) && nearest(&entry.key, said()).is_none() && !is_note(&entry.key)
    };
    entries.first().filter(|_| entries.iter().all(is_column))
}

fn short(reader: &mut Reader<'_>, entry: &Entry) -> Option<Field> {
    let before = reader.problems.seen();
    let place = reader.key_place(entry);
    let destination = match ColumnName::parse(&entry.key) {
        Ok(value) => Located { value, place },
        Err(error) => {
            let headline = format!("a key of `field_mappings` is no column name: {error}");
            reader.problems.push(problem(Code::SpecValue, headline, &place, "this key"));
            return None;
        }
    };
    let what = format!("field `{}`", destination.value);
    let mut field = match &entry.value.kind {
        Kind::Map(_) => {
            let map = reader.map(&entry.value, &SHORT_FIELD)?;
            let is_constant = map.get("default_value").is_some() && map.entries().count() == 1;
            let sources = match map.get("source_field") {
                Some(entry) => sources(reader, &entry.value),
                None if is_constant || map.get("expression").is_some() => Vec::new(),
                None if map.is_misspelt("source_field") => Vec::new(),
                None => vec![destination.clone()],
            };
            finish(reader, &map, destination, sources, before)
        }
        Kind::Scalar(scalar) if scalar.atom == Atom::Text => {
            let source = reader.name(&entry.value, &what, ColumnName::parse);
            bare(destination, source.into_iter().collect())
        }
        Kind::Scalar(_) | Kind::List(_) | Kind::Refused => {
            reader.wrong_type(&entry.value, &what, "the name of a source column or a map");
            bare(destination, Vec::new())
        }
    };
    field.is_sound = reader.problems.seen() == before;
    Some(field)
}

fn bare(destination: Located<ColumnName>, sources: Vec<Located<ColumnName>>) -> Field {
    Field {
        destination,
        sources,
        data_type: None,
        format: None,
        calls: Vec::new(),
        default: None,
        required: None,
        reference: None,
        sensitive: false,
        mask: None,
        expression: None,
        is_auto: false,
        is_sound: true,
    }
}

/// The columns of `source_field`. A list of one is refused: a script would get an array or a value, and a reader could not tell which.
fn sources(reader: &mut Reader<'_>, node: &Node) -> Vec<Located<ColumnName>> {
    let names = reader.names(node, "`source_field`", ColumnName::parse).unwrap_or_default();
    if let (Kind::List(_), [only]) = (&node.kind, names.as_slice()) {
        let headline = "`source_field` is a list of one column";
        let problem = problem(Code::SpecValue, headline, &reader.place(&node.span), "one column is here");
        reader.problems.push(problem.help(format!("write `source_field: {}`", only.value)));
    }
    names
}

fn finish(
    reader: &mut Reader<'_>,
    map: &Map<'_>,
    destination: Located<ColumnName>,
    sources: Vec<Located<ColumnName>>,
    before: usize,
) -> Field {
    let expression = map.get("expression").and_then(|entry| expression(reader, entry, &destination.value));
    let named = |function: &FunctionSpec| CallSpec { name: function.name.clone(), arguments: BTreeMap::new() };
    let mut calls: Vec<CallSpec> = expression.iter().map(named).collect();
    calls.extend(map.get("transformation").map(|entry| chain(reader, &entry.value)).unwrap_or_default());
    calls.extend(value_map(reader, map));
    let mut field = Field {
        data_type: map.get("data_type").and_then(|entry| data_type(reader, &entry.value)),
        format: map.get("format").and_then(|entry| reader.text(&entry.value, "`format`")),
        default: map.get("default_value").and_then(|entry| default_value(reader, &entry.value)),
        required: map.get("is_required").and_then(|entry| reader.boolean(&entry.value, "`is_required`")),
        reference: reference(reader, map),
        sensitive: map
            .get("sensitive")
            .and_then(|entry| reader.boolean(&entry.value, "`sensitive`"))
            .is_some_and(|sensitive| sensitive.value),
        mask: map.get("mask").and_then(|entry| mask(reader, &entry.value)),
        expression,
        calls,
        ..bare(destination, sources)
    };
    together(reader, map, &field);
    field.is_sound = reader.problems.seen() == before;
    field
}

fn data_type(reader: &mut Reader<'_>, node: &Node) -> Option<Located<LogicalType>> {
    let text = reader.text(node, "`data_type`")?;
    match text.value.parse::<LogicalType>() {
        Ok(value) => Some(Located { value, place: text.place }),
        Err(_) if text.value == "json" => {
            let headline = format!("data type `{}` is not built yet", text.value);
            reader.problems.push(problem(Code::NotBuilt, headline, &text.place, "this type"));
            None
        }
        Err(error) => {
            let headline = format!("there is no data type `{}`", text.value);
            let problem = problem(Code::SpecValue, headline, &text.place, "this type").note(error.to_string());
            reader.problems.push(if text.value.starts_with("decimal(") {
                problem.help("put it in quotes: `\"decimal(10,2)\"`")
            } else {
                with_suggestion(problem, &text.value, LogicalType::NAMES)
            });
            None
        }
    }
}

fn default_value(reader: &mut Reader<'_>, node: &Node) -> Option<Located<Value>> {
    let value = literal(reader, node, "`default_value`")?;
    if value.value.is_null() {
        reader.wrong_value(node, "`default_value` is NULL", "it takes the place of NULL; leave the key out");
        return None;
    }
    Some(value)
}

fn reference(reader: &mut Reader<'_>, map: &Map<'_>) -> Option<ReferenceSpec> {
    const WORDS: [(&str, OnMissing); 4] = [
        ("quarantine", OnMissing::Quarantine),
        ("null", OnMissing::Null),
        ("default", OnMissing::Default),
        ("fail", OnMissing::Fail),
    ];
    let policy = map.get("on_missing").and_then(|entry| reader.word(&entry.value, "`on_missing`", &WORDS, &[]));
    let Some(entry) = map.get("references") else {
        without(reader, map, "on_missing", "references");
        without(reader, map, "referenced_column", "references");
        without(reader, map, "defer", "references");
        return None;
    };
    let entity = reader.name(&entry.value, "`references`", EntityName::parse)?;
    let on_missing = policy.map_or(OnMissing::Quarantine, |word| word.value);
    if on_missing == OnMissing::Default && map.get("default_value").is_none() {
        match looks_up_columns(map) {
            true => no_default(reader, map),
            false => without(reader, map, "on_missing", "default_value"),
        }
    }
    let column = map.get("referenced_column");
    let column = column.and_then(|entry| reader.name(&entry.value, "`referenced_column`", ColumnName::parse));
    let defer = map.get("defer").and_then(|entry| reader.boolean(&entry.value, "`defer`"));
    Some(ReferenceSpec { entity, column, on_missing, defer })
}

/// Whether several source columns are looked up as they are.
fn looks_up_columns(map: &Map<'_>) -> bool {
    let are_several = map.get("source_field").is_some_and(|entry| matches!(entry.value.kind, Kind::List(_)));
    are_several && map.get("transformation").is_none() && map.get("expression").is_none()
}

fn no_default(reader: &mut Reader<'_>, map: &Map<'_>) {
    let Some(entry) = map.get("on_missing") else { return };
    let headline = "`on_missing: default` has no effect where several columns are looked up";
    let problem = problem(Code::SpecValue, headline, &reader.key_place(entry), "a default is one value");
    reader.problems.push(problem.help("write `quarantine`, `null` or `fail`"));
}

/// What the keys of one mapping mean for each other.
fn together(reader: &mut Reader<'_>, map: &Map<'_>, field: &Field) {
    let name = &field.destination.value;
    if let (Some(entry), Some(_)) = (map.get("data_type"), map.get("references")) {
        let headline = format!("field `{name}` has a `data_type` and a reference");
        let problem = problem(Code::SpecValue, headline, &reader.key_place(entry), "this key");
        reader.problems.push(problem.note("a reference has the type of the entity's key").help("take `data_type` out"));
    }
    let has_chain = map.get("transformation").is_some() || map.get("value_map").is_some();
    let has_expression = map.get("expression").is_some();
    if map.get("source_field").is_none() && field.sources.is_empty() && !has_expression {
        if map.get("default_value").is_none() {
            reader.require(map, &["source_field"], &format!("field `{name}`"));
        } else if has_chain {
            constant_with_chain(reader, map, name);
        }
    }
    // The columns of a reference may be the key that it looks up.
    let is_reference = map.get("references").is_some();
    if field.sources.len() > 1 && map.get("transformation").is_none() && !has_expression && !is_reference {
        several_columns(reader, &field.sources, name);
    }
}

fn constant_with_chain(reader: &mut Reader<'_>, map: &Map<'_>, name: &ColumnName) {
    let Some(entry) = map.get("transformation").or_else(|| map.get("value_map")) else {
        return;
    };
    let headline = format!("field `{name}` is a constant and has a `{}`", entry.key);
    let problem = problem(Code::SpecValue, headline, &reader.key_place(entry), "this key");
    reader.problems.push(problem.note("there is nothing to transform without `source_field`"));
}

fn several_columns(reader: &mut Reader<'_>, sources: &[Located<ColumnName>], name: &ColumnName) {
    let Some(first) = sources.first() else {
        return;
    };
    let headline = format!("field `{name}` reads {} columns and has no `transformation`", sources.len());
    let place: &Place = &first.place;
    let problem = problem(Code::SpecRequired, headline, place, "the first of several columns");
    reader.problems.push(problem.help("add one that makes one value of them, such as `transformation: concat`"));
}
