//! What the tables themselves refuse, whoever writes.

use transload_model::{RunEvent, RunState};

use super::{Place, run};
use crate::control::CheckpointState;

const RUN_STATES: [RunState; 6] = [
    RunState::Pending,
    RunState::Running,
    RunState::Paused,
    RunState::Completed,
    RunState::Failed,
    RunState::Cancelled,
];

const RUN_EVENTS: [RunEvent; 6] =
    [RunEvent::Start, RunEvent::Pause, RunEvent::Resume, RunEvent::Complete, RunEvent::Fail, RunEvent::Cancel];

/// Tries every pair of states on a row that is made anew each time.
async fn try_pairs(
    place: &dyn Place,
    states: &[&str],
    is_step: impl Fn(&str, &str) -> bool,
    (make, change): (&str, &str),
) {
    for before in states {
        for after in states {
            let made = place.execute(&make.replace('?', before)).await;
            made.unwrap_or_else(|error| panic!("{before}: {error}"));
            let changed = place.execute(&change.replace('?', after)).await;
            let expected = before == after || is_step(before, after);
            assert_eq!(changed.is_ok(), expected, "{before} to {after}: {changed:?}");
        }
    }
}

fn is_run_step(before: &str, after: &str) -> bool {
    let before = RunState::parse(before).unwrap();
    RUN_EVENTS.iter().any(|event| before.next(*event).is_ok_and(|state| state.as_str() == after))
}

const RUN: &str = "00000000-0000-7000-8000-000000000001";

pub(crate) async fn runs_go_where_their_table_says(place: &dyn Place) {
    let store = place.open().await;
    let make = format!(
        "delete from migration_runs; \
         insert into migration_runs (run_id, status, started_at) values ('{RUN}', '?', '2025-01-01T00:00:00Z')"
    );
    let change = "update migration_runs set status = '?'";
    try_pairs(place, &RUN_STATES.map(RunState::as_str), is_run_step, (&make, change)).await;
    drop(store);
}

pub(crate) async fn a_status_goes_where_runs_go(place: &dyn Place) {
    let store = place.open().await;
    place.execute(&format!("insert into migration_runs (run_id, status) values ('{RUN}', 'pending')")).await.unwrap();
    let make = format!(
        "delete from migration_status_tracking; \
         insert into migration_status_tracking (migration_session_id, overall_status) values ('{RUN}', '?')"
    );
    let change = "update migration_status_tracking set overall_status = '?'";
    try_pairs(place, &RUN_STATES.map(RunState::as_str), is_run_step, (&make, change)).await;
    drop(store);
}

pub(crate) async fn checkpoints_go_where_their_table_says(place: &dyn Place) {
    let (store, run) = (place.open().await, run(1));
    store.put_run(&run).await.unwrap();
    let steps = [("created", "active"), ("active", "suspended"), ("suspended", "active"), ("active", "completed")];
    let make = format!(
        "delete from migration_checkpoints; \
         insert into migration_checkpoints (entity_type, migration_run_id, status) values ('patients', '{}', '?')",
        run.id
    );
    let change = "update migration_checkpoints set status = '?'";
    let is_step = |before: &str, after: &str| steps.contains(&(before, after));
    try_pairs(place, &CheckpointState::ALL.map(CheckpointState::as_str), is_step, (&make, change)).await;
}

