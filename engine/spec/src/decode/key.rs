//! `key`: how an old row finds its new row.
//!
//! The project's defaults, templates and the spec each give a part; later values win one by one.

use transload_model::{Code, ColumnName};
use uuid::Uuid;

use crate::decode::language::KEY;
use crate::decode::{Reader, shown};
use crate::problems::{Located, problem};
use crate::yaml::Node;

/// What one file says about the key.
#[derive(Debug, Clone)]
pub(crate) struct KeyPart {
    pub(crate) source: Option<Vec<Located<ColumnName>>>,
    pub(crate) destination: Option<Vec<Located<ColumnName>>>,
    pub(crate) strategy: Option<Located<Strategy>>,
    pub(crate) namespace: Option<Located<Uuid>>,
    /// Whether all of it could be read. A key that could not is not judged further.
    pub(crate) is_sound: bool,
}

impl Default for KeyPart {
    fn default() -> Self {
        Self { source: None, destination: None, strategy: None, namespace: None, is_sound: true }
    }
}

/// How a destination key comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strategy {
    Keep,
    UuidV5,
    UuidV7,
    Database,
}

impl Strategy {
    /// As a spec says it.
    pub(crate) const WORDS: [(&'static str, Self); 4] =
        [("keep", Self::Keep), ("uuid_v5", Self::UuidV5), ("uuid_v7", Self::UuidV7), ("database", Self::Database)];

    /// The word.
    pub(crate) fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, strategy)| *strategy == self).map_or("", |(word, _)| word)
    }
}

impl KeyPart {
    /// Takes from another file what this one does not say.
    pub(crate) fn or(self, other: &Self) -> Self {
        Self {
            source: self.source.or_else(|| other.source.clone()),
            destination: self.destination.or_else(|| other.destination.clone()),
            strategy: self.strategy.or_else(|| other.strategy.clone()),
            namespace: self.namespace.or_else(|| other.namespace.clone()),
            is_sound: self.is_sound && other.is_sound,
        }
    }
}

/// Reads `key`, as far as it can be read.
pub(crate) fn key(reader: &mut Reader<'_>, node: &Node) -> KeyPart {
    let before = reader.problems.seen();
    let Some(map) = reader.map(node, &KEY) else {
        return KeyPart { is_sound: false, ..KeyPart::default() };
    };
    let mut part = KeyPart {
        source: map.get("source").and_then(|entry| reader.names(&entry.value, "`key.source`", ColumnName::parse)),
        destination: map
            .get("destination")
            .and_then(|entry| reader.names(&entry.value, "`key.destination`", ColumnName::parse)),
        strategy: map
            .get("strategy")
            .and_then(|entry| reader.word(&entry.value, "`key.strategy`", &Strategy::WORDS, &[])),
        namespace: map.get("namespace").and_then(|entry| namespace(reader, &entry.value)),
        is_sound: true,
    };
    for (what, columns) in [("`key.source`", &part.source), ("`key.destination`", &part.destination)] {
        repeated(reader, what, columns.as_deref().unwrap_or_default());
    }
    part.is_sound = reader.problems.seen() == before;
    part
}

fn namespace(reader: &mut Reader<'_>, node: &Node) -> Option<Located<Uuid>> {
    let text = reader.text(node, "`key.namespace`")?;
    if let Ok(value) = Uuid::try_parse(&text.value) {
        return Some(Located { value, place: text.place });
    }
    let headline = match shown(node) {
        Some(text) => format!("the namespace {text} is no UUID"),
        None => "the namespace that a variable gives is no UUID".to_owned(),
    };
    reader.wrong_value(node, headline, "a UUID of your own, such as 0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11");
    None
}

fn repeated(reader: &mut Reader<'_>, what: &str, columns: &[Located<ColumnName>]) {
    for (at, column) in columns.iter().enumerate() {
        if let Some(first) = columns.iter().take(at).find(|earlier| earlier.value == column.value) {
            let headline = format!("{what} names column `{}` twice", column.value);
            let problem = problem(Code::SpecValue, headline, &column.place, "the second time");
            reader.problems.push(problem.label(&first.place.file, first.place.span.clone(), "the first time"));
        }
    }
}
