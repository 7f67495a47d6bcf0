//! A tree as plain values, as readers without places give it.

use serde_json::{Number, Value};

use crate::yaml::{Atom, Kind, Node, Scalar};

/// What a node holds. A number that JSON does not have becomes the nearest that it has, or `null`; so does what was refused.
pub(crate) fn plain(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar(scalar) => single(scalar),
        Kind::List(items) => items.iter().map(plain).collect(),
        Kind::Map(entries) => entries.iter().map(|entry| (entry.key.clone(), plain(&entry.value))).collect(),
        Kind::Refused => Value::Null,
    }
}

fn single(scalar: &Scalar) -> Value {
    match scalar.atom {
        Atom::Null => Value::Null,
        Atom::Boolean(value) => value.into(),
        Atom::Integer(value) => value.into(),
        Atom::Float(value) => Number::from_f64(value).map_or(Value::Null, Value::Number),
        Atom::HugeInteger => scalar.text.parse().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number),
        Atom::Text => scalar.text.clone().into(),
    }
}
