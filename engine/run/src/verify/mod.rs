//! `verify`: whether the destination holds what the specs make of the source. Nothing is written.
//!
//! Both sides are read once, each in whatever order is cheapest for it, and every row adds its digest to a bucket that its destination key chooses:
//! what the source gives adds, what the destination holds takes away. Where a bucket is not zero in the end, its rows are looked at again, and
//! that time one by one (`sides.rs`). A digest only says where to look: what is told differs was compared by the destination itself, as an
//! update would compare it, and more than once, each time with a new moment of the source and what the ledger says then (`look.rs`). So a
//! source or a destination that is written to meanwhile raises no false alarm.
//!
//! The ledger tells why a row differs (`judge.rs`). A row that is in quarantine, or that moved at the source since it was loaded, is explained.

mod buckets;
mod drawn;
mod judge;
mod look;
mod sides;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, StringArray};
use transload_model::{Code, Column, ColumnName, Diagnostic, EntityName, EntityPlan, KeyBytes, Relation, Result};

use crate::baseline::gap;
use crate::context::Context;
use crate::event::Event;
use crate::start::{Job, millis, observe};
use crate::unique::column_type;
use drawn::drawn;
use judge::Finding;
pub use judge::{Difference as RowDifference, Reason};
use look::{Looker, Owned};
use sides::{Sides, Sizes, Strangers};

/// What is compared, and what is told.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// Only these columns of each entity; without any, all that are written.
    pub columns: BTreeSet<ColumnName>,
    /// Only about so many rows of each entity, drawn by chance.
    pub sample: Option<usize>,
    /// Unexplained rows of each entity that are told one by one.
    pub listed: usize,
}

/// How an entity was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerifyState {
    /// All that was compared is what it should be, or the ledger explains why not.
    Verified,
    /// Something differs, and nothing explains it.
    Different,
    /// It was not loaded yet.
    Pending,
    /// There is nothing to compare, and why.
    NotComparable(String),
    /// What kept it from being compared.
    Unknown(Box<Diagnostic>),
}

/// Rows that are not what they should be, by what they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Differences {
    /// The source has them, the destination does not.
    pub missing: u64,
    /// The destination has them, and nothing of the source leads to them.
    pub extra: u64,
    /// Both have them, with other values.
    pub different: u64,
}

impl Differences {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.missing + self.extra + self.different
    }

    fn add(&mut self, difference: RowDifference) {
        match difference {
            RowDifference::Missing => self.missing += 1,
            RowDifference::Extra => self.extra += 1,
            RowDifference::Different => self.different += 1,
        }
    }
}

impl std::ops::AddAssign for Differences {
    fn add_assign(&mut self, other: Self) {
        self.missing += other.missing;
        self.extra += other.extra;
        self.different += other.different;
    }
}

/// A row that is not what it should be, and nothing explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferingRow {
    /// Its key at the source; of an extra row that no run loaded, the destination's.
    pub key: KeyBytes,
    /// What it is.
    pub difference: RowDifference,
    /// The columns that differ, where there are some to be told.
    pub columns: Vec<ColumnName>,
    /// Why it could not be derived any more, where that is so.
    pub fault: Option<Code>,
}

/// What was found of one entity.
#[derive(Debug, Clone)]
pub struct VerifiedEntity {
    /// The entity.
    pub entity: EntityName,
    /// How it was found.
    pub state: VerifyState,
    /// Rows that its spec reads.
    pub source: u64,
    /// Rows of its destination table.
    pub destination: u64,
    /// Rows of the source that were compared.
    pub compared: u64,
    /// Of these, rows that were looked at one by one.
    pub looked_at: u64,
    /// Columns that were not compared, because they follow from the time of a run.
    pub left_out: Vec<ColumnName>,
    /// Whether the spec changed since rows were loaded by it, so that they may differ by that. Then none is repaired.
    pub spec_changed: bool,
    /// Rows that differ, whatever explains them.
    pub found: Differences,
    /// Of these, what the ledger explains, by why.
    pub explained: BTreeMap<Reason, u64>,
    /// Of these, what nothing explains.
    pub unexplained: Differences,
    /// Of these, rows that nobody can name: a sample tells how many there are, and no more.
    pub by_number: u64,
    /// In how many unexplained rows a column differs.
    pub columns: BTreeMap<ColumnName, u64>,
    /// The first unexplained rows.
    pub rows: Vec<DifferingRow>,
    /// The source keys of all unexplained rows that a run can write again, up to [`REPAIRED_MAX`].
    pub repairable: Vec<KeyBytes>,
    /// Wall clock.
    pub elapsed_ms: u64,
}

