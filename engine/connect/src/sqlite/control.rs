//! The control store in a SQLite file: the history of runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, Transaction, TransactionBehavior, ffi, params};
use transload_model::{
    Code, ControlStore, Diagnostic, EntityName, EntityRecord, EntityState, Requests, Result, RunId, RunRecord,
    RunState, UnitNumber, Wish,
};

use super::aside::is_damage;
use super::error::failure;
use super::locked;
use super::open::{BUSY_TIMEOUT, make_folder, write_ahead};
use super::worker::Worker;
use crate::control::{self, CheckpointState, Script, checkpoint_steps, moves_checkpoint, passed_through, pending};
use crate::process;

const SCRIPTS: &[Script] = &[
    Script {
        name: "001_create_differential_migration_tables",
        sql: include_str!("../../../../migrations/control/sqlite/001_create_differential_migration_tables.sql"),
    },
    Script {
        name: "002_add_differential_indexes",
        sql: include_str!("../../../../migrations/control/sqlite/002_add_differential_indexes.sql"),
    },
    Script {
        name: "003_create_differential_functions",
        sql: include_str!("../../../../migrations/control/sqlite/003_create_differential_functions.sql"),
    },
    Script {
        name: "004_migrate_existing_migration_data",
        sql: include_str!("../../../../migrations/control/sqlite/004_migrate_existing_migration_data.sql"),
    },
    Script {
        name: "005_add_entity_requests",
        sql: include_str!("../../../../migrations/control/sqlite/005_add_entity_requests.sql"),
    },
    Script {
        name: "006_add_detections",
        sql: include_str!("../../../../migrations/control/sqlite/006_add_detections.sql"),
    },
    Script {
        name: "007_add_carried_out",
        sql: include_str!("../../../../migrations/control/sqlite/007_add_carried_out.sql"),
    },
];

/// Which scripts ran. It is there before the first.
const BOOKKEEPING: &str = "create table if not exists control_migrations (
    version integer primary key, name text not null, applied_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    applied_by text not null) strict";

/// Where the store is that a URL names.
pub(super) fn store_path(url: &str) -> &Path {
    Path::new(url.strip_prefix("sqlite:").unwrap_or(url))
}

pub(crate) fn open_control_store(url: &str) -> Result<Arc<dyn ControlStore>> {
    let path = store_path(url);
    make_folder(path).map_err(|error| {
        let headline = format!("the control store's folder cannot be made: {}: {error}", path.display());
        Box::new(Diagnostic::new(Code::ControlStore, headline).help(Code::ControlStore.info().remedy))
    })?;
    let doing = format!("the control store {} cannot be opened", path.display());
    let closed = |error: rusqlite::Error| failed(&error, &doing, path);
    let mut connection = connect(path).map_err(closed)?;
    if !pending(SCRIPTS, applied(&connection).map_err(closed)?)?.is_empty() {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(closed)?;
        // Another process may have done it meanwhile.
        let wanted = pending(SCRIPTS, applied(&transaction).map_err(closed)?)?;
        migrate(transaction, &wanted).map_err(closed)?;
    }
    let worker = Worker::new("sqlite-control", connection)?;
    Ok(Arc::new(SqliteControlStore { worker, path: path.to_owned() }))
}

/// What helps where the file is no database, or not any more.
const DAMAGED: &str = "`transload adopt --set-aside` gives the damaged file another name and makes a new one from the ledger in the destination";

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    write_ahead(&connection)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

pub(super) fn failed(error: &rusqlite::Error, doing: &str, path: &Path) -> Box<Diagnostic> {
    let is_locked = matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked));
    if is_locked && let Some(holder) = locked::holder(path) {
        return locked_by(&holder, path);
    }
    let mut problem = failure(error, Code::ControlStore, doing);
    problem.code = Code::ControlStore;
    problem.help = Some(if is_damage(error) { DAMAGED } else { Code::ControlStore.info().remedy }.to_owned());
    if let rusqlite::Error::SqliteFailure(failure, Some(message)) = error
        && failure.extended_code == ffi::SQLITE_CONSTRAINT_TRIGGER
    {
        // The triggers of this store are ours, and name no values.
        problem.headline = format!("{doing}: {message}");
    }
    problem
}

/// In the words in which it is said of a destination.
fn locked_by(holder: &str, path: &Path) -> Box<Diagnostic> {
    let headline = format!("the control store {} is being written and stays locked", path.display());
    let problem = Diagnostic::new(Code::ControlStore, headline).note(format!("it is {holder}"));
    Box::new(problem.help("end that process, or let it go on; then run again"))
}

