//! Reading and writing the ledger's tables.

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use transload_model::{
    Claim, Code, ColumnName, Diagnostic, EntityName, Fence, Holder, KeyBytes, LedgerState, LedgerWrite, MappingRow,
    Position, QuarantineRow, Result, SegmentHead, TableName, Unit,
};

use crate::ledger::{self, PositionRow, QuarantinedRow, RangeRow, VERSION, hex, server_digest, signed};
use crate::process;

use super::copy::{self, Chunk};
use super::error::{failure, sqlstate};
use super::sql;

const CREATE: &str = include_str!("../../../../migrations/ledger/postgres/001_create_ledger.sql");

/// A session, told apart from any other that had or will have its number.
pub(super) const TOKEN: &str = "select pid::text || '@' || extract(epoch from backend_start)::text \
                     from pg_catalog.pg_stat_activity where pid = pg_catalog.pg_backend_pid()";

/// What a position's row holds, in the order of [`position`].
const POSITION: &str = "entity_type, run_id, seq, phase, cursor, counts::text, gained, parents_seen::text, plan_fingerprint, \
    read_fingerprint, mapped_fingerprint, key_fingerprint, freed, freed_seen, destination_table";

/// A fence, and whether its holder's session still exists. Where the start of another user's session is hidden, its number must do.
const FENCE: &str = "select f.epoch, f.run_id, f.holder, f.holder_name, exists (
        select 1 from pg_catalog.pg_stat_activity a
        where f.holder = a.pid::text || '@' || extract(epoch from a.backend_start)::text
           or (a.backend_start is null and f.holder like a.pid::text || '@%'))
    from transload.fences f where f.destination_table = $1";

pub(super) fn failed(error: &sqlx::Error) -> Box<Diagnostic> {
    failure(error, Code::DestinationFailed, "the ledger in the destination")
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
        let told = position(&row).and_then(|position| Ok((position, row.try_get(15)?, range(&row)?)));
        let (position, number, range) = told.map_err(|error| failed(&error))?;
        position.of_schema(schema).read_as(number, range)?.put_into(&mut state);
    }
    Ok(state)
}

async fn check_version(connection: &mut PgConnection) -> Result<()> {
    let found = meta(connection, "schema_version").await.map_err(|error| failed(&error))?;
    ledger::check_version(found.as_deref())
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
    })
}

fn range(row: &PgRow) -> sqlx::Result<RangeRow> {
    Ok(RangeRow { from: row.try_get(16)?, to: row.try_get(17)?, done: row.try_get(18)? })
}

