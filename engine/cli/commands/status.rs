//! `status`: what ran, and how it went.

use serde_json::{Value, json};
use transload_model::{Code, EntityRecord, Exit, Requests, RunRecord, RunState, Wish};

use crate::cli::args::{Format, Status};
use crate::cli::by_id::by_id;
use crate::cli::failure::Failure;
use crate::cli::render::{Screen, Signs, pretty};
use crate::cli::summary::table;
use crate::cli::text::{duration, number};
use crate::cli::wiring::{self, Chosen};

/// Runs that are listed, and looked through for an id.
const LISTED: u32 = 20;
pub(crate) const SEARCHED: u32 = 100_000;

pub(crate) async fn run(chosen: &Chosen, status: &Status, screen: &Screen) -> Result<Exit, Failure> {
    let project = wiring::project(chosen)?;
    let store = wiring::control_store(chosen, &project).await?;
    let Some(wanted) = &status.run else {
        let runs = store.runs(LISTED).await?;
        list(&runs, screen);
        return Ok(Exit::Done);
    };
    let run = find(store.runs(SEARCHED).await?, wanted)?;
    let entities = store.entities(run.id).await?;
    let requests = store.requests(run.id).await?;
    if screen.format == Format::Json {
        let mut document = as_json(&run);
        document["requested_status"] = requests.run.map(Wish::as_str).into();
        document["entities"] = entities.iter().map(|entity| entity_json(&run, entity, &requests)).collect();
        screen.answer(&pretty(&document));
    } else {
        detail(&run, (&entities, &requests), screen);
    }
    Ok(Exit::Done)
}

/// The run that was meant by what was typed.
pub(crate) fn find(runs: Vec<RunRecord>, wanted: &str) -> Result<RunRecord, Failure> {
    by_id(runs, |run| run.id, wanted, ("run", Code::UnknownRun.info().remedy))
}

fn list(runs: &[RunRecord], screen: &Screen) {
    if screen.format == Format::Json {
        let runs: Vec<Value> = runs.iter().map(as_json).collect();
        screen.answer(&pretty(&json!({ "schema": "transload.status/1", "runs": runs })));
        return;
    }
    if runs.is_empty() {
        screen.say("no run yet; start one with `transload run`");
        return;
    }
    screen.say(&overview(runs, &screen.signs()));
}

/// Runs as a table.
pub(crate) fn overview(runs: &[RunRecord], signs: &Signs) -> String {
    let header = ["run", "environment", "status", "started (UTC)", "took", "read", "written", "quarantined"];
    let line = |run: &RunRecord| {
        let counts = &run.counts;
        vec![
            run.id.short(),
            run.environment.clone(),
            state_text(run, signs),
            run.started_at.format("%Y-%m-%d %H:%M:%S").to_string(),
            took(run),
            number(counts.read),
            number(counts.written()),
            number(counts.quarantined),
        ]
    };
    table(&header, runs.iter().map(line).collect(), 4)
}

fn took(run: &RunRecord) -> String {
    let ms = run.ended_at.map(|ended| (ended - run.started_at).num_milliseconds());
    ms.and_then(|ms| u64::try_from(ms).ok()).map_or_else(|| "–".to_owned(), duration)
}

fn state_text(run: &RunRecord, signs: &Signs) -> String {
    let adopted = if run.adopted_at.is_some() { " (adopted)" } else { "" };
    let state = match run.state {
        RunState::Completed => format!("{} completed", signs.done),
        RunState::Running if !run.alive => format!("{} interrupted", signs.warning),
        RunState::Failed => format!("{} failed", signs.failed),
        RunState::Paused => format!("{} paused", signs.paused),
        RunState::Cancelled => format!("{} cancelled", signs.cancelled),
        other => other.to_string(),
    };
    state + adopted
}

fn detail(run: &RunRecord, (entities, requests): (&[EntityRecord], &Requests), screen: &Screen) {
    let signs = screen.signs();
    screen.say(&format!("run {}   {} ({})   {}", run.id, run.project, run.environment, state_text(run, &signs)));
    if run.state == RunState::Running && !run.alive {
        screen.say("its process is gone; `transload run` goes on with it");
    }
    let is_open = matches!(run.state, RunState::Running | RunState::Paused);
    let asked = requests.entities.iter().map(|(entity, wish)| (format!("`{entity}`"), *wish));
    let asked = requests.run.map(|wish| ("the run".to_owned(), wish)).into_iter().chain(asked);
    for (what, wish) in asked.filter(|_| is_open) {
        screen.say(&format!("{what} was asked to be {}", wish.as_str()));
    }
    if let Some(adopted_at) = run.adopted_at {
        let day = adopted_at.format("%Y-%m-%d %H:%M:%S");
        screen.say(&format!(
            "adopted from the ledger in the destination on {day} UTC: of what was before, it knows this"
        ));
    }
    if let Some(reason) = &run.reason {
        screen.say(reason);
    }
    let header = ["entity", "status", "read", "new", "modified", "deleted", "unchanged", "quarantined", "time"];
    let line = |entity: &EntityRecord| {
        let counts = &entity.counts;
        let numbers = [counts.read, counts.new, counts.modified, counts.deleted, counts.unchanged, counts.quarantined];
        let mut cells = vec![entity.entity.to_string(), entity.state.as_str().to_owned()];
        cells.extend(numbers.map(number));
        cells.push(elapsed(run, entity).map_or_else(|| "–".to_owned(), duration));
        cells
    };
    screen.say(&format!("\n{}", table(&header, entities.iter().map(line).collect(), 2)));
}

pub(crate) fn as_json(run: &RunRecord) -> Value {
    json!({
        "run_id": run.id,
        "project": run.project,
        "environment": run.environment,
        "status": run.state,
        "alive": run.alive && run.state == RunState::Running,
        "started_at": run.started_at.to_rfc3339(),
        "completed_at": run.ended_at.map(|moment| moment.to_rfc3339()),
        "adopted_at": run.adopted_at.map(|moment| moment.to_rfc3339()),
        "reason": run.reason,
        "counts": run.counts,
    })
}

/// How long an entity took. The ledger does not say it of one that was adopted.
fn elapsed(run: &RunRecord, entity: &EntityRecord) -> Option<u64> {
    (run.adopted_at.is_none() || entity.elapsed_ms > 0).then_some(entity.elapsed_ms)
}

fn entity_json(run: &RunRecord, entity: &EntityRecord, requests: &Requests) -> Value {
    json!({
        "entity_type": entity.entity,
        "status": entity.state,
        "requested_status": requests.entities.get(&entity.entity).map(|wish| wish.as_str()),
        "counts": entity.counts,
        "elapsed_ms": elapsed(run, entity),
        "reason": entity.reason,
    })
}
