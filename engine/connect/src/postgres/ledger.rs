//! Reading and writing the ledger's tables.

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use transload_model::{
    Bug, Claim, Code, ColumnName, Diagnostic, EntityName, Fence, HeldRow, Holder, KeyBytes, LedgerState, LedgerWrite,
    MappingRow, Position, QuarantineReason, QuarantineRow, Result, SegmentHead, SegmentOverlay, SegmentPart, TableName,
    Unit, planted,
};

use crate::ledger::{
    self, PositionRow, QUARANTINED, QuarantinedRow, REASONS, RangeRow, VERSION, hex, server_digest, signed,
};
use crate::process;

use super::copy::{self, Chunk};
use super::error::{failure, sqlstate};
use super::identity::{self, Identity};
use super::sql;
use super::stored::{self, Repertoire, mapped, storable};
use super::write::{WriteError, Written};

const CREATE: &str = include_str!("../../../../migrations/ledger/postgres/001_create_ledger.sql");

/// A session, told apart from any other that had or will have its number.
pub(super) const TOKEN: &str = "select pid::text || '@' || extract(epoch from backend_start)::text \
                     from pg_catalog.pg_stat_activity where pid = pg_catalog.pg_backend_pid()";

/// Where `meta` says which server the ledger is on.
const SERVER: &str = "server_identity";

/// What a position's row holds, in the order of [`position`].
const POSITION: &str = "entity_type, run_id, seq, phase, cursor, counts::text, gained, parents_seen::text, plan_fingerprint, \
    read_fingerprint, mapped_fingerprint, key_fingerprint, freed, freed_seen, destination_table, found::text";

/// A fence, and whether its holder's session still exists. Where the start of another user's session is hidden, its number must do.
const FENCE: &str = "select f.epoch, f.run_id, f.holder, f.holder_name, exists (
        select 1 from pg_catalog.pg_stat_activity a
        where f.holder = a.pid::text || '@' || extract(epoch from a.backend_start)::text
           or (a.backend_start is null and f.holder like a.pid::text || '@%'))
    from transload.fences f where f.destination_table = $1";

/// A session that holds fences of a run and still exists.
const HELD_BY_RUN: &str = "select f.holder_name from transload.fences f join pg_catalog.pg_stat_activity a
        on f.holder = a.pid::text || '@' || extract(epoch from a.backend_start)::text
            or (a.backend_start is null and f.holder like a.pid::text || '@%')
    where f.run_id = $1 limit 1";

/// What helps where a right on a ledger is missing that is there.
const RIGHTS: &str = "let the connection's user use the ledger, which somebody else made: `grant usage on schema transload to …; \
    grant select, insert, update, delete on all tables in schema transload to …`";

/// What helps where there is none yet, and none may be made.
const CREATION: &str = "grant it, for the ledger's schema: `grant create on database … to …`, to the connection's user";

/// A problem with a ledger that is there.
pub(super) fn failed(error: &sqlx::Error) -> Box<Diagnostic> {
    ledger::told(lacking(error, RIGHTS))
}

fn lacking(error: &sqlx::Error, right: &str) -> Box<Diagnostic> {
    let mut problem = failure(error, Code::DestinationFailed, "the ledger in the destination");
    if sqlstate(error) == Some("42501") {
        problem.help = Some(right.to_owned());
    }
    problem
}

/// A table as fences name it.
fn fenced_name(schema: &str, table: &TableName) -> String {
    format!("{schema}.{table}")
}

async fn exists(connection: &mut PgConnection) -> sqlx::Result<bool> {
    // Asked of the catalog itself: a name that was looked up before may be answered from memory.
    let sql = "select exists (select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
               where n.nspname = 'transload' and c.relname = 'meta')";
    sqlx::query(sql).fetch_one(connection).await?.try_get(0)
}

async fn meta(connection: &mut PgConnection, name: &str) -> sqlx::Result<Option<String>> {
    let row = sqlx::query("select value from transload.meta where name = $1").bind(name).fetch_optional(connection);
    row.await?.map(|row| row.try_get(0)).transpose()
}

