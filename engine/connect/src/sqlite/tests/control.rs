//! The control store gives back what it was given.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use transload_model::{Clock, Code, Counts, EntityName, EntityRecord, EntityState, RunId, RunRecord, RunState};

use super::given::File;
use crate::sqlite::control::open_control_store;

/// A clock that stands so many seconds after 1970 began.
struct Standing(i64);

impl Clock for Standing {
    fn now(&self) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(self.0)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

fn run(started: i64) -> RunRecord {
    RunRecord {
        id: RunId::generate(&Standing(started)),
        project: "clinic".to_owned(),
        environment: "default".to_owned(),
        state: RunState::Running,
        started_at: Standing(started).now(),
        ended_at: None,
        reason: None,
        counts: Counts { read: 5, new: 3, quarantined: 2, ..Counts::default() },
        process: std::process::id(),
        alive: true,
    }
}

fn entity(name: &str, read: u64) -> EntityRecord {
    EntityRecord {
        entity: EntityName::parse(name).unwrap(),
        state: EntityState::Moving,
        counts: Counts { read, ..Counts::default() },
        elapsed_ms: 12,
        reason: None,
    }
}

#[tokio::test]
async fn runs_and_entities_come_back_as_they_were_put() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("not/yet/there/control.db").display());
    let store = open_control_store(&url).unwrap();
    let (first, mut second) = (run(1), run(2));
    store.put_run(&first).await.unwrap();
    store.put_run(&second).await.unwrap();
    for name in ["patients", "doctors"] {
        store.put_entity(second.id, &entity(name, 1)).await.unwrap();
    }

    second.state = RunState::Failed;
    second.ended_at = Some(second.started_at + TimeDelta::microseconds(1_500_001));
    second.reason = Some("TL0423: the disk is full".to_owned());
    second.counts.read = 9;
    store.put_run(&second).await.unwrap();
    let mut patients = entity("patients", 7);
    (patients.state, patients.reason) = (EntityState::Failed, Some("why".to_owned()));
    store.put_entity(second.id, &patients).await.unwrap();
    drop(store);

    let store = open_control_store(&url).unwrap();
    assert_eq!(store.runs(10).await.unwrap(), [second.clone(), first]);
    assert_eq!(store.runs(1).await.unwrap(), [second.clone()]);
    assert_eq!(store.entities(second.id).await.unwrap(), [patients, entity("doctors", 1)]);
    assert_eq!(store.entities(RunId::generate(&Standing(3))).await.unwrap(), []);
}

#[tokio::test]
async fn a_row_that_a_newer_version_wrote_is_passed_over() {
    let file = File::new("");
    let url = file.plan().url;
    let store = open_control_store(&url).unwrap();
    let (old, new) = (run(1), run(2));
    store.put_run(&old).await.unwrap();
    store.put_run(&new).await.unwrap();
    let sql = format!("update migration_runs set status = 'dreaming' where run_id = '{}'", new.id);
    file.connect().execute_batch(&sql).unwrap();

    assert_eq!(store.runs(10).await.unwrap(), [old]);
}

#[tokio::test]
async fn an_entity_without_its_run_is_refused() {
    let file = File::new("");
    let store = open_control_store(&file.plan().url).unwrap();
    let problem = store.put_entity(RunId::generate(&Standing(3)), &entity("patients", 1)).await.unwrap_err();
    assert_eq!(problem.code, Code::ControlStore);
    assert!(problem.help.is_some());
}
