//! Fills the legacy tables with sound rows, parents first.
//!
//! Every row written here passes its spec. What is wrong with the demo's data is in `faults` and nowhere else.

mod doctors;
mod jaw;
mod offices;
mod orders;
mod patients;
mod system_messages;

use rusqlite::Transaction;

/// Writes all rows of all tables.
pub(super) fn write(legacy: &Transaction<'_>) -> rusqlite::Result<()> {
    offices::write(legacy)?;
    doctors::write(legacy)?;
    patients::write(legacy)?;
    jaw::write(legacy)?;
    system_messages::write(legacy)?;
    orders::write(legacy)
}
