//! The states of a run and of an entity in it, with one transition function each.
//!
//! The tests print every state against every event, so a change of behaviour shows in review.

use std::fmt;

use serde::Serialize;

/// A run's state. The control store keeps it; the destination's ledger stays the truth about rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Known, not started.
    Pending,
    /// At work. Stored when the first entity starts.
    Running,
    /// Halted on request or for want of a resource; the next run goes on.
    Paused,
    /// Every entity is done. Rows may be in quarantine.
    Completed,
    /// At least one entity failed.
    Failed,
    /// Stopped for good on request.
    Cancelled,
}

/// What happens to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEvent {
    /// It starts.
    Start,
    /// It was asked to halt and all units are settled.
    Pause,
    /// It goes on, also after its process died.
    Resume,
    /// The last entity is done.
    Complete,
    /// An entity failed and nothing else is left to do.
    Fail,
    /// It was asked to stop for good.
    Cancel,
}

/// An entity's state within a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityState {
    /// For its parents, or for a place among the running.
    Waiting,
    /// Reads, transforms and loads.
    Moving,
    /// All rows are in; deletes wait for its children.
    Loaded,
    /// Nothing is left to do.
    Done,
    /// Stopped after its last committed unit; the next run goes on.
    Suspended,
    /// Stopped by a problem; the next run goes on after its last committed unit.
    Failed,
}

/// What happens to an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntityEvent {
    /// Its turn has come.
    Start,
    /// Its last unit is committed.
    Load,
    /// Its deletes are applied, or there are none.
    Finish,
    /// It was asked to stop.
    Suspend,
    /// A problem ended it, or it was cancelled.
    Fail,
}

/// An event that a state does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{state} cannot take {event}")]
pub struct IllegalStep {
    /// The state.
    pub state: &'static str,
    /// The event.
    pub event: &'static str,
}

impl RunState {
    /// The state after `event`.
    ///
    /// # Errors
    /// Where the event cannot happen in this state.
    pub fn next(self, event: RunEvent) -> Result<Self, IllegalStep> {
        match (self, event) {
            (Self::Pending, RunEvent::Start) | (Self::Paused | Self::Failed | Self::Running, RunEvent::Resume) => {
                Ok(Self::Running)
            }
            (Self::Running, RunEvent::Pause) => Ok(Self::Paused),
            (Self::Running, RunEvent::Complete) => Ok(Self::Completed),
            (Self::Running, RunEvent::Fail) => Ok(Self::Failed),
            (Self::Pending | Self::Running | Self::Paused, RunEvent::Cancel) => Ok(Self::Cancelled),
            _ => Err(IllegalStep { state: self.as_str(), event: event.as_str() }),
        }
    }

    /// The word that is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state that a stored word names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    const ALL: [Self; 6] = [Self::Pending, Self::Running, Self::Paused, Self::Completed, Self::Failed, Self::Cancelled];
}

impl RunEvent {
    fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Complete => "complete",
            Self::Fail => "fail",
            Self::Cancel => "cancel",
        }
    }
}

impl EntityState {
    /// The state after `event`.
    ///
    /// # Errors
    /// Where the event cannot happen in this state.
    pub fn next(self, event: EntityEvent) -> Result<Self, IllegalStep> {
        match (self, event) {
            (Self::Waiting | Self::Suspended | Self::Failed, EntityEvent::Start) => Ok(Self::Moving),
            (Self::Moving, EntityEvent::Load) => Ok(Self::Loaded),
            (Self::Loaded, EntityEvent::Finish) => Ok(Self::Done),
            (Self::Waiting | Self::Moving | Self::Loaded, EntityEvent::Suspend) => Ok(Self::Suspended),
            (Self::Waiting | Self::Moving | Self::Loaded | Self::Suspended, EntityEvent::Fail) => Ok(Self::Failed),
            _ => Err(IllegalStep { state: self.as_str(), event: event.as_str() }),
        }
    }

    /// The word that is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Moving => "moving",
            Self::Loaded => "loaded",
            Self::Done => "done",
            Self::Suspended => "suspended",
            Self::Failed => "failed",
        }
    }
}

impl EntityState {
    /// The state that a stored word names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Waiting, Self::Moving, Self::Loaded, Self::Done, Self::Suspended, Self::Failed];
        all.into_iter().find(|state| state.as_str() == text)
    }
}

impl EntityEvent {
    fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Load => "load",
            Self::Finish => "finish",
            Self::Suspend => "suspend",
            Self::Fail => "fail",
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_table_reads_like_this() {
        use RunEvent::{Cancel, Complete, Fail, Pause, Resume, Start};
        let mut table = String::new();
        for state in RunState::ALL {
            for event in [Start, Pause, Resume, Complete, Fail, Cancel] {
                let to = state.next(event).map_or("-", RunState::as_str);
                table += &format!("{:<10} {:<9} {to}\n", state.as_str(), event.as_str());
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn the_entity_table_reads_like_this() {
        use EntityEvent::{Fail, Finish, Load, Start, Suspend};
        use EntityState::{Done, Failed, Loaded, Moving, Suspended, Waiting};
        let mut table = String::new();
        for state in [Waiting, Moving, Loaded, Done, Suspended, Failed] {
            for event in [Start, Load, Finish, Suspend, Fail] {
                let to = state.next(event).map_or("-", EntityState::as_str);
                table += &format!("{:<10} {:<8} {to}\n", state.as_str(), event.as_str());
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn stored_words_read_back() {
        for state in RunState::ALL {
            assert_eq!(RunState::parse(state.as_str()), Some(state));
        }
    }
}
