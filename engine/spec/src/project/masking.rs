//! `masking`: the key of masks.
//!
//! Only an environment in which something is masked needs it. So what is wrong with it is kept until someone asks for it: production has no
//! masks and should not have the key either. The key itself never stands in the file, nor a part of it, and no message shows it. It is no
//! variable of the project either: scripts see those.

use std::collections::BTreeMap;

use serde_json::Value;
use transload_model::{Code, Diagnostic, MaskKey};

use crate::decode::{Reader, language};
use crate::problems::{Problems, problem};
use crate::project::interpolation;
use crate::yaml::{Entry, Kind};

/// What helps where there is no key. A default, which other variables may have, would be the key itself in the file.
const SET: &str = "set it to the key of the project's masks; a new one is what `openssl rand -base64 32` prints";

/// The key of masks, as far as the project has one.
#[derive(Debug, Clone)]
pub(crate) enum Masking {
    /// The project says nothing of it.
    Unsaid,
    /// It says where the key is, and there is none.
    Missing(Box<Diagnostic>),
    /// It has one.
    Key(MaskKey),
}

/// Reads `masking`, whose variables are not replaced yet.
pub(crate) fn masking(
    reader: &mut Reader<'_>,
    mut entry: Entry,
    environment: &dyn Fn(&str) -> Option<String>,
    vars: &BTreeMap<String, Value>,
) -> Masking {
    if is_said(reader, &entry) {
        return Masking::Unsaid;
    }
    let has_message = has_message(&entry);
    let mut later = Problems::default();
    interpolation::with_variables(
        &mut Reader { file: reader.file, problems: &mut later },
        &mut entry.value,
        environment,
        vars,
    );
    let found = later.finish();
    if let Some(missing) = found.iter().find(|found| found.code == Code::VariableMissing) {
        let missing = missing.clone();
        return Masking::Missing(Box::new(if has_message { missing } else { missing.help(SET) }));
    }
    found.into_iter().for_each(|found| reader.problems.push(found));
    read(reader, &entry).unwrap_or(Masking::Unsaid)
}

/// Whether the file says itself what to do without the key: `${NAME:?message}`.
fn has_message(entry: &Entry) -> bool {
    key_of(entry).is_some_and(|(_, text)| text.split_once(":?").is_some_and(|(_, message)| message != "}"))
}

/// What the file says of the key.
fn key_of(entry: &Entry) -> Option<(&Entry, &str)> {
    let Kind::Map(entries) = &entry.value.kind else { return None };
    let key = entries.iter().find(|entry| entry.key == "key")?;
    let Kind::Scalar(scalar) = &key.value.kind else { return None };
    Some((key, scalar.text.trim()))
}

/// Whether the file says something of the key itself, or gives it to scripts; that is refused.
fn is_said(reader: &mut Reader<'_>, entry: &Entry) -> bool {
    let Some((key, text)) = key_of(entry) else { return false };
    if is_of_environment(text) {
        return false;
    }
    let (headline, note, help) = if text.starts_with("${vars.") {
        let headline = "the key of masks is a variable of the project";
        (headline, "scripts see those, and could show it", "write `key: \"${MASK_KEY:?}\"`, and take it out of `vars`")
    } else {
        let help = "write `key: \"${MASK_KEY:?}\"` with nothing around it, set that variable, and take another secret than this one";
        ("the key of masks stands in the file", "whoever has it can find out what is masked", help)
    };
    let found = problem(Code::SpecSecret, headline, &reader.key_place(key), "this key");
    reader.problems.push(found.note(note).help(help));
    true
}

/// Whether a text is one variable of the environment and nothing else: `${NAME}` or `${NAME:?message}`.
fn is_of_environment(text: &str) -> bool {
    let inner = text.strip_prefix("${").and_then(|text| text.strip_suffix('}'));
    inner.filter(|inner| !inner.contains('}')).is_some_and(|inner| {
        let name = inner.split_once(":?").map_or(inner, |(name, _)| name);
        !name.is_empty() && name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_')
    })
}

fn read(reader: &mut Reader<'_>, entry: &Entry) -> Option<Masking> {
    let map = reader.map(&entry.value, &language::MASKING)?;
    if !reader.require(&map, &["key"], language::MASKING.what) {
        return None;
    }
    let entry = map.get("key")?;
    let text = reader.text(&entry.value, "`masking.key`")?;
    Some(match MaskKey::new(&text.value) {
        Ok(key) => Masking::Key(key),
        Err(weak) => {
            let headline = format!("the key of masks could be guessed: {weak}");
            let found = problem(Code::MaskKeyMissing, headline, &text.place, "what this variable holds");
            Masking::Missing(Box::new(found.help("set it to what `openssl rand -base64 32` prints")))
        }
    })
}
