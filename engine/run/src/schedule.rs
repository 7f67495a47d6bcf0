//! Entities in their order: each starts when its parents are done, so many at a time; deletes follow in reverse, and then rows that come behind.
//!
//! Where entities wait for one another in a circle, one of them is loaded with fields left open. It counts as loaded to the others of the circle
//! then, and to all else when those fields are filled: after the whole circle is loaded, one entity after the other.

mod deletes;
mod entity;
mod follow;
mod moved;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use transload_model::{Code, Diagnostic, EntityEvent, EntityName, EntityState, Result, RunState};

use crate::context::Context;
use crate::cursor;
use crate::report::{EntityReport, Spent};
use crate::start::millis;
use crate::stop::{Halt, is_halt};
use deletes::delete_all;
use entity::{fill_entity, move_entity};
use follow::follow;
use moved::{Moved, ended, idle, is_ended, step};

/// What all entities did.
pub(crate) struct Done {
    pub(crate) entities: Vec<EntityReport>,
    pub(crate) warnings: Vec<Diagnostic>,
    pub(crate) spent: Spent,
}

/// Loads all entities, then deletes, then takes in what comes behind.
pub(crate) async fn run_all(context: &Arc<Context>) -> Result<Done> {
    let is_meant = |index: &usize| context.reach.includes(&context.plan.entities()[*index].name);
    let order: Vec<usize> = context.plan.waves().iter().flatten().copied().filter(is_meant).collect();
    let mut waiting = order.clone();
    let mut moved: BTreeMap<usize, Moved> = BTreeMap::new();
    let mut running = JoinSet::new();
    let mut changes = context.stop.changes();
    let mut again = BTreeSet::new();
    loop {
        let resumed = take_up(context, &mut moved);
        again.extend(resumed.iter().copied());
        waiting.extend(resumed);
        waiting.sort_by_key(|index| order.iter().position(|other| other == index));
        let mut held_back = Vec::new();
        for index in waiting {
            let state = parents_state(context, index, &moved);
            let halt = context.stop.of(&context.plan.entities()[index].name);
            if state == Parents::Failed {
                moved.insert(index, not_started(context, index));
            } else if is_ended(context, halt) {
                moved.insert(index, cancelled(context, index));
            } else if halt.is_none() && state == Parents::Done && running.len() < context.plan.parallel_entity_limit() {
                running.spawn(move_entity(Arc::clone(context), index, again.remove(&index)));
            } else {
                held_back.push(index);
            }
        }
        waiting = held_back;
        while running.len() < context.plan.parallel_entity_limit()
            && let Some((open, lacking)) = next_open(context, &order, &mut moved)
        {
            running.spawn(fill_entity(Arc::clone(context), open, lacking));
        }
        if running.is_empty() {
            break;
        }
        let joined = tokio::select! {
            joined = running.join_next() => joined,
            () = changes.next() => None,
        };
        let Some(joined) = joined else { continue };
        let done = joined.map_err(|error| {
            Box::new(Diagnostic::new(Code::DestinationFailed, format!("an entity's task ended by itself: {error}")))
        })?;
        moved.insert(done.index, done);
    }
    for index in waiting {
        moved.insert(index, held_up(context, index));
    }
    leave_open(context, &mut moved).await;
    delete_all(context, &order, &mut moved).await;
    follow(context, &order, &mut moved).await;
    Ok(finish(context, &order, moved))
}

/// Entities whose open fields cannot be filled, because what they lead to was stopped, stop as well.
async fn leave_open(context: &Arc<Context>, moved: &mut BTreeMap<usize, Moved>) {
    let open: Vec<usize> = moved.iter().filter(|(_, moved)| moved.is_open).map(|(index, _)| *index).collect();
    for index in open {
        let Some(Moved { report, stream: Some(stream), spent, .. }) = moved.remove(&index) else { continue };
        let halt = context.stop.of(&report.entity).unwrap_or(Halt::Paused);
        let elapsed = Duration::from_millis(report.elapsed_ms);
        let left = ended(context, index, (stream, spent), elapsed, Err(halt.problem(&report.entity))).await;
        moved.insert(index, left);
    }
}

