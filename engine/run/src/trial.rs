//! Rows tried out: what a spec would make of them, without writing anything.
//!
//! The same fields, references, rules and keys as in a run, in the same order. A trial of a test looks references up among the keys that the
//! test gives, one of a preview in the destination's ledger; references to the own entity also find the rows of the trial that do not fail.
//! The rule `unique` sees the rows of the trial only, in the order of their keys; `foreign_key` is judged where the destination is asked.

mod find;
mod test;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::compute::concat;
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use serde_json::Value;
use transload_model::{
    Call, Code, ColumnName, Destination, Diagnostic, EntityName, EntityPlan, FieldPlan, Function, KeyBytes,
    KeyStrategy, LogicalType, OnFailure, OnMissing, Plan, ReadColumn, Reference, Result, RowFault, SourceBatch, Stage,
    TransformContext, TransformFactory,
};

use crate::derive::{Derived, missing_parent, put_default};
use crate::keys::{KeyBasis, KeyDeriver, Of};
use crate::load::no_key;
use crate::lookup::Lookups;
use crate::reference::ParentIndex;
use crate::rows::{Cells, Digester, Scored, referred_keys};
use crate::unique::{UniqueIndex, cells};

pub use find::{Wanted, find, parse_key};
pub use test::{Difference, Outcome, try_test};

/// Where the parents of tried rows are.
pub enum Parents<'a> {
    /// New keys by the canonical text of old ones.
    Given(&'a BTreeMap<EntityName, BTreeMap<String, Value>>),
    /// What the destination's ledger knows.
    Loaded(Arc<dyn Destination>),
    /// Nothing is loaded yet.
    None,
    /// Nobody looked: every parent is taken to be there.
    Assumed,
}

/// One entity, ready to be tried.
pub struct Trial<'a> {
    plan: &'a Plan,
    entity: &'a EntityPlan,
    factory: &'a dyn TransformFactory,
    context: &'a TransformContext,
}

/// What became of rows.
#[derive(Debug)]
pub struct Tried {
    /// The rows' source keys; none where a row has none.
    pub keys: Vec<Option<KeyBytes>>,
    /// The columns that the spec reads, in the plan's order.
    pub reads: Vec<TriedColumn>,
    /// The destination's columns: the key where no field fills it, then the fields. Those of failed rows are NULL.
    pub columns: Vec<TriedColumn>,
    /// The old keys that references were looked up by, as text, by field; none where no parent was found.
    pub looked_up: BTreeMap<ColumnName, Vec<Option<String>>>,
    /// Per row, why it would be set aside.
    pub faults: Vec<Option<RowFault>>,
    /// Rules that only warn.
    pub warnings: Vec<RowFault>,
}

/// A column of tried rows.
#[derive(Debug)]
pub struct TriedColumn {
    /// Its name.
    pub name: ColumnName,
    /// The type of its values.
    pub logical: LogicalType,
    /// The canonical text of each row's value.
    pub texts: Vec<Option<String>>,
}

impl<'a> Trial<'a> {
    /// A trial of one of the plan's entities.
    #[must_use]
    pub fn new(
        plan: &'a Plan,
        entity: &'a EntityPlan,
        factory: &'a dyn TransformFactory,
        context: &'a TransformContext,
    ) -> Self {
        Self { plan, entity, factory, context }
    }

