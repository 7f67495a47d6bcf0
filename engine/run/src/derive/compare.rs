//! Rows beside what the destination holds of them.

use std::collections::BTreeSet;

use arrow::array::{Array as _, BooleanArray};
use arrow::compute::kernels::zip::zip;
use arrow::record_batch::RecordBatch;
use transload_model::{
    ChangedFields, Code, ColumnName, DetectionPlan, Diagnostic, Held, KeyBytes, KeyStrategy, Result, RowFault,
};

use super::{Derived, Deriver, Work, pick};
use crate::keys::Of;
use crate::rows::Scored;

/// What would be written of some rows.
pub(crate) struct Expected {
    /// By name, as the destination would get them.
    pub(crate) rows: RecordBatch,
    /// Per row, why it would be set aside; then what it holds says nothing, but for its key.
    pub(crate) faults: Vec<Option<RowFault>>,
}

/// Rows beside what the destination holds of them.
#[derive(Default)]
pub(crate) struct Compared {
    /// What it holds of each.
    pub(crate) held: Vec<Held>,
    /// Per row, why it would be set aside; then the columns in which it differs say nothing.
    pub(crate) faults: Vec<Option<RowFault>>,
    /// Whether its key is known; else nothing was found by it.
    pub(crate) has_key: Vec<bool>,
    /// The columns that were compared.
    columns: Vec<ColumnName>,
}

impl Compared {
    /// Whether a row is not there as it would be written.
    pub(crate) fn differs(&self, at: usize) -> bool {
        self.faults[at].is_none() && self.held[at] != Held::Row(Vec::new())
    }

    /// Whether a row is not there at all.
    pub(crate) fn is_missing(&self, at: usize) -> bool {
        self.faults[at].is_none() && self.held[at] == Held::Nothing
    }

    /// The columns in which a row that is there differs.
    pub(crate) fn differing(&self, at: usize) -> Vec<ColumnName> {
        match &self.held[at] {
            Held::Nothing => Vec::new(),
            Held::Row(differing) => differing.iter().filter_map(|at| self.columns.get(*at).cloned()).collect(),
        }
    }
}

/// What the destination holds of some rows of a batch.
#[derive(Default)]
pub(crate) struct Beside {
    compared: Compared,
    /// Those rows, ascending.
    rows: Vec<usize>,
}

impl Beside {
    fn of(&self, row: usize, is: impl Fn(&Compared, usize) -> bool) -> bool {
        self.rows.binary_search(&row).is_ok_and(|at| is(&self.compared, at))
    }

    /// Whether a row was compared, and is not there as it would be written.
    pub(crate) fn differs(&self, row: usize) -> bool {
        self.of(row, Compared::differs)
    }

    /// Whether a row was compared, and is not there at all.
    pub(crate) fn is_missing(&self, row: usize) -> bool {
        self.of(row, Compared::is_missing)
    }
}

impl Deriver {
    /// Where the spec wants it, what the destination holds of those rows of a batch whose keys are looked at.
    pub(crate) async fn beside(&mut self, scored: &Scored, is_seen: impl Fn(&[u8]) -> bool) -> Result<Beside> {
        if self.plan.detection != DetectionPlan::Full && !self.context.options.repair {
            return Ok(Beside::default());
        }
        let rows: Vec<usize> = (0..scored.len()).filter(|row| scored.key(*row).is_some_and(&is_seen)).collect();
        let work = |row: &usize| Work { row: *row, known: None, insert: false, counted: false };
        let work: Vec<Work> = rows.iter().map(work).collect();
        let defers = std::mem::take(&mut self.defers);
        let compared = self.compare(scored, &work).await;
        self.defers = defers;
        Ok(Beside { compared: compared?, rows })
    }

    /// Of modified rows, the columns in which the destination differs from what would be written.
    pub(crate) async fn differences(&mut self, scored: &Scored, work: &[Work]) -> Result<Vec<ChangedFields>> {
        let compared = self.compare(scored, work).await?;
        let fields = |at: usize| match (&compared.held[at], &compared.faults[at]) {
            (_, Some(fault)) => {
                ChangedFields::Unknown(format!("as things are it would be set aside: {}", fault.code.info().word))
            }
            (Held::Nothing, None) => {
                ChangedFields::Unknown("the destination does not have the row any more".to_owned())
            }
            (Held::Row(_), None) => ChangedFields::Known(compared.differing(at)),
        };
        Ok((0..compared.held.len()).map(fields).collect())
    }

