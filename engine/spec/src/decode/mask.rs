//! `mask`: what people see in the place of a field's source values, and in which environments.
//!
//! A word, or a map with what the strategy takes. A key that its strategy has no use for is refused: whoever wrote it believes that it hides
//! something.

use transload_model::{Code, ColumnName, Keep, Mask};

use crate::decode::language::MASK;
use crate::decode::reader::{Map, Reader, scalar_of};
use crate::problems::{Located, Place, listed, problem};
use crate::yaml::{Entry, Kind, Node};

/// A mask, before its columns are known.
#[derive(Debug, Clone)]
pub(crate) struct MaskSpec {
    pub(crate) mask: Mask,
    /// With `ShiftDate`, the column that says whose day it is.
    pub(crate) by: Option<Located<ColumnName>>,
    /// Where it counts; everywhere, where nothing is said.
    pub(crate) environments: Option<Vec<Located<String>>>,
    pub(crate) place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strategy {
    Hash,
    Redact,
    Partial,
    Null,
    ShiftDate,
}

const STRATEGIES: [(&str, Strategy); 5] = [
    ("hash", Strategy::Hash),
    ("redact", Strategy::Redact),
    ("partial", Strategy::Partial),
    ("null", Strategy::Null),
    ("shift_date", Strategy::ShiftDate),
];

impl Strategy {
    /// The keys that it takes beside `strategy` and `environments`.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Hash => &["keep", "length"],
            Self::Redact => &["with"],
            Self::Partial => &["keep_first", "keep_last", "with"],
            Self::Null => &[],
            Self::ShiftDate => &["days", "by", "format"],
        }
    }
}

/// Reads `mask`; `None` where a problem says why not.
pub(crate) fn mask(reader: &mut Reader<'_>, node: &Node) -> Option<MaskSpec> {
    let place = reader.place(&node.span);
    let before = reader.problems.seen();
    let (strategy, map) = match &node.kind {
        Kind::Map(_) => {
            let map = reader.map(node, &MASK)?;
            // YAML's own null is the word, too.
            let is_word = |entry: &Entry| scalar_of(&entry.value).is_some() && !entry.value.span.is_empty();
            if !map.get("strategy").is_some_and(is_word) && !reader.require(&map, &["strategy"], MASK.what) {
                return None;
            }
            let strategy = reader.word(&map.get("strategy")?.value, "`strategy`", &STRATEGIES, &[])?;
            (strategy, Some(map))
        }
        _ if scalar_of(node).is_some() => (reader.word(node, "`mask`", &STRATEGIES, &[])?, None),
        _ => {
            reader.wrong_type(node, "`mask`", "a word or a map");
            return None;
        }
    };
    let map = map.as_ref();
    refuse_idle(reader, map, &strategy);
    let mask = match strategy.value {
        Strategy::Hash => Some(hash(reader, map)),
        Strategy::Redact => Some(redact(reader, map)),
        Strategy::Partial => partial(reader, map, &place),
        Strategy::Null => Some(Mask::Null),
        Strategy::ShiftDate => shift_date(reader, map, &place),
    };
    let found = |key: &str| map.and_then(|map| map.get(key));
    let by = found("by").and_then(|entry| reader.name(&entry.value, "`by`", ColumnName::parse));
    let environments = found("environments").and_then(|entry| environments(reader, &entry.value));
    let spec = MaskSpec { mask: mask?, by, environments, place };
    (reader.problems.seen() == before).then_some(spec)
}

fn refuse_idle(reader: &mut Reader<'_>, map: Option<&Map<'_>>, strategy: &Located<Strategy>) {
    let word = STRATEGIES.iter().find(|(_, known)| *known == strategy.value).map_or("", |(word, _)| word);
    let is_idle = |key: &str| {
        MASK.built.contains(&key)
            && !["strategy", "environments"].contains(&key)
            && !strategy.value.keys().contains(&key)
    };
    for entry in map.iter().flat_map(|map| map.entries()).filter(|entry| is_idle(&entry.key)) {
        let headline = format!("`{}` has no effect with `strategy: {word}`", entry.key);
        let problem = problem(Code::SpecValue, headline, &reader.key_place(entry), "this key");
        reader.problems.push(match strategy.value.keys() {
            [] => problem.help("take it out"),
            keys => problem.note(format!("`{word}` takes {}", listed(keys.iter().copied()))),
        });
    }
}

