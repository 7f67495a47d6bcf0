//! Writing rows, and keeping the ledger beside them.
//!
//! Units of several entities commit side by side, each on a connection of its own. A unit whose connection is lost is not guessed about: its
//! stream's position says whether it is in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use sqlx::{PgConnection, Row};
use transload_model::{
    Bug, Catalog, Claim, Code, ColumnName, ConnectionPlan, Destination, Diagnostic, EntityName, Fence, Held, HeldRow,
    KeyBytes, LedgerState, QuarantineReason, Result, RunId, SegmentHead, SegmentPart, Settle, SnapshotReader,
    TableName, Unit, planted,
};

use crate::backoff::{Class, Tries, parts};
use crate::ledger::{fenced, shown_referrer};

use super::catalog::{self, Referrer};
use super::error::{class, failure};
use super::lease::{Connections, Lease};
use super::ledger::Standing;
use super::open::Address;
use super::source::{End, reader};
use super::stored::Repertoire;
use super::write::{Shape, WriteError, Written};
use super::{compare, defaults, definition, ledger, sql, takeover, write};

/// A transaction that is left open by mistake or by a process that was stopped must not hold the others up for ever.
const WRITER: &str =
    "set idle_in_transaction_session_timeout = '120s'; set default_transaction_isolation = 'read committed'";

/// What each session of this process begins with.
fn session() -> String {
    format!("{WRITER}; {}", takeover::mark())
}

pub(super) async fn open_destination(connection: &ConnectionPlan) -> Result<Arc<dyn Destination>> {
    let end = End {
        side: "destination",
        connections: Connections::to_one_database(Address::of(connection)?.with_session(&session()), connection.pool),
        schema: connection.schema.clone(),
    };
    if let Some(script) = &connection.create_with {
        let mut lease = end.connections.lease().await?;
        let created = create_tables(lease.get(), &end.schema, script, "commit").await;
        created.map_err(|error| script_failed(&error, connection))?;
        lease.give_back();
    }
    let (shapes, holder, repertoire) = (Mutex::default(), tokio::sync::Mutex::default(), Repertoire::default());
    Ok(Arc::new(PostgresDestination { end, shapes, holder, repertoire }))
}

/// What the destination holds. Tables that are missing are made in a transaction that is undone.
pub(super) async fn destination_catalog(connection: &ConnectionPlan) -> Result<Catalog> {
    let mut opened = Address::of(connection)?.connect().await?;
    let catalog = match &connection.create_with {
        Some(script) => create_tables(&mut opened, &connection.schema, script, "rollback").await,
        None => catalog::read(&mut opened, &connection.schema).await,
    };
    catalog.map_err(|error| match &connection.create_with {
        Some(_) => script_failed(&error, connection),
        None => {
            let doing = format!("reading the tables of connection `{}` failed", connection.name);
            failure(&error, Code::DestinationFailed, &doing)
        }
    })
}

/// Runs the script where the schema holds no table, and says what it holds then.
async fn create_tables(connection: &mut PgConnection, schema: &str, script: &str, end: &str) -> sqlx::Result<Catalog> {
    let found = catalog::read(connection, schema).await?;
    if !found.tables.is_empty() {
        return Ok(found);
    }
    sql::batch(connection, "begin").await?;
    sql::batch(connection, sql::CREATION_LOCK).await?;
    if catalog::read(connection, schema).await?.tables.is_empty() {
        let quoted = sql::quote(schema);
        sql::create_schema(connection, schema).await?;
        sql::batch(connection, &format!("set local search_path to {quoted}")).await?;
        sql::batch(connection, script).await?;
    }
    let made = catalog::read(connection, schema).await?;
    sql::batch(connection, end).await?;
    Ok(Catalog { missing_schema: found.missing_schema, ..made })
}

fn script_failed(error: &sqlx::Error, connection: &ConnectionPlan) -> Box<Diagnostic> {
    let mut problem = failure(error, Code::CannotConnect, &format!("`create_with` of `{}` failed", connection.name));
    if problem.code == Code::CannotConnect {
        problem.help = Some("correct the script; nothing was created".to_owned());
    }
    problem
}

