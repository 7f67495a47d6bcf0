//! Reading rows.
//!
//! One transaction exports its snapshot and stays open; every reader begins in it, so that all of them, at any time of the run, see the
//! database at one moment. A task reads and decodes ahead of its reader; one that is dropped takes its connection with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures_util::TryStreamExt;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use transload_model::{
    Bug, Catalog, Code, ColumnName, ConnectionPlan, Counted, Diagnostic, DigestRequest, Drawn, Horizon, KeyRange,
    LogicalType, Only, RangeDigest, ReadColumn, ReadRequest, Relation, Result, Snapshot, SnapshotReader, Source,
    SourceBatch, Table, TableName, planted,
};
use twox_hash::XxHash3_64;

use crate::batch::Batch;

use super::bound::{Bound, bounds};
use super::catalog::{self, PgColumn};
use super::digest::Question;
use super::error::{failure, reading_failure, sqlstate};
use super::lease::{Connections, Lease};
use super::open::Address;
use super::sql::{self, Reading, printed, quote};
use super::types::{self, Decoder, Wire};
use super::written;

/// Batches that wait between the reading task and its reader.
const BATCHES_AHEAD: usize = 1;

/// What every transaction that reads begins with.
const BEGIN: &str = "begin transaction isolation level repeatable read, read only";

/// Sessions of this database: the oldest transaction, how many hide theirs, and what else may commit later than it looks.
const HORIZON: &str =
    "select (extract(epoch from least(pg_catalog.clock_timestamp(), min(a.xact_start))) * 1000000)::int8,
        count(*) filter (where a.query = '<insufficient privilege>' and a.usesysid is not null),
        (select count(*) from pg_catalog.pg_prepared_xacts p where p.database = pg_catalog.current_database()),
        pg_catalog.pg_is_in_recovery(), current_user::text
    from pg_catalog.pg_stat_activity a
    where a.datname = pg_catalog.current_database() and a.pid <> pg_catalog.pg_backend_pid()";

/// Lets the SQL of a spec name tables as the connection's schema has them.
const LOOK_IN: &str = "select pg_catalog.set_config('search_path', \
                       pg_catalog.concat_ws(', ', pg_catalog.quote_ident($1), nullif(pg_catalog.current_setting('search_path'), '')), true)";

pub(super) async fn open_source(connection: &ConnectionPlan) -> Result<Arc<dyn Source>> {
    let connections = Connections::new(Address::of(connection)?, connection.pool);
    // Opened once to say now why it cannot be.
    connections.lease().await?.give_back();
    Ok(Arc::new(PostgresSource { end: End { side: "source", connections, schema: connection.schema.clone() } }))
}

/// A database and the schema that matters in it.
#[derive(Clone)]
pub(super) struct End {
    /// Which of the two it is, for messages.
    pub(super) side: &'static str,
    pub(super) connections: Arc<Connections>,
    pub(super) schema: String,
}

impl End {
    pub(super) fn failed(&self, error: &sqlx::Error) -> Box<Diagnostic> {
        let doing = format!("reading from {}, the {}, failed", self.connections.address.name, self.side);
        failure(error, Code::SourceFailed, &doing)
    }

    /// What ended the reading of rows, without what the server says of their values.
    pub(super) fn unread(&self, error: &sqlx::Error) -> Box<Diagnostic> {
        let doing = format!("reading from {}, the {}, failed", self.connections.address.name, self.side);
        reading_failure(error, Code::SourceFailed, &doing)
    }

    /// Begins to read, at the moment of a snapshot where there is one.
    pub(super) async fn begin(&self, connection: &mut PgConnection, snapshot: Option<&str>) -> Result<()> {
        sql::execute(connection, BEGIN).await.map_err(|error| self.failed(&error))?;
        if let Some(id) = snapshot.filter(|_| !planted(Bug::ManyMoments)) {
            // The server made the id; it is digits and hyphens, and no statement takes it as a parameter.
            let set = sql::execute(connection, format!("set transaction snapshot '{}'", id.replace('\'', ""))).await;
            set.map_err(|error| self.without_snapshot(&error))?;
        }
        let looked = sqlx::query(LOOK_IN).bind(&self.schema).execute(connection).await;
        looked.map(drop).map_err(|error| self.failed(&error))
    }

    fn without_snapshot(&self, error: &sqlx::Error) -> Box<Diagnostic> {
        if sqlstate(error) != Some("22023") {
            return self.failed(error);
        }
        let name = &self.connections.address.name;
        let headline = format!("reading from {name} failed: the session that kept this run's snapshot is gone");
        Box::new(Diagnostic::new(Code::SourceFailed, headline).help("run again; what was committed stays"))
    }

