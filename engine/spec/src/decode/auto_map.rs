//! `auto_map`: columns of the same name, without a line for each.

use glob::{MatchOptions, Pattern};
use transload_model::{Code, ColumnName};

use crate::decode::Reader;
use crate::decode::language::AUTO_MAP;
use crate::decode::reader::{Map, scalar_of};
use crate::problems::{Located, Place, problem};
use crate::yaml::{Atom, Entry, Kind, Node};

/// What one file says about columns of the same name.
#[derive(Debug, Clone, Default)]
pub(crate) enum AutoMapPart {
    /// Nothing: what another file says counts.
    #[default]
    Unsaid,
    /// None are copied.
    Off,
    On(AutoMap),
}

/// Which columns are copied to those of the same name.
#[derive(Debug, Clone)]
pub(crate) struct AutoMap {
    pub(crate) include: Vec<Located<ColumnPattern>>,
    pub(crate) exclude: Vec<Located<ColumnPattern>>,
    pub(crate) pairing: Pairing,
    pub(crate) on_new_column: OnNewColumn,
    /// The key `auto_map`.
    pub(crate) place: Place,
}

/// The name of a source column, in which `*` and `?` stand for others.
#[derive(Debug, Clone)]
pub(crate) struct ColumnPattern(Pattern);

/// Which names are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pairing {
    Exact,
    /// `FirstName` goes to `first_name`.
    SnakeCase,
}

/// What becomes of a column that came after the project was locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnNewColumn {
    Warn,
    Fail,
    Include,
    Ignore,
}

impl ColumnPattern {
    /// Whether it stands for this column. Case counts.
    pub(crate) fn matches(&self, column: &ColumnName) -> bool {
        let options =
            MatchOptions { case_sensitive: true, require_literal_separator: false, require_literal_leading_dot: false };
        self.0.matches_with(column.as_str(), options)
    }

    /// Its text.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it is one name.
    pub(crate) fn is_name(&self) -> bool {
        !self.as_str().contains(['*', '?', '['])
    }
}

impl AutoMapPart {
    /// Takes what another file says where this one says nothing: it is one value, whose parts do not mix.
    pub(crate) fn or(self, other: &Self) -> Self {
        match self {
            Self::Unsaid => other.clone(),
            Self::Off | Self::On(_) => self,
        }
    }

    /// Which columns are copied, if any are.
    pub(crate) fn columns(self) -> Option<AutoMap> {
        match self {
            Self::Unsaid | Self::Off => None,
            Self::On(auto_map) => Some(auto_map),
        }
    }
}

/// Reads `auto_map` of a file; what cannot be read is off.
pub(crate) fn auto_map(reader: &mut Reader<'_>, map: &Map<'_>) -> AutoMapPart {
    match map.get("auto_map") {
        None => AutoMapPart::Unsaid,
        Some(entry) => switched_on(reader, entry).map_or(AutoMapPart::Off, AutoMapPart::On),
    }
}

fn switched_on(reader: &mut Reader<'_>, entry: &Entry) -> Option<AutoMap> {
    let place = reader.key_place(entry);
    let all = |place: Place| AutoMap {
        include: Vec::new(),
        exclude: Vec::new(),
        pairing: Pairing::Exact,
        on_new_column: OnNewColumn::Warn,
        place,
    };
    match &entry.value.kind {
        Kind::Map(_) => with_patterns(reader, &entry.value, all(place)),
        Kind::Scalar(scalar) if matches!(scalar.atom, Atom::Boolean(_)) => {
            (scalar.atom == Atom::Boolean(true)).then(|| all(place))
        }
        Kind::Scalar(_) | Kind::List(_) | Kind::Refused => {
            reader.wrong_type(&entry.value, "`auto_map`", "a boolean or a map");
            None
        }
    }
}

fn with_patterns(reader: &mut Reader<'_>, node: &Node, all: AutoMap) -> Option<AutoMap> {
    let pairings = [("exact", Pairing::Exact), ("snake_case", Pairing::SnakeCase)];
    let policies = [
        ("warn", OnNewColumn::Warn),
        ("fail", OnNewColumn::Fail),
        ("include", OnNewColumn::Include),
        ("ignore", OnNewColumn::Ignore),
    ];
    let before = reader.problems.seen();
    let map = reader.map(node, &AUTO_MAP)?;
    let pairing = map.get("match").and_then(|entry| reader.word(&entry.value, "`auto_map.match`", &pairings, &[]));
    let policy = map
        .get("on_new_column")
        .and_then(|entry| reader.word(&entry.value, "`auto_map.on_new_column`", &policies, &[]));
    let found = AutoMap {
        include: map
            .get("include")
            .map(|entry| patterns(reader, &entry.value, "`auto_map.include`"))
            .unwrap_or_default(),
        exclude: map
            .get("exclude")
            .map(|entry| patterns(reader, &entry.value, "`auto_map.exclude`"))
            .unwrap_or_default(),
        pairing: pairing.map_or(all.pairing, |word| word.value),
        on_new_column: policy.map_or(all.on_new_column, |word| word.value),
        place: all.place,
    };
    (reader.problems.seen() == before).then_some(found)
}

fn patterns(reader: &mut Reader<'_>, node: &Node, what: &str) -> Vec<Located<ColumnPattern>> {
    let items = match &node.kind {
        Kind::List(items) if items.is_empty() => {
            reader.wrong_value(
                node,
                format!("{what} is an empty list"),
                "name at least one column, or leave the key out",
            );
            return Vec::new();
        }
        Kind::List(items) => items.as_slice(),
        Kind::Scalar(_) | Kind::Map(_) | Kind::Refused => std::slice::from_ref(node),
    };
    items.iter().filter_map(|item| pattern(reader, item, what)).collect()
}

fn pattern(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Located<ColumnPattern>> {
    // An alias's sign begins a value only by mistake: `include: *`.
    if scalar_of(node).is_some_and(|scalar| scalar.text.is_empty()) {
        let headline = format!("{what} has an empty pattern");
        reader.problems.push(problem(Code::SpecValue, headline, &reader.place(&node.span), "no name is here"));
        return None;
    }
    let text = reader.text(node, what)?;
    match Pattern::new(&text.value) {
        Ok(pattern) => Some(Located { value: ColumnPattern(pattern), place: text.place }),
        Err(error) => {
            reader.wrong_value(
                node,
                format!("{what} has no pattern here: {}", error.msg),
                "`*` and `?` stand for other characters",
            );
            None
        }
    }
}
