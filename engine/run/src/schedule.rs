//! Entities in their order: each starts when its parents are done, so many at a time; deletes follow in reverse.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use transload_model::{
    Code, Counts, DeletePolicy, Diagnostic, EntityEvent, EntityPlan, EntityState, Phase, Result, RunState,
};

use crate::derive::Deriver;
use crate::detect::{Policy, Rewrite};
use crate::event::Event;
use crate::load::Pass;
use crate::reading::Reading;
use crate::report::{EntityReport, Spent};
use crate::start::{Context, millis};
use crate::streams::{self, Ranges};
use crate::unit::Stream;

/// What all entities did.
pub(crate) struct Done {
    pub(crate) entities: Vec<EntityReport>,
    pub(crate) spent: Spent,
}

/// An entity that is loaded, or is not.
struct Moved {
    index: usize,
    report: EntityReport,
    /// What it takes to go on with its deletes.
    stream: Option<Stream>,
    spent: [Duration; 3],
}

/// Loads all entities, then deletes.
pub(crate) async fn run_all(context: &Arc<Context>) -> Result<Done> {
    let order: Vec<usize> = context.plan.waves().iter().flatten().copied().collect();
    let mut waiting = order.clone();
    let mut moved: BTreeMap<usize, Moved> = BTreeMap::new();
    let mut running = JoinSet::new();
    loop {
        let mut held_back = Vec::new();
        for index in waiting {
            let state = parents_state(context, index, &moved);
            if state == Parents::Failed {
                moved.insert(index, not_started(context, index));
            } else if state == Parents::Done && running.len() < context.plan.parallel_entity_limit() {
                running.spawn(move_entity(Arc::clone(context), index));
            } else {
                held_back.push(index);
            }
        }
        waiting = held_back;
        let Some(joined) = running.join_next().await else {
            if waiting.is_empty() {
                break;
            }
            continue;
        };
        let done = joined.map_err(|error| {
            Box::new(Diagnostic::new(Code::DestinationFailed, format!("an entity's task ended by itself: {error}")))
        })?;
        moved.insert(done.index, done);
    }
    for index in order.iter().rev() {
        delete(context, *index, &mut moved).await;
    }
    Ok(finish(&order, moved))
}

#[derive(PartialEq, Eq)]
enum Parents {
    Waiting,
    Done,
    Failed,
}

fn parents_state(context: &Context, index: usize, moved: &BTreeMap<usize, Moved>) -> Parents {
    let entities = context.plan.entities();
    let mut state = Parents::Done;
    for parent in &entities[index].parents {
        let parent = entities.iter().position(|entity| entity.name == *parent);
        match parent.and_then(|parent| moved.get(&parent)) {
            Some(moved) if moved.report.state == EntityState::Loaded => {}
            Some(_) => return Parents::Failed,
            None => state = Parents::Waiting,
        }
    }
    state
}

fn not_started(context: &Context, index: usize) -> Moved {
    let plan = &context.plan.entities()[index];
    let headline = format!("`{}` did not start, because an entity that it waits for failed", plan.name);
    let problem = Diagnostic::new(Code::ParentFailed, headline).help(Code::ParentFailed.info().remedy);
    let report = report(plan, EntityState::Waiting, Counts::default(), Duration::ZERO, Some(problem));
    Moved { index, report, stream: None, spent: Default::default() }
}

fn report(
    plan: &EntityPlan,
    state: EntityState,
    counts: Counts,
    elapsed: Duration,
    problem: Option<Diagnostic>,
) -> EntityReport {
    EntityReport {
        entity: plan.name.clone(),
        state,
        counts,
        looked_for_deletes: plan.deletes != DeletePolicy::Ignore,
        elapsed_ms: millis(elapsed),
        problem,
    }
}

/// Loads one entity. Its failure is its own.
async fn move_entity(context: Arc<Context>, index: usize) -> Moved {
    let plan = Arc::new(context.plan.entities()[index].clone());
    let started = context.clock.monotonic();
    let mut stream = Stream::new(&context, &plan);
    let mut spent = [Duration::ZERO; 3];
    let done = load(&context, &plan, &mut stream, &mut spent).await;
    spent[2] = stream.load_time;
    let elapsed = context.clock.monotonic() - started;
    let (event, problem) = match done {
        Ok(()) => (EntityEvent::Load, None),
        Err(problem) if problem.code == Code::Interrupted => (EntityEvent::Suspend, Some(*problem)),
        Err(problem) => (EntityEvent::Fail, Some(*problem)),
    };
    let state = step(EntityState::Moving, event);
    let counts = if problem.is_none() { stream.counts() } else { stream.durable_counts() };
    let entity = plan.name.clone();
    context.sink.emit(&match &problem {
        None => Event::EntityLoaded { entity, counts, elapsed_ms: millis(elapsed) },
        Some(problem) => {
            let (code, message) = (problem.code.info().number, problem.headline.clone());
            Event::EntityFailed { entity, code, message, counts }
        }
    });
    let report = report(&plan, state, counts, elapsed, problem);
    Moved { index, report, stream: Some(stream), spent }
}

