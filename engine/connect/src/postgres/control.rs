//! The control store in PostgreSQL: the history of runs, for people on more machines than one.
//!
//! One session writes, for as long as the store is open. Its life stands for the life of this process: whoever reads a run sees whether the
//! session that works on it still exists, on whatever machine that is. The run itself does not depend on it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use transload_model::{
    Code, ControlStore, Diagnostic, EntityName, EntityRecord, EntityState, Requests, Result, RunId, RunRecord,
    RunState, UnitNumber, Wish,
};

use crate::control::{self, CheckpointState, Script, checkpoint_steps, moves_checkpoint, passed_through, pending};
use crate::ledger::signed;
use crate::process;

use super::error::{failure, is_passing};
use super::lease::{Connections, Lease};
use super::ledger::TOKEN;
use super::open::Address;
use super::sql;

#[cfg(test)]
mod tests;

const SCRIPTS: &[Script] = &[
    Script {
        name: "001_create_differential_migration_tables",
        sql: include_str!("../../../../migrations/control/postgres/001_create_differential_migration_tables.sql"),
    },
    Script {
        name: "002_add_differential_indexes",
        sql: include_str!("../../../../migrations/control/postgres/002_add_differential_indexes.sql"),
    },
    Script {
        name: "003_create_differential_functions",
        sql: include_str!("../../../../migrations/control/postgres/003_create_differential_functions.sql"),
    },
    Script {
        name: "004_migrate_existing_migration_data",
        sql: include_str!("../../../../migrations/control/postgres/004_migrate_existing_migration_data.sql"),
    },
    Script {
        name: "005_add_entity_requests",
        sql: include_str!("../../../../migrations/control/postgres/005_add_entity_requests.sql"),
    },
    Script {
        name: "006_add_detections",
        sql: include_str!("../../../../migrations/control/postgres/006_add_detections.sql"),
    },
    Script {
        name: "007_add_carried_out",
        sql: include_str!("../../../../migrations/control/postgres/007_add_carried_out.sql"),
    },
];

/// Which scripts ran. It is there before the first.
const BOOKKEEPING: &str = "create table if not exists transload.control_migrations (
    version bigint primary key, name text not null, applied_at timestamptz not null default clock_timestamp(),
    applied_by text not null);
    comment on table transload.control_migrations is 'Which scripts of the control store ran.'";

/// What there is to import may take its time.
const PREPARE_SCRIPTS: &str = "set local statement_timeout = 0; set local search_path to pg_catalog";

/// A mirror must not hold up what it mirrors.
const SESSION: &str =
    "set statement_timeout = '20s'; set lock_timeout = '10s'; set idle_in_transaction_session_timeout = '60s'";
const PATIENCE: Duration = Duration::from_secs(30);

/// Sessions at a time: the one that writes, and readers.
const POOL: usize = 4;

pub(super) async fn open_control_store(url: &str) -> Result<Arc<dyn ControlStore>> {
    let address = Address::parse("the control store", url)?.with_session(SESSION);
    let connections = Connections::new(address, POOL);
    let mut lease = connections.lease().await.map_err(ours)?;
    migrate(lease.get()).await?;
    lease.give_back();
    Ok(Arc::new(PostgresControlStore { connections, writer: tokio::sync::Mutex::default() }))
}

/// A problem of this store, whatever it would be elsewhere.
fn ours(mut problem: Box<Diagnostic>) -> Box<Diagnostic> {
    if matches!(problem.code, Code::SchemaDrift | Code::ControlStore) {
        problem.help = Some(Code::ControlStore.info().remedy.to_owned());
    }
    problem.code = Code::ControlStore;
    problem
}

fn failed(error: &sqlx::Error) -> Box<Diagnostic> {
    ours(failure(error, Code::ControlStore, "the control store"))
}

fn not_made(error: &sqlx::Error) -> Box<Diagnostic> {
    ours(failure(error, Code::ControlStore, "the control store cannot be made"))
}

