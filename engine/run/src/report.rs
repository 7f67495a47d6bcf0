//! What a run did, in the end.

use serde::{Deserialize, Serialize};
use transload_model::{Counts, Diagnostic, EntityName, EntityState, Exit, QuarantineReason, RunId, RunState, Severity};

/// A finished run.
#[derive(Debug)]
pub struct RunReport {
    /// Its id.
    pub run: RunId,
    /// Whether it went on where an earlier process had stopped.
    pub resumed: bool,
    /// How it ended.
    pub state: RunState,
    /// Whether another process goes on with this run: how it ends is that one's to tell.
    pub is_overtaken: bool,
    /// Its entities, parents first.
    pub entities: Vec<EntityReport>,
    /// What is in quarantine now, by reason.
    pub quarantine: Vec<QuarantineReason>,
    /// What the user should know beside the entities' own problems. An error among them happened after the work was done.
    pub warnings: Vec<Diagnostic>,
    /// Wall clock.
    pub elapsed_ms: u64,
    /// Milliseconds of all entities together, by step.
    pub spent: Spent,
}

/// Where the time went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Reading, and comparing with the ledger.
    pub detect_ms: u64,
    /// Transforming and validating.
    pub transform_ms: u64,
    /// Writing and committing.
    pub load_ms: u64,
}

/// An entity of a finished run.
#[derive(Debug)]
pub struct EntityReport {
    /// Which.
    pub entity: EntityName,
    /// How it ended.
    pub state: EntityState,
    /// What became of its rows.
    pub counts: Counts,
    /// Whether deletes were looked for; where not, `counts.deleted` says nothing.
    pub looked_for_deletes: bool,
    /// Which changes at the source it is sure to have seen: `exact`, or `bounded` and by what.
    pub guarantee: String,
    /// Milliseconds that it took.
    pub elapsed_ms: u64,
    /// Why it stopped, or what it could not finish.
    pub problem: Option<Diagnostic>,
}

impl RunReport {
    /// All entities together.
    #[must_use]
    pub fn totals(&self) -> Counts {
        let mut totals = Counts::default();
        for entity in &self.entities {
            totals += entity.counts;
        }
        totals
    }

    /// What the process answers: the gravest of the entities' problems, the first of those that began it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let after = self.warnings.iter().filter(|problem| problem.severity == Severity::Error);
        let problems = self.entities.iter().filter_map(|entity| entity.problem.as_ref()).chain(after);
        let exits = problems.map(|problem| problem.code).filter(|code| *code != transload_model::Code::ParentFailed);
        exits.map(|code| code.info().exit).max_by_key(|exit| gravity(*exit)).unwrap_or(Exit::Done)
    }
}

/// An interruption explains all else; a refusal is milder than a failure.
fn gravity(exit: Exit) -> u8 {
    match exit {
        Exit::Done | Exit::Different => 0,
        Exit::Refused => 1,
        Exit::Quarantine => 2,
        Exit::Problems => 3,
        Exit::Unavailable => 4,
        Exit::CannotStart => 5,
        Exit::Locked => 6,
        Exit::Interrupted | Exit::Terminated => 7,
        Exit::Bug => 8,
    }
}
