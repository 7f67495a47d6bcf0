//! `residency`: the regions that an entity's rows may be in, and `region`, where a connection is.

use crate::decode::Reader;
use crate::problems::{Located, Place};
use crate::yaml::{Kind, Node};

/// The regions that an entity's rows may be in; at least one.
#[derive(Debug, Clone)]
pub(crate) struct Residency {
    pub(crate) regions: Vec<String>,
    pub(crate) place: Place,
}

/// Reads `residency`.
pub(crate) fn residency(reader: &mut Reader<'_>, node: &Node) -> Option<Residency> {
    let items = match &node.kind {
        Kind::List(items) if items.is_empty() => {
            reader.wrong_value(node, "`residency` is an empty list", "name at least one region");
            return None;
        }
        Kind::List(items) => items.as_slice(),
        Kind::Map(_) | Kind::Scalar(_) | Kind::Refused => std::slice::from_ref(node),
    };
    let regions: Vec<_> = items.iter().filter_map(|item| region(reader, item, "`residency`")).collect();
    let is_whole = regions.len() == items.len();
    let place = reader.place(&node.span);
    is_whole.then(|| Residency { regions: regions.into_iter().map(|region| region.value).collect(), place })
}

/// Reads the name of a region.
pub(crate) fn region(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Located<String>> {
    let text = reader.text(node, what)?;
    let is_sign = |sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '-' | '.');
    if text.value.is_empty() || !text.value.chars().all(is_sign) {
        reader.wrong_value(node, format!("{what} is no region"), "names have letters, digits, `_`, `-` and `.`");
        return None;
    }
    Some(text)
}
