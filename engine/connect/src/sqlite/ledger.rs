//! Reading and writing the ledger's tables.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use transload_model::{
    Bug, Claim, Code, Diagnostic, EntityName, Fence, HeldRow, Holder, KeyBytes, LedgerState, LedgerWrite, Position,
    QuarantineReason, Result, SegmentHead, SegmentOverlay, SegmentPart, TableName, Unit, planted,
};

use super::error::{class, failure, is_missing};
use super::open::write_ahead;
use crate::backoff::Class;
use crate::ledger::{self, PositionRow, QUARANTINED, QuarantinedRow, REASONS, VERSION};
use crate::process;

const CREATE: &str = include_str!("../../../../migrations/ledger/sqlite/001_create_ledger.sql");

/// The one stream of an entity: a file has one writer.
const ONLY_STREAM: i64 = 0;

pub(super) fn failed(error: &rusqlite::Error) -> Box<Diagnostic> {
    let usual = if class(error) == Class::Passing { Code::DestinationBusy } else { Code::DestinationFailed };
    let mut problem = failure(error, usual, "the ledger in the destination");
    if is_missing(error) {
        problem.code = Code::SchemaDrift;
    }
    ledger::told(problem)
}

fn meta(connection: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    connection.query_row("select value from transload_meta where name = ?", [name], |row| row.get(0)).optional()
}

fn exists(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare("select 1 from sqlite_schema where name = 'transload_meta'")?.exists([])
}

pub(super) fn state(connection: &Connection, tables: &[TableName]) -> Result<LedgerState> {
    if !exists(connection).map_err(|error| failed(&error))? {
        return Ok(LedgerState::default());
    }
    check_version(connection)?;
    let seed = meta(connection, "digest_seed").map_err(|error| failed(&error))?;
    let digest_seed = seed.and_then(|text| text.parse().ok()).ok_or_else(|| ledger::corrupted("digest seed"))?;
    let mut fences = Vec::new();
    for table in tables {
        fences.extend(fence(connection, table).map_err(|error| failed(&error))?);
    }
    Ok(LedgerState { exists: true, digest_seed, fences, positions: positions(connection)?, ..LedgerState::default() })
}

fn check_version(connection: &Connection) -> Result<()> {
    let found = meta(connection, "schema_version").map_err(|error| failed(&error))?;
    ledger::check_version(found.as_deref())?;
    for table in ledger::TABLES {
        let sql = "select 1 from sqlite_schema where name = 'transload_' || ?";
        let is_there = connection.prepare(sql).and_then(|mut asked| asked.exists([table]));
        if !is_there.map_err(|error| failed(&error))? {
            return Err(ledger::lacks(table));
        }
    }
    Ok(())
}

fn fence(connection: &Connection, table: &TableName) -> rusqlite::Result<Option<Fence>> {
    let sql = "select epoch, run_id, holder, holder_name from transload_fences where destination_table = ?";
    connection
        .query_row(sql, [table.as_str()], |row| {
            let epoch = row.get(0)?;
            let (run, holder, name): (Option<String>, Option<String>, Option<String>) =
                (row.get(1)?, row.get(2)?, row.get(3)?);
            let holder = run.and_then(|run| run.parse().ok()).zip(holder).map(|(run, token)| Holder {
                run,
                alive: process::is_alive(&token),
                name: name.unwrap_or_default(),
            });
            Ok(Fence { table: table.clone(), epoch, holder })
        })
        .optional()
}

fn positions(connection: &Connection) -> Result<BTreeMap<EntityName, Position>> {
    let sql = "select entity_type, run_id, seq, phase, cursor, counts, gained, parents_seen, plan_fingerprint, read_fingerprint, \
               mapped_fingerprint, key_fingerprint, freed, freed_seen, destination_table, found from transload_stream_positions";
    let mut statement = connection.prepare(sql).map_err(|error| failed(&error))?;
    let mut rows = statement.query([]).map_err(|error| failed(&error))?;
    let mut positions = BTreeMap::new();
    while let Some(row) = rows.next().map_err(|error| failed(&error))? {
        let position = position(row).map_err(|error| failed(&error))?.read()?;
        positions.insert(position.entity.clone(), position);
    }
    Ok(positions)
}

