//! Rows that wait for a value which another row holds.

use transload_model::{Code, Refusal, WriteKind};

/// Rows that wait for a value which another row holds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Collisions {
    /// All that are known.
    pub(super) waiting: u64,
    /// Of those, rows that this pass set aside.
    pub(super) new: u64,
    /// Of all, rows of which some version is in the destination, and holds a value itself.
    pub(super) holding: u64,
}

impl Collisions {
    /// What is taken to be there where it is not known.
    pub(crate) const UNKNOWN: Self = Self { waiting: 2, new: 1, holding: 1 };

    pub(super) fn of(refusals: &[Refusal]) -> Self {
        let mut found = Self::default();
        let is_collision = |refusal: &&Refusal| refusal.code == Code::ConstraintUnique;
        for refusal in refusals.iter().filter(is_collision) {
            match refusal.kind {
                WriteKind::Insert => found.add(false),
                WriteKind::Update => found.add(true),
                WriteKind::Delete => {}
            }
        }
        found
    }

    pub(super) fn add(&mut self, is_holding: bool) {
        self.waiting += 1;
        self.new += 1;
        self.holding += u64::from(is_holding);
    }

    /// Whether trying again can help: something became free, or two rows may stand in each other's way.
    pub(super) fn may_settle(self, has_freed: bool) -> bool {
        let may_exchange = self.new > 0 && self.waiting > 1 && self.holding > 0;
        (has_freed && self.waiting > 0) || may_exchange
    }

    /// How many rows wait.
    pub(crate) fn waiting(self) -> u64 {
        self.waiting
    }
}

impl std::ops::AddAssign for Collisions {
    fn add_assign(&mut self, other: Self) {
        self.waiting += other.waiting;
        self.new += other.new;
        self.holding += other.holding;
    }
}
