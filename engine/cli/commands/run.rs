//! `run`: the main job.

use std::sync::Arc;

use transload_model::{Clock, Exit, RunState, SystemClock, TransformContext};
use transload_run::{EventSink, Job, Options, RunReport, Stop};

use crate::cli::args::{Format, Progress, Run};
use crate::cli::artifacts::{EventsFile, make_folder, write_report};
use crate::cli::confirm::confirm;
use crate::cli::failure::Failure;
use crate::cli::mirror::Recorder;
use crate::cli::progress::{Bars, Ears, Heartbeat};
use crate::cli::render::{Screen, pretty};
use crate::cli::report::Report;
use crate::cli::sinks::Sinks;
use crate::cli::summary;
use crate::cli::wiring::{self, Chosen};

pub(crate) async fn run(chosen: &Chosen, run: &Run, screen: &Screen) -> Result<Exit, Failure> {
    let root = chosen.root.as_path();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let started_at = clock.now();
    let mut world = wiring::world(chosen).await?;
    let (plan, warnings) = world.plan()?;
    for warning in &warnings {
        screen.problem(warning);
    }
    confirm(&world.project, run.yes, screen)?;
    make_folder(root)?;
    let store = wiring::control_store(chosen, &world.project).await?;
    let destination = wiring::destination(&world.project).await?;
    let recorder = Arc::new(Recorder::new(store, &world.project, started_at));
    let (mirror, mirroring) = recorder.listen();
    let heartbeat = Heartbeat::new(Arc::clone(&clock));
    let mut sinks: Vec<Box<dyn EventSink>> = vec![Box::new(EventsFile::new(root)), Box::new(mirror)];
    match screen.progress {
        Progress::Bar => sinks.push(Box::new(Bars::new(screen.signs()))),
        Progress::Plain => sinks.push(Box::new(Ears(Arc::clone(&heartbeat)))),
        Progress::Auto | Progress::None => {}
    }
    let stop = Stop::default();
    let job = Job {
        plan: Arc::clone(&plan),
        sources: std::mem::take(&mut world.sources),
        destination,
        factory: world.functions,
        transform_context: TransformContext {
            now: started_at,
            environment: world.project.environment().to_owned(),
            vars: plan.vars().clone(),
        },
        sink: Arc::new(Sinks(sinks)),
        clock: Arc::clone(&clock),
        stop: stop.clone(),
        options: options(run),
    };
    let mut tasks = tokio::task::JoinSet::new();
    let mirroring = tasks.spawn(mirroring);
    let beating = tasks.spawn(heartbeat.beat());
    let watching = tasks.spawn(watch_signals(stop));
    let done = transload_run::start(job).await;
    beating.abort();
    watching.abort();
    // The sinks are dropped with the job, so the mirror's queue has ended.
    while tasks.join_next().await.is_some() {}
    drop(mirroring);
    let report = done?;
    let mut exit = exit(&report, run.fail_on_quarantine);
    // What cannot be remembered does not undo the run; that it went wrong must be heard all the same.
    let recorded = recorder.finish(&report, clock.now()).await;
    exit = if recorded.is_ok() { exit } else { or_unavailable(exit) };
    let document = |exit| summary::document(&report, plan.project(), exit, &started_at.to_rfc3339());
    let written = write_report(root, report.run, &document(exit));
    exit = if written.is_ok() { exit } else { or_unavailable(exit) };
    show(&report, screen, plan.parallel_entity_limit());
    if screen.format == Format::Json {
        screen.answer(&pretty(&document(exit)));
    }
    if let Ok(path) = &written {
        screen.hint(&format!("  {}", path.display()));
    }
    for problem in [recorded.err(), written.err()].iter().flatten() {
        screen.problem(problem);
    }
    screen.report(Report::new(Vec::new(), world.project.files(), exit));
    Ok(exit)
}

fn options(run: &Run) -> Options {
    let max_deletes = run.max_deletes.map(|limit| limit.0);
    Options { remap: run.remap, retry_quarantined: run.retry_quarantined, max_deletes }
}

fn or_unavailable(exit: Exit) -> Exit {
    if exit == Exit::Done { Exit::Unavailable } else { exit }
}

fn exit(report: &RunReport, fail_on_quarantine: bool) -> Exit {
    let exit = report.exit();
    let held = !report.quarantine.is_empty();
    if exit == Exit::Done && fail_on_quarantine && held { Exit::Quarantine } else { exit }
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
    for problem in report.entities.iter().filter_map(|entity| entity.problem.as_ref()) {
        screen.problem(problem);
    }
}

/// The first signal asks the run to stop after what it has in hand, the second ends it at once. Either way nothing is half-written.
async fn watch_signals(stop: Stop) {
    signal().await;
    stop.request();
    signal().await;
    std::process::exit(Exit::Interrupted as i32);
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => drop(interrupted),
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    drop(tokio::signal::ctrl_c().await);
}