    /// Derives the rows of a batch that holds what the plan reads.
    ///
    /// # Errors
    /// Where the spec does not compile, or the destination's ledger cannot be read.
    pub async fn derive(&self, batch: SourceBatch, parents: &Parents<'_>) -> Result<Tried> {
        let mut transform = self.factory.compile(self.entity, self.context)?;
        let rows = batch.rows.num_rows();
        let mut derived = Derived::of(transform.transform(&batch.rows, &batch.faults), rows);
        let mut warnings = Vec::new();
        let reads = self.reads(&transform.masked(&batch.rows));
        // Keys alone are looked at: nobody sees a digest.
        let scored = Scored::new(batch, self.entity, &Digester::Open(0))?;
        let keys: Vec<Option<KeyBytes>> = (0..rows).map(|row| scored.key(row).map(KeyBytes::from_encoded)).collect();
        for (row, _) in keys.iter().enumerate().filter(|(_, key)| key.is_none()) {
            // A row without a key goes no further.
            derived.faults[row] = Some(no_key(row));
        }
        let own = self.entity.self_references();
        let mut referred = Vec::new();
        let mut looked_up = BTreeMap::new();
        for (at, field) in self.entity.fields.iter().enumerate() {
            let Some(reference) = &field.reference else { continue };
            if own.contains(&at) {
                // Rules judge the key that the row will have, should the row that it refers to be there.
                let keys = referred_keys(&derived.columns[at])?;
                derived.columns[at] = self.parent_keys(at, &keys, parents).await?;
                referred.push((at, keys));
            } else {
                let keys = self.resolve((at, reference), &mut derived, parents).await?;
                looked_up.insert(field.destination.clone(), texts(&keys));
            }
        }
        let failed: Vec<bool> = derived.faults.iter().map(Option::is_some).collect();
        for fault in transform.validate(&derived.columns, &failed) {
            note(fault, &mut derived, &mut warnings);
        }
        if let Parents::Loaded(destination) = parents {
            // Nothing is written, so nobody gains by values that look alike.
            for fault in Lookups::of([self.entity], 0).judge(self.entity, &derived, &**destination).await? {
                note(fault, &mut derived, &mut warnings);
            }
        }
        let own_key = self.own_key(&keys, parents).await?;
        self.check_unique(&keys, &own_key, &mut derived, &mut warnings)?;
        self.resolve_own(&keys, &mut referred, &mut derived, parents).await?;
        let own = referred.iter().map(|(at, keys)| (self.entity.fields[*at].destination.clone(), texts(keys)));
        looked_up.extend(own);
        warnings.retain(|warning| derived.faults[warning.row].is_none());
        let columns = self.columns(&own_key, &derived);
        Ok(Tried { keys, reads, columns, looked_up, faults: derived.faults, warnings })
    }

    /// Replaces a reference's old keys by new keys, and gives the old ones.
    async fn resolve(
        &self,
        (field, reference): (usize, &Reference),
        derived: &mut Derived,
        parents: &Parents<'_>,
    ) -> Result<Vec<Option<KeyBytes>>> {
        let plan = &self.entity.fields[field];
        let mut keys = referred_keys(&derived.columns[field])?;
        let mut present = self.are_present(&reference.entity, &keys, parents).await?;
        if reference.on_missing == OnMissing::Default {
            put_default(plan, &mut keys, &present);
            present = self.are_present(&reference.entity, &keys, parents).await?;
        }
        derived.leave_out_missing(self.entity, field, &mut keys, &present);
        derived.columns[field] = self.parent_keys(field, &keys, parents).await?;
        Ok(keys)
    }