/// The highest number of a script that ran.
fn applied(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "select count(*) from sqlite_schema where name = 'control_migrations'";
    if connection.query_row(sql, [], |row| row.get::<_, i64>(0))? == 0 {
        return Ok(0);
    }
    connection.query_row("select coalesce(max(version), 0) from control_migrations", [], |row| row.get(0))
}

fn migrate(transaction: Transaction<'_>, scripts: &[(i64, &Script)]) -> rusqlite::Result<()> {
    transaction.execute_batch(BOOKKEEPING)?;
    for (version, script) in scripts {
        transaction.execute_batch(script.sql)?;
        let sql = "insert into control_migrations (version, name, applied_by) values (?, ?, ?)";
        let by = concat!("transload ", env!("CARGO_PKG_VERSION"));
        transaction.execute(sql, params![version, script.name, by])?;
    }
    transaction.commit()
}

pub(super) struct SqliteControlStore {
    worker: Worker,
    path: PathBuf,
}

impl SqliteControlStore {
    pub(super) async fn call<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let path = self.path.clone();
        let failed =
            move |error: rusqlite::Error| failed(&error, &format!("the control store {}", path.display()), &path);
        self.worker.call(move |connection| job(connection).map_err(failed)).await
    }
}

#[async_trait]
impl ControlStore for SqliteControlStore {
    async fn put_run(&self, run: &RunRecord) -> Result<()> {
        let run = run.clone();
        self.call(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            put_run(&transaction, &run)?;
            transaction.commit()
        })
        .await
    }

    async fn put_entity(&self, run: RunId, entity: &EntityRecord) -> Result<()> {
        let entity = entity.clone();
        self.call(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            put_step(&transaction, run, &entity)?;
            put_checkpoint(&transaction, run, &entity)?;
            transaction.commit()
        })
        .await
    }

    async fn adopt(&self, run: &RunRecord, entities: &[EntityRecord]) -> Result<bool> {
        let (run, entities) = (run.clone(), entities.to_vec());
        self.call(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let is_new = adopt(&transaction, &run)?;
            for entity in entities.iter().filter(|_| is_new).flat_map(control::adopted_steps) {
                put_step(&transaction, run.id, &entity)?;
                put_checkpoint(&transaction, run.id, &entity)?;
            }
            transaction.commit()?;
            Ok(is_new)
        })
        .await
    }

    async fn runs(&self, limit: u32) -> Result<Vec<RunRecord>> {
        self.call(move |connection| {
            let sql = "select r.run_id, r.project, r.environment, r.status, r.reason, r.started_at, r.completed_at, r.counts, \
                       r.performance, c.process_id, c.holder, r.metadata ->> '$.adopted_at' \
                       from migration_runs r join migration_control c on c.run_id = r.run_id \
                       where r.counts is not null order by r.run_id desc limit ?";
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map([limit], run_record)?.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(rows.into_iter().flatten().collect())
        })
        .await
    }

    async fn entities(&self, run: RunId) -> Result<Vec<EntityRecord>> {
        self.call(move |connection| {
            let sql = "select entity_type, status, counts, source_rows, stream, unit, elapsed_ms, reason from workflow_states \
                       where run_id = ? order by position, entity_type";
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map([run.to_string()], entity_record)?.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(rows.into_iter().flatten().collect())
        })
        .await
    }

    async fn request(&self, run: RunId, entity: Option<&EntityName>, wish: Option<Wish>) -> Result<()> {
        let entity = entity.cloned();
        self.call(move |connection| match entity {
            Some(entity) => request_of_entity(connection, run, &entity, wish),
            None => request_of_run(connection, run, wish),
        })
        .await
    }

    async fn requests(&self, run: RunId) -> Result<Requests> {
        self.call(move |connection| requests(connection, run)).await
    }
}

/// When something was asked, as the store writes it.
const NOW: &str = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

fn request_of_run(connection: &Connection, run: RunId, wish: Option<Wish>) -> rusqlite::Result<()> {
    let sql = format!(
        "update migration_control set requested_status = ?2, requested_at = case when ?2 is not null then {NOW} end, \
         requested_by = case when ?2 is not null then ?3 end where run_id = ?1 and requested_status is not ?2"
    );
    connection.execute(&sql, params![run.to_string(), wish.map(Wish::as_str), process::own_name()]).map(drop)
}