fn position(row: &Row<'_>) -> rusqlite::Result<PositionRow> {
    Ok(PositionRow {
        entity: row.get(0)?,
        run: row.get(1)?,
        seq: row.get(2)?,
        phase: row.get(3)?,
        cursor: row.get(4)?,
        counts: row.get(5)?,
        gained: row.get(6)?,
        parents_seen: row.get(7)?,
        plan_fingerprint: row.get(8)?,
        read_fingerprint: row.get(9)?,
        mapped_fingerprint: row.get(10)?,
        key_fingerprint: row.get(11)?,
        freed: row.get(12)?,
        freed_seen: row.get(13)?,
        table: row.get(14)?,
        found: row.get(15)?,
    })
}

/// Creates the ledger where there is none and takes the fences, in one transaction.
pub(super) fn take_fences(connection: &mut Connection, claim: &Claim) -> Result<Vec<Fence>> {
    // Rows and ledger survive power loss only with both of these.
    let set = |connection: &Connection| -> rusqlite::Result<()> {
        write_ahead(connection)?;
        connection.pragma_update(None, "synchronous", "full")
    };
    set(connection).map_err(|error| failed(&error))?;
    let busy = holder_at_work(connection, claim);
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(
        |error| match &busy {
            Some(name) if class(&error) == Class::Passing => ledger::busy(name),
            _ => failed(&error),
        },
    )?;
    if exists(&transaction).map_err(|error| failed(&error))? {
        check_version(&transaction)?;
        let seed = meta(&transaction, "digest_seed").map_err(|error| failed(&error))?;
        ledger::check_seed(seed.as_deref(), claim.digest_seed)?;
    } else {
        create(&transaction, claim).map_err(|error| failed(&error))?;
    }
    let mut taken = Vec::new();
    for (table, seen) in &claim.tables {
        taken.push(take(&transaction, claim, table, *seen)?);
    }
    transaction.commit().map_err(|error| failed(&error))?;
    Ok(taken)
}

/// Who would be writing where the file is locked.
fn holder_at_work(connection: &Connection, claim: &Claim) -> Option<String> {
    let fences = claim.tables.iter().filter_map(|(table, _)| fence(connection, table).ok().flatten());
    let mut holders = fences.filter_map(|fence| fence.holder).filter(|holder| holder.alive && holder.run != claim.run);
    holders.next().map(|holder| holder.name)
}

fn create(connection: &Connection, claim: &Claim) -> rusqlite::Result<()> {
    connection.execute_batch(CREATE)?;
    let values = [
        ("schema_version", VERSION.to_owned()),
        ("digest_seed", claim.digest_seed.to_string()),
        ("created_at", claim.at.to_rfc3339()),
        ("created_by", format!("transload {}", env!("CARGO_PKG_VERSION"))),
    ];
    for (name, value) in values {
        connection.execute("insert into transload_meta (name, value) values (?, ?)", [name, &value])?;
    }
    Ok(())
}

fn take(connection: &Connection, claim: &Claim, table: &TableName, seen: u64) -> Result<Fence> {
    let current = fence(connection, table).map_err(|error| failed(&error))?;
    if let Some(fence) = &current {
        let other = fence.holder.as_ref().filter(|holder| holder.alive && holder.run != claim.run);
        if let (Some(holder), false) = (other, claim.force) {
            return Err(ledger::in_progress(table, holder));
        }
        if fence.epoch != seen {
            return Err(ledger::taken_over(table));
        }
    }
    let epoch = current.map_or(0, |fence| fence.epoch) + 1;
    let sql = "insert into transload_fences (destination_table, epoch, run_id, holder, holder_name) values (?, ?, ?, ?, ?) \
               on conflict (destination_table) do update set epoch = excluded.epoch, run_id = excluded.run_id, \
               holder = excluded.holder, holder_name = excluded.holder_name";
    let values = params![table.as_str(), epoch, claim.run.to_string(), process::own_token(), process::own_name()];
    connection.execute(sql, values).map_err(|error| failed(&error))?;
    let sql = "update transload_stream_positions set epoch = ? where destination_table = ?";
    connection.execute(sql, params![epoch, table.as_str()]).map_err(|error| failed(&error))?;
    Ok(Fence { table: table.clone(), epoch, holder: None })
}