/// Rows of an entity that are named to be repaired at most.
pub const REPAIRED_MAX: usize = 100_000;

impl VerifiedEntity {
    fn of(entity: &EntityName) -> Self {
        Self {
            entity: entity.clone(),
            state: VerifyState::Verified,
            source: 0,
            destination: 0,
            compared: 0,
            looked_at: 0,
            left_out: Vec::new(),
            spec_changed: false,
            found: Differences::default(),
            explained: BTreeMap::new(),
            unexplained: Differences::default(),
            by_number: 0,
            columns: BTreeMap::new(),
            rows: Vec::new(),
            repairable: Vec::new(),
            elapsed_ms: 0,
        }
    }

    /// Rows that the ledger explains.
    #[must_use]
    pub fn explained(&self) -> u64 {
        self.explained.values().sum()
    }

    /// Takes in what was found of a row.
    fn take(&mut self, key: &KeyBytes, finding: Finding, listed: usize) {
        let (difference, columns, fault) = match finding {
            Finding::Same => return,
            Finding::Explained(difference, reason) => {
                self.found.add(difference);
                *self.explained.entry(reason).or_default() += 1;
                return;
            }
            Finding::Differs { difference, columns, fault } => (difference, columns, fault),
            Finding::Occupied { columns, fault, .. } => (RowDifference::Different, columns, fault),
        };
        self.found.add(difference);
        self.unexplained.add(difference);
        for name in &columns {
            *self.columns.entry(name.clone()).or_default() += 1;
        }
        // A row that is set aside as things are cannot be written; and by another spec, or with other masks, most of them would be others.
        let can_be_written = difference != RowDifference::Extra && fault.is_none() && !self.spec_changed;
        if can_be_written && self.repairable.len() < REPAIRED_MAX {
            self.repairable.push(key.clone());
        }
        if self.rows.len() < listed {
            self.rows.push(DifferingRow { key: key.clone(), difference, columns, fault });
        }
    }
}

/// What was found.
#[derive(Debug)]
pub struct Verification {
    /// Entities, parents first.
    pub entities: Vec<VerifiedEntity>,
    /// Wall clock.
    pub elapsed_ms: u64,
}

/// Compares what the specs make of the source with what the destination holds of some entities. Other runs may be at work meanwhile.
///
/// Must be called in a runtime of several threads.
///
/// # Errors
/// What kept it from looking at all. What kept a single entity from being compared is its [`VerifyState`].
pub async fn verify(job: &Job, wanted: &BTreeSet<EntityName>, options: &VerifyOptions) -> Result<Verification> {
    let started = job.clock.monotonic();
    // Before any entity, so that a ledger that cannot be read is told once.
    observe(job.clone()).await?;
    let order = job.plan.waves().iter().flatten().map(|index| &job.plan.entities()[*index]);
    let mut entities = Vec::new();
    for plan in order.filter(|plan| wanted.contains(&plan.name)) {
        let began = job.clock.monotonic();
        let mut verified = VerifiedEntity::of(&plan.name);
        if let Err(problem) = compare(job, plan, (options, &mut verified)).await {
            verified.state = VerifyState::Unknown(problem);
        }
        verified.elapsed_ms = millis(job.clock.monotonic() - began);
        entities.push(verified);
    }
    Ok(Verification { entities, elapsed_ms: millis(job.clock.monotonic() - started) })
}

