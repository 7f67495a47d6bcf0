//! What must hold among the names of a project: one file for each family of problem, in the order they are looked for.
//!
//! A check looks at everything and stops at nothing. What depends on types is not here but where types are known, in `compile`.

mod cycle;
mod duplicate_entity;
mod field_conflict;
mod function_conflict;
mod side_effect;
mod stale_lock;
mod test_column;
mod unfilled_column;
mod unknown_column;
mod unknown_entity;
mod unknown_field;
mod unknown_function;
mod unknown_table;

use crate::compile::Scope;
use crate::problems::Problems;

type Check = fn(&Scope<'_>, &mut Problems);

/// Every check.
pub(crate) const CHECKS: &[Check] = &[
    duplicate_entity::check,
    unknown_entity::check,
    cycle::check,
    unknown_table::check,
    unknown_column::check,
    side_effect::check,
    stale_lock::check,
    field_conflict::check,
    function_conflict::check,
    unknown_function::check,
    unknown_field::check,
    unfilled_column::check,
    test_column::check,
];

pub(crate) use cycle::edges;