/// Entities that were paused and are not any more. One that was cancelled meanwhile has ended.
fn take_up(context: &Context, moved: &mut BTreeMap<usize, Moved>) -> Vec<usize> {
    let mut resumed = Vec::new();
    for (index, entity) in moved.iter_mut().filter(|(_, entity)| was_paused(&entity.report)) {
        let halt = context.stop.of(&entity.report.entity);
        if halt.is_none() {
            resumed.push(*index);
        } else if is_ended(context, halt) {
            entity.report.state = step(entity.report.state, EntityEvent::Fail);
            entity.report.problem = halt.map(|halt| *halt.problem(&entity.report.entity));
        }
    }
    for index in &resumed {
        moved.remove(index);
    }
    resumed
}

/// Whether an entity was asked to stop, so that it may be taken up again. One that waits for a resource is taken up by the next run.
fn was_paused(report: &EntityReport) -> bool {
    report.state == EntityState::Suspended && report.problem.as_ref().is_some_and(|problem| is_halt(problem.code))
}

/// Takes the next entity whose open fields can be filled: all that its circle holds is loaded as far as it can be, and so is what it leads to.
/// Of one circle it is the last first, and one at a time, so that none fills what another is about to withdraw. Names what is not loaded and
/// should be.
fn next_open(
    context: &Context,
    order: &[usize],
    moved: &mut BTreeMap<usize, Moved>,
) -> Option<(Moved, Option<EntityName>)> {
    let plan = &context.plan;
    let is_ready = |index: &usize, moved: &BTreeMap<usize, Moved>| {
        let is_open = moved.get(index).is_some_and(|moved| moved.is_open);
        is_open
            && plan.circle(*index).iter().filter(|other| order.contains(other)).all(|other| moved.contains_key(other))
            && later_parents(context, *index).all(|parent| {
                let is_beside = plan.circle(*index).contains(&parent);
                moved.get(&parent).is_some_and(|parent| !was_paused(&parent.report) && (is_beside || !parent.is_open))
            })
    };
    let index = order.iter().rev().find(|index| is_ready(index, moved))?;
    let is_loaded = |parent: &usize| {
        moved.get(parent).is_some_and(|parent| parent.is_open || parent.report.state == EntityState::Loaded)
    };
    let lacking = later_parents(context, *index).find(|parent| !is_loaded(parent));
    Some((moved.remove(index)?, lacking.map(|parent| plan.entities()[parent].name.clone())))
}

/// The entities that the open fields of this one lead to, of those that the run is about.
fn later_parents(context: &Context, index: usize) -> impl Iterator<Item = usize> {
    let entities = context.plan.entities();
    let find = |parent: &EntityName| entities.iter().position(|entity| entity.name == *parent);
    let meant = entities[index].deferred.iter().filter(|deferred| context.reach.includes(&deferred.parent));
    meant.filter_map(move |deferred| find(&deferred.parent))
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
    for parent in entities[index].parents.iter().filter(|parent| context.reach.includes(parent)) {
        let parent = entities.iter().position(|entity| entity.name == *parent);
        match parent.and_then(|parent| moved.get(&parent)) {
            Some(moved) if moved.is_open && !context.plan.circle(index).contains(&moved.index) => {
                state = Parents::Waiting;
            }
            Some(moved) if moved.is_open || moved.report.state == EntityState::Loaded => {}
            Some(moved) if !was_paused(&moved.report) => return Parents::Failed,
            // A parent that is paused may be taken up again.
            _ => state = Parents::Waiting,
        }
    }
    let is_through = |name: &&EntityName| {
        let index = entities.iter().position(|entity| entity.name == **name);
        index.and_then(|index| moved.get(&index)).is_some_and(|moved| !moved.is_open)
    };
    let mut behind = context.plan.behind_circle(&entities[index]).into_iter();
    let is_behind = behind.all(|name| !context.reach.includes(name) || is_through(&name));
    if is_behind || state == Parents::Failed { state } else { Parents::Waiting }
}

fn not_started(context: &Context, index: usize) -> Moved {
    let plan = &context.plan.entities()[index];
    let headline = format!("`{}` did not start, because an entity that it waits for failed", plan.name);
    let problem = Diagnostic::new(Code::ParentFailed, headline).help(Code::ParentFailed.info().remedy);
    idle(context, index, EntityState::Waiting, problem)
}

