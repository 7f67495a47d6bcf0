//! `quarantine retry`: a run that tries rows again which were set aside.

use std::sync::Arc;

use transload_model::{Destination, Exit, Plan, TransformFactory};

use crate::cli::args::{QuarantineRetry, Run};
use crate::cli::commands::run;
use crate::cli::failure::Failure;
use crate::cli::render::Screen;
use crate::cli::wiring::Chosen;

use super::{RetrySelection, entity, keys, not_held};

pub(super) async fn run(chosen: &Chosen, retry: &QuarantineRetry, screen: &Screen) -> Result<Exit, Failure> {
    let plainly = Run { yes: retry.yes, fail_on_quarantine: retry.fail_on_quarantine, ..Run::default() };
    let again = Again { entity: retry.entity.as_deref(), keys: &retry.key };
    run::run_again(chosen, (&plainly, &again), screen).await
}

/// What a run is asked to try again, as it was typed.
pub(crate) struct Again<'a> {
    entity: Option<&'a str>,
    keys: &'a [String],
}

impl Again<'_> {
    /// # Errors
    /// `TL0011` where there is no such entity, `TL0015` where a key is none of a row that is set aside.
    pub(crate) async fn selection(
        &self,
        plan: &Plan,
        functions: &dyn TransformFactory,
        destination: &dyn Destination,
    ) -> Result<RetrySelection, Failure> {
        let Some(text) = self.entity else { return Ok(RetrySelection::All) };
        let plan = entity(plan, text)?;
        if self.keys.is_empty() {
            return Ok(RetrySelection::Entity(plan.name.clone()));
        }
        let keys = keys(functions, plan, self.keys)?;
        let held = destination.quarantine(Some(&plan.name)).await?;
        if let Some(key) = keys.iter().find(|key| held.iter().all(|held| held.row.key != **key)) {
            return Err(not_held(&plan.name, &key.text()));
        }
        Ok(RetrySelection::Keys(plan.name.clone(), Arc::new(keys)))
    }
}