fn request_of_entity(
    connection: &Connection,
    run: RunId,
    entity: &EntityName,
    wish: Option<Wish>,
) -> rusqlite::Result<()> {
    let (run, entity) = (run.to_string(), entity.as_str());
    let Some(wish) = wish else {
        let sql = "delete from workflow_control where run_id = ? and entity_type = ?";
        return connection.execute(sql, [&*run, entity]).map(drop);
    };
    let sql = format!(
        "insert into workflow_control (run_id, entity_type, requested_status, requested_at, requested_by) \
         values (?, ?, ?, {NOW}, ?) on conflict (run_id, entity_type) do update \
         set requested_status = excluded.requested_status, requested_at = excluded.requested_at, requested_by = excluded.requested_by \
         where requested_status <> excluded.requested_status"
    );
    connection.execute(&sql, params![run, entity, wish.as_str(), process::own_name()]).map(drop)
}

fn requests(connection: &Connection, run: RunId) -> rusqlite::Result<Requests> {
    let sql = "select null, requested_status from migration_control where run_id = ?1 \
               union all select entity_type, requested_status from workflow_control where run_id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let rows = statement.query_map([run.to_string()], row)?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(control::requests(rows))
}

fn json(written: serde_json::Result<String>) -> rusqlite::Result<String> {
    written.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn put_run(transaction: &Transaction<'_>, run: &RunRecord) -> rusqlite::Result<()> {
    let id = run.id.to_string();
    let sql = "select status from migration_runs where run_id = ?";
    let before: Option<String> = transaction.query_row(sql, [&id], |row| row.get(0)).optional()?;
    let missed = before.as_deref().and_then(RunState::parse).and_then(|before| passed_through(before, run.state));
    if let Some(missed) = missed {
        let sql = "update migration_runs set status = ?, completed_at = null where run_id = ?";
        transaction.execute(sql, params![missed.as_str(), id])?;
    }
    let sql = "insert into migration_runs (run_id, project, environment, status, reason, started_at, completed_at, counts, \
               performance) values (?, ?, ?, ?, ?, ?, ?, ?, ?) \
               on conflict (run_id) do update set status = excluded.status, reason = excluded.reason, \
               completed_at = excluded.completed_at, counts = excluded.counts, performance = excluded.performance";
    let values = params![
        id,
        run.project,
        run.environment,
        run.state.as_str(),
        run.reason,
        run.started_at.to_rfc3339(),
        run.ended_at.map(|moment| moment.to_rfc3339()),
        json(serde_json::to_string(&run.counts))?,
        run.performance.map(|spent| json(serde_json::to_string(&spent))).transpose()?
    ];
    transaction.execute(sql, values)?;
    let sql = "insert into migration_control (run_id, holder, holder_name, process_id) values (?, ?, ?, ?) \
               on conflict (run_id) do update set holder = excluded.holder, holder_name = excluded.holder_name, \
               process_id = excluded.process_id";
    transaction.execute(sql, params![id, process::own_token(), process::own_name(), run.process]).map(drop)
}

/// Stores a run that nobody works on, where it is not there yet.
fn adopt(transaction: &Transaction<'_>, run: &RunRecord) -> rusqlite::Result<bool> {
    let id = run.id.to_string();
    let sql = "insert into migration_runs (run_id, project, environment, status, reason, started_at, completed_at, counts, \
               performance, metadata) values (?, ?, ?, ?, ?, ?, ?, ?, ?, json_object('adopted_at', ?)) \
               on conflict (run_id) do nothing";
    let values = params![
        id,
        run.project,
        run.environment,
        run.state.as_str(),
        run.reason,
        run.started_at.to_rfc3339(),
        run.ended_at.map(|moment| moment.to_rfc3339()),
        json(serde_json::to_string(&run.counts))?,
        run.performance.map(|spent| json(serde_json::to_string(&spent))).transpose()?,
        run.adopted_at.map(|moment| moment.to_rfc3339())
    ];
    let is_new = transaction.execute(sql, values)? > 0;
    if is_new {
        transaction.execute("insert into migration_control (run_id) values (?)", [&id])?;
    }
    Ok(is_new)
}

fn put_step(transaction: &Transaction<'_>, run: RunId, entity: &EntityRecord) -> rusqlite::Result<()> {
    let sql = "insert into workflow_states (run_id, entity_type, position, status, reason, counts, source_rows, stream, unit, \
               elapsed_ms) \
               values (?1, ?2, (select count(*) from workflow_states where run_id = ?1), ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
               on conflict (run_id, entity_type) do update set status = excluded.status, reason = excluded.reason, \
               counts = excluded.counts, source_rows = coalesce(excluded.source_rows, source_rows), \
               stream = coalesce(excluded.stream, stream), unit = coalesce(excluded.unit, unit), \
               elapsed_ms = excluded.elapsed_ms";
    let values = params![
        run.to_string(),
        entity.entity.as_str(),
        entity.state.as_str(),
        entity.reason,
        json(serde_json::to_string(&entity.counts))?,
        entity.source_rows,
        entity.unit.map(|unit| unit.stream),
        entity.unit.map(|unit| unit.seq),
        entity.elapsed_ms
    ];
    transaction.execute(sql, values).map(drop)
}

/// The entity's checkpoint follows it, and a unit leaves a row of history.
fn put_checkpoint(transaction: &Transaction<'_>, run: RunId, entity: &EntityRecord) -> rusqlite::Result<()> {
    let (run, name) = (run.to_string(), entity.entity.as_str());
    let sql = "insert into migration_checkpoints (migration_run_id, entity_type) values (?, ?) \
               on conflict (entity_type, migration_run_id) do nothing";
    transaction.execute(sql, [&*run, name])?;
    let sql = "select status from migration_checkpoints where migration_run_id = ? and entity_type = ?";
    let before: String = transaction.query_row(sql, [&*run, name], |row| row.get(0))?;
    for state in CheckpointState::parse(&before).map_or(Vec::new(), |before| checkpoint_steps(before, entity.state)) {
        let sql = "update migration_checkpoints set status = ? where migration_run_id = ? and entity_type = ?";
        transaction.execute(sql, [state.as_str(), &*run, name])?;
    }
    if moves_checkpoint(entity.state, entity.unit.is_some()) {
        let sql = "update migration_checkpoints as c set batch_position = p.unit, records_processed = p.records_processed, \
                   records_remaining = p.records_remaining, \
                   checkpoint_data = json_object('stream', p.stream, 'unit', p.unit, 'counts', json(p.counts)) \
                   from entity_progress p where p.run_id = ?1 and p.entity_type = ?2 \
                   and c.migration_run_id = p.run_id and c.entity_type = p.entity_type";
        transaction.execute(sql, [&*run, name])?;
    }
    if entity.unit.is_some() {
        let sql = "insert into workflow_checkpoints (run_id, entity_type, stream, unit, records_processed, records_remaining, \
                   checkpoint_data) \
                   select p.run_id, p.entity_type, p.stream, p.unit, p.records_processed, p.records_remaining, \
                   json_object('counts', json(p.counts)) from entity_progress p \
                   where p.run_id = ?1 and p.entity_type = ?2 on conflict (run_id, entity_type, stream, unit) do nothing";
        transaction.execute(sql, [&*run, name])?;
    }
    Ok(())
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.with_timezone(&Utc))
}

