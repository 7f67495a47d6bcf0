//! Values of the user's own: defaults, arguments, parameters, variables.
//!
//! A plain scalar that would come out otherwise than it is written (`007`, `+1`, more digits than a 64-bit float has) is refused: nobody
//! sees the loss in the data.

use serde_json::{Map, Number, Value};
use transload_model::Code;

use crate::decode::Reader;
use crate::decode::reader::scalar_of;
use crate::problems::{Located, problem};
use crate::yaml::{Atom, Kind, Node, Scalar, is_exact_float};

/// A single value; `null` is one.
pub(crate) fn literal(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Located<Value>> {
    let Some(scalar) = scalar_of(node) else {
        reader.wrong_type(node, what, "a single value");
        return None;
    };
    let place = reader.place(&node.span);
    match value_of(scalar) {
        Ok(value) => Some(Located { value, place }),
        Err(reason) => {
            let headline = format!("{what} is read as another value than it shows");
            let problem = problem(Code::SpecValue, headline, &place, reason);
            reader.problems.push(problem.help("put it in quotes, or write the number plainly"));
            None
        }
    }
}

/// A value with lists and maps in it.
pub(crate) fn tree(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Value> {
    match &node.kind {
        Kind::Scalar(_) | Kind::Refused => literal(reader, node, what).map(|located| located.value),
        Kind::List(items) => {
            let values: Vec<Value> = items.iter().filter_map(|item| tree(reader, item, what)).collect();
            (values.len() == items.len()).then_some(Value::Array(values))
        }
        Kind::Map(entries) => {
            let mut map = Map::new();
            for entry in entries {
                map.insert(entry.key.clone(), tree(reader, &entry.value, what)?);
            }
            Some(Value::Object(map))
        }
    }
}

/// Why a text, read as a number, is not what it shows.
fn value_of(scalar: &Scalar) -> Result<Value, &'static str> {
    let text = &scalar.text;
    match scalar.atom {
        Atom::Null => Ok(Value::Null),
        Atom::Boolean(value) => Ok(Value::Bool(value)),
        Atom::Text => Ok(Value::String(text.clone())),
        Atom::Integer(value) if value.to_string() == *text => Ok(Value::Number(value.into())),
        Atom::Integer(_) => Err("an integer that is written in another way"),
        Atom::HugeInteger => Err("an integer of more than 64 bits"),
        Atom::Float(value) => match Number::from_f64(value) {
            Some(number) if is_exact_float(text, value) => Ok(Value::Number(number)),
            Some(_) => Err("more digits than a 64-bit number keeps"),
            None => Err("not a finite number"),
        },
    }
}

/// Whether a map's key, written without quotes, reads as the text that it shows and nothing else.
pub(crate) fn is_plain_text(text: &str) -> bool {
    match crate::yaml::resolve(text) {
        Atom::Text => true,
        Atom::Boolean(value) => value.to_string() == text,
        Atom::Integer(value) => value.to_string() == text,
        Atom::Null | Atom::HugeInteger | Atom::Float(_) => false,
    }
}
