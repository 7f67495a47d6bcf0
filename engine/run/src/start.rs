//! The one way to run a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use transload_model::{
    Catalog, Clock, Code, ConnectionName, ControlStore, Counts, Destination, Diagnostic, EntityName, EntityPlan,
    LedgerState, Plan, QuarantineReason, Relation, Result, RunId, RunState, Share, Source, TableName, TransformContext,
    TransformFactory,
};

use crate::context::{Context, Snapshots, context};
use crate::event::{Event, EventSink};
use crate::fence::{Hold, Seen, in_progress};
use crate::reach::Reach;
use crate::regressed::{self, Mirrored};
use crate::report::{EntityReport, RunReport};
use crate::retry::RetrySelection;
use crate::stop::{Halt, Stop, is_halt};
use crate::{preflight, requests, schedule, stale, without_spec};

/// What a run is asked for beside its plan.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Derive every row again and write what differs.
    pub remap: bool,
    /// Try these rows that are in quarantine again, whatever they wait for.
    pub retry_quarantined: RetrySelection,
    /// Takes the place of every entity's `deletes.max`.
    pub max_deletes: Option<Share>,
    /// Take rows that the destination holds already for those that would be loaded: only what differs is written.
    pub adopt_existing: bool,
    /// Take the destination over from a run whose process is still there. What is being written is not committed any more.
    pub take_over: bool,
    /// Go on with this run, and with no other.
    pub resume: Option<RunId>,
    /// Compare each row with what the destination holds before it is judged, whatever its spec detects changes by.
    pub repair: bool,
}

/// A run and everything it needs.
#[derive(Clone)]
pub struct Job {
    /// What to do.
    pub plan: Arc<Plan>,
    /// What the plan was made for: the tables of both ends, by connection.
    pub catalogs: BTreeMap<ConnectionName, Catalog>,
    /// The entities of which the project has a spec, active or not.
    pub specs: BTreeSet<EntityName>,
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
    /// Where people ask things of the run while it is at work.
    pub requests: Option<Arc<dyn ControlStore>>,
    /// What else was asked for.
    pub options: Options,
    /// Which rows it is about.
    pub reach: Reach,
    /// What the control store heard of last.
    pub mirrored: BTreeMap<EntityName, Mirrored>,
}