async fn compare(
    job: &Job,
    plan: &EntityPlan,
    (options, verified): (&VerifyOptions, &mut VerifiedEntity),
) -> Result<()> {
    let context = observe(job.clone()).await?;
    let plan = Arc::new(plan.clone());
    verified.destination = context.destination.count(&plan.destination.table).await?;
    verified.source = context.reader(&plan).await?.count(&plan.relation()).await?;
    context.sink.emit(&Event::EntityStarted { entity: plan.name.clone(), rows: Some(verified.source) });
    let position = context.position(&plan.name);
    // Of an entity without a row a run may not have said anything.
    if position.is_none() && verified.source > 0 {
        verified.state = VerifyState::Pending;
        return Ok(());
    }
    verified.spec_changed = position.is_some_and(|position| position.mapped_fingerprint != plan.mapped_fingerprint);
    let (columns, left_out) = Columns::of(&context, &plan, &options.columns)?;
    verified.left_out = left_out;
    if columns.others.is_empty() && !verified.left_out.is_empty() && !options.columns.is_empty() {
        let why = "what is asked for follows from the time of a run".to_owned();
        verified.state = VerifyState::NotComparable(why);
        return Ok(());
    }
    let looker = Looker::new(job, &plan, &columns);
    let look = Look { plan: &plan, columns: &columns, looker: &looker, listed: options.listed };
    match options.sample {
        Some(rows) => sampled(context, (look, rows), verified).await?,
        None => every_row(context, look, verified).await?,
    }
    if verified.unexplained.total() > 0 {
        verified.state = VerifyState::Different;
    }
    Ok(())
}

/// What is looked at of an entity, and what is told of it.
#[derive(Clone, Copy)]
struct Look<'a> {
    plan: &'a Arc<EntityPlan>,
    columns: &'a Columns,
    looker: &'a Looker<'a>,
    /// Unexplained rows that are told one by one.
    listed: usize,
}

/// Takes what both sides hold of every row.
async fn every_row(context: Arc<Context>, look: Look<'_>, verified: &mut VerifiedEntity) -> Result<()> {
    let Look { plan, columns, looker, listed } = look;
    let sizes = Sizes { source: verified.source, destination: verified.destination };
    let candidates = Sides { context: &context, plan, columns }.candidates(sizes).await?;
    // Each look sees a moment of its own, and connections may be few.
    drop(context);
    verified.compared = candidates.expected;
    let Strangers { rows, doubled } = candidates.strangers;
    let Owned { known, unknown } = looker.owners(rows).await?;
    let mut extra = looker.still_there(unknown, candidates.is_rough).await?;
    extra.extend(looker.still_doubled(doubled).await?);
    if candidates.is_rough {
        verified.looked_at = candidates.expected;
        // All that the source gives is looked at anyway.
        let gone = |key: &KeyBytes, finding| {
            let (Finding::Explained(difference, _) | Finding::Differs { difference, .. }) = &finding else { return };
            if *difference == RowDifference::Extra {
                verified.take(key, finding, listed);
            }
        };
        looker.judge(known, gone).await?;
        looker.judge(candidates.keys, |key, finding| verified.take(key, finding, listed)).await?;
        looker.judge_all(|key, finding| verified.take(key, finding, listed)).await?;
    } else {
        let mut keys = candidates.keys;
        // A row that both are: it stands where another key leads.
        keys.extend(known);
        keys.sort();
        // Rows without a key are as many as there are, also where they hold the same.
        keys.dedup_by(|one, other| one == other && !one.is_unkeyed());
        verified.looked_at = keys.len() as u64;
        looker.judge(keys, |key, finding| verified.take(key, finding, listed)).await?;
    }
    for key in extra {
        let finding = Finding::Differs { difference: RowDifference::Extra, columns: Vec::new(), fault: None };
        verified.take(&key, finding, listed);
    }
    Ok(())
}

