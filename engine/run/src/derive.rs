//! From source rows to destination rows: fields, references, rules and keys of one entity.

mod adopted;
mod compare;
mod derived;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, UInt64Array, new_null_array};
use arrow::compute::take;
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use chrono::{NaiveDate, NaiveDateTime};
use transload_model::{
    CellFault, Code, Counts, Diagnostic, EntityName, EntityPlan, EntityTransform, KeyBytes, KeyStrategy, LogicalType,
    OnFailure, OnMissing, Outcome, QuarantineRow, Result, RowFault, Stage,
};

use crate::context::Context;
use crate::detect::Known;
use crate::keys::{KeyBasis, KeyDeriver, Of, mapping_text};
use crate::reference::ParentIndex;
use crate::rows::{Scored, referred_keys};
use crate::settle::{Arrival, CountedAs};
use crate::unique::{Admission, UniqueIndex, cells};
use crate::unit::Stream;
pub(crate) use compare::Expected;
pub(crate) use derived::Derived;

/// A row that has to be derived: where it is in its batch, and what the ledger knew of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work {
    pub(crate) row: usize,
    pub(crate) known: Option<Known>,
    /// Whether it is to be inserted; else it is updated.
    pub(crate) insert: bool,
    /// Whether the first pass has counted it.
    pub(crate) counted: bool,
}

impl Work {
    pub(crate) fn counted_as(&self) -> CountedAs {
        if self.counted { CountedAs::New } else { CountedAs::Now }
    }
}

/// Turns source rows into destination rows.
pub(crate) struct Deriver {
    context: Arc<Context>,
    plan: Arc<EntityPlan>,
    transform: Box<dyn EntityTransform>,
    own_keys: KeyDeriver,
    parents: BTreeMap<EntityName, (ParentIndex, KeyDeriver)>,
    uniques: Option<Vec<UniqueIndex>>,
    /// Fields that the first pass leaves open.
    open: Vec<usize>,
    /// Those fields are left open.
    pub(crate) defers: bool,
    pub(crate) time: Duration,
}

impl Deriver {
    pub(crate) async fn new(context: &Arc<Context>, plan: &Arc<EntityPlan>) -> Result<Self> {
        let (factory, given) = (&*context.factory, &context.transform_context);
        let transform = factory.compile(plan, given)?;
        let destination = Some(&context.destination);
        let basis = KeyBasis { plan: &context.plan, factory, context: given, destination };
        let own_keys = KeyDeriver::new(basis, plan)?;
        let mut parents = BTreeMap::new();
        for reference in plan.fields.iter().filter_map(|field| field.reference.as_ref()) {
            let parent = context.plan.entity(&reference.entity);
            if let (Some(parent), false) = (parent, parents.contains_key(&reference.entity)) {
                let index = ParentIndex::new(Arc::clone(&context.destination), &parent.name).await?;
                let keys = KeyDeriver::new(basis, parent)?;
                parents.insert(parent.name.clone(), (index, keys));
            }
        }
        let (context, open, plan) = (Arc::clone(context), plan.open_fields(), Arc::clone(plan));
        let (uniques, defers, time) = (None, false, Duration::ZERO);
        let mut deriver = Self { context, plan, transform, own_keys, parents, uniques, open, defers, time };
        deriver.look_for_owners().await?;
        Ok(deriver)
    }

    /// Sees what has been loaded of the entity itself since the deriver was made.
    pub(crate) async fn refresh_own_index(&mut self) -> Result<()> {
        match self.parents.get_mut(&self.plan.name) {
            Some((own, _)) => own.refresh(&self.plan.name).await,
            None => Ok(()),
        }
    }

    /// Sees what has been loaded meanwhile of those that the entity refers to and that are loaded beside it or after it, itself among them.
    async fn refresh_open_parents(&mut self) -> Result<()> {
        for (name, (index, _)) in &mut self.parents {
            if *name == self.plan.name || self.plan.deferred.iter().any(|deferred| deferred.parent == *name) {
                index.refresh(name).await?;
            }
        }
        Ok(())
    }

