//! `quarantine`: the rows that were set aside, with their reasons. It never shows their values.

use serde_json::{Value, json};
use transload_model::{EntityName, Exit, QuarantineRow};

use crate::cli::args::{Format, Quarantine};
use crate::cli::failure::{Failure, unknown_entity};
use crate::cli::render::{Screen, pretty};
use crate::cli::summary::table;
use crate::cli::text::rows;
use crate::cli::wiring::{self, Chosen};

pub(crate) async fn run(chosen: &Chosen, quarantine: &Quarantine, screen: &Screen) -> Result<Exit, Failure> {
    let mut world = wiring::world(chosen).await?;
    let (plan, _) = world.plan()?;
    let names: Vec<&EntityName> = plan.entities().iter().map(|entity| &entity.name).collect();
    let wanted = quarantine.entity.as_deref().map(|text| choose(text, &names)).transpose()?;
    let held = match wiring::existing_destination(&world.project).await? {
        Some(destination) => destination.quarantine(wanted).await?,
        None => Vec::new(),
    };
    // Other projects may have their rows in the same ledger.
    let held: Vec<QuarantineRow> = held.into_iter().filter(|row| names.contains(&&row.entity)).collect();
    match screen.format {
        Format::Json => {
            let held: Vec<Value> = held.iter().map(as_json).collect();
            screen.answer(&pretty(&json!({ "schema": "transload.quarantine/1", "rows": held })));
        }
        _ if held.is_empty() => screen.say("no row is in quarantine"),
        _ => {
            let header = ["entity", "key", "stage", "code", "field", "reason"];
            screen.answer(&table(&header, held.iter().map(line).collect(), 6));
            screen.hint(&format!(
                "\n{}: each is tried again when it changes at the source, when its spec changes, or when what it misses arrives; all of them by `transload run --retry-quarantined`",
                rows(held.len() as u64)
            ));
        }
    }
    Ok(Exit::Done)
}

fn choose<'a>(text: &str, names: &[&'a EntityName]) -> Result<&'a EntityName, Failure> {
    names.iter().find(|name| name.as_str() == text).copied().ok_or_else(|| unknown_entity(text, names))
}

fn line(row: &QuarantineRow) -> Vec<String> {
    let field = row.field.as_ref().map(ToString::to_string).unwrap_or_default();
    let word = row.code.info().word.to_owned();
    vec![row.entity.to_string(), row.key.text(), row.stage.as_str().to_owned(), word, field, row.message.clone()]
}

fn as_json(row: &QuarantineRow) -> Value {
    json!({
        "entity_type": row.entity,
        "source_key": row.key.text(),
        "stage": row.stage,
        "code": row.code,
        "field": row.field,
        "message": row.message,
        "run_id": row.run,
    })
}
