//! Deletes in reverse order, once everything is loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use transload_model::{Counts, DeletePolicy, Diagnostic, EntityEvent, EntityPlan, EntityState, Outcome, Phase, Result};

use super::moved::{Moved, cause, ended_by, step, stopped};
use crate::context::Context;
use crate::derive::Deriver;
use crate::event::Event;
use crate::load::Pass;
use crate::start::millis;
use crate::unit::Stream;

/// Deletes in reverse order. In a circle nobody comes last, so there it goes around for as long as that frees any.
pub(super) async fn delete_all(context: &Arc<Context>, order: &[usize], moved: &mut BTreeMap<usize, Moved>) {
    let mut done = BTreeSet::new();
    for index in order.iter().rev() {
        delete(context, *index, moved).await;
        done.insert(*index);
        let circle = context.plan.circle(*index);
        let is_last = circle.len() > 1 && circle.iter().all(|other| done.contains(other));
        while is_last && delete_around(context, order, circle, moved).await {}
    }
}

/// Tries the deletes of a circle once more, where one of its entities has some that were refused. Says whether any went.
async fn delete_around(
    context: &Arc<Context>,
    order: &[usize],
    circle: &[usize],
    moved: &mut BTreeMap<usize, Moved>,
) -> bool {
    let deleted = |moved: &BTreeMap<usize, Moved>| -> u64 {
        circle.iter().filter_map(|index| moved.get(index)).map(|moved| moved.report.counts.deleted).sum()
    };
    let before = deleted(moved);
    if before == 0 {
        return false;
    }
    for index in order.iter().rev().filter(|index| circle.contains(index)) {
        let is_done = moved.get(index).is_some_and(|moved| moved.report.state == EntityState::Done);
        let Some(stream) = moved.get_mut(index).filter(|_| is_done).and_then(|moved| moved.stream.as_mut()) else {
            continue;
        };
        let plan = Arc::new(context.plan.entities()[*index].clone());
        let tried = delete_rest(context, &plan, stream).await;
        let counts = stream.durable_counts();
        let Some(entity) = moved.get_mut(index) else { continue };
        entity.report.counts = counts;
        if let Err(problem) = tried {
            // It is done but for these deletes.
            entity.report.state = EntityState::Loaded;
            end(context, &plan, (entity, counts), *problem).await;
        }
    }
    deleted(moved) > before
}

/// Tries what the destination would not let go before.
async fn delete_rest(context: &Arc<Context>, plan: &Arc<EntityPlan>, stream: &mut Stream) -> Result<()> {
    let mut deriver = Deriver::new(context, plan).await?;
    let mut pass = Pass { context, plan, deriver: &mut deriver, stream };
    if pass.has(Outcome::DeleteRefused).await? {
        pass.delete().await?;
    }
    finish(&mut pass).await
}

/// Deletes what is gone from an entity, once all that may refer to it is done with its own deletes.
async fn delete(context: &Arc<Context>, index: usize, moved: &mut BTreeMap<usize, Moved>) {
    let plan = Arc::new(context.plan.entities()[index].clone());
    let is_child = |other: &EntityPlan| other.parents.contains(&plan.name) && context.reach.includes(&other.name);
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
    // Where there is nothing to delete, nothing is left that could be stopped.
    let halt = if plan.deletes == DeletePolicy::Ignore { Ok(()) } else { stream.check_halt() };
    let done = match halt {
        Err(problem) => Err(problem),
        Ok(()) if all_done => apply(context, &plan, stream).await,
        Ok(()) => Ok(None),
    };
    entity.spent[2] += stream.load_time - before;
    entity.report.counts = if done.is_ok() { stream.counts() } else { stream.durable_counts() };
    entity.report.elapsed_ms += millis(context.clock.monotonic() - started);
    match done {
        Ok(refusal) => {
            // Where the guard spoke, the deletes wait in the ledger, and the entity is done all the same.
            if all_done {
                entity.report.state = step(entity.report.state, EntityEvent::Finish);
            }
            entity.report.problem = refusal.or(entity.report.problem.take());
            let (name, counts, elapsed_ms) = (plan.name.clone(), stream.counts(), entity.report.elapsed_ms);
            context.sink.emit(&Event::EntityCompleted { entity: name, counts, elapsed_ms });
        }
        Err(problem) => {
            let counts = stream.counts();
            end(context, &plan, (entity, counts), *problem).await;
        }
    }
}

/// What a problem makes of an entity that is loaded.
async fn end(context: &Context, plan: &EntityPlan, (entity, counts): (&mut Moved, Counts), problem: Diagnostic) {
    let problem = cause(context, plan, problem).await;
    let event = ended_by(context, plan, &problem);
    entity.report.state = step(entity.report.state, event);
    context.sink.emit(&stopped(plan.name.clone(), (event, &problem), counts));
    entity.report.problem = Some(problem);
}

async fn apply(context: &Arc<Context>, plan: &Arc<EntityPlan>, stream: &mut Stream) -> Result<Option<Diagnostic>> {
    let mut deriver = Deriver::new(context, plan).await?;
    let mut pass = Pass { context, plan, deriver: &mut deriver, stream };
    let refusal = pass.delete().await?;
    finish(&mut pass).await?;
    Ok(refusal)
}

/// The last unit of an entity, where this run wrote any.
async fn finish(pass: &mut Pass<'_>) -> Result<()> {
    let rewrite = pass.join_segments().await?;
    pass.stream.commit(rewrite, None, Phase::Done).await
}