/// Takes some rows of the source; rows that only one side has are told by their number.
async fn sampled(context: Arc<Context>, (look, rows): (Look<'_>, usize), verified: &mut VerifiedEntity) -> Result<()> {
    let Look { plan, looker, listed, .. } = look;
    let keys = drawn(&context, plan, (rows, verified.source)).await?;
    let surplus = surplus(&context, plan).await?;
    drop(context);
    if keys.is_empty() && verified.source > 0 {
        verified.state = VerifyState::NotComparable("no row of the source has a key".to_owned());
        return Ok(());
    }
    (verified.compared, verified.looked_at) = (keys.len() as u64, keys.len() as u64);
    looker.judge(keys, |key, finding| verified.take(key, finding, listed)).await?;
    let (missing, extra) = match surplus {
        ..0 => (surplus.unsigned_abs().saturating_sub(verified.unexplained.missing), 0),
        0.. => (0, surplus.unsigned_abs()),
    };
    verified.by_number = missing + extra;
    for found in [&mut verified.found, &mut verified.unexplained] {
        found.missing += missing;
        found.extra += extra;
    }
    Ok(())
}

/// How many more rows the destination has than the ledger knows; below zero, how many fewer. None where runs keep writing meanwhile.
async fn surplus(context: &Context, plan: &EntityPlan) -> Result<i64> {
    let mut before = context.destination.segments(&plan.name).await?;
    for _ in 0..look::LOOKS {
        let held = context.destination.count(&plan.destination.table).await?;
        let after = context.destination.segments(&plan.name).await?;
        if before == after {
            return Ok(gap(held, after.iter().map(|head| head.present).sum()));
        }
        before = after;
    }
    Ok(0)
}

/// The columns of an entity's destination that are compared: its key, and what else is written.
#[derive(Debug, Clone)]
struct Columns {
    key: Vec<ColumnName>,
    others: Vec<ColumnName>,
    /// Those whose values the destination fills up with blanks.
    padded: BTreeSet<ColumnName>,
    /// Whether the key is of other types than its columns, such as a UUID in a text, so that the table cannot be asked for rows by it.
    is_foreign: bool,
}

impl Columns {
    /// Those that are chosen, or all, without those that are another with each run. And which these are.
    fn of(context: &Context, plan: &Arc<EntityPlan>, chosen: &BTreeSet<ColumnName>) -> Result<(Self, Vec<ColumnName>)> {
        let transform = context.factory.compile(plan, &context.transform_context)?;
        let key = plan.key.destination.clone();
        let (mut others, mut left_out) = (Vec::new(), Vec::new());
        for (at, field) in plan.fields.iter().enumerate() {
            let name = &field.destination;
            if key.contains(name) || !(chosen.is_empty() || chosen.contains(name)) {
                continue;
            }
            let kind = if transform.asks_the_time(at) { &mut left_out } else { &mut others };
            kind.push(name.clone());
        }
        let is_padded =
            |name: &&ColumnName| context.column(&plan.destination.table, name).is_some_and(Column::is_padded);
        let is_own = |name: &ColumnName| {
            let column = context.column(&plan.destination.table, name);
            column.is_some_and(|column| column.logical == column_type(plan, name))
        };
        let is_foreign = !key.iter().all(is_own);
        let padded = key.iter().chain(&others).filter(is_padded).cloned().collect();
        Ok((Self { key, others, padded, is_foreign }, left_out))
    }

    /// The same, of the key alone.
    fn of_key(&self) -> Self {
        Self { others: Vec::new(), ..self.clone() }
    }

    /// Whether rows with a key are found by it as it is.
    fn finds(&self, key: &KeyBytes) -> bool {
        !self.is_foreign && !key.is_unkeyed()
    }

    fn has_padded_key(&self) -> bool {
        self.key.iter().any(|name| self.padded.contains(name))
    }

    /// The key first.
    fn all(&self) -> impl Iterator<Item = &ColumnName> {
        self.key.iter().chain(&self.others)
    }

    /// The values of the first of these columns, without the blanks that the destination puts behind them.
    fn plain(&self, mut values: Vec<ArrayRef>) -> Vec<ArrayRef> {
        for (values, _) in values.iter_mut().zip(self.all()).filter(|(_, name)| self.padded.contains(*name)) {
            if let Some(texts) = values.as_string_opt::<i32>() {
                let cut = texts.iter().map(|text| text.map(|text| text.trim_end_matches(' ')));
                *values = Arc::new(cut.collect::<StringArray>());
            }
        }
        values
    }
}

/// What rows an entity's destination has.
fn destination_relation(plan: &EntityPlan) -> Relation {
    Relation::all(plan.destination.table.clone())
}
