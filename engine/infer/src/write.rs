//! A draft as a person would write it: short where names are the same, one line for what differs, and a mark where somebody has to look.

use std::fmt::Write as _;

use serde_json::Value;
use transload_model::ColumnName;

use crate::inferred::{Draft, Fate, FieldDraft, Mapping};
use crate::key::KeyDraft;
use crate::update::Style;

/// What marks a line that a person should look at.
pub const MARK: &str = "TODO(infer)";

/// Columns of a comment that lists columns.
const WIDTH: usize = 120;

/// The text of a spec.
#[must_use]
pub fn spec(draft: &Draft) -> String {
    let mut text = format!(
        "# Drafted by `transload infer` from `{}` and `{}`: {}.\n",
        draft.source_table, draft.destination_table, draft.score
    );
    for (key, value) in [
        ("entity_type", draft.entity.as_str()),
        ("source_table", draft.source_table.as_str()),
        ("destination_table", draft.destination_table.as_str()),
    ] {
        push(&mut text, &format!("{key}: {}", scalar(value)));
    }
    text.push_str("version: \"1.0\"\n");
    if let Some(key) = key(draft) {
        push(&mut text, &format!("\n{key}"));
    }
    let auto_map = auto_map(draft);
    if let Some(auto_map) = &auto_map {
        push(&mut text, &format!("\n{auto_map}"));
    }
    mappings(&mut text, draft);
    list(&mut text, "Not read", &draft.unread);
    let empty = draft.fields.iter().filter(|field| matches!(field.fate, Fate::Left) && line_of_left(field).is_none());
    let empty: Vec<ColumnName> = empty.map(|field| field.destination.clone()).collect();
    list(&mut text, "Stays empty", &empty);
    text
}

/// The lines of a field in a spec's mappings: one, as a map's entry or as a list's.
pub(crate) fn line(field: &FieldDraft, style: Style) -> Option<String> {
    let mapping = match &field.fate {
        Fate::Mapped(mapping) => mapping.clone(),
        Fate::Same(source) => Mapping::copy(source.clone()),
        Fate::Left => return None,
    };
    let destination = scalar(field.destination.as_str());
    let entries = entries(&mapping);
    let body = match (style, entries.as_slice()) {
        (Style::List, _) => {
            let (source, rest) = entries.split_first()?;
            let all: Vec<String> = [source.clone(), format!("destination_field: {destination}")]
                .into_iter()
                .chain(rest.iter().cloned())
                .collect();
            format!("- {{ {} }}", all.join(", "))
        }
        (Style::Map, [_]) => format!("{destination}: {}", names(&mapping.sources)),
        (Style::Map, _) => format!("{destination}: {{ {} }}", entries.join(", ")),
    };
    let mark = field.is_doubtful().then(|| format!(" # {MARK}: {}, {}", field.confidence, field.doubts.join("; ")));
    Some(body + &mark.unwrap_or_default())
}

