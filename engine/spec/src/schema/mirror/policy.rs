//! `change_detection`, `deletes` and `load`.

use schemars::JsonSchema;

use super::name::{DestinationColumn, SourceColumn};
use super::value::Share;

/// How rows that are new or modified are found.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::schema) struct ChangeDetection {
    /// By what a row is known to have changed.
    #[schemars(extend("default" = "hash"), extend("examples" = ["hash"]))]
    strategy: Option<DetectionStrategy>,
    /// The source column that says when a row was written last: a timestamp or a date. Every writer has to set it; rows where it is NULL are
    /// always looked at. Alone, it asks for `strategy: timestamp`.
    #[schemars(extend("examples" = ["updated_at"]))]
    cursor_field: Option<SourceColumn>,
    /// How far is looked back behind what the last run saw, for writers whose clocks or transactions lag: `90s`, `10m`, `2h`, `1d`.
    #[schemars(regex(pattern = r"^[0-9]+[smhd]$"), extend("default" = "10m"), extend("examples" = ["10m", "1d"]))]
    overlap: Option<String>,
    /// Runs in which every row is read once, whatever its cursor says: each run reads its share of them.
    #[schemars(range(min = 1, max = 10_000), extend("default" = 16), extend("examples" = [16]))]
    audit_runs: Option<u32>,
}

/// By what a row is known to have changed.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum DetectionStrategy {
    /// By a digest over all columns that the spec reads; no timestamp is trusted, and nothing is missed.
    Hash,
    /// By a column that says when a row was written last. Faster where a table is large and changes little; what is written without
    /// setting the column is found later, when its turn comes to be read.
    Timestamp,
    /// By comparing what the spec makes of each row with what the destination holds: also finds what others changed there.
    Full,
}

/// What becomes of destination rows whose source row is gone. Only rows that Transload loaded are ever deleted.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::schema) struct Deletes {
    /// Whether such rows are deleted.
    #[schemars(extend("default" = "ignore"), extend("examples" = ["hard"]))]
    mode: Option<DeleteMode>,
    /// With `mode: soft`, the destination column that says when the source lost a row: a timestamp or a date that may be NULL.
    #[schemars(extend("examples" = ["deleted_at"]))]
    field: Option<DestinationColumn>,
    /// The most rows that may be deleted in one run, as a count or a percentage; without it, the greater of 1 % and 10 rows. Where more
    /// are gone, none is deleted until `transload run --max-deletes` says so. It goes with `mode: hard` and `soft`.
    #[schemars(extend("examples" = [50, "1%"]))]
    max: Option<Share>,
}

/// Whether destination rows are deleted whose source row is gone.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum DeleteMode {
    /// They stay.
    Ignore,
    /// They stay, and a column says when the source lost them; it is NULL again when they come back.
    Soft,
    /// They are deleted, children before parents.
    Hard,
}

/// How rows are loaded.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::schema) struct Load {
    /// Rows that are derived at once; without it, Transload chooses.
    #[schemars(range(min = 1, max = 1_000_000), extend("examples" = [2000]))]
    batch_size: Option<u64>,
    /// Batches that are committed together; without it, Transload chooses, or 8 where `batch_size` is given.
    #[schemars(range(min = 1, max = 10_000), extend("examples" = [8]))]
    checkpoint_interval: Option<u64>,
    /// The most rows that may fail, as a count or a percentage. Where more do, the entity stops; what was committed stays.
    #[schemars(extend("default" = 100), extend("examples" = [0, "2%"]))]
    max_errors: Option<Share>,
    /// How often a unit is tried again after a failure that may pass, such as a lost connection.
    #[schemars(extend("default" = transload_model::LoadPolicy::default().max_retry_attempts), range(min = 0, max = 10), extend("examples" = [3]))]
    max_retry_attempts: Option<u64>,
    /// Key ranges of the entity that are moved side by side; without it, as many as fit its rows and the machine, at most 4.
    #[schemars(range(min = 1, max = 64), extend("examples" = [4]))]
    streams: Option<u64>,
}

/// Regions, in the words of the connections' `region`.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(in crate::schema) enum Regions {
    #[schemars(title = "one region")]
    One(String),
    #[schemars(title = "regions")]
    Several(#[schemars(length(min = 1))] Vec<String>),
}