/// The state after an event. One that the state does not know would be a bug here, and a failure is its safest name.
fn step(state: EntityState, event: EntityEvent) -> EntityState {
    state.next(event).unwrap_or(EntityState::Failed)
}

async fn load(
    context: &Arc<Context>,
    plan: &Arc<EntityPlan>,
    stream: &mut Stream,
    spent: &mut [Duration; 3],
) -> Result<()> {
    if stream.phase() == Phase::Loading {
        load_rows(context, plan, stream, spent).await?;
    }
    if stream.phase() == Phase::Filling {
        fill(context, plan, stream, spent).await?;
    }
    context.set_gained(&plan.name, stream.gained());
    // Also where an interrupted run had loaded everything already.
    stream.check_budget(true)
}

/// The first pass, by one stream or several.
async fn load_rows(
    context: &Arc<Context>,
    plan: &Arc<EntityPlan>,
    stream: &mut Stream,
    spent: &mut [Duration; 3],
) -> Result<()> {
    let mut reading = Reading::open(context, plan).await?;
    let rows = reading.estimate().await?;
    context.sink.emit(&Event::EntityStarted { entity: plan.name.clone(), rows });
    let ranges = Ranges::plan(context, plan, stream, &mut reading).await?;
    if ranges.is_single() {
        return load_whole(context, plan, (stream, &mut reading), spent).await;
    }
    let policy = policy_with_orphans(context, plan, (stream, &mut reading)).await?;
    // Its connection is one that a stream may need.
    drop(reading);
    load_in_streams(context, plan, stream, (ranges, policy, spent)).await
}

async fn fill(
    context: &Arc<Context>,
    plan: &Arc<EntityPlan>,
    stream: &mut Stream,
    spent: &mut [Duration; 3],
) -> Result<()> {
    let mut reading = Reading::open(context, plan).await?;
    let mut deriver = Deriver::new(context, plan).await?;
    let mut pass = Pass { context, plan, deriver: &mut deriver, stream };
    let done = pass.fill(&mut reading).await;
    spent[0] += reading.time;
    spent[1] += deriver.time;
    done
}

async fn load_whole(
    context: &Arc<Context>,
    plan: &Arc<EntityPlan>,
    (stream, reading): (&mut Stream, &mut Reading),
    spent: &mut [Duration; 3],
) -> Result<()> {
    let policy = policy_with_orphans(context, plan, (stream, reading)).await?;
    let mut deriver = Deriver::new(context, plan).await?;
    let mut pass = Pass { context, plan, deriver: &mut deriver, stream };
    let done = pass.load(reading, policy).await;
    spent[0] += reading.time;
    spent[1] += deriver.time;
    let (rewrite, to_fill) = done?;
    stream.commit(rewrite, None, after_loading(to_fill)).await?;
    stream.check_budget(true)
}

async fn load_in_streams(
    context: &Arc<Context>,
    plan: &Arc<EntityPlan>,
    stream: &mut Stream,
    (ranges, policy, spent): (Ranges, Policy, &mut [Duration; 3]),
) -> Result<()> {
    let loaded = streams::load(context, plan, stream, (ranges, policy)).await?;
    spent[0] += loaded.spent[0];
    spent[1] += loaded.spent[1];
    stream.commit(Rewrite::default(), None, after_loading(loaded.to_fill)).await?;
    stream.check_budget(true)
}

fn after_loading(to_fill: bool) -> Phase {
    if to_fill { Phase::Filling } else { Phase::Loaded }
}

/// Rows that miss a row of their own entity are tried again in the run that brings it, wherever it comes in key order.
async fn policy_with_orphans(
    context: &Arc<Context>,
    plan: &Arc<EntityPlan>,
    (stream, reading): (&mut Stream, &mut Reading),
) -> Result<Policy> {
    let lookups = context.lookups.look(plan, &*context.destination).await?;
    let mut policy = policy(context, plan, &lookups);
    if !policy.retry_orphaned && !plan.self_references().is_empty() {
        let mut deriver = Deriver::new(context, plan).await?;
        let pass = Pass { context, plan, deriver: &mut deriver, stream };
        policy.retry_orphaned = pass.has_orphans().await? && pass.anything_moves(reading, policy).await?;
    }
    Ok(policy)
}

