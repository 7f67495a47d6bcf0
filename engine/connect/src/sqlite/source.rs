//! Reading rows.
//!
//! Every reader is a connection with an open read transaction on a thread of its own. The readers of one snapshot see the file at the same
//! moment: a watching connection tells whether anyone committed while they began, and then they begin again.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params_from_iter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use transload_model::{
    Catalog, Code, ColumnName, ConnectionPlan, Counted, Diagnostic, Horizon, KeyBytes, KeyValue, LogicalType, Only,
    ReadRequest, Relation, Result, Snapshot, SnapshotReader, Source, SourceBatch, Table,
};

use crate::batch::Batch;

use super::error::failure;
use super::open::{Access, Database};
use super::sql::Narrowed;
use super::types;
use super::worker::Worker;
use super::{catalog, sql, written};

/// Batches that wait between the reading thread and its reader.
const BATCHES_AHEAD: usize = 2;

/// Microseconds since 1970-01-01.
const NOW: &str = "select cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000";

const MICROS_OF_DAY: i64 = 86_400_000_000;

/// Times that the readers of a snapshot begin again because someone committed in between.
const SNAPSHOT_ATTEMPTS: usize = 1_000;

pub(crate) fn open_source(connection: &ConnectionPlan) -> Result<Arc<dyn Source>> {
    let database = Database::find(connection)?;
    // Opened once to say now that it is no database.
    drop(database.open(Access::Read)?);
    Ok(Arc::new(SqliteSource { database }))
}

struct SqliteSource {
    database: Database,
}

#[async_trait]
impl Source for SqliteSource {
    async fn catalog(&self) -> Result<Catalog> {
        let worker = Worker::new("sqlite-catalog", self.database.open(Access::Read)?)?;
        let name = self.database.name.clone();
        worker.call(move |connection| catalog::read(connection).map_err(|error| read_failed(&error, &name))).await
    }

    async fn describe(&self, relation: &Relation) -> Result<Table> {
        let worker = Worker::new("sqlite-catalog", self.database.open(Access::Read)?)?;
        let (name, relation) = (self.database.name.clone(), relation.clone());
        worker.call(move |connection| written::describe(connection, &relation, &name)).await
    }

    async fn snapshot(&self, _relations: &[Relation], readers: usize) -> Result<Arc<dyn Snapshot>> {
        let watcher = self.database.open(Access::Read)?;
        // Opened before, so that the transactions begin as close to one another as can be.
        let connections: Vec<Connection> =
            (0..readers).map(|_| self.database.open(Access::Read)).collect::<Result<_>>()?;
        for _ in 0..SNAPSHOT_ATTEMPTS {
            let now = watcher.query_row(NOW, [], |row| row.get(0));
            let now: i64 = now.map_err(|error| read_failed(&error, &self.database.name))?;
            let is_one_moment = begin_all(&connections, &watcher);
            if is_one_moment.map_err(|error| read_failed(&error, &self.database.name))? {
                return SqliteSnapshot::open(&self.database, connections, now);
            }
        }
        let headline = format!("`{}` is written too often to see it at one moment", self.database.name);
        Err(Box::new(Diagnostic::new(Code::SourceFailed, headline).help("run again when fewer commits go on")))
    }
}

/// Connections whose transactions began at one moment.
struct SqliteSnapshot {
    name: String,
    /// Before they began.
    now: i64,
    free: Arc<Mutex<Vec<Worker>>>,
    permits: Arc<Semaphore>,
    limit: usize,
}

impl SqliteSnapshot {
    fn open(database: &Database, connections: Vec<Connection>, now: i64) -> Result<Arc<dyn Snapshot>> {
        let limit = connections.len();
        let permits = Arc::new(Semaphore::new(limit));
        let worker = |connection| Worker::new("sqlite-reader", connection);
        let free = connections.into_iter().map(worker).collect::<Result<_>>()?;
        let free = Arc::new(Mutex::new(free));
        Ok(Arc::new(Self { name: database.name.clone(), now, free, permits, limit }))
    }
}

#[async_trait]
impl Snapshot for SqliteSnapshot {
    fn horizon(&self) -> Horizon {
        Horizon { safe: self.now, unseen: Some("SQLite does not tell of transactions that are open".to_owned()) }
    }

    fn reader_limit(&self) -> usize {
        self.limit
    }