    /// The same for references to the own entity, which also find the rows of the trial. As in the second pass of a run, a row whose chain of
    /// parents ends in a row that is not there fails, and a row that failed before keeps its reason.
    async fn resolve_own(
        &self,
        keys: &[Option<KeyBytes>],
        referred: &mut [(usize, Vec<Option<KeyBytes>>)],
        derived: &mut Derived,
        parents: &Parents<'_>,
    ) -> Result<()> {
        let sound = keys.iter().zip(&derived.faults).filter(|(_, fault)| fault.is_none());
        let mut arriving: BTreeSet<KeyBytes> = sound.filter_map(|(key, _)| key.clone()).collect();
        let mut known = Vec::new();
        for (field, wanted) in referred.iter_mut() {
            let mut present = self.are_present(&self.entity.name, wanted, parents).await?;
            if on_missing(self.entity, *field) == Some(OnMissing::Default) {
                let is_there = |(key, present): (&Option<KeyBytes>, &bool)| {
                    *present || key.as_ref().is_some_and(|key| arriving.contains(key))
                };
                let there: Vec<bool> = wanted.iter().zip(&present).map(is_there).collect();
                put_default(&self.entity.fields[*field], wanted, &there);
                present = self.are_present(&self.entity.name, wanted, parents).await?;
            }
            known.push(present);
        }
        let mut is_settled = false;
        while !is_settled {
            is_settled = true;
            for ((field, wanted), known) in referred.iter().zip(&known) {
                let is_needed = on_missing(self.entity, *field) != Some(OnMissing::Null);
                for (row, key) in wanted.iter().enumerate().filter(|(row, _)| is_needed && !known[*row]) {
                    let is_gone = key.as_ref().is_some_and(|key| !arriving.contains(key));
                    if is_gone && derived.faults[row].is_none() {
                        derived.fail(missing_parent(self.entity, *field, row));
                        is_settled = false;
                        keys[row].as_ref().map(|own| arriving.remove(own));
                    }
                }
            }
        }
        for ((field, wanted), known) in referred.iter_mut().zip(&known) {
            for (key, _) in wanted.iter_mut().zip(known).filter(|(_, known)| !**known) {
                key.take_if(|key| !arriving.contains(key));
            }
            derived.columns[*field] = self.parent_keys(*field, wanted, parents).await?;
        }
        Ok(())
    }

    /// The new keys for old keys of those whom a field refers to: the given ones, else those that a run would make.
    async fn parent_keys(&self, field: usize, keys: &[Option<KeyBytes>], parents: &Parents<'_>) -> Result<ArrayRef> {
        let plan = &self.entity.fields[field];
        let parent = plan.reference.as_ref().and_then(|to| Some((self.plan.entity(&to.entity)?, to)));
        let Some((parent, reference)) = parent else {
            return Ok(new_null_array(&plan.written_as.arrow(), keys.len()));
        };
        let mapping = |key: &Option<KeyBytes>| match parents {
            Parents::Given(mappings) => given_part(mappings.get(&parent.name)?.get(&key.as_ref()?.text())?, reference),
            _ => None,
        };
        let to_make: Vec<Option<KeyBytes>> =
            keys.iter().map(|key| key.clone().filter(|_| mapping(key).is_none())).collect();
        let mut made = KeyDeriver::new(self.basis(parents), parent)?.derive(&to_make, Of::Tried).await?;
        let made = made.swap_remove(parent.position_of(reference));
        let mut parts = Vec::new();
        for (row, key) in keys.iter().enumerate() {
            parts.push(match mapping(key) {
                Some(given) => self.factory.cell(given, plan.written_as).map_err(|reason| {
                    let headline = format!("a mapping of `{}` gives no key of it: {reason}", parent.name);
                    Box::new(Diagnostic::new(Code::ReferenceType, headline))
                })?,
                None => made.slice(row, 1),
            });
        }
        joined(&parts, plan.written_as)
    }

    async fn are_present(
        &self,
        parent: &EntityName,
        keys: &[Option<KeyBytes>],
        parents: &Parents<'_>,
    ) -> Result<Vec<bool>> {
        match parents {
            Parents::Given(mappings) => {
                let known = mappings.get(parent);
                let is_known = |key: &Option<KeyBytes>| {
                    known.zip(key.as_ref()).is_some_and(|(known, key)| known.contains_key(&key.text()))
                };
                Ok(keys.iter().map(is_known).collect())
            }
            Parents::Loaded(destination) => {
                ParentIndex::new(Arc::clone(destination), parent).await?.are_present(keys).await
            }
            Parents::None => Ok(vec![false; keys.len()]),
            Parents::Assumed => Ok(vec![true; keys.len()]),
        }
    }

