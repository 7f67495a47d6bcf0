//! Runs whose end the control store was not there to hear: their `run.json` tells it.

use std::path::Path;

use chrono::{DateTime, TimeDelta};
use serde::Deserialize;
use serde_json::Value;
use transload_model::{
    ControlStore, Counts, EntityName, EntityRecord, EntityState, Performance, Result, RunRecord, RunState, Wish,
};
use transload_run::Spent;

use super::artifacts::{REPORT, folder};

/// Runs that are looked at.
const NEWEST: u32 = 20;

/// Tells the store how runs ended that it takes for interrupted, where this project's folder knows.
pub(crate) async fn catch_up(root: &Path, store: &dyn ControlStore) -> Result<()> {
    let unfinished = |run: &RunRecord| run.state == RunState::Running && !run.alive;
    for run in store.runs(NEWEST).await?.into_iter().filter(unfinished) {
        let Some(ended) = Ended::of(root, &run) else {
            // Its process ended before it saw that it was cancelled.
            if store.requests(run.id).await?.run == Some(Wish::Cancel) {
                store.put_run(&RunRecord { state: RunState::Cancelled, ..run }).await?;
            }
            continue;
        };
        for entity in store.entities(run.id).await? {
            if let Some(entity) = ended.entity(entity) {
                store.put_entity(run.id, &entity).await?;
            }
        }
        store.put_run(&ended.run(run)).await?;
    }
    Ok(())
}

/// The part of `run.json` that the control store keeps.
#[derive(Deserialize)]
pub(crate) struct Ended {
    status: String,
    started_at: String,
    wall_ms: u64,
    spent: Spent,
    totals: Counts,
    entities: Vec<EndedEntity>,
}

#[derive(Deserialize)]
struct EndedEntity {
    entity_type: String,
    status: String,
    counts: Value,
    elapsed_ms: u64,
    problem: Option<Value>,
}

impl Ended {
    /// How the run ended. One that was stopped and went on later has not ended by what was written when it stopped.
    pub(crate) fn of(root: &Path, run: &RunRecord) -> Option<Self> {
        let text = std::fs::read_to_string(folder(root, run.id).join(REPORT)).ok()?;
        let ended: Self = serde_json::from_str(&text).ok()?;
        matches!(ended.state()?, RunState::Completed | RunState::Failed | RunState::Cancelled).then_some(ended)
    }

    fn state(&self) -> Option<RunState> {
        RunState::parse(&self.status)
    }

    pub(crate) fn run(&self, run: RunRecord) -> RunRecord {
        let wall = TimeDelta::milliseconds(i64::try_from(self.wall_ms).unwrap_or_default());
        RunRecord {
            state: self.state().unwrap_or(run.state),
            ended_at: DateTime::parse_from_rfc3339(&self.started_at).ok().map(|moment| moment.to_utc() + wall),
            reason: self.entities.iter().find_map(EndedEntity::reason),
            counts: self.totals,
            performance: Some(Performance {
                elapsed_ms: self.wall_ms,
                detect_ms: self.spent.detect_ms,
                transform_ms: self.spent.transform_ms,
                load_ms: self.spent.load_ms,
            }),
            ..run
        }
    }

    /// All its entities, with what else is known of them.
    pub(crate) fn entities(&self, known: Vec<EntityRecord>) -> Vec<EntityRecord> {
        let mut entities = Vec::new();
        for ended in &self.entities {
            let Ok(name) = EntityName::parse(&ended.entity_type) else { continue };
            let before = known.iter().find(|entity| entity.entity == name).cloned();
            entities.extend(self.entity(before.unwrap_or_else(|| EntityRecord::waiting(&name))));
        }
        entities
    }

    fn entity(&self, known: EntityRecord) -> Option<EntityRecord> {
        let ended = self.entities.iter().find(|entity| entity.entity_type == known.entity.as_str())?;
        let state = EntityState::parse(&ended.status)?;
        let counts = ended.counts().unwrap_or(known.counts);
        Some(EntityRecord { state, counts, unit: None, elapsed_ms: ended.elapsed_ms, reason: ended.reason(), ..known })
    }
}

impl EndedEntity {
    /// Rows that were not looked for are no rows to the control store.
    fn counts(&self) -> Option<Counts> {
        let mut counts = self.counts.clone();
        if counts.get("deleted").is_some_and(Value::is_null) {
            counts["deleted"] = 0.into();
        }
        serde_json::from_value(counts).ok()
    }

    fn reason(&self) -> Option<String> {
        let problem = self.problem.as_ref()?;
        Some(format!("{}: {}", problem["code"].as_str()?, problem["headline"].as_str()?))
    }
}