/// An entity that nothing starts any more: it was stopped, or one that it waits for.
fn held_up(context: &Context, index: usize) -> Moved {
    let plan = &context.plan.entities()[index];
    let halt = context.stop.of(&plan.name).unwrap_or(Halt::Paused);
    idle(context, index, EntityState::Waiting, *halt.before_start(&plan.name))
}

/// An entity that was cancelled before it started.
fn cancelled(context: &Context, index: usize) -> Moved {
    let plan = &context.plan.entities()[index];
    let state = step(EntityState::Waiting, EntityEvent::Fail);
    idle(context, index, state, *Halt::Cancelled.before_start(&plan.name))
}

fn finish(context: &Context, order: &[usize], mut moved: BTreeMap<usize, Moved>) -> Done {
    let mut entities = Vec::new();
    let mut warnings = Vec::new();
    let mut spent = [Duration::ZERO; 3];
    for index in order {
        if let Some(done) = moved.remove(index) {
            for (total, part) in spent.iter_mut().zip(done.spent) {
                *total += part;
            }
            let overlooked = done.stream.as_ref().map_or(0, |stream| stream.overlooked);
            warnings.extend(cursor::overlooked(&context.plan.entities()[*index], overlooked));
            entities.push(done.report);
        }
    }
    let [detect, transform, load] = spent.map(millis);
    Done { entities, warnings, spent: Spent { detect_ms: detect, transform_ms: transform, load_ms: load } }
}

/// How the run ended, which may have been asked to stop.
pub(crate) fn end_state(entities: &[EntityReport], halt: Option<Halt>) -> RunState {
    let is = |state| entities.iter().any(|entity| entity.state == state);
    let is_left = is(EntityState::Suspended) || is(EntityState::Waiting);
    if is_left && halt == Some(Halt::Cancelled) {
        RunState::Cancelled
    } else if is(EntityState::Suspended) || (is_left && halt.is_some()) || is_paused(entities) {
        RunState::Paused
    } else if is(EntityState::Failed) || is_left {
        RunState::Failed
    } else {
        RunState::Completed
    }
}

/// Whether an entity waits that was paused before it started.
fn is_paused(entities: &[EntityReport]) -> bool {
    let is_paused = |entity: &EntityReport| entity.problem.as_ref().is_some_and(|problem| problem.code == Code::Paused);
    entities.iter().any(|entity| entity.state == EntityState::Waiting && is_paused(entity))
}

#[cfg(test)]
mod tests {
    use transload_model::Counts;

    use super::*;

    fn report(state: EntityState, code: Option<Code>) -> EntityReport {
        EntityReport {
            entity: EntityName::parse("patients").unwrap(),
            state,
            counts: Counts::default(),
            looked_for_deletes: false,
            guarantee: String::new(),
            elapsed_ms: 0,
            problem: code.map(|code| Diagnostic::new(code, "why")),
        }
    }

    #[test]
    fn a_run_ends_as_its_entities_and_its_halt_say() {
        use EntityState::{Done, Failed, Suspended, Waiting};
        let done = || report(Done, None);
        let paused = || report(Suspended, Some(Code::Paused));
        let failed = || report(Failed, Some(Code::StorageFull));
        let orphan = || report(Waiting, Some(Code::ParentFailed));
        let not_begun = || report(Waiting, Some(Code::Paused));
        let cases = [
            (vec![done(), done()], None, RunState::Completed),
            // What was asked came too late.
            (vec![done()], Some(Halt::Cancelled), RunState::Completed),
            (vec![done(), failed(), orphan()], None, RunState::Failed),
            (vec![done(), paused(), not_begun()], None, RunState::Paused),
            (vec![done(), not_begun()], None, RunState::Paused),
            (vec![failed(), paused()], None, RunState::Paused),
            (vec![done(), paused()], Some(Halt::Interrupted), RunState::Paused),
            (vec![done(), orphan()], Some(Halt::TimedOut), RunState::Paused),
            (vec![done(), paused()], Some(Halt::Cancelled), RunState::Cancelled),
            (vec![failed(), not_begun()], Some(Halt::Cancelled), RunState::Cancelled),
            (vec![failed(), done()], Some(Halt::Cancelled), RunState::Failed),
        ];
        for (entities, halt, expected) in cases {
            assert_eq!(end_state(&entities, halt), expected, "{halt:?} {entities:?}");
        }
    }
}