/// The highest number of a script that ran.
async fn applied(connection: &mut PgConnection) -> sqlx::Result<i64> {
    // Read from the tables themselves: `to_regclass` may answer from what the session knew before it waited for the lock.
    let sql = "select exists (select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
               where n.nspname = 'transload' and c.relname = 'control_migrations')";
    if !sqlx::query(sql).fetch_one(&mut *connection).await?.try_get::<bool, _>(0)? {
        return Ok(0);
    }
    let sql = "select coalesce(max(version), 0) from transload.control_migrations";
    sqlx::query(sql).fetch_one(connection).await?.try_get(0)
}

/// Runs the scripts that did not run yet, all in one transaction.
async fn migrate(connection: &mut PgConnection) -> Result<()> {
    let before = applied(connection).await.map_err(|error| not_made(&error))?;
    if pending(SCRIPTS, before)?.is_empty() {
        return Ok(());
    }
    for statement in ["begin", PREPARE_SCRIPTS, sql::CREATION_LOCK] {
        sql::batch(connection, statement).await.map_err(|error| not_made(&error))?;
    }
    // Another process may have done it meanwhile.
    let before = applied(connection).await.map_err(|error| not_made(&error))?;
    run_scripts(connection, &pending(SCRIPTS, before)?).await.map_err(|error| not_made(&error))
}

async fn run_scripts(connection: &mut PgConnection, scripts: &[(i64, &Script)]) -> sqlx::Result<()> {
    // `if not exists` would ask for the right to create one all the same.
    let sql = "select not exists (select 1 from pg_catalog.pg_namespace where nspname = 'transload')";
    if sqlx::query(sql).fetch_one(&mut *connection).await?.try_get(0)? {
        sql::batch(connection, "create schema transload").await?;
    }
    sql::batch(connection, BOOKKEEPING).await?;
    for (version, script) in scripts {
        sql::batch(connection, script.sql).await?;
        let sql = "insert into transload.control_migrations (version, name, applied_by) values ($1, $2, $3)";
        let by = concat!("transload ", env!("CARGO_PKG_VERSION"));
        sqlx::query(sql).bind(version).bind(script.name).bind(by).execute(&mut *connection).await?;
    }
    sql::batch(connection, "commit").await
}

pub(super) struct PostgresControlStore {
    connections: Arc<Connections>,
    /// The session that writes, and its name.
    writer: tokio::sync::Mutex<Option<(Lease, String)>>,
}

