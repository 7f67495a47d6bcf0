//! Old codes to new values.
//!
//! Each system has its own words for the same few things. A word that nobody foresaw must not arrive as if it were known.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, UInt32Array};
use arrow::compute::{interleave, take};
use transload_model::{Code, LogicalType, OnFailure};

use crate::argument::{Argument, ArgumentKind, Arguments};
use crate::column::{Column, Fault, Reason};
use crate::convert::{canonical::texts, convert};
use crate::transform::{Apply, Batch, Inputs, Nulls, Returns, Transform, WITH_TEXT};

pub(crate) const TRANSFORM: Transform = Transform {
    name: "value_map",
    inputs: Inputs::One,
    accepts: WITH_TEXT,
    returns: Returns::Depends(mapped_type),
    args: &[
        Argument { name: "map", kind: ArgumentKind::Mapping, default: None },
        Argument {
            name: "on_unmapped",
            kind: ArgumentKind::Choice(&["quarantine", "null", "default", "keep", "fail"]),
            default: Some("quarantine"),
        },
    ],
    nulls: Nulls::PassThrough,
    script_forms: &[],
    page: "\
The value that the map has for the value's canonical text.

A value that the map does not list goes to quarantine (VALUE_UNMAPPED), or as `on_unmapped` says: `null` and `default` make it NULL, which a
`default_value` replaces, `keep` leaves it as it is, `fail` stops the entity. Texts are compared exactly; NULL stays NULL.

    sex: { source_field: sex_cd, value_map: { \"1\": male, \"2\": female }, on_unmapped: quarantine }",
    apply: Apply::Columns(value_map),
};

/// With `keep`, old values stand beside new ones; where the two have different types, both become text.
fn mapped_type(inputs: &[Option<LogicalType>], arguments: &Arguments) -> Result<Option<LogicalType>, String> {
    let returns = arguments.mapping("map").returns();
    if arguments.text("on_unmapped") != "keep" {
        return Ok(Some(returns));
    }
    Ok(match inputs {
        [Some(input)] if *input == returns => Some(returns),
        [Some(_)] => Some(LogicalType::Text),
        _ => None,
    })
}

fn value_map(batch: &Batch<'_>, arguments: &Arguments) -> Column {
    let mapping = arguments.mapping("map");
    let [(logical, values)] = batch.columns else {
        return Column::whole(crate::column::nulls(mapping.returns(), batch.rows));
    };
    let old = texts(values, *logical);
    let places = mapping.places(old.array.as_string::<i32>());
    let on_unmapped = arguments.text("on_unmapped");
    if on_unmapped == "keep" {
        let returns = if *logical == mapping.returns() { *logical } else { LogicalType::Text };
        return Column::whole(kept(&mapping.values(returns), &convert(values, *logical, returns, None).array, &places));
    }
    let array = take(&mapping.values(mapping.returns()), &places, None).expect("places are of this map");
    let severity = match on_unmapped {
        "null" | "default" => return Column::whole(array),
        "fail" => OnFailure::Fail,
        _ => OnFailure::Quarantine,
    };
    let reason = || Reason::new(Code::ValueUnmapped, "the value is not in the map");
    let unmapped = (0..values.len()).filter(|row| values.is_valid(*row) && places.is_null(*row));
    let faults = unmapped.map(|row| Fault { row, reason: reason(), severity }).collect();
    Column { array, faults }
}

/// The new value where there is a place, else the old one.
fn kept(new: &ArrayRef, old: &ArrayRef, places: &UInt32Array) -> ArrayRef {
    let place = |place: u32| usize::try_from(place).unwrap_or(usize::MAX);
    let from: Vec<(usize, usize)> =
        places.iter().enumerate().map(|(row, to)| to.map_or((1, row), |to| (0, place(to)))).collect();
    if from.is_empty() {
        return Arc::clone(old);
    }
    interleave(&[new, old], &from).expect("old and new values have one type")
}
