//! `quarantine`: the rows that were set aside, with their reasons, and what a person decides about them. It never shows their values.

use std::collections::BTreeSet;
use std::sync::Arc;

use transload_model::{
    Code, Destination, Diagnostic, EntityName, EntityPlan, Exit, HeldRow, KeyBytes, Plan, TransformFactory,
};
use transload_run::{RetrySelection, parse_key};

use crate::cli::args::{Quarantine, QuarantineVerb};
use crate::cli::failure::{Failure, unknown_entity};
use crate::cli::render::Screen;
use crate::cli::wiring::{self, Chosen, World};

mod discard;
mod retry;
mod show;

pub(crate) use retry::Again;

pub(crate) async fn run(chosen: &Chosen, quarantine: &Quarantine, screen: &Screen) -> Result<Exit, Failure> {
    match &quarantine.verb {
        None => show::list(chosen, quarantine.entity.as_deref(), screen).await,
        Some(QuarantineVerb::List(list)) => show::list(chosen, list.entity.as_deref(), screen).await,
        Some(QuarantineVerb::Show(show)) => show::row(chosen, show, screen).await,
        Some(QuarantineVerb::Discard(discard)) => discard::run(chosen, discard, screen).await,
        Some(QuarantineVerb::Retry(retry)) => retry::run(chosen, retry, screen).await,
    }
}

/// A project, what it loads into, and what is set aside there.
struct Place {
    world: World,
    plan: Arc<Plan>,
    destination: Option<Arc<dyn Destination>>,
}

impl Place {
    async fn open(chosen: &Chosen) -> Result<Self, Failure> {
        let mut world = wiring::world(chosen).await?;
        let (plan, _) = world.plan()?;
        let destination = wiring::existing_destination(&world.project).await?;
        Ok(Self { world, plan, destination })
    }

    /// Rows of one entity or of all. Other projects may have their rows in the same ledger.
    async fn held(&self, entity: Option<&EntityName>) -> Result<Vec<HeldRow>, Failure> {
        let Some(destination) = &self.destination else { return Ok(Vec::new()) };
        let held = destination.quarantine(entity).await?;
        Ok(held.into_iter().filter(|held| self.plan.entity(&held.row.entity).is_some()).collect())
    }
}

fn entity<'a>(plan: &'a Plan, text: &str) -> Result<&'a EntityPlan, Failure> {
    let names: Vec<&EntityName> = plan.entities().iter().map(|entity| &entity.name).collect();
    let found = plan.entities().iter().find(|entity| entity.name.as_str() == text);
    found.ok_or_else(|| unknown_entity(text, &names))
}

/// A key as `preview --key` takes it.
fn key(functions: &dyn TransformFactory, plan: &EntityPlan, text: &str) -> Result<KeyBytes, Failure> {
    parse_key(functions, &plan.key_types(), text).map_err(|reason| {
        let headline = format!("`{text}` is no key of `{}`: {reason}", plan.name);
        Failure::from(Diagnostic::new(Code::UnknownKey, headline).help(Code::UnknownKey.info().remedy))
    })
}

fn keys(functions: &dyn TransformFactory, plan: &EntityPlan, texts: &[String]) -> Result<BTreeSet<KeyBytes>, Failure> {
    texts.iter().map(|text| key(functions, plan, text)).collect()
}

fn not_held(plan: &EntityPlan, key: &KeyBytes) -> Failure {
    let headline = format!("no row of `{}` with the key {} is in quarantine", plan.name, key.text());
    let help = format!("`transload quarantine list {}` lists those that are", plan.name);
    Diagnostic::new(Code::UnknownKey, headline).help(help).into()
}
