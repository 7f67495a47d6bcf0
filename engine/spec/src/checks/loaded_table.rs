//! Rules `foreign_key` that look in a table which an entity loads.
//!
//! Nothing would say which of the two comes first; `references` does, and turns old keys into new ones.

use std::collections::BTreeMap;

use transload_model::{Code, TableName};

use crate::compile::{Scope, targets};
use crate::decode::{Field, Spec};
use crate::problems::{Problems, problem};

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    let active = scope.specs.iter().rev().filter(|spec| spec.is_active);
    let loads: BTreeMap<&TableName, &Spec> = active.map(|spec| (&spec.destination_table.value, spec)).collect();
    for spec in scope.specs {
        for target in targets(scope.destination, spec) {
            let Some(loading) = loads.get(&target.table.value) else { continue };
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
