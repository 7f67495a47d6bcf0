//! `cancel`: a run, or one of its entities, ends for good after the unit in hand.
//!
//! Where the run's process is gone, nobody is there who could end it; so it is ended here: its fences are given back, and the control store
//! says that it is cancelled.

use transload_model::{Clock, Code, Diagnostic, Exit, RunRecord, RunState, SystemClock, Wish};

use crate::cli::args::Asked;
use crate::cli::asking::Asking;
use crate::cli::failure::Failure;
use crate::cli::render::Screen;
use crate::cli::wiring::{self, Chosen};

const STATUS: &str = "cancelled";

pub(crate) async fn run(chosen: &Chosen, asked: &Asked, screen: &Screen) -> Result<Exit, Failure> {
    let asking = Asking::find(chosen, asked).await?;
    let is_done = asking.entity.is_none() && asking.run.state == RunState::Cancelled;
    if !is_done {
        asking.check_open("cancelled")?;
    }
    let again = asking.wish() == Some(Wish::Cancel);
    let text = if is_done {
        format!("{} is cancelled already", asking.subject())
    } else if asking.entity.is_some() {
        asking.ask(Some(Wish::Cancel)).await?;
        of_entity(&asking, again)
    } else if asking.is_at_work() {
        asking.ask(Some(Wish::Cancel)).await?;
        let what = if again { "was cancelled before, and ends" } else { "ends" };
        format!(
            "{} {what} after the units in hand. What is loaded stays; the next `transload run` begins anew",
            asking.subject()
        )
    } else {
        end(&asking).await?;
        format!("{} is cancelled. What is loaded stays; the next `transload run` begins anew", asking.subject())
    };
    asking.answer(screen, STATUS, &text);
    Ok(Exit::Done)
}

fn of_entity(asking: &Asking, again: bool) -> String {
    let subject = asking.subject();
    let when = match (asking.is_at_work(), again) {
        (true, false) => format!("ends {}", asking.moment()),
        (true, true) => "was cancelled before, and ends".to_owned(),
        (false, _) => "does not start when the run goes on".to_owned(),
    };
    let children = asking.children();
    let without =
        if children.is_empty() { String::new() } else { format!(" Without it {} cannot start.", children.join(", ")) };
    format!("{subject} {when}. The others go on.{without}")
}

/// Ends a run whose process is gone.
async fn end(asking: &Asking) -> Result<(), Failure> {
    check_environment(asking)?;
    // First, so that whoever goes on with the run meanwhile learns of it.
    asking.ask(Some(Wish::Cancel)).await?;
    if let Some(destination) = wiring::existing_destination(&asking.project).await? {
        destination.abandon_fences(asking.run.id).await?;
    }
    let ended_at = Some(SystemClock::new().now());
    let run = RunRecord { state: RunState::Cancelled, ended_at, reason: None, ..asking.run.clone() };
    asking.store.put_run(&run).await.map_err(Failure::from)
}

/// The fences are in the destination of the run's own environment.
fn check_environment(asking: &Asking) -> Result<(), Failure> {
    let (run, project) = (&asking.run, &asking.project);
    if run.environment == project.environment() && run.project == project.name() {
        return Ok(());
    }
    let headline = format!("{} is of `{}` in environment `{}`", asking.subject(), run.project, run.environment);
    let help = format!("cancel it from there: --env {}", run.environment);
    Err(Diagnostic::new(Code::UnknownRun, headline).help(help).into())
}
