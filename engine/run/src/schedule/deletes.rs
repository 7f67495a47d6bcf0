//! Deletes in reverse order, once everything is loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use transload_model::{Counts, DeletePolicy, Diagnostic, EntityEvent, EntityPlan, EntityState, Outcome, Result};

use super::entity::{Way, go_on};
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

/// What is left of an entity that was done, and for which more was tried.
pub(super) async fn rest(context: &Context, plan: &EntityPlan, entity: &mut Moved, done: Result<()>) {
    entity.report.counts = entity.stream.as_ref().map_or(entity.report.counts, Stream::durable_counts);
    if let Err(problem) = done {
        // It is done but for this.
        entity.report.state = EntityState::Loaded;
        let counts = entity.report.counts;
        end(context, plan, (entity, counts), *problem).await;
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
        let Some(entity) = moved.get_mut(index).filter(|entity| entity.report.state == EntityState::Done) else {
            continue;
        };
        let plan = Arc::new(context.plan.entities()[*index].clone());
        let done = delete_rest(context, &plan, entity).await;
        rest(context, &plan, entity, done).await;
    }
    deleted(moved) > before
}

/// Tries what the destination would not let go before.
async fn delete_rest(context: &Arc<Context>, plan: &Arc<EntityPlan>, entity: &mut Moved) -> Result<()> {
    let Some(stream) = &mut entity.stream else { return Ok(()) };
    let mut deriver = Deriver::new(context, plan).await?;
    let mut pass = Pass { context, plan, deriver: &mut deriver, stream };
    if pass.has(Outcome::DeleteRefused).await? {
        pass.delete().await?;
        go_on((context, plan), entity, Way::settle_freed).await?;
    }
    end_entity(context, plan, entity).await
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
        Ok(()) if all_done => apply(context, &plan, entity).await,
        Ok(()) => Ok(None),
    };
    let Some(stream) = &entity.stream else { return };
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

async fn apply(context: &Arc<Context>, plan: &Arc<EntityPlan>, entity: &mut Moved) -> Result<Option<Diagnostic>> {
    let Some(stream) = &mut entity.stream else { return Ok(None) };
    let mut deriver = Deriver::new(context, plan).await?;
    let refusal = Pass { context, plan, deriver: &mut deriver, stream }.delete().await?;
    go_on((context, plan), entity, Way::settle_freed).await?;
    end_entity(context, plan, entity).await?;
    Ok(refusal)
}

/// The last step of an entity that is through.
async fn end_entity(context: &Arc<Context>, plan: &Arc<EntityPlan>, entity: &mut Moved) -> Result<()> {
    let Some(stream) = &mut entity.stream else { return Ok(()) };
    let mut deriver = Deriver::new(context, plan).await?;
    finish(&mut Pass { context, plan, deriver: &mut deriver, stream }).await
}

/// The last unit of an entity, where this run wrote any.
pub(super) async fn finish(pass: &mut Pass<'_>) -> Result<()> {
    let rewrite = pass.join_segments().await?;
    let misses_rows = pass.stream.saw_more() && pass.has(Outcome::Orphaned).await?;
    pass.stream.end(rewrite, misses_rows).await
}
