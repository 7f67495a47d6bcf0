//! The rule `unique`: no two rows of the destination table share a value.
//!
//! The table's values are read once, when the first row is about to be written; from then on the index follows what is written. It holds
//! hashes: sixteen bytes a value, twice.

use std::collections::{BTreeMap, HashMap};

use arrow::array::ArrayRef;
use transload_model::{
    ColumnName, Destination, EntityPlan, KeyRange, LogicalType, OnFailure, Only, ReadColumn, ReadRequest, Relation,
    Result, RulePlan,
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
            plan.key.destination.iter().map(|name| ReadColumn { name: name.clone(), logical: column_type(plan, name) }),
        );
        let relation = Relation::all(plan.destination.table.clone());
        let mut reader = destination.reader().await?;
        let range = KeyRange::default();
        reader
            .read(ReadRequest {
                relation,
                columns,
                key: Vec::new(),
                range,
                after: None,
                only: Only::All,
                batch_rows: BATCH_ROWS,
            })
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

    /// Gives the row's value, and takes it away where the row is to have another. What it keeps nobody else may take meanwhile.
    fn give_up(&mut self, owner: u64, wanted: Option<u64>) -> Option<u64> {
        let old = self.value_of.get(&owner).copied();
        if old == wanted { old } else { self.forget(owner) }
    }

    /// Takes the row's value away and gives it.
    fn forget(&mut self, owner: u64) -> Option<u64> {
        let old = self.value_of.remove(&owner)?;
        if self.owner_of.get(&old) == Some(&owner) {
            self.owner_of.remove(&old);
        }
        Some(old)
    }

    fn is_strict(&self) -> bool {
        self.rule.on_failure != OnFailure::Warn
    }
}

/// Rows that are given their values together, so that one may take what another gives up.
pub(crate) struct Admission<'a> {
    indexes: &'a mut [UniqueIndex],
    /// Per row that may come in, the hash of its key.
    owners: BTreeMap<usize, u64>,
    rows: HashMap<u64, usize>,
    /// Per row, what it held before in each index.
    held: BTreeMap<usize, Vec<Option<u64>>>,
    /// Rows and the indexes in which another has their value.
    taken: Vec<(usize, usize)>,
}

