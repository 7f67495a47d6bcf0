//! Verbs of runs.

use std::str::FromStr as _;

use clap::Args as Group;

use super::values::{Limit, Limited};

/// `run`
#[derive(Debug, Default, Group)]
pub(crate) struct Run {
    /// Derive every row again and write what differs
    #[arg(long)]
    pub(crate) remap: bool,
    /// Try the rows that are in quarantine again, though nothing that they wait for has changed
    #[arg(long)]
    pub(crate) retry_quarantined: bool,
    /// Delete up to so many rows of each entity, as a number or a percentage, in place of the specs' `deletes.max`
    #[arg(long, value_name = "COUNT|PERCENT", value_parser = Limit::from_str)]
    pub(crate) max_deletes: Option<Limit>,
    /// Take rows that the destination holds already, by the keys that the specs give them, as loaded, and write only what differs
    #[arg(long, conflicts_with = "plan")]
    pub(crate) adopt_existing: bool,
    /// Move exactly what this detection found, by the end or the beginning of its id; what moved since is left alone
    #[arg(long, value_name = "DETECTION", conflicts_with_all = ["remap", "retry_quarantined"])]
    pub(crate) plan: Option<String>,
    /// Begin without being asked, where the environment has `confirm: true`
    #[arg(long)]
    pub(crate) yes: bool,
    /// Answer 3 where any row is in quarantine
    #[arg(long)]
    pub(crate) fail_on_quarantine: bool,
    /// Stop after so much time (90s, 30m, 2h, 1h30m); the next run goes on from there
    #[arg(long, value_name = "DURATION", value_parser = Limited::from_str)]
    pub(crate) timeout: Option<Limited>,
    /// Begin though another run holds the destination: that run's process is stuck, and commits nothing more
    #[arg(long)]
    pub(crate) take_over: bool,
}

/// `pause`, `cancel`, and what `resume` has in common with them
#[derive(Debug, Group)]
pub(crate) struct Asked {
    /// The end of the run's id, as `transload status` lists it, or its beginning
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// Only this entity of it
    #[arg(value_name = "ENTITY")]
    pub(crate) entity: Option<String>,
}

/// `resume`
#[derive(Debug, Group)]
pub(crate) struct Resume {
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// Begin without being asked, where the environment has `confirm: true`
    #[arg(long, conflicts_with = "entity")]
    pub(crate) yes: bool,
    /// Pause the run after so much time (90s, 30m, 2h, 1h30m)
    #[arg(long, value_name = "DURATION", value_parser = Limited::from_str, conflicts_with = "entity")]
    pub(crate) timeout: Option<Limited>,
}

/// `status`
#[derive(Debug, Group)]
pub(crate) struct Status {
    /// The end of a run's id, or its beginning; without it, the newest runs are listed
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
}

/// `adopt`
#[derive(Debug, Group)]
pub(crate) struct Adopt {
    /// Give a control store that is damaged another name, and begin a new one; one that can be read stays
    #[arg(long)]
    pub(crate) set_aside: bool,
}
