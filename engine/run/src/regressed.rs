//! Destinations that went back: a backup was restored, or a replica took over that had not heard of the last commits.
//!
//! Rows and ledger go back together, so the ledger is right about the rows, and whatever is missing is found and loaded again. Nothing has to be
//! mended; but who restored a backup without meaning to should hear of it, and a run must not say that it is done when its last units are gone.

use std::collections::BTreeMap;

use transload_model::{Code, Diagnostic, EntityName, Exit, LedgerState, Plan, RunId, TableName, UnitNumber};

use crate::context::Context;
use crate::report::EntityReport;

/// The last unit of an entity that the control store heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mirrored {
    /// The run that committed it.
    pub run: RunId,
    /// Its number.
    pub unit: UnitNumber,
}

/// Says where the control store knows of units that the destination does not hold. It may lag behind the destination and never leads.
pub(crate) fn before(
    plan: &Plan,
    mirrored: &BTreeMap<EntityName, Mirrored>,
    ledger: &LedgerState,
) -> Option<Diagnostic> {
    let code = Code::DestinationRegressed;
    let Some(newest) = ledger.positions.values().map(|position| position.run).max() else {
        // Somebody begins anew, or means another.
        let headline =
            "the destination holds nothing of what earlier runs loaded: it was emptied, moved, or is another";
        let note = "everything is loaded from the beginning";
        let is_known = plan.entities().iter().any(|entity| mirrored.contains_key(&entity.name));
        return is_known.then(|| Diagnostic::warning(code, headline).note(note).help(code.info().remedy));
    };
    // After a ledger that is newer, somebody began anew.
    let is_ahead = |entity: &&EntityName| {
        let Some(known) = mirrored.get(*entity).filter(|known| known.run >= newest) else { return false };
        let seq = ledger.positions.get(*entity).map_or(0, |position| position.seq);
        // Ranges of an entity count by themselves, and only while they are moved.
        if known.unit.stream == 0 { seq < known.unit.seq } else { known.run > newest }
    };
    let entities: Vec<&EntityName> = plan.entities().iter().map(|entity| &entity.name).filter(is_ahead).collect();
    let headline = format!("the destination does not hold what was committed to it of {}", listed(&entities)?);
    let note = "its own ledger counts: what is missing is found and loaded again";
    Some(Diagnostic::warning(code, headline).note(note).help(code.info().remedy))
}

/// Says where units that this process committed are gone at its end. An entity that could not go on for that reason says so, too.
pub(crate) async fn after(
    context: &Context,
    tables: &[TableName],
    entities: &mut [EntityReport],
) -> Option<Diagnostic> {
    let committed = context.committed();
    if committed.is_empty() {
        return None;
    }
    let ledger = match context.destination.ledger(tables).await {
        Ok(ledger) => Ok(ledger),
        // A connection may have been lost while nobody looked.
        Err(_) => context.destination.ledger(tables).await,
    };
    let ledger = match ledger {
        Ok(ledger) => ledger,
        // That the destination cannot be reached is why the run fails, and is told already.
        Err(_) if entities.iter().any(was_cut_off) => return None,
        Err(problem) => return Some(*problem),
    };
    let is_gone =
        |entity: &EntityName, seq: u64| ledger.positions.get(entity).is_none_or(|position| position.seq < seq);
    let gone: Vec<&EntityName> =
        committed.iter().filter(|(name, seq)| is_gone(name, **seq)).map(|(name, _)| name).collect();
    let headline = format!("the destination lost units that were committed, of {}", listed(&gone)?);
    let problem = Diagnostic::new(Code::DestinationRegressed, headline).help(Code::DestinationRegressed.info().remedy);
    // What looks as if another run had moved its stream.
    let is_fenced = |entity: &&mut EntityReport| entity.problem.as_ref().is_some_and(|p| p.code == Code::Fenced);
    for entity in entities.iter_mut().filter(is_fenced).filter(|entity| gone.contains(&&entity.entity)) {
        entity.problem = Some(problem.clone());
    }
    Some(problem)
}

fn was_cut_off(entity: &EntityReport) -> bool {
    entity.problem.as_ref().is_some_and(|problem| problem.code.info().exit == Exit::Unavailable)
}

/// The names, where there are any.
fn listed(entities: &[&EntityName]) -> Option<String> {
    let names: Vec<String> = entities.iter().map(|name| format!("`{name}`")).collect();
    (!names.is_empty()).then(|| names.join(", "))
}