/// A row of each table, column by column, as SQL.
const GOOD: [(&str, &[(&str, &str)]); 10] = [
    (
        "migration_runs",
        &[
            ("run_id", "'00000000-0000-7000-8000-000000000002'"),
            ("project", "'clinic'"),
            ("status", "'completed'"),
            ("counts", "'{\"read\": 1}'"),
            ("performance", "'{}'"),
            ("metadata", "'{}'"),
            ("started_at", "'2025-01-01T00:00:00Z'"),
            ("completed_at", "'2025-01-01T00:00:01Z'"),
        ],
    ),
    (
        "migration_control",
        &[
            ("run_id", "'00000000-0000-7000-8000-000000000002'"),
            ("process_id", "7"),
            ("requested_status", "'paused'"),
            ("requested_at", "'2025-01-01T00:00:00Z'"),
        ],
    ),
    (
        "workflow_control",
        &[
            ("run_id", "'00000000-0000-7000-8000-000000000002'"),
            ("entity_type", "'patients'"),
            ("requested_status", "'paused'"),
            ("requested_at", "'2025-01-01T00:00:00Z'"),
        ],
    ),
    (
        "workflow_states",
        &[
            ("run_id", "'00000000-0000-7000-8000-000000000002'"),
            ("entity_type", "'patients'"),
            ("position", "0"),
            ("status", "'moving'"),
            ("counts", "'{}'"),
            ("source_rows", "0"),
            ("stream", "0"),
            ("unit", "1"),
            ("elapsed_ms", "0"),
        ],
    ),
    (
        "migration_checkpoints",
        &[
            ("entity_type", "'patients'"),
            ("migration_run_id", "'00000000-0000-7000-8000-000000000002'"),
            ("last_processed_id", "'17'"),
            ("batch_position", "0"),
            ("records_processed", "0"),
            ("records_remaining", "0"),
            ("checkpoint_data", "'{}'"),
            ("status", "'active'"),
        ],
    ),
    (
        "workflow_checkpoints",
        &[
            ("run_id", "'00000000-0000-7000-8000-000000000002'"),
            ("entity_type", "'patients'"),
            ("stream", "0"),
            ("unit", "1"),
            ("records_processed", "0"),
            ("records_remaining", "0"),
            ("checkpoint_data", "'{}'"),
        ],
    ),
    (
        "differential_analysis_results",
        &[
            ("entity_type", "'patients'"),
            ("analysis_timestamp", "'2025-01-02T00:00:00Z'"),
            ("source_record_count", "4"),
            ("destination_record_count", "0"),
            ("new_records", "LIST"),
            ("last_migration_timestamp", "'2025-01-01T00:00:00Z'"),
            ("analysis_metadata", "'{}'"),
        ],
    ),
    (
        "migration_status_tracking",
        &[
            ("migration_session_id", "'00000000-0000-7000-8000-000000000003'"),
            ("overall_status", "'running'"),
            ("entities_pending", "LIST"),
            ("entities_running", "NONE"),
            ("entities_completed", "NONE"),
            ("entities_failed", "NONE"),
            ("total_records_processed", "0"),
            ("total_records_remaining", "0"),
            ("estimated_completion", "'2025-01-03T00:00:00Z'"),
            ("updated_at", "'2025-01-02T00:00:00Z'"),
            ("error_summary", "'{}'"),
            ("performance_metrics", "'{}'"),
        ],
    ),
    (
        "schema_mapping_definitions",
        &[
            ("entity_type", "'patients'"),
            ("source_table", "'PATIENT'"),
            ("destination_table", "'patients'"),
            (
                "field_mappings",
                "'[{\"source_field\": \"a\", \"destination_field\": \"b\", \"data_type\": \"text\", \"is_required\": true}]'",
            ),
            ("validation_rules", "'[{\"field_name\": \"b\", \"rule_type\": \"unique\", \"rule_parameters\": {}}]'"),
            ("transformation_functions", "'[{\"name\": \"f\", \"function_body\": \"fn f(x) { x }\"}]'"),
            ("version", "'1'"),
            ("is_active", "false"),
        ],
    ),
    (
        "migration_execution_logs",
        &[
            ("migration_session_id", "'00000000-0000-7000-8000-000000000002'"),
            ("entity_type", "'patients'"),
            ("operation_type", "'validation'"),
            ("log_level", "'warn'"),
            ("message", "'text'"),
            ("error_details", "'{}'"),
            ("performance_data", "'{}'"),
            ("context_data", "'{}'"),
            ("timestamp", "'2025-01-01T00:00:00Z'"),
        ],
    ),
];