/// Runs a plan to its end. Where an earlier process was interrupted, its run goes on.
///
/// Must be called in a runtime of several threads: transformations run in place on one of them.
///
/// # Errors
/// What kept the run from starting; nothing was written then. Problems of single entities are in the report.
pub async fn start(job: Job) -> Result<RunReport> {
    let started = job.clock.monotonic();
    let tables = tables(&job.plan);
    let store = job.requests.clone();
    let Prepared { context, unfinished, takes_over, mut warnings } = prepare(job).await?;
    let run = context.run;
    if unfinished.is_some() || takes_over {
        // Ends the hold of the process that is gone, or has to go, also where nothing is left to write.
        if let Err(problem) = context.fences.take().await {
            return Err(came_late(&context, [problem.code]).await.unwrap_or(problem));
        }
    }
    if takes_over {
        // Until that moment it may have gone on.
        for entity in context.plan.entities() {
            context.look_again(entity).await?;
            let gained = context.position(&entity.name).map_or(0, |position| position.gained);
            context.set_gained(&entity.name, gained);
        }
    }
    let order = context.plan.waves().iter().flatten().map(|i| context.plan.entities()[*i].name.clone());
    let entities = order.filter(|name| context.reach.includes(name)).collect();
    let so_far = so_far(&context);
    context.sink.emit(&Event::RunStarted { run_id: run, resumed: unfinished.is_some(), entities, so_far });
    let mut following = JoinSet::new();
    following.spawn(expire(context.plan.snapshot_max_age(), context.stop.clone()));
    if let Some(store) = store {
        following.spawn(requests::follow(store, run, context.stop.clone()));
    }
    let mut done = schedule::run_all(&context).await?;
    following.shutdown().await;
    let codes = done.entities.iter().filter_map(|entity| Some(entity.problem.as_ref()?.code));
    if let Some(problem) = came_late(&context, codes).await {
        return Err(problem);
    }
    warnings.extend(done.warnings);
    let regressed = regressed::after(&context, &tables, &mut done.entities).await;
    let state = match schedule::end_state(&done.entities, context.stop.of_run()) {
        RunState::Completed if regressed.is_some() => RunState::Failed,
        // It never held the destination: nobody could go on with it.
        RunState::Paused if !context.fences.are_taken() && !is_asked_to_stop(&done.entities) => RunState::Failed,
        state => state,
    };
    warnings.extend(regressed);
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
    warnings.extend(context.marks.warnings());
    if state != RunState::Paused {
        warnings.extend(stale::problems(&context).await);
    }
    leave_out_repeated(&mut warnings, &done.entities);
    let is_overtaken = is_overtaken(&context, &tables, &done.entities).await;
    let report = RunReport {
        run,
        is_overtaken,
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

/// What the ledger says that became of rows in this run, before this process began.
fn so_far(context: &Context) -> BTreeMap<EntityName, Counts> {
    let begun = context.plan.entities().iter().filter_map(|entity| Some((entity, context.goes_on(entity)?)));
    begun.map(|(entity, position)| (entity.name.clone(), position.counts)).collect()
}

/// What ended an entity may meet whatever the run still has to do; it is told once.
fn leave_out_repeated(warnings: &mut Vec<Diagnostic>, entities: &[EntityReport]) {
    let mut told: BTreeSet<String> =
        entities.iter().filter_map(|e| Some(e.problem.as_ref()?.headline.clone())).collect();
    warnings.retain(|warning| told.insert(warning.headline.clone()));
}

/// Why a run that meant to take the destination has to leave it to another, which was there first. It wrote nothing.
async fn came_late(context: &Context, codes: impl IntoIterator<Item = Code>) -> Option<Box<Diagnostic>> {
    let mut codes = codes.into_iter();
    if context.fences.are_taken() || !codes.any(|code| matches!(code, Code::Fenced | Code::InProgress)) {
        return None;
    }
    let holder = context.fences.lost().await.filter(|problem| problem.code == Code::InProgress);
    Some(Box::new(holder.unwrap_or_else(|| {
        let headline = "another run that began at the same time was there first";
        Diagnostic::new(Code::InProgress, headline).help("run again, once that one has ended")
    })))
}

/// Whether an entity stopped because somebody or the clock said so.
fn is_asked_to_stop(entities: &[EntityReport]) -> bool {
    entities.iter().filter_map(|entity| entity.problem.as_ref()).any(|problem| is_halt(problem.code))
}

/// Stops the run when it has seen its sources as they were at one moment for long enough.
async fn expire(age: Duration, stop: Stop) {
    tokio::time::sleep(age).await;
    stop.ask(Halt::Expired);
}

/// A run that can begin. Nothing was written.
pub(crate) struct Prepared {
    pub(crate) context: Arc<Context>,
    /// The run that a process which is gone left behind.
    unfinished: Option<RunId>,
    /// Whether a living one has to give way.
    takes_over: bool,
    pub(crate) warnings: Vec<Diagnostic>,
}

/// Looks at both ends and checks what must hold before the first row is read.
pub(crate) async fn prepare(mut job: Job) -> Result<Prepared> {
    let tables = tables(&job.plan);
    let mut ledger = job.destination.ledger(&tables).await?;
    check_plan(&job.reach, &ledger)?;
    let (unfinished, takes_over) = left_behind(&ledger, &job).await?;
    let run = unfinished.unwrap_or_else(|| RunId::generate(&*job.clock));
    check_unfinished(&job.reach, unfinished)?;
    narrow(&mut job, unfinished);
    let held = job.destination.catalog().await?;
    preflight::check_tables(&job, &held)?;
    let seen = epochs(&ledger, &tables);
    let regressed = regressed::before(&job.plan, &job.mirrored, &ledger);
    if regressed.is_some() && matches!(job.options.retry_quarantined, RetrySelection::None) {
        // Rows may have been refused only because others were gone that come again now, and their number tells nobody.
        job.options.retry_quarantined = RetrySelection::All;
    }
    let mut warnings = without_spec::warnings(&*job.destination, (&ledger, &held), &job.specs).await?;
    match check_destination(&job, &ledger).await {
        Ok(found) => warnings.extend(regressed.into_iter().chain(found)),
        Err(problem) => {
            let lost = Seen(seen).lost(&*job.destination, Hold::Nothing).await;
            return Err(lost.map_or(problem, Box::new));
        }
    }
    stale::settle(&job, &mut ledger).await?;
    let snapshots = snapshots(&job.plan, &job.sources).await?;
    // Behind the snapshots, so that nothing changes between the look and the reading.
    let catalogs = catalogs(&job.sources).await?;
    preflight::check_sources(&job, &catalogs)?;
    let context = Arc::new(context(job, (snapshots, held), (ledger, takes_over), (run, seen)));
    for entity in context.plan.entities().iter().filter(|entity| context.reach.includes(&entity.name)) {
        preflight::check_keys(entity, &catalogs, &context).await?;
    }
    Ok(Prepared { context, unfinished, takes_over, warnings })
}

/// Looks at both ends as they are now, whoever is at work there. Nothing is checked, and nothing may be written.
pub(crate) async fn observe(job: Job) -> Result<Arc<Context>> {
    let tables = tables(&job.plan);
    let ledger = job.destination.ledger(&tables).await?;
    let held = job.destination.catalog().await?;
    let (run, seen) = (RunId::generate(&*job.clock), epochs(&ledger, &tables));
    let snapshots = snapshots(&job.plan, &job.sources).await?;
    Ok(Arc::new(context(job, (snapshots, held), (ledger, false), (run, seen))))
}

/// A run that is held to some rows would end an interrupted one, and whatever that has not moved yet would be left out.
fn check_unfinished(reach: &Reach, unfinished: Option<RunId>) -> Result<()> {
    let Some(run) = unfinished.filter(|_| !matches!(reach, Reach::Everything)) else { return Ok(()) };
    let headline = format!("run {} was interrupted, and is to go on with all that it was about", run.short());
    Err(Box::new(Diagnostic::new(Code::RunUnfinished, headline).help(Code::RunUnfinished.info().remedy)))
}

/// Where only single rows are to be tried again, no others are looked at. An interrupted run goes on with all that it was about.
fn narrow(job: &mut Job, unfinished: Option<RunId>) {
    let is_plain = matches!(job.reach, Reach::Everything) && !job.options.remap;
    if unfinished.is_none()
        && is_plain
        && let Some(reach) = job.options.retry_quarantined.reach(&job.plan)
    {
        job.reach = reach;
    }
}

fn tables(plan: &Plan) -> Vec<TableName> {
    plan.entities().iter().map(|entity| entity.destination.table.clone()).collect()
}

/// Whether another process that took this very run for left behind goes on with it.
async fn is_overtaken(context: &Context, tables: &[TableName], entities: &[EntityReport]) -> bool {
    let problems = entities.iter().filter_map(|entity| entity.problem.as_ref());
    if !problems.map(|problem| problem.code).any(|code| code == Code::Fenced) {
        return false;
    }
    let ledger = context.destination.ledger(tables).await.unwrap_or_default();
    let mut holders = ledger.fences.into_iter().filter_map(|fence| fence.holder);
    holders.any(|holder| holder.alive && holder.run == context.run)
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Digests of a plan can only be compared under the seed that they were made with.
fn check_plan(reach: &Reach, ledger: &LedgerState) -> Result<()> {
    let is_known = reach.digest_seed().is_none_or(|seed| !ledger.exists || seed == ledger.digest_seed);
    if is_known {
        return Ok(());
    }
    let headline = "the detection was made before the destination had the ledger that it has now";
    Err(Box::new(Diagnostic::new(Code::PlanOutdated, headline).help(Code::PlanOutdated.info().remedy)))
}

/// The run that a process which is gone left behind.
pub(crate) fn unfinished_run(ledger: &LedgerState) -> Result<Option<RunId>> {
    let mut unfinished = None;
    for fence in &ledger.fences {
        let Some(holder) = &fence.holder else { continue };
        if holder.alive {
            return Err(Box::new(in_progress(&fence.table, holder)));
        }
        unfinished = unfinished.max(Some(holder.run));
    }
    Ok(unfinished)
}

/// The run that a process which is gone left behind, where it is to go on; and whether a living one has to give way.
async fn left_behind(ledger: &LedgerState, job: &Job) -> Result<(Option<RunId>, bool)> {
    let mut unfinished = None;
    let mut takes_over = false;
    for fence in &ledger.fences {
        let Some(holder) = &fence.holder else { continue };
        if holder.alive && job.options.take_over {
            takes_over = true;
        } else if holder.alive {
            return Err(Box::new(in_progress(&fence.table, holder)));
        } else {
            unfinished = unfinished.max(Some(holder.run));
        }
    }
    if let Some(wanted) = job.options.resume
        && unfinished != Some(wanted)
    {
        let headline = format!("the destination does not hold run {}", wanted.short());
        return Err(Box::new(Diagnostic::new(Code::RunNotHeld, headline).help(Code::RunNotHeld.info().remedy)));
    }
    if let Some(run) = unfinished
        && (takes_over || requests::is_cancelled(job.requests.as_ref(), run).await)
    {
        unfinished = None;
    }
    Ok((unfinished, takes_over))
}

/// The tables in order, each with its epoch.
fn epochs(ledger: &LedgerState, tables: &[TableName]) -> Vec<(TableName, u64)> {
    let epoch = |table: &TableName| ledger.fences.iter().find(|fence| fence.table == *table).map_or(0, |f| f.epoch);
    let mut tables: Vec<(TableName, u64)> = tables.iter().map(|table| (table.clone(), epoch(table))).collect();
    tables.sort();
    tables
}

/// Compares the destination with what the ledger says of it. The warnings that come of it, and of specs that changed.
async fn check_destination(job: &Job, ledger: &LedgerState) -> Result<Vec<Diagnostic>> {
    let mut warnings = Vec::new();
    for entity in job.plan.entities() {
        warnings.extend(preflight::check_destination(entity, (job, ledger)).await?);
        warnings.extend(changed_spec(entity, ledger, &job.options));
    }
    Ok(warnings)
}

async fn catalogs(sources: &BTreeMap<ConnectionName, Arc<dyn Source>>) -> Result<BTreeMap<ConnectionName, Catalog>> {
    let mut catalogs = BTreeMap::new();
    for (name, source) in sources {
        catalogs.insert(name.clone(), source.catalog().await?);
    }
    Ok(catalogs)
}

fn changed_spec(entity: &EntityPlan, ledger: &LedgerState, options: &Options) -> Option<Diagnostic> {
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

async fn reasons(context: &Context) -> Result<Vec<QuarantineReason>> {
    let mut reasons = context.destination.quarantine_reasons(None).await?;
    // By the words that people read.
    reasons.sort_by(|a, b| (&a.entity, a.code.info().word, &a.field).cmp(&(&b.entity, b.code.info().word, &b.field)));
    Ok(reasons)
}
