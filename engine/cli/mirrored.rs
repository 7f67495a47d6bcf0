//! What the control store heard of last: the newest unit of each entity of this project, in this environment.
//!
//! A run holds it against the destination, to tell where that went back to an earlier state. It is only for telling: a store that cannot say is
//! one that says nothing.

use std::collections::BTreeMap;

use transload_model::{ControlStore, EntityName, Result, RunRecord};
use transload_run::Mirrored;
use transload_spec::Project;

/// Runs that are looked at, and of those that wrote something, so many.
const NEWEST: u32 = 100;
const WRITERS: usize = 5;

/// The newest units, by entity.
pub(crate) async fn mirrored(store: &dyn ControlStore, project: &Project) -> BTreeMap<EntityName, Mirrored> {
    newest(store, project).await.unwrap_or_default()
}

async fn newest(store: &dyn ControlStore, project: &Project) -> Result<BTreeMap<EntityName, Mirrored>> {
    let is_own = |run: &RunRecord| run.project == project.name() && run.environment == project.environment();
    let wrote = |run: &RunRecord| run.counts.read > run.counts.unchanged || run.counts.deleted > 0;
    let runs = store.runs(NEWEST).await?.into_iter().filter(|run| is_own(run) && wrote(run));
    let mut units = BTreeMap::new();
    for run in runs.take(WRITERS) {
        for record in store.entities(run.id).await? {
            if let Some(unit) = record.unit {
                units.entry(record.entity).or_insert(Mirrored { run: run.id, unit });
            }
        }
    }
    Ok(units)
}
