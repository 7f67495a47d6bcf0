//! A whole number as an integer.
//!
//! Old systems keep counts and codes in text and in decimals.

use arrow::array::{Array as _, ArrayRef, AsArray as _, PrimitiveBuilder};
use arrow::datatypes::Int64Type;
use transload_model::{Kind, LogicalType};

use crate::argument::Arguments;
use crate::column::{Column, map};
use crate::convert::{convert, number::integer_from_text};
use crate::transform::{Apply, Batch, Inputs, Nulls, Returns, Transform};

pub(crate) const TRANSFORM: Transform = Transform {
    name: "to_int",
    inputs: Inputs::One,
    accepts: &[Kind::Text, Kind::Decimal, Kind::Float, Kind::Integer],
    returns: Returns::Type(LogicalType::Integer),
    args: &[],
    nulls: Nulls::PassThrough,
    script_forms: &[&[]],
    page: "\
Text, a decimal or a float to an integer; empty text is NULL.

A fraction goes to quarantine (VALUE_RANGE): nothing is rounded. Text is digits, perhaps behind a sign; \"007\" is 7.

    visits: { transformation: [trimmed, to_int] }        \" 12 \" → 12",
    apply: Apply::Columns(to_int),
};

fn to_int(batch: &Batch<'_>, _: &Arguments) -> Column {
    match batch.columns {
        [(LogicalType::Text, values)] => from_text(values),
        [(logical, values)] => convert(values, *logical, LogicalType::Integer, None),
        _ => Column::whole(crate::column::nulls(LogicalType::Integer, batch.rows)),
    }
}

fn from_text(values: &ArrayRef) -> Column {
    let sink = PrimitiveBuilder::<Int64Type>::with_capacity(values.len());
    map(values.as_string::<i32>().iter(), sink, |text| {
        if text.is_empty() { Ok(None) } else { integer_from_text(text).map(Some) }
    })
}
