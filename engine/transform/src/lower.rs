//! Lower case.
//!
//! Addresses and codes that people typed in any case compare only in one.

use transload_model::{Kind, LogicalType};

use crate::transform::{Apply, Inputs, Nulls, Returns, Transform};

pub(crate) const TRANSFORM: Transform = Transform {
    name: "lower",
    inputs: Inputs::One,
    accepts: &[Kind::Text],
    returns: Returns::Type(LogicalType::Text),
    args: &[],
    nulls: Nulls::PassThrough,
    script_forms: &[&[]],
    page: "\
Text in lower case.

Unicode's rules, of no country in particular: \"İ\" becomes \"i̇\", and \"Σ\" at a word's end becomes \"ς\".

    email: { transformation: [trimmed, lower] }        \"ADA@Example.org\" → \"ada@example.org\"",
    apply: Apply::Text(lower),
};

fn lower(text: &str, out: &mut String) {
    if text.is_ascii() {
        let start = out.len();
        out.push_str(text);
        if let Some(added) = out.get_mut(start..) {
            added.make_ascii_lowercase();
        }
    } else {
        out.push_str(&text.to_lowercase());
    }
}