/// Creates the ledger where there is none and takes the fences, in one transaction. The session is the holder from then on, by the
/// name that is given back too.
pub(super) async fn take_fences(
    connection: &mut PgConnection,
    schema: &str,
    claim: &Claim,
) -> Result<(Vec<Fence>, String)> {
    let told = |error: sqlx::Error| match sqlstate(&error) {
        Some("55P03") => {
            let headline = "another session is writing the ledger and does not let go of it";
            Box::new(Diagnostic::new(Code::InProgress, headline).help(Code::InProgress.info().remedy))
        }
        Some("42501") => {
            let mut problem = failed(&error);
            problem.help = Some(
                "grant it, for the ledger's schema: grant create on database … to the connection's user".to_owned(),
            );
            problem
        }
        _ => failed(&error),
    };
    sql::batch(connection, "begin").await.map_err(told)?;
    sql::batch(connection, sql::CREATION_LOCK).await.map_err(told)?;
    if exists(connection).await.map_err(told)? {
        check_version(connection).await?;
        let seed = meta(connection, "digest_seed").await.map_err(told)?;
        ledger::check_seed(seed.as_deref(), claim.digest_seed)?;
    } else {
        create(connection, claim).await.map_err(told)?;
    }
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

pub(super) async fn segments(connection: &mut PgConnection, entity: &EntityName) -> sqlx::Result<Vec<SegmentHead>> {
    if !exists(connection).await? {
        return Ok(Vec::new());
    }
    let sql = "select segment_id, first_key, last_key, row_count, present_count, server_digest, server_digest_kind \
               from transload.segments \
               where entity_type = $1 order by first_key";
    let head = |row: PgRow| {
        let (first, last): (Vec<u8>, Vec<u8>) = (row.try_get(1)?, row.try_get(2)?);
        Ok(SegmentHead {
            id: row.try_get(0)?,
            first: KeyBytes::from_encoded(&first),
            last: KeyBytes::from_encoded(&last),
            rows: unsigned(row.try_get(3)?),
            present: unsigned(row.try_get(4)?),
            server_digest: server_digest(row.try_get(5)?, row.try_get(6)?),
        })
    };
    sqlx::query(sql).bind(entity.as_str()).fetch_all(connection).await?.into_iter().map(head).collect()
}

pub(super) async fn segment(connection: &mut PgConnection, id: i64) -> Result<(Vec<u8>, u64)> {
    let sql = "select content, content_digest from transload.segments where segment_id = $1";
    let row = sqlx::query(sql).bind(id).fetch_one(connection).await;
    let read = row.and_then(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
    let (content, digest): (Vec<u8>, String) = read.map_err(|error| failed(&error))?;
    Ok((content, ledger::unhex(&digest).ok_or_else(|| ledger::corrupted("segments"))?))
}

pub(super) async fn quarantine(
    connection: &mut PgConnection,
    entity: Option<&EntityName>,
) -> Result<Vec<QuarantineRow>> {
    if !exists(connection).await.map_err(|error| failed(&error))? {
        return Ok(Vec::new());
    }
    let sql = "select entity_type, key, stage, code, field, message, run_id from transload.quarantine \
               where $1::text is null or entity_type = $1 order by entity_type collate \"C\", key";
    let rows = sqlx::query(sql).bind(entity.map(EntityName::as_str)).fetch_all(connection).await;
    let rows = rows.map_err(|error| failed(&error))?;
    rows.iter().map(|row| quarantined(row).map_err(|error| failed(&error))?.read()).collect()
}

fn quarantined(row: &PgRow) -> sqlx::Result<QuarantinedRow> {
    Ok(QuarantinedRow {
        entity: row.try_get(0)?,
        key: row.try_get(1)?,
        stage: row.try_get(2)?,
        code: row.try_get(3)?,
        field: row.try_get(4)?,
        message: row.try_get(5)?,
        run: row.try_get(6)?,
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
pub(super) async fn standing(connection: &mut PgConnection, schema: &str, unit: &Unit) -> sqlx::Result<Standing> {
    let lock = "select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('transload stream ' || $1 || '/' || $2, 0))";
    let stream = sqlx::query(lock).bind(unit.entity.as_str()).bind(unit.stream.to_string());
    stream.execute(&mut *connection).await?;
    let sql = "select epoch from transload.fences where destination_table = $1 for share";
    let fence = sqlx::query(sql).bind(fenced_name(schema, &unit.table)).fetch_optional(&mut *connection).await?;
    let epoch: Option<i64> = fence.map(|row| row.try_get(0)).transpose()?;
    let sql = "select seq from transload.stream_positions where entity_type = $1 and stream = $2 for update";
    let position =
        sqlx::query(sql).bind(unit.entity.as_str()).bind(number(unit.stream)).fetch_optional(connection).await?;
    let seq: Option<i64> = position.map(|row| row.try_get(0)).transpose()?;
    if epoch != Some(signed(unit.epoch)) {
        return Ok(Standing::Lost);
    }
    let committed = unit.after.unwrap_or_default() + 1;
    Ok(match seq {
        seq if seq == unit.after.map(signed) => Standing::Next,
        Some(seq) if seq == signed(committed) => Standing::Committed,
        _ => Standing::Lost,
    })
}

/// Writes the ledger's part of a unit, and gives the transaction's number.
pub(super) async fn write(
    connection: &mut PgConnection,
    schema: &str,
    unit: &Unit,
    write: &LedgerWrite,
) -> sqlx::Result<String> {
    if !write.segments_removed.is_empty() {
        let remove = sqlx::query("delete from transload.segments where segment_id = any($1)");
        remove.bind(&write.segments_removed).execute(&mut *connection).await?;
    }
    for (segment, digest) in &write.server_digests_put {
        let sql = "update transload.segments set server_digest = $2, server_digest_kind = $3 where segment_id = $1";
        sqlx::query(sql).bind(segment).bind(&digest.digest).bind(&digest.kind).execute(&mut *connection).await?;
    }
    for segment in &write.segments_put {
        let put = sqlx::query(
            "insert into transload.segments (entity_type, first_key, last_key, row_count, present_count, content, content_digest) \
             values ($1, $2, $3, $4, $5, $6, $7)",
        );
        let put = put.bind(unit.entity.as_str()).bind(segment.first.as_bytes()).bind(segment.last.as_bytes());
        let put = put.bind(signed(segment.rows)).bind(signed(segment.present)).bind(&segment.content);
        put.bind(hex(segment.content_digest)).execute(&mut *connection).await?;
    }
    write_mappings(connection, unit, write).await?;
    write_quarantine(connection, unit, write).await?;
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
    entity: &EntityName,
    keys: &[KeyBytes],
) -> sqlx::Result<Vec<Option<String>>> {
    let there = "select pg_catalog.to_regclass('transload.migration_mappings') is not null";
    if !sqlx::query(there).fetch_one(&mut *connection).await?.try_get::<bool, _>(0)? {
        return Ok(vec![None; keys.len()]);
    }
    let texts: Vec<String> = keys.iter().map(|key| storable(&key.text())).collect();
    let sql = "select m.destination_id from pg_catalog.unnest($2::text[]) with ordinality wanted (source_id, place)
               left join transload.migration_mappings m on m.entity_type = $1 and m.source_id = wanted.source_id
               order by wanted.place";
    let rows = sqlx::query(sql).bind(entity.as_str()).bind(texts).fetch_all(connection).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

async fn write_mappings(connection: &mut PgConnection, unit: &Unit, write: &LedgerWrite) -> sqlx::Result<()> {
    if !write.mappings_removed.is_empty() {
        let texts: Vec<String> = write.mappings_removed.iter().map(|text| storable(text)).collect();
        let sql = "delete from transload.migration_mappings where entity_type = $1 and source_id = any($2)";
        sqlx::query(sql).bind(unit.entity.as_str()).bind(texts).execute(&mut *connection).await?;
    }
    if write.mappings_put.is_empty() {
        return Ok(());
    }
    let sql = "copy transload.migration_mappings (entity_type, source_id, destination_id) from stdin (format binary)";
    let row = |mapping: &MappingRow, chunk: &mut Chunk| {
        chunk.begin_row(3);
        for text in [unit.entity.as_str(), &storable(&mapping.source_id), &storable(&mapping.destination_id)] {
            chunk.text(text);
        }
    };
    copy::all(connection, sql, &write.mappings_put, row).await.map(drop)
}

/// PostgreSQL's text takes no zero byte; its sign stands for it.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{2400}")
}

async fn write_quarantine(connection: &mut PgConnection, unit: &Unit, write: &LedgerWrite) -> sqlx::Result<()> {
    if !write.quarantine_removed.is_empty() {
        let keys: Vec<&[u8]> = write.quarantine_removed.iter().map(KeyBytes::as_bytes).collect();
        let sql = "delete from transload.quarantine where entity_type = $1 and key = any($2)";
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
               updated_at = excluded.updated_at";
    let rows = last_of_each_key(&write.quarantine_put);
    let texts = |of: fn(&QuarantineRow) -> String| rows.iter().map(|row| storable(&of(row))).collect::<Vec<_>>();
    let fields: Vec<Option<&str>> = rows.iter().map(|row| row.field.as_ref().map(ColumnName::as_str)).collect();
    let put = sqlx::query(sql).bind(unit.entity.as_str());
    let put = put.bind(rows.iter().map(|row| row.key.as_bytes()).collect::<Vec<_>>());
    let put = put.bind(texts(|row| row.key.text())).bind(texts(|row| row.stage.as_str().to_owned()));
    let put = put.bind(texts(|row| row.code.info().word.to_owned())).bind(fields);
    let put = put.bind(texts(|row| row.message.clone())).bind(texts(|row| row.run.to_string()));
    put.bind(unit.at.to_rfc3339()).execute(connection).await.map(drop)
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
               freed_seen, updated_at, range_from, range_to, done) values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::jsonb, $10, $11::text::jsonb, $12, $13, \
               $14, $15, $16, $17, $18::text::timestamptz, $19, $20, $21) \
               on conflict (entity_type, stream) do update set destination_table = excluded.destination_table, \
               epoch = excluded.epoch, run_id = excluded.run_id, seq = excluded.seq, phase = excluded.phase, \
               cursor = excluded.cursor, counts = excluded.counts, gained = excluded.gained, \
               parents_seen = excluded.parents_seen, plan_fingerprint = excluded.plan_fingerprint, \
               read_fingerprint = excluded.read_fingerprint, mapped_fingerprint = excluded.mapped_fingerprint, \
               key_fingerprint = excluded.key_fingerprint, freed = excluded.freed, freed_seen = excluded.freed_seen, \
               updated_at = excluded.updated_at, done = excluded.done returning pg_catalog.pg_current_xact_id()::text";
    let put = sqlx::query(sql).bind(row.entity).bind(number(stream)).bind(row.table).bind(signed(unit.epoch));
    let put = put.bind(row.run).bind(row.seq).bind(row.phase).bind(row.cursor).bind(row.counts).bind(row.gained);
    let put = put.bind(row.parents_seen).bind(row.plan_fingerprint).bind(row.read_fingerprint);
    let put = put.bind(row.mapped_fingerprint).bind(row.key_fingerprint).bind(row.freed).bind(row.freed_seen);
    let put = put.bind(unit.at.to_rfc3339()).bind(range.from).bind(range.to).bind(range.done);
    put.fetch_one(connection).await?.try_get(0)
}
