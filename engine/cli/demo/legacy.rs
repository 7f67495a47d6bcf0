//! Writes the demo's legacy database: what a clinic's dispatch system holds after many years.
//!
//! A tool that moves data is best tried on data that is large enough to see it work, and wrong in the ways real data is
//! wrong. All of it follows from one seed, so it is the same on every machine and in every run: no clock, no locale and no
//! hash order may enter.

use std::path::Path;

use rusqlite::Connection;

use super::entity::Entity;
use super::{faults, rows};

const SCHEMA: &str = include_str!("../../../specs/clinic/schema/legacy.sql");

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LegacyFacts {
    /// Tables, one per entity.
    pub(crate) table_count: usize,
    /// Rows of all tables, the broken ones included.
    pub(crate) row_count: u32,
    /// Rows that are broken on purpose, each in one way.
    pub(crate) broken_count: usize,
}

/// Creates the legacy database at `path`, where there must be none yet.
///
/// # Errors
/// Where the file cannot be written, or holds a legacy database already. A database that was begun and not finished is
/// left without tables.
pub(crate) fn write(path: &Path) -> rusqlite::Result<LegacyFacts> {
    let mut legacy = Connection::open(path)?;
    // A demo that is lost with the power is written again.
    legacy.pragma_update(None, "synchronous", "off")?;
    let transaction = legacy.transaction()?;
    transaction.execute_batch(SCHEMA)?;
    rows::write(&transaction)?;
    faults::plant(&transaction)?;
    transaction.commit()?;
    Ok(LegacyFacts {
        table_count: Entity::ALL.len(),
        row_count: Entity::ALL.iter().map(|entity| entity.row_count()).sum(),
        broken_count: faults::broken_count(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content_of(legacy: &Connection, table: &str) -> Vec<u8> {
        let mut dump = Vec::new();
        let mut statement = legacy.prepare(&format!("select * from {table} order by rowid")).unwrap();
        let column_count = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for index in 0..column_count {
                match row.get_ref(index).unwrap() {
                    rusqlite::types::ValueRef::Text(text) => dump.extend_from_slice(text),
                    other => dump.extend_from_slice(format!("{other:?}").as_bytes()),
                }
                dump.push(b'\n');
            }
        }
        dump
    }

    /// FNV-1a: any hash that is the same on every machine serves.
    fn digest(bytes: &[u8]) -> u64 {
        bytes
            .iter()
            .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3))
    }

    #[test]
    fn the_database_holds_what_is_said_of_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("legacy.db");

        let facts = write(&path).unwrap();

        let legacy = Connection::open(&path).unwrap();
        let mut row_count = 0;
        for entity in Entity::ALL {
            let sql = format!("select count(*) from {}", entity.source_table());
            let found: u32 = legacy.query_row(&sql, [], |row| row.get(0)).unwrap();
            assert_eq!(found, entity.row_count(), "{entity:?}");
            row_count += found;
        }
        assert_eq!(facts.row_count, row_count);
        let promised = LegacyFacts { table_count: 6, row_count: 61_240, broken_count: 37 };
        assert_eq!(facts, promised);
    }

    #[test]
    fn the_rows_are_the_same_on_every_machine() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("legacy.db");

        write(&path).unwrap();

        let legacy = Connection::open(&path).unwrap();
        let digests = Entity::ALL.map(|entity| digest(&content_of(&legacy, entity.source_table())));
        let known: [u64; 6] = [
            0x488C_E672_A018_505E,
            0xE71D_D9E5_A978_00DC,
            0x8411_B084_4BD6_FE62,
            0x8588_DFE7_AFEE_8A96,
            0xAE8D_1BA1_EDE5_A08A,
            0xE946_1060_F12C_D496,
        ];
        assert_eq!(digests, known);
    }

    #[test]
    fn a_database_that_exists_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("legacy.db");
        write(&path).unwrap();
        let before = std::fs::read(&path).unwrap();

        assert!(write(&path).is_err());

        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}
