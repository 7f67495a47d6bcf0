//! Rows that come behind their entity's turn.
//!
//! An entity is loaded once what it refers to is, but its parents may gain rows later: those that had waited for a value of a row which is deleted
//! now, and others of a circle. Whoever missed them is tried again, until nothing comes any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use transload_model::EntityState;

use super::deletes::rest;
use super::entity::{Way, go_on};
use super::moved::Moved;
use crate::context::Context;
use crate::unit::Stream;

/// Brings rows along that miss one which came in behind them: because it waited for a value, or for others of their circle.
pub(super) async fn follow(context: &Arc<Context>, order: &[usize], moved: &mut BTreeMap<usize, Moved>) {
    tell_gained(context, moved);
    loop {
        for index in order {
            follow_one(context, *index, moved).await;
        }
        if !tell_gained(context, moved) && !come_together(context, order, moved).await {
            return;
        }
    }
}

async fn follow_one(context: &Arc<Context>, index: usize, moved: &mut BTreeMap<usize, Moved>) {
    let Some(entity) = done_one(index, moved) else { return };
    let plan = Arc::new(context.plan.entities()[index].clone());
    let done = go_on((context, &plan), entity, Way::settle_late).await;
    rest(context, &plan, entity, done).await;
}

fn done_one(index: usize, moved: &mut BTreeMap<usize, Moved>) -> Option<&mut Moved> {
    moved.get_mut(&index).filter(|entity| entity.report.state == EntityState::Done)
}

/// Tries rows of a circle together that miss one another, where one of them had waited for a value until now. Says whether any came.
async fn come_together(context: &Arc<Context>, order: &[usize], moved: &mut BTreeMap<usize, Moved>) -> bool {
    let came = |moved: &BTreeMap<usize, Moved>| -> u64 { moved.values().map(|moved| moved.report.counts.new).sum() };
    let before = came(moved);
    let mut alone = BTreeSet::new();
    for index in order {
        let stream = done_one(*index, moved).and_then(|entity| entity.stream.as_mut());
        if stream.is_some_and(Stream::tries_together) {
            alone.insert(*index);
            alone.extend(context.plan.circle(*index));
        }
    }
    for index in order.iter().filter(|index| alone.contains(index)) {
        if !context.plan.entities()[*index].open_fields().is_empty() {
            come_with(context, *index, moved).await;
        }
    }
    came(moved) > before
}

/// Inserts rows of an entity with open references, then the others of its circle that miss them, and fills them.
async fn come_with(context: &Arc<Context>, index: usize, moved: &mut BTreeMap<usize, Moved>) {
    let Some(entity) = done_one(index, moved) else { return };
    let plan = Arc::new(context.plan.entities()[index].clone());
    let tried = go_on((context, &plan), entity, Way::try_together).await;
    if matches!(tried, Ok(false)) {
        return;
    }
    rest(context, &plan, entity, tried.map(drop)).await;
    tell_gained(context, moved);
    for other in context.plan.circle(index).iter().filter(|other| **other != index) {
        follow_one(context, *other, moved).await;
    }
    let Some(entity) = done_one(index, moved) else { return };
    let done = go_on((context, &plan), entity, Way::fill_together).await;
    rest(context, &plan, entity, done).await;
}

/// Says what entities gained. Whether that is news comes back.
fn tell_gained(context: &Context, moved: &BTreeMap<usize, Moved>) -> bool {
    let mut is_news = false;
    for entity in moved.values() {
        let gained = entity.stream.as_ref().map(Stream::gained);
        is_news |= gained.is_some_and(|gained| context.set_gained(&entity.report.entity, gained));
    }
    is_news
}
