//! Reads nodes as the types that a spec expects.
//!
//! Each method gives the value, or notes one problem at the node's place and gives nothing. What was refused while loading is passed
//! over in silence, but counted, so that a part that holds it is not taken for sound.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use transload_model::{Code, NameError, SourceFile, nearest};

use crate::decode::Keys;
use crate::decode::language::{DEFAULTS, SHARED_SOURCE, SOURCE, SPEC, TEMPLATE};
use crate::problems::{Located, Place, Problems, listed, problem, with_suggestion};
use crate::yaml::{Atom, Entry, Kind, Node, Scalar, resolve};

/// Seconds.
const YEAR: u64 = 366 * 86_400;

/// The file that is read, and where its problems go.
pub(crate) struct Reader<'a> {
    pub(crate) file: &'a Arc<SourceFile>,
    pub(crate) problems: &'a mut Problems,
}

/// A map whose keys are known to the language.
#[derive(Debug, Clone)]
pub(crate) struct Map<'n> {
    entries: Vec<&'n Entry>,
    span: Range<usize>,
    /// Keys that unknown ones most likely mean.
    misspelt: Vec<&'static str>,
}

impl<'n> Map<'n> {
    /// The entry of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key).copied()
    }

    /// The entry of a key that must have a value; [`Reader::require`] has spoken where it has none.
    pub(crate) fn filled(&self, key: &str) -> Option<&'n Entry> {
        self.get(key).filter(|entry| !is_nothing(&entry.value))
    }

    /// Whether a key is only misspelt, which has been reported.
    pub(crate) fn is_misspelt(&self, key: &str) -> bool {
        self.misspelt.contains(&key)
    }

    /// All entries but notes.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &'n Entry> {
        self.entries.iter().copied().filter(|entry| !is_note(&entry.key))
    }
}

/// Whether a key is a note of the user's own.
pub(crate) fn is_note(key: &str) -> bool {
    key.starts_with("x-")
}