    /// What the destination holds of rows, beside what would be written.
    pub(crate) async fn compare(&mut self, scored: &Scored, work: &[Work]) -> Result<Compared> {
        self.compare_in(scored, work, &BTreeSet::new()).await
    }

    /// The same, in some columns; without any, in all that are written. The key is among them.
    pub(crate) async fn compare_in(
        &mut self,
        scored: &Scored,
        work: &[Work],
        only: &BTreeSet<ColumnName>,
    ) -> Result<Compared> {
        if work.is_empty() {
            return Ok(Compared::default());
        }
        let Expected { rows, faults } = self.expected(scored, work).await?;
        let schema = rows.schema();
        let name = |at: &usize| ColumnName::parse(schema.field(*at).name()).ok();
        let is_meant = |at: &usize| only.is_empty() || name(at).is_some_and(|name| only.contains(&name));
        let kept: Vec<usize> = (0..rows.num_columns()).filter(is_meant).collect();
        let compared = rows.project(&kept).map_err(|error| {
            Box::new(Diagnostic::new(Code::DestinationFailed, format!("a batch does not hold together: {error}")))
        })?;
        let (table, key) = (&self.plan.destination.table, &self.plan.key.destination);
        let held = self.context.destination.compare(table, key, &compared).await?;
        // A key that is spelt in another way, to a collation that takes it for the same, is never written.
        let is_key = |at: &usize| kept.get(*at).and_then(name).is_some_and(|name| key.contains(&name));
        let held = held.into_iter().map(|held| match held {
            Held::Row(differing) => Held::Row(differing.into_iter().filter(|at| !is_key(at)).collect()),
            Held::Nothing => Held::Nothing,
        });
        let held = held.collect();
        let columns = kept.iter().filter_map(name).collect();
        let has_key = (0..work.len()).map(|row| self.plan.key.strategy.made().is_some() || has_all(&rows, key, row));
        Ok(Compared { held, faults, has_key: has_key.collect(), columns })
    }

    /// What would be written of rows, whatever rules say of them.
    pub(crate) async fn expected(&mut self, scored: &Scored, work: &[Work]) -> Result<Expected> {
        // Others of its circle, and units of its own, have moved the ledger's segments since.
        self.refresh_open_parents().await?;
        let (rows, faults) = pick(scored, work)?;
        let keys: Vec<Option<KeyBytes>> = work.iter().map(|work| Some(scored.identity(work.row))).collect();
        let transformed = tokio::task::block_in_place(|| self.transform.transform(&rows, &faults));
        let mut derived = Derived::of(transformed, work.len());
        for field in 0..self.plan.fields.len() {
            self.resolve(field, &mut derived).await?;
        }
        if self.plan.key.strategy != KeyStrategy::Keep {
            derived.key = self.own_keys.derive(&keys, Of::Perhaps).await?;
        } else {
            self.keep_keys(&mut derived, &keys).await?;
        }
        let all: Vec<usize> = (0..work.len()).collect();
        let rows = self.written(&derived, &all)?;
        Ok(Expected { rows, faults: derived.faults })
    }

    /// Rows that failed lost the key with all other columns, or never had the parents in it. It follows from the source key all the same.
    async fn keep_keys(&mut self, derived: &mut Derived, keys: &[Option<KeyBytes>]) -> Result<()> {
        let failed: Vec<bool> = derived.faults.iter().map(Option::is_some).collect();
        if !failed.contains(&true) {
            return Ok(());
        }
        let is_lost = |at: usize, key: &KeyBytes| failed[at] && !key.is_unkeyed();
        let lost = keys.iter().enumerate().map(|(at, key)| key.clone().filter(|key| is_lost(at, key)));
        let found = self.own_keys.derive(&lost.collect::<Vec<_>>(), Of::Perhaps).await?;
        let failed = BooleanArray::from(failed);
        for (name, found) in self.plan.key.destination.iter().zip(found) {
            let field = self.plan.fields.iter().position(|field| field.destination == *name);
            let Some(column) = field.map(|field| &mut derived.columns[field]) else { continue };
            *column = zip(&failed, &found, column).map_err(|error| {
                Box::new(Diagnostic::new(Code::DestinationFailed, format!("a key does not hold together: {error}")))
            })?;
        }
        Ok(())
    }
}

/// Whether a row has a value in all of these columns.
fn has_all(rows: &RecordBatch, names: &[ColumnName], row: usize) -> bool {
    names.iter().all(|name| rows.column_by_name(name.as_str()).is_some_and(|column| column.is_valid(row)))
}
