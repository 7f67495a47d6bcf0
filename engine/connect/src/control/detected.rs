//! Detections and their changes as every control store spells them.

use chrono::{DateTime, Utc};
use transload_model::{Change, ChangeKind, ChangedFields, ColumnName, DetectionRecord, EntityName, KeyBytes};

use crate::ledger::{hex, unhex};

/// Detections that are older than so many days are forgotten.
pub(crate) const KEPT_DAYS: i64 = 30;

/// A detection's row, all texts.
pub(crate) struct DetectionRow {
    pub(crate) id: String,
    pub(crate) project: String,
    pub(crate) environment: String,
    pub(crate) digest_seed: String,
    pub(crate) started_at: String,
    pub(crate) completed_at: Option<String>,
    pub(crate) entities: String,
    pub(crate) carried_out_by: Option<String>,
}

/// A change's row.
pub(crate) struct ChangeRow {
    pub(crate) entity: String,
    pub(crate) kind: String,
    pub(crate) key: Vec<u8>,
    pub(crate) digest: String,
    pub(crate) fields: Option<String>,
    pub(crate) fields_unknown: Option<String>,
}

impl DetectionRow {
    pub(crate) fn of(detection: &DetectionRecord) -> Self {
        Self {
            id: detection.id.to_string(),
            project: detection.project.clone(),
            environment: detection.environment.clone(),
            digest_seed: detection.digest_seed.to_string(),
            started_at: detection.started_at.to_rfc3339(),
            completed_at: detection.completed_at.map(|moment| moment.to_rfc3339()),
            entities: serde_json::to_string(&detection.entities).unwrap_or_else(|_| "[]".to_owned()),
            carried_out_by: detection.carried_out_by.map(|run| run.to_string()),
        }
    }

    /// `None` for a row that a newer version wrote in words this one does not know.
    pub(crate) fn read(self) -> Option<DetectionRecord> {
        Some(DetectionRecord {
            id: self.id.parse().ok()?,
            project: self.project,
            environment: self.environment,
            started_at: moment(&self.started_at)?,
            completed_at: self.completed_at.as_deref().and_then(moment),
            digest_seed: self.digest_seed.parse().ok()?,
            entities: serde_json::from_str(&self.entities).ok()?,
            carried_out_by: self.carried_out_by.and_then(|run| run.parse().ok()),
        })
    }
}

impl ChangeRow {
    pub(crate) fn of(change: &Change) -> Self {
        let (fields, fields_unknown) = match &change.fields {
            ChangedFields::NotAsked => (None, None),
            ChangedFields::Unknown(why) => (None, Some(why.clone())),
            ChangedFields::Known(names) => {
                let names: Vec<&str> = names.iter().map(ColumnName::as_str).collect();
                (Some(serde_json::Value::from(names).to_string()), None)
            }
        };
        Self {
            entity: change.entity.to_string(),
            kind: change.kind.as_str().to_owned(),
            key: change.key.as_bytes().to_vec(),
            digest: hex(change.digest),
            fields,
            fields_unknown,
        }
    }

    /// `None` for a row that a newer version wrote in words this one does not know.
    pub(crate) fn read(self) -> Option<Change> {
        let names = |text: &String| {
            let names: Vec<String> = serde_json::from_str(text).ok()?;
            names.iter().map(|name| ColumnName::parse(name).ok()).collect::<Option<Vec<_>>>()
        };
        let fields = match (&self.fields, self.fields_unknown) {
            (Some(fields), _) => ChangedFields::Known(names(fields)?),
            (None, Some(why)) => ChangedFields::Unknown(why),
            (None, None) => ChangedFields::NotAsked,
        };
        Some(Change {
            entity: EntityName::parse(&self.entity).ok()?,
            kind: ChangeKind::parse(&self.kind)?,
            key: KeyBytes::from_encoded(&self.key),
            digest: unhex(&self.digest)?,
            fields,
        })
    }
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.with_timezone(&Utc))
}
