//! Mirrors a run into the control store while it goes on.
//!
//! The mirror may lag and may miss steps; it never holds the run up. What is true stands in the destination's ledger.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use transload_model::{ControlStore, Counts, EntityName, EntityRecord, EntityState, RunId, RunRecord, RunState};
use transload_run::{Event, EventSink, RunReport};
use transload_spec::Project;

/// Events that may wait. More are left out: the next one says it all again.
const QUEUE: usize = 256;

/// Hands events to the task that writes.
pub(crate) struct Mirror {
    events: mpsc::Sender<Event>,
}

impl EventSink for Mirror {
    fn emit(&self, event: &Event) {
        if !matches!(event, Event::Progress { .. }) {
            drop(self.events.try_send(event.clone()));
        }
    }
}

/// What the control store knows of a run that goes on.
pub(crate) struct Recorder {
    store: Arc<dyn ControlStore>,
    project: String,
    environment: String,
    started_at: DateTime<Utc>,
}

impl Recorder {
    pub(crate) fn new(store: Arc<dyn ControlStore>, project: &Project, started_at: DateTime<Utc>) -> Self {
        let (name, environment) = (project.name().to_owned(), project.environment().to_owned());
        Self { store, project: name, environment, started_at }
    }

    /// A mirror, and the work of writing what it hands on; that ends when the mirror is dropped.
    pub(crate) fn listen(self: &Arc<Self>) -> (Mirror, impl Future<Output = ()> + Send + use<>) {
        let (events, mut queue) = mpsc::channel(QUEUE);
        let recorder = Arc::clone(self);
        let work = async move {
            let mut run = None;
            let mut states = BTreeMap::new();
            while let Some(event) = queue.recv().await {
                if let Event::RunStarted { run_id, .. } = &event {
                    run = Some(*run_id);
                }
                if let Some(run) = run {
                    recorder.write(run, &event, &mut states).await;
                }
            }
        };
        (Mirror { events }, work)
    }

    async fn write(&self, run: RunId, event: &Event, states: &mut BTreeMap<EntityName, (EntityState, Counts)>) {
        let (entity, state, counts) = match event {
            Event::RunStarted { entities, .. } => {
                let record = self.record(run, RunState::Running, Counts::default(), None);
                drop(self.store.put_run(&record).await);
                for entity in entities {
                    states.insert(entity.clone(), (EntityState::Waiting, Counts::default()));
                    self.put(run, entity, EntityState::Waiting, Counts::default()).await;
                }
                return;
            }
            Event::EntityStarted { entity, .. } => (entity, EntityState::Moving, Counts::default()),
            Event::UnitCommitted { entity, counts, .. } => {
                (entity, states.get(entity).map_or(EntityState::Moving, |(state, _)| *state), *counts)
            }
            Event::EntityLoaded { entity, counts, .. } => (entity, EntityState::Loaded, *counts),
            Event::EntityCompleted { entity, counts, .. } => (entity, EntityState::Done, *counts),
            Event::EntityFailed { entity, counts, .. } => (entity, EntityState::Failed, *counts),
            Event::Progress { .. } | Event::RunCompleted { .. } => return,
        };
        states.insert(entity.clone(), (state, counts));
        self.put(run, entity, state, counts).await;
        let mut totals = Counts::default();
        for (_, counts) in states.values() {
            totals += *counts;
        }
        drop(self.store.put_run(&self.record(run, RunState::Running, totals, None)).await);
    }

    /// A control store that fails costs the history, not the run; the run's end says so.
    async fn put(&self, run: RunId, entity: &EntityName, state: EntityState, counts: Counts) {
        let record = EntityRecord { entity: entity.clone(), state, counts, elapsed_ms: 0, reason: None };
        drop(self.store.put_entity(run, &record).await);
    }

    fn record(&self, run: RunId, state: RunState, counts: Counts, reason: Option<String>) -> RunRecord {
        RunRecord {
            id: run,
            project: self.project.clone(),
            environment: self.environment.clone(),
            state,
            started_at: self.started_at,
            ended_at: None,
            reason,
            counts,
            process: std::process::id(),
            alive: true,
        }
    }

    /// Stores how the run ended.
    pub(crate) async fn finish(&self, report: &RunReport, ended_at: DateTime<Utc>) -> transload_model::Result<()> {
        let problem = report.entities.iter().find_map(|entity| entity.problem.as_ref());
        let reason = problem.map(ToString::to_string);
        let mut record = self.record(report.run, report.state, report.totals(), reason);
        record.ended_at = (report.state != RunState::Paused).then_some(ended_at);
        self.store.put_run(&record).await?;
        for entity in &report.entities {
            let record = EntityRecord {
                entity: entity.entity.clone(),
                state: entity.state,
                counts: entity.counts,
                elapsed_ms: entity.elapsed_ms,
                reason: entity.problem.as_ref().map(ToString::to_string),
            };
            self.store.put_entity(report.run, &record).await?;
        }
        Ok(())
    }
}
