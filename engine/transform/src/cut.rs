//! The beginning of a text.
//!
//! A text that is too long for its column goes to quarantine. Who would rather lose its end says so, by this name.

use arrow::array::{Array as _, AsArray as _};
use transload_model::{Kind, LogicalType};

use crate::argument::{Argument, ArgumentKind, Arguments};
use crate::column::{Column, map_to_text, nulls};
use crate::transform::{Apply, Batch, Inputs, Nulls, Returns, Transform};

pub(crate) const TRANSFORM: Transform = Transform {
    name: "cut",
    inputs: Inputs::One,
    accepts: &[Kind::Text],
    returns: Returns::Type(LogicalType::Text),
    args: &[Argument { name: "length", kind: ArgumentKind::Count(1, 1_000_000), default: None }],
    nulls: Nulls::PassThrough,
    script_forms: &[&["length"]],
    page: "\
The first so many characters of a text.

A text that is too long for its column goes to quarantine, so this is how a spec agrees to lose its end. A character is a Unicode scalar value, as
databases count them. In a script, `cut(text, length)`.

    title: { transformation: [trimmed, { cut: { length: 40 } }] }",
    apply: Apply::Columns(cut),
};

fn cut(batch: &Batch<'_>, arguments: &Arguments) -> Column {
    let length = usize::try_from(arguments.count("length")).unwrap_or(usize::MAX);
    let [(_, values)] = batch.columns else {
        return Column::whole(nulls(LogicalType::Text, batch.rows));
    };
    let first = |text: &str, out: &mut String| out.extend(text.chars().take(length));
    Column::whole(map_to_text(values.as_string::<i32>().iter(), values.len(), first))
}
