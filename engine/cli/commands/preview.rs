//! `preview`: what a spec makes of rows, and how each value comes to be. Nothing is written.

mod rows;
mod show;

use chrono::{DateTime, Utc};
use transload_model::{Clock, EntityName, EntityPlan, Exit, Plan, SystemClock};
use transload_run::{Parents, Trial, Tried};

use crate::cli::args::{Format, Preview};
use crate::cli::failure::{Failure, unknown_entity};
use crate::cli::render::{Screen, pretty};
use crate::cli::wiring::{self, Chosen, World};

/// Rows that were tried, and what else is known of them.
struct Previewed<'a> {
    entity: &'a EntityPlan,
    tried: Tried,
    /// What the destination holds now, by row and column of `tried`; `None` where nobody looked.
    current: Option<Vec<Option<Vec<Option<String>>>>>,
    /// Rows of the entity that are set aside, where those are what was asked for.
    held: Option<usize>,
    /// Whether references were looked up.
    are_looked_up: bool,
    /// The moment that the spec saw as now.
    now: DateTime<Utc>,
}

pub(crate) async fn run(chosen: &Chosen, preview: &Preview, screen: &Screen) -> Result<Exit, Failure> {
    let mut world = if preview.row.is_some() { wiring::world_offline(chosen)? } else { wiring::world(chosen).await? };
    let (plan, warnings) = world.plan()?;
    for warning in &warnings {
        screen.problem(warning);
    }
    let names: Vec<&EntityName> = plan.entities().iter().map(|entity| &entity.name).collect();
    let name = names.iter().find(|name| name.as_str() == preview.entity);
    let name = name.ok_or_else(|| unknown_entity(&preview.entity, &names))?;
    let Some(entity) = plan.entity(name) else { return Ok(Exit::Bug) };
    let previewed = tried(&world, &plan, entity, preview, screen).await?;
    if preview.as_test {
        screen.answer(show::as_test(&previewed, preview.show_values).trim_end());
        return Ok(Exit::Done);
    }
    match screen.format {
        Format::Json => screen.answer(&pretty(&show::as_json(&previewed, preview.show_values))),
        _ => screen.answer(show::text(&previewed, preview, screen).trim_end()),
    }
    Ok(Exit::Done)
}

async fn tried<'a>(
    world: &World,
    plan: &'a Plan,
    entity: &'a EntityPlan,
    preview: &Preview,
    screen: &Screen,
) -> Result<Previewed<'a>, Failure> {
    let context = world.context(plan, SystemClock::new().now());
    let trial = Trial::new(plan, entity, &*world.functions, &context);
    if let Some(path) = &preview.row {
        let tried = trial.derive(rows::from_file(&trial, entity, path, screen)?, &Parents::Assumed).await?;
        return Ok(Previewed { entity, tried, current: None, held: None, are_looked_up: false, now: context.now });
    }
    let destination = wiring::existing_destination(&world.project).await?;
    let held = match &destination {
        Some(destination) if preview.quarantined => destination.quarantine(Some(&entity.name)).await?,
        _ => Vec::new(),
    };
    let batch = rows::from_source(world, entity, &held, preview).await?;
    let parents = destination.clone().map_or(Parents::None, Parents::Loaded);
    let tried = trial.derive(batch, &parents).await?;
    let current = match &destination {
        Some(destination) if preview.against_destination => {
            Some(rows::current(destination.as_ref(), entity, &tried, world).await?)
        }
        None if preview.against_destination => Some(vec![None; tried.faults.len()]),
        _ => None,
    };
    let held = preview.quarantined.then_some(held.len());
    Ok(Previewed { entity, tried, current, held, are_looked_up: true, now: context.now })
}