impl Reader<'_> {
    /// The place of some bytes of the file.
    pub(crate) fn place(&self, span: &Range<usize>) -> Place {
        Place { file: Arc::clone(self.file), span: span.clone() }
    }

    /// The place of a key.
    pub(crate) fn key_place(&self, entry: &Entry) -> Place {
        self.place(&entry.key_span)
    }

    /// Notes that `what` takes another type; a node that was refused before is passed over.
    pub(crate) fn wrong_type(&mut self, node: &Node, what: &str, expected: &str) {
        if matches!(node.kind, Kind::Refused) {
            self.problems.note_refused();
            return;
        }
        let found = node.found();
        let headline = format!("{what} takes {expected}, not {found}");
        let problem = problem(Code::SpecType, headline, &self.place(&node.span), format!("{found} is here"));
        let scalar = scalar_of(node);
        self.problems.push(match scalar.map(|scalar| scalar.atom) {
            Some(Atom::Text) if expected == "a boolean" => problem.note("only `true` and `false` are booleans"),
            Some(Atom::Boolean(_) | Atom::Integer(_) | Atom::HugeInteger | Atom::Float(_))
                if expected.contains("text") || expected.contains("name") =>
            {
                problem.help("put it in quotes")
            }
            _ if expected.contains("list") && !matches!(node.kind, Kind::List(_)) => {
                problem.help("write it as a list: `[…]`")
            }
            _ => problem.help(format!("write {expected}")),
        });
    }

    /// Notes that the value of `what` is not among those allowed.
    pub(crate) fn wrong_value(&mut self, node: &Node, headline: impl Into<String>, note: impl Into<String>) {
        let label = node.found();
        let problem = problem(Code::SpecValue, headline, &self.place(&node.span), format!("{label} is here"));
        self.problems.push(problem.note(note));
    }

    /// A map with the keys of the language; each key that is not among them is a problem of its own.
    pub(crate) fn map<'n>(&mut self, node: &'n Node, keys: &Keys) -> Option<Map<'n>> {
        let mut map = self.any_map(node, keys.what)?;
        let is_unknown = |entry: &&Entry| !keys.built.contains(&entry.key.as_str());
        let unknown: Vec<&Entry> = map.entries().filter(is_unknown).collect();
        for entry in unknown {
            self.unknown_key(entry, keys);
            map.misspelt.extend(nearest(&entry.key, keys.built.iter().copied()));
        }
        Some(map)
    }

    /// A map whose keys are the user's own.
    pub(crate) fn any_map<'n>(&mut self, node: &'n Node, what: &str) -> Option<Map<'n>> {
        match &node.kind {
            Kind::Map(entries) => {
                Some(Map { entries: entries.iter().collect(), span: node.span.clone(), misspelt: Vec::new() })
            }
            Kind::Scalar(_) | Kind::List(_) | Kind::Refused => {
                self.wrong_type(node, what, "a map");
                None
            }
        }
    }

    fn unknown_key(&mut self, entry: &Entry, keys: &Keys) {
        let (key, place) = (entry.key.as_str(), self.key_place(entry));
        if keys.later.contains(&key) {
            let headline = format!("key `{key}` of {} is not built yet", keys.what);
            let problem = problem(Code::NotBuilt, headline, &place, "this key");
            self.problems.push(problem.note("it is refused, because ignoring it would change what was asked for"));
            return;
        }
        if is_secret(key) {
            let headline = format!("{} holds a secret under `{key}`", keys.what);
            let help = "take it out, and change it where it is valid; a connection reads its own as `${NAME}`";
            self.problems.push(problem(Code::SpecSecret, headline, &place, "this key").help(help));
            return;
        }
        let headline = format!("{} has no key `{key}`", keys.what);
        let problem = problem(Code::SpecUnknownKey, headline, &place, "this key")
            .note(format!("the keys are {}", listed(keys.built.iter().copied())));
        self.problems.push(match belongs_elsewhere(key, keys) {
            Some(help) => problem.help(help),
            None => with_suggestion(problem, key, keys.built.iter().copied()),
        });
    }

    /// Whether all of `names` are there; one problem names those that are not. A key without a value is not there; one that is only
    /// misspelt has been reported.
    pub(crate) fn require(&mut self, map: &Map<'_>, names: &[&str], what: &str) -> bool {
        let missing: Vec<&str> = names.iter().copied().filter(|name| map.filled(name).is_none()).collect();
        let reported: Vec<&str> = missing.iter().copied().filter(|name| !map.misspelt.contains(name)).collect();
        let Some(first) = reported.first() else {
            return missing.is_empty();
        };
        // A key that is there without a value is the better place.
        let empty = reported.iter().find_map(|name| map.get(name));
        let place = empty.map_or_else(|| self.place(&map.span), |entry| self.key_place(entry));
        let label =
            if empty.is_some() { "this key has no value".to_owned() } else { format!("`{first}` is missing here") };
        let headline = format!("{what} has no {}", listed(reported.iter().copied()));
        self.problems.push(problem(Code::SpecRequired, headline, &place, label));
        false
    }

    /// Text, or a scalar that was substituted.
    pub(crate) fn text(&mut self, node: &Node, what: &str) -> Option<Located<String>> {
        match scalar_of(node) {
            Some(scalar) if scalar.atom == Atom::Text => {
                Some(Located { value: scalar.text.clone(), place: self.place(&node.span) })
            }
            _ => {
                self.wrong_type(node, what, "text");
                None
            }
        }
    }

    /// A name of some kind.
    pub(crate) fn name<T>(
        &mut self,
        node: &Node,
        what: &str,
        parse: fn(&str) -> Result<T, NameError>,
    ) -> Option<Located<T>> {
        let text = self.text(node, what)?;
        match parse(&text.value) {
            Ok(value) => Some(Located { value, place: text.place }),
            Err(error) => {
                let headline = match shown(node) {
                    Some(_) => format!("{what} is no name: {error}"),
                    None => format!("{what} is no name"),
                };
                self.wrong_value(node, headline, "write the name as it is, without anything else");
                None
            }
        }
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, node: &Node, what: &str) -> Option<Located<bool>> {
        match scalar_of(node).map(atom) {
            Some(Atom::Boolean(value)) => Some(Located { value, place: self.place(&node.span) }),
            _ => {
                self.wrong_type(node, what, "a boolean");
                None
            }
        }
    }

    /// An integer within limits.
    pub(crate) fn integer(&mut self, node: &Node, what: &str, limits: RangeInclusive<i64>) -> Option<i64> {
        let value = match scalar_of(node).map(atom) {
            Some(Atom::Integer(value)) => Some(value),
            Some(Atom::HugeInteger | Atom::Float(_)) => None,
            _ => {
                self.wrong_type(node, what, "an integer");
                return None;
            }
        };
        let fitting = value.filter(|value| limits.contains(value));
        if fitting.is_none() {
            let headline = format!("{what} is out of its limits");
            self.wrong_value(node, headline, format!("an integer from {} to {}", limits.start(), limits.end()));
        }
        fitting
    }

    /// A time of a year at most: `90s`, `10m`, `2h`, `1d`.
    pub(crate) fn seconds(&mut self, node: &Node, what: &str) -> Option<Located<u64>> {
        let text = self.text(node, what)?;
        let unit = |unit: char| match unit {
            's' => Some(1),
            'm' => Some(60),
            'h' => Some(3_600),
            'd' => Some(86_400),
            _ => None,
        };
        let read = || {
            let last = text.value.chars().last()?;
            let count: u64 = text.value.strip_suffix(last)?.parse().ok()?;
            count.checked_mul(unit(last)?).filter(|seconds| *seconds <= YEAR)
        };
        let Some(value) = read() else {
            let help = "a number of seconds, minutes, hours or days, as `90s`, `10m`, `2h`, `1d`; a year at most";
            self.wrong_value(node, format!("{what} is no time"), help);
            return None;
        };
        Some(Located { value, place: text.place })
    }

    /// One of some words; `later` are words of the language that are not built.
    pub(crate) fn word<T: Copy>(
        &mut self,
        node: &Node,
        what: &str,
        words: &[(&str, T)],
        later: &[&str],
    ) -> Option<Located<T>> {
        let Some(scalar) = scalar_of(node) else {
            self.wrong_type(node, what, "a word");
            return None;
        };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == scalar.text) {
            return Some(Located { value: *value, place: self.place(&node.span) });
        }
        let place = self.place(&node.span);
        let value = shown(node).unwrap_or_else(|| "what a variable gives".to_owned());
        if later.contains(&scalar.text.as_str()) {
            let headline = format!("{value} as {what} is not built yet");
            self.problems.push(problem(Code::NotBuilt, headline, &place, "this value"));
            return None;
        }
        let allowed = words.iter().map(|(word, _)| *word);
        let problem = problem(Code::SpecValue, format!("{value} is no value of {what}"), &place, "this value")
            .note(format!("one of {}", listed(allowed.clone())));
        let word = if scalar.is_substituted { "" } else { &scalar.text };
        self.problems.push(with_suggestion(problem, word, allowed));
        None
    }

    /// The items of a list.
    pub(crate) fn list<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        match &node.kind {
            Kind::List(items) => Some(items),
            Kind::Scalar(_) | Kind::Map(_) | Kind::Refused => {
                self.wrong_type(node, what, "a list");
                None
            }
        }
    }

    /// A list of names, or one name.
    pub(crate) fn names<T>(
        &mut self,
        node: &Node,
        what: &str,
        parse: fn(&str) -> Result<T, NameError>,
    ) -> Option<Vec<Located<T>>> {
        let items = match &node.kind {
            Kind::List(items) if items.is_empty() => {
                self.wrong_value(node, format!("{what} is an empty list"), "name at least one");
                return None;
            }
            Kind::List(items) => items.as_slice(),
            Kind::Scalar(_) | Kind::Map(_) | Kind::Refused => std::slice::from_ref(node),
        };
        let names: Vec<_> = items.iter().filter_map(|item| self.name(item, what, parse)).collect();
        (names.len() == items.len()).then_some(names)
    }
}

