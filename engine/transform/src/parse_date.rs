//! Text to a date.
//!
//! Dates of old systems are text in one of many spellings, and blanks where there is none.

use arrow::array::{Array as _, AsArray as _, PrimitiveBuilder};
use arrow::datatypes::Date32Type;
use transload_model::{Kind, LogicalType};

use crate::argument::{Argument, ArgumentKind, Arguments};
use crate::column::{Column, map};
use crate::convert::temporal::date_from_text;
use crate::transform::{Apply, Batch, Inputs, Nulls, Returns, Transform};

pub(crate) const TRANSFORM: Transform = Transform {
    name: "parse_date",
    inputs: Inputs::One,
    accepts: &[Kind::Text],
    returns: Returns::Type(LogicalType::Date),
    args: &[Argument { name: "format", kind: ArgumentKind::Format, default: Some("%Y-%m-%d") }],
    nulls: Nulls::PassThrough,
    script_forms: &[&[], &["format"]],
    page: "\
Text to a date; empty text is NULL.

The whole text must have the format, and the day must exist: \"30/02/2020\" goes to quarantine (VALUE_FORMAT). A two-digit year `%y` is of
1969 to 2068. Where the format has a time, it must be midnight. In a script the result is the date's text, \"2020-10-01\".

    born_on: { transformation: [{ parse_date: { format: \"%d/%m/%Y\" } }] }        \"01/10/2020\" → 2020-10-01",
    apply: Apply::Columns(parse_date),
};

fn parse_date(batch: &Batch<'_>, arguments: &Arguments) -> Column {
    let [(_, values)] = batch.columns else {
        return Column::whole(crate::column::nulls(LogicalType::Date, batch.rows));
    };
    let format = arguments.format("format");
    let sink = PrimitiveBuilder::<Date32Type>::with_capacity(values.len());
    map(values.as_string::<i32>().iter(), sink, |text| {
        if text.is_empty() { Ok(None) } else { date_from_text(text, Some(format)).map(Some) }
    })
}