/// Who waits for a lock that is not given is told so before the limit for statements ends the wait: no row is to blame for it.
const SHORT_WAITS: &str = "set local statement_timeout to default;
    select pg_catalog.set_config('lock_timeout', pg_catalog.round(least(60000, coalesce(
        nullif(extract(epoch from current_setting('statement_timeout')::interval), 0) * 800, 60000)))::text, true);
    set local statement_timeout = 0";

struct PostgresDestination {
    end: End,
    shapes: Mutex<BTreeMap<TableName, Arc<Shape>>>,
    /// The session that holds this run's fences.
    holder: tokio::sync::Mutex<Option<(Lease, String)>>,
    repertoire: Repertoire,
}

impl PostgresDestination {
    /// The table, as it was when this run first wrote it.
    async fn shape(&self, lease: &mut Lease, table: &TableName) -> Written<Arc<Shape>> {
        let known = self.shapes.lock().unwrap_or_else(PoisonError::into_inner).get(table).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let columns = catalog::table(lease.get(), &self.end.schema, table).await?;
        let sql = sql::table(&self.end.schema, table);
        let unique = catalog::unique_indexes(lease.get(), &sql).await?;
        let shape = Arc::new(Shape { sql, name: table.clone(), columns, unique });
        self.shapes.lock().unwrap_or_else(PoisonError::into_inner).insert(table.clone(), Arc::clone(&shape));
        Ok(shape)
    }

    /// Everything that may refer to a row of the table: what the specs say, and every foreign key.
    async fn referrers(&self, lease: &mut Lease, shape: &Shape, unit: &Unit) -> Written<Vec<Referrer>> {
        let mut referrers = catalog::referrers(lease.get(), &shape.sql).await?;
        for known in &unit.referrers {
            let other = self.shape(lease, &known.table).await?;
            let mut as_text = false;
            for (column, key) in known.columns.iter().zip(&unit.key) {
                as_text |= other.column(column)?.wire.logical() != shape.column(key)?.wire.logical();
            }
            referrers.push(Referrer {
                shown: shown_referrer(known),
                sql: other.sql.clone(),
                target: shape.sql.clone(),
                columns: known
                    .columns
                    .iter()
                    .map(ToString::to_string)
                    .zip(unit.key.iter().map(ToString::to_string))
                    .collect(),
                is_own: known.table == unit.table,
                as_text,
                does: None,
            });
        }
        Ok(referrers)
    }

    /// One transaction. Every way out before its end drops the connection, and with it the transaction. While nobody heard what became of one
    /// that was to be committed, the unit is in doubt.
    async fn try_commit(&self, unit: &Unit, settle: &Settle, in_doubt: &mut bool) -> Written<()> {
        let mut lease = self.end.connections.lease().await.map_err(WriteError::Problem)?;
        let shape = self.shape(&mut lease, &unit.table).await?;
        let referrers =
            if unit.deletes.is_empty() { Vec::new() } else { self.referrers(&mut lease, &shape, unit).await? };
        let session = lease.session();
        let connection = lease.get();
        write::prepare(connection, &shape, unit).await?;
        // Constraints that wait for the end would refuse the whole unit there, and nobody could say which row it was for.
        let begin = format!("begin; set constraints all immediate; {SHORT_WAITS}");
        sql::batch(connection, &format!("{begin}; {}", definition::hold(&self.end.schema, &unit.table))).await?;
        match ledger::standing(connection, (&self.end.schema, session), unit).await? {
            Standing::Next => *in_doubt = false,
            Standing::Committed if *in_doubt => {
                sql::batch(connection, "rollback").await?;
                lease.give_back();
                return Ok(());
            }
            Standing::Committed | Standing::Lost => return Err(WriteError::Problem(fenced(&unit.table))),
        }
        definition::check(connection, &self.end.schema, unit).await?;
        if planted(Bug::PositionFirst) {
            ledger::write_position_of(connection, &self.end.schema, unit, &settle(&[])).await?;
            sql::batch(connection, "commit; begin").await?;
        }
        let mut refusals = write::insert(connection, &shape, unit).await?;
        refusals.extend(write::update(connection, &shape, unit).await?);
        write::insert_again(connection, &shape, unit, &mut refusals).await?;
        refusals.extend(write::delete(connection, &shape, unit, &referrers).await?);
        if planted(Bug::RowsFirst) {
            sql::batch(connection, "commit; begin").await?;
        }
        let settled = settle(&refusals);
        let transaction = ledger::write(connection, (&self.end.schema, &self.repertoire), unit, &settled).await?;
        *in_doubt = true;
        match sql::batch(connection, "commit").await {
            Err(_) if planted(Bug::CommitSwallowed) => return Ok(()),
            done => done?,
        }
        if planted(Bug::MappingsOutside) {
            ledger::write_mappings(connection, &self.repertoire, unit, &settled).await?;
        }
        if planted(Bug::QuarantineOutside) {
            ledger::write_quarantine(connection, &self.repertoire, unit, &settled).await?;
        }
        // The driver does not say whether the server answered COMMIT or ROLLBACK.
        let sql = "select pg_catalog.pg_xact_status($1::text::pg_catalog.xid8)";
        let status: String = sqlx::query(sql).bind(transaction).fetch_one(&mut *connection).await?.try_get(0)?;
        if status != "committed" {
            let headline = format!("the server rolled a unit of `{}` back instead of committing it", unit.table);
            return Err(WriteError::Problem(Box::new(Diagnostic::new(Code::DestinationFailed, headline))));
        }
        lease.give_back();
        Ok(())
    }
}

