//! Detections that are kept: finding one by what was typed, and holding a run to one.

use std::collections::BTreeMap;
use std::sync::Arc;

use transload_model::{Code, ControlStore, DetectionRecord, Diagnostic, EntityName, KeyBytes, Plan};
use transload_run::{NamedRows, Planned, Reach};

use super::by_id::by_id;
use super::failure::Failure;

/// Detections that are looked through for an id.
const SEARCHED: u32 = 10_000;

/// Changes that are read at a time.
const PAGE: u32 = 10_000;

/// The detection that was meant by what was typed.
pub(crate) async fn find(store: &dyn ControlStore, wanted: &str) -> Result<DetectionRecord, Failure> {
    let help = "`transload detect` makes one, and prints its id; it is kept for a month";
    by_id(store.detections(SEARCHED).await?, |detection| detection.id, wanted, ("detection", help))
}

/// The rows that a detection found, for a run to move.
pub(crate) async fn reach(store: &dyn ControlStore, wanted: &str, plan: &Plan) -> Result<Reach, Failure> {
    let detection = find(store, wanted).await?;
    check(&detection, plan)?;
    let mut changes: BTreeMap<EntityName, BTreeMap<KeyBytes, Planned>> =
        detection.entities.iter().map(|entity| (entity.entity.clone(), BTreeMap::new())).collect();
    let mut from = 0;
    loop {
        let page = store.changes(detection.id, from, PAGE).await?;
        if page.is_empty() {
            break;
        }
        from += page.len() as u64;
        for change in page {
            let planned = Planned { kind: change.kind, digest: change.digest };
            changes.entry(change.entity).or_default().insert(change.key, planned);
        }
    }
    let rows = changes.into_iter().map(|(entity, rows)| (entity, Arc::new(NamedRows::planned(rows)))).collect();
    Ok(Reach::Rows { rows, digest_seed: Some(detection.digest_seed) })
}

/// What was looked at is only what would be moved where the specs are still the same.
fn check(detection: &DetectionRecord, plan: &Plan) -> Result<(), Failure> {
    let outdated = |headline: String| {
        let code = Code::PlanOutdated;
        Failure::from(Diagnostic::new(code, headline).help(code.info().remedy))
    };
    if detection.project != plan.project() {
        return Err(outdated(format!("detection {} is of project `{}`", detection.id.short(), detection.project)));
    }
    for found in &detection.entities {
        let is_same =
            plan.entity(&found.entity).is_some_and(|entity| entity.plan_fingerprint == found.plan_fingerprint);
        if !is_same {
            let (name, id) = (&found.entity, detection.id.short());
            return Err(outdated(format!("the spec of `{name}` is not what it was at detection {id}")));
        }
    }
    Ok(())
}
