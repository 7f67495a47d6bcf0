//! How long is waited before a unit is tried again, and how often.
//!
//! What passes by itself is tried again soon, at a moment that chance picks, so that two who stood in each other's way do not meet again.
//! What is missing (space, the right to write) comes back when somebody sees to it: a few slow tries, and then the run is paused.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Pauses before a unit is tried again for want of a resource.
const SLOW: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];

/// The longest pause after the first failure that passes, and of all.
const FIRST: Duration = Duration::from_millis(400);
const LONGEST: Duration = Duration::from_secs(30);

/// How long nobody looks whether the run is to stop.
pub(crate) const PART: Duration = Duration::from_millis(100);

/// What may be done about a failure of a whole unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// The same unit may succeed when it is tried again.
    Passing,
    /// A resource is missing.
    Missing,
    /// Nothing, before somebody changed something.
    Lasting,
}

/// The tries of one unit.
pub(crate) struct Tries {
    limit: u32,
    passing: u32,
    missing: usize,
}

impl Tries {
    pub(crate) fn new(limit: u32) -> Self {
        Self { limit, passing: 0, missing: 0 }
    }

    /// Tries that failed and were followed by another.
    pub(crate) fn count(&self) -> u32 {
        self.passing + u32::try_from(self.missing).unwrap_or(u32::MAX)
    }

    /// How long is waited before the next try; nothing where there is none.
    pub(crate) fn pause(&mut self, class: Class) -> Option<Duration> {
        if self.count() >= self.limit {
            return None;
        }
        match class {
            Class::Lasting => None,
            Class::Missing => {
                let pause = SLOW.get(self.missing).copied();
                self.missing += 1;
                pause
            }
            Class::Passing => {
                self.passing += 1;
                let longest = FIRST.saturating_mul(1 << (self.passing - 1).min(16)).min(LONGEST);
                Some(longest.mul_f64(chance()))
            }
        }
    }
}

/// A pause in parts, so that someone may look up between them.
pub(crate) fn parts(mut pause: Duration) -> impl Iterator<Item = Duration> {
    std::iter::from_fn(move || {
        let part = pause.min(PART);
        pause -= part;
        (!part.is_zero()).then_some(part)
    })
}

/// Somewhere from zero to one.
fn chance() -> f64 {
    // Each of these hashes with keys of its own.
    let drawn = RandomState::new().build_hasher().finish();
    let thousandth = u32::try_from(drawn % 1_001).unwrap_or_default();
    f64::from(thousandth) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_tried_so_often_and_with_growing_pauses() {
        let mut longest = [Duration::ZERO; 10];
        for _ in 0..200 {
            let mut tries = Tries::new(10);
            for pause in &mut longest {
                *pause = (*pause).max(tries.pause(Class::Passing).unwrap());
            }
            assert_eq!(tries.pause(Class::Passing), None);
        }
        assert!(longest[0] <= FIRST && longest[0] > Duration::ZERO, "{longest:?}");
        assert!(longest[3] > FIRST && longest[9] > Duration::from_secs(20), "{longest:?}");
        assert!(longest.iter().all(|pause| *pause <= LONGEST), "{longest:?}");
    }

    #[test]
    fn the_parts_of_a_pause_are_the_pause() {
        for millis in [0, 1, 100, 101, 2_350] {
            let pause = Duration::from_millis(millis);
            assert_eq!(parts(pause).sum::<Duration>(), pause);
            assert!(parts(pause).all(|part| part <= PART && !part.is_zero()));
        }
    }

    #[test]
    fn what_is_missing_is_waited_for_three_times() {
        let mut tries = Tries::new(10);
        let pauses: Vec<Option<Duration>> = (0..4).map(|_| tries.pause(Class::Missing)).collect();
        assert_eq!(pauses, [Some(SLOW[0]), Some(SLOW[1]), Some(SLOW[2]), None]);
        assert_eq!(Tries::new(0).pause(Class::Missing), None);
        assert_eq!(Tries::new(10).pause(Class::Lasting), None);
    }
}
