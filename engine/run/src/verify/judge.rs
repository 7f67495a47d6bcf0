//! What it means that a row is not as it should be.

use transload_model::{Code, ColumnName, Entry, Held, Outcome};

/// In what a row differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Difference {
    /// The source has it, the destination does not.
    Missing,
    /// The destination has it, and nothing of the source leads to it.
    Extra,
    /// Both have it, with other values.
    Different,
}

impl Difference {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Different => "different",
        }
    }
}

/// Why a row may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// It is in quarantine; an older version of it may be in the destination.
    Quarantine,
    /// A person decided that it is not to come.
    Discarded,
    /// It is new at the source, or moved there, since it was loaded.
    Changed,
    /// The source does not give it any more, and the destination still has it.
    Gone,
    /// It is as it was loaded, and what it refers to is gone since.
    ParentGone,
    /// A run has written a part of it, and writes the rest later.
    Unfinished,
}

impl Reason {
    /// The word for it, in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quarantine => "quarantine",
            Self::Discarded => "discarded",
            Self::Changed => "changed_at_source",
            Self::Gone => "gone_from_source",
            Self::ParentGone => "parent_gone",
            Self::Unfinished => "unfinished",
        }
    }
}

/// What a look at a row found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// It is as it should be, or is nowhere.
    Same,
    /// The ledger tells why it is not.
    Explained(Difference, Reason),
    /// Nothing does.
    Differs {
        difference: Difference,
        columns: Vec<ColumnName>,
        /// Why it cannot be derived any more.
        fault: Option<Code>,
    },
    /// It is not loaded, and a row stands where it belongs. If that row is another one of the ledger's, this tells why it is not there.
    Occupied { reason: Option<Reason>, columns: Vec<ColumnName>, fault: Option<Code> },
}

impl Finding {
    /// The same, where nothing that the ledger tells is an excuse.
    pub(super) fn unexplained(self, code: Code) -> Self {
        match self {
            Self::Explained(difference, _) => Self::Differs { difference, columns: Vec::new(), fault: Some(code) },
            found => found,
        }
    }
}

/// A row as the source gives it, beside what the destination holds of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) digest: u64,
    /// Why it cannot be derived.
    pub(super) fault: Option<Code>,
    /// Whether its key is known in spite of that; else nothing was found by it.
    pub(super) has_key: bool,
    pub(super) held: Held,
    /// The columns that differ; of a row that cannot be derived, those that it spoils are among them.
    pub(super) columns: Vec<ColumnName>,
    /// Whether each of these refers to another row.
    pub(super) refers_only: bool,
}

impl Row {
    fn is_same(&self) -> bool {
        self.fault.is_none() && self.held == Held::Row(Vec::new())
    }

    /// The columns that differ, where they say something.
    fn told(&self) -> Vec<ColumnName> {
        if self.fault.is_none() { self.columns.clone() } else { Vec::new() }
    }

    fn is_there(&self, entry: Option<&Entry>) -> bool {
        if self.has_key { self.held != Held::Nothing } else { is_present(entry) }
    }
}

fn is_present(entry: Option<&Entry>) -> bool {
    entry.is_some_and(|entry| entry.present)
}

/// Says of a row that one side may lack what it is. Digests of the ledger may be of other columns than those of now: then they tell nothing.
pub(super) fn judge(row: Option<&Row>, entry: Option<&Entry>, are_comparable: bool) -> Finding {
    let Some(row) = row else {
        return if is_present(entry) { Finding::Explained(Difference::Extra, Reason::Gone) } else { Finding::Same };
    };
    if row.is_same() {
        return Finding::Same;
    }
    let is_there = row.is_there(entry);
    let difference = if is_there { Difference::Different } else { Difference::Missing };
    match (is_there, is_present(entry)) {
        (true, false) => return occupied(row, reason(row, entry, are_comparable)),
        // What a run has loaded is not there any more: whatever else became of the row.
        (false, true) => return differs(difference, row),
        _ => {}
    }
    match reason(row, entry, are_comparable) {
        Some(reason) => Finding::Explained(difference, reason),
        None if row.fault == Some(Code::ParentMissing) && row.has_key && row.refers_only => {
            Finding::Explained(difference, Reason::ParentGone)
        }
        None => differs(difference, row),
    }
}