    /// What can be locked of relations, as SQL names it: tables, partitioned tables and views.
    async fn lockable(&self, lease: &mut Lease, relations: &[Relation]) -> Result<Vec<String>> {
        let names: Vec<&str> = relations.iter().filter_map(|from| from.stored()).map(TableName::as_str).collect();
        let sql = "select c.relname::text from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
                   where n.nspname = $1 and c.relname = any($2) and c.relkind in ('r', 'p', 'v') order by 1";
        let rows = sqlx::query(sql).bind(&self.schema).bind(names).fetch_all(lease.get()).await;
        let rows = rows.map_err(|error| self.failed(&error))?;
        let names: sqlx::Result<Vec<String>> = rows.iter().map(|row| row.try_get(0)).collect();
        let names = names.map_err(|error| self.failed(&error))?;
        let names = names.iter().filter_map(|name| TableName::parse(name).ok());
        let mut lockable: Vec<String> = names.map(|name| sql::table(&self.schema, &name)).collect();
        lockable.extend(written::tables(self, lease.get(), relations).await?);
        Ok(lockable)
    }

    pub(super) async fn catalog(&self) -> Result<Catalog> {
        let mut lease = self.connections.lease().await?;
        let catalog = catalog::read(lease.get(), &self.schema).await.map_err(|error| self.failed(&error))?;
        lease.give_back();
        Ok(catalog)
    }
}

struct PostgresSource {
    end: End,
}

#[async_trait]
impl Source for PostgresSource {
    async fn catalog(&self) -> Result<Catalog> {
        self.end.catalog().await
    }

    async fn describe(&self, relation: &Relation) -> Result<Table> {
        written::describe(&self.end, relation).await
    }

    async fn snapshot(&self, relations: &[Relation], _readers: usize) -> Result<Arc<dyn Snapshot>> {
        let mut lease = self.end.connections.lease().await?;
        // Before the snapshot exists: a transaction that ends in between must not be overlooked.
        let horizon = horizon(lease.get()).await.map_err(|error| self.end.failed(&error))?;
        let lockable = self.end.lockable(&mut lease, relations).await?;
        let export = async {
            sql::execute(lease.get(), BEGIN).await?;
            // Before the snapshot exists: to an older one, a table that was truncated or rewritten since looks empty.
            if !lockable.is_empty() {
                sql::execute(lease.get(), sql::lock(&lockable)).await?;
            }
            sqlx::query("select pg_catalog.pg_export_snapshot()").fetch_one(lease.get()).await?.try_get(0)
        };
        let id: String = export.await.map_err(|error| self.end.failed(&error))?;
        Ok(Arc::new(PostgresSnapshot { end: self.end.clone(), id, horizon, _exporter: lease }))
    }
}

/// A moment of a database.
struct PostgresSnapshot {
    end: End,
    id: String,
    horizon: Horizon,
    /// Its transaction keeps the snapshot alive.
    _exporter: Lease,
}

#[async_trait]
impl Snapshot for PostgresSnapshot {
    fn horizon(&self) -> Horizon {
        self.horizon.clone()
    }

    fn reader_limit(&self) -> usize {
        // One connection keeps the snapshot alive.
        self.end.connections.limit() - 1
    }

    async fn reader(&self) -> Result<Box<dyn SnapshotReader>> {
        reader(&self.end, Some(self.id.clone())).await
    }
}

