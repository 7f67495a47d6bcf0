//! PostgreSQL's types: which there are, and how their binary values cross the border.

mod cells;
mod encode;
mod numeric;
#[cfg(test)]
mod tests;
mod wire;

pub(super) use cells::{Decoder, append};
pub(super) use encode::{Encoder, date_bytes, timestamp_bytes};
pub(super) use wire::Wire;

/// Days from 1970-01-01 to PostgreSQL's day zero, 2000-01-01.
const EPOCH_DAYS: i32 = 10_957;

/// Microseconds from 1970-01-01 to 2000-01-01.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
