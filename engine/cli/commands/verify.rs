//! `verify`: whether the destination holds what the specs make of the source. Without `--repair` it writes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use transload_model::{Clock, EntityName, Exit, SystemClock};
use transload_run::{NamedRows, Verification, VerifyOptions, VerifyState};

use crate::cli::args::{Format, Verify};
use crate::cli::commands::run;
use crate::cli::confirm::confirm;
use crate::cli::failure::Failure;
use crate::cli::named;
use crate::cli::progress::{Heartbeat, listener};
use crate::cli::render::{Screen, pretty};
use crate::cli::sinks::Sinks;
use crate::cli::wiring::{self, Chosen, not_made};

mod show;

use show::Shown;

pub(crate) async fn run(chosen: &Chosen, verify: &Verify, screen: &Screen) -> Result<Exit, Failure> {
    if verify.repair {
        // Not only once everything was compared.
        confirm(&wiring::project(chosen)?, verify.yes, screen)?;
    }
    let found = look(chosen, verify, screen).await?;
    let rows = repairable(&found);
    if !verify.repair || rows.is_empty() {
        return Ok(tell(&found, verify, screen));
    }
    // What was found first goes where progress goes: the answer is what is found behind the repair.
    screen.hint(&Shown { found: &found, verify, signs: screen.signs() }.text());
    let exit = run::repair(chosen, rows, screen).await?;
    let found = look(chosen, verify, screen).await?;
    let told = tell(&found, verify, screen);
    Ok(if exit == Exit::Done { told } else { exit })
}

/// Compares both ends as they are now.
async fn look(chosen: &Chosen, verify: &Verify, screen: &Screen) -> Result<Verification, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let mut world = wiring::world(chosen).await?;
    let (plan, warnings) = world.plan()?;
    warnings.iter().for_each(|warning| screen.problem(warning));
    let mut wanted = named::entities(&verify.entities, &plan)?;
    let columns = named::columns(&verify.columns, &plan, &wanted)?;
    if !columns.is_empty() {
        wanted.retain(|name| {
            plan.entity(name).is_some_and(|entity| entity.written().any(|column| columns.contains(column)))
        });
    }
    let Some(destination) = wiring::existing_destination(&world.project).await? else {
        return Err(not_made(chosen, &world).await);
    };
    let held = destination.catalog().await?;
    if plan.entities().iter().any(|entity| held.table(&entity.destination.table).is_none()) {
        return Err(not_made(chosen, &world).await);
    }
    let specs = transload_spec::entities(&world.project);
    transload_run::without_spec(&*destination, &specs).await?.iter().for_each(|warning| screen.problem(warning));
    let heartbeat = Heartbeat::new(Arc::clone(&clock));
    let sink = Arc::new(Sinks(listener(screen, &heartbeat).into_iter().collect()));
    let job = world.job(&plan, destination, (sink, clock));
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(heartbeat.beat());
    let options = VerifyOptions { columns, sample: verify.sample, listed: verify.limit };
    // The heart stops beating where the set is dropped.
    Ok(transload_run::verify(&job, &wanted, &options).await?)
}

/// The rows that a run can write again, by entity.
fn repairable(found: &Verification) -> BTreeMap<EntityName, Arc<NamedRows>> {
    let entities = found.entities.iter().filter(|entity| !entity.repairable.is_empty());
    let rows = entities.map(|entity| {
        let keys = entity.repairable.clone();
        (entity.entity.clone(), Arc::new(NamedRows::with_keys(keys)))
    });
    rows.collect()
}

/// Shows what was found; what the process answers.
fn tell(found: &Verification, verify: &Verify, screen: &Screen) -> Exit {
    let exit = exit(found, verify);
    let shown = Shown { found, verify, signs: screen.signs() };
    for entity in &found.entities {
        if let VerifyState::Unknown(problem) = &entity.state {
            screen.problem(problem);
        }
    }
    match screen.format {
        Format::Json => screen.answer(&pretty(&shown.json(exit))),
        _ => screen.tell(&shown.text()),
    }
    exit
}

fn exit(found: &Verification, verify: &Verify) -> Exit {
    for entity in &found.entities {
        if let VerifyState::Unknown(problem) = &entity.state {
            return problem.code.info().exit;
        }
    }
    let is_open = |state: &VerifyState| matches!(state, VerifyState::Pending | VerifyState::NotComparable(_));
    if found.entities.iter().any(|entity| is_open(&entity.state)) {
        return Exit::Problems;
    }
    if show::is_too_different(found, verify) { Exit::Problems } else { Exit::Done }
}