pub(super) fn release_fences(connection: &Connection, run: &str) -> rusqlite::Result<()> {
    let sql =
        "update transload_fences set run_id = null, holder = null, holder_name = null where run_id = ? and holder = ?";
    connection.execute(sql, [run, &process::own_token()]).map(drop)
}

/// Gives the fences of a run back whose process is gone.
pub(super) fn abandon_fences(connection: &mut Connection, run: &str) -> Result<()> {
    if !exists(connection).map_err(|error| failed(&error))? {
        return Ok(());
    }
    let transaction = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(|error| failed(&error))?;
    for (token, name) in holders(&transaction, run).map_err(|error| failed(&error))? {
        if process::is_alive(&token) {
            return Err(ledger::still_held(&name));
        }
    }
    let sql = "update transload_fences set run_id = null, holder = null, holder_name = null where run_id = ?";
    transaction.execute(sql, [run]).map_err(|error| failed(&error))?;
    transaction.commit().map_err(|error| failed(&error))
}

/// Who holds fences of a run, as tokens and for people.
fn holders(connection: &Connection, run: &str) -> rusqlite::Result<Vec<(String, String)>> {
    let sql = "select distinct holder, coalesce(holder_name, '') from transload_fences where run_id = ? and holder is not null";
    connection.prepare(sql)?.query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

pub(super) fn segments(connection: &Connection, entity: &EntityName) -> rusqlite::Result<Vec<SegmentHead>> {
    if !exists(connection)? {
        return Ok(Vec::new());
    }
    let sql = "select segment_id, first_key, last_key, row_count, present_count, part_count, overlaid_count, \
               server_digest, server_digest_kind from transload_segments \
               where entity_type = ? order by first_key";
    let mut statement = connection.prepare(sql)?;
    let head = |row: &Row<'_>| {
        Ok(SegmentHead {
            id: row.get(0)?,
            first: KeyBytes::from_encoded(&row.get::<_, Vec<u8>>(1)?),
            last: KeyBytes::from_encoded(&row.get::<_, Vec<u8>>(2)?),
            rows: row.get(3)?,
            present: row.get(4)?,
            parts: row.get(5)?,
            overlaid: row.get(6)?,
            server_digest: ledger::server_digest(row.get(7)?, row.get(8)?),
        })
    };
    statement.query_map([entity.as_str()], head)?.collect()
}