fn occupied(row: &Row, reason: Option<Reason>) -> Finding {
    Finding::Occupied { reason, columns: row.told(), fault: row.fault }
}

pub(super) fn differs(difference: Difference, row: &Row) -> Finding {
    Finding::Differs { difference, columns: row.told(), fault: row.fault }
}

fn reason(row: &Row, entry: Option<&Entry>, are_comparable: bool) -> Option<Reason> {
    let Some(entry) = entry else { return Some(Reason::Changed) };
    match entry.outcome {
        Outcome::Quarantined | Outcome::Orphaned | Outcome::Collided => Some(Reason::Quarantine),
        Outcome::Discarded => Some(Reason::Discarded),
        // It came back.
        Outcome::DeletePending | Outcome::DeleteRefused | Outcome::Retired => Some(Reason::Changed),
        Outcome::Loaded | Outcome::Deferred | Outcome::UpdatePending
            if are_comparable && entry.digest != row.digest =>
        {
            Some(Reason::Changed)
        }
        Outcome::Deferred | Outcome::UpdatePending => Some(Reason::Unfinished),
        Outcome::Loaded => None,
    }
}

#[cfg(test)]
mod tests {
    use transload_model::{KeyBytes, KeyValue};

    use super::*;

    fn row(held: Held, fault: Option<Code>) -> Row {
        let columns = if held == Held::Row(vec![1]) { vec![ColumnName::parse("name").unwrap()] } else { Vec::new() };
        Row { digest: 7, fault, has_key: true, held, columns, refers_only: false }
    }

    fn entry(outcome: Outcome, digest: u64, present: bool) -> Entry {
        Entry { key: KeyBytes::encode(&[KeyValue::Integer(1)]), digest, outcome, present }
    }

    fn told(finding: &Finding) -> String {
        match finding {
            Finding::Same => "same".to_owned(),
            Finding::Explained(difference, reason) => {
                format!("{} explained by {}", difference.as_str(), reason.as_str())
            }
            Finding::Differs { difference, fault, .. } => {
                format!("{} {}", difference.as_str(), fault.map_or("!", |fault| fault.info().word))
            }
            Finding::Occupied { reason, .. } => format!("occupied, or {}", reason.map_or("!", Reason::as_str)),
        }
    }

