//! `source`: which rows a spec reads, in the SQL of the source's database.

use transload_model::{Code, Selection};

use crate::decode::condition::unbalanced;
use crate::decode::language::{SHARED_SOURCE, SOURCE};
use crate::decode::{Files, Reader};
use crate::problems::{Located, problem};
use crate::yaml::{Kind, Node};

/// What one file says about the rows that are read.
#[derive(Debug, Clone)]
pub(crate) struct SourcePart {
    /// `None` where it says nothing that could be read.
    pub(crate) rows: Option<Located<Selection>>,
    /// Whether a query stands in the place of the table, whether it can be read or not.
    pub(crate) has_query: bool,
}

/// Reads `source` of a spec.
pub(crate) fn source(reader: &mut Reader<'_>, node: &Node, files: &Files<'_>) -> SourcePart {
    SourcePart { rows: rows(reader, node, files), has_query: has_query(node) }
}

/// Reads `source` of the project's `defaults`: a condition that the tables of all specs can answer.
pub(crate) fn shared_source(reader: &mut Reader<'_>, node: &Node, _: &Files<'_>) -> SourcePart {
    SourcePart { rows: shared_rows(reader, node), has_query: false }
}

fn has_query(node: &Node) -> bool {
    matches!(&node.kind, Kind::Map(entries) if entries.iter().any(|entry| entry.key == "query"))
}

fn shared_rows(reader: &mut Reader<'_>, node: &Node) -> Option<Located<Selection>> {
    let map = reader.map(node, &SHARED_SOURCE)?;
    if has_query(node) || !reader.require(&map, &["where"], SHARED_SOURCE.what) {
        return None;
    }
    Some(condition(reader, &map.get("where")?.value)?.map(Selection::Where))
}

fn rows(reader: &mut Reader<'_>, node: &Node, files: &Files<'_>) -> Option<Located<Selection>> {
    let map = reader.map(node, &SOURCE)?;
    match (map.get("where"), map.get("query")) {
        (Some(_), Some(entry)) => {
            let place = reader.key_place(entry);
            let problem = problem(Code::SpecValue, "`source` has a `where` and a `query`", &place, "one is too many");
            reader.problems.push(problem.help("put the condition into the query"));
            None
        }
        (Some(entry), None) => Some(condition(reader, &entry.value)?.map(Selection::Where)),
        (None, Some(entry)) => Some(query(reader, &entry.value, files)?.map(Selection::Query)),
        (None, None) => {
            reader.require(&map, &["where"], "`source`");
            None
        }
    }
}

/// A query, or the file that holds it: what ends with `.sql` is the path of one.
fn query(reader: &mut Reader<'_>, node: &Node, files: &Files<'_>) -> Option<Located<String>> {
    let written = sql(reader, node, "`source.query`")?;
    if !written.value.ends_with(".sql") {
        return Some(written);
    }
    match files(&written.value, &reader.file.path) {
        Ok(file) => bare(reader, node, "the query", &file.text).map(|value| Located { value, ..written }),
        Err(found) => {
            reader.problems.push(found.label(reader.file, written.place.span.clone(), "this file"));
            None
        }
    }
}

fn condition(reader: &mut Reader<'_>, node: &Node) -> Option<Located<String>> {
    let condition = sql(reader, node, "`source.where`")?;
    if let Some(why) = unbalanced(&condition.value) {
        let found = problem(Code::SourceSql, format!("`source.where` {why}"), &condition.place, "this condition");
        reader.problems.push(found.help("write one condition over the columns of `source_table`"));
        return None;
    }
    Some(condition)
}

fn sql(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Located<String>> {
    let text = reader.text(node, what)?;
    bare(reader, node, what, &text.value).map(|value| Located { value, ..text })
}

/// One statement's text without the semicolon that may end it.
fn bare(reader: &mut Reader<'_>, node: &Node, what: &str, text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches(';').trim_end();
    if text.is_empty() {
        reader.wrong_value(node, format!("{what} is empty"), "SQL of the source's database");
        return None;
    }
    Some(text.to_owned())
}
