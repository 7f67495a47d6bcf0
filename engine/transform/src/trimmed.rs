//! Removes white space at both ends.
//!
//! Legacy `char(n)` columns pad with spaces; a destination without padding would take the padding for data.

use transload_model::{Kind, LogicalType};

use crate::transform::{Apply, Inputs, Nulls, Returns, Transform};

pub(crate) const TRANSFORM: Transform = Transform {
    name: "trimmed",
    inputs: Inputs::One,
    accepts: &[Kind::Text],
    returns: Returns::Type(LogicalType::Text),
    args: &[],
    nulls: Nulls::PassThrough,
    script_forms: &[&[]],
    page: "\
Text without white space at both ends.

Fixed-width columns pad with spaces. Tabs, line ends and Unicode's spaces, such as the no-break space, are white space too.
Text of nothing but white space becomes the empty text, not NULL.

    city: { transformation: trimmed }        \"  Boise   \" → \"Boise\"",
    apply: Apply::Text(|text, out| out.push_str(text.trim())),
};
