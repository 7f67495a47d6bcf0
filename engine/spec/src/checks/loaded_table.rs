//! Rules `foreign_key` that look in a table which an entity loads.
//!
//! Nothing would say which of the two comes first; `references` does, and turns old keys into new ones.

use transload_model::Code;

use crate::compile::{Scope, targets};
use crate::decode::{Field, Spec};
use crate::problems::{Problems, problem};

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    for spec in scope.specs {
        for target in targets(scope.destination, spec) {
            let loads = |other: &&Spec| other.is_active && other.destination_table.value == target.table.value;
            let Some(loading) = scope.specs.iter().find(loads) else { continue };
            let (entity, field) = (&loading.entity.value, &target.rule.field.value);
            let headline =
                format!("rule `foreign_key` looks in `{}`, which entity `{entity}` loads", target.table.value);
            let refers = |of: &Field| of.reference.as_ref().is_some_and(|reference| reference.entity.value == *entity);
            let help = if spec.fields.iter().any(|of| of.destination.value == *field && refers(of)) {
                format!("take the rule out: `references` of field `{field}` looks there")
            } else {
                format!("take the rule out, and write `references: {entity}` on field `{field}`")
            };
            let problem = problem(
                Code::LoadedTable,
                headline,
                &target.table.place,
                "the rule is for tables that no entity loads",
            );
            problems.push(problem.help(help));
        }
    }
}