    async fn reader(&self) -> Result<Box<dyn SnapshotReader>> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let worker = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (Ok(permit), Some(worker)) = (permit, worker) else {
            return Err(Box::new(Diagnostic::new(Code::SourceFailed, "a snapshot gave more readers than it has")));
        };
        let home = Some((Arc::clone(&self.free), permit));
        Ok(Box::new(Reader { name: self.name.clone(), batches: None, failed: None, worker: Some(worker), home }))
    }
}

/// Begins a transaction on each connection. Where someone committed in between, all are ended again.
fn begin_all(connections: &[Connection], watcher: &Connection) -> rusqlite::Result<bool> {
    let before = data_version(watcher)?;
    for connection in connections {
        // The transaction sees the file from its first read on.
        connection.execute_batch("begin; select count(*) from sqlite_schema;")?;
    }
    if data_version(watcher)? == before {
        return Ok(true);
    }
    for connection in connections {
        connection.execute_batch("rollback")?;
    }
    Ok(false)
}

/// Moves when another connection commits.
fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("pragma data_version", [], |row| row.get(0))
}

pub(super) fn boxed(database: &Database, connection: Connection) -> Result<Box<dyn SnapshotReader>> {
    let worker = Worker::new("sqlite-reader", connection)?;
    Ok(Box::new(Reader { name: database.name.clone(), batches: None, failed: None, worker: Some(worker), home: None }))
}

fn read_failed(error: &rusqlite::Error, name: &str) -> Box<Diagnostic> {
    failure(error, Code::SourceFailed, &format!("reading `{name}` failed"))
}

struct Reader {
    name: String,
    /// Batches, and behind the last of them that it was the last.
    batches: Option<mpsc::Receiver<Result<Option<SourceBatch>>>>,
    /// What ended a read too early.
    failed: Option<Box<Diagnostic>>,
    /// Taken on drop.
    worker: Option<Worker>,
    /// Where the worker goes back to.
    home: Option<(Arc<Mutex<Vec<Worker>>>, OwnedSemaphorePermit)>,
}

impl Reader {
    fn worker(&self) -> &Worker {
        self.worker.as_ref().expect("a reader has its worker until it is dropped")
    }

    /// What the worker hands over.
    async fn received(&mut self) -> Result<Option<SourceBatch>> {
        let Some(batches) = &mut self.batches else { return Ok(None) };
        let Some(batch) = batches.recv().await else {
            let headline = format!("reading `{}` ended by itself", self.name);
            return Err(Box::new(Diagnostic::new(Code::SourceFailed, headline)));
        };
        if matches!(batch, Ok(None)) {
            self.batches = None;
        }
        batch
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // First, so that a thread which waits to hand over a batch is let go.
        drop(self.batches.take());
        if let (Some(worker), Some((home, _permit))) = (self.worker.take(), self.home.take()) {
            home.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        }
    }
}

#[async_trait]
impl SnapshotReader for Reader {
    async fn estimate(&mut self, relation: &Relation) -> Result<Option<Counted>> {
        Ok(Some(Counted { rows: self.count(relation).await?, is_estimate: false }))
    }

    async fn count(&mut self, relation: &Relation) -> Result<u64> {
        let (sql, name) = (sql::count_rows(relation), self.name.clone());
        let count = move |connection: &mut Connection| connection.query_row(&sql, [], |row| row.get(0));
        self.worker().call(count).await.map_err(|error| read_failed(&error, &name))
    }

    async fn count_repeated_keys(&mut self, relation: &Relation, key: &[ColumnName]) -> Result<u64> {
        let (sql, name) = (sql::count_repeated(relation, key), self.name.clone());
        let count = move |connection: &mut Connection| connection.query_row(&sql, [], |row| row.get(0));
        self.worker().call(count).await.map_err(|error| read_failed(&error, &name))
    }

