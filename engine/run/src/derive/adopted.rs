//! New rows that the destination has already, and that are taken over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use transload_model::{Code, Diagnostic, Held, KeyBytes, KeyStrategy, OnFailure, Outcome, Result, RowFault, Stage};

use super::{Derived, Deriver, Work, select};
use crate::claim::Owners;
use crate::detect::Known;
use crate::keys::{Of, mapping_text};
use crate::rows::Scored;
use crate::segment;
use crate::settle::Arrival;
use crate::unique::cells;

/// New rows that the destination has already.
#[derive(Default)]
pub(super) struct There {
    /// As they would be written.
    pub(super) same: BTreeSet<usize>,
    /// With other values.
    pub(super) other: BTreeSet<usize>,
    /// With a field that is left open: the second pass takes them up, as it does rows that moved.
    pub(super) later: BTreeSet<usize>,
    /// Of which the source's own version cannot be written: what is there stays.
    pub(super) bad: BTreeMap<usize, Arrival>,
}

/// Whether the first pass took a row over and left it to the second: nothing moved at the source since.
fn was_left(work: &Work, scored: &Scored) -> bool {
    let is_left = |known: Known| known.outcome == Outcome::UpdatePending && known.digest == scored.digest(work.row);
    work.known.is_some_and(is_left)
}

/// In what a row that is there differs.
struct Differing {
    /// Its key has another spelling.
    key: bool,
    /// Anything does.
    any: bool,
}

impl There {
    pub(super) fn is_empty(&self) -> bool {
        self.same.is_empty() && self.other.is_empty() && self.later.is_empty() && self.bad.is_empty()
    }

    /// Whether a sound row is there.
    pub(super) fn holds(&self, row: usize) -> bool {
        [&self.same, &self.other, &self.later].iter().any(|rows| rows.contains(&row))
    }
}

impl Deriver {
    /// Whether rows that are there are taken over. Keys that are made say of no row which it is.
    fn adopts(&self) -> bool {
        self.context.options.adopt_existing && !matches!(self.plan.key.strategy, KeyStrategy::Minted { .. })
    }

    /// Before the first row is taken over: those that the ledger has in the destination are their own.
    pub(super) async fn look_for_owners(&mut self) -> Result<()> {
        let context = Arc::clone(&self.context);
        if let Some(owners) = context.claims.entity(&self.plan.name).filter(|_| self.adopts()) {
            owners.get_or_try_init(|| self.owners()).await?;
        }
        Ok(())
    }

    async fn owners(&mut self) -> Result<Owners> {
        let owners = Owners::default();
        let heads = self.context.destination.segments(&self.plan.name).await?;
        for head in heads.into_iter().filter(|head| head.present > 0) {
            let parts = self.context.destination.segment(head.id).await?;
            let present = segment::unpack(&parts)?.into_iter().filter(|entry| entry.present);
            let keys: Vec<Option<KeyBytes>> = present.map(|entry| Some(entry.key)).collect();
            let columns = self.own_keys.derive(&keys, Of::Loaded).await?;
            let cells = cells(&columns)?;
            for (row, key) in keys.iter().enumerate() {
                owners.take(&cells, row, key.as_ref().unwrap_or(&head.first), false);
            }
        }
        Ok(owners)
    }

    /// The new rows that the destination has, and those that the first pass took over and left to the second. One that is another row's fails.
    pub(super) async fn adopt(
        &mut self,
        derived: &mut Derived,
        (identities, work): (&[KeyBytes], &[Work]),
        scored: &Scored,
    ) -> Result<There> {
        let mut there = There::default();
        let context = Arc::clone(&self.context);
        let owners = context.claims.entity(&self.plan.name).and_then(|owners| owners.get());
        let Some(owners) = owners.filter(|_| self.adopts()) else { return Ok(there) };
        let is_new = |work: &Work| work.insert && !work.known.is_some_and(|known| known.present);
        let asked = (0..work.len()).filter(|at| is_new(&work[*at]) || was_left(&work[*at], scored));
        let (good, bad): (Vec<usize>, Vec<usize>) = asked.partition(|at| derived.faults[*at].is_none());
        let key = self.key_columns(derived);
        let key = cells(&key)?;
        for (at, held) in good.iter().zip(self.held(derived, &good).await?) {
            let is_respelled = held.as_ref().is_some_and(|differing| differing.key);
            let has = owners.take(&key, *at, &identities[*at], is_respelled);
            match held {
                // Where two come at once, the destination refuses the second.
                None => {}
                Some(_) if !has => derived.fail(self.is_of_another(*at)),
                Some(_) if derived.deferred[*at] => {
                    derived.warned.remove(at);
                    there.later.insert(*at);
                }
                Some(Differing { any: false, .. }) => drop(there.same.insert(*at)),
                Some(_) if work[*at].insert => drop(there.other.insert(*at)),
                Some(_) => {}
            }
        }
        let bad = bad.into_iter().filter(|at| work[*at].insert);
        let stays = |at: &usize| derived.faults[*at].as_ref().is_some_and(|fault| fault.severity != OnFailure::Fail);
        let bad: Vec<usize> = bad.filter(stays).collect();
        there.bad = self.bad_there(&bad, (identities, work), owners).await?;
        Ok(there)
    }

