//! `resume`: a run goes on, here and now; or an entity of it is not paused any more.

use transload_model::{Exit, Wish};

use crate::cli::args::{Resume, Run};
use crate::cli::asking::Asking;
use crate::cli::commands::run;
use crate::cli::failure::Failure;
use crate::cli::render::Screen;
use crate::cli::wiring::Chosen;

const STATUS: &str = "running";

pub(crate) async fn run(chosen: &Chosen, resume: &Resume, screen: &Screen) -> Result<Exit, Failure> {
    let asking = Asking::find(chosen, &resume.asked).await?;
    asking.check_open("resumed")?;
    if asking.requests.run == Some(Wish::Cancel) || asking.wish() == Some(Wish::Cancel) {
        return Err(asking.refused("resumed", "it is being cancelled"));
    }
    if asking.entity.is_some() {
        let text = of_entity(&asking).await?;
        asking.answer(screen, STATUS, &text);
        return Ok(Exit::Done);
    }
    if asking.is_at_work() && asking.requests.run == Some(Wish::Pause) {
        return Err(asking.refused("resumed", "it is about to pause; resume it once it has"));
    }
    for (entity, wish) in &asking.requests.entities {
        if *wish == Wish::Pause {
            asking.store.request(asking.run.id, Some(entity), None).await?;
        }
    }
    if asking.is_at_work() {
        asking.answer(screen, STATUS, &format!("{} is at work already", asking.subject()));
        return Ok(Exit::Done);
    }
    let flags = Run { yes: resume.yes, timeout: resume.timeout, ..Run::default() };
    run::begin(chosen, (&flags, Some(asking.run.id)), screen).await
}

async fn of_entity(asking: &Asking) -> Result<String, Failure> {
    let subject = asking.subject();
    if asking.wish().is_none() {
        return Ok(format!("{subject} is not paused"));
    }
    asking.ask(None).await?;
    Ok(if asking.is_at_work() {
        format!(
            "{subject} is taken up again while the others are at work; else `transload resume {}` goes on with it",
            asking.run.id.short()
        )
    } else {
        format!("{subject} goes on with its run: `transload resume {}`", asking.run.id.short())
    })
}
