//! The control store on a server.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::Row;
use transload_model::{Code, ControlStore, Result, RunState};

use super::open_control_store;
use crate::control::scenarios::{Place, for_each_scenario, run};
use crate::postgres::sql;
use crate::postgres::tests::server::{Server, execute, session};

#[async_trait]
impl Place for Server {
    async fn try_open(&self) -> Result<Arc<dyn ControlStore>> {
        open_control_store(self.url.as_str()).await
    }

    async fn execute(&self, sql: &str) -> std::result::Result<(), String> {
        execute(self.url.as_str(), sql).await
    }

    async fn texts(&self, sql: &str) -> Vec<String> {
        let sql = format!("select coalesce(first::text, '-') from ({sql}) rows (first)");
        let rows = sql::query(sql).fetch_all(&mut session(self.url.as_str()).await).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    fn list(&self, texts: &[&str]) -> String {
        format!("{{{}}}", texts.join(","))
    }
}

for_each_scenario!(Server::new().await);

#[tokio::test]
async fn a_run_is_alive_while_its_writer_is() {
    let server = Server::new().await;
    let (writer, reader) = (server.open().await, server.open().await);
    writer.put_run(&run(1)).await.unwrap();
    assert!(reader.runs(1).await.unwrap()[0].alive);
    drop(writer);
    let writers = "select count(*) from pg_stat_activity where datname = current_database() and query = 'commit'";
    server.until(writers, "0").await;
    assert!(!reader.runs(1).await.unwrap()[0].alive);
}

#[tokio::test]
async fn a_lost_session_is_replaced() {
    let server = Server::new().await;
    let store = server.open().await;
    let mut run = run(1);
    store.put_run(&run).await.unwrap();
    let others = "select pg_terminate_backend(pid) from pg_stat_activity \
                  where datname = current_database() and pid <> pg_backend_pid() and usename = current_user";
    server.execute(others).await.unwrap();
    run.state = RunState::Completed;

    store.put_run(&run).await.unwrap();

    assert_eq!(server.open().await.runs(1).await.unwrap(), [run]);
}

#[tokio::test]
async fn a_database_that_is_not_there_is_refused() {
    let server = Server::new().await;
    let problem = open_control_store(&server.with_path("nowhere")).await.err().unwrap();
    assert_eq!(problem.code, Code::ControlStore);
    let told = &problem.headline;
    assert!(told.contains("the control store at ") && told.contains(" cannot be opened"), "{told}");
}

#[tokio::test]
async fn a_user_without_rights_is_told_so() {
    let server = Server::new().await;
    let role = format!("visitor_{}", server.database);
    let made = format!(
        "create role {role} login password 'visits'; revoke create on database {} from public",
        server.database
    );
    server.execute(&made).await.unwrap();
    let mut url = server.url.clone();
    url.set_username(&role).unwrap();
    url.set_password(Some("visits")).unwrap();

    let problem = open_control_store(url.as_str()).await.err().unwrap();

    assert_eq!(problem.code, Code::ControlStore);
    assert!(problem.headline.contains("permission denied"), "{}", problem.headline);
    server.execute(&format!("drop role {role}")).await.unwrap();
}

#[tokio::test]
async fn the_ledger_may_live_in_the_same_schema() {
    let ledger = include_str!("../../../../../migrations/ledger/postgres/001_create_ledger.sql");
    let ledger = &format!("create schema if not exists transload; {ledger}");
    let tables = "select count(*) from pg_tables where schemaname = 'transload'";
    let first = Server::new().await;
    first.execute(ledger).await.unwrap();
    drop(first.open().await);
    let second = Server::new().await;
    drop(second.open().await);
    second.execute(ledger).await.unwrap();
    assert_eq!(first.text(tables).await, second.text(tables).await);
    assert_eq!(first.open().await.runs(1).await.unwrap(), []);
}

#[tokio::test]
async fn every_index_is_there() {
    let server = Server::new().await;
    drop(server.open().await);
    let sql = "select tablename || substring(indexdef from ' \\(.*') as index from pg_indexes \
               where schemaname = 'transload' and indexname not like '%_pkey' and indexname not like '%_key' order by index";
    let expected = [
        "differential_analysis_results (entity_type, analysis_timestamp)",
        "differential_analysis_results (last_migration_timestamp)",
        "migration_checkpoints (entity_type, migration_run_id)",
        "migration_checkpoints (last_processed_id)",
        "migration_execution_logs (entity_type, log_level)",
        "migration_execution_logs (migration_session_id, \"timestamp\")",
        "migration_status_tracking (migration_session_id, overall_status)",
        "schema_mapping_definitions (entity_type) WHERE is_active",
        "schema_mapping_definitions (entity_type, is_active, version)",
        "workflow_checkpoints (run_id, entity_type, stream, unit)",
    ];
    assert_eq!(server.texts(sql).await, expected);
}

#[tokio::test]
async fn every_field_of_the_data_model_is_there() {
    let server = Server::new().await;
    drop(server.open().await);
    for (table, fields) in FIELDS {
        let sql = format!(
            "select column_name from information_schema.columns where table_schema = 'transload' and table_name = '{table}'"
        );
        let found = server.texts(&sql).await;
        for field in fields.split_whitespace() {
            assert!(found.iter().any(|name| name == field), "{table} lacks {field}: {found:?}");
        }
    }
}

/// Tables that are promised, with their fields.
const FIELDS: [(&str, &str); 5] = [
    (
        "migration_checkpoints",
        "id entity_type migration_run_id last_processed_id batch_position records_processed records_remaining checkpoint_data \
         created_at updated_at",
    ),
    (
        "differential_analysis_results",
        "id entity_type analysis_timestamp source_record_count destination_record_count new_records modified_records \
         deleted_records last_migration_timestamp analysis_metadata created_at updated_at",
    ),
    (
        "migration_status_tracking",
        "id migration_session_id overall_status entities_pending entities_running entities_completed entities_failed \
         total_records_processed total_records_remaining estimated_completion error_summary performance_metrics started_at \
         completed_at created_at updated_at",
    ),
    (
        "schema_mapping_definitions",
        "id entity_type source_table destination_table field_mappings validation_rules transformation_functions version \
         is_active created_at updated_at",
    ),
    (
        "migration_execution_logs",
        "id migration_session_id entity_type operation_type record_id log_level message error_details performance_data \
         context_data timestamp created_at",
    ),
];

#[tokio::test]
async fn all_that_sql_users_see_says_what_it_is() {
    let server = Server::new().await;
    drop(server.open().await);
    let unsaid = "select relname::text from pg_class where relnamespace = 'transload'::regnamespace and relkind in ('r', 'v') \
                  and obj_description(oid, 'pg_class') is null \
                  union all select proname::text from pg_proc where pronamespace = 'transload'::regnamespace \
                  and obj_description(oid, 'pg_proc') is null";
    assert_eq!(server.texts(unsaid).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_expired_is_purged() {
    let server = Server::new().await;
    let store = server.open().await;
    let fill = "
        insert into migration_execution_logs (migration_session_id, entity_type, operation_type, log_level, message, timestamp)
        select gen_random_uuid(), 'a', 'validation', 'info', 'text', '2025-01-01'::timestamptz + days * interval '1 day'
        from generate_series(0, 9) days;
        insert into differential_analysis_results (entity_type, analysis_timestamp, source_record_count, destination_record_count)
        values ('a', '2025-03-09', 0, 0), ('a', '2025-03-10', 0, 0);
        insert into migration_runs (run_id, status, completed_at)
        values ('00000000-0000-7000-8000-000000000001', 'completed', '2025-01-01'),
            ('00000000-0000-7000-8000-000000000002', 'failed', '2025-01-01');
        insert into migration_control (run_id) select run_id from migration_runs;
        insert into migration_checkpoints (entity_type, migration_run_id, status)
        select 'a', run_id, case when status = 'completed' then 'completed' else 'suspended' end from migration_runs";
    server.execute(fill).await.unwrap();

    let purged = "select table_name || ' ' || purged from purge_expired('2025-04-05 00:00:00Z')";
    assert_eq!(server.texts(purged).await, ["migration_checkpoints 1", "migration_execution_logs 5"]);
    assert_eq!(server.texts(purged).await, Vec::<String>::new());
    assert_eq!(server.text("select status from migration_checkpoints").await, "suspended");
    let purged = "select table_name || ' ' || purged from purge_expired('2025-04-09 00:00:00Z') order by 1";
    assert_eq!(server.texts(purged).await, ["differential_analysis_results 2", "migration_execution_logs 4"]);
    drop(store);
}

#[tokio::test]
async fn analyses_have_calculated_fields() {
    let server = Server::new().await;
    let store = server.open().await;
    let fill = "insert into differential_analysis_results (entity_type, analysis_timestamp, source_record_count, \
                destination_record_count, new_records, modified_records) values ('a', now(), 8, 0, '{1,2}', '{3}')";
    server.execute(fill).await.unwrap();
    let sql = "select r.total_changes || ' ' || round(r.change_percentage, 1) from differential_analysis_results r";
    assert_eq!(server.text(sql).await, "3 37.5");
    drop(store);
}

#[tokio::test]
async fn an_estimate_is_never_nonsense() {
    let server = Server::new().await;
    drop(server.open().await);
    let estimate = |started: &str, processed: i64, remaining: i64| {
        format!("select estimate_completion('2025-01-01T01:00:00Z', '2025-01-01T{started}Z', {processed}, {remaining})")
    };
    assert_eq!(server.text(&estimate("00:00:00", 100, 50)).await, "2025-01-01 01:30:00+00");
    for nonsense in [estimate("00:00:00", 0, 50), estimate("00:00:00", 9, 0), estimate("02:00:00", 9, 9)] {
        assert_eq!(server.text(&nonsense).await, "-");
    }
    assert_eq!(server.text(&estimate("00:00:00", 1, i64::MAX)).await, "-");
}

/// What an older installation holds: odd types, odd rows, and tables of which one may not be read.
const EXISTING: &str = r#"
    create table public.migration_control (
        run_id varchar, entity text, status text, started_at timestamp, completed_at timestamp, updated_at text, error_message text);
    insert into public.migration_control values
        ('6c3f1f0e-1111-4a4a-8b8b-000000000001', 'doctors', 'COMPLETED', '2024-05-01 10:00', '2024-05-01 11:00', '2024-05-01', null),
        ('6c3f1f0e-1111-4a4a-8b8b-000000000002', 'doctors', 'running', '2024-05-02 10:00', null, '2024-05-02', null),
        ('6c3f1f0e-1111-4a4a-8b8b-000000000002', 'patients', 'failed', '2024-05-02 10:00', '2024-05-02 12:00', '2024-05-03', 'bang'),
        ('no id', 'patients', 'failed', null, null, null, null),
        ('6c3f1f0e-1111-4a4a-8b8b-000000000003', 'patients', 'dreaming', null, null, null, null),
        ('6c3f1f0e-1111-4a4a-8b8b-000000000004', 'patients', 'pending', null, null, 'yesterday, or so', null);
    create table public.migration_checkpoints (
        id serial, migration_run_id uuid, entity_type text, last_processed_id bigint, records_processed integer,
        checkpoint_data jsonb, updated_at timestamptz);
    insert into public.migration_checkpoints (migration_run_id, entity_type, last_processed_id, records_processed, checkpoint_data, updated_at)
    values ('6c3f1f0e-1111-4a4a-8b8b-000000000001', 'doctors', 17, 100, '{"page": 3}', '2024-05-01'),
        ('6c3f1f0e-1111-4a4a-8b8b-000000000002', 'patients', 18, 200, '[1]', '2024-05-02'),
        ('6c3f1f0e-1111-4a4a-8b8b-000000000002', 'patients', 19, 300, '{}', '2024-05-03'),
        ('6c3f1f0e-1111-4a4a-8b8b-000000000002', 'visits', 20, -1, '{}', '2024-05-03'),
        ('6c3f1f0e-1111-4a4a-8b8b-00000000000f', 'doctors', 21, 100, '{}', '2024-05-01');
    create table public.migration_mappings (entity_type text, source_id integer, destination_id uuid);
    insert into public.migration_mappings values
        ('doctors', 1, '6c3f1f0e-1111-4a4a-8b8b-0000000000a1'), ('doctors', 2, null), ('patients', 1, '6c3f1f0e-1111-4a4a-8b8b-0000000000b1')
"#;

#[tokio::test]
async fn what_an_older_installation_left_is_taken_over_once() {
    let server = Server::new().await;
    server.execute(EXISTING).await.unwrap();

    let store = server.open().await;

    let sql = "select substring(run_id::text from 36) || ' ' || status || ' ' || coalesce(reason, '-') || ' ' || \
               jsonb_array_length(metadata -> 'rows') || coalesce(to_char(completed_at, ' HH24'), '') from migration_runs order by run_id";
    assert_eq!(server.texts(sql).await, ["1 completed - 1 11", "2 failed bang 2 12", "4 pending - 1"]);
    let sql = "select entity_type || ' ' || status || ' ' || last_processed_id || ' ' || records_processed || ' ' || checkpoint_data \
               from migration_checkpoints order by 1";
    assert_eq!(server.texts(sql).await, ["doctors completed 17 100 {\"page\": 3}", "patients suspended 19 300 {}"]);
    let sql =
        "select entity_type || ' ' || source_id || ' ' || right(destination_id, 2) from imported_mappings order by 1";
    assert_eq!(server.texts(sql).await, ["doctors 1 a1", "patients 1 b1"]);
    // Nobody knows what became of their rows, so they are not listed as if nothing had.
    assert_eq!(store.runs(10).await.unwrap(), []);
    assert_eq!(server.text("select count(*) from migration_status_tracking").await, "0");

    let again = "select table_name || ' ' || imported from import_existing()";
    let nothing = ["migration_control 0", "migration_checkpoints 0", "migration_mappings 0"];
    assert_eq!(server.texts(again).await, nothing);
    server.execute("insert into public.migration_mappings values ('visits', 1, gen_random_uuid())").await.unwrap();
    assert_eq!(server.texts(again).await[2], "migration_mappings 1");
}

#[tokio::test]
async fn tables_that_only_look_alike_are_left_alone() {
    let server = Server::new().await;
    let others = "create table public.migration_control (a int); insert into public.migration_control values (1);
        create view public.migration_mappings as select 'a' as entity_type, 1 / 0 as source_id;
        create table public.migration_checkpoints (entity_type text); alter table public.migration_checkpoints enable row level security";
    server.execute(others).await.unwrap();
    drop(server.open().await);
    let sql = "select sum(imported) from import_existing()";
    assert_eq!(server.text(sql).await, "0");
}
