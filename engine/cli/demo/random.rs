//! Numbers that look random and are the same everywhere.
//!
//! SplitMix64 is ten lines and has no version: a generator from a crate may change its sequence, and with it the demo.

use super::entity::Entity;
use super::faults;

const SEED: u64 = 0x0061_2400_0000_0037;

/// A sequence of numbers that follows from its seed alone.
pub(super) struct Random {
    state: u64,
}

impl Random {
    /// The sequence of an entity: its own, so that a change to one table leaves the others as they are.
    pub(super) fn of(entity: Entity) -> Self {
        Self { state: SEED ^ u64::from(entity.row_count()) }
    }

    fn next(&mut self) -> u32 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        let [first, second, third, fourth, ..] = mixed.to_be_bytes();
        u32::from_be_bytes([first, second, third, fourth])
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + i64::from(self.next()) % (high - low + 1)
    }

    /// Whether the one case in `count` has come.
    pub(super) fn one_in(&mut self, count: i64) -> bool {
        self.between(1, count) == 1
    }

    /// The value, and NULL in one case of `count`.
    pub(super) fn null_in<T>(&mut self, count: i64, value: T) -> Option<T> {
        (!self.one_in(count)).then_some(value)
    }

    /// One of `items`, which are never none.
    pub(super) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        let [_, _, high, low] = self.next().to_be_bytes();
        items[usize::from(u16::from_be_bytes([high, low])) % items.len()]
    }

    /// The key of a sound row, so that no sound row hangs on a broken one. Broken rows are never neighbours.
    pub(super) fn sound_key(&mut self, parent: Entity) -> i64 {
        let key = self.between(1, parent.last_key());
        if faults::is_broken(parent, key) { key - 1 } else { key }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_that_of_splitmix64() {
        let mut random = Random { state: 1_234_567 };
        let numbers = [random.next(), random.next(), random.next()];
        // The upper halves of 6457827717110365317, 3203168211198807973 and 9817491932198370423.
        assert_eq!(numbers, [1_503_580_183, 745_795_716, 2_285_812_965]);
    }
}
