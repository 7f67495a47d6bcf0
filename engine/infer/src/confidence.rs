//! How sure a guess is.
//!
//! In whole thousandths, so that the same catalogs give the same guesses on every machine.

use std::fmt;

/// From 0 to 1, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Confidence(u32);

impl Confidence {
    /// Nothing speaks for it.
    pub const NONE: Self = Self(0);
    /// Nothing speaks against it.
    pub const CERTAIN: Self = Self(1000);
    /// Below this, tables are not paired and columns are not mapped.
    pub const DRAFTED: Self = Self(600);
    /// Below this, a guess is marked for a person to look at.
    pub const SETTLED: Self = Self(800);

    /// So many thousandths; more than all of them are all.
    #[must_use]
    pub const fn thousandths(count: u32) -> Self {
        Self(if count > 1000 { 1000 } else { count })
    }

    /// Both must hold.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 * other.0 / 1000)
    }

    /// Either would do.
    pub(crate) const fn or(self, other: Self) -> Self {
        Self(1000 - (1000 - self.0) * (1000 - other.0) / 1000)
    }

    /// Its thousandths.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// Two digits, cut and not rounded: what reads `0.80` is not below it.
impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 1000, self.0 % 1000 / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_with_two_digits_and_never_better_than_it_is() {
        let shown = [0, 9, 599, 799, 800, 1000, 4000].map(|count| Confidence::thousandths(count).to_string());
        assert_eq!(shown, ["0.00", "0.00", "0.59", "0.79", "0.80", "1.00", "1.00"]);
    }

    #[test]
    fn two_that_must_hold_are_less_and_two_that_may_are_more() {
        let (most, half) = (Confidence::thousandths(900), Confidence::thousandths(500));
        assert_eq!(most.and(half), Confidence::thousandths(450));
        assert_eq!(most.or(half), Confidence::thousandths(950));
        assert_eq!(most.or(Confidence::NONE), most);
        assert_eq!(most.and(Confidence::CERTAIN), most);
    }
}
