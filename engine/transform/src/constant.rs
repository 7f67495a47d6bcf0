//! One value for every row.
//!
//! Some destination columns say where a row came from, or hold what the old system did not know.

use transload_model::LogicalType;

use crate::argument::{Argument, ArgumentKind, Arguments};
use crate::column::Column;
use crate::transform::{Apply, Batch, Inputs, Nulls, Returns, Transform};

pub(crate) const TRANSFORM: Transform = Transform {
    name: "constant",
    inputs: Inputs::Ignored,
    accepts: &[],
    returns: Returns::Depends(value_type),
    args: &[Argument { name: "value", kind: ArgumentKind::Scalar, default: None }],
    nulls: Nulls::Own,
    script_forms: &[],
    page: "\
The same value for every row, NULL or not.

A field without `source_field` and with a `default_value` is the shorter way to write it.

    origin: { transformation: [{ constant: { value: legacy } }] }",
    apply: Apply::Columns(constant),
};

fn value_type(_: &[Option<LogicalType>], arguments: &Arguments) -> Result<Option<LogicalType>, String> {
    Ok(Some(arguments.scalar("value").logical()))
}

fn constant(batch: &Batch<'_>, arguments: &Arguments) -> Column {
    Column::whole(arguments.scalar("value").repeated(batch.rows))
}
