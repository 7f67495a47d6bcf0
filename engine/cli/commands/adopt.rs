//! `adopt`: the control store was lost, and is made again from what the destination's ledger knows.
//!
//! It adds runs that the control store does not have, and changes none that it has. What the ledger does not say is not made up: where this
//! project's folder has a run's `run.json`, that says how it ended; else nobody knows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use transload_model::{
    Clock, Code, ControlStore, Destination, Diagnostic, EntityName, Exit, LedgerState, RunRecord, RunState,
    SystemClock, TableName,
};
use transload_run::{RememberedRun, remembered};
use transload_spec::{Catalogs, Project};

use crate::cli::args::{Adopt, Format};
use crate::cli::catch_up::Ended;
use crate::cli::commands::status;
use crate::cli::failure::Failure;
use crate::cli::render::{Screen, pretty};
use crate::cli::summary::table;
use crate::cli::text::{number, some};
use crate::cli::wiring::{self, Chosen};

/// What neither the ledger nor a run's result holds.
const NOT_REBUILT: [&str; 5] = [
    "earlier runs whose entities later ones moved again",
    "the history of single units",
    "what was asked of runs: pauses and cancellations",
    "detections",
    "when runs ended, and how long they took, where no `run.json` of this project says so",
];

pub(crate) async fn run(chosen: &Chosen, asked: &Adopt, screen: &Screen) -> Result<Exit, Failure> {
    let project = wiring::project(chosen)?;
    let entities = entities(&project)?;
    let tables: Vec<TableName> = entities.iter().map(|(_, table)| table.clone()).collect();
    let destination = wiring::existing_destination(&project).await?.ok_or_else(|| no_ledger(&project))?;
    let ledger = destination.ledger(&tables).await?;
    if !ledger.exists {
        return Err(no_ledger(&project));
    }
    let runs = remembered(&ledger, &entities)?;
    let set_aside = match asked.set_aside {
        true => transload_connect::set_control_store_aside(project.control()).await?,
        false => None,
    };
    let store = wiring::control_store(chosen, &project).await?;
    check_idle(&*store, &project).await?;
    let mut done = Adopted { set_aside, ..Adopted::default() };
    for run in runs {
        done.take(run, &*store, (&project, &chosen.root)).await?;
    }
    for (entity, _) in &entities {
        done.held.extend(Held::of(entity, &ledger, &destination).await?);
    }
    let is_named = |entity: &&EntityName| entities.iter().any(|(name, _)| name == *entity);
    done.unnamed = ledger.positions.keys().filter(|entity| !is_named(entity)).cloned().collect();
    done.show(&project, screen);
    Ok(Exit::Done)
}

/// The entities that a run of the project would move, each with the table that it is loaded into.
fn entities(project: &Project) -> Result<Vec<(EntityName, TableName)>, Failure> {
    let outlines = transload_spec::outlines(project, &Catalogs::new())?;
    let active = outlines.into_iter().filter(|spec| spec.is_active);
    Ok(active.map(|spec| (spec.entity, spec.destination_table)).collect())
}

fn no_ledger(project: &Project) -> Failure {
    let headline = format!("the destination `{}` holds no ledger to adopt runs from", project.destination());
    Diagnostic::new(Code::LedgerMissing, headline).help(Code::LedgerMissing.info().remedy).into()
}

/// A run that has not written anything yet holds no fence; the control store knows it all the same.
async fn check_idle(store: &dyn ControlStore, project: &Project) -> Result<(), Failure> {
    let is_own = |run: &RunRecord| run.project == project.name() && run.environment == project.environment();
    let at_work = |run: &RunRecord| run.state == RunState::Running && run.alive && is_own(run);
    let Some(run) = store.runs(status::SEARCHED).await?.into_iter().find(at_work) else { return Ok(()) };
    let problem = Diagnostic::new(Code::InProgress, format!("run {} is at work", run.id.short()));
    let problem = problem.note(format!("it is process {}", run.process));
    Err(problem.help("wait for it to end, or stop that process").into())
}

/// What the ledger holds of an entity.
struct Held {
    entity: EntityName,
    run: String,
    phase: &'static str,
    /// Rows that it accounts for, those of them that are in the destination, and those that are in quarantine.
    rows: u64,
    present: u64,
    quarantined: u64,
}

impl Held {
    async fn of(
        entity: &EntityName,
        ledger: &LedgerState,
        destination: &Arc<dyn Destination>,
    ) -> Result<Option<Self>, Failure> {
        let Some(position) = ledger.positions.get(entity) else { return Ok(None) };
        let segments = destination.segments(entity).await?;
        Ok(Some(Self {
            entity: entity.clone(),
            run: position.run.short(),
            phase: position.phase.as_str(),
            rows: segments.iter().map(|head| head.rows).sum(),
            present: segments.iter().map(|head| head.present).sum(),
            quarantined: destination.quarantine_reasons(Some(entity)).await?.iter().map(|reason| reason.rows).sum(),
        }))
    }