    /// Derives the rows of `work` and gives them to the stream: as inserts, as updates, or to quarantine. Says whether any is left to the second
    /// pass, with a field that is open.
    pub(crate) async fn move_rows(&mut self, scored: &Scored, work: &[Work], stream: &mut Stream) -> Result<bool> {
        let started = self.context.clock.monotonic();
        let (rows, faults) = pick(scored, work)?;
        let identities: Vec<KeyBytes> = work.iter().map(|work| scored.identity(work.row)).collect();
        let mut derived = self.derive(&rows, &faults, (&identities, work)).await?;
        let there = self.adopt(&mut derived, (&identities, work), scored).await?;
        self.time += self.context.clock.monotonic() - started;
        stream.count(Counts { warned: derived.warned_of(work), ..Counts::default() });
        stream.add_bytes(scored.batch.bytes * work.len() / scored.len().max(1));
        for (at, fault) in derived.faults.iter().enumerate() {
            if let Some(fault) = fault {
                let is_there = there.bad.contains_key(&at);
                self.set_aside(fault, (&work[at], is_there), identities[at].clone(), stream).await?;
            } else if work[at].known.is_some_and(was_in_quarantine) {
                stream.release(identities[at].clone());
            }
        }
        let good = |insert: bool| -> Vec<usize> {
            (0..work.len()).filter(|at| derived.faults[*at].is_none() && work[*at].insert == insert).collect()
        };
        let (mut inserts, mut updates) = (good(true), good(false));
        if !there.is_empty() {
            let arrivals = |at: &BTreeSet<usize>| {
                self.arrivals(&derived, &identities, work, &at.iter().copied().collect::<Vec<_>>())
            };
            inserts.retain(|at| !there.holds(*at));
            updates.retain(|at| !there.holds(*at));
            let written = arrivals(&there.other).into_iter().chain(there.bad.into_values()).collect();
            stream.adopt((arrivals(&there.same), written));
            stream.postpone(arrivals(&there.later));
            updates.extend(&there.other);
        }
        if !inserts.is_empty() {
            stream.insert(self.written(&derived, &inserts)?, self.arrivals(&derived, &identities, work, &inserts));
        }
        if !updates.is_empty() {
            let modified = updates.iter().filter(|at| !work[**at].counted).count() as u64;
            stream.count(Counts { modified, ..Counts::default() });
            stream.update(self.written(&derived, &updates)?, self.arrivals(&derived, &identities, work, &updates));
        }
        let is_open = |at: &usize| derived.deferred[*at] && derived.faults[*at].is_none();
        let open: Vec<usize> = (0..work.len()).filter(is_open).collect();
        for at in open.iter().filter(|at| !there.later.contains(at)) {
            stream.defer(identities[*at].clone());
        }
        Ok(!open.is_empty())
    }

    async fn set_aside(
        &mut self,
        fault: &RowFault,
        (work, is_there): (&Work, bool),
        key: KeyBytes,
        stream: &mut Stream,
    ) -> Result<()> {
        if fault.severity == OnFailure::Fail {
            return Err(stopped_by(&self.plan, &key, fault));
        }
        let outcome = match fault.code {
            Code::ParentMissing | Code::RuleForeignKey => Outcome::Orphaned,
            Code::RuleUnique | Code::ConstraintUnique => Outcome::Collided,
            _ => Outcome::Quarantined,
        };
        if outcome == Outcome::Orphaned && !self.defers && work.known.is_some_and(waited_for_value) {
            stream.tries_alone();
        }
        let row = quarantine_row(&self.plan, self.context.run, key, fault);
        if work.counted {
            // The first pass loaded it, with its reference open.
            let rows = self.key_batch(std::slice::from_ref(&row.key)).await?;
            stream.withdraw(rows, vec![row], outcome);
        } else {
            let is_there = is_there || work.known.is_some_and(|known| known.present);
            stream.quarantine(row, outcome, is_there);
        }
        Ok(())
    }

    async fn derive(
        &mut self,
        rows: &RecordBatch,
        faults: &[CellFault],
        (keys, work): (&[KeyBytes], &[Work]),
    ) -> Result<Derived> {
        let transformed = tokio::task::block_in_place(|| self.transform.transform(rows, faults));
        self.context.script_costs.add(&self.plan.name, rows.num_rows(), self.transform.take_script_time());
        let mut derived = Derived::of(transformed, rows.num_rows());
        for field in 0..self.plan.fields.len() {
            self.resolve(field, &mut derived).await?;
        }
        let failed: Vec<bool> = derived.faults.iter().map(Option::is_some).collect();
        let transform = &mut self.transform;
        let found = tokio::task::block_in_place(|| transform.validate(&derived.columns, &failed));
        for fault in found {
            derived.fail(fault);
        }
        let context = &self.context;
        for fault in context.lookups.judge(&self.plan, &derived, &*context.destination).await? {
            derived.fail(fault);
        }
        if self.plan.key.strategy != KeyStrategy::Keep {
            // A row that failed gets no key.
            let sound = |(key, fault): (&KeyBytes, &Option<RowFault>)| Some(key.clone()).filter(|_| fault.is_none());
            let keys: Vec<Option<KeyBytes>> = keys.iter().zip(&derived.faults).map(sound).collect();
            // A row that someone removed from the destination comes back with the key it had.
            let had_key = |work: &Work| work.known.is_some_and(|known| known.present);
            let is_new: Vec<bool> = work.iter().map(|work| work.insert && !had_key(work)).collect();
            derived.key = self.own_keys.derive_own(&keys, &is_new).await?;
        }
        self.check_unique(&mut derived).await?;
        Ok(derived)
    }

