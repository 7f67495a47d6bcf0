//! A schema as text: JSON, with a line for what fits on one, because people read its differences.

use serde_json::Value;

/// Characters of a line.
const WIDTH: usize = 140;

/// A schema as its file holds it.
#[must_use]
pub fn schema_text(schema: &Value) -> String {
    let mut text = String::new();
    write(&mut text, schema, 0);
    text.push('\n');
    text
}

/// Writes a value behind what stands on its line already.
fn write(text: &mut String, value: &Value, depth: usize) {
    let used = text.len() - text.rfind('\n').map_or(0, |at| at + 1);
    let line = on_one_line(value);
    // A comma may follow.
    if used + line.chars().count() < WIDTH {
        text.push_str(&line);
        return;
    }
    match value {
        Value::Object(map) if !map.is_empty() => {
            let entries = map.iter().map(|(key, value)| (format!("{}: ", Value::from(key.as_str())), value));
            block(text, ['{', '}'], depth, entries);
        }
        Value::Array(items) if !items.is_empty() => {
            block(text, ['[', ']'], depth, items.iter().map(|item| (String::new(), item)));
        }
        _ => text.push_str(&line),
    }
}

fn block<'a>(
    text: &mut String,
    [open, close]: [char; 2],
    depth: usize,
    entries: impl Iterator<Item = (String, &'a Value)>,
) {
    text.push(open);
    for (at, (key, value)) in entries.enumerate() {
        text.push_str(if at == 0 { "\n" } else { ",\n" });
        text.push_str(&"  ".repeat(depth + 1));
        text.push_str(&key);
        write(text, value, depth + 1);
    }
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
    text.push(close);
}

fn on_one_line(value: &Value) -> String {
    let joined = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Object(map) if !map.is_empty() => {
            let entry =
                |(key, value): (&String, &Value)| format!("{}: {}", Value::from(key.as_str()), on_one_line(value));
            format!("{{ {} }}", joined(map.iter().map(entry).collect()))
        }
        Value::Array(items) => format!("[{}]", joined(items.iter().map(on_one_line).collect())),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{WIDTH, schema_text};

    #[test]
    fn what_fits_stands_on_one_line_and_all_reads_back() {
        assert_eq!(schema_text(&json!({ "a": [1, {}], "b": null })), "{ \"a\": [1, {}], \"b\": null }\n");
        let long = json!({ "words": vec!["a word"; 40], "empty": [], "text": "é".repeat(WIDTH), "short": { "a": 1 } });
        let text = schema_text(&long);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), long);
        assert!(text.contains("  \"short\": { \"a\": 1 }\n") && text.contains("\n    \"a word\",\n"), "{text}");
    }
}
