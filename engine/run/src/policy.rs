//! What decides about rows that did not move.

use std::collections::BTreeMap;
use std::sync::Arc;

use transload_model::{Deferred, DeletePolicy, EntityPlan, Outcome, Result};

use crate::context::Context;
use crate::derive::Deriver;
use crate::detect::Policy;
use crate::load::Pass;
use crate::reading::Reading;
use crate::unit::Stream;

/// Rows that miss a row of their own entity, or of one that is loaded after it, are tried again in the run that brings it, wherever it comes in
/// key order.
pub(crate) async fn policy_with_orphans(
    context: &Arc<Context>,
    plan: &Arc<EntityPlan>,
    (stream, reading): (&mut Stream, &mut Reading),
) -> Result<Policy> {
    let lookups = context.lookups.look(plan, &*context.destination).await?;
    let mut policy = policy(context, plan, &lookups);
    if policy.retry_orphaned || plan.open_fields().is_empty() {
        return Ok(policy);
    }
    let mut deriver = Deriver::new(context, plan).await?;
    let pass = Pass { context, plan, deriver: &mut deriver, stream };
    if pass.has(Outcome::Orphaned).await? {
        let own = !plan.self_references().is_empty() && pass.anything_moves(reading, policy).await?;
        policy.retry_orphaned = own || any_later_moves(context, plan).await?;
    }
    Ok(policy)
}

/// Whether a row is new or modified of an entity that this one refers to and that is loaded after it: what is missing may come with it.
async fn any_later_moves(context: &Arc<Context>, plan: &EntityPlan) -> Result<bool> {
    for Deferred { parent, .. } in &plan.deferred {
        let Some(later) = context.plan.entity(parent).cloned().map(Arc::new) else { continue };
        let (mut stream, mut reading) = (Stream::new(context, &later), Reading::open(context, &later).await?);
        let mut deriver = Deriver::new(context, &later).await?;
        let pass = Pass { context, plan: &later, deriver: &mut deriver, stream: &mut stream };
        if pass.anything_moves(&mut reading, Policy::default()).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What decides about rows that did not move.
pub(crate) fn policy(context: &Context, plan: &EntityPlan, lookups: &BTreeMap<String, u64>) -> Policy {
    let position = context.position(&plan.name);
    let position = position.as_ref();
    let mut gained = context.parents_gained(plan);
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
