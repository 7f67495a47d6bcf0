//! What is wrong with the demo's data: 37 rows, each broken in one way.
//!
//! The rows are written sound and broken here afterwards, so the table is all there is to know. No sound row refers to a
//! broken one, so a run sets aside these rows and no other.

mod broken;

use rusqlite::Transaction;

use self::broken::BROKEN;
use super::entity::Entity;

/// Breaks the rows.
pub(super) fn plant(legacy: &Transaction<'_>) -> rusqlite::Result<()> {
    for fault in BROKEN {
        let table = fault.entity.source_table();
        let mut update = legacy.prepare(&format!("update {table} set {} where rowid = ?1", fault.change))?;
        for key in fault.keys {
            let row_count = update.execute([key])?;
            if row_count != 1 {
                return Err(rusqlite::Error::StatementChangedRows(row_count));
            }
        }
    }
    Ok(())
}

/// Whether a row is going to be broken.
pub(super) fn is_broken(entity: Entity, key: i64) -> bool {
    BROKEN.iter().any(|fault| fault.entity == entity && fault.keys.contains(&key))
}

/// How many rows are broken.
pub(super) fn broken_count() -> usize {
    BROKEN.iter().map(|fault| fault.keys.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::broken::Fault;
    use super::*;

    #[test]
    fn broken_rows_are_never_neighbours_and_never_broken_twice() {
        for entity in Entity::ALL {
            let faults = BROKEN.iter().filter(|fault| fault.entity == entity);
            let mut keys: Vec<i64> = faults.flat_map(|fault| fault.keys).copied().collect();
            keys.sort_unstable();
            assert!(keys.first().is_none_or(|key| *key > 1), "{entity:?}");
            assert!(keys.last().is_none_or(|key| *key <= entity.last_key()), "{entity:?}");
            for pair in keys.windows(2) {
                assert!(pair[1] - pair[0] > 1, "{entity:?} {pair:?}");
            }
        }
    }

    #[test]
    fn a_record_number_is_taken_from_a_sound_patient() {
        for fault in BROKEN.iter().filter(|fault| fault.code == "RULE_UNIQUE") {
            for key in fault.keys {
                assert!(!is_broken(fault.entity, key - 5000), "{key}");
            }
        }
    }

    /// How the table in `README.md` begins a fault's line. Messages have another key than their row ids.
    fn line_of(name: &str, fault: &Fault) -> String {
        let Fault { field, code, why, keys, .. } = fault;
        let field = if field.is_empty() { "–".to_owned() } else { format!("`{field}`") };
        let line = format!("| `{name}` | {} | {why} | {field} | `{code}` | ", keys.len());
        if fault.entity == Entity::SystemMessages {
            return line;
        }
        let keys: Vec<String> = keys.iter().map(i64::to_string).collect();
        format!("{line}{} |", keys.join(", "))
    }

    #[test]
    fn the_readme_lists_every_fault() {
        let readme = include_str!("../../../specs/clinic/README.md");
        let (_, table) = readme.split_once("| what is wrong |").unwrap();
        let names = ["offices", "doctors", "patients", "orders", "jaw", "system_messages"];
        for (entity, name) in Entity::ALL.into_iter().zip(names) {
            for fault in BROKEN.iter().filter(|fault| fault.entity == entity) {
                let line = line_of(name, fault);
                assert!(table.contains(&line), "README.md lacks {line}");
            }
        }
        let line_count = table.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(line_count, BROKEN.len());
    }
}
