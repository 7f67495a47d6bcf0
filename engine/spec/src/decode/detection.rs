//! `change_detection`: how rows that are new or modified are found.

use transload_model::ColumnName;

use crate::decode::Reader;
use crate::decode::language::CHANGE_DETECTION;
use crate::problems::{Located, problem};
use crate::yaml::Node;

/// Seconds that are looked back behind what the last run saw, where nothing is said.
const OVERLAP_SECONDS: u64 = 600;

/// Runs in which every row is read once, where nothing is said.
const AUDIT_RUNS: u32 = 16;

/// What one file says about detection.
#[derive(Debug, Clone, Default)]
pub(crate) struct DetectionPart {
    strategy: Option<Located<Strategy>>,
    cursor: Option<Located<ColumnName>>,
    overlap: Option<Located<u64>>,
    audit_runs: Option<Located<u32>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strategy {
    Hash,
    Timestamp,
    Full,
}

/// How a spec wants changes to be found.
#[derive(Debug, Clone)]
pub(crate) enum DetectionSpec {
    /// By digests of all rows.
    Hash,
    /// By comparing with what the destination holds.
    Full,
    /// By a column that says when a row was written last.
    Timestamp {
        /// The column.
        cursor: Located<ColumnName>,
        /// Seconds that are looked back behind what the last run saw.
        overlap_seconds: u64,
        /// Runs in which every row is read once.
        audit_runs: u32,
    },
}

/// Reads `change_detection`.
pub(crate) fn change_detection(reader: &mut Reader<'_>, node: &Node) -> DetectionPart {
    let Some(map) = reader.map(node, &CHANGE_DETECTION) else {
        return DetectionPart::default();
    };
    let words = [("hash", Strategy::Hash), ("timestamp", Strategy::Timestamp), ("full", Strategy::Full)];
    let strategy =
        map.get("strategy").and_then(|entry| reader.word(&entry.value, "`change_detection.strategy`", &words, &[]));
    let what = "`change_detection.cursor_field`";
    let cursor = map.get("cursor_field").and_then(|entry| reader.name(&entry.value, what, ColumnName::parse));
    let overlap = map.get("overlap").and_then(|entry| reader.seconds(&entry.value, "`change_detection.overlap`"));
    let audit_runs = map.get("audit_runs").and_then(|entry| {
        let runs = reader.integer(&entry.value, "`change_detection.audit_runs`", 1..=10_000)?;
        Some(Located { value: u32::try_from(runs).ok()?, place: reader.place(&entry.value.span) })
    });
    let is_other = strategy.as_ref().is_some_and(|strategy| strategy.value != Strategy::Timestamp);
    for key in ["cursor_field", "overlap", "audit_runs"] {
        if let (true, Some(entry)) = (is_other, map.get(key)) {
            let headline = format!("`change_detection.{key}` has no effect with this strategy");
            reader.wrong_value(&entry.value, headline, "it goes with `strategy: timestamp`");
        }
    }
    DetectionPart { strategy, cursor, overlap, audit_runs }
}

impl DetectionPart {
    /// Takes from another file what this one does not say.
    pub(crate) fn or(self, other: &Self) -> Self {
        Self {
            strategy: self.strategy.or_else(|| other.strategy.clone()),
            cursor: self.cursor.or_else(|| other.cursor.clone()),
            overlap: self.overlap.or_else(|| other.overlap.clone()),
            audit_runs: self.audit_runs.or_else(|| other.audit_runs.clone()),
        }
    }

    /// What a spec wants that says this with all that it takes. A cursor alone asks for `timestamp`.
    pub(crate) fn spec(&self, reader: &mut Reader<'_>) -> DetectionSpec {
        let implied = if self.cursor.is_some() { Strategy::Timestamp } else { Strategy::Hash };
        match (self.strategy.as_ref().map_or(implied, |strategy| strategy.value), &self.cursor) {
            (Strategy::Hash, _) => DetectionSpec::Hash,
            (Strategy::Full, _) => DetectionSpec::Full,
            (Strategy::Timestamp, Some(cursor)) => DetectionSpec::Timestamp {
                cursor: cursor.clone(),
                overlap_seconds: self.overlap.as_ref().map_or(OVERLAP_SECONDS, |overlap| overlap.value),
                audit_runs: self.audit_runs.as_ref().map_or(AUDIT_RUNS, |runs| runs.value),
            },
            (Strategy::Timestamp, None) => {
                if let Some(strategy) = &self.strategy {
                    let headline = "`strategy: timestamp` without a `cursor_field`";
                    let found =
                        problem(transload_model::Code::SpecRequired, headline, &strategy.place, "this strategy");
                    reader.problems.push(found.help(
                        "name the source column that says when a row was written last: `cursor_field: updated_at`",
                    ));
                }
                DetectionSpec::Hash
            }
        }
    }
}
