//! The one way to run a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use transload_model::{
    Catalog, Claim, Clock, Code, ColumnName, ConnectionName, Destination, Diagnostic, EntityName, EntityPlan,
    LedgerState, Plan, Position, Referrer, Relation, Result, RunId, RunState, Share, Snapshot, SnapshotReader, Source,
    StreamPosition, TableName, TransformContext, TransformFactory,
};

use crate::cost::ScriptCosts;
use crate::event::{Event, EventSink};
use crate::fence::Fences;
use crate::lookup::Lookups;
use crate::report::{QuarantineReason, RunReport};
use crate::unit::Gained;
use crate::{preflight, schedule};

/// What a run is asked for beside its plan.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Derive every row again and write what differs.
    pub remap: bool,
    /// Try the rows that are in quarantine again, whatever they wait for.
    pub retry_quarantined: bool,
    /// Takes the place of every entity's `deletes.max`.
    pub max_deletes: Option<Share>,
}

/// A run and everything it needs.
pub struct Job {
    /// What to do.
    pub plan: Arc<Plan>,
    /// Sources by connection.
    pub sources: BTreeMap<ConnectionName, Arc<dyn Source>>,
    /// Where rows and ledger go.
    pub destination: Arc<dyn Destination>,
    /// Makes functions and rules executable.
    pub factory: Arc<dyn TransformFactory>,
    /// What functions and rules may know. Its `now` is the run's start.
    pub transform_context: TransformContext,
    /// Who listens.
    pub sink: Arc<dyn EventSink>,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Asks the run to stop.
    pub stop: Stop,
    /// What else was asked for.
    pub options: Options,
}

/// Asks a run to stop after what it has in hand. It can be cloned and kept.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether someone asked.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What all entities of a run share.
pub(crate) struct Context {
    pub(crate) plan: Arc<Plan>,
    pub(crate) destination: Arc<dyn Destination>,
    pub(crate) factory: Arc<dyn TransformFactory>,
    pub(crate) transform_context: TransformContext,
    pub(crate) sink: Arc<dyn EventSink>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stop: Stop,
    pub(crate) options: Options,
    pub(crate) run: RunId,
    pub(crate) seed: u64,
    pub(crate) fences: Fences,
    /// Destination tables whose rows can refuse one another by other values than their key.
    pub(crate) colliding: BTreeSet<TableName>,
    snapshots: Snapshots,
    ledger: LedgerState,
    gained: Mutex<Gained>,
    pub(crate) script_costs: ScriptCosts,
    pub(crate) lookups: Lookups,
}

impl Context {
    /// A reader of the run's one moment of the entity's source.
    pub(crate) async fn reader(&self, plan: &EntityPlan) -> Result<Box<dyn SnapshotReader>> {
        let snapshot = self.snapshots.get(&plan.source.connection).ok_or_else(|| {
            let headline = format!("no source was given for connection `{}`", plan.source.connection);
            Box::new(Diagnostic::new(Code::UnknownConnection, headline))
        })?;
        snapshot.reader().await
    }

    /// The entity's position as it was when the run began.
    pub(crate) fn position(&self, entity: &EntityName) -> Option<&Position> {
        self.ledger.positions.get(entity)
    }

    /// The position of an entity that this run began before it was interrupted, where its spec is still the same.
    pub(crate) fn goes_on(&self, plan: &EntityPlan) -> Option<&Position> {
        let is_same = |position: &&Position| position.plan_fingerprint == plan.plan_fingerprint;
        // Rows before the place where it stopped are asked for, too.
        let from_start = self.options.remap || self.options.retry_quarantined;
        self.position(&plan.name).filter(|position| position.run == self.run && !from_start).filter(is_same)
    }

    /// Streams that the ledger holds of an entity, whatever run they belong to.
    pub(crate) fn streams(&self, entity: &EntityName) -> &[StreamPosition] {
        self.ledger.streams.get(entity).map_or(&[], Vec::as_slice)
    }

    /// Rows that each parent of the entity ever gained, as of now.
    pub(crate) fn parents_gained(&self, plan: &EntityPlan) -> Gained {
        let gained = self.gained.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |parent: &EntityName| (parent.clone(), gained.get(parent).copied().unwrap_or_default());
        plan.parents.iter().map(of).collect()
    }

    /// Columns that refer to the entity's key.
    pub(crate) fn referrers(&self, plan: &EntityPlan) -> Vec<Referrer> {
        self.plan.entities().iter().flat_map(|child| referrers(child, plan)).collect()
    }

