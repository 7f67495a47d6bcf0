//! What became of an entity.

use std::time::Duration;

use transload_model::{
    Code, Counts, DeletePolicy, Diagnostic, EntityEvent, EntityName, EntityPlan, EntityState, Result, Retry,
};

use crate::context::Context;
use crate::cursor;
use crate::event::Event;
use crate::report::EntityReport;
use crate::start::millis;
use crate::stop::{Halt, is_halt};
use crate::unit::Stream;

/// An entity that is loaded, or is not.
pub(super) struct Moved {
    pub(super) index: usize,
    pub(super) report: EntityReport,
    /// What it takes to go on with its deletes.
    pub(super) stream: Option<Stream>,
    pub(super) spent: [Duration; 3],
    /// Whether fields are still to be filled that lead to entities which are loaded later.
    pub(super) is_open: bool,
}

/// Whether an entity is cancelled while its run goes on. Where the run is cancelled, its entities stop as they do where it is paused.
pub(super) fn is_ended(context: &Context, halt: Option<Halt>) -> bool {
    halt == Some(Halt::Cancelled) && context.stop.of_run() != Some(Halt::Cancelled)
}

pub(super) fn idle(context: &Context, index: usize, state: EntityState, problem: Diagnostic) -> Moved {
    let report = report(context, index, state, (Counts::default(), Duration::ZERO, Some(problem)));
    Moved { index, report, stream: None, spent: Default::default(), is_open: false }
}

pub(super) fn report(
    context: &Context,
    index: usize,
    state: EntityState,
    (counts, elapsed, problem): (Counts, Duration, Option<Diagnostic>),
) -> EntityReport {
    let plan = &context.plan.entities()[index];
    EntityReport {
        entity: plan.name.clone(),
        state,
        counts,
        looked_for_deletes: plan.deletes != DeletePolicy::Ignore,
        guarantee: cursor::guarantee(context, plan).unwrap_or_default(),
        elapsed_ms: millis(elapsed),
        problem,
    }
}

pub(super) async fn ended(
    context: &Context,
    index: usize,
    (stream, spent): (Stream, [Duration; 3]),
    elapsed: Duration,
    done: Result<()>,
) -> Moved {
    let plan = &context.plan.entities()[index];
    let (event, problem) = match done {
        Ok(()) => (EntityEvent::Load, None),
        Err(problem) => {
            let problem = cause(context, plan, *problem).await;
            (ended_by(context, plan, &problem), Some(problem))
        }
    };
    let state = step(EntityState::Moving, event);
    let counts = if problem.is_none() { stream.counts() } else { stream.durable_counts() };
    let entity = plan.name.clone();
    context.sink.emit(&match &problem {
        None => Event::EntityLoaded { entity, counts, elapsed_ms: millis(elapsed) },
        Some(problem) => stopped(entity, (event, problem), counts),
    });
    let problem = problem.or_else(|| outdated(context, plan, &stream));
    let report = report(context, index, state, (counts, elapsed, problem));
    Moved { index, report, stream: Some(stream), spent, is_open: false }
}

/// Rows that are not what they were when they were detected.
fn outdated(context: &Context, plan: &EntityPlan, stream: &Stream) -> Option<Diagnostic> {
    context.reach.digest_seed().filter(|_| stream.left_alone > 0)?;
    let headline = match stream.left_alone {
        1 => format!("1 row of `{}` is not what it was when it was detected", plan.name),
        rows => format!("{rows} rows of `{}` are not what they were when they were detected", plan.name),
    };
    let code = Code::PlanOutdated;
    Some(Diagnostic::new(code, headline).note("what else was detected is moved").help(code.info().remedy))
}

/// What is behind a problem: a run that lost the destination to another one stumbles over what that one does.
pub(super) async fn cause(context: &Context, plan: &EntityPlan, problem: Diagnostic) -> Diagnostic {
    if is_halt(problem.code) || matches!(problem.code, Code::Fenced | Code::InProgress) {
        return problem;
    }
    match context.fences.lost().await {
        Some(lost) => lost.note(problem.headline),
        None if problem.code == Code::SchemaDrift => drifted(context, plan, problem).await,
        None => problem,
    }
}

/// Says what changed about the destination's table. Where nobody can be asked any more, what happened is told all the same.
async fn drifted(context: &Context, plan: &EntityPlan, problem: Diagnostic) -> Diagnostic {
    let changes = context.changes(&plan.destination.table).await.unwrap_or_default();
    changes.into_iter().fold(problem, |problem, change| problem.note(format!("at the destination: {change}")))
}

/// What a problem does to its entity. One that was asked to stop, or waits for a resource, goes on some other time, unless it was cancelled
/// alone.
pub(super) fn ended_by(context: &Context, plan: &EntityPlan, problem: &Diagnostic) -> EntityEvent {
    let is_over = problem.code == Code::Cancelled && is_ended(context, context.stop.of(&plan.name));
    let is_waited_for = problem.code.info().retry == Retry::Wait;
    if (is_halt(problem.code) && !is_over) || is_waited_for { EntityEvent::Suspend } else { EntityEvent::Fail }
}

pub(super) fn stopped(entity: EntityName, (event, problem): (EntityEvent, &Diagnostic), counts: Counts) -> Event {
    let (code, message) = (problem.code.info().number, problem.headline.clone());
    if event == EntityEvent::Suspend {
        Event::EntitySuspended { entity, code, message, counts }
    } else {
        Event::EntityFailed { entity, code, message, counts }
    }
}

/// The state after an event. One that the state does not know would be a bug here, and a failure is its safest name.
pub(super) fn step(state: EntityState, event: EntityEvent) -> EntityState {
    state.next(event).unwrap_or(EntityState::Failed)
}
