//! Verbs about a project and its specs.

use std::path::PathBuf;

use clap::Args as Group;

use super::Format;

/// `demo`
#[derive(Debug, Group)]
pub(crate) struct Demo {
    /// Where to make it
    #[arg(default_value = "clinic-demo", value_name = "DIR")]
    pub(crate) directory: PathBuf,
}

/// `init`
#[derive(Debug, Group)]
pub(crate) struct Init {
    /// The project's directory, which must be new or empty
    #[arg(value_name = "NAME")]
    pub(crate) directory: PathBuf,
    /// Make the clinic, with a legacy database of 61,240 rows
    #[arg(long, required = true)]
    pub(crate) demo: bool,
}

/// `infer`
#[derive(Debug, Group)]
pub(crate) struct Infer {
    /// Only from source tables of this name, in which `*` and `?` stand for others; may be repeated
    #[arg(short, long, value_name = "PATTERN")]
    pub(crate) select: Vec<String>,
    /// Only to these destination tables
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub(crate) entity: Vec<String>,
    /// List every table that has no counterpart
    #[arg(long)]
    pub(crate) all: bool,
    /// Add what specs that there are do not map yet; everything else in them stays as it is
    #[arg(long)]
    pub(crate) update: bool,
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Look at no rows: then days and flags that are texts are guessed from their types alone
    #[arg(long)]
    pub(crate) no_rows: bool,
}

/// `validate`
#[derive(Debug, Group)]
pub(crate) struct Validate {
    /// Check against transload.lock, and ask no database
    #[arg(long)]
    pub(crate) offline: bool,
    /// Write transload.lock: what the databases hold now, and what each `auto_map` stands for
    #[arg(long, conflicts_with_all = ["offline", "expand"])]
    pub(crate) lock: bool,
    /// Print specs in their long form, with everything that they leave to defaults, to the tables or to a star. `project` prints
    /// transload.yaml as it is in the environment, each value with its line
    #[arg(long, value_name = "ENTITY", num_args = 0..=1)]
    pub(crate) expand: Option<Option<String>>,
    /// Correct names in the files where only one other can be meant, then check
    #[arg(long, conflicts_with_all = ["lock", "expand"])]
    pub(crate) fix: bool,
    /// Answer 1 where there is a warning
    #[arg(long)]
    pub(crate) deny_warnings: bool,
}

/// `schema`
#[derive(Debug, Group)]
pub(crate) struct Schema {
    /// What it is for: `spec` (any spec), `project`, `template`, or an entity, with the columns of its tables
    #[arg(value_name = "WHAT", default_value = "spec")]
    pub(crate) what: String,
    /// Write all of them into the project's `schemas/`: these three, and one for each entity
    #[arg(long, conflicts_with = "what")]
    pub(crate) write: bool,
}

/// `graph`
#[derive(Debug, Group)]
pub(crate) struct Graph {
    /// List every edge, with every line that makes it
    #[arg(long)]
    pub(crate) edges: bool,
    /// Tell of each entity in a sentence for whom it waits and who waits for it
    #[arg(long)]
    pub(crate) explain: bool,
}

impl Graph {
    /// A flag that would have no effect beside the format.
    pub(super) fn conflict(&self, format: Format) -> Option<&'static str> {
        match format {
            Format::Text => None,
            _ if self.edges => Some("'--edges' is for '--format text'; the other formats have every edge"),
            _ if self.explain => Some("'--explain' is for '--format text'"),
            _ => None,
        }
    }
}

/// `test`
#[derive(Debug, Group)]
pub(crate) struct Test {
    /// Entities whose tests are tried; without any, all
    #[arg(value_name = "ENTITY")]
    pub(crate) entities: Vec<String>,
}

/// `preview`
#[derive(Debug, Group)]
pub(crate) struct Preview {
    /// The entity
    #[arg(value_name = "ENTITY")]
    pub(crate) entity: String,
    /// Rows at most
    #[arg(long, value_name = "ROWS", default_value_t = 3)]
    pub(crate) limit: usize,
    /// The row with this key: its canonical text, or a JSON array of texts
    #[arg(long, value_name = "KEY", conflicts_with_all = ["quarantined", "row"])]
    pub(crate) key: Option<String>,
    /// Rows for which this holds: a condition of the source's SQL
    #[arg(long = "where", value_name = "SQL", conflicts_with_all = ["quarantined", "row", "key"])]
    pub(crate) condition: Option<String>,
    /// Rows that are in quarantine
    #[arg(long, conflicts_with = "row")]
    pub(crate) quarantined: bool,
    /// Rows of a JSON file, or of standard input (`-`); no database is asked, transload.lock says what it holds
    #[arg(long, value_name = "FILE", conflicts_with = "against_destination")]
    pub(crate) row: Option<PathBuf>,
    /// Show what the destination holds now where it differs
    #[arg(long)]
    pub(crate) against_destination: bool,
    /// Show columns that are only copied, too
    #[arg(long)]
    pub(crate) all: bool,
    /// Print an entry of `tests:` that expects what the spec gives now
    #[arg(long)]
    pub(crate) as_test: bool,
    /// Show the values of sensitive fields
    #[arg(long)]
    pub(crate) show_values: bool,
}

/// `explain`
#[derive(Debug, Group)]
pub(crate) struct Explain {
    /// A code (`TL0203`), its word (`UNKNOWN_COLUMN`) or a function (`trimmed`); without it, all are listed
    #[arg(value_name = "WHAT")]
    pub(crate) what: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_without_effect_is_refused() {
        let graph = |format, edges, explain| Graph { edges, explain }.conflict(format);
        assert_eq!(graph(Format::Text, true, true), None);
        assert_eq!(graph(Format::Svg, false, false), None);
        assert!(graph(Format::Json, true, false).is_some_and(|conflict| conflict.contains("--edges")));
        assert!(graph(Format::Dot, false, true).is_some_and(|conflict| conflict.contains("--explain")));
    }
}
