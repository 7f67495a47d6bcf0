//! Detections in the control store.

use async_trait::async_trait;
use rusqlite::{Connection, TransactionBehavior, params};
use transload_model::{Change, DetectionRecord, DetectionStore, Result, RunId};

use super::control::SqliteControlStore;
use crate::control::detected::{ChangeRow, DetectionRow, KEPT_DAYS};

#[async_trait]
impl DetectionStore for SqliteControlStore {
    async fn put_detection(&self, detection: &DetectionRecord) -> Result<()> {
        let row = DetectionRow::of(detection);
        self.call(move |connection| {
            let old = "delete from detections where julianday(started_at) < julianday('now') - ?";
            connection.execute(old, [KEPT_DAYS])?;
            let sql = "insert into detections (detection_id, project, environment, digest_seed, started_at, completed_at, entities, carried_out_by) \
                       values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (detection_id) do update set \
                       digest_seed = excluded.digest_seed, completed_at = excluded.completed_at, entities = excluded.entities, \
                       carried_out_by = excluded.carried_out_by";
            let values = params![
                row.id,
                row.project,
                row.environment,
                row.digest_seed,
                row.started_at,
                row.completed_at,
                row.entities,
                row.carried_out_by
            ];
            connection.execute(sql, values).map(drop)
        })
        .await
    }

    async fn add_changes(&self, detection: RunId, changes: &[Change]) -> Result<()> {
        let rows: Vec<ChangeRow> = changes.iter().map(ChangeRow::of).collect();
        let id = detection.to_string();
        self.call(move |connection| add_changes(connection, &id, &rows)).await
    }

    async fn detections(&self, limit: u32) -> Result<Vec<DetectionRecord>> {
        self.call(move |connection| {
            let sql = "select detection_id, project, environment, digest_seed, started_at, completed_at, entities, carried_out_by \
                       from detections where completed_at is not null order by detection_id desc limit ?";
            let mut statement = connection.prepare(sql)?;
            let row = |row: &rusqlite::Row<'_>| {
                Ok(DetectionRow {
                    id: row.get(0)?,
                    project: row.get(1)?,
                    environment: row.get(2)?,
                    digest_seed: row.get(3)?,
                    started_at: row.get(4)?,
                    completed_at: row.get(5)?,
                    entities: row.get(6)?,
                    carried_out_by: row.get(7)?,
                })
            };
            let rows = statement.query_map([limit], row)?.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(rows.into_iter().filter_map(DetectionRow::read).collect())
        })
        .await
    }

    async fn changes(&self, detection: RunId, from: u64, limit: u32) -> Result<Vec<Change>> {
        self.call(move |connection| {
            let sql = "select entity_type, change_type, source_key, digest, fields, fields_unknown \
                       from detected_changes where detection_id = ? and number >= ? order by number limit ?";
            let mut statement = connection.prepare(sql)?;
            let row = |row: &rusqlite::Row<'_>| {
                Ok(ChangeRow {
                    entity: row.get(0)?,
                    kind: row.get(1)?,
                    key: row.get(2)?,
                    digest: row.get(3)?,
                    fields: row.get(4)?,
                    fields_unknown: row.get(5)?,
                })
            };
            let wanted = params![detection.to_string(), from, limit];
            let rows = statement.query_map(wanted, row)?.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(rows.into_iter().filter_map(ChangeRow::read).collect())
        })
        .await
    }
}

fn add_changes(connection: &mut Connection, id: &str, rows: &[ChangeRow]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let sql = "select coalesce(max(number), -1) from detected_changes where detection_id = ?";
    let last: i64 = transaction.query_row(sql, [id], |row| row.get(0))?;
    let sql = "insert into detected_changes \
               (detection_id, number, entity_type, change_type, source_key, digest, fields, fields_unknown) \
               values (?, ?, ?, ?, ?, ?, ?, ?)";
    let mut insert = transaction.prepare(sql)?;
    for (row, number) in rows.iter().zip(last + 1..) {
        let values = params![id, number, row.entity, row.kind, row.key, row.digest, row.fields, row.fields_unknown];
        insert.execute(values)?;
    }
    drop(insert);
    transaction.commit()
}
