//! What the ledger still knows of runs, for a control store that lost them.
//!
//! A position names the run that moved its entity last, and a fence the run that is to go on. So of each entity the last run is known, and of
//! an earlier one what no later one moved again. When a run began stands in its id; when it ended, nobody knows here, and nothing is made up.

use std::collections::{BTreeMap, BTreeSet};

use transload_model::{
    Counts, EntityName, EntityRecord, EntityState, LedgerState, Phase, Position, Result, RunId, RunState, TableName,
    UnitNumber,
};

use crate::start::unfinished_run;

/// A run, as far as the ledger knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct RememberedRun {
    /// Its id.
    pub id: RunId,
    /// `Running` where it was interrupted and goes on when it is resumed.
    pub state: RunState,
    /// What is known of why it ended.
    pub reason: Option<String>,
    /// The entities that no later run moved; of one that was interrupted, those as well that it has yet to move.
    pub entities: Vec<EntityRecord>,
}

impl RememberedRun {
    /// All its entities together.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for entity in &self.entities {
            counts += entity.counts;
        }
        counts
    }
}

/// The runs that the ledger knows, the oldest first, as far as they moved these entities into these tables.
///
/// # Errors
/// `TL0503` where a run is at work: what it does is not settled yet.
pub fn remembered(ledger: &LedgerState, entities: &[(EntityName, TableName)]) -> Result<Vec<RememberedRun>> {
    unfinished_run(ledger)?;
    let held: BTreeSet<RunId> = ledger.fences.iter().filter_map(|fence| Some(fence.holder.as_ref()?.run)).collect();
    let mut moved: BTreeMap<RunId, Vec<&Position>> = held.iter().map(|run| (*run, Vec::new())).collect();
    for (entity, table) in entities {
        let own = |position: &&Position| position.destination_table == *table;
        if let Some(position) = ledger.positions.get(entity).filter(own) {
            moved.entry(position.run).or_default().push(position);
        }
    }
    let run = |(id, positions): (RunId, Vec<&Position>)| {
        if held.contains(&id) { interrupted(id, &positions, (ledger, entities)) } else { ended(id, &positions) }
    };
    Ok(moved.into_iter().map(run).collect())
}

/// A run whose process is gone, and which keeps its fences until it goes on.
fn interrupted(
    id: RunId,
    positions: &[&Position],
    (ledger, entities): (&LedgerState, &[(EntityName, TableName)]),
) -> RememberedRun {
    let record = |(entity, _): &(EntityName, TableName)| {
        let Some(position) = positions.iter().find(|position| position.entity == *entity) else {
            return record(entity, EntityState::Waiting, (Counts::default(), None));
        };
        let state = match position.phase {
            Phase::Loading | Phase::Filling => EntityState::Suspended,
            Phase::Loaded => EntityState::Loaded,
            Phase::Done => EntityState::Done,
        };
        // Of several streams, each has units of its own.
        let has_streams = ledger.streams.contains_key(entity);
        record(entity, state, (position.counts, Some(position.seq).filter(|_| !has_streams)))
    };
    RememberedRun { id, state: RunState::Running, reason: None, entities: entities.iter().map(record).collect() }
}

/// A run that gave its fences back.
fn ended(id: RunId, positions: &[&Position]) -> RememberedRun {
    let mut entities = Vec::new();
    let mut reason = None;
    for position in positions {
        let is_done = position.phase == Phase::Done;
        let state = if is_done { EntityState::Done } else { EntityState::Failed };
        if !is_done {
            let name = &position.entity;
            reason.get_or_insert_with(|| format!("it failed or was cancelled before `{name}` was done"));
        }
        entities.push(record(&position.entity, state, (position.counts, Some(position.seq))));
    }
    let state = if reason.is_some() { RunState::Failed } else { RunState::Completed };
    RememberedRun { id, state, reason, entities }
}

fn record(entity: &EntityName, state: EntityState, (counts, seq): (Counts, Option<u64>)) -> EntityRecord {
    let unit = seq.map(|seq| UnitNumber { stream: 0, seq });
    EntityRecord { state, counts, unit, ..EntityRecord::waiting(entity) }
}

#[cfg(test)]
mod tests {
    use transload_model::{Code, Fence, Found, Holder};

    use super::*;

