//! The rule `foreign_key`: the value is in a table of the destination that no entity loads.
//!
//! A table is read once in a run, before the first entity whose rows are judged by it; all entities, streams and passes share what was read. It holds hashes,
//! of 128 bits: a row whose value only looks like one that is there would pass, so two values must never look alike.

use std::collections::{BTreeMap, HashSet};

use arrow::array::Array as _;
use tokio::sync::OnceCell;
use transload_model::{
    Code, Destination, EntityPlan, KeyRange, LookupPlan, Only, ReadRequest, Relation, Result, RowFault, RulePlan, Stage,
};
use twox_hash::XxHash3_128;

use crate::derive::Derived;
use crate::rows::Cells;

/// Rows read at a time.
const BATCH_ROWS: usize = 8_192;

/// The columns that rules look in.
pub(crate) struct Lookups {
    columns: Vec<(LookupPlan, OnceCell<Held>)>,
    seed: u64,
}

/// What a column holds.
#[derive(Default)]
struct Held {
    values: HashSet<u128>,
    /// Of all values, whatever their order.
    digest: u64,
}

impl Lookups {
    /// Those of some entities, not read yet. With a seed that nobody knows, no one can prepare values that look alike.
    pub(crate) fn of<'a>(entities: impl IntoIterator<Item = &'a EntityPlan>, seed: u64) -> Self {
        let mut columns: Vec<(LookupPlan, OnceCell<Held>)> = Vec::new();
        for (_, lookup) in entities.into_iter().flat_map(EntityPlan::lookups) {
            if columns.iter().all(|(known, _)| known != lookup) {
                columns.push((lookup.clone(), OnceCell::new()));
            }
        }
        Self { columns, seed }
    }

    /// What is wrong with rows that did not fail before. NULL is nothing to look for.
    pub(crate) async fn judge(
        &self,
        plan: &EntityPlan,
        derived: &Derived,
        destination: &dyn Destination,
    ) -> Result<Vec<RowFault>> {
        let mut found = Vec::new();
        for (rule, lookup) in plan.lookups() {
            let values = Cells::new(&derived.columns[rule.field])?;
            let is_asked = |row: &usize| derived.faults[*row].is_none() && !values.is_null(*row);
            let asked: Vec<usize> = (0..derived.faults.len()).filter(is_asked).collect();
            let (Some(held), false) = (self.held(lookup), asked.is_empty()) else { continue };
            let held = held.get_or_try_init(|| self.read(lookup, destination)).await?;
            let missing = asked.into_iter().filter(|row| !held.values.contains(&self.hash(&values, *row)));
            found.extend(missing.map(|row| fault(plan, (rule, lookup), row)));
        }
        Ok(found)
    }

    /// Reads what the rules of an entity look for, and says what it is: another digest means that rows may pass that failed.
    pub(crate) async fn look(&self, plan: &EntityPlan, destination: &dyn Destination) -> Result<BTreeMap<String, u64>> {
        for (_, lookup) in plan.lookups() {
            if let Some(held) = self.held(lookup) {
                held.get_or_try_init(|| self.read(lookup, destination)).await?;
            }
        }
        Ok(self.seen(plan))
    }

    /// The digests of what was read for an entity, by `table.column type`.
    pub(crate) fn seen(&self, plan: &EntityPlan) -> BTreeMap<String, u64> {
        let name = |lookup: &LookupPlan| format!("{}.{} {}", lookup.table, lookup.column.name, lookup.column.logical);
        let seen = |(_, lookup): (&RulePlan, &LookupPlan)| Some((name(lookup), self.held(lookup)?.get()?.digest));
        plan.lookups().filter_map(seen).collect()
    }

    fn held(&self, lookup: &LookupPlan) -> Option<&OnceCell<Held>> {
        self.columns.iter().find(|(known, _)| known == lookup).map(|(_, held)| held)
    }

    /// The values that are in the table now.
    async fn read(&self, lookup: &LookupPlan, destination: &dyn Destination) -> Result<Held> {
        let mut reader = destination.reader().await?;
        let request = ReadRequest {
            relation: Relation::all(lookup.table.clone()),
            columns: vec![lookup.column.clone()],
            key: Vec::new(),
            range: KeyRange::default(),
            after: None,
            only: Only::All,
            batch_rows: BATCH_ROWS,
        };
        reader.read(request).await?;
        let mut held = Held::default();
        while let Some(batch) = reader.next().await? {
            let column = batch.rows.column(0);
            let values = Cells::new(column)?;
            // A value that is none of the type is NULL in the batch.
            held.values
                .extend((0..column.len()).filter(|row| !values.is_null(*row)).map(|row| self.hash(&values, row)));
        }
        held.digest = held.values.iter().fold(0, |digest, value| digest.wrapping_add(low_half(*value)));
        Ok(held)
    }

    fn hash(&self, values: &Cells<'_>, row: usize) -> u128 {
        let mut bytes = Vec::with_capacity(32);
        values.encode(row, &mut bytes);
        XxHash3_128::oneshot_with_seed(self.seed, &bytes)
    }
}

/// How messages about values that are not there begin.
const NO_ROW: &str = "no row of ";

/// Whether a row failed because of what a table of the destination holds.
#[must_use]
pub fn is_looked_up(fault: &RowFault) -> bool {
    fault.code == Code::RuleForeignKey && fault.message.starts_with(NO_ROW)
}

fn low_half(hash: u128) -> u64 {
    u64::try_from(hash & u128::from(u64::MAX)).unwrap_or_default()
}

fn fault(plan: &EntityPlan, (rule, lookup): (&RulePlan, &LookupPlan), row: usize) -> RowFault {
    RowFault {
        row,
        field: Some(plan.fields[rule.field].destination.clone()),
        stage: Stage::Validate,
        code: Code::RuleForeignKey,
        message: format!("{NO_ROW}`{}` has the value in `{}`", lookup.table, lookup.column.name),
        severity: rule.on_failure,
    }
}