impl<'a> Admission<'a> {
    /// Claims the values of these rows in their order, and names those whose value another row has or keeps: by row and index. A row that fails
    /// in one index takes nothing in another and keeps what it has.
    pub(crate) fn of(
        indexes: &'a mut [UniqueIndex],
        values: &[Cells<'_>],
        key: &[Cells<'_>],
        rows: &[usize],
    ) -> Vec<(usize, usize)> {
        let owners: BTreeMap<usize, u64> = rows.iter().map(|row| (*row, hash_cells(key, *row))).collect();
        let by_owner = owners.iter().map(|(row, owner)| (*owner, *row)).collect();
        let held = owners.iter().map(|(row, owner)| {
            let wanted = wanted(values, *row);
            (*row, indexes.iter_mut().zip(wanted).map(|(index, wanted)| index.give_up(*owner, wanted)).collect())
        });
        let held = held.collect();
        let mut admission = Self { indexes, owners, rows: by_owner, held, taken: Vec::new() };
        for row in rows {
            admission.admit(*row, wanted(values, *row));
        }
        admission.taken
    }

    fn admit(&mut self, row: usize, wanted: Vec<Option<u64>>) {
        let Some(owner) = self.owners.get(&row).copied() else { return };
        let is_taken = |(index, value): (&UniqueIndex, &Option<u64>)| {
            value.and_then(|value| index.owner_of.get(&value)).is_some_and(|other| *other != owner)
        };
        let taken: Vec<usize> = self
            .indexes
            .iter()
            .zip(&wanted)
            .enumerate()
            .filter(|(_, pair)| is_taken(*pair))
            .map(|(at, _)| at)
            .collect();
        self.taken.extend(taken.iter().map(|index| (row, *index)));
        if taken.iter().any(|index| self.indexes[*index].is_strict()) {
            self.turn_away(row);
            return;
        }
        for (index, value) in self.indexes.iter_mut().zip(wanted) {
            if let Some(value) = value {
                index.claim(value, owner);
            }
        }
    }

    /// Gives a row back what it held. Who has taken that meanwhile is turned away as well.
    fn turn_away(&mut self, row: usize) {
        let mut away = vec![row];
        while let Some(row) = away.pop() {
            let Some(owner) = self.owners.remove(&row) else { continue };
            let held = self.held.remove(&row).unwrap_or_default();
            for index in &mut *self.indexes {
                index.forget(owner);
            }
            for (at, old) in held.into_iter().enumerate().filter_map(|(at, old)| Some((at, old?))) {
                let index = &mut self.indexes[at];
                if let Some(other) = index.owner_of.get(&old).copied().filter(|_| index.is_strict()) {
                    let other = self.rows.get(&other).copied();
                    self.taken.extend(other.map(|other| (other, at)));
                    away.extend(other);
                    index.owner_of.remove(&old);
                }
                index.claim(old, owner);
            }
        }
    }
}

/// The hashes of a row's values, as far as it has any.
fn wanted(values: &[Cells<'_>], row: usize) -> Vec<Option<u64>> {
    let hash = |value: &Cells<'_>| (!value.is_null(row)).then(|| hash_cells(std::slice::from_ref(value), row));
    values.iter().map(hash).collect()
}

/// The columns, by their types.
pub(crate) fn cells(columns: &[ArrayRef]) -> Result<Vec<Cells<'_>>> {
    columns.iter().map(Cells::new).collect()
}

/// What a value of a destination column is: as its field writes it, or of the kind of keys that are made.
pub(crate) fn column_type(plan: &EntityPlan, name: &ColumnName) -> LogicalType {
    let field = plan.fields.iter().find(|field| field.destination == *name);
    match (field, plan.key.strategy.made()) {
        (Some(field), _) => field.written_as,
        (None, Some(made)) => made,
        (None, None) => LogicalType::Uuid,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Int64Array;

    use super::*;

    fn index() -> UniqueIndex {
        UniqueIndex::empty(RulePlan {
            field: 0,
            rule: "unique".to_owned(),
            parameters: BTreeMap::new(),
            script: None,
            lookup: None,
            on_failure: OnFailure::Quarantine,
        })
    }

    /// Gives rows, as `(key, value)`, their values; the keys of those that do not get them.
    fn admitted(indexes: &mut [UniqueIndex], rows: &[(i64, i64)]) -> Vec<i64> {
        let column =
            |of: fn(&(i64, i64)) -> i64| Arc::new(Int64Array::from_iter_values(rows.iter().map(of))) as ArrayRef;
        let (key, value) = (column(|row| row.0), column(|row| row.1));
        let (key, values) = (cells(std::slice::from_ref(&key)).unwrap(), cells(std::slice::from_ref(&value)).unwrap());
        let all: Vec<usize> = (0..rows.len()).collect();
        Admission::of(indexes, &values, &key, &all).into_iter().map(|(row, _)| rows[row].0).collect()
    }

    #[test]
    fn rows_may_exchange_their_values_and_pass_them_on() {
        let mut indexes = [index()];
        assert_eq!(admitted(&mut indexes, &[(1, 10), (2, 20), (3, 30), (4, 10)]), [4], "the first takes it");
        assert_eq!(admitted(&mut indexes, &[(1, 20), (2, 10)]), [0; 0]);
        assert_eq!(admitted(&mut indexes, &[(4, 30), (3, 40)]), [0; 0], "what another gives up later");
        assert_eq!(admitted(&mut indexes, &[(5, 10), (6, 20), (7, 30), (8, 40), (9, 50)]), [5, 6, 7, 8]);
    }

    #[test]
    fn who_takes_what_another_keeps_after_all_is_turned_away() {
        let mut indexes = [index()];
        assert_eq!(admitted(&mut indexes, &[(1, 10), (2, 20), (3, 30), (9, 90)]), [0; 0]);
        // 1 wants what 9 has and does not give up, so 2 cannot have what 1 keeps, nor 3 what 2 keeps.
        assert_eq!(admitted(&mut indexes, &[(3, 20), (2, 10), (1, 90)]), [1, 2, 3]);
        assert_eq!(admitted(&mut indexes, &[(4, 10), (5, 20), (6, 30)]), [4, 5, 6], "each holds what it held");
    }
}
