//! Arguments of functions: declared once, read once.
//!
//! A spec's arguments are checked when the spec is, and read into their final form when the plan is compiled, so that no batch pays for a
//! pattern or a map again.

use std::collections::BTreeMap;

use serde_json::Value;
use transload_model::nearest;
use uuid::Uuid;

use crate::convert::{Format, Scalar};
use crate::mapping::Mapping;

/// An argument that a function has.
pub(crate) struct Argument {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) kind: ArgumentKind,
    /// What it is where it is not given; `None` where it must be.
    pub(crate) default: Option<&'static str>,
}

/// What an argument may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ArgumentKind {
    /// Text.
    Text,
    /// A count from the first to the last.
    Count(u32, u32),
    /// A UUID.
    Uuid,
    /// A strftime pattern.
    Format,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A map from texts to values.
    Mapping,
    /// A text, number or boolean.
    Scalar,
}

/// An argument, read.
#[derive(Debug, Clone)]
enum Read {
    Text(String),
    Count(u32),
    Uuid(Uuid),
    Format(Format),
    Mapping(Mapping),
    Scalar(Scalar),
}

/// All arguments of a call, read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arguments(BTreeMap<&'static str, Read>);

impl Arguments {
    /// Reads what a spec gives against what a function declares.
    ///
    /// # Errors
    /// Says which argument is unknown, missing or wrong.
    pub(crate) fn read(declared: &'static [Argument], given: &BTreeMap<String, Value>) -> Result<Self, String> {
        if let Some(unknown) = given.keys().find(|name| declared.iter().all(|argument| argument.name != *name)) {
            return Err(unknown_argument(unknown, declared));
        }
        let mut arguments = BTreeMap::new();
        for argument in declared {
            let read = match (given.get(argument.name), argument.default) {
                (Some(value), _) => argument.kind.read(value),
                (None, Some(default)) => argument.kind.read(&argument.kind.default_value(default)),
                (None, None) => return Err(format!("the argument `{}` is missing", argument.name)),
            };
            let read = read.map_err(|problem| format!("the argument `{}` is wrong: {problem}", argument.name))?;
            arguments.insert(argument.name, read);
        }
        Ok(Self(arguments))
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        match self.get(name) {
            Read::Text(text) => text,
            other => wrong(name, other),
        }
    }

    pub(crate) fn count(&self, name: &str) -> u32 {
        match self.get(name) {
            Read::Count(count) => *count,
            other => wrong(name, other),
        }
    }

    /// A count of digits.
    pub(crate) fn digits(&self, name: &str) -> u8 {
        u8::try_from(self.count(name)).unwrap_or(u8::MAX)
    }

    pub(crate) fn uuid(&self, name: &str) -> Uuid {
        match self.get(name) {
            Read::Uuid(uuid) => *uuid,
            other => wrong(name, other),
        }
    }

    pub(crate) fn format(&self, name: &str) -> &Format {
        match self.get(name) {
            Read::Format(format) => format,
            other => wrong(name, other),
        }
    }

    pub(crate) fn mapping(&self, name: &str) -> &Mapping {
        match self.get(name) {
            Read::Mapping(mapping) => mapping,
            other => wrong(name, other),
        }
    }

    pub(crate) fn scalar(&self, name: &str) -> &Scalar {
        match self.get(name) {
            Read::Scalar(scalar) => scalar,
            other => wrong(name, other),
        }
    }

    fn get(&self, name: &str) -> &Read {
        self.0.get(name).expect("a function asks only for arguments that it declares")
    }
}

/// A function's file asks for an argument as another kind than it declares there; the table test of that file finds it.
fn wrong(name: &str, read: &Read) -> ! {
    unreachable!("the argument `{name}` is {read:?}")
}

fn unknown_argument(name: &str, declared: &[Argument]) -> String {
    let names: Vec<&str> = declared.iter().map(|argument| argument.name).collect();
    match (nearest(name, names.iter().copied()), names.is_empty()) {
        (_, true) => format!("it has no arguments, here is `{name}`"),
        (Some(near), _) => format!("it has no argument `{name}`; `{near}` is near"),
        (None, _) => format!("it has no argument `{name}`; it has `{}`", names.join("`, `")),
    }
}

impl ArgumentKind {
    fn read(self, value: &Value) -> Result<Read, String> {
        match (self, value) {
            (Self::Text, Value::String(text)) => Ok(Read::Text(text.clone())),
            (Self::Text, _) => Err("a text is expected".to_owned()),
            (Self::Count(first, last), _) => {
                let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
                let count = count.filter(|count| (first..=last).contains(count));
                count.map(Read::Count).ok_or_else(|| format!("a number from {first} to {last} is expected"))
            }
            (Self::Uuid, _) => {
                let uuid = value.as_str().and_then(|text| Uuid::try_parse(text).ok());
                uuid.map(Read::Uuid).ok_or_else(|| "a UUID is expected".to_owned())
            }
            (Self::Format, Value::String(pattern)) => Format::parse(pattern).map(Read::Format),
            (Self::Format, _) => Err("a strftime pattern is expected, such as \"%d/%m/%Y\"".to_owned()),
            (Self::Choice(words), _) => match value.as_str().filter(|word| words.contains(word)) {
                Some(word) => Ok(Read::Text(word.to_owned())),
                None => Err(format!("one of {} is expected", words.join(", "))),
            },
            (Self::Mapping, Value::Object(entries)) => Mapping::read(entries).map(Read::Mapping),
            (Self::Mapping, _) => Err("a map from texts to values is expected".to_owned()),
            (Self::Scalar, _) => Scalar::from_json(value).map(Read::Scalar),
        }
    }

    fn default_value(self, default: &str) -> Value {
        match self {
            Self::Count(..) => default.parse::<u32>().map_or(Value::Null, Value::from),
            _ => Value::from(default),
        }
    }

    /// What a page says it is.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Count(first, last) => format!("{first} to {last}"),
            Self::Uuid => "a UUID".to_owned(),
            Self::Format => "a strftime pattern".to_owned(),
            Self::Choice(words) => words.join(" | "),
            Self::Mapping => "a map from texts to values".to_owned(),
            Self::Scalar => "text, number or boolean".to_owned(),
        }
    }
}
