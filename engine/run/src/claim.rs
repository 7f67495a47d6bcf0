//! Whose the rows are that stand in the destination, where those that stand there are taken over.
//!
//! That a row is there with the key of a new one does not make it the new one's: another old key may have become the same, and the row is
//! what was brought for that. So each row has one owner, the first that had it, and nobody else takes it over. What is kept are hashes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use tokio::sync::OnceCell;
use transload_model::{EntityName, EntityPlan, KeyBytes};
use twox_hash::XxHash3_64;

use crate::rows::{Cells, hash_cells};

/// Who owns which rows, by entity; all streams and passes share it.
pub(crate) struct Claims(BTreeMap<EntityName, OnceCell<Owners>>);

/// Who owns which rows of one entity.
#[derive(Default)]
pub(crate) struct Owners(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// By the key as it was derived.
    exact: HashMap<u64, u64>,
    /// By the key without regard to case and to spaces at its end.
    folded: HashMap<u64, u64>,
    /// Of these, keys of rows that are there in another spelling.
    respelled: HashMap<u64, u64>,
}

impl Claims {
    /// Nothing is known yet.
    pub(crate) fn of(entities: &[EntityPlan]) -> Self {
        Self(entities.iter().map(|entity| (entity.name.clone(), OnceCell::new())).collect())
    }

    /// Those of an entity.
    pub(crate) fn entity(&self, name: &EntityName) -> Option<&OnceCell<Owners>> {
        self.0.get(name)
    }
}

impl Owners {
    /// Gives the row with this key to a row of the source. Says whether it has it, or another did before. A row that is there in another
    /// spelling is one that the destination takes for the same.
    pub(crate) fn take(&self, key: &[Cells<'_>], row: usize, owner: &KeyBytes, is_respelled: bool) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (exact, folded) = (hash_cells(key, row), folded(key, row));
        let owner = XxHash3_64::oneshot(owner.as_bytes());
        let has = if is_respelled {
            known.folded.get(&folded)
        } else {
            known.exact.get(&exact).or_else(|| known.respelled.get(&folded))
        };
        if has.is_some_and(|has| *has != owner) {
            return false;
        }
        known.exact.insert(exact, owner);
        known.folded.entry(folded).or_insert(owner);
        if is_respelled {
            known.respelled.insert(folded, owner);
        }
        true
    }
}

/// A hash in which spellings are one that a destination may take for one.
fn folded(key: &[Cells<'_>], row: usize) -> u64 {
    let mut bytes = Vec::with_capacity(32);
    for cell in key {
        match cell {
            Cells::Text(cells) if !cell.is_null(row) => {
                let text = cells.value(row).trim_end().to_lowercase();
                bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
                bytes.extend_from_slice(text.as_bytes());
            }
            _ => cell.encode(row, &mut bytes),
        }
    }
    XxHash3_64::oneshot(&bytes)
}