    /// The key columns that are not fields.
    async fn own_key(&self, keys: &[Option<KeyBytes>], parents: &Parents<'_>) -> Result<Vec<ArrayRef>> {
        match self.entity.key.strategy {
            KeyStrategy::Keep => Ok(Vec::new()),
            KeyStrategy::UuidV5 { .. } | KeyStrategy::Minted { .. } => {
                KeyDeriver::new(self.basis(parents), self.entity)?.derive(keys, Of::Tried).await
            }
        }
    }

    fn basis<'p>(&'p self, parents: &'p Parents<'_>) -> KeyBasis<'p> {
        let destination = match parents {
            Parents::Loaded(destination) => Some(destination),
            _ => None,
        };
        KeyBasis { plan: self.plan, factory: self.factory, context: self.context, destination }
    }

    /// Gives values to rows in the order of their keys, as a run does. A row that fails one rule takes nothing in another.
    fn check_unique(
        &self,
        keys: &[Option<KeyBytes>],
        own_key: &[ArrayRef],
        derived: &mut Derived,
        warnings: &mut Vec<RowFault>,
    ) -> Result<()> {
        let rules = self.entity.rules.iter().filter(|rule| rule.rule == "unique");
        let mut indexes: Vec<UniqueIndex> = rules.map(|rule| UniqueIndex::empty(rule.clone())).collect();
        let is_key = |column: &ColumnName| self.entity.key.destination.contains(column);
        let fields = self.entity.fields.iter().enumerate().filter(|(_, field)| is_key(&field.destination));
        let kept: Vec<ArrayRef> = fields.map(|(at, _)| Arc::clone(&derived.columns[at])).collect();
        let key_columns = if own_key.is_empty() { kept } else { own_key.to_vec() };
        let key = cells(&key_columns)?;
        let columns: Vec<ArrayRef> =
            indexes.iter().map(|index| Arc::clone(&derived.columns[index.rule.field])).collect();
        let values = cells(&columns)?;
        let mut rows: Vec<usize> = (0..keys.len()).filter(|row| derived.faults[*row].is_none()).collect();
        rows.sort_by_key(|row| &keys[*row]);
        for row in rows {
            let taken = |(index, value): (&UniqueIndex, &Cells<'_>)| {
                let field = &self.entity.fields[index.rule.field].destination;
                (!index.is_free(value, &key, row)).then(|| repeated(row, field.clone(), index.rule.on_failure))
            };
            let faults: Vec<RowFault> = indexes.iter().zip(&values).filter_map(taken).collect();
            if faults.iter().all(|fault| fault.severity == OnFailure::Warn) {
                indexes.iter_mut().zip(&values).for_each(|(index, value)| index.claim_row(value, &key, row));
            }
            faults.into_iter().for_each(|fault| note(fault, derived, warnings));
        }
        Ok(())
    }

    fn reads(&self, rows: &RecordBatch) -> Vec<TriedColumn> {
        let reads = self.entity.reads.iter().zip(rows.columns());
        let column = |(read, column): (&ReadColumn, &ArrayRef)| TriedColumn {
            name: read.name.clone(),
            logical: read.logical,
            texts: self.factory.texts(column, read.logical),
        };
        reads.map(column).collect()
    }

    fn columns(&self, own_key: &[ArrayRef], derived: &Derived) -> Vec<TriedColumn> {
        let made = self.entity.key.strategy.made().unwrap_or(LogicalType::Uuid);
        let key = self.entity.key.destination.iter().zip(own_key).map(|(name, column)| TriedColumn {
            name: name.clone(),
            logical: made,
            texts: self.factory.texts(column, made),
        });
        let fields = self.entity.fields.iter().zip(&derived.columns).map(|(field, column)| TriedColumn {
            name: field.destination.clone(),
            logical: field.written_as,
            texts: self.factory.texts(column, field.written_as),
        });
        key.chain(fields).collect()
    }

    /// Rows that are given as single values, as a batch of what the plan reads. A column that is left out is NULL.
    ///
    /// # Errors
    /// The row, the column and the reason of a value that is none of its column's type.
    pub fn batch(
        &self,
        rows: &[BTreeMap<ColumnName, Value>],
    ) -> std::result::Result<SourceBatch, (usize, ColumnName, String)> {
        let mut fields = Vec::new();
        let mut columns = Vec::new();
        for read in &self.entity.reads {
            let values = rows.iter().map(|row| row.get(&read.name).unwrap_or(&Value::Null));
            let column = self.column(values, read.logical);
            columns.push(column.map_err(|(row, reason)| (row, read.name.clone(), reason))?);
            fields.push(Field::new(read.name.as_str(), read.logical.arrow(), true));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        let rows = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
            .expect("every column has a cell for every row, of the type that its field says");
        Ok(SourceBatch { rows, faults: Vec::new(), bytes: 0 })
    }

    /// Single values as a column.
    ///
    /// # Errors
    /// The index of a value that is none of that type, and why.
    fn column<'v>(
        &self,
        values: impl Iterator<Item = &'v Value>,
        to: LogicalType,
    ) -> std::result::Result<ArrayRef, (usize, String)> {
        let mut columns = Vec::new();
        for (at, value) in values.enumerate() {
            columns.push(self.factory.cell(value, to).map_err(|reason| (at, reason))?);
        }
        joined(&columns, to).map_err(|error| (0, error.headline))
    }
}