/// What decides about rows that did not move.
fn policy(context: &Context, plan: &EntityPlan, lookups: &BTreeMap<String, u64>) -> Policy {
    let position = context.position(&plan.name);
    let mut gained = context.parents_gained(plan);
    if let (Some(position), false) = (position, plan.self_references().is_empty()) {
        gained.insert(plan.name.clone(), position.gained);
    }
    Policy {
        remap: context.options.remap,
        incomparable: position.is_some_and(|position| position.read_fingerprint != plan.read_fingerprint),
        retry_quarantined: context.options.retry_quarantined
            || position.is_some_and(|position| position.plan_fingerprint != plan.plan_fingerprint),
        retry_orphaned: position
            .is_some_and(|position| position.parents_seen != gained || position.lookups_seen != *lookups),
        retry_collided: position.is_some_and(|position| position.freed != position.freed_seen),
        mark_deletes: plan.deletes != DeletePolicy::Ignore,
        fill: false,
    }
}

/// Deletes what is gone from an entity, once all that may refer to it is done with its own deletes.
async fn delete(context: &Arc<Context>, index: usize, moved: &mut BTreeMap<usize, Moved>) {
    let plan = Arc::new(context.plan.entities()[index].clone());
    let is_child = |other: &EntityPlan| other.parents.contains(&plan.name);
    let children = context.plan.entities().iter().enumerate().filter(|(_, other)| is_child(other));
    let mut children = children.map(|(child, _)| moved.get(&child));
    let all_done = children.all(|child| child.is_some_and(|child| child.report.state == EntityState::Done));
    let Some(entity) = moved.get_mut(&index) else { return };
    if entity.report.state != EntityState::Loaded {
        return;
    }
    let Some(stream) = &mut entity.stream else { return };
    let started = context.clock.monotonic();
    let before = stream.load_time;
    let done = if all_done { apply(context, &plan, stream).await } else { Ok(None) };
    entity.spent[2] += stream.load_time - before;
    entity.report.counts = if done.is_ok() { stream.counts() } else { stream.durable_counts() };
    entity.report.elapsed_ms += millis(context.clock.monotonic() - started);
    match done {
        Ok(refusal) => {
            // Where the guard spoke, the deletes wait in the ledger, and the entity is done all the same.
            if all_done {
                entity.report.state = step(entity.report.state, EntityEvent::Finish);
            }
            entity.report.problem = refusal;
            let (name, counts, elapsed_ms) = (plan.name.clone(), stream.counts(), entity.report.elapsed_ms);
            context.sink.emit(&Event::EntityCompleted { entity: name, counts, elapsed_ms });
        }
        Err(problem) => {
            entity.report.state = step(entity.report.state, EntityEvent::Fail);
            let (entity_name, counts) = (plan.name.clone(), stream.counts());
            let (code, message) = (problem.code.info().number, problem.headline.clone());
            context.sink.emit(&Event::EntityFailed { entity: entity_name, code, message, counts });
            entity.report.problem = Some(*problem);
        }
    }
}

async fn apply(context: &Arc<Context>, plan: &Arc<EntityPlan>, stream: &mut Stream) -> Result<Option<Diagnostic>> {
    if stream.phase() == Phase::Done {
        return Ok(None);
    }
    let mut deriver = Deriver::new(context, plan).await?;
    let mut pass = Pass { context, plan, deriver: &mut deriver, stream };
    let refusal = pass.delete().await?;
    stream.commit(Rewrite::default(), None, Phase::Done).await?;
    Ok(refusal)
}

fn finish(order: &[usize], mut moved: BTreeMap<usize, Moved>) -> Done {
    let mut entities = Vec::new();
    let mut spent = [Duration::ZERO; 3];
    for index in order {
        if let Some(done) = moved.remove(index) {
            for (total, part) in spent.iter_mut().zip(done.spent) {
                *total += part;
            }
            entities.push(done.report);
        }
    }
    let [detect, transform, load] = spent.map(millis);
    Done { entities, spent: Spent { detect_ms: detect, transform_ms: transform, load_ms: load } }
}

/// How the run ended.
pub(crate) fn end_state(entities: &[EntityReport]) -> RunState {
    let is = |state| entities.iter().any(|entity| entity.state == state);
    if is(EntityState::Suspended) {
        RunState::Paused
    } else if is(EntityState::Failed) || is(EntityState::Waiting) {
        RunState::Failed
    } else {
        RunState::Completed
    }
}