/// `None` for a row that a newer version wrote in words this one does not know.
fn run_record(row: &Row<'_>) -> rusqlite::Result<Option<RunRecord>> {
    let text = |column: usize| row.get::<_, Option<String>>(column).map(Option::unwrap_or_default);
    let (id, project, environment, status) = (text(0)?, text(1)?, text(2)?, text(3)?);
    let (reason, started, ended): (Option<String>, String, Option<String>) = (row.get(4)?, text(5)?, row.get(6)?);
    let (counts, performance): (String, Option<String>) = (text(7)?, row.get(8)?);
    let (process, holder, adopted): (Option<u32>, String, Option<String>) = (row.get(9)?, text(10)?, row.get(11)?);
    let parse = || {
        Some(RunRecord {
            id: id.parse().ok()?,
            project,
            environment,
            state: RunState::parse(&status)?,
            started_at: moment(&started)?,
            ended_at: ended.as_deref().and_then(moment),
            reason,
            counts: serde_json::from_str(&counts).ok()?,
            performance: performance.and_then(|text| serde_json::from_str(&text).ok()),
            process: process.unwrap_or_default(),
            alive: process::is_alive(&holder),
            adopted_at: adopted.as_deref().and_then(moment),
        })
    };
    Ok(parse())
}

fn entity_record(row: &Row<'_>) -> rusqlite::Result<Option<EntityRecord>> {
    let (entity, status, counts): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (source_rows, stream, seq): (_, Option<u32>, Option<u64>) = (row.get(3)?, row.get(4)?, row.get(5)?);
    let (elapsed_ms, reason) = (row.get(6)?, row.get(7)?);
    let parse = || {
        Some(EntityRecord {
            entity: EntityName::parse(&entity).ok()?,
            state: EntityState::parse(&status)?,
            counts: serde_json::from_str(&counts).ok()?,
            source_rows,
            unit: stream.zip(seq).map(|(stream, seq)| UnitNumber { stream, seq }),
            elapsed_ms,
            reason,
        })
    };
    Ok(parse())
}
