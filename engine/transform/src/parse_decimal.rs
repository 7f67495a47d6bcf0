//! Text to a decimal number.
//!
//! Amounts of old systems are text, often with separators between the thousands. They never pass through a float.

use arrow::array::{Array as _, AsArray as _, PrimitiveBuilder};
use arrow::datatypes::Decimal128Type;
use transload_model::{Kind, LogicalType};

use crate::argument::{Argument, ArgumentKind, Arguments};
use crate::column::{Column, map};
use crate::convert::number::decimal_from_text;
use crate::transform::{Apply, Batch, Inputs, Nulls, Returns, Transform};

pub(crate) const TRANSFORM: Transform = Transform {
    name: "parse_decimal",
    inputs: Inputs::One,
    accepts: &[Kind::Text],
    returns: Returns::Depends(decimal_type),
    args: &[
        Argument { name: "precision", kind: ArgumentKind::Count(1, 38), default: Some("18") },
        Argument { name: "scale", kind: ArgumentKind::Count(0, 38), default: Some("2") },
        Argument { name: "separator", kind: ArgumentKind::Text, default: Some(",") },
    ],
    nulls: Nulls::PassThrough,
    script_forms: &[&[], &["scale"]],
    page: "\
Text to a decimal number; empty text is NULL.

The separator between the thousands is dropped wherever it stands. The point before the fraction is \".\". What has more digits than the scale
goes to quarantine (VALUE_RANGE): nothing is rounded. In a script, `parse_decimal(text, scale)`.

    total: { transformation: [{ parse_decimal: { scale: 2 } }] }        \"1,234.50\" → 1234.50",
    apply: Apply::Columns(parse_decimal),
};

fn decimal_type(_: &[Option<LogicalType>], arguments: &Arguments) -> Result<Option<LogicalType>, String> {
    let (precision, scale) = (arguments.digits("precision"), arguments.digits("scale"));
    if scale > precision {
        return Err(format!("a scale of {scale} is more than the precision of {precision}"));
    }
    Ok(Some(LogicalType::Decimal { precision, scale }))
}

fn parse_decimal(batch: &Batch<'_>, arguments: &Arguments) -> Column {
    let (precision, scale) = (arguments.digits("precision"), arguments.digits("scale"));
    let logical = LogicalType::Decimal { precision, scale };
    let [(_, values)] = batch.columns else {
        return Column::whole(crate::column::nulls(logical, batch.rows));
    };
    let separator = arguments.text("separator");
    let sink = PrimitiveBuilder::<Decimal128Type>::with_capacity(values.len()).with_data_type(logical.arrow());
    map(values.as_string::<i32>().iter(), sink, |text| {
        if text.is_empty() {
            return Ok(None);
        }
        let has_separator = !separator.is_empty() && text.contains(separator);
        if has_separator {
            decimal_from_text(&text.replace(separator, ""), precision, scale).map(Some)
        } else {
            decimal_from_text(text, precision, scale).map(Some)
        }
    })
}