    /// Replaces a reference's old keys by new keys.
    async fn resolve(&mut self, field: usize, derived: &mut Derived) -> Result<()> {
        let is_open = self.defers && self.open.contains(&field);
        let Some(reference) = &self.plan.fields[field].reference else {
            // What leads to another table by a foreign key alone is known already.
            let column = &derived.columns[field];
            let has_value = |row: &usize| is_open && column.is_valid(*row);
            (0..column.len()).filter(has_value).for_each(|row| derived.deferred[row] = true);
            return Ok(());
        };
        let Some(parent) = self.context.plan.entity(&reference.entity) else { return Ok(()) };
        let taken = parent.position_of(reference);
        let old = Arc::clone(&derived.columns[field]);
        let mut keys = referred_keys(&old)?;
        if is_open {
            for (row, key) in keys.iter().enumerate() {
                derived.deferred[row] |= key.is_some();
            }
            // Rules judge the key that the second pass will write.
            if let Some((_, own_keys)) = self.parents.get_mut(&reference.entity) {
                derived.columns[field] = own_keys.derive(&keys, Of::Coming).await?.swap_remove(taken);
            }
            return Ok(());
        }
        let Some((index, parent_keys)) = self.parents.get_mut(&reference.entity) else { return Ok(()) };
        let mut present = index.are_present(&keys).await?;
        if reference.on_missing == OnMissing::Default {
            put_default(&self.plan.fields[field], &mut keys, &present);
            present = index.are_present(&keys).await?;
        }
        derived.leave_out_missing(&self.plan, field, &mut keys, &present);
        derived.columns[field] = parent_keys.derive(&keys, Of::Loaded).await?.swap_remove(taken);
        Ok(())
    }

    async fn check_unique(&mut self, derived: &mut Derived) -> Result<()> {
        if self.uniques.is_none() {
            let mut indexes = Vec::new();
            for rule in self.plan.rules.iter().filter(|rule| rule.rule == "unique") {
                indexes.push(UniqueIndex::read(rule.clone(), &self.plan, &*self.context.destination).await?);
            }
            self.uniques = Some(indexes);
        }
        let mut indexes = self.uniques.take().unwrap_or_default();
        let found = self.admit(&mut indexes, derived);
        self.uniques = Some(indexes);
        for fault in found? {
            derived.fail(fault);
        }
        Ok(())
    }

    /// Claims the values of all rows that are free in all of them, those that rows of this batch give up among them.
    fn admit(&self, indexes: &mut [UniqueIndex], derived: &Derived) -> Result<Vec<RowFault>> {
        let key_columns = self.key_columns(derived);
        let key = cells(&key_columns)?;
        let columns: Vec<_> = indexes.iter().map(|index| &derived.columns[index.rule.field]).collect();
        let values = columns.into_iter().map(crate::rows::Cells::new).collect::<Result<Vec<_>>>()?;
        let sound: Vec<usize> = (0..derived.faults.len()).filter(|row| derived.faults[*row].is_none()).collect();
        let taken = Admission::of(indexes, &values, &key, &sound);
        Ok(taken.into_iter().map(|(row, index)| self.taken(&indexes[index], row)).collect())
    }

    fn taken(&self, index: &UniqueIndex, row: usize) -> RowFault {
        RowFault {
            row,
            field: Some(self.plan.fields[index.rule.field].destination.clone()),
            stage: Stage::Validate,
            code: Code::RuleUnique,
            message: "another row has this value".to_owned(),
            severity: index.rule.on_failure,
        }
    }

    /// The destination key's columns.
    fn key_columns(&self, derived: &Derived) -> Vec<ArrayRef> {
        if !derived.key.is_empty() {
            return derived.key.clone();
        }
        let position =
            |name: &transload_model::ColumnName| self.plan.fields.iter().position(|field| field.destination == *name);
        let fields = self.plan.key.destination.iter().filter_map(position);
        fields.map(|field| Arc::clone(&derived.columns[field])).collect()
    }

