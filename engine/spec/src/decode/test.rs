//! `tests`: what a spec makes of rows that are given.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use transload_model::{Code, ColumnName, EntityName};

use crate::decode::Reader;
use crate::decode::language::{EXPECT, EXPECTED_FAULT, GIVEN, TEST};
use crate::decode::literal::literal;
use crate::decode::reader::Map;
use crate::problems::{Located, problem, with_suggestion};
use crate::yaml::{Entry, Kind, Node};

/// A test of a spec.
#[derive(Debug)]
pub(crate) struct TestSpec {
    pub(crate) name: Located<String>,
    pub(crate) rows: Vec<RowSpec>,
    pub(crate) mappings: Vec<(Located<EntityName>, BTreeMap<String, Value>)>,
    pub(crate) now: Option<DateTime<Utc>>,
    pub(crate) expected_rows: Vec<RowSpec>,
    pub(crate) quarantine: Vec<FaultSpec>,
    pub(crate) warnings: Option<Vec<FaultSpec>>,
}

/// Columns and their values.
pub(crate) type RowSpec = Vec<(Located<ColumnName>, Value)>;

/// A fault that is expected.
#[derive(Debug)]
pub(crate) struct FaultSpec {
    pub(crate) field: Option<Located<ColumnName>>,
    pub(crate) code: Option<Code>,
}

/// Reads the list; those that cannot be read are left out.
pub(crate) fn tests(reader: &mut Reader<'_>, node: &Node) -> Vec<TestSpec> {
    let Some(items) = reader.list(node, "`tests`") else {
        return Vec::new();
    };
    let mut tests: Vec<TestSpec> = Vec::new();
    for item in items {
        let Some(test) = test(reader, item) else { continue };
        if let Some(first) = tests.iter().find(|earlier| earlier.name.value == test.name.value) {
            let headline = format!("two tests have the name `{}`", test.name.value);
            let problem = problem(Code::SpecValue, headline, &test.name.place, "the second one");
            reader.problems.push(problem.label(reader.file, first.name.place.span.clone(), "the first one"));
        }
        tests.push(test);
    }
    tests
}

fn test(reader: &mut Reader<'_>, node: &Node) -> Option<TestSpec> {
    let map = reader.map(node, &TEST)?;
    if let (Some(entry), None) = (map.get("expect"), map.filled("expect")) {
        expects_nothing(reader, entry);
        return None;
    }
    if !reader.require(&map, &["name", "given", "expect"], "a test") {
        return None;
    }
    let name = reader.text(&map.get("name")?.value, "`name`");
    let given = reader.map(&map.get("given")?.value, &GIVEN);
    let expect = reader.map(&map.get("expect")?.value, &EXPECT);
    let (given, expect) = (given?, expect?);
    let rows = rows(reader, &given, "`given`")?;
    if rows.is_empty() {
        reader.require(&given, &["row"], "`given`");
    }
    let expected_rows = self::rows(reader, &expect, "`expect`")?;
    let quarantine = expect.get("quarantine").map(|entry| faults(reader, entry));
    let warnings = expect.get("warnings").map(|entry| faults(reader, entry));
    if expect.entries().next().is_none() {
        expects_nothing(reader, map.get("expect")?);
    }
    Some(TestSpec {
        name: name?,
        rows,
        mappings: given.get("mappings").map(|entry| mappings(reader, &entry.value)).unwrap_or_default(),
        now: given.get("now").and_then(|entry| moment(reader, &entry.value)),
        expected_rows,
        quarantine: quarantine.unwrap_or_default(),
        warnings,
    })
}

fn expects_nothing(reader: &mut Reader<'_>, entry: &Entry) {
    let place = reader.key_place(entry);
    let problem = problem(Code::SpecRequired, "a test expects nothing", &place, "nothing is expected");
    reader.problems.push(problem.help("add `row`, `rows`, `quarantine` or `warnings`"));
}

/// `row`, or `rows`; `None` where both are there.
fn rows(reader: &mut Reader<'_>, map: &Map<'_>, what: &str) -> Option<Vec<RowSpec>> {
    match (map.get("row"), map.get("rows")) {
        (Some(_), Some(rows)) => {
            let headline = format!("{what} has `row` and `rows`");
            let problem = problem(Code::SpecValue, headline, &reader.key_place(rows), "one of them is too many");
            reader.problems.push(problem.help("`rows` takes a list: move what `row` says into it"));
            None
        }
        (Some(entry), None) => Some(row(reader, &entry.value, "`row`").into_iter().collect()),
        (None, Some(entry)) => {
            let items = reader.list(&entry.value, "`rows`")?;
            Some(items.iter().filter_map(|item| row(reader, item, "a row")).collect())
        }
        (None, None) => Some(Vec::new()),
    }
}