fn hash(reader: &mut Reader<'_>, map: Option<&Map<'_>>) -> Mask {
    const WORDS: [(&str, Keep); 2] = [("domain", Keep::Domain), ("format", Keep::Format)];
    let found = |key: &str| map.and_then(|map| map.get(key));
    let keep = found("keep").and_then(|entry| reader.word(&entry.value, "`keep`", &WORDS, &[]));
    let (least, most) = (*Mask::HASH_LENGTHS.start(), *Mask::HASH_LENGTHS.end());
    let limits = i64::try_from(least).unwrap_or_default()..=i64::try_from(most).unwrap_or_default();
    let length = found("length").and_then(|entry| reader.integer(&entry.value, "`length`", limits));
    let keep = keep.map_or(Keep::Nothing, |keep| keep.value);
    if let (Keep::Format, Some(entry)) = (keep, found("length")) {
        let headline = "`length` has no effect with `keep: format`";
        let problem = problem(Code::SpecValue, headline, &reader.key_place(entry), "this key");
        reader.problems.push(problem.note("what has the value's form has its length").help("take it out"));
    }
    Mask::Hash { keep, length: length.and_then(|length| usize::try_from(length).ok()) }
}

fn redact(reader: &mut Reader<'_>, map: Option<&Map<'_>>) -> Mask {
    let with = map.and_then(|map| map.get("with")).and_then(|entry| reader.text(&entry.value, "`with`"));
    Mask::Redact { with: with.map_or_else(|| Mask::REDACTED.to_owned(), |with| with.value) }
}

fn partial(reader: &mut Reader<'_>, map: Option<&Map<'_>>, place: &Place) -> Option<Mask> {
    let mut count = |key: &str| {
        let entry = map.and_then(|map| map.get(key))?;
        usize::try_from(reader.integer(&entry.value, &format!("`{key}`"), 0..=64)?).ok()
    };
    let (keep_first, keep_last) = (count("keep_first").unwrap_or_default(), count("keep_last").unwrap_or_default());
    if keep_first + keep_last == 0 {
        let headline = "a partial mask keeps nothing";
        let problem = problem(Code::SpecRequired, headline, place, "neither `keep_first` nor `keep_last` is here");
        reader.problems.push(problem.help("write `{ strategy: partial, keep_last: 4 }`, or `redact` to show nothing"));
        return None;
    }
    let with = match map.and_then(|map| map.get("with")) {
        Some(entry) => sign(reader, &entry.value)?,
        None => '*',
    };
    Some(Mask::Partial { keep_first, keep_last, with })
}

fn sign(reader: &mut Reader<'_>, node: &Node) -> Option<char> {
    let text = reader.text(node, "`with`")?;
    let mut signs = text.value.chars();
    match (signs.next(), signs.next()) {
        (Some(sign), None) if !sign.is_control() => Some(sign),
        _ => {
            reader.wrong_value(node, "`with` is not one character", "each hidden character becomes this one");
            None
        }
    }
}

fn shift_date(reader: &mut Reader<'_>, map: Option<&Map<'_>>, place: &Place) -> Option<Mask> {
    let found = |key: &str| map.and_then(|map| map.get(key));
    let Some(entry) = found("days") else {
        let problem =
            problem(Code::SpecRequired, "the mask says not how far days are moved", place, "`days` is missing");
        reader.problems.push(problem.help("write `{ strategy: shift_date, days: 30 }`"));
        return None;
    };
    let days = reader.integer(&entry.value, "`days`", 1..=36_500)?;
    let format = found("format").and_then(|entry| reader.text(&entry.value, "`format`"));
    Some(Mask::ShiftDate { days: u32::try_from(days).ok()?, format: format.map(|format| format.value) })
}

fn environments(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<Located<String>>> {
    let items = reader.list(node, "`environments`")?;
    if items.is_empty() {
        reader.wrong_value(node, "`environments` is an empty list", "a mask that counts nowhere hides nothing");
        return None;
    }
    Some(items.iter().filter_map(|item| reader.text(item, "an environment")).collect())
}