    /// The rows `at` as the destination gets them.
    fn written(&self, derived: &Derived, at: &[usize]) -> Result<RecordBatch> {
        let mut names = Vec::new();
        let mut columns = Vec::new();
        if !derived.key.is_empty() {
            names.extend(self.plan.key.destination.iter().map(|name| name.as_str().to_owned()));
            columns.extend(derived.key.iter().cloned());
        }
        let open = if self.defers { self.open.as_slice() } else { &[] };
        for (at, field) in self.plan.fields.iter().enumerate() {
            let column = &derived.columns[at];
            let is_open = open.contains(&at);
            names.push(field.destination.to_string());
            columns.push(if is_open { new_null_array(column.data_type(), column.len()) } else { Arc::clone(column) });
        }
        select(&names, &columns, at)
    }

    fn arrivals(&self, derived: &Derived, keys: &[KeyBytes], work: &[Work], at: &[usize]) -> Vec<Arrival> {
        let arrival = |row: &usize| Arrival {
            key: keys[*row].clone(),
            // Of a row that was loaded before, it stands in the ledger.
            destination_id: mapping_text(self.plan.key.strategy, &derived.key, *row)
                .filter(|_| !work[*row].known.is_some_and(|known| known.present)),
            counted: work[*row].counted_as(),
            retires: false,
        };
        at.iter().map(arrival).collect()
    }

    /// Key columns, by name, for rows of which only the source key is known.
    pub(crate) async fn key_batch(&mut self, keys: &[KeyBytes]) -> Result<RecordBatch> {
        self.key_batch_of(keys, Of::Loaded).await
    }

    /// The same; what rows they are says what is left NULL, and what is a mistake.
    pub(crate) async fn key_batch_of(&mut self, keys: &[KeyBytes], of: Of) -> Result<RecordBatch> {
        let wanted: Vec<Option<KeyBytes>> = keys.iter().cloned().map(Some).collect();
        let columns = self.own_keys.derive(&wanted, of).await?;
        let names: Vec<String> = self.plan.key.destination.iter().map(ToString::to_string).collect();
        select(&names, &columns, &(0..keys.len()).collect::<Vec<_>>())
    }

    /// Rows that are gone from the source, by name: their keys, and the run's start in the column that says when they went.
    pub(crate) async fn retired_batch(&mut self, keys: &[KeyBytes]) -> Result<RecordBatch> {
        let batch = self.key_batch(keys).await?;
        let Some(field) = self.plan.deleted_field.map(|at| &self.plan.fields[at]) else { return Ok(batch) };
        let unwritable = |reason: String| {
            let headline = format!("`{}` takes no moment: {reason}", field.destination);
            Box::new(Diagnostic::new(Code::UnfitColumn, headline))
        };
        let now = self.context.transform_context.now;
        let text = match field.written_as {
            LogicalType::Date => now.format("%Y-%m-%d").to_string(),
            LogicalType::Timestamptz => now.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
            _ => now.format("%Y-%m-%dT%H:%M:%S%.6f").to_string(),
        };
        let cell = self.context.factory.cell(&text.into(), field.written_as).map_err(unwritable)?;
        let moments = take(&cell, &UInt64Array::from(vec![0; keys.len()]), None);
        let moments = moments.map_err(|error| unwritable(error.to_string()))?;
        let schema = batch.schema();
        let mut names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        names.push(field.destination.to_string());
        let columns: Vec<ArrayRef> = batch.columns().iter().cloned().chain([moments]).collect();
        select(&names, &columns, &(0..keys.len()).collect::<Vec<_>>())
    }

    /// The fields among those that are left open which are looked up.
    pub(crate) fn open_lookups(&self) -> Vec<usize> {
        let is_looked_up = |field: &&usize| self.plan.fields[**field].reference.is_some();
        self.open.iter().filter(is_looked_up).copied().collect()
    }

    /// For rows whose references are still open: the source keys they refer to, per reference.
    pub(crate) fn open_references(&mut self, scored: &Scored, rows: &[Work]) -> Result<Vec<Vec<Option<KeyBytes>>>> {
        let (batch, faults) = pick(scored, rows)?;
        let transformed = tokio::task::block_in_place(|| self.transform.transform(&batch, &faults));
        self.open_lookups().into_iter().map(|field| referred_keys(&transformed.columns[field])).collect()
    }
}

fn waited_for_value(known: Known) -> bool {
    known.outcome == Outcome::Collided && !known.present
}

fn was_in_quarantine(known: Known) -> bool {
    !matches!(known.outcome, Outcome::Loaded | Outcome::Deferred | Outcome::DeletePending)
}

