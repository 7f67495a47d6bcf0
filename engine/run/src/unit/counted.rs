//! Rows that were counted as set aside, and that a later pass of the same run may take up.
//!
//! A pass that looks at some rows only does not meet all that wait for a parent or a value. When they are tried again, those that were counted must
//! not count twice, and the others must count once.

use transload_model::Outcome;

/// How many, by what they wait for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counted {
    orphaned: u64,
    collided: u64,
}

impl Counted {
    /// What is taken to be counted where it is not known: all.
    pub(super) const UNKNOWN: Self = Self { orphaned: u64::MAX, collided: u64::MAX };

    pub(super) fn add(&mut self, outcome: Outcome, rows: u64) {
        if let Some(counted) = self.of(outcome) {
            *counted = counted.saturating_add(rows);
        }
    }

    /// Of rows that are tried again, how many were counted. They are not any more.
    pub(super) fn take(&mut self, outcome: Outcome, rows: u64) -> u64 {
        let Some(counted) = self.of(outcome) else { return 0 };
        let taken = rows.min(*counted);
        if *counted != u64::MAX {
            *counted -= taken;
        }
        taken
    }

    fn of(&mut self, outcome: Outcome) -> Option<&mut u64> {
        match outcome {
            Outcome::Orphaned => Some(&mut self.orphaned),
            Outcome::Collided => Some(&mut self.collided),
            _ => None,
        }
    }
}

impl std::ops::AddAssign for Counted {
    fn add_assign(&mut self, other: Self) {
        self.add(Outcome::Orphaned, other.orphaned);
        self.add(Outcome::Collided, other.collided);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_taken_back_once() {
        let mut counted = Counted::default();
        counted.add(Outcome::Orphaned, 2);
        counted.add(Outcome::Quarantined, 5);
        assert_eq!(counted.take(Outcome::Collided, 1), 0);
        assert_eq!(counted.take(Outcome::Quarantined, 1), 0);
        assert_eq!(counted.take(Outcome::Orphaned, 3), 2);
        assert_eq!(counted.take(Outcome::Orphaned, 3), 0);
        counted += Counted::UNKNOWN;
        assert_eq!(counted.take(Outcome::Orphaned, 3), 3);
        assert_eq!(counted.take(Outcome::Orphaned, 4), 4);
    }
}