/// What can be stored.
#[derive(Clone, Copy)]
enum Put<'a> {
    Run(&'a RunRecord),
    Adopted(&'a RunRecord, &'a [EntityRecord]),
    Entity(RunId, &'a EntityRecord),
}

impl PostgresControlStore {
    /// Stores something. A session that was lost while nobody looked is replaced once; storing twice does no harm.
    /// Says whether anything of it was new.
    async fn put(&self, put: Put<'_>) -> Result<bool> {
        let mut writer = self.writer.lock().await;
        let mut tried = false;
        loop {
            let (mut lease, token) = match writer.take() {
                Some(known) => known,
                None => self.begin_session().await?,
            };
            match within(store(lease.get(), put, &token)).await? {
                Ok(is_new) => {
                    *writer = Some((lease, token));
                    return Ok(is_new);
                }
                Err(error) if is_passing(&error) && !tried => tried = true,
                Err(error) => {
                    // What the server refused is not the end of the session, nor of this process.
                    let is_undone = within(sql::batch(lease.get(), "rollback")).await?.is_ok();
                    *writer = is_undone.then_some((lease, token));
                    return Err(failed(&error));
                }
            }
        }
    }

    /// Does something that leaves no transaction open.
    pub(super) async fn asked<T>(&self, work: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>) -> Result<T> {
        let mut lease = self.connections.lease().await.map_err(ours)?;
        let done = within(work(lease.get())).await?.map_err(|error| failed(&error))?;
        lease.give_back();
        Ok(done)
    }

    async fn begin_session(&self) -> Result<(Lease, String)> {
        let mut lease = self.connections.lease().await.map_err(ours)?;
        let token = within(sqlx::query(TOKEN).fetch_one(lease.get())).await?.and_then(|row| row.try_get(0));
        Ok((lease, token.map_err(|error| failed(&error))?))
    }
}

/// Waits for the server, but not for ever.
async fn within<T>(work: impl Future<Output = sqlx::Result<T>>) -> Result<sqlx::Result<T>> {
    tokio::time::timeout(PATIENCE, work).await.map_err(|_| {
        let headline = format!("the control store did not answer within {} s", PATIENCE.as_secs());
        Box::new(Diagnostic::new(Code::ControlStore, headline).help(Code::ControlStore.info().remedy))
    })
}

#[async_trait]
impl ControlStore for PostgresControlStore {
    async fn put_run(&self, run: &RunRecord) -> Result<()> {
        self.put(Put::Run(run)).await.map(drop)
    }

    async fn put_entity(&self, run: RunId, entity: &EntityRecord) -> Result<()> {
        self.put(Put::Entity(run, entity)).await.map(drop)
    }

    async fn adopt(&self, run: &RunRecord, entities: &[EntityRecord]) -> Result<bool> {
        self.put(Put::Adopted(run, entities)).await
    }

    async fn runs(&self, limit: u32) -> Result<Vec<RunRecord>> {
        let mut lease = self.connections.lease().await.map_err(ours)?;
        let rows = within(sqlx::query(RUNS).bind(i64::from(limit)).fetch_all(lease.get())).await?;
        let rows = rows.map_err(|error| failed(&error))?;
        lease.give_back();
        let read = rows.iter().map(run_record).collect::<sqlx::Result<Vec<_>>>().map_err(|error| failed(&error))?;
        Ok(read.into_iter().flatten().collect())
    }

    async fn entities(&self, run: RunId) -> Result<Vec<EntityRecord>> {
        let mut lease = self.connections.lease().await.map_err(ours)?;
        let rows = within(sqlx::query(ENTITIES).bind(run.to_string()).fetch_all(lease.get())).await?;
        let rows = rows.map_err(|error| failed(&error))?;
        lease.give_back();
        let read = rows.iter().map(entity_record).collect::<sqlx::Result<Vec<_>>>().map_err(|error| failed(&error))?;
        Ok(read.into_iter().flatten().collect())
    }

    async fn request(&self, run: RunId, entity: Option<&EntityName>, wish: Option<Wish>) -> Result<()> {
        let mut lease = self.connections.lease().await.map_err(ours)?;
        let asked = within(request(lease.get(), run, entity, wish)).await?;
        asked.map_err(|error| failed(&error))?;
        lease.give_back();
        Ok(())
    }

    async fn requests(&self, run: RunId) -> Result<Requests> {
        let mut lease = self.connections.lease().await.map_err(ours)?;
        let rows = within(sqlx::query(REQUESTS).bind(run.to_string()).fetch_all(lease.get())).await?;
        let rows = rows.map_err(|error| failed(&error))?;
        lease.give_back();
        let row = |row: &PgRow| Ok((row.try_get(0)?, row.try_get(1)?));
        let rows = rows.iter().map(row).collect::<sqlx::Result<Vec<_>>>().map_err(|error| failed(&error))?;
        Ok(control::requests(rows))
    }
}

const REQUESTS: &str =
    "select null::text, requested_status from transload.migration_control where run_id = $1::text::uuid
    union all select entity_type, requested_status from transload.workflow_control where run_id = $1::text::uuid";

const REQUEST_OF_RUN: &str = "update transload.migration_control set requested_status = $2,
        requested_at = case when $2::text is not null then clock_timestamp() end,
        requested_by = case when $2::text is not null then $3 end
    where run_id = $1::text::uuid and requested_status is distinct from $2";

const REQUEST_OF_ENTITY: &str = "insert into transload.workflow_control as known
        (run_id, entity_type, requested_status, requested_at, requested_by)
    values ($1::text::uuid, $4, $2, clock_timestamp(), $3) on conflict (run_id, entity_type) do update
    set requested_status = excluded.requested_status, requested_at = excluded.requested_at, requested_by = excluded.requested_by
    where known.requested_status <> excluded.requested_status";

const NO_REQUEST_OF_ENTITY: &str =
    "delete from transload.workflow_control where run_id = $1::text::uuid and entity_type = $2";

async fn request(
    connection: &mut PgConnection,
    run: RunId,
    entity: Option<&EntityName>,
    wish: Option<Wish>,
) -> sqlx::Result<()> {
    let query = match (entity, wish) {
        (Some(entity), None) => sqlx::query(NO_REQUEST_OF_ENTITY).bind(run.to_string()).bind(entity.as_str()),
        (entity, wish) => {
            let sql = if entity.is_some() { REQUEST_OF_ENTITY } else { REQUEST_OF_RUN };
            let query = sqlx::query(sql).bind(run.to_string()).bind(wish.map(Wish::as_str)).bind(process::own_name());
            match entity {
                Some(entity) => query.bind(entity.as_str()),
                None => query,
            }
        }
    };
    query.execute(connection).await.map(drop)
}

/// One transaction. Every way out before its end drops the connection, and with it the transaction.
async fn store(connection: &mut PgConnection, put: Put<'_>, token: &str) -> sqlx::Result<bool> {
    sql::batch(connection, "begin").await?;
    let mut is_new = true;
    match put {
        Put::Run(run) => put_run(connection, run, token).await?,
        Put::Adopted(run, entities) => {
            is_new = adopt(connection, run).await?;
            for entity in entities.iter().filter(|_| is_new).flat_map(control::adopted_steps) {
                put_entity(connection, run.id, &entity).await?;
            }
        }
        Put::Entity(run, entity) => put_entity(connection, run, entity).await?,
    }
    sql::batch(connection, "commit").await?;
    Ok(is_new)
}

async fn put_entity(connection: &mut PgConnection, run: RunId, entity: &EntityRecord) -> sqlx::Result<()> {
    let before = put_step(connection, run, entity).await?;
    put_checkpoint(connection, run, entity, before).await
}

const ADOPT: &str = "with run as (
        insert into transload.migration_runs
            (run_id, project, environment, status, reason, counts, performance, started_at, completed_at, metadata)
        values ($1::text::uuid, $2, $3, $4, $5, $6::text::jsonb, $7::text::jsonb, $8::text::timestamptz, $9::text::timestamptz,
            jsonb_build_object('adopted_at', $10::text))
        on conflict (run_id) do nothing
        returning run_id)
    insert into transload.migration_control (run_id) select run_id from run";