/// Values that no table takes: the table, the column, the value.
const BAD: [(&str, &str, &str); 67] = [
    ("migration_runs", "status", "'dreaming'"),
    ("migration_runs", "status", "null"),
    ("migration_runs", "status", "'paused'"), // A run that has ended is not paused.
    ("migration_runs", "counts", "'[]'"),
    ("migration_runs", "counts", "'no json'"),
    ("migration_runs", "performance", "'[]'"),
    ("migration_runs", "metadata", "'1'"),
    ("migration_runs", "metadata", "null"),
    ("migration_control", "requested_status", "'completed'"),
    ("migration_control", "requested_status", "null"),
    ("migration_control", "requested_at", "null"),
    ("workflow_control", "requested_status", "'running'"),
    ("workflow_control", "requested_status", "null"),
    ("workflow_control", "requested_at", "null"),
    ("workflow_control", "entity_type", "''"),
    ("workflow_control", "run_id", "'00000000-0000-7000-8000-00000000000f'"),
    ("migration_control", "process_id", "-1"),
    ("migration_control", "run_id", "'00000000-0000-7000-8000-00000000000f'"),
    ("workflow_states", "entity_type", "''"),
    ("workflow_states", "status", "'active'"),
    ("workflow_states", "counts", "'[]'"),
    ("workflow_states", "position", "-1"),
    ("workflow_states", "source_rows", "-1"),
    ("workflow_states", "stream", "-1"),
    ("workflow_states", "stream", "null"),
    ("workflow_states", "unit", "-1"),
    ("workflow_states", "elapsed_ms", "-1"),
    ("migration_checkpoints", "entity_type", "''"),
    ("migration_checkpoints", "migration_run_id", "'00000000-0000-7000-8000-00000000000f'"),
    ("migration_checkpoints", "batch_position", "-1"),
    ("migration_checkpoints", "records_processed", "-1"),
    ("migration_checkpoints", "records_remaining", "-1"),
    ("migration_checkpoints", "checkpoint_data", "'[]'"),
    ("migration_checkpoints", "checkpoint_data", "'{'"),
    ("migration_checkpoints", "status", "'paused'"),
    ("workflow_checkpoints", "entity_type", "'doctors'"),
    ("workflow_checkpoints", "unit", "-1"),
    ("workflow_checkpoints", "records_processed", "-1"),
    ("workflow_checkpoints", "records_remaining", "-1"),
    ("workflow_checkpoints", "checkpoint_data", "'[]'"),
    ("differential_analysis_results", "entity_type", "''"),
    ("differential_analysis_results", "source_record_count", "-1"),
    ("differential_analysis_results", "destination_record_count", "-1"),
    ("differential_analysis_results", "analysis_timestamp", "'2025-01-01T00:00:00Z'"),
    ("differential_analysis_results", "new_records", "MILLION"),
    ("differential_analysis_results", "analysis_metadata", "'[]'"),
    ("migration_status_tracking", "overall_status", "'waiting'"),
    ("migration_status_tracking", "entities_running", "LIST"),
    ("migration_status_tracking", "entities_completed", "LIST"),
    ("migration_status_tracking", "entities_failed", "LIST"),
    ("migration_status_tracking", "total_records_processed", "-1"),
    ("migration_status_tracking", "total_records_remaining", "-1"),
    ("migration_status_tracking", "estimated_completion", "'2025-01-01T00:00:00Z'"),
    ("migration_status_tracking", "error_summary", "'[]'"),
    ("migration_status_tracking", "performance_metrics", "'[]'"),
    ("schema_mapping_definitions", "version", "''"),
    ("schema_mapping_definitions", "field_mappings", "'{}'"),
    ("schema_mapping_definitions", "field_mappings", "'[{\"source_field\": \"a\"}]'"),
    (
        "schema_mapping_definitions",
        "validation_rules",
        "'[{\"field_name\": \"b\", \"rule_type\": \"lucky\", \"rule_parameters\": {}}]'",
    ),
    ("schema_mapping_definitions", "validation_rules", "'[{\"rule_type\": \"unique\", \"rule_parameters\": {}}]'"),
    ("schema_mapping_definitions", "transformation_functions", "'[{\"name\": \"f\"}]'"),
    ("migration_execution_logs", "operation_type", "'guess'"),
    ("migration_execution_logs", "log_level", "'fatal'"),
    ("migration_execution_logs", "error_details", "'[]'"),
    ("migration_execution_logs", "context_data", "null"),
    ("migration_execution_logs", "timestamp", "'1999-12-31T00:00:00Z'"),
    ("migration_execution_logs", "timestamp", "'2999-01-01T00:00:00Z'"),
];

