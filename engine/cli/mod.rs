//! The face in a terminal. It holds no logic of its own: it asks the engine and shows what it says.

mod args;
mod artifacts;
mod asking;
mod by_id;
mod catch_up;
mod commands;
mod confirm;
mod demo;
mod detections;
mod diff;
mod excerpt;
mod failure;
mod fix;
mod lock;
mod mirror;
mod mirrored;
mod named;
mod progress;
mod render;
mod report;
mod signals;
mod sinks;
mod spelled;
mod summary;
mod text;
mod who;
mod wiring;

use std::process::ExitCode;

use transload_model::Exit;

use args::{Args, Command};
use failure::Failure;
use render::Screen;
use wiring::Chosen;

/// Parses the command line and does what it says.
pub(crate) fn run() -> ExitCode {
    render::panics_without_values();
    // The words are out by then.
    std::panic::catch_unwind(parse_and_do).unwrap_or_else(|_| code(Exit::Bug))
}

fn parse_and_do() -> ExitCode {
    let args = Args::read();
    let screen = Screen::new(&args.global);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return code(screen.fail(&Failure::from(failure::no_runtime(&error)))),
    };
    let done = runtime.block_on(dispatch(&args, &screen));
    code(done.unwrap_or_else(|failure| screen.fail(&failure)))
}

async fn dispatch(args: &Args, screen: &Screen) -> Result<Exit, Failure> {
    let chosen = Chosen::by(&args.global);
    match &args.command {
        Command::Demo(demo) => commands::demo::run(&chosen, demo, screen).await,
        Command::Init(init) => commands::init::run(init, screen),
        Command::Infer(infer) => commands::infer::run(&chosen, infer, screen).await,
        Command::Validate(validate) => commands::validate::run(&chosen, validate, screen).await,
        Command::Test(test) => commands::test::run(&chosen, test, screen).await,
        Command::Preview(preview) => commands::preview::run(&chosen, preview, screen).await,
        Command::Schema(schema) => commands::schema::run(&chosen, schema, screen).await,
        Command::Graph(graph) => commands::graph::run(&chosen, graph, screen),
        Command::Baseline(baseline) => commands::baseline::run(&chosen, baseline, screen).await,
        Command::Detect(detect) => commands::detect::run(&chosen, detect, screen).await,
        Command::Verify(verify) => commands::verify::run(&chosen, verify, screen).await,
        Command::Drift(drift) => commands::drift::run(&chosen, drift, screen).await,
        Command::Run(run) => commands::run::run(&chosen, run, screen).await,
        Command::Pause(asked) => commands::pause::run(&chosen, asked, screen).await,
        Command::Resume(resume) => commands::resume::run(&chosen, resume, screen).await,
        Command::Cancel(asked) => commands::cancel::run(&chosen, asked, screen).await,
        Command::Status(status) => commands::status::run(&chosen, status, screen).await,
        Command::Adopt(adopt) => commands::adopt::run(&chosen, adopt, screen).await,
        Command::Quarantine(quarantine) => commands::quarantine::run(&chosen, quarantine, screen).await,
        Command::Explain(explain) => commands::explain::run(explain, screen),
    }
}

fn code(exit: Exit) -> ExitCode {
    ExitCode::from(u8::try_from(exit as i32).unwrap_or(70))
}
