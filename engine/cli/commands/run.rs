//! `run`: the main job.

use std::collections::BTreeMap;
use std::sync::Arc;

use transload_model::{
    Clock, Code, Destination, EntityName, Exit, Plan, RunId, RunState, SystemClock, TransformFactory,
};
use transload_run::{EventSink, Halt, Job, NamedRows, Options, Reach, RetrySelection, RunReport, Stop};

use crate::cli::args::{Format, Limited, Run};
use crate::cli::artifacts::{EventsFile, make_folder, write_report};
use crate::cli::commands::quarantine::Again;
use crate::cli::confirm::confirm;
use crate::cli::detections;
use crate::cli::failure::Failure;
use crate::cli::mirror::Recorder;
use crate::cli::mirrored::mirrored;
use crate::cli::progress::{Heartbeat, listener};
use crate::cli::render::{Screen, pretty};
use crate::cli::report::Report;
use crate::cli::signals::Signals;
use crate::cli::sinks::Sinks;
use crate::cli::summary;
use crate::cli::wiring::{self, Chosen};

/// What a run is about, beside its flags.
enum About<'a> {
    /// Whatever moved.
    Everything,
    /// Rows that are in quarantine, too.
    Again(&'a Again<'a>),
    /// What this run left.
    Resumed(RunId),
    /// These rows, which the destination does not hold as it should.
    Repaired(BTreeMap<EntityName, Arc<NamedRows>>),
}

pub(crate) async fn run(chosen: &Chosen, run: &Run, screen: &Screen) -> Result<Exit, Failure> {
    go(chosen, (run, About::Everything), screen).await
}

/// Runs the project; where a run is named, that one goes on and no other.
pub(crate) async fn begin(
    chosen: &Chosen,
    (run, resume): (&Run, Option<RunId>),
    screen: &Screen,
) -> Result<Exit, Failure> {
    go(chosen, (run, resume.map_or(About::Everything, About::Resumed)), screen).await
}