/// What went wrong first is the cause, where what came last would pass as well; else that is what is in the way now. The other is told beside it.
fn after_trying(first: Diagnostic, (last, class): (Diagnostic, Class), attempts: u32) -> Box<Diagnostic> {
    let times = if attempts == 1 { "once".to_owned() } else { format!("{attempts} times") };
    Box::new(match class {
        Class::Passing => first.note(format!("tried again {times}; at last: {}", last.headline)),
        Class::Missing | Class::Lasting => last.note(format!("tried again {times}; at first: {}", first.headline)),
    })
}

fn class_of(error: &WriteError) -> Class {
    match error {
        WriteError::Database(error) => class(error),
        // It was tried as small as can be.
        WriteError::Stopped(_) => Class::Lasting,
        // Only connecting tells of such problems here.
        WriteError::Problem(problem) if matches!(problem.code, Code::CannotConnect | Code::ServerBusy) => {
            Class::Passing
        }
        WriteError::Problem(_) => Class::Lasting,
    }
}

#[async_trait]
impl Destination for PostgresDestination {
    async fn catalog(&self) -> Result<Catalog> {
        self.end.catalog().await
    }

    async fn ledger(&self, tables: &[TableName]) -> Result<LedgerState> {
        let mut lease = self.end.connections.lease().await?;
        let state = ledger::state(lease.get(), &self.end.schema, tables).await?;
        lease.give_back();
        Ok(state)
    }

    async fn take_fences(&self, claim: Claim) -> Result<Vec<Fence>> {
        let mut lease = self.end.connections.lease().await?;
        if claim.force {
            takeover::end_holders(lease.get(), &self.end.schema, &claim).await?;
        }
        let session = lease.session();
        let (fences, token) = ledger::take_fences(lease.get(), &self.end.schema, (&claim, session)).await?;
        *self.holder.lock().await = Some((lease, token));
        Ok(fences)
    }

    async fn release_fences(&self, run: RunId) -> Result<()> {
        let Some((mut lease, token)) = self.holder.lock().await.take() else { return Ok(()) };
        let run = run.to_string();
        if ledger::release_fences(lease.get(), &run, &token).await.is_err() {
            // The holder's session was lost, and another can say so as well.
            lease = self.end.connections.lease().await?;
            let released = ledger::release_fences(lease.get(), &run, &token).await;
            released.map_err(|error| ledger::failed(&error))?;
        }
        lease.give_back();
        Ok(())
    }

    async fn abandon_fences(&self, run: RunId) -> Result<()> {
        let mut lease = self.end.connections.lease().await?;
        ledger::abandon_fences(lease.get(), &run.to_string()).await?;
        lease.give_back();
        Ok(())
    }

