//! Which rows failed, and why first.
//!
//! A row goes to quarantine once, with its first failing field, so later failures of a row that failed are dropped.

use std::collections::BTreeMap;

use transload_model::{ColumnName, RowFault, Stage};

use crate::column::Fault;

/// The first failure of each row that failed.
#[derive(Debug, Default)]
pub(crate) struct Failures(BTreeMap<usize, RowFault>);

impl Failures {
    /// Whether nothing failed.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the row failed.
    pub(crate) fn has(&self, row: usize) -> bool {
        self.0.contains_key(&row)
    }

    /// Takes a failure, unless the row has one.
    pub(crate) fn add(&mut self, fault: RowFault) {
        self.0.entry(fault.row).or_insert(fault);
    }

    /// Takes what failed in a field's functions.
    pub(crate) fn add_all(&mut self, faults: Vec<Fault>, field: &ColumnName) {
        for Fault { row, reason, severity } in faults {
            let field = Some(field.clone());
            let (code, message) = (reason.code, reason.message);
            self.add(RowFault { row, field, stage: Stage::Transform, code, message, severity });
        }
    }

    /// The failures, in row order.
    pub(crate) fn into_faults(self) -> Vec<RowFault> {
        self.0.into_values().collect()
    }
}
