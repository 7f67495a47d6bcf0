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
mod judge;
mod look;
mod sides;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use transload_model::{ColumnName, Diagnostic, EntityName, EntityPlan, KeyBytes, Relation, Result};

use crate::context::Context;
use crate::event::Event;
use crate::start::{Job, millis, observe};
use judge::Finding;
pub use judge::{Difference as RowDifference, Reason};
use look::Looker;
use sides::Sides;

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
    /// Its key at the source; of an extra row, the destination's.
    pub key: KeyBytes,
    /// What it is.
    pub difference: RowDifference,
    /// The columns that differ, where there are some to be told.
    pub columns: Vec<ColumnName>,
    /// Why it could not be derived any more, where that is so.
    pub fault: Option<&'static str>,
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
    /// Rows that differ, whatever explains them.
    pub found: Differences,
    /// Of these, what the ledger explains, by why.
    pub explained: BTreeMap<Reason, u64>,
    /// Of these, what nothing explains.
    pub unexplained: Differences,
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
            found: Differences::default(),
            explained: BTreeMap::new(),
            unexplained: Differences::default(),
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
        };
        self.found.add(difference);
        self.unexplained.add(difference);
        for name in &columns {
            *self.columns.entry(name.clone()).or_default() += 1;
        }
        if difference != RowDifference::Extra && self.repairable.len() < REPAIRED_MAX {
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
    let table = &plan.destination.table;
    verified.destination = context.destination.count(table).await?;
    verified.source = context.reader(&plan).await?.count(&plan.relation()).await?;
    context.sink.emit(&Event::EntityStarted { entity: plan.name.clone(), rows: Some(verified.source) });
    if context.position(&plan.name).is_none() {
        verified.state = VerifyState::Pending;
        return Ok(());
    }
    let columns = Columns::of(&plan, &options.columns);
    if columns.is_empty_beside_key() && !options.columns.is_empty() {
        verified.state = VerifyState::NotComparable("none of the columns that were asked for is written".to_owned());
        return Ok(());
    }
    let looker = Looker::new(job, &plan, &columns);
    match options.sample {
        Some(rows) => sampled(context, (&plan, rows), (&looker, options.listed, verified)).await?,
        None => every_row(context, (&plan, &columns), (&looker, options.listed, verified)).await?,
    }
    if verified.unexplained.total() > 0 {
        verified.state = VerifyState::Different;
    }
    Ok(())
}

/// Takes what both sides hold of every row.
async fn every_row(
    context: Arc<Context>,
    (plan, columns): (&Arc<EntityPlan>, &Columns),
    (looker, listed, verified): (&Looker<'_>, usize, &mut VerifiedEntity),
) -> Result<()> {
    let rows = verified.source.max(verified.destination);
    let candidates = Sides { context: &context, plan, columns }.candidates(rows).await?;
    // Each look sees a moment of its own, and connections may be few.
    drop(context);
    verified.compared = candidates.expected;
    let owned = looker.owners(&candidates.extra).await?;
    let extra = looker.still_there(owned.unknown).await?;
    if candidates.is_rough {
        // All that the source gives is looked at anyway.
        let gone = |key: &KeyBytes, finding| {
            if matches!(finding, Finding::Explained(RowDifference::Extra, _)) {
                verified.take(key, finding, listed);
            }
        };
        looker.judge(owned.known, gone).await?;
        looker.judge(candidates.keys, |key, finding| verified.take(key, finding, listed)).await?;
        looker.judge_all(|key, finding| verified.take(key, finding, listed)).await?;
    } else {
        let mut keys = candidates.keys;
        // A row that both are: it stands where another key leads.
        keys.extend(owned.known);
        keys.sort();
        keys.dedup();
        looker.judge(keys, |key, finding| verified.take(key, finding, listed)).await?;
    }
    for key in extra {
        let finding = Finding::Differs { difference: RowDifference::Extra, columns: Vec::new(), fault: None };
        verified.take(&key, finding, listed);
    }
    Ok(())
}

/// Takes some rows of the source; rows that only the destination has are told by their number.
async fn sampled(
    context: Arc<Context>,
    (plan, rows): (&Arc<EntityPlan>, usize),
    (looker, listed, verified): (&Looker<'_>, usize, &mut VerifiedEntity),
) -> Result<()> {
    let keys = sides::drawn(&context, plan, rows).await?;
    let loaded: u64 = context.destination.segments(&plan.name).await?.iter().map(|head| head.present).sum();
    drop(context);
    verified.compared = keys.len() as u64;
    looker.judge(keys, |key, finding| verified.take(key, finding, listed)).await?;
    let extra = verified.destination.saturating_sub(loaded);
    verified.found.extra += extra;
    verified.unexplained.extra += extra;
    Ok(())
}

/// The columns of an entity's destination that are compared: its key, and what else is written.
#[derive(Debug, Clone)]
struct Columns {
    key: Vec<ColumnName>,
    others: Vec<ColumnName>,
}

impl Columns {
    fn of(plan: &EntityPlan, chosen: &BTreeSet<ColumnName>) -> Self {
        let key = plan.key.destination.clone();
        let is_meant = |name: &ColumnName| !key.contains(name) && (chosen.is_empty() || chosen.contains(name));
        let others = plan.fields.iter().map(|field| field.destination.clone()).filter(is_meant).collect();
        Self { key, others }
    }

    /// The same, of the key alone.
    fn of_key(&self) -> Self {
        Self { key: self.key.clone(), others: Vec::new() }
    }

    fn is_empty_beside_key(&self) -> bool {
        self.others.is_empty()
    }

    /// The key first.
    fn all(&self) -> impl Iterator<Item = &ColumnName> {
        self.key.iter().chain(&self.others)
    }
}

/// What rows an entity's destination has.
fn destination_relation(plan: &EntityPlan) -> Relation {
    Relation::all(plan.destination.table.clone())
}
