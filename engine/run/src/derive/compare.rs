//! Rows beside what the destination holds of them.

use transload_model::{ChangedFields, ColumnName, DetectionPlan, Held, KeyBytes, KeyStrategy, Result, RowFault};

use super::{Derived, Deriver, Work, pick};
use crate::keys::Of;
use crate::rows::Scored;

/// Rows beside what the destination holds of them.
#[derive(Default)]
pub(crate) struct Compared {
    /// What it holds of each.
    pub(crate) held: Vec<Held>,
    /// Per row, why it would be set aside; then what is held of it says nothing.
    pub(crate) faults: Vec<Option<RowFault>>,
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
        if self.plan.detection != DetectionPlan::Full {
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
        let Compared { held, faults, columns } = self.compare(scored, work).await?;
        let fields = |(held, fault): (Held, &Option<RowFault>)| match (held, fault) {
            (_, Some(fault)) => {
                ChangedFields::Unknown(format!("as things are it would be set aside: {}", fault.code.info().word))
            }
            (Held::Nothing, None) => {
                ChangedFields::Unknown("the destination does not have the row any more".to_owned())
            }
            (Held::Row(differing), None) => {
                ChangedFields::Known(differing.iter().filter_map(|at| columns.get(*at).cloned()).collect())
            }
        };
        Ok(held.into_iter().zip(&faults).map(fields).collect())
    }

    /// What the destination holds of rows, beside what would be written.
    pub(crate) async fn compare(&mut self, scored: &Scored, work: &[Work]) -> Result<Compared> {
        if work.is_empty() {
            return Ok(Compared::default());
        }
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
        }
        let all: Vec<usize> = (0..work.len()).collect();
        let written = self.written(&derived, &all)?;
        let (table, key) = (&self.plan.destination.table, &self.plan.key.destination);
        let held = self.context.destination.compare(table, key, &written).await?;
        let schema = written.schema();
        let columns = schema.fields().iter().filter_map(|field| ColumnName::parse(field.name()).ok()).collect();
        Ok(Compared { held, faults: derived.faults, columns })
    }
}