    pub(crate) fn set_gained(&self, entity: &EntityName, rows: u64) {
        self.gained.lock().unwrap_or_else(PoisonError::into_inner).insert(entity.clone(), rows);
    }
}

/// The columns of `child` that refer to the key of `parent`.
fn referrers(child: &EntityPlan, parent: &EntityPlan) -> Vec<Referrer> {
    let one = |columns: Vec<ColumnName>| Referrer { table: child.destination.table.clone(), columns };
    let referred = child.fields.iter().filter_map(|field| Some((field, field.reference.as_ref()?)));
    let fields = referred.filter(|(_, reference)| reference.entity == parent.name);
    if parent.key.destination.len() == 1 {
        return fields.map(|(field, _)| one(vec![field.destination.clone()])).collect();
    }
    // Of a key of several columns, those belong together that look up the same; where one of them is not taken, the row names no row.
    let mut lookups: BTreeMap<String, BTreeMap<usize, ColumnName>> = BTreeMap::new();
    for (field, reference) in fields {
        let lookup = lookups.entry(format!("{:?} {:?}", field.sources, field.calls)).or_default();
        lookup.insert(parent.position_of(reference), field.destination.clone());
    }
    let whole = lookups.into_values().filter(|columns| columns.len() == parent.key.destination.len());
    whole.map(|columns| one(columns.into_values().collect())).collect()
}

