//! The rule `unique`: no two rows of the destination table share a value.
//!
//! The table's values are read once, when the first row is about to be written; from then on the index follows what is written. It holds
//! hashes: sixteen bytes a value, twice.

use std::collections::HashMap;

use arrow::array::ArrayRef;
use transload_model::{
    ColumnName, Destination, EntityPlan, KeyRange, LogicalType, ReadColumn, ReadRequest, Relation, Result, RulePlan,
};

use crate::rows::{Cells, hash_cells};

/// Rows read at a time when the index is filled.
const BATCH_ROWS: usize = 8_192;

/// The values of one field.
pub(crate) struct UniqueIndex {
    pub(crate) rule: RulePlan,
    owner_of: HashMap<u64, u64>,
    value_of: HashMap<u64, u64>,
}

impl UniqueIndex {
    /// An index of nothing yet.
    pub(crate) fn empty(rule: RulePlan) -> Self {
        Self { rule, owner_of: HashMap::new(), value_of: HashMap::new() }
    }

    /// The values that are in the table now.
    pub(crate) async fn read(rule: RulePlan, plan: &EntityPlan, destination: &dyn Destination) -> Result<Self> {
        let field = &plan.fields[rule.field];
        let mut columns = vec![ReadColumn { name: field.destination.clone(), logical: field.written_as }];
        columns.extend(
            plan.key.destination.iter().map(|name| ReadColumn { name: name.clone(), logical: key_type(plan, name) }),
        );
        let relation = Relation::all(plan.destination.table.clone());
        let mut reader = destination.reader().await?;
        let range = KeyRange::default();
        reader
            .read(ReadRequest { relation, columns, key: Vec::new(), range, after: None, batch_rows: BATCH_ROWS })
            .await?;
        let mut index = Self::empty(rule);
        while let Some(batch) = reader.next().await? {
            let columns = batch.rows.columns();
            let (value, key) = (Cells::new(&columns[0])?, cells(&columns[1..])?);
            for row in 0..batch.rows.num_rows() {
                if !value.is_null(row) {
                    index.claim(hash_cells(std::slice::from_ref(&value), row), hash_cells(&key, row));
                }
            }
        }
        Ok(index)
    }

    /// Whether no other row has the value. NULL always is free.
    pub(crate) fn is_free(&self, value: &Cells<'_>, key: &[Cells<'_>], row: usize) -> bool {
        if value.is_null(row) {
            return true;
        }
        let owner = self.owner_of.get(&hash_cells(std::slice::from_ref(value), row));
        owner.is_none_or(|owner| *owner == hash_cells(key, row))
    }

    /// Gives the row its value, and frees the one it had.
    pub(crate) fn claim_row(&mut self, value: &Cells<'_>, key: &[Cells<'_>], row: usize) {
        let owner = hash_cells(key, row);
        self.forget(owner);
        if !value.is_null(row) {
            self.claim(hash_cells(std::slice::from_ref(value), row), owner);
        }
    }

    fn claim(&mut self, value: u64, owner: u64) {
        self.owner_of.entry(value).or_insert(owner);
        self.value_of.insert(owner, value);
    }

    fn forget(&mut self, owner: u64) {
        if let Some(old) = self.value_of.remove(&owner) {
            self.owner_of.remove(&old);
        }
    }
}

/// The columns, by their types.
pub(crate) fn cells(columns: &[ArrayRef]) -> Result<Vec<Cells<'_>>> {
    columns.iter().map(Cells::new).collect()
}

fn key_type(plan: &EntityPlan, name: &ColumnName) -> LogicalType {
    let field = plan.fields.iter().find(|field| field.destination == *name);
    match (plan.key.strategy.made(), field) {
        (Some(made), _) => made,
        (None, Some(field)) => field.written_as,
        (None, None) => LogicalType::Uuid,
    }
}
