//! Writing rows, and keeping the ledger beside them.
//!
//! A file has one writer: a thread that is handed complete units, each of which is one immediate transaction. A second connection looks at
//! what is committed, so that reading the ledger never waits for a unit.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use transload_model::{
    Bug, Catalog, Claim, Code, ColumnName, ConnectionPlan, Destination, Diagnostic, EntityName, Fence, Held, HeldRow,
    KeyBytes, LedgerState, QuarantineReason, Result, RunId, SegmentHead, SegmentPart, Settle, SnapshotReader,
    TableName, Unit, planted,
};

use crate::backoff::{Class, PART, Tries, parts};
use crate::ledger::fenced;

use super::error::{class, failure, unit_failure};
use super::open::{Access, BUSY_TIMEOUT, Database};
use super::source::boxed;
use super::worker::Worker;
use super::write::{self, WriteError, Written};
use super::{catalog, compare, defaults, definition, ledger, locked, sql};

/// How often fences are tried to be taken again, each time for [`BUSY_TIMEOUT`](super::open::BUSY_TIMEOUT).
const FENCE_TRIES: u32 = 3;

pub(crate) fn open_destination(connection: &ConnectionPlan) -> Result<Arc<dyn Destination>> {
    let database = Database::find(connection)?;
    let writer = Worker::new("sqlite-writer", database.open(Access::Write)?)?;
    let file = database.file();
    let viewer = Worker::new("sqlite-viewer", database.open_for_looking()?)?;
    Ok(Arc::new(SqliteDestination { viewer, writer, database, file, next: Arc::default() }))
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
    /// The file that is written, by which it is told from another of its name.
    file: Option<(u64, u64)>,
    /// The next row number of each table, where this run asked for one.
    next: Arc<Mutex<BTreeMap<TableName, i64>>>,
}

impl SqliteDestination {
    /// What is told of a problem: where the file was taken away, everything else is because of that.
    fn cause(&self, problem: Box<Diagnostic>) -> Box<Diagnostic> {
        if self.database.file() == self.file { problem } else { self.database.is_another() }
    }

    /// Looks at what is committed.
    async fn look<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let looked = self.viewer.call(move |connection| job(connection).map_err(|error| ledger::failed(&error))).await;
        looked.map_err(|problem| self.cause(problem))
    }
}

#[async_trait]
impl Destination for SqliteDestination {
    async fn catalog(&self) -> Result<Catalog> {
        self.look(catalog::read).await
    }

    async fn ledger(&self, tables: &[TableName]) -> Result<LedgerState> {
        let tables = tables.to_vec();
        let state = self.viewer.call(move |connection| ledger::state(connection, &tables)).await;
        state.map_err(|problem| self.cause(problem))
    }

    async fn take_fences(&self, claim: Claim) -> Result<Vec<Fence>> {
        self.writer.call(move |connection| take_fences(connection, &claim)).await
    }

    async fn release_fences(&self, run: RunId) -> Result<()> {
        let run = run.to_string();
        let release = move |connection: &mut Connection| ledger::release_fences(connection, &run);
        self.writer.call(release).await.map_err(|error| self.cause(ledger::failed(&error)))
    }

    async fn abandon_fences(&self, run: RunId) -> Result<()> {
        let run = run.to_string();
        self.writer.call(move |connection| ledger::abandon_fences(connection, &run)).await
    }

    async fn segments(&self, entity: &EntityName) -> Result<Vec<SegmentHead>> {
        let entity = entity.clone();
        self.look(move |connection| ledger::segments(connection, &entity)).await
    }

