//! What rows of a batch became.

use std::collections::BTreeSet;

use arrow::array::ArrayRef;
use transload_model::{EntityPlan, KeyBytes, OnFailure, OnMissing, RowFault, Transformed};

use super::{Work, missing_parent};

/// What some rows became.
pub(crate) struct Derived {
    /// A column per field, as it is written.
    pub(crate) columns: Vec<ArrayRef>,
    /// Key columns that are not fields.
    pub(super) key: Vec<ArrayRef>,
    /// Per row, why it failed.
    pub(crate) faults: Vec<Option<RowFault>>,
    /// Rows of which a field is left open that has a value.
    pub(super) deferred: Vec<bool>,
    /// Rows that broke a rule which only warns.
    pub(super) warned: BTreeSet<usize>,
}

impl Derived {
    /// What the fields made of some rows, references still old keys.
    pub(crate) fn of(transformed: Transformed, rows: usize) -> Self {
        let mut derived = Self {
            columns: transformed.columns,
            key: Vec::new(),
            faults: vec![None; rows],
            deferred: vec![false; rows],
            warned: BTreeSet::new(),
        };
        for fault in transformed.faults {
            derived.fail(fault);
        }
        derived
    }

    /// Takes out the keys of parents that are not there, and sets their rows aside where the reference says so.
    pub(crate) fn leave_out_missing(
        &mut self,
        plan: &EntityPlan,
        field: usize,
        keys: &mut [Option<KeyBytes>],
        present: &[bool],
    ) {
        let on_missing = plan.fields[field].reference.as_ref().map(|reference| reference.on_missing);
        for (row, key) in keys.iter_mut().enumerate().filter(|(row, _)| !present[*row]) {
            if key.take().is_some() && on_missing != Some(OnMissing::Null) {
                self.fail(missing_parent(plan, field, row));
            }
        }
    }

    /// Rows that are loaded with a warning, each once over both passes.
    pub(super) fn warned_of(&self, work: &[Work]) -> u64 {
        self.warned.iter().filter(|row| self.faults[**row].is_none() && !work[**row].counted).count() as u64
    }

    /// Notes a fault; a row fails once.
    pub(crate) fn fail(&mut self, fault: RowFault) {
        if fault.severity == OnFailure::Warn {
            self.warned.insert(fault.row);
            return;
        }
        let row = fault.row;
        if self.faults[row].is_none() {
            self.faults[row] = Some(fault);
        }
    }
}