    async fn segments(&self, entity: &EntityName) -> Result<Vec<SegmentHead>> {
        let mut lease = self.end.connections.lease().await?;
        let heads = ledger::segments(lease.get(), entity).await.map_err(|error| ledger::failed(&error))?;
        lease.give_back();
        Ok(heads)
    }

    async fn segment(&self, id: i64) -> Result<Vec<SegmentPart>> {
        let mut lease = self.end.connections.lease().await?;
        let segment = ledger::segment(lease.get(), id).await?;
        lease.give_back();
        Ok(segment)
    }

    async fn mappings(&self, entity: &EntityName, keys: &[KeyBytes]) -> Result<Vec<Option<String>>> {
        let mut lease = self.end.connections.lease().await?;
        let found = ledger::mappings(lease.get(), &self.repertoire, entity, keys).await;
        let found = found.map_err(|error| ledger::failed(&error))?;
        lease.give_back();
        Ok(found)
    }

    async fn new_defaults(&self, table: &TableName, column: &ColumnName, count: usize) -> Result<Vec<String>> {
        let mut lease = self.end.connections.lease().await?;
        let doing = format!("new values of `{table}`.`{column}`");
        let given = defaults::new_values(lease.get(), (&self.end.schema, table, column), count).await;
        let given = given.map_err(|error| failure(&error, Code::DestinationFailed, &doing))?;
        lease.give_back();
        Ok(given)
    }

    async fn count(&self, table: &TableName) -> Result<u64> {
        let mut lease = self.end.connections.lease().await?;
        let sql = sql::count(&sql::table(&self.end.schema, table));
        let counted = sql::query(sql).fetch_one(lease.get()).await.and_then(|row| row.try_get::<i64, _>(0));
        let count =
            counted.map_err(|error| failure(&error, Code::DestinationFailed, &format!("counting `{table}` failed")))?;
        lease.give_back();
        Ok(u64::try_from(count).unwrap_or_default())
    }

    async fn compare(&self, table: &TableName, key: &[ColumnName], rows: &RecordBatch) -> Result<Vec<Held>> {
        let mut lease = self.end.connections.lease().await?;
        let compared = async {
            let shape = self.shape(&mut lease, table).await?;
            compare::compare(lease.get(), &shape, key, rows).await
        };
        let held = compared.await.map_err(|error: WriteError| error.told_of(table, "comparing with"))?;
        lease.give_back();
        Ok(held)
    }

    async fn reader(&self) -> Result<Box<dyn SnapshotReader>> {
        reader(&self.end, None).await
    }

    async fn commit(&self, unit: Unit, settle: Settle) -> Result<()> {
        let mut first = None;
        let mut in_doubt = false;
        let mut tries = Tries::new(unit.max_retry_attempts);
        loop {
            let Err(error) = self.try_commit(&unit, &settle, &mut in_doubt).await else { return Ok(()) };
            let class = class_of(&error);
            let problem = error.told(&unit.table);
            let tried = tries.count();
            let Some(pause) = tries.pause(class) else {
                return Err(match first {
                    Some(first) => after_trying(first, (*problem, class), tried),
                    None => problem,
                });
            };
            first.get_or_insert(*problem);
            for part in parts(pause) {
                // Whether a unit is in is known before anyone lets go of it.
                if !in_doubt {
                    unit.patience.check()?;
                }
                tokio::time::sleep(part).await;
            }
        }
    }

    fn takes_parallel_units(&self) -> bool {
        true
    }

    async fn quarantine(&self, entity: Option<&EntityName>) -> Result<Vec<HeldRow>> {
        let mut lease = self.end.connections.lease().await?;
        let rows = ledger::quarantine(lease.get(), entity).await?;
        lease.give_back();
        Ok(rows)
    }

    async fn quarantine_reasons(&self, entity: Option<&EntityName>) -> Result<Vec<QuarantineReason>> {
        let mut lease = self.end.connections.lease().await?;
        let reasons = ledger::quarantine_reasons(lease.get(), entity).await?;
        lease.give_back();
        Ok(reasons)
    }
}
