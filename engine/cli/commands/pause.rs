//! `pause`: a run, or one of its entities, halts after the unit in hand and goes on some other time.

use transload_model::{Exit, RunState, Wish};

use crate::cli::args::Asked;
use crate::cli::asking::Asking;
use crate::cli::failure::Failure;
use crate::cli::render::Screen;
use crate::cli::wiring::Chosen;

const STATUS: &str = "paused";

pub(crate) async fn run(chosen: &Chosen, asked: &Asked, screen: &Screen) -> Result<Exit, Failure> {
    let asking = Asking::find(chosen, asked).await?;
    asking.check_open("paused")?;
    if asking.wish() == Some(Wish::Cancel) || asking.requests.run == Some(Wish::Cancel) {
        return Err(asking.refused("paused", "it is being cancelled"));
    }
    let again = asking.wish() == Some(Wish::Pause);
    let text = if asking.entity.is_some() {
        asking.ask(Some(Wish::Pause)).await?;
        of_entity(&asking, again, screen)
    } else if asking.is_at_work() {
        asking.ask(Some(Wish::Pause)).await?;
        of_run(&asking, again, screen)
    } else if asking.run.state == RunState::Paused {
        format!("{} is paused already.{}", asking.subject(), resume(&asking))
    } else {
        format!(
            "{} is not at work: its process is gone. It goes on when someone says so.{}",
            asking.subject(),
            resume(&asking)
        )
    };
    asking.answer(screen, STATUS, &text);
    Ok(Exit::Done)
}

fn of_run(asking: &Asking, again: bool, screen: &Screen) -> String {
    let what = if again { "was asked to pause before, and does" } else { "pauses" };
    format!("{} {} {what} after the units in hand.{}", screen.signs().paused, asking.subject(), resume(asking))
}

fn of_entity(asking: &Asking, again: bool, screen: &Screen) -> String {
    let (sign, subject) = (screen.signs().paused, asking.subject());
    let when = match (asking.is_at_work(), again) {
        (true, false) => format!("pauses {}", asking.moment()),
        (true, true) => "was paused before, and stays so".to_owned(),
        (false, _) => "stays paused when the run goes on".to_owned(),
    };
    let children = asking.children();
    let waits = match &*children {
        [] => String::new(),
        [one] => format!(" {one} keeps waiting for it."),
        many => format!(" {} keep waiting for it.", many.join(", ")),
    };
    format!("{sign} {subject} {when}.{waits}{}", resume(asking))
}

/// How to go on.
fn resume(asking: &Asking) -> String {
    let entity = asking.entity.as_ref().map(|entity| format!(" {}", entity.entity)).unwrap_or_default();
    format!("   resume: transload resume {}{entity}", asking.run.id.short())
}
