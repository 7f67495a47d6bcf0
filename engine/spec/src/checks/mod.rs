//! What must hold among the names of a project: one file for each family of problem, in the order they are looked for.
//!
//! A check looks at everything and stops at nothing. What depends on types is not here but where types are known, in `compile`.

mod duplicate_entity;
mod field_conflict;
mod function_conflict;
mod loaded_table;
mod residency;
mod self_reference;
mod side_effect;
mod source_sql;
mod test_column;
mod unfilled_column;
mod unknown_column;
mod unknown_entity;
mod unknown_field;
mod unknown_function;
mod unknown_table;
pub(crate) mod wrong_database;

use crate::compile::{Entities, Scope};
use crate::problems::Problems;

type EntityCheck = fn(&Entities<'_>, &mut Problems);
type Check = fn(&Scope<'_>, &mut Problems);

/// The checks of who waits for whom. They look at nothing but specs and come first.
pub(crate) const ENTITY_CHECKS: &[EntityCheck] = &[duplicate_entity::check, unknown_entity::check];

/// All other checks.
pub(crate) const CHECKS: &[Check] = &[
    residency::check,
    self_reference::check,
    wrong_database::check,
    unknown_table::check,
    source_sql::check,
    loaded_table::check,
    unknown_column::check,
    side_effect::check,
    field_conflict::check,
    function_conflict::check,
    unknown_function::check,
    unknown_field::check,
    unfilled_column::check,
    test_column::check,
];