/// Columns of one type behind one another.
fn joined(parts: &[ArrayRef], of: LogicalType) -> Result<ArrayRef> {
    let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
    if parts.is_empty() {
        return Ok(new_null_array(&of.arrow(), 0));
    }
    concat(&parts).map_err(|error| {
        Box::new(Diagnostic::new(Code::SourceFailed, format!("the values do not hold together: {error}")))
    })
}

fn texts(keys: &[Option<KeyBytes>]) -> Vec<Option<String>> {
    keys.iter().map(|key| key.as_ref().map(KeyBytes::text)).collect()
}

/// One column of a new key that a test gives: a key of several columns is a map.
fn given_part<'v>(given: &'v Value, reference: &Reference) -> Option<&'v Value> {
    match &reference.column {
        Some(column) => given.get(column.as_str()),
        None => Some(given),
    }
}

fn on_missing(entity: &EntityPlan, field: usize) -> Option<OnMissing> {
    entity.fields[field].reference.as_ref().map(|reference| reference.on_missing)
}

fn note(fault: RowFault, derived: &mut Derived, warnings: &mut Vec<RowFault>) {
    if fault.severity == OnFailure::Warn {
        warnings.push(fault);
    } else {
        derived.fail(fault);
    }
}

fn repeated(row: usize, field: ColumnName, severity: OnFailure) -> RowFault {
    RowFault {
        row,
        field: Some(field),
        stage: Stage::Validate,
        code: Code::RuleUnique,
        message: "another row has this value".to_owned(),
        severity,
    }
}

/// What a field's value goes through, in words: functions in their order, a format, a lookup.
#[must_use]
pub fn through(entity: &EntityPlan, field: &FieldPlan) -> Vec<String> {
    let call = |call: &Call| match &call.function {
        Function::BuiltIn(name) => name.clone(),
        Function::Library(name) => format!("{name}()"),
        Function::Script(index) => {
            // An expression has no name that anyone could call.
            let named = entity.scripts.get(*index).filter(|script| !script.name.contains(' '));
            named.map_or_else(|| "expression".to_owned(), |script| format!("{}()", script.name))
        }
    };
    let mut steps: Vec<String> = field.calls.iter().map(call).collect();
    if let Some(format) = &field.format {
        steps.push(format!("{} by {format:?}", field.data_type));
    }
    if let Some(reference) = &field.reference {
        steps.push(format!("key of {}", reference.entity));
    }
    steps
}
