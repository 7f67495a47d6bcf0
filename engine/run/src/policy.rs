//! What decides about rows that did not move.

use std::collections::BTreeMap;
use std::sync::Arc;

use transload_model::{DeletePolicy, EntityPlan, Outcome, Result};

use crate::context::Context;
use crate::derive::Deriver;
use crate::detect::Policy;
use crate::load::Pass;
use crate::reading::Reading;
use crate::unit::Stream;

/// Rows that miss a row of their own entity, or of one that is loaded after it, are tried again in the run that brings it, wherever it comes in
/// key order. The reader that is given is put back before others are opened: entities that held one while they wait for a second would wait for
/// ever.
pub(crate) async fn policy_with_orphans(
    context: &Arc<Context>,
    plan: &Arc<EntityPlan>,
    (stream, mut reading): (&mut Stream, Reading),
) -> Result<(Policy, Reading)> {
    let lookups = context.lookups.look(plan, &*context.destination).await?;
    let mut policy = policy(context, plan, &lookups);
    if policy.retry_orphaned || plan.open_fields().is_empty() {
        return Ok((policy, reading));
    }
    let mut deriver = Deriver::new(context, plan).await?;
    let pass = Pass { context, plan, deriver: &mut deriver, stream };
    if !pass.has(Outcome::Orphaned).await? {
        return Ok((policy, reading));
    }
    policy.retry_orphaned = !plan.self_references().is_empty() && pass.anything_moves(&mut reading, policy).await?;
    if policy.retry_orphaned || plan.deferred.is_empty() {
        return Ok((policy, reading));
    }
    drop((reading, deriver));
    policy.retry_orphaned = does_circle_move(context, plan).await?;
    Ok((policy, Reading::open(context, plan).await?))
}

/// Whether a row moves of an entity that is in a circle with this one, and loaded after it: what is missing may come with it, or behind it.
async fn does_circle_move(context: &Arc<Context>, plan: &EntityPlan) -> Result<bool> {
    for other in context.plan.circle_of(&plan.name).filter(|other| context.reach.includes(&other.name)) {
        let other = Arc::new(other.clone());
        let lookups = context.lookups.look(&other, &*context.destination).await?;
        // A value that another row gives up brings no row that is missed by one which misses others itself.
        let policy = Policy { retry_collided: false, ..policy(context, &other, &lookups) };
        let (mut stream, mut reading) = (Stream::new(context, &other), Reading::open(context, &other).await?);
        let mut deriver = Deriver::new(context, &other).await?;
        let pass = Pass { context, plan: &other, deriver: &mut deriver, stream: &mut stream };
        if pass.anything_moves(&mut reading, policy).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What decides about rows that did not move.
pub(crate) fn policy(context: &Context, plan: &EntityPlan, lookups: &BTreeMap<String, u64>) -> Policy {
    let position = context.position(&plan.name);
    let position = position.as_ref();
    let mut gained = context.all_gained(plan);
    if let (Some(position), false) = (position, plan.self_references().is_empty()) {
        gained.insert(plan.name.clone(), position.gained);
    }
    Policy {
        remap: context.options.remap,
        incomparable: position.is_some_and(|position| position.read_fingerprint != plan.read_fingerprint),
        retry_quarantined: context.options.retry_quarantined.takes_open_of(&plan.name)
            || position.is_some_and(|position| position.plan_fingerprint != plan.plan_fingerprint),
        retry_orphaned: position
            .is_some_and(|position| position.parents_seen != gained || position.lookups_seen != *lookups),
        retry_collided: position.is_some_and(|position| position.freed != position.freed_seen),
        mark_deletes: plan.deletes != DeletePolicy::Ignore,
        fill: false,
        keys_only: false,
    }
}