/// A row of a table with one value changed, or none.
fn insert(place: &dyn Place, table: &str, changed: Option<(&str, &str)>) -> String {
    let (_, columns) = GOOD.iter().find(|(name, _)| *name == table).unwrap();
    let value = |(column, good): &(&str, &str)| {
        let value = changed.filter(|(name, _)| name == column).map_or(*good, |(_, value)| value);
        match value {
            "LIST" => format!("'{}'", place.list(&["patients"])),
            "NONE" => format!("'{}'", place.list(&[])),
            "MILLION" => format!("'{}'", place.list(&vec!["1"; 1_000_000])),
            _ => value.to_owned(),
        }
    };
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    assert!(changed.is_none_or(|(name, _)| names.contains(&name)), "{table} is not given {changed:?}");
    let values: Vec<String> = columns.iter().map(value).collect();
    format!("insert into {table} ({}) values ({})", names.join(", "), values.join(", "))
}

/// Makes a good row of every table that comes before one.
async fn given(place: &dyn Place, table: Option<&str>) {
    let run = "insert into migration_runs (run_id, status) values ('00000000-0000-7000-8000-000000000003', 'pending')";
    place.execute(&format!("delete from migration_runs; {run}")).await.unwrap();
    for (name, _) in GOOD.iter().take_while(|(name, _)| table != Some(*name)) {
        let made = place.execute(&insert(place, name, None)).await;
        made.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

pub(crate) async fn a_good_row_is_taken(place: &dyn Place) {
    let store = place.open().await;
    given(place, None).await;
    drop(store);
}

pub(crate) async fn what_breaks_a_rule_is_refused(place: &dyn Place) {
    let store = place.open().await;
    for (table, column, value) in BAD {
        given(place, Some(table)).await;
        let told = place.execute(&insert(place, table, Some((column, value)))).await;
        assert!(told.is_err(), "{table} took {value} as {column}");
    }
    drop(store);
}

pub(crate) async fn one_mapping_of_an_entity_is_active(place: &dyn Place) {
    let store = place.open().await;
    let table = "schema_mapping_definitions";
    let active = insert(place, table, Some(("is_active", "true")));
    place.execute(&active).await.unwrap();
    place.execute(&insert(place, table, None)).await.unwrap();
    assert!(place.execute(&active).await.is_err());
    place.execute(&active.replace("'patients', 'PATIENT'", "'doctors', 'DOCTOR'")).await.unwrap();
    drop(store);
}

pub(crate) async fn what_changes_is_dated(place: &dyn Place) {
    let store = place.open().await;
    given(place, None).await;
    let tables = [
        ("migration_runs", "reason = 'r'"),
        ("migration_control", "requested_by = 'r'"),
        ("workflow_states", "reason = 'r'"),
        ("migration_checkpoints", "last_processed_id = '18'"),
        ("differential_analysis_results", "source_record_count = 5"),
        ("schema_mapping_definitions", "version = '2'"),
    ];
    for (table, change) in tables {
        let long_ago = "created_at = '2025-01-01T00:00:00Z', updated_at = '2025-01-01T00:00:00Z'";
        place.execute(&format!("update {table} set {long_ago}")).await.unwrap();
        place.execute(&format!("update {table} set {change}")).await.unwrap();
        let sql = format!("select count(*) from {table} where updated_at > created_at");
        assert_ne!(place.text(&sql).await, "0", "{table}");
    }
    drop(store);
}
