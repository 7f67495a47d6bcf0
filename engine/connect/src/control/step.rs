//! The steps between two states that were heard of.
//!
//! What is told to a control store may miss steps: the queue was full, or the store was away. Its tables refuse steps that do not exist, so
//! what must have happened in between is made up for, and nothing else.

use transload_model::{EntityRecord, EntityState, RunState};

/// The state of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckpointState {
    /// Its entity waits.
    Created,
    /// Its entity is at work.
    Active,
    /// Its entity stopped; the next run goes on.
    Suspended,
    /// Its entity is done. It stays so, also where a run that is resumed looks at the entity again.
    Completed,
}

impl CheckpointState {
    pub(crate) const ALL: [Self; 4] = [Self::Created, Self::Active, Self::Suspended, Self::Completed];

    /// The word that is stored.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Completed => "completed",
        }
    }

    /// The state that a stored word names.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// The state that a run was in between two that were heard of, where one was missed: only a run at work comes to these ends.
pub(crate) fn passed_through(before: RunState, after: RunState) -> Option<RunState> {
    let is_end_of_work = matches!(after, RunState::Paused | RunState::Completed | RunState::Failed);
    let was_idle = matches!(before, RunState::Pending | RunState::Paused | RunState::Failed);
    (is_end_of_work && was_idle && before != after).then_some(RunState::Running)
}

/// The states that a checkpoint takes when its entity is heard of in a state; none where it stays as it is.
pub(crate) fn checkpoint_steps(before: CheckpointState, entity: EntityState) -> Vec<CheckpointState> {
    use CheckpointState::{Active, Completed, Created, Suspended};
    match (before, entity) {
        (Completed, _) => Vec::new(),
        (Active, EntityState::Done) => vec![Completed],
        (Created | Suspended, EntityState::Done) => vec![Active, Completed],
        (Created | Suspended, EntityState::Moving | EntityState::Loaded) => vec![Active],
        // A run that goes on finds its entities waiting again.
        (Active, EntityState::Waiting | EntityState::Suspended | EntityState::Failed) => vec![Suspended],
        (Active, EntityState::Moving | EntityState::Loaded)
        | (Created | Suspended, EntityState::Waiting | EntityState::Suspended | EntityState::Failed) => Vec::new(),
    }
}

/// What is told of an entity that nothing was heard of before: one that stopped behind a unit was at work.
pub(crate) fn adopted_steps(entity: &EntityRecord) -> Vec<EntityRecord> {
    let has_stopped = matches!(entity.state, EntityState::Suspended | EntityState::Failed) && entity.unit.is_some();
    let moving = has_stopped.then(|| EntityRecord { state: EntityState::Moving, reason: None, ..entity.clone() });
    moving.into_iter().chain([entity.clone()]).collect()
}

/// Whether a checkpoint's numbers move with what is told: an entity that begins has not counted yet.
pub(crate) fn moves_checkpoint(entity: EntityState, has_unit: bool) -> bool {
    has_unit || !matches!(entity, EntityState::Waiting | EntityState::Moving)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_ended_was_at_work() {
        use RunState::{Cancelled, Completed, Failed, Paused, Pending, Running};
        for before in [Pending, Paused, Failed] {
            assert_eq!(passed_through(before, Completed), Some(Running));
        }
        assert_eq!(passed_through(Paused, Failed), Some(Running));
        for (before, after) in
            [(Running, Completed), (Paused, Paused), (Pending, Running), (Failed, Cancelled), (Completed, Failed)]
        {
            assert_eq!(passed_through(before, after), None, "{before} to {after}");
        }
    }

    #[test]
    fn a_checkpoint_follows_its_entity() {
        use CheckpointState::{Active, Completed, Created, Suspended};
        use EntityState::{Done, Failed, Loaded, Moving, Waiting};
        let cases: [(CheckpointState, EntityState, &[CheckpointState]); 10] = [
            (Created, Waiting, &[]),
            (Created, Failed, &[]),
            (Created, Moving, &[Active]),
            (Created, Done, &[Active, Completed]),
            (Active, Loaded, &[]),
            (Active, Waiting, &[Suspended]),
            (Active, EntityState::Suspended, &[Suspended]),
            (Suspended, Moving, &[Active]),
            (Suspended, Done, &[Active, Completed]),
            (Completed, Moving, &[]),
        ];
        for (before, entity, steps) in cases {
            assert_eq!(checkpoint_steps(before, entity), steps, "{before:?} when {entity:?}");
        }
    }
}
