//! Ending the sessions of a process that is stuck, so that its locks hold nobody up.
//!
//! The fences keep such a process from committing anything more, but a transaction that it left open keeps its row locks until it ends.
//! Every session of a process that writes carries a mark: a shared advisory lock with a number that is the process's own. Whoever takes the
//! fences over by force finds the session that holds them, by its number and its start, and ends it with all that carry the same mark.

use sqlx::{PgConnection, Row};
use transload_model::{Claim, Code, Diagnostic, Result, TableName};
use twox_hash::XxHash3_64;

use crate::process;

use super::error::sqlstate;
use super::ledger::failed;
use super::sql;

/// The first half of all marks.
const MARK: i32 = 1_953_653_092;

/// The statement by which a session marks itself as one of this process.
pub(super) fn mark() -> String {
    let [a, b, c, d, ..] = XxHash3_64::oneshot(process::own_token().as_bytes()).to_le_bytes();
    let own = i32::from_le_bytes([a, b, c, d]);
    format!("select pg_catalog.pg_advisory_lock_shared({MARK}, {own})")
}

/// Ends the living sessions that hold the claimed tables for another run, and all others of the same processes.
pub(super) async fn end_holders(connection: &mut PgConnection, schema: &str, claim: &Claim) -> Result<()> {
    let sql = "select to_regclass('transload.fences') is not null";
    let row = sqlx::query(sql).fetch_one(&mut *connection).await.map_err(|error| failed(&error))?;
    if !row.try_get::<bool, _>(0).map_err(|error| failed(&error))? {
        return Ok(());
    }
    let name = |(table, _): &(TableName, u64)| format!("{schema}.{table}");
    let tables: Vec<String> = claim.tables.iter().map(name).collect();
    let end = sql::query(end()).bind(tables).bind(claim.run.to_string());
    end.fetch_all(&mut *connection).await.map(drop).map_err(|error| match sqlstate(&error) {
        Some("42501") => {
            let headline = "the session that holds the destination is another user's, and may not be ended";
            let help = "let that user, or one with the role pg_signal_backend, end it: select pg_terminate_backend(…)";
            Box::new(Diagnostic::new(Code::PermissionDenied, headline).help(help))
        }
        _ => failed(&error),
    })
}

/// Tells sessions to end. Their locks go with them, a moment later.
fn end() -> String {
    format!(
        "with holders as (
            select a.pid from transload.fences f join pg_catalog.pg_stat_activity a
                on f.holder = a.pid::text || '@' || extract(epoch from a.backend_start)::text
            where f.destination_table = any($1) and f.run_id is distinct from $2),
        marks as (
            select l.objid from pg_catalog.pg_locks l join holders h on h.pid = l.pid
            where l.locktype = 'advisory' and l.classid = {MARK} and l.objsubid = 2
                and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())),
        stuck as (
            select pid from holders union
            select l.pid from pg_catalog.pg_locks l join marks m on m.objid = l.objid
            where l.locktype = 'advisory' and l.classid = {MARK} and l.objsubid = 2
                and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database()))
        select pg_catalog.pg_terminate_backend(pid) from stuck where pid <> pg_catalog.pg_backend_pid()"
    )
}
