//! Mirrors a run into the control store while it goes on.
//!
//! The mirror may lag and may miss steps; it never holds the run up. What is true stands in the destination's ledger.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use transload_model::{
    Code, ControlStore, Counts, DetectionRecord, EntityName, EntityRecord, EntityState, Exit, Performance, Result,
    RunId, RunRecord, RunState, UnitNumber,
};
use transload_run::{Event, EventSink, RunReport};
use transload_spec::Project;

/// Events that may wait. More are left out: the next one says it all again.
const QUEUE: usize = 256;

/// Runs that are looked at for those that nobody goes on with.
const NEWEST: u32 = 100;

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
    /// The detection that the run is held to.
    planned: Option<DetectionRecord>,
    started_at: DateTime<Utc>,
    /// The run, as soon as it began.
    begun: OnceLock<RunId>,
}

impl Recorder {
    pub(crate) fn new(
        store: Arc<dyn ControlStore>,
        (project, planned): (&Project, Option<DetectionRecord>),
        started_at: DateTime<Utc>,
    ) -> Self {
        let (name, environment) = (project.name().to_owned(), project.environment().to_owned());
        Self { store, project: name, environment, planned, started_at, begun: OnceLock::new() }
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
            let _ = self.begun.set(run);
            self.store.put_run(&self.record(run, RunState::Running, told.totals())).await?;
            for record in entities.iter().filter_map(|entity| told.entities.get(entity)) {
                self.store.put_entity(run, record).await?;
            }
            return self.close_others(run).await;
        }
        let is_unit = matches!(event, Event::UnitCommitted { .. });
        let Some(record) = entity_of(event).and_then(|entity| told.entities.get(entity)) else { return Ok(()) };
        if waiting == 0 {
            // First, as the store may have been away when the run began.
            self.store.put_run(&self.record(run, RunState::Running, told.totals())).await?;
        }
        if !is_unit || waiting <= BEHIND {
            self.store.put_entity(run, record).await?;
        }
        Ok(())
    }

    /// Ends the runs that nobody goes on with: the ledger held none of them when this one began.
    async fn close_others(&self, run: RunId) -> Result<()> {
        let is_left = |other: &RunRecord| {
            let is_own = other.project == self.project && other.environment == self.environment;
            let is_open = match other.state {
                RunState::Paused => true,
                RunState::Running => !other.alive,
                _ => false,
            };
            other.id != run && is_own && is_open
        };
        for other in self.store.runs(NEWEST).await?.into_iter().filter(is_left) {
            let reason = format!("it ended before it wrote anything, and run {} began anew", run.short());
            self.store.put_run(&RunRecord { state: RunState::Failed, reason: Some(reason), ..other }).await?;
        }
        Ok(())
    }

    /// Stores that a run which had begun left the destination to another that was there first. A store that cannot be told takes it for
    /// interrupted, until another run begins.
    pub(crate) async fn give_up(&self, done: &Result<RunReport>, ended_at: DateTime<Utc>) {
        let (Some(run), Err(problem)) = (self.begun.get(), done) else { return };
        if problem.code == Code::InProgress {
            let record = self.record(*run, RunState::Cancelled, Counts::default());
            let record = RunRecord { reason: Some(problem.to_string()), ended_at: Some(ended_at), ..record };
            drop(self.store.put_run(&record).await);
        }
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
            adopted_at: None,
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
        let is_carried_out = report.state == RunState::Completed && report.exit() == Exit::Done;
        if let Some(planned) = self.planned.as_ref().filter(|_| is_carried_out) {
            let carried_out = DetectionRecord { carried_out_by: Some(report.run), ..planned.clone() };
            self.store.put_detection(&carried_out).await?;
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
        if let Event::RunStarted { run_id, entities, so_far, .. } = event {
            let counts = |entity| so_far.get(entity).copied().unwrap_or_default();
            let waiting = |entity| EntityRecord { counts: counts(entity), ..EntityRecord::waiting(entity) };
            self.run = Some(*run_id);
            self.entities = entities.iter().map(|entity| (entity.clone(), waiting(entity))).collect();
        }
        let Some(entity) = entity_of(event) else { return };
        let record = self.entities.entry(entity.clone()).or_insert_with(|| EntityRecord::waiting(entity));
        record.unit = None;
        match event {
            Event::EntityStarted { rows, .. } => {
                (record.state, record.source_rows, record.reason) = (EntityState::Moving, *rows, None);
            }
            Event::UnitCommitted { stream, seq, counts, .. } => {
                (record.counts, record.unit) = (*counts, Some(UnitNumber { stream: *stream, seq: *seq }));
            }
            Event::EntityLoaded { counts, elapsed_ms, .. } => {
                (record.state, record.counts, record.elapsed_ms) = (EntityState::Loaded, *counts, *elapsed_ms);
            }
            Event::EntityCompleted { counts, elapsed_ms, .. } => {
                (record.state, record.counts, record.elapsed_ms) = (EntityState::Done, *counts, *elapsed_ms);
            }
            Event::EntityFailed { code, message, counts, .. }
            | Event::EntitySuspended { code, message, counts, .. } => {
                let is_failure = matches!(event, Event::EntityFailed { .. });
                record.state = if is_failure { EntityState::Failed } else { EntityState::Suspended };
                (record.counts, record.reason) = (*counts, Some(format!("{code}: {message}")));
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

fn entity_of(event: &Event) -> Option<&EntityName> {
    match event {
        Event::EntityStarted { entity, .. }
        | Event::UnitCommitted { entity, .. }
        | Event::EntityLoaded { entity, .. }
        | Event::EntityCompleted { entity, .. }
        | Event::EntitySuspended { entity, .. }
        | Event::EntityFailed { entity, .. } => Some(entity),
        Event::RunStarted { .. } | Event::Progress { .. } | Event::RunCompleted { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use transload_model::{Change, DetectionStore, Diagnostic, Requests, Wish};

    use super::*;

    /// Keeps what it is told, in words. The first so many writes fail.
    struct Store {
        failing: Mutex<u32>,
        told: Mutex<Vec<String>>,
    }

    impl Store {
        fn keep(&self, words: String) -> Result<()> {
            let mut failing = self.failing.lock().unwrap();
            if *failing > 0 {
                *failing -= 1;
                return Err(Box::new(Diagnostic::new(Code::ControlStore, "away")));
            }
            self.told.lock().unwrap().push(words);
            Ok(())
        }
    }

    #[async_trait]
    impl ControlStore for Store {
        async fn put_run(&self, run: &RunRecord) -> Result<()> {
            self.keep(format!("run {} {}", run.state, run.counts.read))
        }

        async fn put_entity(&self, _: RunId, entity: &EntityRecord) -> Result<()> {
            let unit = entity.unit.map(|unit| format!(" {}/{}", unit.stream, unit.seq)).unwrap_or_default();
            let rows = entity.source_rows.map(|rows| format!(" of {rows}")).unwrap_or_default();
            let reason = entity.reason.as_ref().map(|reason| format!(" {reason}")).unwrap_or_default();
            let (name, state, read) = (&entity.entity, entity.state.as_str(), entity.counts.read);
            self.keep(format!("{name} {state} {read}{rows}{unit}{reason}"))
        }

        async fn adopt(&self, _: &RunRecord, _: &[EntityRecord]) -> Result<bool> {
            self.keep("an adopted run".to_owned()).map(|()| true)
        }

        async fn runs(&self, _: u32) -> Result<Vec<RunRecord>> {
            Ok(Vec::new())
        }

        async fn entities(&self, _: RunId) -> Result<Vec<EntityRecord>> {
            Ok(Vec::new())
        }

        async fn request(&self, _: RunId, _: Option<&EntityName>, _: Option<Wish>) -> Result<()> {
            Ok(())
        }

        async fn requests(&self, _: RunId) -> Result<Requests> {
            Ok(Requests::default())
        }
    }

    /// Of detections the mirror hears nothing.
    #[async_trait]
    impl DetectionStore for Store {
        async fn put_detection(&self, _: &DetectionRecord) -> Result<()> {
            self.keep("a detection".to_owned())
        }

        async fn add_changes(&self, _: RunId, _: &[Change]) -> Result<()> {
            self.keep("changes".to_owned())
        }

        async fn detections(&self, _: u32) -> Result<Vec<DetectionRecord>> {
            Ok(Vec::new())
        }

        async fn changes(&self, _: RunId, _: u64, _: u32) -> Result<Vec<Change>> {
            Ok(Vec::new())
        }
    }

    fn patients() -> EntityName {
        EntityName::parse("patients").unwrap()
    }

    fn read(read: u64) -> Counts {
        Counts { read, ..Counts::default() }
    }

    fn started() -> Event {
        let run_id = RunId::generate(&transload_model::SystemClock::new());
        Event::RunStarted { run_id, resumed: false, entities: vec![patients()], so_far: BTreeMap::new() }
    }

    fn unit(seq: u64) -> Event {
        Event::UnitCommitted { entity: patients(), stream: 1, seq, counts: read(seq * 10) }
    }

    /// What the store was told, all events having waited.
    async fn told(events: Vec<Event>, failing: u32) -> Vec<String> {
        let store = Arc::new(Store { failing: Mutex::new(failing), told: Mutex::default() });
        let recorder = Arc::new(Recorder {
            store: Arc::clone(&store) as Arc<dyn ControlStore>,
            project: "clinic".to_owned(),
            environment: "default".to_owned(),
            planned: None,
            started_at: DateTime::UNIX_EPOCH,
            begun: OnceLock::new(),
        });
        let (mirror, work) = recorder.listen();
        for event in &events {
            mirror.emit(event);
        }
        drop(mirror);
        work.await;
        let told = store.told.lock().unwrap();
        told.clone()
    }

    #[tokio::test]
    async fn an_entity_is_told_of_with_its_rows_and_units() {
        let failed =
            Event::EntityFailed { entity: patients(), code: "TL0423", message: "full".to_owned(), counts: read(10) };
        let begun = Event::EntityStarted { entity: patients(), rows: Some(50) };
        let expected = [
            "run running 0",
            "patients waiting 0",
            "patients moving 0 of 50",
            "patients moving 10 of 50 1/1",
            "run running 10",
            "patients failed 10 of 50 TL0423: full",
        ];
        assert_eq!(told(vec![started(), begun, unit(1), failed], 0).await, expected);
    }

    #[tokio::test]
    async fn units_are_passed_over_where_too_many_wait() {
        let mut events = vec![started()];
        events.extend((1..=40).map(unit));
        let told = told(events, 0).await;
        assert_eq!(told.len(), 2 + BEHIND + 2, "{told:?}");
        assert_eq!(told[told.len() - 2..], ["run running 400", "patients waiting 400 1/40"]);
    }

    #[tokio::test]
    async fn what_waits_for_a_store_that_fails_is_passed_over() {
        let events = (1..=40).map(unit);
        let told = told(std::iter::once(started()).chain(events).collect(), 1).await;
        assert_eq!(told, Vec::<String>::new());
    }
}
