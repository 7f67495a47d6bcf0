//! Keeps the digits.
//!
//! Telephone and insurance numbers carry whatever people put between the digits.

use transload_model::{Kind, LogicalType};

use crate::transform::{Apply, Inputs, Nulls, Returns, Transform};

pub(crate) const TRANSFORM: Transform = Transform {
    name: "digits",
    inputs: Inputs::One,
    accepts: &[Kind::Text],
    returns: Returns::Type(LogicalType::Text),
    args: &[],
    nulls: Nulls::PassThrough,
    script_forms: &[&[]],
    page: "\
The characters 0 to 9 of a text, and no others.

Digits of other scripts are dropped too. Text without digits becomes the empty text, not NULL.

    phone: { transformation: digits }        \"(212) 555-0142\" → \"2125550142\"",
    apply: Apply::Text(|text, out| out.extend(text.chars().filter(char::is_ascii_digit))),
};
