//! Whether rows may come that rows in quarantine wait for.
//!
//! A run tries those again that miss a row of another entity as soon as one came to that. While nothing is moved nobody knows whether it will be
//! the right one. So all that wait are told where any row is new above them: a plan without them would leave them behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::OnceCell;
use transload_model::{Code, EntityName, EntityPlan, KeyRange, QuarantineReason, Result};

use crate::context::Context;
use crate::derive::Deriver;
use crate::detect::{HashMerge, Verdict};
use crate::load::Pass;
use crate::policy::policy;
use crate::reading::Reading;
use crate::unit::Stream;

/// Which of the entities that are looked at gain a row. Each is asked once, and only where somebody waits.
pub(super) struct Coming {
    gains: BTreeMap<EntityName, OnceCell<bool>>,
}

impl Coming {
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a EntityName>) -> Self {
        Self { gains: names.map(|name| (name.clone(), OnceCell::new())).collect() }
    }

    /// Whether rows of an entity miss another and a row comes to one that it refers to, itself or by others.
    pub(super) async fn may_bring(&self, context: &Arc<Context>, plan: &EntityPlan) -> Result<bool> {
        let above = above(context, plan);
        if above.is_empty() {
            return Ok(false);
        }
        let reasons = context.destination.quarantine_reasons(Some(&plan.name)).await?;
        let waits = |reason: &QuarantineReason| reason.code == Code::ParentMissing && reason.rows > reason.discarded;
        if !reasons.iter().any(waits) {
            return Ok(false);
        }
        for name in above {
            let (Some(gains), Some(parent)) = (self.gains.get(&name), context.plan.entity(&name)) else { continue };
            if *gains.get_or_try_init(|| gains_any(context, Arc::new(parent.clone()))).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The entities that one refers to, and that those refer to.
fn above(context: &Context, plan: &EntityPlan) -> BTreeSet<EntityName> {
    let mut above = BTreeSet::new();
    let mut open = vec![plan];
    while let Some(entity) = open.pop() {
        let later = entity.deferred.iter().map(|deferred| &deferred.parent);
        for name in entity.parents.iter().chain(later) {
            if above.insert(name.clone()) {
                open.extend(context.plan.entity(name));
            }
        }
    }
    above
}

/// Whether a row is new of an entity.
async fn gains_any(context: &Arc<Context>, plan: Arc<EntityPlan>) -> Result<bool> {
    let lookups = context.lookups.look(&plan, &*context.destination).await?;
    let mut stream = Stream::new(context, &plan);
    let mut deriver = Deriver::new(context, &plan).await?;
    let pass = Pass { context, plan: &plan, deriver: &mut deriver, stream: &mut stream };
    let mut merge = HashMerge::new(policy(context, &plan, &lookups), pass.heads().await?.1, None);
    let mut reading = Reading::open(context, &plan).await?;
    reading.start(KeyRange::default(), None).await?;
    while let Some(scored) = reading.next().await? {
        for row in 0..scored.len() {
            let Some(key) = scored.key(row).filter(|key| context.reach.holds(&plan.name, key)) else { continue };
            if matches!(pass.judge(&mut merge, key, scored.digest(row)).await?, Verdict::New(_)) {
                return Ok(true);
            }
        }
        merge.write_nothing();
    }
    Ok(false)
}
