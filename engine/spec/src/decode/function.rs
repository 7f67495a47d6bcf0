//! `transformation_functions`: a spec's own functions.

use std::sync::Arc;

use transload_model::{Code, ColumnName};

use crate::decode::language::FUNCTION;
use crate::decode::reader::scalar_of;
use crate::decode::{Files, Reader};
use crate::problems::{Located, Place, problem};
use crate::yaml::{Entry, Node, Style};

/// A function of a spec.
#[derive(Debug, Clone)]
pub(crate) struct FunctionSpec {
    pub(crate) name: Located<String>,
    pub(crate) description: Option<String>,
    pub(crate) body: Located<String>,
    /// How the body was written, to find its lines in the file.
    pub(crate) style: Style,
    /// Whether it is a mapping's `expression`, and has no name that anyone wrote.
    pub(crate) is_expression: bool,
}

/// Reads the list; those that cannot be read are left out.
pub(crate) fn functions(reader: &mut Reader<'_>, node: &Node, files: &Files<'_>) -> Vec<FunctionSpec> {
    let Some(items) = reader.list(node, "`transformation_functions`") else {
        return Vec::new();
    };
    let mut functions: Vec<FunctionSpec> = Vec::new();
    for item in items {
        let Some(function) = function(reader, item, files) else {
            continue;
        };
        if let Some(first) = functions.iter().find(|earlier| earlier.name.value == function.name.value) {
            let headline = format!("function `{}` is defined twice", function.name.value);
            let problem = problem(Code::FieldConflict, headline, &function.name.place, "the second one");
            reader.problems.push(problem.label(reader.file, first.name.place.span.clone(), "the first one"));
            continue;
        }
        functions.push(function);
    }
    functions
}

fn function(reader: &mut Reader<'_>, node: &Node, files: &Files<'_>) -> Option<FunctionSpec> {
    let map = reader.map(node, &FUNCTION)?;
    let description = map.get("description").and_then(|entry| reader.text(&entry.value, "`description`"));
    let needed = if map.get("function_file").is_some() { "function_file" } else { "function_body" };
    if !reader.require(&map, &["name", needed], "a transformation function") {
        return None;
    }
    let name_node = &map.get("name")?.value;
    let name = reader.text(name_node, "`name`")?;
    if !is_function_name(&name.value) {
        reader.wrong_value(
            name_node,
            "`name` is no name of a function",
            "letters, digits and `_`, not starting with a digit",
        );
        return None;
    }
    let (body, style) = match (map.get("function_body"), map.get("function_file")) {
        (Some(_), Some(entry)) => {
            let headline = format!("function `{}` has a body and a file", name.value);
            reader.problems.push(problem(
                Code::SpecValue,
                headline,
                &reader.key_place(entry),
                "one of them is too many",
            ));
            return None;
        }
        (Some(entry), None) => body(reader, &entry.value, "`function_body`")?,
        (None, Some(entry)) => file(reader, entry, files)?,
        (None, None) => return None,
    };
    Some(FunctionSpec { name, description: description.map(|text| text.value), body, style, is_expression: false })
}

/// A script in a file of its own.
fn file(reader: &mut Reader<'_>, entry: &Entry, files: &Files<'_>) -> Option<(Located<String>, Style)> {
    let path = reader.text(&entry.value, "`function_file`")?;
    match files(&path.value, &reader.file.path) {
        Ok(file) => {
            let place = Place { span: 0..file.text.len(), file: Arc::clone(&file) };
            Some((Located { value: file.text.clone(), place }, Style::Whole))
        }
        Err(found) => {
            reader.problems.push(found.label(reader.file, path.place.span.clone(), "this file"));
            None
        }
    }
}

fn body(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<(Located<String>, Style)> {
    let body = reader.text(node, what)?;
    Some((body, scalar_of(node)?.style))
}

/// The script of a rule on a field, as a function that nothing can name.
pub(crate) fn judging(reader: &mut Reader<'_>, entry: &Entry, field: &ColumnName) -> Option<FunctionSpec> {
    let (body, style) = body(reader, &entry.value, "`expression`")?;
    let name = Located { value: format!("rule of {field}"), place: reader.key_place(entry) };
    Some(FunctionSpec { name, description: None, body, style, is_expression: true })
}

/// The script of a mapping's `expression`, as a function that nothing else can name.
pub(crate) fn expression(reader: &mut Reader<'_>, entry: &Entry, destination: &ColumnName) -> Option<FunctionSpec> {
    let (body, style) = body(reader, &entry.value, "`expression`")?;
    let name = Located { value: format!("expression of {destination}"), place: reader.key_place(entry) };
    Some(FunctionSpec { name, description: None, body, style, is_expression: true })
}

fn is_function_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
