//! The control store in a SQLite file: the history of runs.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, params};
use transload_model::{
    Code, ControlStore, Counts, Diagnostic, EntityName, EntityRecord, EntityState, Result, RunId, RunRecord, RunState,
};

use super::error::failure;
use super::open::make_folder;
use super::worker::Worker;
use crate::process;

const MIGRATIONS: &[&str] =
    &[include_str!("../../../../migrations/control/sqlite/001_create_differential_migration_tables.sql")];

pub(crate) fn open_control_store(url: &str) -> Result<Arc<dyn ControlStore>> {
    let path = Path::new(url.strip_prefix("sqlite:").unwrap_or(url));
    make_folder(path).map_err(|error| {
        let headline = format!("the control store's folder cannot be made: {}: {error}", path.display());
        Box::new(Diagnostic::new(Code::ControlStore, headline).help(Code::ControlStore.info().remedy))
    })?;
    let open = || -> rusqlite::Result<Connection> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        connection.query_row("pragma journal_mode = wal", [], |_| Ok(()))?;
        connection.pragma_update(None, "foreign_keys", true)?;
        migrate(&mut connection)?;
        Ok(connection)
    };
    let connection =
        open().map_err(|error| failed(&error, &format!("the control store {} cannot be opened", path.display())))?;
    Ok(Arc::new(SqliteControlStore { worker: Worker::new("sqlite-control", connection)? }))
}

fn failed(error: &rusqlite::Error, doing: &str) -> Box<Diagnostic> {
    let mut problem = failure(error, Code::ControlStore, doing);
    problem.code = Code::ControlStore;
    problem.help = Some(Code::ControlStore.info().remedy.to_owned());
    problem
}

/// `user_version` counts the migrations that ran.
fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let done: usize = transaction.query_row("pragma user_version", [], |row| row.get(0))?;
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len())?;
    transaction.commit()
}

struct SqliteControlStore {
    worker: Worker,
}

impl SqliteControlStore {
    async fn call<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.worker.call(move |connection| job(connection).map_err(|error| failed(&error, "the control store"))).await
    }
}

#[async_trait]
impl ControlStore for SqliteControlStore {
    async fn put_run(&self, run: &RunRecord) -> Result<()> {
        let run = run.clone();
        self.call(move |connection| put_run(connection, &run)).await
    }

    async fn put_entity(&self, run: RunId, entity: &EntityRecord) -> Result<()> {
        let entity = entity.clone();
        self.call(move |connection| put_entity(connection, run, &entity)).await
    }

    async fn runs(&self, limit: u32) -> Result<Vec<RunRecord>> {
        self.call(move |connection| {
            let sql = "select run_id, project, environment, status, reason, started_at, completed_at, counts, process_id, \
                       process_holder from migration_runs order by run_id desc limit ?";
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map([limit], run_record)?.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(rows.into_iter().flatten().collect())
        })
        .await
    }

    async fn entities(&self, run: RunId) -> Result<Vec<EntityRecord>> {
        self.call(move |connection| {
            let sql = "select entity_type, status, counts, elapsed_ms, reason from workflow_states \
                       where run_id = ? order by position";
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map([run.to_string()], entity_record)?.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(rows.into_iter().flatten().collect())
        })
        .await
    }
}

fn json(counts: &Counts) -> rusqlite::Result<String> {
    serde_json::to_string(counts).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn put_run(connection: &Connection, run: &RunRecord) -> rusqlite::Result<()> {
    let sql = "insert into migration_runs (run_id, project, environment, status, reason, started_at, completed_at, counts, \
               process_id, process_holder) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
               on conflict (run_id) do update set status = excluded.status, reason = excluded.reason, \
               completed_at = excluded.completed_at, counts = excluded.counts, process_id = excluded.process_id, \
               process_holder = excluded.process_holder";
    let values = params![
        run.id.to_string(),
        run.project,
        run.environment,
        run.state.as_str(),
        run.reason,
        run.started_at.to_rfc3339(),
        run.ended_at.map(|moment| moment.to_rfc3339()),
        json(&run.counts)?,
        run.process,
        process::own_token()
    ];
    connection.execute(sql, values).map(drop)
}

fn put_entity(connection: &Connection, run: RunId, entity: &EntityRecord) -> rusqlite::Result<()> {
    let sql = "insert into workflow_states (run_id, entity_type, position, status, reason, counts, elapsed_ms) \
               values (?1, ?2, (select count(*) from workflow_states where run_id = ?1), ?3, ?4, ?5, ?6) \
               on conflict (run_id, entity_type) do update set status = excluded.status, reason = excluded.reason, \
               counts = excluded.counts, elapsed_ms = excluded.elapsed_ms";
    let values = params![
        run.to_string(),
        entity.entity.as_str(),
        entity.state.as_str(),
        entity.reason,
        json(&entity.counts)?,
        entity.elapsed_ms
    ];
    connection.execute(sql, values).map(drop)
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.with_timezone(&Utc))
}

/// `None` for a row that a newer version wrote in words this one does not know.
fn run_record(row: &Row<'_>) -> rusqlite::Result<Option<RunRecord>> {
    let text = |column: usize| row.get::<_, String>(column);
    let (id, project, environment, status) = (text(0)?, text(1)?, text(2)?, text(3)?);
    let (reason, started, ended): (Option<String>, String, Option<String>) = (row.get(4)?, row.get(5)?, row.get(6)?);
    let (counts, process, holder): (String, u32, String) = (row.get(7)?, row.get(8)?, row.get(9)?);
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
            process,
            alive: process::is_alive(&holder),
        })
    };
    Ok(parse())
}

fn entity_record(row: &Row<'_>) -> rusqlite::Result<Option<EntityRecord>> {
    let (entity, status, counts): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (elapsed_ms, reason) = (row.get(3)?, row.get(4)?);
    let parse = || {
        Some(EntityRecord {
            entity: EntityName::parse(&entity).ok()?,
            state: EntityState::parse(&status)?,
            counts: serde_json::from_str(&counts).ok()?,
            elapsed_ms,
            reason,
        })
    };
    Ok(parse())
}