pub(super) async fn state(connection: &mut PgConnection, schema: &str, tables: &[TableName]) -> Result<LedgerState> {
    if !exists(connection).await.map_err(|error| failed(&error))? {
        return Ok(LedgerState::default());
    }
    check_version(connection).await?;
    let seed = meta(connection, "digest_seed").await.map_err(|error| failed(&error))?;
    let digest_seed = seed.and_then(|text| text.parse().ok()).ok_or_else(|| ledger::corrupted("digest seed"))?;
    let mut state = LedgerState { exists: true, digest_seed, ..LedgerState::default() };
    for table in tables {
        state.fences.extend(fence(connection, schema, table, "").await.map_err(|error| failed(&error))?);
    }
    let sql = format!(
        "select {POSITION}, stream, range_from, range_to, done from transload.stream_positions order by entity_type, stream"
    );
    for row in sql::query(sql).fetch_all(connection).await.map_err(|error| failed(&error))? {
        let told = position(&row).and_then(|position| Ok((position, row.try_get(16)?, range(&row)?)));
        let (position, number, range) = told.map_err(|error| failed(&error))?;
        position.of_schema(schema).read_as(number, range)?.put_into(&mut state);
    }
    Ok(state)
}

async fn check_version(connection: &mut PgConnection) -> Result<()> {
    let found = meta(connection, "schema_version").await.map_err(|error| failed(&error))?;
    ledger::check_version(found.as_deref())?;
    let sql = "select name from unnest($1::text[]) name where not exists (
        select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'transload' and c.relname = name)";
    let tables = ledger::TABLES.map(str::to_owned).to_vec();
    let lacking = sqlx::query(sql).bind(tables).fetch_optional(connection).await.map_err(|error| failed(&error))?;
    match lacking {
        Some(row) => Err(ledger::lacks(&row.try_get::<String, _>(0).map_err(|error| failed(&error))?)),
        None => Ok(()),
    }
}