/// Stores a run that nobody works on, where it is not there yet.
async fn adopt(connection: &mut PgConnection, run: &RunRecord) -> sqlx::Result<bool> {
    let put = sqlx::query(ADOPT).bind(run.id.to_string()).bind(storable(&run.project));
    let put = put.bind(storable(&run.environment)).bind(run.state.as_str()).bind(run.reason.as_deref().map(storable));
    let put = put.bind(json(serde_json::to_string(&run.counts))?);
    let put = put.bind(run.performance.map(|spent| json(serde_json::to_string(&spent))).transpose()?);
    let put = put.bind(run.started_at.to_rfc3339()).bind(run.ended_at.map(|moment| moment.to_rfc3339()));
    let put = put.bind(run.adopted_at.map(|moment| moment.to_rfc3339()));
    Ok(put.execute(connection).await?.rows_affected() > 0)
}

const PUT_RUN: &str = "with run as (
        insert into transload.migration_runs as known
            (run_id, project, environment, status, reason, counts, performance, started_at, completed_at)
        values ($1::text::uuid, $2, $3, $4, $5, $6::text::jsonb, $7::text::jsonb, $8::text::timestamptz, $9::text::timestamptz)
        on conflict (run_id) do update set status = excluded.status, reason = excluded.reason, counts = excluded.counts,
            performance = excluded.performance, completed_at = excluded.completed_at
        returning run_id)
    insert into transload.migration_control (run_id, holder, holder_name, process_id)
    select run_id, $10, $11, $12 from run
    on conflict (run_id) do update set holder = excluded.holder, holder_name = excluded.holder_name, process_id = excluded.process_id";

