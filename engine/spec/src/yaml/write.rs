//! Values as YAML that people read: a line for what fits on one, the rest indented.
//!
//! What is written reads back as the same value by `load`, whatever a text looks like; a test tries.

use serde_json::Value;

use crate::yaml::{Atom, resolve};

/// A map as a document. A list or map that fits `width` characters stands on one line.
pub(crate) fn write(document: &Value, width: usize) -> String {
    let mut out = String::new();
    match document {
        Value::Object(_) => block(&mut out, document, 0, width),
        _ => out = format!("{}\n", flow(document)),
    }
    out
}

/// Writes the entries of a map or list, each on a line of its own.
fn block(out: &mut String, value: &Value, depth: usize, width: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let head = format!("{indent}{}:", to_text(key));
                out.push_str(&head);
                match inline(value, depth + 1, width.saturating_sub(head.len())) {
                    Some(text) => out.push_str(&format!(" {text}\n")),
                    None => {
                        out.push('\n');
                        block(out, value, depth + 1, width);
                    }
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                out.push_str(&format!("{indent}- "));
                match inline(item, depth + 1, width.saturating_sub(indent.len() + 1)) {
                    Some(text) => out.push_str(&format!("{text}\n")),
                    None => {
                        // The first entry stands behind the hyphen.
                        let mut inner = String::new();
                        block(&mut inner, item, depth + 1, width);
                        out.push_str(inner.trim_start_matches(' '));
                    }
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What stands behind `key:` or `-`, where so many characters are left; `None` for what goes below.
fn inline(value: &Value, depth: usize, left: usize) -> Option<String> {
    match value {
        Value::String(text) => Some(literal(text, depth).unwrap_or_else(|| to_text(text))),
        _ if is_single(value) => Some(flow(value)),
        _ => is_flat(value).then(|| flow(value)).filter(|line| line.chars().count() < left),
    }
}

/// Whether a value may stand on one line: single values, and lists and maps of them.
fn is_flat(value: &Value) -> bool {
    let is_short = |value: &Value| match value {
        Value::Array(items) => items.iter().all(is_single),
        _ => is_single(value),
    };
    match value {
        Value::Array(items) => items.iter().all(is_single),
        Value::Object(map) => map.values().all(is_short),
        _ => true,
    }
}

fn is_single(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::String(text) => !text.contains('\n'),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

/// A value on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => to_text(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", to_text(key), flow(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// A text, in quotes where it would be read as anything else.
/// A text as a value of its own, in quotes where it needs them.
pub(crate) fn to_text(text: &str) -> String {
    // JSON's escapes are YAML's.
    if is_plain(text) { text.to_owned() } else { Value::from(text).to_string() }
}

/// Whether a text reads as itself without quotes.
pub(crate) fn is_plain(text: &str) -> bool {
    let is_sign = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '+' | '(' | ')' | '$' | ' ');
    let begins = text.chars().next().is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '/' | '$'));
    begins && text.chars().all(is_sign) && !text.ends_with(' ') && resolve(text) == Atom::Text
}

/// A text of several lines as a literal block, where there is one that reads as this text.
fn literal(text: &str, depth: usize) -> Option<String> {
    let (body, header) = match text.strip_suffix('\n') {
        Some(body) => (body, "|"),
        None => (text, "|-"),
    };
    let is_printable =
        |c: char| matches!(c, '\n' | '\t') || !(c.is_control() || "\u{2028}\u{2029}\u{feff}".contains(c));
    // A first line that is blank or indented would be taken for the indentation, and an empty last line for the end.
    let is_framed = !body.starts_with([' ', '\n', '\t']) && !body.ends_with('\n') && !body.is_empty();
    if !text.contains('\n') || !is_framed || !text.chars().all(is_printable) {
        return None;
    }
    let indent = "  ".repeat(depth);
    let indented = |line: &str| if line.is_empty() { String::new() } else { format!("{indent}{line}") };
    let lines: Vec<String> = std::iter::once(header.to_owned()).chain(body.split('\n').map(indented)).collect();
    Some(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde_json::json;
    use transload_model::SourceFile;

    use super::*;
    use crate::decode::{Reader, tree};
    use crate::problems::Problems;

    fn read(text: &str) -> Value {
        let file = Arc::new(SourceFile::new("a.yaml".to_owned(), text.to_owned()));
        let mut problems = Problems::default();
        let node = crate::yaml::load(&file, &mut problems).unwrap();
        let value = tree(&mut Reader { file: &file, problems: &mut problems }, &node, "it").unwrap();
        assert!(!problems.has_errors(), "{text}");
        value
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            any::<String>(),
            "[a-z: #'\"\\[\\]{},&*!|>%@`?-]{0,12}",
            "( |\t)?[a-z ]{0,5}(\n[ \ta-z#:]{0,6}){0,4}\n?",
            Just("null".to_owned()),
            Just("007".to_owned()),
            Just("yes".to_owned()),
            Just("1e3".to_owned()),
        ];
        let single = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        single.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(text.clone(), inner, 0..4).prop_map(|map| Value::Object(
                    map.into_iter().filter(|(key, _)| !key.is_empty() && key != "<<").collect()
                )),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(value in any_value()) {
            let document = json!({ "it": value });
            let text = write(&document, 80);
            prop_assert_eq!(read(&text), document, "{}", text);
        }
    }

    #[test]
    fn a_document_is_pleasant_to_read() {
        let document = json!({
            "entity_type": "offices",
            "version": "1.0",
            "tags": ["clinical", "pii"],
            "field_mappings": [
                { "source_field": "office_nm", "destination_field": "name", "is_required": true },
                { "source_field": ["a", "b"], "destination_field": "format", "format": "%d/%m/%Y" },
            ],
            "transformation_functions": [{ "name": "joined", "function_body": "let a = 1;\na + 2\n" }],
            "validation_rules": [],
        });
        assert_eq!(
            write(&document, 140),
            "entity_type: offices\nversion: \"1.0\"\ntags: [clinical, pii]\nfield_mappings:\n  \
             - { source_field: office_nm, destination_field: name, is_required: true }\n  \
             - { source_field: [a, b], destination_field: format, format: \"%d/%m/%Y\" }\n\
             transformation_functions:\n  - name: joined\n    function_body: |\n      let a = 1;\n      a + 2\n\
             validation_rules: []\n"
        );
    }
}
