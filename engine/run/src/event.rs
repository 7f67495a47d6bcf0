//! What a run tells while it goes on.

use std::collections::BTreeMap;

use serde::Serialize;
use transload_model::{Counts, EntityName, RunId};

/// Something happened. Events are complete when they are told: a unit is told of once it is durable.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The run begins, or goes on after an interruption.
    RunStarted {
        /// Its id.
        run_id: RunId,
        /// Whether an earlier process began it.
        resumed: bool,
        /// Its entities, parents first.
        entities: Vec<EntityName>,
        /// What became of the rows of those that an earlier process began.
        #[serde(skip)]
        so_far: BTreeMap<EntityName, Counts>,
    },
    /// An entity begins.
    EntityStarted {
        /// Which.
        entity: EntityName,
        /// Rows at the source, where that is known.
        rows: Option<u64>,
    },
    /// A batch was read and judged; nothing of it need be durable yet.
    Progress {
        /// Which.
        entity: EntityName,
        /// What became of the rows so far.
        counts: Counts,
    },
    /// A unit is durable.
    UnitCommitted {
        /// Which.
        entity: EntityName,
        /// Which of the entity's streams; zero is the entity itself.
        stream: u32,
        /// The stream's number of the unit.
        seq: u64,
        /// What became of the rows so far.
        counts: Counts,
    },
    /// All rows of an entity are in; deletes may follow once its children are loaded.
    EntityLoaded {
        /// Which.
        entity: EntityName,
        /// What became of its rows.
        counts: Counts,
        /// Milliseconds that it took.
        elapsed_ms: u64,
    },
    /// An entity is done.
    EntityCompleted {
        /// Which.
        entity: EntityName,
        /// What became of its rows.
        counts: Counts,
        /// Milliseconds that it took.
        elapsed_ms: u64,
    },
    /// An entity stopped on request; it may go on.
    EntitySuspended {
        /// Which.
        entity: EntityName,
        /// Why, as a code.
        code: &'static str,
        /// Why, in words.
        message: String,
        /// What became of its rows until then.
        counts: Counts,
    },
    /// An entity failed.
    EntityFailed {
        /// Which.
        entity: EntityName,
        /// Why, as a code.
        code: &'static str,
        /// Why, in words.
        message: String,
        /// What became of its rows until then.
        counts: Counts,
    },
    /// The run is over.
    RunCompleted {
        /// Its id.
        run_id: RunId,
        /// `completed`, `failed`, `paused` or `cancelled`.
        status: &'static str,
        /// All entities together.
        totals: Counts,
    },
}

/// Who listens. Called from the tasks that do the work, so it must be quick.
pub trait EventSink: Send + Sync {
    /// Takes an event.
    fn emit(&self, event: &Event);
}
