//! A number with fewer digits.
//!
//! Conversions never round. Who wants a loss says so, by this name.

use arrow::array::{Array as _, AsArray as _, PrimitiveBuilder};
use arrow::datatypes::{Decimal128Type, Float64Type};
use transload_model::{Kind, LogicalType};

use crate::argument::{Argument, ArgumentKind, Arguments};
use crate::column::{Column, map};
use crate::convert::number::{decimal_from_rounded_float, rounded as nearest};
use crate::transform::{Apply, Batch, Inputs, Nulls, Returns, Transform};

pub(crate) const TRANSFORM: Transform = Transform {
    name: "rounded",
    inputs: Inputs::One,
    accepts: &[Kind::Decimal, Kind::Float],
    returns: Returns::Depends(decimal_type),
    args: &[Argument { name: "scale", kind: ArgumentKind::Count(0, 37), default: Some("0") }],
    nulls: Nulls::PassThrough,
    script_forms: &[&[], &["scale"]],
    page: "\
The nearest decimal with so many digits behind the point; of two that are as near, the one farther from zero.

Conversions never round, so this is how a spec agrees to lose digits. A float is taken for the shortest number that reads back as it. A decimal
that has no more digits stays as it is.

    price: { transformation: [{ rounded: { scale: 2 } }] }        2.675 → 2.68",
    apply: Apply::Columns(rounded),
};

fn decimal_type(inputs: &[Option<LogicalType>], arguments: &Arguments) -> Result<Option<LogicalType>, String> {
    Ok(match inputs {
        [Some(input)] => Some(result(*input, arguments.digits("scale"))),
        _ => None,
    })
}

/// Rounding up may need one more digit before the point.
fn result(input: LogicalType, to: u8) -> LogicalType {
    match input {
        LogicalType::Decimal { precision, scale } if scale <= to => LogicalType::Decimal { precision, scale },
        LogicalType::Decimal { precision, scale } => {
            LogicalType::Decimal { precision: (precision - (scale - to) + 1).min(38), scale: to }
        }
        _ => LogicalType::Decimal { precision: 38, scale: to },
    }
}

fn rounded(batch: &Batch<'_>, arguments: &Arguments) -> Column {
    let to = arguments.digits("scale");
    let [(input, values)] = batch.columns else {
        return Column::whole(crate::column::nulls(result(LogicalType::Float, to), batch.rows));
    };
    let logical = result(*input, to);
    let sink = PrimitiveBuilder::<Decimal128Type>::with_capacity(values.len()).with_data_type(logical.arrow());
    match *input {
        LogicalType::Decimal { scale, .. } => map(values.as_primitive::<Decimal128Type>().iter(), sink, |value| {
            Ok(Some(if scale <= to { value } else { nearest(value, scale, to) }))
        }),
        _ => map(values.as_primitive::<Float64Type>().iter(), sink, |value| {
            decimal_from_rounded_float(value, 38, to).map(Some)
        }),
    }
}