    async fn read(&mut self, request: ReadRequest) -> Result<()> {
        if let Some(problem) = &self.failed {
            return Err(problem.clone());
        }
        let (batches, receiver) = mpsc::channel(BATCHES_AHEAD);
        self.batches = Some(receiver);
        let name = self.name.clone();
        self.worker().send(Box::new(move |connection| {
            let hand_over = |batch| batches.blocking_send(Ok(Some(batch))).is_ok();
            let ended = stream(connection, &request, &name, hand_over).map(|()| None);
            // Nobody listens any more where this fails.
            drop(batches.blocking_send(ended));
        }));
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<SourceBatch>> {
        let next = match &self.failed {
            Some(problem) => Err(problem.clone()),
            None => self.received().await,
        };
        self.failed = next.as_ref().err().cloned();
        next
    }
}

/// Reads all rows and hands them over batch by batch, until there are no more or nobody wants them.
fn stream(
    connection: &Connection,
    request: &ReadRequest,
    name: &str,
    mut hand_over: impl FnMut(SourceBatch) -> bool,
) -> Result<()> {
    let failed = |error: rusqlite::Error| read_failed(&error, name);
    let key: Vec<&ColumnName> = request.key.iter().map(|i| &request.columns[*i].name).collect();
    // Elsewhere a column may hold values of other classes or another order than the key's, so the reader gets every row.
    let skips = match request.relation.stored() {
        Some(table) => catalog::is_row_id(connection, table, &key).map_err(failed)?,
        None => false,
    };
    let mut narrowed: Vec<Narrowed<'_>> = Vec::new();
    let mut bound = Vec::new();
    if let (Some(after), true) = (&request.after, skips) {
        narrowed.extend(key.first().map(|key| Narrowed::Behind(key)));
        bound = decoded(after)?;
    }
    if let Some((condition, value)) = asked(request) {
        narrowed.push(condition);
        bound.push(value);
    }
    let mut statement = connection.prepare(&sql::select(request, &narrowed)).map_err(failed)?;
    let mut rows = statement.query(params_from_iter(bound)).map_err(failed)?;
    let mut batch = Batch::new(request);
    while let Some(row) = rows.next().map_err(failed)? {
        for column in 0..request.columns.len() {
            let value = row.get_ref(column).map_err(failed)?;
            batch.append(column, width(value), |cells| types::append(cells, value), || digest(value));
        }
        batch.end_row();
        if batch.is_full() && !hand_over(batch.finish()?) {
            return Ok(());
        }
    }
    if !batch.is_empty() {
        hand_over(batch.finish()?);
    }
    Ok(())
}

/// The rows that are asked for, where SQLite can tell them from the others: a text may spell a key or a moment in several ways.
fn asked(request: &ReadRequest) -> Option<(Narrowed<'_>, Value)> {
    match &request.only {
        Only::All => None,
        Only::Keys(keys) => {
            let [part] = request.key[..] else { return None };
            let integer = |key: &KeyBytes| match key.decode().ok()?[..] {
                [KeyValue::Integer(number)] => Some(number),
                _ => None,
            };
            let integers: Vec<i64> = keys.iter().map(integer).collect::<Option<_>>()?;
            let list = serde_json::Value::from(integers).to_string();
            Some((Narrowed::Among(&request.columns[part].name), Value::Text(list)))
        }
        Only::Since { column, from } => {
            // All spellings begin with the day; in a zone behind UTC that is the one before.
            let days = match column.logical {
                LogicalType::Date => *from,
                LogicalType::Timestamptz => from.div_euclid(MICROS_OF_DAY) - 1,
                _ => from.div_euclid(MICROS_OF_DAY),
            };
            let day = KeyValue::Date(i32::try_from(days).ok()?).text();
            let key = request.key.iter().map(|part| &request.columns[*part].name).collect();
            (day.len() == 10).then_some((Narrowed::Since(&column.name, key), Value::Text(day)))
        }
    }
}

fn decoded(key: &KeyBytes) -> Result<Vec<Value>> {
    let parts = key.decode().map_err(|error| {
        Box::new(Diagnostic::new(Code::LedgerCorrupted, format!("a stored position cannot be read: {error}")))
    })?;
    Ok(parts.iter().map(types::key_value).collect())
}

fn width(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Null => 1,
        ValueRef::Integer(_) | ValueRef::Real(_) => 8,
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
    }
}

fn digest(value: ValueRef<'_>) -> u64 {
    use twox_hash::XxHash3_64;
    match value {
        ValueRef::Null => 0,
        ValueRef::Integer(number) => XxHash3_64::oneshot_with_seed(1, &number.to_le_bytes()),
        ValueRef::Real(number) => XxHash3_64::oneshot_with_seed(2, &number.to_le_bytes()),
        ValueRef::Text(bytes) => XxHash3_64::oneshot_with_seed(3, bytes),
        ValueRef::Blob(bytes) => XxHash3_64::oneshot_with_seed(4, bytes),
    }
}