/// When the oldest transaction began that is open now, and what cannot be known of the others.
async fn horizon(connection: &mut PgConnection) -> sqlx::Result<Horizon> {
    let row = sqlx::query(HORIZON).fetch_one(connection).await?;
    let (hidden, prepared, is_standby): (i64, i64, bool) = (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
    let unseen = if is_standby {
        Some("it is a standby, and transactions of its primary cannot be seen".to_owned())
    } else if prepared > 0 {
        Some("there are prepared transactions, of which nobody knows when they began".to_owned())
    } else if hidden > 0 {
        let user: String = row.try_get(4)?;
        Some(format!("other sessions cannot be seen: grant pg_read_all_stats to {}", quote(&user)))
    } else {
        None
    };
    Ok(Horizon { safe: row.try_get(0)?, unseen })
}

/// A reader of a snapshot, or of what is committed now.
pub(super) async fn reader(end: &End, snapshot: Option<String>) -> Result<Box<dyn SnapshotReader>> {
    let (end, columns) = (end.clone(), BTreeMap::new());
    let mut reader = Reader { end, snapshot, lease: None, reading: None, failed: None, columns };
    reader.lease = Some(reader.begin().await?);
    Ok(Box::new(reader))
}

/// A read that goes on: its batches, and the task that gives the connection back where it came to the end.
type Ahead = (mpsc::Receiver<Result<SourceBatch>>, JoinSet<Option<Lease>>);

struct Reader {
    end: End,
    snapshot: Option<String>,
    /// Where no read is going on.
    lease: Option<Lease>,
    reading: Option<Ahead>,
    /// What ended a read too early.
    failed: Option<Box<Diagnostic>>,
    columns: BTreeMap<Relation, Arc<Vec<PgColumn>>>,
}

impl Reader {
    async fn begin(&self) -> Result<Lease> {
        let mut lease = self.end.connections.lease().await?;
        self.end.begin(lease.get(), self.snapshot.as_deref()).await?;
        Ok(lease)
    }

    /// The connection of this reader: that of the last read, if it came to its end, or a new one in the same snapshot.
    async fn idle(&mut self) -> Result<Lease> {
        if let Some((mut batches, mut task)) = self.reading.take() {
            batches.close();
            let ended = batches.is_empty();
            if ended && let Some(Ok(lease)) = task.join_next().await {
                self.lease = lease;
            }
        }
        match self.lease.take() {
            Some(lease) => Ok(lease),
            None => self.begin().await,
        }
    }

    async fn number(&mut self, sql: String) -> Result<Option<i64>> {
        let mut lease = self.idle().await?;
        let found = sql::query(sql).persistent(false).fetch_one(lease.get()).await.and_then(|row| row.try_get(0));
        let number = found.map_err(|error| self.end.unread(&error))?;
        self.lease = Some(lease);
        Ok(number)
    }

    /// A relation's columns, as this reader saw them first.
    async fn columns(&mut self, lease: &mut Lease, relation: &Relation) -> Result<Arc<Vec<PgColumn>>> {
        if let Some(known) = self.columns.get(relation) {
            return Ok(Arc::clone(known));
        }
        let columns = match relation.stored() {
            Some(table) => catalog::table(lease.get(), &self.end.schema, table).await,
            None => written::columns(lease.get(), &self.end.schema, relation).await,
        };
        let columns = Arc::new(columns.map_err(|error| self.end.failed(&error))?);
        self.columns.insert(relation.clone(), Arc::clone(&columns));
        Ok(columns)
    }

    /// How each wanted column is read.
    async fn readings(
        &mut self,
        lease: &mut Lease,
        relation: &Relation,
        wanted: &[ReadColumn],
    ) -> Result<(Vec<Reading>, Vec<Decoder>)> {
        let columns = self.columns(lease, relation).await?;
        let mut readings = Vec::new();
        let mut decoders = Vec::new();
        for wanted in wanted {
            let column = self.column(&columns, relation, &wanted.name)?;
            let decoder = Decoder::new(column.wire, wanted.logical);
            readings.push(reading(column, decoder, wanted.logical));
            decoders.push(decoder);
        }
        Ok((readings, decoders))
    }

    /// What the reading task hands over.
    async fn received(&mut self) -> Result<Option<SourceBatch>> {
        let Some((batches, task)) = &mut self.reading else { return Ok(None) };
        if let Some(batch) = batches.recv().await {
            return batch.map(Some);
        }
        // Only a task that came to its end has said that there are no more rows.
        match task.join_next().await {
            Some(Ok(lease)) => self.lease = lease,
            Some(Err(error)) => {
                let headline = format!("reading from {} ended by itself: {error}", self.end.connections.address.name);
                return Err(Box::new(Diagnostic::new(Code::SourceFailed, headline)));
            }
            None => {}
        }
        self.reading = None;
        Ok(None)
    }

    fn column<'a>(&self, columns: &'a [PgColumn], relation: &Relation, name: &ColumnName) -> Result<&'a PgColumn> {
        columns.iter().find(|column| column.name == *name).ok_or_else(|| {
            let at = &self.end.connections.address.name;
            let headline = format!("`{relation}` of the source has no column `{name}` any more in {at}");
            Box::new(Diagnostic::new(Code::SchemaDrift, headline).help(Code::SchemaDrift.info().remedy))
        })
    }
}