async fn fence(
    connection: &mut PgConnection,
    schema: &str,
    table: &TableName,
    lock: &str,
) -> sqlx::Result<Option<Fence>> {
    let query = sql::query(format!("{FENCE} {lock}")).bind(fenced_name(schema, table));
    let Some(row) = query.fetch_optional(connection).await? else { return Ok(None) };
    let (run, holder): (Option<String>, Option<String>) = (row.try_get(1)?, row.try_get(2)?);
    let (name, alive): (Option<String>, bool) = (row.try_get(3)?, row.try_get(4)?);
    let run = run.and_then(|run| run.parse().ok()).filter(|_| holder.is_some());
    let holder = run.map(|run| Holder { run, alive, name: name.unwrap_or_default() });
    Ok(Some(Fence { table: table.clone(), epoch: unsigned(row.try_get(0)?), holder }))
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

fn position(row: &PgRow) -> sqlx::Result<PositionRow> {
    Ok(PositionRow {
        entity: row.try_get(0)?,
        run: row.try_get(1)?,
        seq: row.try_get(2)?,
        phase: row.try_get(3)?,
        cursor: row.try_get(4)?,
        counts: row.try_get(5)?,
        gained: row.try_get(6)?,
        parents_seen: row.try_get(7)?,
        plan_fingerprint: row.try_get(8)?,
        read_fingerprint: row.try_get(9)?,
        mapped_fingerprint: row.try_get(10)?,
        key_fingerprint: row.try_get(11)?,
        freed: row.try_get(12)?,
        freed_seen: row.try_get(13)?,
        table: row.try_get(14)?,
        found: row.try_get(15)?,
    })
}

fn range(row: &PgRow) -> sqlx::Result<RangeRow> {
    Ok(RangeRow { from: row.try_get(17)?, to: row.try_get(18)?, done: row.try_get(19)? })
}

/// Creates the ledger where there is none and takes the fences, in one transaction. The session is the holder from then on, by the
/// name that is given back too.
pub(super) async fn take_fences(
    connection: &mut PgConnection,
    schema: &str,
    (claim, session): (&Claim, Option<i32>),
) -> Result<(Vec<Fence>, String)> {
    let told = |error: sqlx::Error| match sqlstate(&error) {
        Some("25006") => failure(&error, Code::ReadOnly, "the ledger in the destination"),
        Some("55P03") => {
            let headline = "another session is writing the ledger and does not let go of it";
            Box::new(Diagnostic::new(Code::InProgress, headline).help(Code::InProgress.info().remedy))
        }
        _ => failed(&error),
    };
    let not_made = |error: sqlx::Error| match sqlstate(&error) {
        Some("42501") => lacking(&error, CREATION),
        _ => told(error),
    };
    let identity = Identity::of(connection).await.map_err(told)?;
    sql::batch(connection, "begin").await.map_err(told)?;
    identity::check_session(session, identity::session(connection).await.map_err(told)?)?;
    sql::batch(connection, sql::CREATION_LOCK).await.map_err(told)?;
    if exists(connection).await.map_err(told)? {
        check_version(connection).await?;
        check_server(connection, (schema, claim), &identity).await?;
        let seed = meta(connection, "digest_seed").await.map_err(told)?;
        ledger::check_seed(seed.as_deref(), claim.digest_seed)?;
    } else {
        create(connection, claim).await.map_err(not_made)?;
    }
    put_server(connection, &identity).await.map_err(told)?;
    let token: String =
        sqlx::query(TOKEN).fetch_one(&mut *connection).await.and_then(|row| row.try_get(0)).map_err(told)?;
    let mut taken = Vec::new();
    for (table, seen) in &claim.tables {
        let current = fence(connection, schema, table, "for update of f").await.map_err(told)?;
        if let Some(fence) = &current {
            let other = fence.holder.as_ref().filter(|holder| holder.alive && holder.run != claim.run);
            if let (Some(holder), false) = (other, claim.force) {
                return Err(ledger::in_progress(table, holder));
            }
            if fence.epoch != *seen {
                return Err(ledger::taken_over(table));
            }
        }
        let epoch = current.map_or(0, |fence| fence.epoch) + 1;
        put_fence(connection, (schema, table), claim, (epoch, &token)).await.map_err(told)?;
        taken.push(Fence { table: table.clone(), epoch, holder: None });
    }
    sql::batch(connection, "commit").await.map_err(told)?;
    Ok((taken, token))
}

/// Refuses to go on with a run that was begun on another server. One that begins anew knows what it finds in the ledger, and nothing else.
async fn check_server(
    connection: &mut PgConnection,
    (schema, claim): (&str, &Claim),
    identity: &Identity,
) -> Result<()> {
    let known = meta(connection, SERVER).await.map_err(|error| failed(&error))?;
    if known.is_none() || identity.server.is_none() || known == identity.server {
        return Ok(());
    }
    for (table, _) in &claim.tables {
        let fence = fence(connection, schema, table, "").await.map_err(|error| failed(&error))?;
        if fence.and_then(|fence| fence.holder).is_some_and(|holder| holder.run == claim.run) {
            let headline =
                format!("run {} was begun on another server than the one that is here now", claim.run.short());
            let problem = Diagnostic::new(Code::ServerIdentity, headline);
            return Err(Box::new(problem.help(Code::ServerIdentity.info().remedy)));
        }
    }
    Ok(())
}

async fn put_server(connection: &mut PgConnection, identity: &Identity) -> sqlx::Result<()> {
    let Some(server) = &identity.server else { return Ok(()) };
    let sql = "insert into transload.meta (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value \
               where meta.value <> excluded.value";
    sqlx::query(sql).bind(SERVER).bind(server).execute(connection).await.map(drop)
}

async fn create(connection: &mut PgConnection, claim: &Claim) -> sqlx::Result<()> {
    sql::create_schema(connection, "transload").await?;
    sql::batch(connection, CREATE).await?;
    let values = [
        ("schema_version", VERSION.to_owned()),
        ("digest_seed", claim.digest_seed.to_string()),
        ("created_at", claim.at.to_rfc3339()),
        ("created_by", format!("transload {}", env!("CARGO_PKG_VERSION"))),
    ];
    for (name, value) in values {
        let insert = sqlx::query("insert into transload.meta (name, value) values ($1, $2)").bind(name).bind(value);
        insert.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn put_fence(
    connection: &mut PgConnection,
    (schema, table): (&str, &TableName),
    claim: &Claim,
    (epoch, token): (u64, &str),
) -> sqlx::Result<()> {
    let sql = "insert into transload.fences (destination_table, epoch, run_id, holder, holder_name) values ($1, $2, $3, $4, $5) \
               on conflict (destination_table) do update set epoch = excluded.epoch, run_id = excluded.run_id, \
               holder = excluded.holder, holder_name = excluded.holder_name";
    let put = sqlx::query(sql).bind(fenced_name(schema, table)).bind(signed(epoch)).bind(claim.run.to_string());
    put.bind(token).bind(process::own_name()).execute(&mut *connection).await?;
    let sql = "update transload.stream_positions set epoch = $1 where destination_table = $2";
    sqlx::query(sql).bind(signed(epoch)).bind(fenced_name(schema, table)).execute(connection).await.map(drop)
}

/// Gives back what a session took for a run.
pub(super) async fn release_fences(connection: &mut PgConnection, run: &str, token: &str) -> sqlx::Result<()> {
    let sql = "update transload.fences set run_id = null, holder = null, holder_name = null \
               where run_id = $1 and holder = $2";
    sqlx::query(sql).bind(run).bind(token).execute(connection).await.map(drop)
}

/// Gives the fences of a run back whose session is gone.
pub(super) async fn abandon_fences(connection: &mut PgConnection, run: &str) -> Result<()> {
    if !exists(connection).await.map_err(|error| failed(&error))? {
        return Ok(());
    }
    let sql = "update transload.fences f set run_id = null, holder = null, holder_name = null where f.run_id = $1";
    sql::batch(connection, "begin").await.map_err(|error| failed(&error))?;
    // Whoever wants to go on with the run waits here, or was first.
    let lock = sqlx::query("select 1 from transload.fences where run_id = $1 for update").bind(run);
    lock.fetch_all(&mut *connection).await.map_err(|error| failed(&error))?;
    let held = sqlx::query(HELD_BY_RUN).bind(run).fetch_optional(&mut *connection).await;
    if let Some(row) = held.map_err(|error| failed(&error))? {
        let name: Option<String> = row.try_get(0).map_err(|error| failed(&error))?;
        return Err(ledger::still_held(&name.unwrap_or_default()));
    }
    sqlx::query(sql).bind(run).execute(&mut *connection).await.map_err(|error| failed(&error))?;
    sql::batch(connection, "commit").await.map_err(|error| failed(&error))
}

pub(super) async fn segments(connection: &mut PgConnection, entity: &EntityName) -> sqlx::Result<Vec<SegmentHead>> {
    if !exists(connection).await? {
        return Ok(Vec::new());
    }
    let sql = "select segment_id, first_key, last_key, row_count, present_count, part_count, overlaid_count, \
               server_digest, server_digest_kind from transload.segments \
               where entity_type = $1 order by first_key";
    let head = |row: PgRow| {
        let (first, last): (Vec<u8>, Vec<u8>) = (row.try_get(1)?, row.try_get(2)?);
        Ok(SegmentHead {
            id: row.try_get(0)?,
            first: KeyBytes::from_encoded(&first),
            last: KeyBytes::from_encoded(&last),
            rows: unsigned(row.try_get(3)?),
            present: unsigned(row.try_get(4)?),
            parts: row.try_get::<i32, _>(5)?.unsigned_abs(),
            overlaid: unsigned(row.try_get(6)?),
            server_digest: server_digest(row.try_get(7)?, row.try_get(8)?),
        })
    };
    sqlx::query(sql).bind(entity.as_str()).fetch_all(connection).await?.into_iter().map(head).collect()
}

pub(super) async fn segment(connection: &mut PgConnection, id: i64) -> Result<Vec<SegmentPart>> {
    let sql = "select content, content_digest, part_count::bigint \
               from transload.segments join transload.segment_parts using (segment_id) where segment_id = $1 order by part";
    let rows = sqlx::query(sql).bind(id).fetch_all(connection).await.map_err(|error| failed(&error))?;
    let part = |row: PgRow| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
    let parts: sqlx::Result<Vec<_>> = rows.into_iter().map(part).collect();
    ledger::segment(parts.map_err(|error| failed(&error))?)
}

pub(super) async fn quarantine(connection: &mut PgConnection, entity: Option<&EntityName>) -> Result<Vec<HeldRow>> {
    if !exists(connection).await.map_err(|error| failed(&error))? {
        return Ok(Vec::new());
    }
    let as_text = |name: &str| match name.strip_suffix("_at") {
        Some(_) => format!("pg_catalog.to_char({name} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"),
        None => name.to_owned(),
    };
    let columns = QUARANTINED.map(as_text).join(", ");
    let sql = format!(
        "select {columns}, source_key from transload.quarantine \
         where $1::text is null or entity_type = $1 order by entity_type collate \"C\", key"
    );
    let rows = sql::query(sql).bind(entity.map(EntityName::as_str)).fetch_all(connection).await;
    let rows = rows.map_err(|error| failed(&error))?;
    rows.iter().map(|row| quarantined(row).map_err(|error| failed(&error))?.read()).collect()
}

pub(super) async fn quarantine_reasons(
    connection: &mut PgConnection,
    entity: Option<&EntityName>,
) -> Result<Vec<QuarantineReason>> {
    if !exists(connection).await.map_err(|error| failed(&error))? {
        return Ok(Vec::new());
    }
    let sql = format!(
        "select {REASONS} from transload.quarantine where $1::text is null or entity_type = $1 \
         group by entity_type, code, field order by entity_type collate \"C\", code collate \"C\", field collate \"C\" nulls first"
    );
    let rows = sql::query(sql).bind(entity.map(EntityName::as_str)).fetch_all(connection).await;
    let rows = rows.map_err(|error| failed(&error))?;
    let read =
        |row: &PgRow| Ok(((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?), (row.try_get(3)?, row.try_get(4)?)));
    let read = |row: &PgRow| read(row).map_err(|error: sqlx::Error| failed(&error));
    rows.iter().map(|row| read(row).and_then(|(words, counts)| ledger::reason(words, counts))).collect()
}

fn quarantined(row: &PgRow) -> sqlx::Result<QuarantinedRow> {
    Ok(QuarantinedRow {
        entity: row.try_get(0)?,
        key: stored::whole(row.try_get(1)?, row.try_get(14)?),
        stage: row.try_get(2)?,
        code: row.try_get(3)?,
        field: row.try_get(4)?,
        message: row.try_get(5)?,
        run: row.try_get(6)?,
        attempts: i64::from(row.try_get::<i32, _>(7)?),
        first_at: row.try_get(8)?,
        last_at: row.try_get(9)?,
        status: row.try_get(10)?,
        reason: row.try_get(11)?,
        decided_by: row.try_get(12)?,
        decided_at: row.try_get(13)?,
    })
}

/// Where a stream stands, as its next unit finds it.
pub(super) enum Standing {
    /// The unit is the next one.
    Next,
    /// The unit is in already.
    Committed,
    /// Another run owns the table, or moved the stream.
    Lost,
}

/// Locks the stream and says where it stands. A unit whose commit is on its way elsewhere is waited for, also a stream's first, which has no
/// position yet that could be locked.
pub(super) async fn standing(
    connection: &mut PgConnection,
    (schema, session): (&str, Option<i32>),
    unit: &Unit,
) -> Written<Standing> {
    let lock = "select pg_catalog.pg_backend_pid(), \
        pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('transload stream ' || $1 || '/' || $2, 0))";
    let stream = sqlx::query(lock).bind(unit.entity.as_str()).bind(unit.stream.to_string());
    let now = stream.fetch_one(&mut *connection).await?.try_get(0)?;
    identity::check_session(session, now).map_err(WriteError::Problem)?;
    let sql = "select epoch from transload.fences where destination_table = $1 for share";
    let fence = sqlx::query(sql).bind(fenced_name(schema, &unit.table)).fetch_optional(&mut *connection).await?;
    let epoch: Option<i64> = fence.map(|row| row.try_get(0)).transpose()?;
    let sql = "select seq from transload.stream_positions where entity_type = $1 and stream = $2 for update";
    let position =
        sqlx::query(sql).bind(unit.entity.as_str()).bind(number(unit.stream)).fetch_optional(connection).await?;
    let seq: Option<i64> = position.map(|row| row.try_get(0)).transpose()?;
    if epoch != Some(signed(unit.epoch)) && !planted(Bug::NoFence) {
        return Ok(Standing::Lost);
    }
    let committed = unit.after.unwrap_or_default() + 1;
    Ok(match seq {
        _ if planted(Bug::RedoCommitted) => Standing::Next,
        seq if seq == unit.after.map(signed) => Standing::Next,
        Some(seq) if seq == signed(committed) => Standing::Committed,
        _ => Standing::Lost,
    })
}

/// Writes the ledger's part of a unit, and gives the transaction's number.
pub(super) async fn write(
    connection: &mut PgConnection,
    (schema, repertoire): (&str, &Repertoire),
    unit: &Unit,
    write: &LedgerWrite,
) -> sqlx::Result<String> {
    write_segments(connection, unit, write).await?;
    if !planted(Bug::MappingsOutside) {
        write_mappings(connection, repertoire, unit, write).await?;
    }
    if !planted(Bug::QuarantineOutside) {
        write_quarantine(connection, repertoire, unit, write).await?;
    }
    discard(connection, repertoire, unit, write).await?;
    write_position_of(connection, schema, unit, write).await
}

async fn write_segments(connection: &mut PgConnection, unit: &Unit, write: &LedgerWrite) -> sqlx::Result<()> {
    if !write.segments_removed.is_empty() {
        let sql = "with parts as (delete from transload.segment_parts where segment_id = any($1)) \
                   delete from transload.segments where segment_id = any($1)";
        sqlx::query(sql).bind(&write.segments_removed).execute(&mut *connection).await?;
    }
    for (segment, digest) in &write.server_digests_put {
        let sql = "update transload.segments set server_digest = $2, server_digest_kind = $3 where segment_id = $1";
        sqlx::query(sql).bind(segment).bind(&digest.digest).bind(&digest.kind).execute(&mut *connection).await?;
    }
    for new in &write.segments_put {
        let sql = "with put as (
                insert into transload.segments (entity_type, first_key, last_key, row_count, present_count)
                values ($1, $2, $3, $4, $5) returning segment_id)
            insert into transload.segment_parts (segment_id, part, content, content_digest) select segment_id, 0, $6, $7 from put";
        let put = sqlx::query(sql).bind(unit.entity.as_str()).bind(new.first.as_bytes()).bind(new.last.as_bytes());
        let put = put.bind(signed(new.rows)).bind(signed(new.present)).bind(&new.part.content);
        put.bind(hex(new.part.digest)).execute(&mut *connection).await?;
    }
    for SegmentOverlay { id, parts, entries, put: new } in &write.segments_overlaid {
        let sql = "with put as (
                update transload.segments set first_key = $2, last_key = $3, row_count = $4, present_count = $5, part_count = $6 + 1,
                    overlaid_count = overlaid_count + $7, server_digest = null, server_digest_kind = null
                where segment_id = $1 returning segment_id)
            insert into transload.segment_parts (segment_id, part, content, content_digest) select segment_id, $6, $8, $9 from put";
        let put = sqlx::query(sql).bind(id).bind(new.first.as_bytes()).bind(new.last.as_bytes());
        let put = put.bind(signed(new.rows)).bind(signed(new.present)).bind(number(*parts)).bind(signed(*entries));
        put.bind(&new.part.content).bind(hex(new.part.digest)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Writes where the unit's stream stands, and gives the transaction's number.
pub(super) async fn write_position_of(
    connection: &mut PgConnection,
    schema: &str,
    unit: &Unit,
    write: &LedgerWrite,
) -> sqlx::Result<String> {
    let Some((stream, before)) = &write.stream else {
        if write.streams_removed {
            let sql = "delete from transload.stream_positions where entity_type = $1 and stream > 0";
            sqlx::query(sql).bind(unit.entity.as_str()).execute(&mut *connection).await?;
        }
        let row = in_schema(&write.position, schema);
        return write_position(connection, unit, (row, 0, RangeRow::default())).await;
    };
    let cursor = stream.cursor.as_ref().map(|key| key.as_bytes().to_vec());
    let row = PositionRow { seq: signed(stream.seq), cursor, ..in_schema(&write.position, schema) };
    write_position(connection, unit, (row, stream.number, RangeRow::of(stream))).await?;
    advance_entity(connection, schema, unit, (before, &write.position)).await
}

/// Adds what one of several streams did to the entity's own position. The others wait here for one another, and for no longer.
async fn advance_entity(
    connection: &mut PgConnection,
    schema: &str,
    unit: &Unit,
    (before, after): (&Position, &Position),
) -> sqlx::Result<String> {
    let sql =
        format!("select {POSITION} from transload.stream_positions where entity_type = $1 and stream = 0 for update");
    let stored = sql::query(sql).bind(unit.entity.as_str()).fetch_one(&mut *connection).await?;
    let stored =
        position(&stored)?.of_schema(schema).read().map_err(|problem| sqlx::Error::Protocol(problem.headline))?;
    let row = in_schema(&stored.advanced(before, after), schema);
    write_position(connection, unit, (row, 0, RangeRow::default())).await
}

/// The tables of a database have their schema in their name.
fn in_schema(position: &Position, schema: &str) -> PositionRow {
    let table = fenced_name(schema, &position.destination_table);
    PositionRow { table, ..PositionRow::of(position) }
}

fn number(stream: u32) -> i32 {
    i32::try_from(stream).unwrap_or(i32::MAX)
}

/// The destination keys of source keys.
pub(super) async fn mappings(
    connection: &mut PgConnection,
    repertoire: &Repertoire,
    entity: &EntityName,
    keys: &[KeyBytes],
) -> sqlx::Result<Vec<Option<String>>> {
    let there = "select pg_catalog.to_regclass('transload.migration_mappings') is not null";
    if !sqlx::query(there).fetch_one(&mut *connection).await?.try_get::<bool, _>(0)? {
        return Ok(vec![None; keys.len()]);
    }
    let texts = repertoire.names(connection, keys.iter().map(|key| mapped(&key.text())).collect()).await?;
    let sql = "select m.destination_id from pg_catalog.unnest($2::text[]) with ordinality wanted (source_id, place)
               left join transload.migration_mappings m on m.entity_type = $1 and m.source_id = wanted.source_id
               order by wanted.place";
    let rows = sqlx::query(sql).bind(entity.as_str()).bind(texts).fetch_all(connection).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

pub(super) async fn write_mappings(
    connection: &mut PgConnection,
    repertoire: &Repertoire,
    unit: &Unit,
    write: &LedgerWrite,
) -> sqlx::Result<()> {
    if !write.mappings_removed.is_empty() {
        let texts = write.mappings_removed.iter().map(|text| mapped(text)).collect();
        let texts = repertoire.names(connection, texts).await?;
        let sql = "delete from transload.migration_mappings where entity_type = $1 and source_id = any($2)";
        sqlx::query(sql).bind(unit.entity.as_str()).bind(texts).execute(&mut *connection).await?;
    }
    if write.mappings_put.is_empty() {
        return Ok(());
    }
    let sources = write.mappings_put.iter().map(|mapping| mapped(&mapping.source_id)).collect();
    let sources = repertoire.names(connection, sources).await?;
    let sql = "copy transload.migration_mappings (entity_type, source_id, destination_id) from stdin (format binary)";
    let row = |(mapping, source): (&MappingRow, &String), chunk: &mut Chunk| {
        chunk.begin_row(3);
        for text in [unit.entity.as_str(), source, &mapping.destination_id] {
            chunk.text(text);
        }
    };
    copy::all(connection, sql, write.mappings_put.iter().zip(&sources), row).await.map(drop)
}

pub(super) async fn write_quarantine(
    connection: &mut PgConnection,
    repertoire: &Repertoire,
    unit: &Unit,
    write: &LedgerWrite,
) -> sqlx::Result<()> {
    if !write.quarantine_removed.is_empty() {
        let sql = "delete from transload.quarantine where entity_type = $1 and key = any($2)";
        let keys = indexed_all(&write.quarantine_removed);
        sqlx::query(sql).bind(unit.entity.as_str()).bind(keys).execute(&mut *connection).await?;
    }
    if write.quarantine_put.is_empty() {
        return Ok(());
    }
    let sql = "insert into transload.quarantine \
               (entity_type, key, source_key, stage, code, field, message, run_id, attempts, created_at, updated_at) \
               select $1, key, source_key, stage, code, field, message, run_id, 1, $9::text::timestamptz, $9::text::timestamptz \
               from unnest($2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) \
               as row (key, source_key, stage, code, field, message, run_id) \
               on conflict (entity_type, key) do update set stage = excluded.stage, code = excluded.code, field = excluded.field, \
               message = excluded.message, run_id = excluded.run_id, attempts = quarantine.attempts + 1, \
               updated_at = excluded.updated_at, status = 'open', reason = null, decided_by = null, decided_at = null";
    let rows = last_of_each_key(&write.quarantine_put);
    let texts = |of: fn(&QuarantineRow) -> String| rows.iter().map(|row| of(row)).collect::<Vec<_>>();
    let sources = repertoire.fitted(connection, texts(|row| stored::source_key(&row.key))).await?;
    let messages = repertoire.fitted(connection, texts(|row| storable(&row.message))).await?;
    let fields: Vec<Option<&str>> = rows.iter().map(|row| row.field.as_ref().map(ColumnName::as_str)).collect();
    let put = sqlx::query(sql).bind(unit.entity.as_str());
    let put = put.bind(rows.iter().map(|row| stored::indexed(&row.key)).collect::<Vec<_>>()).bind(sources);
    let put = put.bind(texts(|row| row.stage.as_str().to_owned())).bind(texts(|row| row.code.info().word.to_owned()));
    let put = put.bind(fields).bind(messages).bind(texts(|row| row.run.to_string()));
    put.bind(unit.at.to_rfc3339()).execute(connection).await.map(drop)
}

async fn discard(
    connection: &mut PgConnection,
    repertoire: &Repertoire,
    unit: &Unit,
    write: &LedgerWrite,
) -> sqlx::Result<()> {
    let Some((keys, decision)) = &write.quarantine_discarded else { return Ok(()) };
    let words = vec![storable(&decision.reason), storable(&decision.by)];
    let words = repertoire.fitted(connection, words).await?;
    let sql = "update transload.quarantine set status = 'discarded', reason = $3[1], decided_by = $3[2], decided_at = $4::text::timestamptz \
               where entity_type = $1 and key = any($2)";
    let put = sqlx::query(sql).bind(unit.entity.as_str()).bind(indexed_all(keys)).bind(words);
    put.bind(decision.at.to_rfc3339()).execute(connection).await.map(drop)
}

fn indexed_all(keys: &[KeyBytes]) -> Vec<Vec<u8>> {
    keys.iter().map(stored::indexed).collect()
}

/// One statement must not put a row twice.
fn last_of_each_key(rows: &[QuarantineRow]) -> Vec<&QuarantineRow> {
    let last: std::collections::BTreeMap<&KeyBytes, &QuarantineRow> = rows.iter().map(|row| (&row.key, row)).collect();
    last.into_values().collect()
}

async fn write_position(
    connection: &mut PgConnection,
    unit: &Unit,
    (row, stream, range): (PositionRow, u32, RangeRow),
) -> sqlx::Result<String> {
    let sql = "insert into transload.stream_positions (entity_type, stream, destination_table, epoch, run_id, seq, phase, cursor, \
               counts, gained, parents_seen, plan_fingerprint, read_fingerprint, mapped_fingerprint, key_fingerprint, freed, \
               freed_seen, updated_at, range_from, range_to, done, found) values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::jsonb, $10, $11::text::jsonb, $12, $13, \
               $14, $15, $16, $17, $18::text::timestamptz, $19, $20, $21, $22::text::jsonb) \
               on conflict (entity_type, stream) do update set destination_table = excluded.destination_table, \
               epoch = excluded.epoch, run_id = excluded.run_id, seq = excluded.seq, phase = excluded.phase, \
               cursor = excluded.cursor, counts = excluded.counts, gained = excluded.gained, \
               parents_seen = excluded.parents_seen, plan_fingerprint = excluded.plan_fingerprint, \
               read_fingerprint = excluded.read_fingerprint, mapped_fingerprint = excluded.mapped_fingerprint, \
               key_fingerprint = excluded.key_fingerprint, freed = excluded.freed, freed_seen = excluded.freed_seen, \
               updated_at = excluded.updated_at, done = excluded.done, found = excluded.found returning pg_catalog.pg_current_xact_id()::text";
    let put = sqlx::query(sql).bind(row.entity).bind(number(stream)).bind(row.table).bind(signed(unit.epoch));
    let put = put.bind(row.run).bind(row.seq).bind(row.phase).bind(row.cursor).bind(row.counts).bind(row.gained);
    let put = put.bind(row.parents_seen).bind(row.plan_fingerprint).bind(row.read_fingerprint);
    let put = put.bind(row.mapped_fingerprint).bind(row.key_fingerprint).bind(row.freed).bind(row.freed_seen);
    let put = put.bind(unit.at.to_rfc3339()).bind(range.from).bind(range.to).bind(range.done).bind(row.found);
    put.fetch_one(connection).await?.try_get(0)
}