fn push(text: &mut String, line: &str) {
    let written = writeln!(text, "{line}");
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

fn key(draft: &Draft) -> Option<String> {
    if let KeyDraft::Missing(reason) = &draft.key {
        return Some(format!("# key: {MARK}: which columns identify a row? {reason}"));
    }
    if draft.is_default_key {
        return None;
    }
    let columns = |columns: Vec<&ColumnName>| names(&columns.into_iter().cloned().collect::<Vec<_>>());
    let strategy = match draft.key {
        KeyDraft::Uuid { .. } => "uuid_v5",
        _ => "keep",
    };
    let ends = format!("source: {}, destination: {}", columns(draft.key.source()), columns(draft.key.destination()));
    let namespace = draft.namespace.map(|namespace| format!(", namespace: {}", scalar(&namespace.to_string())));
    Some(format!("key: {{ {ends}, strategy: {strategy}{} }}", namespace.unwrap_or_default()))
}

/// The star, with the columns that it stands for; `None` where it would stand for none.
fn auto_map(draft: &Draft) -> Option<String> {
    let same: Vec<(&ColumnName, &ColumnName)> = draft
        .fields
        .iter()
        .filter_map(|field| match &field.fate {
            Fate::Same(source) => Some((source, &field.destination)),
            Fate::Mapped(_) | Fate::Left => None,
        })
        .collect();
    let has_mapping = draft.fields.iter().any(|field| matches!(field.fate, Fate::Mapped(_)));
    if same.is_empty() && has_mapping {
        return None;
    }
    let is_exact = same.iter().all(|(source, destination)| source == destination);
    let mut parts = Vec::new();
    if !is_exact {
        parts.push("match: snake_case".to_owned());
    }
    let excluded: Vec<String> =
        draft.excluded(is_exact).into_iter().map(|name| quoted_unless_plain(&escaped(name.as_str()))).collect();
    if !excluded.is_empty() {
        parts.push(format!("exclude: [{}]", excluded.join(", ")));
    }
    let names: Vec<&str> = same.iter().map(|(_, destination)| destination.as_str()).collect();
    let comment = if names.is_empty() { String::new() } else { format!(" # {}", shortened(&names)) };
    Some(if parts.is_empty() {
        format!("auto_map: true{comment}")
    } else {
        format!("auto_map: {{ {} }}{comment}", parts.join(", "))
    })
}

fn mappings(text: &mut String, draft: &Draft) {
    let mapped: Vec<&FieldDraft> = draft.fields.iter().filter(|field| !matches!(field.fate, Fate::Same(_))).collect();
    let has_mapping = mapped.iter().any(|field| matches!(field.fate, Fate::Mapped(_)));
    let indent = if has_mapping { "  " } else { "" };
    if has_mapping {
        text.push_str("\nfield_mappings:\n");
    } else if mapped.iter().any(|field| line_of_left(field).is_some()) {
        text.push('\n');
    }
    for field in mapped {
        if let Some(line) = line(field, Style::Map).or_else(|| line_of_left(field)) {
            push(text, &format!("{indent}{line}"));
        }
    }
}

/// What is said of a column that nothing fills; `None` where there is nothing to say.
fn line_of_left(field: &FieldDraft) -> Option<String> {
    let reasons = field.doubts.join("; ");
    let why = match (field.needs_value, reasons.as_str()) {
        _ if !matches!(field.fate, Fate::Left) => return None,
        (true, "") => "must have a value, and no source column is like it".to_owned(),
        (true, reasons) => format!("must have a value; {reasons}"),
        (false, "") => return None,
        (false, reasons) => reasons.to_owned(),
    };
    Some(format!("# {}: {MARK}: {why}", scalar(field.destination.as_str())))
}

fn list(text: &mut String, what: &str, columns: &[ColumnName]) {
    if columns.is_empty() {
        return;
    }
    let mut line = format!("\n# {what}:");
    for (at, column) in columns.iter().enumerate() {
        let sign = if at + 1 < columns.len() { "," } else { "" };
        if line.lines().last().is_some_and(|last| last.len() + column.as_str().len() + 2 > WIDTH) {
            line.push_str("\n#  ");
        }
        line.push_str(&format!(" {column}{sign}"));
    }
    push(text, &line);
}

/// The first few names, and how many there are besides.
fn shortened(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    match names.get(..SHOWN).filter(|_| names.len() > SHOWN + 1) {
        Some(first) => format!("{} and {} more", first.join(", "), names.len() - SHOWN),
        None => names.join(", "),
    }
}

/// The parts of a mapping, its sources first.
fn entries(mapping: &Mapping) -> Vec<String> {
    let mut entries = vec![format!("source_field: {}", names(&mapping.sources))];
    match mapping.calls.as_slice() {
        [] => {}
        [only] => entries.push(format!("transformation: {only}")),
        calls => entries.push(format!("transformation: [{}]", calls.join(", "))),
    }
    if let Some(flags) = mapping.flags {
        entries.push(format!("value_map: {{ {}: true, {}: false }}", Value::from(flags.yes), Value::from(flags.no)));
    }
    if let Some(data_type) = mapping.data_type {
        entries.push(format!("data_type: {}", quoted_unless_plain(&data_type.to_string())));
    }
    if let Some(format) = mapping.format {
        entries.push(format!("format: {}", Value::from(format)));
    }
    if let Some(entity) = &mapping.references {
        entries.push(format!("references: {}", scalar(entity.as_str())));
    }
    entries
}

/// One name, or a list.
fn names(names: &[ColumnName]) -> String {
    match names {
        [only] => scalar(only.as_str()),
        _ => format!("[{}]", names.iter().map(|name| scalar(name.as_str())).collect::<Vec<_>>().join(", ")),
    }
}

/// A text, in quotes where YAML would read it as anything else. JSON's escapes are YAML's.
fn scalar(text: &str) -> String {
    quoted_unless_plain(text)
}

fn quoted_unless_plain(text: &str) -> String {
    const WORDS: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan"];
    let begins = text.starts_with(|sign: char| sign.is_ascii_alphabetic() || sign == '_');
    let is_plain = begins && text.chars().all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-'));
    // A UUID may begin with a digit, and with digits around an `e` it could be a number.
    let is_uuid = text.len() == 36 && text.chars().all(|sign| sign.is_ascii_hexdigit() || sign == '-');
    if (is_plain || is_uuid) && !WORDS.contains(&text.to_lowercase().as_str()) {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

/// A name as a pattern that stands for itself.
fn escaped(name: &str) -> String {
    let sign = |sign: char| if matches!(sign, '*' | '?' | '[' | ']') { format!("[{sign}]") } else { sign.to_string() };
    name.chars().map(sign).collect()
}

impl Draft {
    /// Source columns that the star would copy and must not.
    fn excluded(&self, is_exact: bool) -> Vec<&ColumnName> {
        let left = self.fields.iter().filter(|field| matches!(field.fate, Fate::Left));
        let is_same = |source: &ColumnName, destination: &ColumnName| {
            if is_exact { source == destination } else { snake(source) == snake(destination) }
        };
        let left: Vec<&ColumnName> = left.map(|field| &field.destination).collect();
        self.columns.iter().filter(|source| left.iter().any(|column| is_same(source, column))).collect()
    }
}

fn snake(name: &ColumnName) -> String {
    transload_model::snake_case(name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_yaml_would_read_otherwise_are_quoted() {
        for plain in ["office_nm", "_x", "a-b", "0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11"] {
            assert_eq!(scalar(plain), plain);
        }
        for quoted in ["no", "Y", "null", "1", "1e3", "a b", "a: b", "#x", "*", "", "é", "decimal(10,2)", "~"] {
            assert_eq!(scalar(quoted), format!("\"{quoted}\""));
        }
        assert_eq!(scalar("a\"b\\"), r#""a\"b\\""#);
    }

    #[test]
    fn a_pattern_that_stands_for_itself() {
        assert_eq!(escaped("a*[b]?"), "a[*][[]b[]][?]");
    }
}
