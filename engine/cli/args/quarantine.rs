//! `quarantine`, which has verbs of its own.

use clap::{Args as Group, Subcommand};

use super::values::reason;

/// `quarantine`; without a verb of its own it lists.
#[derive(Debug, Group)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Quarantine {
    #[command(subcommand)]
    pub(crate) verb: Option<QuarantineVerb>,
    /// Only of this entity
    #[arg(value_name = "ENTITY")]
    pub(crate) entity: Option<String>,
}

/// The verbs of `quarantine`.
#[derive(Debug, Subcommand)]
pub(crate) enum QuarantineVerb {
    /// List the rows that were set aside, with their reasons
    List(QuarantineList),
    /// Show everything that is known of one row, save its values
    Show(QuarantineShow),
    /// Decide that rows are not to come: they no longer count as failed, and are tried again only when they change at the source, or are
    /// named by `retry`
    Discard(QuarantineDiscard),
    /// Run, and try rows again though nothing that they wait for has changed
    Retry(QuarantineRetry),
}

/// `quarantine list`
#[derive(Debug, Group)]
pub(crate) struct QuarantineList {
    /// Only of this entity
    #[arg(value_name = "ENTITY")]
    pub(crate) entity: Option<String>,
}

/// `quarantine show`
#[derive(Debug, Group)]
pub(crate) struct QuarantineShow {
    /// The entity
    #[arg(value_name = "ENTITY")]
    pub(crate) entity: String,
    /// The row's key: its canonical text, or a JSON array of texts
    #[arg(value_name = "KEY", allow_hyphen_values = true)]
    pub(crate) key: String,
}

/// `quarantine discard`
#[derive(Debug, Group)]
#[command(group = clap::ArgGroup::new("rows").required(true).args(["key", "code", "all"]))]
pub(crate) struct QuarantineDiscard {
    /// The entity
    #[arg(value_name = "ENTITY")]
    pub(crate) entity: String,
    /// The row with this key: its canonical text, or a JSON array of texts; may be repeated
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub(crate) key: Vec<String>,
    /// All rows with this code
    #[arg(long, value_name = "CODE")]
    pub(crate) code: Option<String>,
    /// All rows
    #[arg(long)]
    pub(crate) all: bool,
    /// Why they are not to come; it stays beside them
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: String,
    /// Begin without being asked, where the environment has `confirm: true`
    #[arg(long)]
    pub(crate) yes: bool,
}

/// `quarantine retry`
#[derive(Debug, Group)]
pub(crate) struct QuarantineRetry {
    /// Only rows of this entity
    #[arg(value_name = "ENTITY")]
    pub(crate) entity: Option<String>,
    /// Only the row with this key, also where it was discarded: no other is read; may be repeated
    #[arg(long, value_name = "KEY", requires = "entity", allow_hyphen_values = true)]
    pub(crate) key: Vec<String>,
    /// Begin without being asked, where the environment has `confirm: true`
    #[arg(long)]
    pub(crate) yes: bool,
    /// Answer 3 where any row is in quarantine
    #[arg(long)]
    pub(crate) fail_on_quarantine: bool,
}