    const OLD: &str = "01990000-0000-7000-8000-000000000001";
    const NEW: &str = "019a0000-0000-7000-8000-000000000002";

    fn entities(names: &[&str]) -> Vec<(EntityName, TableName)> {
        let one = |name: &&str| (EntityName::parse(name).unwrap(), TableName::parse(name).unwrap());
        names.iter().map(one).collect()
    }

    fn position(name: &str, run: &str, phase: Phase) -> (EntityName, Position) {
        let (entity, destination_table) = entities(&[name]).remove(0);
        let position = Position {
            entity: entity.clone(),
            run: run.parse().unwrap(),
            seq: 3,
            phase,
            cursor: None,
            counts: Counts { read: 10, new: 10, ..Counts::default() },
            gained: 0,
            freed: 0,
            freed_seen: 0,
            destination_table,
            parents_seen: BTreeMap::new(),
            lookups_seen: BTreeMap::new(),
            found: Found::default(),
            plan_fingerprint: 0,
            mapped_fingerprint: 0,
            key_fingerprint: 0,
            read_fingerprint: 0,
        };
        (entity, position)
    }

    fn fence(run: &str, alive: bool) -> Fence {
        let holder = Holder { run: run.parse().unwrap(), alive, name: "process 7 on here".to_owned() };
        Fence { table: TableName::parse("a").unwrap(), epoch: 2, holder: Some(holder) }
    }

    /// Run, state and entities, in words.
    fn told(ledger: &LedgerState, names: &[&str]) -> Vec<String> {
        let entity = |entity: &EntityRecord| format!("{} {}", entity.entity, entity.state.as_str());
        let run = |run: &RememberedRun| {
            let entities: Vec<String> = run.entities.iter().map(entity).collect();
            format!("{} {}: {}", run.id.short(), run.state, entities.join(", "))
        };
        remembered(ledger, &entities(names)).unwrap().iter().map(run).collect()
    }

    #[test]
    fn each_entity_tells_of_the_run_that_moved_it_last() {
        let positions = [position("a", NEW, Phase::Done), position("b", OLD, Phase::Done)];
        let ledger = LedgerState { exists: true, positions: positions.into(), ..LedgerState::default() };
        assert_eq!(told(&ledger, &["a", "b", "c"]), ["00000001 completed: b done", "00000002 completed: a done"]);
    }

    #[test]
    fn a_run_that_is_held_goes_on_with_what_it_has_not_moved() {
        let positions = [position("a", NEW, Phase::Loading), position("b", OLD, Phase::Done)];
        let fences = vec![fence(NEW, false)];
        let ledger = LedgerState { exists: true, positions: positions.into(), fences, ..LedgerState::default() };
        let expected = ["00000001 completed: b done", "00000002 running: a suspended, b waiting"];
        assert_eq!(told(&ledger, &["a", "b"]), expected);
    }

    #[test]
    fn a_run_that_left_an_entity_before_its_end_did_not_complete() {
        let positions = [position("a", NEW, Phase::Done), position("b", NEW, Phase::Loading)];
        let ledger = LedgerState { exists: true, positions: positions.into(), ..LedgerState::default() };
        assert_eq!(told(&ledger, &["a", "b"]), ["00000002 failed: a done, b failed"]);
        let reason = remembered(&ledger, &entities(&["a", "b"])).unwrap().remove(0).reason;
        assert_eq!(reason.as_deref(), Some("it failed or was cancelled before `b` was done"));
    }

    #[test]
    fn what_no_spec_names_is_not_taken_for_the_projects() {
        let positions = [position("a", NEW, Phase::Done)];
        let ledger = LedgerState { exists: true, positions: positions.into(), ..LedgerState::default() };
        assert!(told(&ledger, &["b"]).is_empty());
        let elsewhere = [(EntityName::parse("a").unwrap(), TableName::parse("other").unwrap())];
        assert_eq!(remembered(&ledger, &elsewhere).unwrap(), []);
    }

    #[test]
    fn a_run_at_work_is_left_alone() {
        let ledger = LedgerState { exists: true, fences: vec![fence(NEW, true)], ..LedgerState::default() };
        let problem = remembered(&ledger, &entities(&["a"])).unwrap_err();
        assert_eq!(problem.code, Code::InProgress);
        assert!(problem.notes.iter().any(|note| note.contains("process 7 on here")), "{problem:?}");
    }
}