/// Runs a plan to its end. Where an earlier process was interrupted, its run goes on.
///
/// Must be called in a runtime of several threads: transformations run in place on one of them.
///
/// # Errors
/// What kept the run from starting; nothing was written then. Problems of single entities are in the report.
pub async fn start(job: Job) -> Result<RunReport> {
    let started = job.clock.monotonic();
    let tables: Vec<TableName> = job.plan.entities().iter().map(|entity| entity.destination.table.clone()).collect();
    let ledger = job.destination.ledger(&tables).await?;
    let unfinished = unfinished_run(&ledger)?;
    let run = unfinished.unwrap_or_else(|| RunId::generate(&*job.clock));
    let catalogs = catalogs(&job.sources).await?;
    let held = job.destination.catalog().await?;
    let mut warnings = Vec::new();
    for entity in job.plan.entities() {
        warnings.extend(preflight::check_destination(entity, &*job.destination, &ledger).await?);
        warnings.extend(changed_spec(entity, &ledger, job.options));
    }
    let snapshots = snapshots(&job.plan, &job.sources).await?;
    let colliding = colliding(&job.plan, &held);
    let context = Arc::new(context(job, (snapshots, colliding), ledger, run, &tables));
    for entity in context.plan.entities() {
        preflight::check_keys(entity, &catalogs, &context).await?;
    }
    if unfinished.is_some() {
        // Ends the hold of the process that is gone, also where nothing is left to write.
        context.fences.take().await?;
    }
    let entities = context.plan.waves().iter().flatten().map(|i| context.plan.entities()[*i].name.clone()).collect();
    context.sink.emit(&Event::RunStarted { run_id: run, resumed: unfinished.is_some(), entities });
    let done = schedule::run_all(&context).await?;
    let state = schedule::end_state(&done.entities);
    // An interrupted run keeps its fences: whoever comes next finds its process gone and goes on with it.
    // What fails from here on must not hide what was done.
    if state != RunState::Paused {
        warnings.extend(context.fences.release().await.err().map(|problem| *problem));
    }
    let quarantine = reasons(&context).await.unwrap_or_else(|problem| {
        warnings.push(*problem);
        Vec::new()
    });
    warnings.extend(context.script_costs.warnings());
    let report = RunReport {
        run,
        resumed: unfinished.is_some(),
        state,
        entities: done.entities,
        quarantine,
        warnings,
        elapsed_ms: millis(context.clock.monotonic() - started),
        spent: done.spent,
    };
    context.sink.emit(&Event::RunCompleted { run_id: run, status: state.as_str(), totals: report.totals() });
    Ok(report)
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The run that a process which is gone left behind.
fn unfinished_run(ledger: &LedgerState) -> Result<Option<RunId>> {
    let mut unfinished = None;
    for fence in &ledger.fences {
        let Some(holder) = &fence.holder else { continue };
        if holder.alive {
            let headline = format!("run {} holds `{}`", holder.run.short(), fence.table);
            let help = "wait for it to end, or stop that process; then run again";
            let problem = Diagnostic::new(Code::InProgress, headline).note(format!("it is {}", holder.name));
            return Err(Box::new(problem.help(help)));
        }
        unfinished = unfinished.max(Some(holder.run));
    }
    Ok(unfinished)
}

async fn catalogs(sources: &BTreeMap<ConnectionName, Arc<dyn Source>>) -> Result<BTreeMap<ConnectionName, Catalog>> {
    let mut catalogs = BTreeMap::new();
    for (name, source) in sources {
        catalogs.insert(name.clone(), source.catalog().await?);
    }
    Ok(catalogs)
}

fn changed_spec(entity: &EntityPlan, ledger: &LedgerState, options: Options) -> Option<Diagnostic> {
    let position = ledger.positions.get(&entity.name)?;
    let is_same = position.mapped_fingerprint == entity.mapped_fingerprint;
    // Where other columns are read than before, every row is derived again anyway.
    if is_same || options.remap || position.read_fingerprint != entity.read_fingerprint {
        return None;
    }
    let headline = format!("the mapping of `{}` changed since the last run", entity.name);
    let code = Code::SpecChanged;
    Some(Diagnostic::warning(code, headline).note(code.info().sentence).help(code.info().remedy))
}

/// Destination tables in which rows with different keys can refuse one another: by another unique constraint, or because the primary key
/// is not what the plan takes for the key.
fn colliding(plan: &Plan, held: &Catalog) -> BTreeSet<TableName> {
    let collides = |entity: &&EntityPlan| {
        held.table(&entity.destination.table).is_some_and(|table| {
            let mut keys = [table.primary_key.clone(), entity.key.destination.clone()];
            keys.iter_mut().for_each(|key| key.sort());
            table.side_effects.secondary_unique || keys[0] != keys[1]
        })
    };
    plan.entities().iter().filter(collides).map(|entity| entity.destination.table.clone()).collect()
}

/// Sources at one moment, by connection.
type Snapshots = BTreeMap<ConnectionName, Arc<dyn Snapshot>>;

/// One moment of each source, for as many readers as work at the same time.
async fn snapshots(plan: &Plan, sources: &BTreeMap<ConnectionName, Arc<dyn Source>>) -> Result<Snapshots> {
    let mut snapshots = Snapshots::new();
    for (name, source) in sources {
        let own = plan.entities().iter().filter(|entity| entity.source.connection == *name);
        let relations: Vec<Relation> = own.map(EntityPlan::relation).collect();
        snapshots.insert(name.clone(), source.snapshot(&relations, plan.parallel_entity_limit()).await?);
    }
    Ok(snapshots)
}

fn context(
    job: Job,
    (snapshots, colliding): (Snapshots, BTreeSet<TableName>),
    ledger: LedgerState,
    run: RunId,
    tables: &[TableName],
) -> Context {
    // A new ledger digests with a seed of its own, so that no one can prepare rows that collide.
    let seed =
        if ledger.exists { ledger.digest_seed } else { twox_hash::XxHash3_64::oneshot(run.to_string().as_bytes()) };
    let epoch = |table: &TableName| ledger.fences.iter().find(|fence| fence.table == *table).map_or(0, |f| f.epoch);
    let mut tables: Vec<(TableName, u64)> = tables.iter().map(|table| (table.clone(), epoch(table))).collect();
    tables.sort();
    let claim = Claim { run, tables, at: job.clock.now(), digest_seed: seed, force: false };
    let gained = ledger.positions.iter().map(|(name, position)| (name.clone(), position.gained)).collect();
    Context {
        lookups: Lookups::of(job.plan.entities(), seed),
        plan: job.plan,
        fences: Fences::new(Arc::clone(&job.destination), claim),
        destination: job.destination,
        factory: job.factory,
        transform_context: job.transform_context,
        sink: job.sink,
        clock: job.clock,
        stop: job.stop,
        options: job.options,
        run,
        seed,
        snapshots,
        colliding,
        ledger,
        gained: Mutex::new(gained),
        script_costs: ScriptCosts::default(),
    }
}

async fn reasons(context: &Context) -> Result<Vec<QuarantineReason>> {
    let mut counted: BTreeMap<(EntityName, &'static str, Option<ColumnName>), u64> = BTreeMap::new();
    for row in context.destination.quarantine(None).await? {
        *counted.entry((row.entity, row.code.info().word, row.field)).or_default() += 1;
    }
    let reason = |((entity, code, field), rows)| QuarantineReason { entity, code, field, rows };
    Ok(counted.into_iter().map(reason).collect())
}
