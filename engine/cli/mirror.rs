//! Mirrors a run into the control store while it goes on.
//!
//! The mirror may lag and may miss steps; it never holds the run up. What is true stands in the destination's ledger.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use transload_model::{
    ControlStore, Counts, EntityName, EntityRecord, EntityState, Performance, Result, RunId, RunRecord, RunState,
    UnitNumber,
};
use transload_run::{Event, EventSink, RunReport};
use transload_spec::Project;

/// Events that may wait. More are left out: the next one says it all again.
const QUEUE: usize = 256;

/// Events that may wait before units are passed over; so a store that is far away holds up no run's end for long.
const BEHIND: usize = 16;

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
            let mut told = Told::default();
            while let Some(event) = queue.recv().await {
                told.follow(&event);
                if recorder.write(&told, &event, queue.len()).await.is_err() {
                    // What waits would fail as slowly. The next event says it again, or the run's end does.
                    while let Ok(passed_over) = queue.try_recv() {
                        told.follow(&passed_over);
                    }
                }
            }
        };
        (Mirror { events }, work)
    }

    /// Writes an event, while so many others wait. A control store that fails costs the history, not the run; the run's end says so.
    async fn write(&self, told: &Told, event: &Event, waiting: usize) -> Result<()> {
        let Some(run) = told.run else { return Ok(()) };
        if let Event::RunStarted { entities, .. } = event {
            self.store.put_run(&self.record(run, RunState::Running, Counts::default())).await?;
            for record in entities.iter().filter_map(|entity| told.entities.get(entity)) {
                self.store.put_entity(run, record).await?;
            }
            return Ok(());
        }
        let is_unit = matches!(event, Event::UnitCommitted { .. });
        let Some(record) = entity_of(event).and_then(|entity| told.entities.get(entity)) else { return Ok(()) };
        if !is_unit || waiting <= BEHIND {
            self.store.put_entity(run, record).await?;
        }
        if waiting == 0 {
            self.store.put_run(&self.record(run, RunState::Running, told.totals())).await?;
        }
        Ok(())
    }

    fn record(&self, run: RunId, state: RunState, counts: Counts) -> RunRecord {
        RunRecord {
            id: run,
            project: self.project.clone(),
            environment: self.environment.clone(),
            state,
            started_at: self.started_at,
            ended_at: None,
            reason: None,
            counts,
            performance: None,
            process: std::process::id(),
            alive: true,
        }
    }

    /// Stores how the run ended.
    pub(crate) async fn finish(&self, report: &RunReport, ended_at: DateTime<Utc>) -> Result<()> {
        let problem = report.entities.iter().find_map(|entity| entity.problem.as_ref());
        let mut record = self.record(report.run, report.state, report.totals());
        record.reason = problem.map(ToString::to_string);
        record.performance = Some(Performance {
            elapsed_ms: report.elapsed_ms,
            detect_ms: report.spent.detect_ms,
            transform_ms: report.spent.transform_ms,
            load_ms: report.spent.load_ms,
        });
        record.ended_at = (report.state != RunState::Paused).then_some(ended_at);
        self.store.put_run(&record).await?;
        for entity in &report.entities {
            let record = EntityRecord {
                entity: entity.entity.clone(),
                state: entity.state,
                counts: entity.counts,
                source_rows: None,
                unit: None,
                elapsed_ms: entity.elapsed_ms,
                reason: entity.problem.as_ref().map(ToString::to_string),
            };
            self.store.put_entity(report.run, &record).await?;
        }
        Ok(())
    }
}

/// What a run told so far.
#[derive(Default)]
struct Told {
    run: Option<RunId>,
    entities: BTreeMap<EntityName, EntityRecord>,
}

impl Told {
    /// Takes an event in. A unit belongs to the one event that tells of it.
    fn follow(&mut self, event: &Event) {
        if let Event::RunStarted { run_id, entities, .. } = event {
            self.run = Some(*run_id);
            self.entities = entities.iter().map(|entity| (entity.clone(), waiting(entity))).collect();
        }
        let Some(entity) = entity_of(event) else { return };
        let record = self.entities.entry(entity.clone()).or_insert_with(|| waiting(entity));
        record.unit = None;
        match event {
            Event::EntityStarted { rows, .. } => (record.state, record.source_rows) = (EntityState::Moving, *rows),
            Event::UnitCommitted { stream, seq, counts, .. } => {
                (record.counts, record.unit) = (*counts, Some(UnitNumber { stream: *stream, seq: *seq }));
            }
            Event::EntityLoaded { counts, elapsed_ms, .. } => {
                (record.state, record.counts, record.elapsed_ms) = (EntityState::Loaded, *counts, *elapsed_ms);
            }
            Event::EntityCompleted { counts, elapsed_ms, .. } => {
                (record.state, record.counts, record.elapsed_ms) = (EntityState::Done, *counts, *elapsed_ms);
            }
            Event::EntityFailed { code, message, counts, .. } => {
                (record.state, record.counts) = (EntityState::Failed, *counts);
                record.reason = Some(format!("{code}: {message}"));
            }
            Event::RunStarted { .. } | Event::Progress { .. } | Event::RunCompleted { .. } => {}
        }
    }

    fn totals(&self) -> Counts {
        let mut totals = Counts::default();
        for record in self.entities.values() {
            totals += record.counts;
        }
        totals
    }
}

fn waiting(entity: &EntityName) -> EntityRecord {
    EntityRecord {
        entity: entity.clone(),
        state: EntityState::Waiting,
        counts: Counts::default(),
        source_rows: None,
        unit: None,
        elapsed_ms: 0,
        reason: None,
    }
}

fn entity_of(event: &Event) -> Option<&EntityName> {
    match event {
        Event::EntityStarted { entity, .. }
        | Event::UnitCommitted { entity, .. }
        | Event::EntityLoaded { entity, .. }
        | Event::EntityCompleted { entity, .. }
        | Event::EntityFailed { entity, .. } => Some(entity),
        Event::RunStarted { .. } | Event::Progress { .. } | Event::RunCompleted { .. } => None,
    }
}