#[async_trait]
impl SnapshotReader for Reader {
    async fn estimate(&mut self, relation: &Relation) -> Result<Option<Counted>> {
        let mut lease = self.idle().await?;
        // The planner looks at the table's size; what was counted when it was last analysed may be long ago, or never.
        let sql = sql::explain(&sql::relation(&self.end.schema, relation));
        let explained = sql::query(sql).persistent(false).fetch_one(lease.get()).await;
        let row = explained.map_err(|error| self.end.failed(&error))?;
        self.lease = Some(lease);
        let plan = row.try_get_raw(0).ok().and_then(|value| serde_json::from_str(value.as_str().ok()?).ok());
        let rows = plan.and_then(|plan: serde_json::Value| plan[0]["Plan"]["Plan Rows"].as_u64());
        Ok(rows.map(|rows| Counted { rows, is_estimate: true }))
    }

    async fn sample(
        &mut self,
        relation: &Relation,
        key: &[ReadColumn],
        (rows, drawn): (usize, Drawn),
    ) -> Result<Option<RecordBatch>> {
        let held = self.estimate(relation).await?.map(|held| held.rows);
        let Some(held) = held.filter(|held| *held > 0 && !key.is_empty()) else {
            return Ok(None);
        };
        let method = match drawn {
            Drawn::Quickly => format!("system ({}) repeatable (1)", (rows as u64 * 100).div_ceil(held).clamp(1, 100)),
            Drawn::Evenly { seed } => format!("bernoulli ({}) repeatable ({seed})", percent(rows as u64, held)),
        };
        let schema = self.end.schema.clone();
        let (Some(table), Some(sampled)) = (relation.stored(), sql::sampled(&schema, relation, &method)) else {
            return Ok(None);
        };
        if self.number(sql::is_stored(&sql::table(&schema, table))).await? != Some(1) {
            return Ok(None);
        }
        let mut lease = self.idle().await?;
        let (readings, decoders) = self.readings(&mut lease, relation, key).await?;
        let sampled = sql::query(sql::sample(&sampled, &readings)).persistent(false).fetch_all(lease.get()).await;
        let sampled = sampled.map_err(|error| self.end.unread(&error))?;
        self.lease = Some(lease);
        let request = ReadRequest {
            relation: relation.clone(),
            columns: key.to_vec(),
            key: Vec::new(),
            range: KeyRange::default(),
            after: None,
            only: Only::All,
            batch_rows: sampled.len(),
        };
        let mut batch = Batch::new(&request);
        for row in &sampled {
            append(&mut batch, row, &decoders).map_err(|error| self.end.unread(&error))?;
        }
        batch.finish().map(|batch| Some(batch.rows))
    }

    async fn count(&mut self, relation: &Relation) -> Result<u64> {
        let count = self.number(sql::count(&sql::relation(&self.end.schema, relation))).await?;
        Ok(count.and_then(|rows| u64::try_from(rows).ok()).unwrap_or_default())
    }

    async fn count_repeated_keys(&mut self, relation: &Relation, key: &[ColumnName]) -> Result<u64> {
        let mut lease = self.idle().await?;
        let columns = self.columns(&mut lease, relation).await?;
        self.lease = Some(lease);
        let mut parts = Vec::new();
        for name in key {
            let column = self.column(&columns, relation, name)?;
            parts.push(order(column, column.wire.logical()));
        }
        let count = self.number(sql::count_repeated(&sql::relation(&self.end.schema, relation), &parts)).await?;
        Ok(count.and_then(|rows| u64::try_from(rows).ok()).unwrap_or_default())
    }

    fn keeps_to_ranges(&self) -> bool {
        true
    }

    async fn digests(&mut self, request: &DigestRequest) -> Result<Option<Vec<RangeDigest>>> {
        let mut lease = self.idle().await?;
        let columns = self.columns(&mut lease, &request.relation).await?;
        let wanted = request.columns.iter().map(|wanted| self.column(&columns, &request.relation, &wanted.name));
        let wanted = wanted.collect::<Result<Vec<_>>>()?;
        let question = Question::new(&sql::relation(&self.end.schema, &request.relation), &wanted, request);
        let answer = match question {
            Some(question) => question.ask(lease.get(), request).await.map_err(|error| self.end.unread(&error))?,
            None => None,
        };
        self.lease = Some(lease);
        Ok(answer)
    }