pub(super) fn segment(connection: &Connection, id: i64) -> Result<Vec<SegmentPart>> {
    let read = || -> rusqlite::Result<_> {
        let sql = "select content, content_digest, part_count \
                   from transload_segments join transload_segment_parts using (segment_id) where segment_id = ? order by part";
        let mut statement = connection.prepare_cached(sql)?;
        statement.query_map([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
    };
    ledger::segment(read().map_err(|error| failed(&error))?)
}

pub(super) fn quarantine(connection: &Connection, entity: Option<&EntityName>) -> Result<Vec<HeldRow>> {
    if !exists(connection).map_err(|error| failed(&error))? {
        return Ok(Vec::new());
    }
    let columns = QUARANTINED.join(", ");
    let sql = format!(
        "select {columns} from transload_quarantine where ?1 is null or entity_type = ?1 order by entity_type, key"
    );
    let mut statement = connection.prepare(&sql).map_err(|error| failed(&error))?;
    let mut rows = statement.query([entity.map(EntityName::as_str)]).map_err(|error| failed(&error))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(|error| failed(&error))? {
        found.push(quarantined(row).map_err(|error| failed(&error))?.read()?);
    }
    Ok(found)
}

pub(super) fn quarantine_reasons(
    connection: &Connection,
    entity: Option<&EntityName>,
) -> Result<Vec<QuarantineReason>> {
    if !exists(connection).map_err(|error| failed(&error))? {
        return Ok(Vec::new());
    }
    let sql = format!(
        "select {REASONS} from transload_quarantine where ?1 is null or entity_type = ?1 \
         group by entity_type, code, field order by entity_type, code, field"
    );
    let mut statement = connection.prepare(&sql).map_err(|error| failed(&error))?;
    let mut rows = statement.query([entity.map(EntityName::as_str)]).map_err(|error| failed(&error))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(|error| failed(&error))? {
        let read = || Ok(((row.get(0)?, row.get(1)?, row.get(2)?), (row.get(3)?, row.get(4)?)));
        let (words, counts) = read().map_err(|error: rusqlite::Error| failed(&error))?;
        found.push(ledger::reason(words, counts)?);
    }
    Ok(found)
}

fn quarantined(row: &Row<'_>) -> rusqlite::Result<QuarantinedRow> {
    Ok(QuarantinedRow {
        entity: row.get(0)?,
        key: row.get(1)?,
        stage: row.get(2)?,
        code: row.get(3)?,
        field: row.get(4)?,
        message: row.get(5)?,
        run: row.get(6)?,
        attempts: row.get(7)?,
        first_at: row.get(8)?,
        last_at: row.get(9)?,
        status: row.get(10)?,
        reason: row.get(11)?,
        decided_by: row.get(12)?,
        decided_at: row.get(13)?,
    })
}

/// Whether this run still holds the table and no one else moved the stream.
pub(super) fn holds(connection: &Connection, unit: &Unit) -> rusqlite::Result<bool> {
    let epoch: Option<u64> = connection
        .prepare_cached("select epoch from transload_fences where destination_table = ?")?
        .query_row([unit.table.as_str()], |row| row.get(0))
        .optional()?;
    let seq: Option<u64> = connection
        .prepare_cached("select seq from transload_stream_positions where entity_type = ? and stream = ?")?
        .query_row(params![unit.entity.as_str(), ONLY_STREAM], |row| row.get(0))
        .optional()?;
    let is_held = epoch == Some(unit.epoch) || planted(Bug::NoFence);
    Ok(is_held && (seq == unit.after || planted(Bug::RedoCommitted)))
}

/// Writes the ledger's part of a unit.
pub(super) fn write(connection: &Connection, unit: &Unit, write: &LedgerWrite) -> rusqlite::Result<()> {
    let now = &unit.at.to_rfc3339();
    write_segments(connection, unit, write)?;
    if !planted(Bug::MappingsOutside) {
        write_mappings(connection, unit, write)?;
    }
    if !planted(Bug::QuarantineOutside) {
        write_quarantine(connection, unit, write, now)?;
    }
    write_position(connection, unit, &write.position, now)
}

/// The destination keys of source keys, given as their texts.
pub(super) fn mappings(
    connection: &Connection,
    entity: &EntityName,
    keys: &[String],
) -> rusqlite::Result<Vec<Option<String>>> {
    if !exists(connection)? {
        return Ok(vec![None; keys.len()]);
    }
    let sql = "select destination_id from transload_migration_mappings where entity_type = ? and source_id = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let mut find = |key: &String| statement.query_row([entity.as_str(), key], |row| row.get(0)).optional();
    keys.iter().map(&mut find).collect()
}

fn write_segments(connection: &Connection, unit: &Unit, write: &LedgerWrite) -> rusqlite::Result<()> {
    for id in &write.segments_removed {
        connection.prepare_cached("delete from transload_segment_parts where segment_id = ?")?.execute([id])?;
        connection.prepare_cached("delete from transload_segments where segment_id = ?")?.execute([id])?;
    }
    for (segment, digest) in &write.server_digests_put {
        let sql = "update transload_segments set server_digest = ?2, server_digest_kind = ?3 where segment_id = ?1";
        connection.prepare_cached(sql)?.execute(params![segment, digest.digest, digest.kind])?;
    }
    let mut add = connection.prepare_cached(
        "insert into transload_segment_parts (segment_id, part, content, content_digest) values (?, ?, ?, ?)",
    )?;
    let mut put = connection.prepare_cached(
        "insert into transload_segments (entity_type, first_key, last_key, row_count, present_count) values (?, ?, ?, ?, ?)",
    )?;
    for new in &write.segments_put {
        let (first, last) = (new.first.as_bytes(), new.last.as_bytes());
        let id = put.insert(params![unit.entity.as_str(), first, last, new.rows, new.present])?;
        add.execute(params![id, 0, new.part.content, ledger::hex(new.part.digest)])?;
    }
    let mut overlay = connection.prepare_cached(
        "update transload_segments set first_key = ?2, last_key = ?3, row_count = ?4, present_count = ?5, part_count = ?6, \
         overlaid_count = overlaid_count + ?7, server_digest = null, server_digest_kind = null where segment_id = ?1",
    )?;
    for SegmentOverlay { id, parts, entries, put: new } in &write.segments_overlaid {
        add.execute(params![id, parts, new.part.content, ledger::hex(new.part.digest)])?;
        let (first, last) = (new.first.as_bytes(), new.last.as_bytes());
        overlay.execute(params![id, first, last, new.rows, new.present, parts + 1, entries])?;
    }
    Ok(())
}

pub(super) fn write_mappings(connection: &Connection, unit: &Unit, write: &LedgerWrite) -> rusqlite::Result<()> {
    let mut remove = connection
        .prepare_cached("delete from transload_migration_mappings where entity_type = ? and source_id = ?")?;
    for source_id in &write.mappings_removed {
        remove.execute(params![unit.entity.as_str(), source_id])?;
    }
    let mut put = connection.prepare_cached(
        "insert into transload_migration_mappings (entity_type, source_id, destination_id) values (?, ?, ?)",
    )?;
    for mapping in &write.mappings_put {
        put.execute(params![unit.entity.as_str(), mapping.source_id, mapping.destination_id])?;
    }
    Ok(())
}

pub(super) fn write_quarantine(
    connection: &Connection,
    unit: &Unit,
    write: &LedgerWrite,
    now: &str,
) -> rusqlite::Result<()> {
    let mut remove = connection.prepare_cached("delete from transload_quarantine where entity_type = ? and key = ?")?;
    for key in &write.quarantine_removed {
        remove.execute(params![unit.entity.as_str(), key.as_bytes()])?;
    }
    let mut put = connection.prepare_cached(
        "insert into transload_quarantine \
         (entity_type, key, source_key, stage, code, field, message, run_id, attempts, created_at, updated_at) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?9) \
         on conflict (entity_type, key) do update set stage = excluded.stage, code = excluded.code, field = excluded.field, \
         message = excluded.message, run_id = excluded.run_id, attempts = attempts + 1, updated_at = excluded.updated_at, \
         status = 'open', reason = null, decided_by = null, decided_at = null",
    )?;
    for row in &write.quarantine_put {
        put.execute(params![
            unit.entity.as_str(),
            row.key.as_bytes(),
            row.key.text(),
            row.stage.as_str(),
            row.code.info().word,
            row.field.as_ref().map(transload_model::ColumnName::as_str),
            row.message,
            row.run.to_string(),
            now
        ])?;
    }
    let Some((keys, decision)) = &write.quarantine_discarded else { return Ok(()) };
    let mut discard = connection.prepare_cached(
        "update transload_quarantine set status = 'discarded', reason = ?3, decided_by = ?4, decided_at = ?5 \
         where entity_type = ?1 and key = ?2",
    )?;
    for key in keys {
        let at = decision.at.to_rfc3339();
        discard.execute(params![unit.entity.as_str(), key.as_bytes(), decision.reason, decision.by, at])?;
    }
    Ok(())
}

pub(super) fn write_position(
    connection: &Connection,
    unit: &Unit,
    position: &Position,
    now: &str,
) -> rusqlite::Result<()> {
    let row = PositionRow::of(position);
    connection
        .prepare_cached(
            "insert or replace into transload_stream_positions (entity_type, stream, destination_table, epoch, run_id, seq, \
             phase, cursor, counts, gained, parents_seen, plan_fingerprint, read_fingerprint, mapped_fingerprint, key_fingerprint, \
             freed, freed_seen, found, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            row.entity,
            ONLY_STREAM,
            row.table,
            unit.epoch,
            row.run,
            row.seq,
            row.phase,
            row.cursor,
            row.counts,
            row.gained,
            row.parents_seen,
            row.plan_fingerprint,
            row.read_fingerprint,
            row.mapped_fingerprint,
            row.key_fingerprint,
            row.freed,
            row.freed_seen,
            row.found,
            now
        ])
        .map(drop)
}