    async fn segment(&self, id: i64) -> Result<Vec<SegmentPart>> {
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

    async fn compare(&self, table: &TableName, key: &[ColumnName], rows: &RecordBatch) -> Result<Vec<Held>> {
        let (table, key, rows) = (table.clone(), key.to_vec(), rows.clone());
        let compare = move |connection: &mut Connection| compare::compare(connection, &table, &key, &rows);
        self.viewer.call(move |connection| compare(connection).map_err(told)).await
    }

    async fn reader(&self) -> Result<Box<dyn SnapshotReader>> {
        boxed(&self.database, self.database.open_for_looking()?)
    }

    async fn commit(&self, unit: Unit, settle: Settle) -> Result<()> {
        if self.database.file() != self.file {
            return Err(self.database.is_another());
        }
        let done = self.writer.call(move |connection| commit(connection, &unit, &settle)).await;
        done.map_err(|problem| self.cause(problem))
    }

    async fn quarantine(&self, entity: Option<&EntityName>) -> Result<Vec<HeldRow>> {
        let entity = entity.cloned();
        let read = self.viewer.call(move |connection| ledger::quarantine(connection, entity.as_ref())).await;
        read.map_err(|problem| self.cause(problem))
    }

    async fn quarantine_reasons(&self, entity: Option<&EntityName>) -> Result<Vec<QuarantineReason>> {
        let entity = entity.cloned();
        let count = move |connection: &mut Connection| ledger::quarantine_reasons(connection, entity.as_ref());
        self.viewer.call(count).await.map_err(|problem| self.cause(problem))
    }
}

fn told(error: WriteError) -> Box<Diagnostic> {
    match error {
        WriteError::Problem(problem) => problem,
        WriteError::Database(error) => {
            failure(&error, Code::DestinationFailed, "comparing with the destination failed")
        }
    }
}

/// Takes them as patiently as a unit is written: whoever has locked the file may let it go.
fn take_fences(connection: &mut Connection, claim: &Claim) -> Result<Vec<Fence>> {
    let mut tries = Tries::new(FENCE_TRIES);
    loop {
        let problem = match ledger::take_fences(connection, claim) {
            Err(problem) if problem.code == Code::DestinationBusy => problem,
            done => return done,
        };
        let Some(pause) = tries.pause(Class::Passing) else { return Err(locked::told(problem, connection.path())) };
        std::thread::sleep(pause);
    }
}

fn commit(connection: &mut Connection, unit: &Unit, settle: &Settle) -> Result<()> {
    let mut tries = Tries::new(unit.max_retry_attempts);
    loop {
        let error = match try_commit(connection, unit, settle) {
            Ok(()) => return Ok(()),
            Err(WriteError::Problem(problem)) => return Err(problem),
            Err(WriteError::Database(error)) => error,
        };
        let Some(pause) = tries.pause(class(&error)) else {
            return Err(locked::told(unit_failure(&error, &unit.table), connection.path()));
        };
        for part in parts(pause) {
            unit.patience.check()?;
            std::thread::sleep(part);
        }
    }
}

/// Takes the file for writing.
fn begin<'a>(connection: &'a Connection, unit: &Unit) -> Written<Transaction<'a>> {
    let begun = begin_patiently(connection, unit);
    connection.busy_timeout(BUSY_TIMEOUT)?;
    begun
}

/// Whoever has locked the file is waited for, as long as the unit may wait.
fn begin_patiently<'a>(connection: &'a Connection, unit: &Unit) -> Written<Transaction<'a>> {
    let begin = || Transaction::new_unchecked(connection, TransactionBehavior::Immediate);
    for part in parts(BUSY_TIMEOUT.saturating_sub(PART)) {
        connection.busy_timeout(part)?;
        match begin() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                unit.patience.check().map_err(WriteError::Problem)?;
            }
            begun => return Ok(begun?),
        }
    }
    Ok(begin()?)
}

/// One transaction; dropping it on the way out rolls it back.
fn try_commit(connection: &mut Connection, unit: &Unit, settle: &Settle) -> Written<()> {
    let transaction = begin(connection, unit)?;
    if !ledger::holds(&transaction, unit)? {
        return Err(WriteError::Problem(fenced(&unit.table)));
    }
    definition::check(&transaction, unit)?;
    if planted(Bug::PositionFirst) {
        ledger::write_position(&transaction, unit, &settle(&[]).position, "")?;
        transaction.execute_batch("commit; begin immediate")?;
    }
    let refusals = write::rows(&transaction, unit)?;
    if planted(Bug::RowsFirst) {
        transaction.execute_batch("commit; begin immediate")?;
    }
    let settled = settle(&refusals);
    ledger::write(&transaction, unit, &settled)?;
    match transaction.commit() {
        Err(_) if planted(Bug::CommitSwallowed) => {}
        done => done?,
    }
    if planted(Bug::MappingsOutside) {
        ledger::write_mappings(connection, unit, &settled)?;
    }
    if planted(Bug::QuarantineOutside) {
        ledger::write_quarantine(connection, unit, &settled, "")?;
    }
    Ok(())
}
