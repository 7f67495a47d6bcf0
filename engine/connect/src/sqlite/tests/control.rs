//! The control store in a file.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::types::Value;
use transload_model::{Code, ControlStore, Counts, EntityState, Result, RunState};

use super::given::File;
use crate::control::scenarios::{Place, for_each_scenario};
use crate::sqlite::aside::set_aside;
use crate::sqlite::control::open_control_store;

#[async_trait]
impl Place for File {
    async fn try_open(&self) -> Result<Arc<dyn ControlStore>> {
        open_control_store(&self.plan().url)
    }

    async fn execute(&self, sql: &str) -> std::result::Result<(), String> {
        self.connect().execute_batch(sql).map_err(|error| error.to_string())
    }

    async fn texts(&self, sql: &str) -> Vec<String> {
        let connection = self.connect();
        let mut statement = connection.prepare(sql).unwrap();
        let text = |value: Value| match value {
            Value::Null => "-".to_owned(),
            Value::Integer(number) => number.to_string(),
            Value::Real(number) => number.to_string(),
            Value::Text(text) => text,
            Value::Blob(bytes) => format!("{bytes:?}"),
        };
        let rows = statement.query_map([], |row| row.get(0).map(text)).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }

    fn list(&self, texts: &[&str]) -> String {
        serde_json::to_string(texts).unwrap()
    }
}

for_each_scenario!(File::new(""));

#[tokio::test]
async fn folders_that_are_missing_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("not/yet/there/control.db");
    open_control_store(&format!("sqlite:{}", path.display())).unwrap();
    assert!(path.exists());
}

/// Each of several processes that start together may be the one that creates the file.
#[test]
fn several_that_open_a_new_store_at_once_all_get_it() {
    for _ in 0..50 {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("control.db").display());
        let barrier = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    barrier.wait();
                    drop(open_control_store(&url).unwrap());
                });
            }
        });
    }
}

#[test]
fn every_index_is_there() {
    let file = File::new("");
    drop(open_control_store(&file.plan().url).unwrap());
    let sql = "select m.tbl_name || ' (' || (
                   select group_concat(name, ', ') from (select name from pragma_index_info(m.name) order by seqno)) || ')'
               from sqlite_schema m where m.type = 'index' and m.sql is not null order by 1";
    let expected = [
        "differential_analysis_results (entity_type, analysis_timestamp)",
        "differential_analysis_results (last_migration_timestamp)",
        "migration_checkpoints (entity_type, migration_run_id)",
        "migration_checkpoints (last_processed_id)",
        "migration_execution_logs (entity_type, log_level)",
        "migration_execution_logs (migration_session_id, timestamp)",
        "migration_status_tracking (migration_session_id, overall_status)",
        "schema_mapping_definitions (entity_type)",
        "schema_mapping_definitions (entity_type, is_active, version)",
        "workflow_checkpoints (run_id, entity_type, stream, unit)",
    ];
    assert_eq!(file.texts(sql), expected);
}

/// What the first version of this store made, and one run in it.
const FIRST_SHAPE: &str = r#"
    create table migration_runs (
        run_id text primary key, project text not null, environment text not null, status text not null, reason text,
        started_at text not null, completed_at text, counts text not null, process_id integer not null,
        process_holder text not null) strict, without rowid;
    create table workflow_states (
        run_id text not null references migration_runs (run_id), entity_type text not null, position integer not null,
        status text not null, reason text, counts text not null, elapsed_ms integer not null,
        primary key (run_id, entity_type)) strict, without rowid;
    pragma user_version = 1;
    insert into migration_runs values ('019b0000-0000-7000-8000-000000000001', 'clinic', 'default', 'failed', 'why',
        '2025-01-01T00:00:00+00:00', '2025-01-01T00:00:10+00:00',
        '{"read":5,"new":4,"modified":0,"deleted":0,"unchanged":0,"filtered":0,"quarantined":1,"untried":0,"warned":0}', 7, 'gone:7:0');
    insert into workflow_states values ('019b0000-0000-7000-8000-000000000001', 'patients', 0, 'failed', 'why',
        '{"read":5,"new":4,"modified":0,"deleted":0,"unchanged":0,"filtered":0,"quarantined":1,"untried":0,"warned":0}', 12);
    insert into migration_runs select '019b0000-0000-7000-8000-000000000002', project, environment, 'dreaming', reason, started_at,
        completed_at, counts, process_id, process_holder from migration_runs;
"#;

#[tokio::test]
async fn a_store_of_the_first_shape_is_taken_over() {
    let file = File::new(FIRST_SHAPE);

    let store = open_control_store(&file.plan().url).unwrap();

    let runs = store.runs(10).await.unwrap();
    assert_eq!(runs.len(), 1);
    let run = &runs[0];
    assert_eq!((run.state, run.process, run.alive), (RunState::Failed, 7, false));
    assert_eq!((&*run.project, run.reason.as_deref()), ("clinic", Some("why")));
    assert_eq!(run.counts, Counts { read: 5, new: 4, quarantined: 1, ..Counts::default() });
    let entities = store.entities(run.id).await.unwrap();
    assert_eq!((entities[0].entity.as_str(), entities[0].state), ("patients", EntityState::Failed));
    let sql = "select overall_status || ' ' || entities_failed from migration_status_tracking";
    assert_eq!(file.texts(sql), ["failed [\"patients\"]"]);
    assert_eq!(file.number("select count(*) from sqlite_schema where name like '%first_shape%'"), 0);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let file = File::new("");
    std::fs::write(file.path(), "no database ".repeat(100)).unwrap();
    let problem = open_control_store(&file.plan().url).err().unwrap();
    assert_eq!(problem.code, Code::ControlStore);
    assert!(problem.headline.contains("cannot be opened"), "{}", problem.headline);
}

#[tokio::test]
async fn only_a_damaged_file_steps_aside_and_nothing_of_it_is_lost() {
    let file = File::new("");
    let url = file.plan().url;
    drop(open_control_store(&url).unwrap());
    assert_eq!(set_aside(&url).unwrap(), None);
    let mut sound = std::fs::read(file.path()).unwrap();
    // The header is left, and with it what opening looks at.
    sound[4096..].fill(0xa5);
    for damaged in [b"no database ".repeat(100), sound] {
        std::fs::write(file.path(), &damaged).unwrap();

        let aside = set_aside(&url).unwrap().unwrap();

        assert_eq!(std::fs::read(&aside).unwrap(), damaged);
        assert!(!file.path().exists());
        assert_eq!(set_aside(&url).unwrap(), None, "there is nothing left to step aside");
        drop(open_control_store(&url).unwrap());
    }
}