    /// Of each row, in what it differs from what the destination holds, if it holds any.
    async fn held(&self, derived: &Derived, rows: &[usize]) -> Result<Vec<Option<Differing>>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let written = self.written(derived, rows)?;
        // What the second pass fills it compares itself.
        let open = if self.defers { self.plan.open_fields() } else { Vec::new() };
        let is_open = |name: &str| open.iter().any(|field| self.plan.fields[*field].destination.as_str() == name);
        let schema = written.schema();
        let kept: Vec<usize> = (0..written.num_columns()).filter(|at| !is_open(schema.field(*at).name())).collect();
        let compared = written.project(&kept).map_err(|error| {
            Box::new(Diagnostic::new(Code::DestinationFailed, format!("a batch does not hold together: {error}")))
        })?;
        self.differing(&compared).await
    }

    async fn differing(&self, compared: &RecordBatch) -> Result<Vec<Option<Differing>>> {
        let (table, key) = (&self.plan.destination.table, &self.plan.key.destination);
        let held = self.context.destination.compare(table, key, compared).await?;
        let schema = compared.schema();
        let is_key = |column: &usize| key.iter().any(|name| name.as_str() == schema.field(*column).name());
        let differing = |held| match held {
            Held::Nothing => None,
            Held::Row(columns) => Some(Differing { key: columns.iter().any(is_key), any: !columns.is_empty() }),
        };
        Ok(held.into_iter().map(differing).collect())
    }

    /// Rows that cannot be written, and that the destination has some version of: their key says so, where it can be told.
    async fn bad_there(
        &mut self,
        bad: &[usize],
        (identities, work): (&[KeyBytes], &[Work]),
        owners: &Owners,
    ) -> Result<BTreeMap<usize, Arrival>> {
        let mut there = BTreeMap::new();
        for rows in self.derivable(bad, identities).await {
            let keys: Vec<Option<KeyBytes>> = rows.iter().map(|at| Some(identities[*at].clone())).collect();
            let columns = self.own_keys.derive(&keys, Of::Loaded).await?;
            let names: Vec<String> = self.plan.key.destination.iter().map(ToString::to_string).collect();
            let batch = select(&names, &columns, &(0..rows.len()).collect::<Vec<_>>())?;
            let key = cells(&columns)?;
            for (row, differing) in self.differing(&batch).await?.into_iter().enumerate() {
                let Some(differing) = differing else { continue };
                let at = rows[row];
                if owners.take(&key, row, &identities[at], differing.key) {
                    let destination_id = mapping_text(self.plan.key.strategy, &columns, row);
                    let (key, counted) = (identities[at].clone(), work[at].counted_as());
                    there.insert(at, Arrival { key, destination_id, counted, retires: false });
                }
            }
        }
        Ok(there)
    }

    /// The rows whose key can be computed, together or each alone: what is wrong with a row may be its key.
    async fn derivable(&mut self, rows: &[usize], identities: &[KeyBytes]) -> Vec<Vec<usize>> {
        let all: Vec<Option<KeyBytes>> = rows.iter().map(|at| Some(identities[*at].clone())).collect();
        if rows.is_empty() || self.own_keys.derive(&all, Of::Loaded).await.is_ok() {
            return if rows.is_empty() { Vec::new() } else { vec![rows.to_vec()] };
        }
        let mut derivable = Vec::new();
        for (at, key) in rows.iter().zip(all) {
            if self.own_keys.derive(&[key], Of::Loaded).await.is_ok() {
                derivable.push(vec![*at]);
            }
        }
        derivable
    }

    fn is_of_another(&self, row: usize) -> RowFault {
        RowFault {
            row,
            field: self.plan.key.destination.first().filter(|_| self.plan.key.destination.len() == 1).cloned(),
            stage: Stage::Load,
            code: Code::ConstraintUnique,
            message: "the row that has this key came from another row of the source".to_owned(),
            severity: OnFailure::Quarantine,
        }
    }
}
