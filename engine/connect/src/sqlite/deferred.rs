//! Foreign keys that SQLite looks at when the transaction ends.
//!
//! There it would refuse the whole unit, and nobody could say which row it was for. So a row of such a table is looked at as soon as it is
//! written, and taken back alone. SQLite does not tell which keys are deferred; where a table's declaration speaks of it, all are looked at.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use transload_model::{Code, ColumnName, Refusal, Unit, WriteKind};

use super::cascade;
use super::sql;

/// What refers from a unit's table to others, where that may wait.
pub(super) struct Deferred(Vec<Reference>);

struct Reference {
    /// For messages.
    shown: String,
    /// Its column, where it has one.
    field: Option<ColumnName>,
    /// Whether the row with a key refers to nothing; binds the key.
    is_lost: String,
}

impl Deferred {
    pub(super) fn of(connection: &Connection, unit: &Unit) -> rusqlite::Result<Self> {
        let mut declared = connection.prepare_cached(sql::IS_DEFERRED)?;
        if !declared.exists([unit.table.as_str()])? {
            return Ok(Self(Vec::new()));
        }
        let keys = cascade::keys_of(connection, &unit.table)?;
        let reference = |(parent, columns): (String, Vec<(String, String)>)| Reference {
            shown: format!("`{}`.`{}`", unit.table, names(&columns)),
            field: columns.first().filter(|_| columns.len() == 1).and_then(|(from, _)| ColumnName::parse(from).ok()),
            is_lost: sql::refers_to_nothing((&unit.table, &unit.key), (&parent, &columns)),
        };
        Ok(Self(keys.into_iter().map(reference).collect()))
    }

    /// Does what writes the row with this key, and takes it back where that leaves the row without what it refers to. Nothing where the row was
    /// refused.
    pub(super) fn guard<E: From<rusqlite::Error>>(
        &self,
        connection: &Connection,
        (key, kind, row): (&[Value], WriteKind, usize),
        refusals: &mut Vec<Refusal>,
        work: impl FnOnce(&mut Vec<Refusal>) -> Result<Option<usize>, E>,
    ) -> Result<Option<usize>, E> {
        if self.0.is_empty() {
            return work(refusals);
        }
        connection.execute_batch("savepoint deferred")?;
        let mut done = work(refusals)?;
        let lost = if done.is_some() { self.lost(connection, key)? } else { None };
        if let Some(reference) = lost {
            let (code, field) = (Code::ConstraintForeignKey, reference.field.clone());
            let message = format!("{} refers to a row that is not there", reference.shown);
            refusals.push(Refusal { kind, row, code, field, message });
            connection.execute_batch("rollback to deferred")?;
            done = None;
        }
        connection.execute_batch("release deferred")?;
        Ok(done)
    }

    fn lost(&self, connection: &Connection, key: &[Value]) -> rusqlite::Result<Option<&Reference>> {
        for reference in &self.0 {
            if connection.prepare_cached(&reference.is_lost)?.exists(params_from_iter(key))? {
                return Ok(Some(reference));
            }
        }
        Ok(None)
    }
}

fn names(columns: &[(String, String)]) -> String {
    columns.iter().map(|(from, _)| from.as_str()).collect::<Vec<_>>().join("`, `")
}
