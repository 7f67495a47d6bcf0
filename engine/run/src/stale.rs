//! Rows that the destination holds from before their columns were masked.
//!
//! Where masks begin or change, every row of the source is written again. What fails then, was discarded, or is gone from the source keeps what
//! the destination has of it, which may be what is hidden now; so does a row that somebody else loaded, that is taken over, and that fails. Such rows must never pass for hidden: runs tell of them until there are none, and
//! nothing explains them to `verify`.

use std::collections::BTreeMap;

use transload_model::{
    Code, Destination, Diagnostic, EntityName, EntityPlan, Entry, LedgerState, Outcome, Position, Result,
};

use crate::context::Context;
use crate::detect::UNKNOWN;
use crate::entries::Entries;
use crate::start::Job;

/// Whether all that the destination holds is known to have gone through the masks that count now.
pub(crate) fn is_masked(plan: &EntityPlan, position: &Position) -> bool {
    plan.masks.is_empty() || position.found.masks == plan.mask_fingerprint
}

/// Whether the destination may hold an older version of a row than the last that was read.
pub(crate) fn is_older(entry: &Entry) -> bool {
    entry.present && (entry.digest == UNKNOWN || !is_written(entry.outcome))
}

/// Whether the destination has a row as it was read last.
pub(crate) fn is_written(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Loaded | Outcome::Deferred)
}

/// Takes note of entities of which no such row is left, so that the next unit of theirs says so.
pub(crate) async fn settle(job: &Job, ledger: &mut LedgerState) -> Result<()> {
    for plan in job.plan.entities() {
        let Some(position) = ledger.positions.get_mut(&plan.name) else { continue };
        if !is_masked(plan, position) && count(&*job.destination, plan, position).await? == 0 {
            position.found.masks = plan.mask_fingerprint;
        }
    }
    Ok(())
}

/// The problems of entities of which the destination may still hold what is masked now.
pub(crate) async fn problems(context: &Context) -> Vec<Diagnostic> {
    let masked = || context.plan.entities().iter().filter(|plan| !plan.masks.is_empty());
    if masked().next().is_none() {
        return Vec::new();
    }
    let tables: Vec<_> = masked().map(|plan| plan.destination.table.clone()).collect();
    let positions = match context.destination.ledger(&tables).await {
        Ok(ledger) => ledger.positions,
        Err(problem) => return vec![*problem],
    };
    let mut problems = Vec::new();
    for plan in masked() {
        match problem(context, plan, &positions).await {
            Ok(found) => problems.extend(found),
            Err(failed) => problems.push(*failed),
        }
    }
    problems
}

async fn problem(
    context: &Context,
    plan: &EntityPlan,
    positions: &BTreeMap<EntityName, Position>,
) -> Result<Option<Diagnostic>> {
    let Some(position) = positions.get(&plan.name).filter(|position| !is_masked(plan, position)) else {
        return Ok(None);
    };
    let rows = match count(&*context.destination, plan, position).await? {
        0 => return Ok(None),
        1 => "1 row".to_owned(),
        rows => format!("{rows} rows"),
    };
    let code = Code::MaskStale;
    let headline = format!("{rows} of `{}` may hold what is masked now", plan.name);
    let problem = Diagnostic::new(code, headline).at(format!("table `{}`", plan.destination.table));
    let problem = if position.read_fingerprint == plan.read_fingerprint {
        problem.note("they fail, were discarded, or are gone from the source, so none of them was written again")
    } else {
        problem.note("not all rows were written again since: a `run` of all of them does that")
    };
    Ok(Some(problem.help(code.info().remedy)))
}

/// How many rows the destination may hold as they were before; all of them, as long as not all were written again.
async fn count(destination: &dyn Destination, plan: &EntityPlan, position: &Position) -> Result<u64> {
    let are_written = position.read_fingerprint == plan.read_fingerprint;
    let mut entries = Entries::of(destination, &plan.name).await?;
    let mut rows = 0;
    while let Some(segment) = entries.next(|head| head.present > 0).await? {
        rows += segment.iter().filter(|entry| entry.present && (!are_written || is_older(entry))).count() as u64;
    }
    Ok(rows)
}
