//! Rows that came back and still say in the destination when they went.
//!
//! The ledger knows that such a row was marked, and only the spec knows in which column. Where it names none any more, the mark stays, and whoever
//! reads the destination would take the row for deleted.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use transload_model::{Code, Diagnostic, EntityName, EntityPlan};

/// How many there are, by entity.
#[derive(Debug, Default)]
pub(crate) struct Marks(Mutex<BTreeMap<EntityName, u64>>);

impl Marks {
    /// Adds rows that came back. Where the spec names the column, they lose the mark as they get their other values.
    pub(crate) fn add(&self, plan: &EntityPlan, rows: u64) {
        if rows > 0 && plan.deleted_field.is_none() {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(plan.name.clone()).or_default() += rows;
        }
    }

    /// A warning for each entity that has such rows.
    pub(crate) fn warnings(&self) -> Vec<Diagnostic> {
        let marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        marks.iter().map(|(entity, rows)| stays(entity, *rows)).collect()
    }
}

fn stays(entity: &EntityName, rows: u64) -> Diagnostic {
    let headline = match rows {
        1 => format!("1 row of `{entity}` came back, and its column still says when it went"),
        rows => format!("{rows} rows of `{entity}` came back, and their column still says when they went"),
    };
    Diagnostic::warning(Code::SpecChanged, headline)
        .note("they went while `deletes` was `soft`, and the spec does not name the column any more")
        .help("clear the column yourself; or write `deletes: { mode: soft, field: … }` again, and `transload run --remap`")
}