/// Runs, and tries chosen rows again that are in quarantine.
pub(crate) async fn run_again(
    chosen: &Chosen,
    (run, again): (&Run, &Again<'_>),
    screen: &Screen,
) -> Result<Exit, Failure> {
    go(chosen, (run, About::Again(again)), screen).await
}

/// Writes rows again that are not in the destination as they should be, and no others.
pub(crate) async fn repair(
    chosen: &Chosen,
    rows: BTreeMap<EntityName, Arc<NamedRows>>,
    screen: &Screen,
) -> Result<Exit, Failure> {
    // Whoever asked for the repair was asked before.
    let run = Run { yes: true, ..Run::default() };
    go(chosen, (&run, About::Repaired(rows)), screen).await
}

async fn go(chosen: &Chosen, (run, about): (&Run, About<'_>), screen: &Screen) -> Result<Exit, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let started_at = clock.now();
    let mut world = wiring::world(chosen).await?;
    let (plan, warnings) = world.plan()?;
    warnings.iter().for_each(|warning| screen.problem(warning));
    world.schema_to_be_made().iter().for_each(|told| screen.hint(told));
    confirm(&world.project, run.yes, screen)?;
    make_folder(&chosen.root)?;
    let store = wiring::control_store(chosen, &world.project).await?;
    let planned = detections::wanted(&*store, run.plan.as_deref()).await?;
    if detections::is_carried_out(planned.as_ref(), screen) {
        return Ok(Exit::Done);
    }
    let reach = match &about {
        About::Repaired(rows) => Reach::Rows { rows: rows.clone(), digest_seed: None },
        _ => detections::reach(&*store, planned.as_ref(), &plan).await?,
    };
    let destination = wiring::destination(&world.project).await?;
    let options = options((run, &about), &plan, (&*world.functions, &*destination)).await?;
    let recorder = Arc::new(Recorder::new(Arc::clone(&store), (&world.project, planned), started_at));
    let (mirror, mirroring) = recorder.listen();
    let heartbeat = Heartbeat::new(Arc::clone(&clock));
    let mut sinks: Vec<Box<dyn EventSink>> = vec![Box::new(EventsFile::new(&chosen.root)), Box::new(mirror)];
    sinks.extend(listener(screen, &heartbeat));
    let stop = Stop::default();
    let job = Job {
        stop: stop.clone(),
        mirrored: mirrored(&*store, &world.project).await,
        requests: Some(store),
        options,
        reach,
        transform_context: world.context(&plan, started_at),
        ..world.job(&plan, destination, (Arc::new(Sinks(sinks)), Arc::clone(&clock)))
    };
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(mirroring);
    let beating = tasks.spawn(heartbeat.beat());
    let signals = Arc::new(Signals::default());
    // Until the very end: also what is written then may take its time.
    let mut outside = tokio::task::JoinSet::new();
    outside.spawn(stop_early(Arc::clone(&signals), run.timeout, stop));
    let done = transload_run::start(job).await;
    beating.abort();
    // The sinks are dropped with the job, so the mirror's queue has ended.
    while tasks.join_next().await.is_some() {}
    recorder.give_up(&done, clock.now()).await;
    let report = done?;
    let exit = signals.told(exit(&report, run.fail_on_quarantine));
    let document = |exit| summary::document(&report, plan.project(), exit, &started_at.to_rfc3339());
    // What cannot be remembered does not undo the run; that it went wrong must be heard all the same.
    let lost = match report.is_overtaken {
        // How a run ended is told by the process that ended it.
        true => None,
        false => recorder.finish(&report, clock.now()).await.err(),
    };
    let exit = if lost.is_some() { or_unavailable(exit) } else { exit };
    let written = (!report.is_overtaken).then(|| write_report(&chosen.root, report.run, &document(exit))).transpose();
    let exit = if written.is_err() { or_unavailable(exit) } else { exit };
    show(&report, screen, plan.parallel_entity_limit());
    if exit == Exit::Quarantine && run.fail_on_quarantine {
        screen.hint(&format!("{} {}", screen.signs().warning, summary::quarantined(&report)));
    }
    // The answer to a repair is what is found behind it.
    if screen.format == Format::Json && !matches!(about, About::Repaired(_)) {
        screen.answer(&pretty(&document(exit)));
    }
    if let Ok(Some(path)) = &written {
        screen.hint(&format!("  {}", path.display()));
    }
    lost.iter().chain(written.err().iter()).for_each(|problem| screen.problem(problem));
    screen.report(Report::new(Vec::new(), world.project.files(), exit));
    Ok(exit)
}

async fn options(
    (run, about): (&Run, &About<'_>),
    plan: &Plan,
    (functions, destination): (&dyn TransformFactory, &dyn Destination),
) -> Result<Options, Failure> {
    let retry_quarantined = match about {
        About::Again(again) => again.selection(plan, functions, destination).await?,
        _ if run.retry_quarantined => RetrySelection::All,
        _ => RetrySelection::None,
    };
    Ok(Options {
        remap: run.remap,
        retry_quarantined,
        max_deletes: run.max_deletes.map(|limit| limit.0),
        adopt_existing: run.adopt_existing,
        take_over: run.take_over,
        resume: if let About::Resumed(run) = about { Some(*run) } else { None },
        repair: matches!(about, About::Repaired(_)),
    })
}

/// Asks the run to stop when its time is over, or a signal comes.
async fn stop_early(signals: Arc<Signals>, timeout: Option<Limited>, stop: Stop) {
    let deadline = async {
        if let Some(Limited(time)) = timeout {
            tokio::time::sleep(time).await;
            stop.ask(Halt::TimedOut);
        }
    };
    tokio::join!(signals.watch(&stop), deadline);
}

fn or_unavailable(exit: Exit) -> Exit {
    if exit == Exit::Done { Exit::Unavailable } else { exit }
}

fn exit(report: &RunReport, fail_on_quarantine: bool) -> Exit {
    let exit = report.exit();
    let held = report.quarantine.iter().any(|reason| reason.rows > reason.discarded);
    if exit == Exit::Done && fail_on_quarantine && held { Exit::Quarantine } else { exit }
}

/// What a paused entity is taken up with, to be pasted.
fn resume(run: RunId, entity: &EntityName) -> String {
    let run = run.short();
    format!(
        "`transload resume {run}` goes on after the last committed unit, `transload resume {run} {entity}` takes `{entity}` up again"
    )
}

fn show(report: &RunReport, screen: &Screen, parallel: usize) {
    let signs = screen.signs();
    if report.resumed && report.state == RunState::Completed {
        let run = report.run.short();
        screen.hint(&format!(
            "{} went on with run {run}, which was interrupted; what changed at the source since then, the next run finds",
            signs.arrow
        ));
    }
    screen.say(&format!("run {}\n", report.run.short()));
    screen.say(&summary::text(report, screen, parallel));
    for warning in &report.warnings {
        screen.problem(warning);
    }
    let mut told: Vec<(Code, &str)> = Vec::new();
    for entity in &report.entities {
        let Some(problem) = &entity.problem else { continue };
        // What keeps all entities from going on, such as a server that is gone, is one problem.
        if told.contains(&(problem.code, &problem.headline)) {
            continue;
        }
        told.push((problem.code, &problem.headline));
        match problem.code {
            Code::Paused => screen.problem(&problem.clone().help(resume(report.run, &entity.entity))),
            _ => screen.problem(problem),
        }
    }
}