async fn put_run(connection: &mut PgConnection, run: &RunRecord, token: &str) -> sqlx::Result<()> {
    let id = run.id.to_string();
    let sql = "select status from transload.migration_runs where run_id = $1::text::uuid for update";
    let before = sqlx::query(sql).bind(&id).fetch_optional(&mut *connection).await?;
    let before: Option<String> = before.map(|row| row.try_get(0)).transpose()?;
    let missed = before.as_deref().and_then(RunState::parse).and_then(|before| passed_through(before, run.state));
    if let Some(missed) = missed {
        let sql = "update transload.migration_runs set status = $2, completed_at = null where run_id = $1::text::uuid";
        sqlx::query(sql).bind(&id).bind(missed.as_str()).execute(&mut *connection).await?;
    }
    let put = sqlx::query(PUT_RUN).bind(id).bind(storable(&run.project)).bind(storable(&run.environment));
    let put = put.bind(run.state.as_str()).bind(run.reason.as_deref().map(storable));
    let put = put.bind(json(serde_json::to_string(&run.counts))?);
    let put = put.bind(run.performance.map(|spent| json(serde_json::to_string(&spent))).transpose()?);
    let put = put.bind(run.started_at.to_rfc3339()).bind(run.ended_at.map(|moment| moment.to_rfc3339()));
    let put = put.bind(token).bind(process::own_name()).bind(i64::from(run.process));
    put.execute(connection).await.map(drop)
}

fn json(written: serde_json::Result<String>) -> sqlx::Result<String> {
    written.map_err(|error| sqlx::Error::Encode(error.into()))
}

/// PostgreSQL's text takes no zero byte; its sign stands for it.
pub(super) fn storable(text: &str) -> String {
    text.replace('\0', "\u{2400}")
}

const PUT_STEP: &str = "with step as (
        insert into transload.workflow_states as known
            (run_id, entity_type, position, status, reason, counts, source_rows, stream, unit, elapsed_ms)
        values ($1::text::uuid, $2, (select count(*) from transload.workflow_states where run_id = $1::text::uuid),
            $3, $4, $5::text::jsonb, $6, $7, $8, $9)
        on conflict (run_id, entity_type) do update set status = excluded.status, reason = excluded.reason,
            counts = excluded.counts, source_rows = coalesce(excluded.source_rows, known.source_rows),
            stream = coalesce(excluded.stream, known.stream), unit = coalesce(excluded.unit, known.unit),
            elapsed_ms = excluded.elapsed_ms)
    insert into transload.migration_checkpoints as known (migration_run_id, entity_type) values ($1::text::uuid, $2)
    on conflict (entity_type, migration_run_id) do update set status = known.status
    returning status";

/// Stores where the entity is, and says what state its checkpoint was in until now.
async fn put_step(
    connection: &mut PgConnection,
    run: RunId,
    entity: &EntityRecord,
) -> sqlx::Result<Option<CheckpointState>> {
    let stream = entity.unit.map(|unit| i32::try_from(unit.stream).unwrap_or(i32::MAX));
    let put = sqlx::query(PUT_STEP).bind(run.to_string()).bind(entity.entity.as_str()).bind(entity.state.as_str());
    let put = put.bind(entity.reason.as_deref().map(storable)).bind(json(serde_json::to_string(&entity.counts))?);
    let put = put.bind(entity.source_rows.map(signed)).bind(stream).bind(entity.unit.map(|unit| signed(unit.seq)));
    let row = put.bind(signed(entity.elapsed_ms)).fetch_one(connection).await?;
    Ok(CheckpointState::parse(row.try_get(0)?))
}

const PUT_CHECKPOINT: &str = "update transload.migration_checkpoints c set batch_position = p.unit,
        records_processed = p.records_processed, records_remaining = p.records_remaining,
        checkpoint_data = jsonb_build_object('stream', p.stream, 'unit', p.unit, 'counts', p.counts)
    from transload.entity_progress p
    where p.run_id = $1::text::uuid and p.entity_type = $2
        and c.migration_run_id = p.run_id and c.entity_type = p.entity_type";

const PUT_HISTORY: &str = "insert into transload.workflow_checkpoints
        (run_id, entity_type, stream, unit, records_processed, records_remaining, checkpoint_data)
    select p.run_id, p.entity_type, p.stream, p.unit, p.records_processed, p.records_remaining,
        jsonb_build_object('counts', p.counts)
    from transload.entity_progress p where p.run_id = $1::text::uuid and p.entity_type = $2
    on conflict (run_id, entity_type, stream, unit) do nothing";

