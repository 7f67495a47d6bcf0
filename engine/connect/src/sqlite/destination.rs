//! Writing rows, and keeping the ledger beside them.
//!
//! A file has one writer: a thread that is handed complete units, each of which is one immediate transaction. A second connection looks at
//! what is committed, so that reading the ledger never waits for a unit.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, TransactionBehavior};
use transload_model::{
    Catalog, Claim, Code, ColumnName, ConnectionPlan, Destination, EntityName, Fence, KeyBytes, LedgerState,
    QuarantineRow, Result, RunId, SegmentHead, Settle, SnapshotReader, TableName, Unit,
};

use crate::ledger::fenced;

use super::error::{failure, is_passing};
use super::open::{Access, Database};
use super::source::boxed;
use super::worker::Worker;
use super::write::{self, WriteError};
use super::{catalog, defaults, ledger, sql};

pub(crate) fn open_destination(connection: &ConnectionPlan) -> Result<Arc<dyn Destination>> {
    let database = Database::find(connection)?;
    let writer = Worker::new("sqlite-writer", database.open(Access::Write)?)?;
    let viewer = Worker::new("sqlite-viewer", database.open_for_looking()?)?;
    Ok(Arc::new(SqliteDestination { viewer, writer, database, next: Arc::default() }))
}

/// What the destination holds. A file that is missing is imagined, and not made.
pub(crate) fn destination_catalog(connection: &ConnectionPlan) -> Result<Catalog> {
    let looking = Database::look(connection)?;
    catalog::read(&looking).map_err(|error| {
        failure(&error, Code::DestinationFailed, &format!("reading the tables of `{}` failed", connection.name))
    })
}

struct SqliteDestination {
    // Before `writer`: the connection that closes last cleans up behind all, and only the writer may.
    viewer: Worker,
    writer: Worker,
    database: Database,
    /// The next row number of each table, where this run asked for one.
    next: Arc<Mutex<BTreeMap<TableName, i64>>>,
}

impl SqliteDestination {
    /// Looks at what is committed.
    async fn look<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.viewer.call(move |connection| job(connection).map_err(|error| ledger::failed(&error))).await
    }
}

#[async_trait]
impl Destination for SqliteDestination {
    async fn catalog(&self) -> Result<Catalog> {
        self.look(catalog::read).await
    }

    async fn ledger(&self, tables: &[TableName]) -> Result<LedgerState> {
        let tables = tables.to_vec();
        self.viewer.call(move |connection| ledger::state(connection, &tables)).await
    }

    async fn take_fences(&self, claim: Claim) -> Result<Vec<Fence>> {
        self.writer.call(move |connection| ledger::take_fences(connection, &claim)).await
    }

    async fn release_fences(&self, run: RunId) -> Result<()> {
        let run = run.to_string();
        let release = move |connection: &mut Connection| ledger::release_fences(connection, &run);
        self.writer.call(release).await.map_err(|error| ledger::failed(&error))
    }

    async fn segments(&self, entity: &EntityName) -> Result<Vec<SegmentHead>> {
        let entity = entity.clone();
        self.look(move |connection| ledger::segments(connection, &entity)).await
    }

    async fn segment(&self, id: i64) -> Result<(Vec<u8>, u64)> {
        self.viewer.call(move |connection| ledger::segment(connection, id)).await
    }

    async fn mappings(&self, entity: &EntityName, keys: &[KeyBytes]) -> Result<Vec<Option<String>>> {
        let entity = entity.clone();
        let texts: Vec<String> = keys.iter().map(KeyBytes::text).collect();
        self.look(move |connection| ledger::mappings(connection, &entity, &texts)).await
    }

    async fn new_defaults(&self, table: &TableName, column: &ColumnName, count: usize) -> Result<Vec<String>> {
        let (table, column, next) = (table.clone(), column.clone(), Arc::clone(&self.next));
        self.look(move |connection| defaults::new_values(connection, (&table, &column), count, &next)).await
    }

    async fn count(&self, table: &TableName) -> Result<u64> {
        let sql = sql::count(table);
        self.look(move |connection| connection.query_row(&sql, [], |row| row.get(0))).await
    }

    async fn reader(&self) -> Result<Box<dyn SnapshotReader>> {
        boxed(&self.database, self.database.open_for_looking()?)
    }

    async fn commit(&self, unit: Unit, settle: Settle) -> Result<()> {
        self.writer.call(move |connection| commit(connection, &unit, &settle)).await
    }

    async fn quarantine(&self, entity: Option<&EntityName>) -> Result<Vec<QuarantineRow>> {
        let entity = entity.cloned();
        self.viewer.call(move |connection| ledger::quarantine(connection, entity.as_ref())).await
    }
}

fn commit(connection: &mut Connection, unit: &Unit, settle: &Settle) -> Result<()> {
    let mut attempt = 0;
    loop {
        match try_commit(connection, unit, settle) {
            Ok(()) => return Ok(()),
            Err(WriteError::Problem(problem)) => return Err(problem),
            Err(WriteError::Database(error)) if is_passing(&error) && attempt < unit.max_retry_attempts => {
                attempt += 1;
                std::thread::sleep(Duration::from_millis(200) * 2_u32.pow(attempt.min(6)));
            }
            Err(WriteError::Database(error)) => {
                let doing = format!("writing `{}` failed", unit.table);
                return Err(failure(&error, Code::DestinationFailed, &doing));
            }
        }
    }
}

/// One transaction; dropping it on the way out rolls it back.
fn try_commit(connection: &mut Connection, unit: &Unit, settle: &Settle) -> std::result::Result<(), WriteError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if !ledger::holds(&transaction, unit)? {
        return Err(WriteError::Problem(fenced(&unit.table)));
    }
    let refusals = write::rows(&transaction, unit)?;
    ledger::write(&transaction, unit, &settle(&refusals))?;
    transaction.commit()?;
    Ok(())
}
