//! The first value that is there.
//!
//! A column that was replaced by another one lives on for the rows that nobody touched since.

use arrow::array::{Array as _, ArrayRef};
use arrow::compute::{is_not_null, kernels::zip::zip};
use transload_model::LogicalType;

use crate::argument::Arguments;
use crate::column::{Column, nulls};
use crate::transform::{ANY, Apply, Batch, Inputs, Nulls, Returns, Transform};

pub(crate) const TRANSFORM: Transform = Transform {
    name: "coalesce",
    inputs: Inputs::Several,
    accepts: ANY,
    returns: Returns::Depends(common_type),
    args: &[],
    nulls: Nulls::Own,
    script_forms: &[],
    page: "\
The first value that is not NULL; NULL when there is none.

All values have the same type. Empty text is a value.

    mobile: { source_field: [mobile_no, phone_no], transformation: coalesce }        NULL, \"555-0142\" → \"555-0142\"",
    apply: Apply::Columns(coalesce),
};

fn common_type(inputs: &[Option<LogicalType>], _: &Arguments) -> Result<Option<LogicalType>, String> {
    let mut known = inputs.iter().flatten();
    let Some(first) = known.next() else {
        return Ok(None);
    };
    if let Some(other) = known.find(|logical| *logical != first) {
        return Err(format!("its values have one type, here are {first} and {other}"));
    }
    Ok(inputs.iter().all(Option::is_some).then_some(*first))
}

fn coalesce(batch: &Batch<'_>, _: &Arguments) -> Column {
    let mut columns = batch.columns.iter();
    let Some((logical, first)) = columns.next() else {
        return Column::whole(nulls(LogicalType::Text, batch.rows));
    };
    let chosen = columns.fold(first.clone(), |chosen, (_, values)| first_of(&chosen, values));
    debug_assert_eq!(*chosen.data_type(), logical.arrow(), "all values have one type");
    Column::whole(chosen)
}

fn first_of(one: &ArrayRef, other: &ArrayRef) -> ArrayRef {
    if one.null_count() == 0 {
        return one.clone();
    }
    let mask = is_not_null(one).expect("every array knows where it is null");
    zip(&mask, one, other).expect("columns of one type and length can be merged")
}