/// The problem of an entity that one row's failure stops.
pub(crate) fn stopped_by(plan: &EntityPlan, key: &KeyBytes, fault: &RowFault) -> Box<Diagnostic> {
    let headline = format!("a row of `{}` stops the entity: {}", plan.name, fault.message);
    let place = format!("{} · key {}", plan.name, key.text());
    Box::new(Diagnostic::new(Code::RowFailed, headline).at(place).help(fault.code.info().remedy))
}

/// A row that goes to quarantine.
pub(crate) fn quarantine_row(
    plan: &EntityPlan,
    run: transload_model::RunId,
    key: KeyBytes,
    fault: &RowFault,
) -> QuarantineRow {
    QuarantineRow {
        entity: plan.name.clone(),
        key,
        stage: fault.stage,
        code: fault.code,
        field: fault.field.clone(),
        message: fault.message.clone(),
        run,
    }
}

/// The fault of a row whose parent is not in the destination.
pub(crate) fn missing_parent(plan: &EntityPlan, field: usize, row: usize) -> RowFault {
    let field = &plan.fields[field];
    let reference = field.reference.as_ref();
    let parent = reference.map(|reference| reference.entity.to_string()).unwrap_or_default();
    let severity = match reference.map(|reference| reference.on_missing) {
        Some(OnMissing::Fail) => OnFailure::Fail,
        _ => OnFailure::Quarantine,
    };
    RowFault {
        row,
        field: Some(field.destination.clone()),
        stage: Stage::Reference,
        code: Code::ParentMissing,
        message: format!("it refers to a row of `{parent}` that is not in the destination"),
        severity,
    }
}

/// Looks the field's default up in place of keys that are not there.
pub(crate) fn put_default(field: &transload_model::FieldPlan, keys: &mut [Option<KeyBytes>], present: &[bool]) {
    let default = default_key(field);
    for (key, present) in keys.iter_mut().zip(present) {
        if key.is_some() && !present {
            key.clone_from(&default);
        }
    }
}

/// A field's `default_value` as the old key it stands for.
fn default_key(field: &transload_model::FieldPlan) -> Option<KeyBytes> {
    use transload_model::{KeyValue, LogicalType};
    let value = field.default.as_ref()?;
    let part = match field.data_type {
        LogicalType::Integer => KeyValue::Integer(value.as_i64()?),
        LogicalType::Text => KeyValue::Text(value.as_str()?.to_owned().into()),
        LogicalType::Uuid => KeyValue::Uuid(*uuid::Uuid::parse_str(value.as_str()?).ok()?.as_bytes()),
        LogicalType::Date => {
            let day: NaiveDate = value.as_str()?.parse().ok()?;
            KeyValue::Date(i32::try_from((day - NaiveDate::default()).num_days()).ok()?)
        }
        LogicalType::Timestamp => {
            let moment: NaiveDateTime = value.as_str()?.replace(' ', "T").parse().ok()?;
            KeyValue::Timestamp(moment.and_utc().timestamp_micros())
        }
        _ => return None,
    };
    Some(KeyBytes::encode(&[part]))
}

/// The rows of `work` as a batch of their own, with the faults of their cells.
fn pick(scored: &Scored, work: &[Work]) -> Result<(RecordBatch, Vec<CellFault>)> {
    let source = &scored.batch;
    if work.len() == source.rows.num_rows() {
        return Ok((source.rows.clone(), source.faults.clone()));
    }
    let names: Vec<String> = source.rows.schema().fields().iter().map(|field| field.name().clone()).collect();
    let at: Vec<usize> = work.iter().map(|work| work.row).collect();
    let rows = select(&names, source.rows.columns(), &at)?;
    let place = |fault: &CellFault| at.binary_search(&fault.row).ok().map(|row| CellFault { row, ..fault.clone() });
    Ok((rows, source.faults.iter().filter_map(place).collect()))
}

/// Some rows of some columns.
fn select(names: &[String], columns: &[ArrayRef], at: &[usize]) -> Result<RecordBatch> {
    let broken = |error: arrow::error::ArrowError| {
        Box::new(Diagnostic::new(Code::DestinationFailed, format!("a batch does not hold together: {error}")))
    };
    let indexes = UInt64Array::from_iter_values(at.iter().map(|at| *at as u64));
    let picked: std::result::Result<Vec<ArrayRef>, _> =
        columns.iter().map(|column| take(column, &indexes, None)).collect();
    let picked = picked.map_err(broken)?;
    let field = |(name, column): (&String, &ArrayRef)| Field::new(name, column.data_type().clone(), true);
    let fields: Vec<Field> = names.iter().zip(&picked).map(field).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), picked).map_err(broken)
}
