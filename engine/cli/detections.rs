//! Detections that are kept: finding one by what was typed, and holding a run to one.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use transload_model::{Code, ControlStore, DetectionRecord, Diagnostic, EntityName, KeyBytes, Plan};
use transload_run::{NamedRows, Planned, Reach};

use super::args::Format;
use super::by_id::by_id;
use super::failure::Failure;
use super::render::{Screen, pretty};

/// Detections that are looked through for an id.
const SEARCHED: u32 = 10_000;

/// Changes that are read at a time.
const PAGE: u32 = 10_000;

/// The detection that was meant by what was typed.
pub(crate) async fn find(store: &dyn ControlStore, wanted: &str) -> Result<DetectionRecord, Failure> {
    let help = "`transload detect` makes one, and prints its id; it is kept for a month";
    by_id(store.detections(SEARCHED).await?, |detection| detection.id, wanted, ("detection", help))
}

/// The detection that a run is to be held to, if it is to be.
pub(crate) async fn wanted(store: &dyn ControlStore, wanted: Option<&str>) -> Result<Option<DetectionRecord>, Failure> {
    match wanted {
        Some(wanted) => find(store, wanted).await.map(Some),
        None => Ok(None),
    }
}

/// Says that a run moved all of a detection, if one did: nothing is left to do then.
pub(crate) fn is_carried_out(detection: Option<&DetectionRecord>, screen: &Screen) -> bool {
    let Some((id, run)) = detection.and_then(|detection| Some((detection.id, detection.carried_out_by?))) else {
        return false;
    };
    if screen.format == Format::Json {
        screen.answer(&pretty(&json!({ "schema": "transload.plan/1", "detectionId": id, "carriedOutBy": run })));
    } else {
        let (id, run) = (id.short(), run.short());
        screen.say(&format!(
            "detection {id} was carried out by run {run}; `transload detect` finds what has changed since"
        ));
    }
    true
}

/// The rows that a run is about: those that a detection found, or all.
pub(crate) async fn reach(
    store: &dyn ControlStore,
    detection: Option<&DetectionRecord>,
    plan: &Plan,
) -> Result<Reach, Failure> {
    let Some(detection) = detection else { return Ok(Reach::Everything) };
    check(detection, plan)?;
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