/// The entity's checkpoint follows it, and a unit leaves a row of history.
async fn put_checkpoint(
    connection: &mut PgConnection,
    run: RunId,
    entity: &EntityRecord,
    before: Option<CheckpointState>,
) -> sqlx::Result<()> {
    let (run, name) = (run.to_string(), entity.entity.as_str());
    for state in before.map_or(Vec::new(), |before| checkpoint_steps(before, entity.state)) {
        let sql = "update transload.migration_checkpoints set status = $3 \
                   where migration_run_id = $1::text::uuid and entity_type = $2";
        sqlx::query(sql).bind(&run).bind(name).bind(state.as_str()).execute(&mut *connection).await?;
    }
    if moves_checkpoint(entity.state, entity.unit.is_some()) {
        sqlx::query(PUT_CHECKPOINT).bind(&run).bind(name).execute(&mut *connection).await?;
    }
    if entity.unit.is_some() {
        sqlx::query(PUT_HISTORY).bind(&run).bind(name).execute(connection).await?;
    }
    Ok(())
}

/// Runs, and whether their holder's session still exists. Where the start of another user's session is hidden, its number must do.
const RUNS: &str = "with sessions as materialized (
        select pid::text as pid, pid::text || '@' || extract(epoch from backend_start)::text as token
        from pg_catalog.pg_stat_activity)
    select r.run_id::text, coalesce(r.project, ''), coalesce(r.environment, ''), r.status, r.reason,
        to_char(coalesce(r.started_at, r.created_at) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
        to_char(r.completed_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
        r.counts::text, r.performance::text, coalesce(c.process_id, 0),
        coalesce(c.holder in (select token from sessions where token is not null)
            or split_part(c.holder, '@', 1) in (select pid from sessions where token is null), false),
        r.metadata ->> 'adopted_at'
    from transload.migration_runs r join transload.migration_control c on c.run_id = r.run_id
    where r.counts is not null order by r.run_id desc limit $1";

/// `None` for a row that a newer version wrote in words this one does not know.
fn run_record(row: &PgRow) -> sqlx::Result<Option<RunRecord>> {
    let text = |column: usize| row.try_get::<&str, _>(column);
    let (id, status, counts, process) = (text(0)?, text(3)?, text(7)?, row.try_get::<i64, _>(9)?);
    let (project, environment, reason) = (row.try_get(1)?, row.try_get(2)?, row.try_get(4)?);
    let (started, ended): (&str, Option<&str>) = (text(5)?, row.try_get(6)?);
    let (performance, alive): (Option<&str>, bool) = (row.try_get(8)?, row.try_get(10)?);
    let adopted: Option<&str> = row.try_get(11)?;
    let parse = || {
        Some(RunRecord {
            id: id.parse().ok()?,
            project,
            environment,
            state: RunState::parse(status)?,
            started_at: moment(started)?,
            ended_at: ended.and_then(moment),
            reason,
            counts: serde_json::from_str(counts).ok()?,
            performance: performance.and_then(|text| serde_json::from_str(text).ok()),
            process: u32::try_from(process).ok()?,
            alive,
            adopted_at: adopted.and_then(moment),
        })
    };
    Ok(parse())
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.with_timezone(&Utc))
}

const ENTITIES: &str = "select entity_type, status, counts::text, source_rows, stream, unit, elapsed_ms, reason
    from transload.workflow_states where run_id = $1::text::uuid order by position, entity_type collate \"C\"";

fn entity_record(row: &PgRow) -> sqlx::Result<Option<EntityRecord>> {
    let (entity, status, counts): (&str, &str, &str) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let (source_rows, stream): (Option<i64>, Option<i32>) = (row.try_get(3)?, row.try_get(4)?);
    let (seq, elapsed_ms): (Option<i64>, i64) = (row.try_get(5)?, row.try_get(6)?);
    let reason = row.try_get(7)?;
    let unit = |(stream, seq)| Some(UnitNumber { stream: u32::try_from(stream).ok()?, seq: u64::try_from(seq).ok()? });
    let parse = || {
        Some(EntityRecord {
            entity: EntityName::parse(entity).ok()?,
            state: EntityState::parse(status)?,
            counts: serde_json::from_str(counts).ok()?,
            source_rows: source_rows.and_then(|rows| u64::try_from(rows).ok()),
            unit: stream.zip(seq).and_then(unit),
            elapsed_ms: u64::try_from(elapsed_ms).unwrap_or_default(),
            reason,
        })
    };
    Ok(parse())
}
