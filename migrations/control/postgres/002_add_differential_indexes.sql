-- Indexes of the control store. Those that are unique hold a rule as well.

-- One checkpoint per entity and run: the engine keeps the last, workflow_checkpoints keeps the history.
create unique index migration_checkpoints_by_entity_and_run
    on transload.migration_checkpoints (entity_type, migration_run_id);
create index migration_checkpoints_by_last_processed_id on transload.migration_checkpoints (last_processed_id);

create unique index workflow_checkpoints_by_unit on transload.workflow_checkpoints (run_id, entity_type, stream, unit);

create index differential_analysis_results_by_entity_and_time
    on transload.differential_analysis_results (entity_type, analysis_timestamp);
create index differential_analysis_results_by_last_migration
    on transload.differential_analysis_results (last_migration_timestamp);

create index migration_execution_logs_by_session_and_time
    on transload.migration_execution_logs (migration_session_id, timestamp);
create index migration_execution_logs_by_entity_and_level on transload.migration_execution_logs (entity_type, log_level);

create index migration_status_tracking_by_session_and_status
    on transload.migration_status_tracking (migration_session_id, overall_status);

create index schema_mapping_definitions_by_entity_and_version
    on transload.schema_mapping_definitions (entity_type, is_active, version);
create unique index schema_mapping_definitions_one_active
    on transload.schema_mapping_definitions (entity_type) where is_active;
