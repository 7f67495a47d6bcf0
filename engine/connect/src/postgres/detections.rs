//! Detections in the control store.

use async_trait::async_trait;
use sqlx::Row;
use sqlx::postgres::PgRow;
use transload_model::{Change, DetectionRecord, DetectionStore, Result, RunId};

use super::control::{PostgresControlStore, storable};
use crate::control::detected::{ChangeRow, DetectionRow, KEPT_DAYS};
use crate::ledger::signed;

const PUT: &str = "with old as (
        delete from transload.detections where started_at < clock_timestamp() - make_interval(days => $9) and detection_id <> $1::text::uuid)
    insert into transload.detections (detection_id, project, environment, digest_seed, started_at, completed_at, entities,
        carried_out_by)
    values ($1::text::uuid, $2, $3, $4, $5::text::timestamptz, $6::text::timestamptz, $7::text::jsonb, $8::text::uuid)
    on conflict (detection_id) do update set digest_seed = excluded.digest_seed, completed_at = excluded.completed_at,
        entities = excluded.entities, carried_out_by = excluded.carried_out_by";

const ADD: &str = "insert into transload.detected_changes
        (detection_id, number, entity_type, change_type, source_key, digest, fields, fields_unknown)
    select $1::text::uuid, added.place - 1 + (
            select coalesce(max(known.number) + 1, 0) from transload.detected_changes known where known.detection_id = $1::text::uuid),
        added.entity, added.kind, added.key, added.digest, added.fields::jsonb, added.unknown
    from rows from (
        pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::bytea[]),
        pg_catalog.unnest($5::text[]), pg_catalog.unnest($6::text[]), pg_catalog.unnest($7::text[])
    ) with ordinality added (entity, kind, key, digest, fields, unknown, place)";

const DETECTIONS: &str = "select detection_id::text, project, environment, digest_seed,
        to_char(started_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
        to_char(completed_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), entities::text, carried_out_by::text
    from transload.detections where completed_at is not null order by detection_id desc limit $1";

const CHANGES: &str = "select entity_type, change_type, source_key, digest, fields::text, fields_unknown
    from transload.detected_changes where detection_id = $1::text::uuid and number >= $2 order by number limit $3";

#[async_trait]
impl DetectionStore for PostgresControlStore {
    async fn put_detection(&self, detection: &DetectionRecord) -> Result<()> {
        let row = DetectionRow::of(detection);
        let put = sqlx::query(PUT).bind(row.id).bind(storable(&row.project)).bind(storable(&row.environment));
        let put = put.bind(row.digest_seed).bind(row.started_at).bind(row.completed_at).bind(row.entities);
        let put = put.bind(row.carried_out_by);
        let days = i32::try_from(KEPT_DAYS).unwrap_or(i32::MAX);
        self.asked(async |connection| put.bind(days).execute(connection).await.map(drop)).await
    }

    async fn add_changes(&self, detection: RunId, changes: &[Change]) -> Result<()> {
        let rows: Vec<ChangeRow> = changes.iter().map(ChangeRow::of).collect();
        let texts = |of: fn(&ChangeRow) -> &str| rows.iter().map(of).collect::<Vec<&str>>();
        let add =
            sqlx::query(ADD).bind(detection.to_string()).bind(texts(|row| &row.entity)).bind(texts(|row| &row.kind));
        let add = add.bind(rows.iter().map(|row| &*row.key).collect::<Vec<_>>()).bind(texts(|row| &row.digest));
        let add = add.bind(rows.iter().map(|row| row.fields.as_deref()).collect::<Vec<_>>());
        let add = add.bind(rows.iter().map(|row| row.fields_unknown.as_deref()).collect::<Vec<_>>());
        self.asked(async |connection| add.execute(connection).await.map(drop)).await
    }

    async fn detections(&self, limit: u32) -> Result<Vec<DetectionRecord>> {
        let rows = self.asked(async |connection| {
            let rows = sqlx::query(DETECTIONS).bind(i64::from(limit)).fetch_all(connection).await?;
            rows.iter().map(detection).collect::<sqlx::Result<Vec<_>>>()
        });
        Ok(rows.await?.into_iter().filter_map(DetectionRow::read).collect())
    }

    async fn changes(&self, detection: RunId, from: u64, limit: u32) -> Result<Vec<Change>> {
        let rows = self.asked(async |connection| {
            let wanted = sqlx::query(CHANGES).bind(detection.to_string()).bind(signed(from)).bind(i64::from(limit));
            let rows = wanted.fetch_all(connection).await?;
            rows.iter().map(change).collect::<sqlx::Result<Vec<_>>>()
        });
        Ok(rows.await?.into_iter().filter_map(ChangeRow::read).collect())
    }
}

fn detection(row: &PgRow) -> sqlx::Result<DetectionRow> {
    Ok(DetectionRow {
        id: row.try_get(0)?,
        project: row.try_get(1)?,
        environment: row.try_get(2)?,
        digest_seed: row.try_get(3)?,
        started_at: row.try_get(4)?,
        completed_at: row.try_get(5)?,
        entities: row.try_get(6)?,
        carried_out_by: row.try_get(7)?,
    })
}

fn change(row: &PgRow) -> sqlx::Result<ChangeRow> {
    Ok(ChangeRow {
        entity: row.try_get(0)?,
        kind: row.try_get(1)?,
        key: row.try_get(2)?,
        digest: row.try_get(3)?,
        fields: row.try_get(4)?,
        fields_unknown: row.try_get(5)?,
    })
}
