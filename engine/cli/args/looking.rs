//! Verbs that compare: both ends, the ledger, the lock.

use std::str::FromStr as _;

use clap::Args as Group;

use super::values::{Limit, drawn};

/// `baseline`
#[derive(Debug, Group)]
pub(crate) struct Baseline {
    /// Entities that are counted; without any, all
    #[arg(value_name = "ENTITY")]
    pub(crate) entities: Vec<String>,
    /// Count tables of more than ten million rows, too, of which the databases' estimates are taken else
    #[arg(long)]
    pub(crate) exact: bool,
    /// Look for loaded rows whose new key is not known, or whose source row is gone: reads every key of the source
    #[arg(long)]
    pub(crate) mappings: bool,
    /// Answer 10 where the two ends have different numbers of rows; counts all tables
    #[arg(long)]
    pub(crate) exit_code: bool,
}

/// `detect`
#[derive(Debug, Group)]
pub(crate) struct Detect {
    /// Entities that are looked at; without any, all
    #[arg(value_name = "ENTITY")]
    pub(crate) entities: Vec<String>,
    /// Show changes of a detection that is kept, by the end or the beginning of its id
    #[arg(long, value_name = "DETECTION", conflicts_with_all = ["entities", "exit_code"])]
    pub(crate) show: Option<String>,
    /// With `--show`: begin with the change of this number
    #[arg(long, value_name = "NUMBER", default_value_t = 0, requires = "show")]
    pub(crate) from: u64,
    /// Changes that are shown at most; all of them are kept
    #[arg(long, value_name = "CHANGES", default_value_t = 100)]
    pub(crate) limit: u32,
    /// Answer 10 where there are changes
    #[arg(long)]
    pub(crate) exit_code: bool,
}

/// `verify`
#[derive(Debug, Group)]
pub(crate) struct Verify {
    /// Entities that are compared; without any, all
    #[arg(value_name = "ENTITY")]
    pub(crate) entities: Vec<String>,
    /// Compare only these columns of the destination, beside the keys
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Compare only about so many rows of each entity, drawn by chance
    #[arg(long, value_name = "ROWS", value_parser = drawn)]
    pub(crate) sample: Option<usize>,
    /// Answer 0 where no more rows than this differ without an explanation, as a number or a percentage of those that were compared
    #[arg(long, value_name = "COUNT|PERCENT", value_parser = Limit::from_str)]
    pub(crate) max_different: Option<Limit>,
    /// Write rows that are missing or differ again, by a run about them alone, and compare once more
    #[arg(long, conflicts_with_all = ["sample", "columns"])]
    pub(crate) repair: bool,
    /// Begin the repair without being asked, where the environment has `confirm: true`
    #[arg(long, requires = "repair")]
    pub(crate) yes: bool,
    /// Rows of each entity that are listed at most
    #[arg(long, value_name = "ROWS", default_value_t = 20)]
    pub(crate) limit: usize,
}

/// `drift`
#[derive(Debug, Group)]
pub(crate) struct Drift {
    /// Entities whose tables are compared; without any, every table that the lock knows
    #[arg(value_name = "ENTITY")]
    pub(crate) entities: Vec<String>,
    /// Print what could be written in the specs, as a diff that `patch -p0` takes; sentences begin with `#`
    #[arg(long, conflicts_with_all = ["accept", "accept_all"])]
    pub(crate) suggest: bool,
    /// Take this change over into transload.lock, and nothing else: CONNECTION.TABLE.COLUMN, or CONNECTION.TABLE for what is about no
    /// column; `*` and `?` stand for others, so CONNECTION.TABLE.* means all columns; may be repeated
    #[arg(long, value_name = "NAME", conflicts_with = "accept_all")]
    pub(crate) accept: Vec<String>,
    /// Take over everything that changed
    #[arg(long)]
    pub(crate) accept_all: bool,
    /// Answer 10 where there is any difference
    #[arg(long, conflicts_with_all = ["accept", "accept_all"])]
    pub(crate) exit_code: bool,
}