fn row(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<RowSpec> {
    let map = reader.any_map(node, what)?;
    let mut row = Vec::new();
    for entry in map.entries() {
        let name = column(reader, entry);
        let value = literal(reader, &entry.value, &format!("the value of `{}`", entry.key));
        row.extend(name.zip(value.map(|value| value.value)));
    }
    Some(row)
}

fn column(reader: &mut Reader<'_>, entry: &Entry) -> Option<Located<ColumnName>> {
    let place = reader.key_place(entry);
    match ColumnName::parse(&entry.key) {
        Ok(value) => Some(Located { value, place }),
        Err(error) => {
            let headline = format!("a key of a row is no column name: {error}");
            reader.problems.push(problem(Code::SpecValue, headline, &place, "this key"));
            None
        }
    }
}

fn mappings(reader: &mut Reader<'_>, node: &Node) -> Vec<(Located<EntityName>, BTreeMap<String, Value>)> {
    let Some(map) = reader.any_map(node, "`mappings`") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in map.entries() {
        let place = reader.key_place(entry);
        let Ok(value) = EntityName::parse(&entry.key) else {
            let headline = "a key of `mappings` is no entity";
            reader.problems.push(problem(Code::SpecValue, headline, &place, "this key"));
            continue;
        };
        let mut keys = BTreeMap::new();
        for key in reader.any_map(&entry.value, "the keys of an entity").iter().flat_map(Map::entries) {
            if let Some(new) = new_key(reader, &key.value) {
                keys.insert(key.key.clone(), new);
            }
        }
        found.push((Located { value, place }, keys));
    }
    found
}

/// A new key: a single value, or a map of the columns of a key that has several.
fn new_key(reader: &mut Reader<'_>, node: &Node) -> Option<Value> {
    let Kind::Map(entries) = &node.kind else {
        return literal(reader, node, "a new key").map(|new| new.value);
    };
    let mut parts = serde_json::Map::new();
    for entry in entries {
        parts.insert(entry.key.clone(), literal(reader, &entry.value, "a column of a new key")?.value);
    }
    Some(Value::Object(parts))
}

fn moment(reader: &mut Reader<'_>, node: &Node) -> Option<DateTime<Utc>> {
    let text = reader.text(node, "`now`")?;
    let moment = DateTime::parse_from_rfc3339(&text.value).ok().map(|moment| moment.to_utc());
    if moment.is_none() {
        reader.wrong_value(node, "`now` is no moment", "such as \"2026-01-31T12:00:00Z\"");
    }
    moment
}

fn faults(reader: &mut Reader<'_>, entry: &Entry) -> Vec<FaultSpec> {
    let what = format!("`{}`", entry.key);
    let items = reader.list(&entry.value, &what).unwrap_or_default();
    items.iter().filter_map(|item| fault(reader, item)).collect()
}

fn fault(reader: &mut Reader<'_>, node: &Node) -> Option<FaultSpec> {
    let map = reader.map(node, &EXPECTED_FAULT)?;
    let field = map.get("field").and_then(|entry| reader.name(&entry.value, "`field`", ColumnName::parse));
    let code = map.get("rule").and_then(|entry| code(reader, &entry.value));
    Some(FaultSpec { field, code })
}

/// A code by its word, as quarantine shows it, or by its number.
fn code(reader: &mut Reader<'_>, node: &Node) -> Option<Code> {
    let text = reader.text(node, "`rule`")?;
    let is_it = |code: &&Code| code.info().word == text.value || code.info().number == text.value;
    match Code::ALL.iter().find(is_it) {
        Some(code) if code.is_of_destination() => {
            let headline = format!("no test can show `{}`", text.value);
            let found = problem(Code::SpecValue, headline, &text.place, "the destination alone knows it");
            reader.problems.push(found.help("take it out: a test has no database"));
            return None;
        }
        Some(code) => return Some(*code),
        None => {}
    }
    let headline = format!("no row fails with `{}`", text.value);
    let problem = problem(Code::SpecValue, headline, &text.place, "this word")
        .note("words are those that `transload quarantine` shows");
    let of_tests = Code::ALL.iter().filter(|code| !code.is_of_destination()).map(|code| code.info());
    let of_rows = of_tests.filter(|info| info.number.starts_with("TL04"));
    reader.problems.push(with_suggestion(problem, &text.value, of_rows.map(|info| info.word)));
    None
}