/// Where a key belongs that another map has.
fn belongs_elsewhere(key: &str, keys: &Keys) -> Option<String> {
    match keys.what {
        what if what == SPEC.what && (SOURCE.built.contains(&key) || SOURCE.later.contains(&key)) => {
            Some(format!("write it under `source`: `source: {{ {key}: … }}`"))
        }
        what if what == DEFAULTS.what && SHARED_SOURCE.built.contains(&key) => {
            Some(format!("write it under `source`: `source: {{ {key}: … }}`"))
        }
        what if what == SHARED_SOURCE.what && key == "query" => {
            Some("write the query into the spec of its entity; a `where` may be for all of them".to_owned())
        }
        what if what == DEFAULTS.what && SPEC.built.contains(&key) => {
            Some("it belongs in a spec, because it says what that one is".to_owned())
        }
        what if what == TEMPLATE.what && DEFAULTS.built.contains(&key) => {
            Some("write it in the specs, or under `defaults` of transload.yaml".to_owned())
        }
        what if what == TEMPLATE.what && SPEC.built.contains(&key) => {
            Some("it belongs in a spec, because it says what that one is".to_owned())
        }
        _ => None,
    }
}

/// Whether a key names what nobody should read.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["password", "passwd", "pwd", "secret", "token", "api_key", "apikey"].iter().any(|word| key.ends_with(word))
}

/// The scalar that a node is.
pub(crate) fn scalar_of(node: &Node) -> Option<&Scalar> {
    match &node.kind {
        Kind::Scalar(scalar) => Some(scalar),
        Kind::List(_) | Kind::Map(_) | Kind::Refused => None,
    }
}

/// A scalar's text for a message; `None` for what variables gave, which is never shown.
pub(crate) fn shown(node: &Node) -> Option<String> {
    scalar_of(node).filter(|scalar| !scalar.is_substituted).map(|scalar| format!("`{}`", scalar.text))
}

/// Whether there is no value at all, as in `key:`.
fn is_nothing(node: &Node) -> bool {
    scalar_of(node).is_some_and(|scalar| scalar.atom == Atom::Null)
        || matches!(&node.kind, Kind::List(items) if items.is_empty())
        || matches!(&node.kind, Kind::Map(entries) if entries.is_empty())
}

/// What a scalar is where a number or boolean is expected: text from variables is read as one.
fn atom(scalar: &Scalar) -> Atom {
    if scalar.is_substituted { resolve(&scalar.text) } else { scalar.atom }
}
