//! The day of a timestamp.
//!
//! Conversion to a date takes midnight only. Who would rather lose the time of day says so, by this name.

use arrow::array::{Array as _, AsArray as _, PrimitiveBuilder};
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use transload_model::{Kind, LogicalType};

use crate::argument::Arguments;
use crate::column::{Column, map, nulls};
use crate::convert::temporal::day_of;
use crate::transform::{Apply, Batch, Inputs, Nulls, Returns, Transform};

pub(crate) const TRANSFORM: Transform = Transform {
    name: "day",
    inputs: Inputs::One,
    accepts: &[Kind::Timestamp],
    returns: Returns::Type(LogicalType::Date),
    args: &[],
    nulls: Nulls::PassThrough,
    script_forms: &[],
    page: "\
The date of a timestamp, without its time of day.

Conversion to a date takes midnight only, so this is how a spec agrees to lose the time. It does not take a timestamptz: which day a moment is on
depends on where one is.

    created_on: { source_field: crt_ts, transformation: day }        2024-02-29T23:59:59 → 2024-02-29",
    apply: Apply::Columns(day),
};

fn day(batch: &Batch<'_>, _: &Arguments) -> Column {
    let [(_, values)] = batch.columns else {
        return Column::whole(nulls(LogicalType::Date, batch.rows));
    };
    let sink = PrimitiveBuilder::<Date32Type>::with_capacity(values.len());
    map(values.as_primitive::<TimestampMicrosecondType>().iter(), sink, |micros| Ok(Some(day_of(micros))))
}
