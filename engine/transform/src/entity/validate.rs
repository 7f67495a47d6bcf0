//! What must hold for a row to be loaded.

use arrow::array::{Array as _, ArrayRef};
use transload_model::{Code, ColumnName, OnFailure, RowFault, Stage};

use crate::column::Reason;
use crate::rule::Check;
use crate::script::Host;

use super::failures::Failures;
use super::field::Field;
use super::judge::Judge;

/// The rules of an entity, in plan order.
pub(crate) type Rules = Vec<RuleOnField>;

/// A rule on a field.
pub(crate) struct RuleOnField {
    /// The field's index.
    pub(crate) field: usize,
    /// The code of a row that breaks it.
    pub(crate) code: Code,
    /// What breaks it.
    pub(crate) check: Box<dyn Check>,
    /// The script that decides, where it is one.
    pub(crate) judge: Option<Judge>,
    /// What follows.
    pub(crate) on_failure: OnFailure,
}

/// Checks what is required, then the rules. `skip` names rows that are not judged.
pub(crate) fn validate(
    (fields, rules): (&[Field], &Rules),
    host: Option<&Host>,
    columns: &[ArrayRef],
    skip: &[bool],
) -> Vec<RowFault> {
    let is_judged = |row: usize| !skip.get(row).copied().unwrap_or(false);
    let mut failures = Failures::default();
    let mut warnings = Vec::new();
    for (field, values) in fields.iter().zip(columns) {
        if field.is_required {
            for row in (0..values.len()).filter(|row| values.is_null(*row) && is_judged(*row)) {
                failures.add(missing(row, &field.destination));
            }
        }
    }
    for rule in rules {
        let (Some(field), Some(values)) = (fields.get(rule.field), columns.get(rule.field)) else {
            continue;
        };
        let found: Vec<(usize, Reason)> = match (&rule.judge, host) {
            (Some(judge), Some(host)) => judge.breaches(host, columns, |row| is_judged(row) && !failures.has(row)),
            _ => {
                let breaches = rule.check.breaches(values).into_iter().filter(|breach| is_judged(breach.row));
                breaches.map(|breach| (breach.row, Reason::new(rule.code, breach.message))).collect()
            }
        };
        for (row, reason) in found {
            let fault = RowFault {
                row,
                field: Some(field.destination.clone()),
                stage: Stage::Validate,
                code: reason.code,
                message: reason.message,
                severity: rule.on_failure,
            };
            if rule.on_failure == OnFailure::Warn {
                warnings.push(fault);
            } else {
                failures.add(fault);
            }
        }
    }
    let mut faults = failures.into_faults();
    faults.extend(warnings);
    // Stable: a row's failure stays before its warnings, and those in the order of the rules.
    faults.sort_by_key(|fault| fault.row);
    faults
}

fn missing(row: usize, field: &ColumnName) -> RowFault {
    RowFault {
        row,
        field: Some(field.clone()),
        stage: Stage::Validate,
        code: Code::RequiredMissing,
        message: "the value is NULL".to_owned(),
        severity: OnFailure::Quarantine,
    }
}