    #[test]
    fn each_case_has_its_finding() {
        use Outcome::{
            Collided, Deferred, DeletePending, Discarded, Loaded, Orphaned, Quarantined, Retired, UpdatePending,
        };
        let same = || Some(row(Held::Row(Vec::new()), None));
        let other = || Some(row(Held::Row(vec![1]), None));
        let none = || Some(row(Held::Nothing, None));
        let bad = || Some(row(Held::Nothing, Some(Code::RequiredMissing)));
        let bad_there = || Some(row(Held::Row(vec![1]), Some(Code::RequiredMissing)));
        let bad_key = || Some(Row { has_key: false, ..row(Held::Nothing, Some(Code::RequiredMissing)) });
        let cases = [
            (same(), Some(entry(Loaded, 7, true)), "same"),
            (same(), None, "same"),
            (same(), Some(entry(Loaded, 8, true)), "same"),
            (other(), Some(entry(Loaded, 7, true)), "different !"),
            (none(), Some(entry(Loaded, 7, true)), "missing !"),
            (other(), Some(entry(Loaded, 8, true)), "different explained by changed_at_source"),
            (none(), Some(entry(Loaded, 8, true)), "missing !"),
            (none(), None, "missing explained by changed_at_source"),
            (other(), None, "occupied, or changed_at_source"),
            (none(), Some(entry(Quarantined, 7, false)), "missing explained by quarantine"),
            (other(), Some(entry(Quarantined, 7, true)), "different explained by quarantine"),
            (other(), Some(entry(Quarantined, 7, false)), "occupied, or quarantine"),
            (none(), Some(entry(Quarantined, 7, true)), "missing !"),
            (none(), Some(entry(Orphaned, 8, false)), "missing explained by quarantine"),
            (none(), Some(entry(Collided, 7, false)), "missing explained by quarantine"),
            (none(), Some(entry(Discarded, 7, false)), "missing explained by discarded"),
            (other(), Some(entry(Discarded, 7, false)), "occupied, or discarded"),
            (other(), Some(entry(Deferred, 7, true)), "different explained by unfinished"),
            (other(), Some(entry(UpdatePending, 7, true)), "different explained by unfinished"),
            (other(), Some(entry(UpdatePending, 8, true)), "different explained by changed_at_source"),
            (other(), Some(entry(Retired, 7, true)), "different explained by changed_at_source"),
            (none(), Some(entry(DeletePending, 7, false)), "missing explained by changed_at_source"),
            (bad(), Some(entry(Quarantined, 7, false)), "missing explained by quarantine"),
            (bad_there(), Some(entry(Quarantined, 7, true)), "different explained by quarantine"),
            (bad_there(), Some(entry(Quarantined, 7, false)), "occupied, or quarantine"),
            (bad_there(), Some(entry(Loaded, 7, true)), "different REQUIRED_MISSING"),
            (bad_there(), Some(entry(Loaded, 8, true)), "different explained by changed_at_source"),
            (bad(), Some(entry(Loaded, 7, true)), "missing REQUIRED_MISSING"),
            (bad_key(), Some(entry(Loaded, 8, true)), "different explained by changed_at_source"),
            (bad(), None, "missing explained by changed_at_source"),
            (None, Some(entry(Loaded, 7, true)), "extra explained by gone_from_source"),
            (None, Some(entry(Quarantined, 7, false)), "same"),
            (None, None, "same"),
        ];
        for (row, entry, expected) in cases {
            assert_eq!(told(&judge(row.as_ref(), entry.as_ref(), true)), expected, "{row:?} {entry:?}");
        }
    }

    #[test]
    fn what_lost_its_parent_alone_is_explained() {
        let loaded = entry(Outcome::Loaded, 7, true);
        let of = |held: Held, refers_only: bool| {
            let orphan = Row { refers_only, ..row(held, Some(Code::ParentMissing)) };
            told(&judge(Some(&orphan), Some(&loaded), true))
        };
        assert_eq!(of(Held::Row(vec![1]), true), "different explained by parent_gone");
        assert_eq!(of(Held::Row(vec![1]), false), "different PARENT_MISSING", "another column differs, too");
        assert_eq!(of(Held::Nothing, true), "missing PARENT_MISSING");
    }

    #[test]
    fn what_may_be_older_than_its_masks_is_excused_by_nothing() {
        let told = |finding: Finding| told(&finding.unexplained(Code::MaskStale));
        let gone = judge(None, Some(&entry(Outcome::Loaded, 7, true)), true);
        assert_eq!(told(gone), "extra MASK_STALE");
        let (other, held) = (row(Held::Row(vec![1]), None), entry(Outcome::Quarantined, 7, true));
        assert_eq!(told(judge(Some(&other), Some(&held), true)), "different MASK_STALE");
        assert_eq!(told(Finding::Same), "same");
    }

    #[test]
    fn digests_of_other_columns_excuse_nothing() {
        let (row, entry) = (row(Held::Row(vec![1]), None), entry(Outcome::Loaded, 8, true));
        assert_eq!(told(&judge(Some(&row), Some(&entry), false)), "different !");
    }
}
