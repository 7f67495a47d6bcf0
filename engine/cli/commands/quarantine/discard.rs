//! `quarantine discard`: a person decides that rows are not to come.

use serde_json::json;
use transload_model::{Code, Diagnostic, Exit, SystemClock, nearest};
use transload_run::{Discard, DiscardSelection, Discarded};

use crate::cli::args::{Format, QuarantineDiscard};
use crate::cli::confirm::confirm;
use crate::cli::failure::Failure;
use crate::cli::render::{Screen, pretty};
use crate::cli::text::rows;
use crate::cli::who::who;
use crate::cli::wiring::Chosen;

use super::{Place, entity, keys, not_held};

pub(super) async fn run(chosen: &Chosen, asked: &QuarantineDiscard, screen: &Screen) -> Result<Exit, Failure> {
    let place = Place::open(chosen).await?;
    let plan = entity(&place.plan, &asked.entity)?;
    let selection = match &asked.code {
        Some(text) => DiscardSelection::Code(code(text)?),
        None if asked.all => DiscardSelection::All,
        None => DiscardSelection::Keys(keys(&*place.world.functions, plan, &asked.key)?),
    };
    confirm(&place.world.project, asked.yes, screen)?;
    let done = match (&place.destination, &selection) {
        (Some(destination), _) => {
            let discard = Discard { selection, reason: asked.reason.clone(), by: who() };
            transload_run::discard(&**destination, plan, discard, &SystemClock::new()).await?
        }
        (None, DiscardSelection::Keys(keys)) if let Some(key) = keys.first() => {
            return Err(not_held(&plan.name, &key.text()));
        }
        (None, _) => Discarded { rows: 0, before: 0 },
    };
    if screen.format == Format::Json {
        screen.answer(&pretty(&json!({
            "schema": "transload.quarantine_discard/1",
            "entity_type": plan.name,
            "discarded": done.rows,
            "discarded_before": done.before,
        })));
    } else {
        screen.say(&told(plan.name.as_str(), done));
    }
    Ok(Exit::Done)
}

fn told(entity: &str, done: Discarded) -> String {
    let before = match done.before {
        0 => String::new(),
        before => format!(
            "; {} discarded before, and {} as decided then",
            rows(before),
            if before == 1 { "stays" } else { "stay" }
        ),
    };
    match done.rows {
        0 => format!("no row of `{entity}` was to be discarded{before}"),
        count => format!("{} of `{entity}` discarded{before}", rows(count)),
    }
}

fn code(text: &str) -> Result<Code, Failure> {
    Code::find(text).ok_or_else(|| {
        let words = Code::ALL.iter().flat_map(|code| [code.info().number, code.info().word]);
        let help = match nearest(text, words) {
            Some(near) => format!("did you mean `{near}`?"),
            None => Code::UnknownCode.info().remedy.to_owned(),
        };
        Diagnostic::new(Code::UnknownCode, format!("nothing is called `{text}`")).help(help).into()
    })
}
