//! The face in a terminal. It holds no logic of its own: it asks the engine and shows what it says.

mod args;
mod artifacts;
mod catch_up;
mod commands;
mod confirm;
mod demo;
mod excerpt;
mod failure;
mod fix;
mod lock;
mod mirror;
mod progress;
mod render;
mod report;
mod sinks;
mod summary;
mod text;
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
        Command::Run(run) => commands::run::run(&chosen, run, screen).await,
        Command::Status(status) => commands::status::run(&chosen, status, screen).await,
        Command::Quarantine(quarantine) => commands::quarantine::run(&chosen, quarantine, screen).await,
        Command::Explain(explain) => commands::explain::run(explain, screen),
    }
}

fn code(exit: Exit) -> ExitCode {
    ExitCode::from(u8::try_from(exit as i32).unwrap_or(70))
}
