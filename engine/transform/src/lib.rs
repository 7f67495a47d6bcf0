//! Everything a spec may call: built-in functions, rules, and scripts.
//!
//! Built-in functions are kernels that work on a whole batch; scripts run row by row in a sandbox without files, time or output. All of it is
//! pure: the same row gives the same result, in any order and in any batch, which is what lets a run stop anywhere and go on. Nothing here may
//! put a row's value into a message.

mod argument;
mod cells;
mod column;
mod convert;
mod entity;
mod functions;
mod mapping;
mod mask;
mod page;
mod rule;
mod script;
mod transform;

mod coalesce;
mod concat;
mod constant;
mod cut;
mod day;
mod digits;
mod lower;
mod parse_date;
mod parse_decimal;
mod rounded;
mod title;
mod to_int;
mod trimmed;
mod upper;
mod uuid_v5;
mod value_map;

#[cfg(test)]
mod tests;

pub use functions::Functions;
pub use page::FunctionPage;

use transform::Transform;

/// The built-in functions. A new one is a file beside this one and a line here.
pub(crate) const BUILT_IN: &[Transform] = &[
    trimmed::TRANSFORM,
    lower::TRANSFORM,
    upper::TRANSFORM,
    title::TRANSFORM,
    digits::TRANSFORM,
    concat::TRANSFORM,
    coalesce::TRANSFORM,
    parse_date::TRANSFORM,
    parse_decimal::TRANSFORM,
    to_int::TRANSFORM,
    rounded::TRANSFORM,
    cut::TRANSFORM,
    day::TRANSFORM,
    value_map::TRANSFORM,
    constant::TRANSFORM,
    uuid_v5::TRANSFORM,
];

/// The built-in function of that name.
pub(crate) fn built_in(name: &str) -> Option<&'static Transform> {
    BUILT_IN.iter().find(|transform| transform.name == name)
}
