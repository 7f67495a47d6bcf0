//! Upper case.
//!
//! Codes that people typed in any case compare only in one.

use transload_model::{Kind, LogicalType};

use crate::transform::{Apply, Inputs, Nulls, Returns, Transform};

pub(crate) const TRANSFORM: Transform = Transform {
    name: "upper",
    inputs: Inputs::One,
    accepts: &[Kind::Text],
    returns: Returns::Type(LogicalType::Text),
    args: &[],
    nulls: Nulls::PassThrough,
    script_forms: &[&[]],
    page: "\
Text in upper case.

Unicode's rules, of no country in particular. The text may grow: \"ß\" becomes \"SS\".

    shade: { transformation: upper }        \"a2\" → \"A2\"",
    apply: Apply::Text(upper),
};

fn upper(text: &str, out: &mut String) {
    if text.is_ascii() {
        let start = out.len();
        out.push_str(text);
        if let Some(added) = out.get_mut(start..) {
            added.make_ascii_uppercase();
        }
    } else {
        out.push_str(&text.to_uppercase());
    }
}
