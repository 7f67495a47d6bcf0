//! `transformation_functions`: a spec's own functions.

use transload_model::Code;

use crate::decode::Reader;
use crate::decode::language::FUNCTION;
use crate::decode::reader::scalar_of;
use crate::problems::{Located, problem};
use crate::yaml::{Node, Style};

/// A function of a spec.
#[derive(Debug)]
pub(crate) struct FunctionSpec {
    pub(crate) name: Located<String>,
    pub(crate) description: Option<String>,
    pub(crate) body: Located<String>,
    /// How the body was written, to find its lines in the file.
    pub(crate) style: Style,
}

/// Reads the list; those that cannot be read are left out.
pub(crate) fn functions(reader: &mut Reader<'_>, node: &Node) -> Vec<FunctionSpec> {
    let Some(items) = reader.list(node, "`transformation_functions`") else {
        return Vec::new();
    };
    let mut functions: Vec<FunctionSpec> = Vec::new();
    for item in items {
        let Some(function) = function(reader, item) else {
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

fn function(reader: &mut Reader<'_>, node: &Node) -> Option<FunctionSpec> {
    let map = reader.map(node, &FUNCTION)?;
    let description = map.get("description").and_then(|entry| reader.text(&entry.value, "`description`"));
    if !reader.require(&map, &["name", "function_body"], "a transformation function") {
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
    let body_node = &map.get("function_body")?.value;
    let body = reader.text(body_node, "`function_body`")?;
    let style = scalar_of(body_node)?.style;
    Some(FunctionSpec { name, description: description.map(|text| text.value), body, style })
}

fn is_function_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