    fn as_json(&self) -> Value {
        json!({
            "entity_type": self.entity,
            "run": self.run,
            "phase": self.phase,
            "rows": self.rows,
            "in_destination": self.present,
            "quarantined": self.quarantined,
        })
    }

    fn cells(&self) -> Vec<String> {
        let numbers = [self.rows, self.present, self.quarantined].map(number);
        let words = [self.entity.to_string(), self.run.clone(), self.phase.to_owned()];
        words.into_iter().chain(numbers).collect()
    }
}

/// What became of the runs that the ledger knows.
#[derive(Default)]
struct Adopted {
    /// The name that a damaged control store got.
    set_aside: Option<PathBuf>,
    runs: Vec<RunRecord>,
    /// Runs that the control store had.
    known: Vec<String>,
    held: Vec<Held>,
    /// Entities that no active spec names any more, or another project's.
    unnamed: Vec<EntityName>,
}

impl Adopted {
    async fn take(
        &mut self,
        run: RememberedRun,
        store: &dyn ControlStore,
        (project, root): (&Project, &Path),
    ) -> Result<(), Failure> {
        let now = SystemClock::new().now();
        let (record, entities) = completed_by_result(root, as_record(&run, project, now), run);
        if store.adopt(&record, &entities).await? {
            self.runs.push(record);
        } else {
            self.known.push(record.id.short());
        }
        Ok(())
    }

    fn show(&self, project: &Project, screen: &Screen) {
        if screen.format == Format::Json {
            screen.answer(&pretty(&self.as_json(project)));
            return;
        }
        if let Some(path) = &self.set_aside {
            screen.say(&format!("the damaged control store is {} now", path.display()));
        }
        screen.say(&self.text(project));
        if !self.runs.is_empty() {
            screen.say(&format!("\n{}", status::overview(&self.runs, &screen.signs())));
        }
        let header = ["entity", "run", "phase", "rows", "in destination", "quarantined"];
        screen.say(&format!("\n{}", table(&header, self.held.iter().map(Held::cells).collect(), 3)));
        for entity in &self.unnamed {
            screen.hint(&format!("`{entity}` is in the ledger, and no active spec of this project names it"));
        }
        if !self.runs.is_empty() {
            screen.hint(&format!("not in the ledger, and lost: {}", NOT_REBUILT.join("; ")));
        }
        for run in self.runs.iter().filter(|run| run.state == RunState::Running) {
            screen.hint(&format!("run {} was interrupted: transload resume {}", run.id.short(), run.id.short()));
        }
    }

    fn text(&self, project: &Project) -> String {
        let ledger = format!("the ledger in `{}`", project.destination());
        match (self.runs.len(), self.known.len()) {
            (0, 0) => format!("{ledger} knows of no run of this project"),
            (0, known) => format!("nothing to add: the control store has what {ledger} knows, {}", some(known, "run")),
            (new, 0) => format!("{} adopted from {ledger}", some(new, "run")),
            (new, known) => format!("{} adopted from {ledger}; {known} known before", some(new, "run")),
        }
    }

    fn as_json(&self, project: &Project) -> Value {
        json!({
            "schema": "transload.adopt/1",
            "destination": project.destination(),
            "set_aside": self.set_aside.as_ref().map(|path| path.display().to_string()),
            "adopted": self.runs.iter().map(status::as_json).collect::<Vec<_>>(),
            "known": self.known,
            "entities": self.held.iter().map(Held::as_json).collect::<Vec<_>>(),
            "unnamed": self.unnamed,
            "not_rebuilt": NOT_REBUILT,
        })
    }
}

fn as_record(run: &RememberedRun, project: &Project, now: DateTime<Utc>) -> RunRecord {
    RunRecord {
        id: run.id,
        project: project.name().to_owned(),
        environment: project.environment().to_owned(),
        state: run.state,
        // An id says when it was made; one that does not is no run's of ours.
        started_at: run.id.made_at().unwrap_or(now),
        ended_at: None,
        reason: run.reason.clone(),
        counts: run.counts(),
        performance: None,
        process: 0,
        alive: false,
        adopted_at: Some(now),
    }
}

/// How a run ended that is over, and all its entities, where this project's folder knows.
fn completed_by_result(
    root: &Path,
    record: RunRecord,
    run: RememberedRun,
) -> (RunRecord, Vec<transload_model::EntityRecord>) {
    let ended = (run.state != RunState::Running).then(|| Ended::of(root, &record)).flatten();
    match ended {
        Some(ended) => (ended.run(record), ended.entities(run.entities)),
        None => (record, run.entities),
    }
}
