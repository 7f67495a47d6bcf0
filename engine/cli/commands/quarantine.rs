//! `quarantine`: the rows that were set aside, with their reasons, and what a person decides about them. It never shows their values.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use transload_model::{Code, Destination, Diagnostic, EntityName, EntityPlan, Exit, KeyBytes, Plan, TransformFactory};
use transload_run::{RetrySelection, parse_key};

use crate::cli::args::{Quarantine, QuarantineVerb};
use crate::cli::failure::{Failure, unknown_entity};
use crate::cli::render::Screen;
use crate::cli::wiring::{self, Chosen, World};

mod discard;
mod held;
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
}

fn entity<'a>(plan: &'a Plan, text: &str) -> Result<&'a EntityPlan, Failure> {
    let names: Vec<&EntityName> = plan.entities().iter().map(|entity| &entity.name).collect();
    let found = plan.entities().iter().find(|entity| entity.name.as_str() == text);
    found.ok_or_else(|| unknown_entity(text, &names))
}

/// A key's text; in quotes where its ends could not be seen, or where it begins with one.
fn visible(key: &str) -> Cow<'_, str> {
    if key.is_empty() || key.trim() != key || key.starts_with('"') {
        return serde_json::Value::from(key).to_string().into();
    }
    key.into()
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

fn not_held(entity: &EntityName, key: &str) -> Failure {
    let headline = format!("no row of `{entity}` with the key {} is in quarantine", visible(key));
    let help = format!("`transload quarantine list {entity}` lists those that are");
    Diagnostic::new(Code::UnknownKey, headline).help(help).into()
}