    async fn read(&mut self, request: ReadRequest) -> Result<()> {
        if let Some(problem) = &self.failed {
            return Err(problem.clone());
        }
        let mut lease = self.idle().await?;
        let (readings, decoders) = self.readings(&mut lease, &request.relation, &request.columns).await?;
        let (bounds, behind) = bounds(&request, &readings)?;
        let sql = sql::select(&sql::relation(&self.end.schema, &request.relation), &readings, &request.key, &bounds);
        let (batches, receiver) = mpsc::channel(BATCHES_AHEAD);
        let mut task = JoinSet::new();
        let end = self.end.clone();
        task.spawn(async move {
            match stream(&mut lease, &request, (sql, behind), &decoders, &batches).await {
                Ok(true) => Some(lease),
                Ok(false) => None,
                Err(problem) => {
                    // Nobody listens any more where this fails.
                    drop(batches.send(Err(problem.told(&end))).await);
                    None
                }
            }
        });
        self.reading = Some((receiver, task));
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

/// Why a read ended early.
enum Broken {
    Database(sqlx::Error),
    Problem(Box<Diagnostic>),
}

impl Broken {
    fn told(self, end: &End) -> Box<Diagnostic> {
        match self {
            Self::Database(error) => end.unread(&error),
            Self::Problem(problem) => problem,
        }
    }
}

impl From<sqlx::Error> for Broken {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// Reads all rows and hands them over batch by batch. Whether it came to the end: else the connection is in the middle of an answer.
async fn stream(
    lease: &mut Lease,
    request: &ReadRequest,
    (sql, behind): (String, Vec<Bound>),
    decoders: &[Decoder],
    batches: &mpsc::Sender<Result<SourceBatch>>,
) -> std::result::Result<bool, Broken> {
    let mut query = sql::query(sql).persistent(false);
    for part in behind {
        query = part.bind(query);
    }
    let mut rows = query.fetch(lease.get());
    let mut batch = Batch::new(request);
    while let Some(row) = rows.try_next().await? {
        append(&mut batch, &row, decoders)?;
        if batch.is_full() && batches.send(Ok(batch.finish().map_err(Broken::Problem)?)).await.is_err() {
            return Ok(false);
        }
    }
    if !batch.is_empty() {
        drop(batches.send(Ok(batch.finish().map_err(Broken::Problem)?)).await);
    }
    Ok(true)
}

fn append(batch: &mut Batch, row: &PgRow, decoders: &[Decoder]) -> sqlx::Result<()> {
    for (column, decoder) in decoders.iter().enumerate() {
        let value = row.try_get_raw(column)?;
        // The one error is that there is no value.
        let bytes = value.as_bytes().ok();
        let digest = || XxHash3_64::oneshot(bytes.unwrap_or_default());
        batch.append(column, bytes.map_or(1, <[u8]>::len), |cells| types::append(cells, *decoder, bytes), digest);
    }
    batch.end_row();
    Ok(())
}

fn reading(column: &PgColumn, decoder: Decoder, logical: LogicalType) -> Reading {
    let name = quote(column.name.as_str());
    let select = match column.wire {
        Wire::Other => printed(&name),
        wire if decoder.needs_cast(wire) => format!("{name}::text"),
        _ => name,
    };
    let may_be_infinite = matches!(column.wire, Wire::Date | Wire::Timestamp(_) | Wire::Timestamptz(_));
    let (order, is_required) = (order(column, logical), column.is_required());
    let by_bytes = matches!(column.wire, Wire::Char(_)) || (column.recodes && logical == LogicalType::Text);
    Reading { select, order, is_required, may_be_infinite, by_bytes }
}

/// The expression that orders a column's values as their keys are ordered: text by its bytes in UTF-8, whatever the column's collation.
fn order(column: &PgColumn, logical: LogicalType) -> String {
    let name = quote(column.name.as_str());
    let text = match column.wire {
        Wire::Text(_) => name.clone(),
        Wire::Other => format!("({})", printed(&name)),
        _ => format!("{name}::text"),
    };
    match column.wire {
        // As text it would lose the blanks at its end, which its key has.
        Wire::Char(_) => format!("pg_catalog.bpcharsend({name})"),
        _ if logical != LogicalType::Text => name,
        _ if column.recodes => format!("pg_catalog.convert_to({text}, 'UTF8')"),
        _ => format!("{text} collate \"C\""),
    }
}

/// The share of `held` that so many rows are, in percent, to a millionth.
fn percent(rows: u64, held: u64) -> String {
    let millionths = (u128::from(rows) * 100_000_000).div_ceil(u128::from(held.max(1))).min(100_000_000);
    format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000)
}
