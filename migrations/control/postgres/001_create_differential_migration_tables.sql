-- The control store: a mirror of progress, and the history of runs. It stands in the schema `transload`, which the ledger may share with it.
-- What is true of rows stands in the destination's ledger; this store may lag behind it and never leads.
-- What a table may hold is said here, what may become of a row in 003.

create table transload.migration_runs (
    run_id uuid primary key,
    project text,
    environment text,
    file_path text,
    record_type text,
    status text not null,
    reason text,
    counts jsonb,
    performance jsonb,
    metadata jsonb not null default '{}',
    started_at timestamptz,
    completed_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint migration_runs_status
        check (status in ('pending', 'running', 'paused', 'completed', 'failed', 'cancelled')),
    constraint migration_runs_counts check (jsonb_typeof(counts) = 'object'),
    constraint migration_runs_performance check (jsonb_typeof(performance) = 'object'),
    constraint migration_runs_metadata check (jsonb_typeof(metadata) = 'object'),
    constraint migration_runs_started check (status <> 'running' or started_at is not null),
    constraint migration_runs_completed
        check (completed_at is null or status in ('completed', 'failed', 'cancelled'))
);

comment on table transload.migration_runs is
    'One row per run. Newest first is descending run_id: the ids begin with their time.';
comment on column transload.migration_runs.counts is
    'Rows by outcome, all entities together. NULL for runs that were imported from an older installation.';
comment on column transload.migration_runs.performance is
    'Milliseconds of the last process that worked on the run: elapsed, and by step all entities together.';
comment on column transload.migration_runs.file_path is 'The file that a run was triggered for. Runs of a project have none.';
comment on column transload.migration_runs.record_type is 'The kind of record in that file.';

create table transload.migration_control (
    run_id uuid primary key references transload.migration_runs (run_id) on delete cascade,
    holder text,
    holder_name text,
    process_id bigint,
    requested_status text,
    requested_at timestamptz,
    requested_by text,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint migration_control_requested check (requested_status in ('running', 'paused', 'cancelled')),
    constraint migration_control_request_has_its_time check ((requested_status is null) = (requested_at is null)),
    constraint migration_control_process check (process_id >= 0)
);

comment on table transload.migration_control is 'Who works on a run, and what was asked of it.';
comment on column transload.migration_control.holder is
    'The session of the process that works on the run: process id of the session, @, its start. A run is alive while that session exists.';
comment on column transload.migration_control.requested_status is 'What someone wants the run to become.';

create table transload.workflow_states (
    run_id uuid not null references transload.migration_runs (run_id) on delete cascade,
    entity_type text not null,
    position integer not null,
    status text not null,
    reason text,
    counts jsonb not null,
    source_rows bigint,
    stream integer,
    unit bigint,
    elapsed_ms bigint not null,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    primary key (run_id, entity_type),
    constraint workflow_states_entity check (entity_type <> ''),
    constraint workflow_states_status
        check (status in ('waiting', 'moving', 'loaded', 'done', 'suspended', 'failed')),
    constraint workflow_states_counts check (jsonb_typeof(counts) = 'object'),
    constraint workflow_states_numbers check (position >= 0 and source_rows >= 0 and stream >= 0 and unit >= 0 and elapsed_ms >= 0),
    constraint workflow_states_unit check ((stream is null) = (unit is null))
);

comment on table transload.workflow_states is 'The steps of a run: one row per entity, in the order in which they were stored first.';
comment on column transload.workflow_states.source_rows is 'Rows at the source, where it could tell; an estimate.';
comment on column transload.workflow_states.unit is
    'The number of the last unit that this run committed for the entity, among those of its stream.';

create table transload.migration_checkpoints (
    id uuid primary key default gen_random_uuid(),
    entity_type text not null,
    migration_run_id uuid not null references transload.migration_control (run_id) on delete cascade,
    last_processed_id text,
    batch_position bigint,
    records_processed bigint not null default 0,
    records_remaining bigint,
    checkpoint_data jsonb not null default '{}',
    status text not null default 'created',
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint migration_checkpoints_entity check (entity_type <> ''),
    constraint migration_checkpoints_batch_position check (batch_position >= 0),
    constraint migration_checkpoints_processed check (records_processed >= 0),
    constraint migration_checkpoints_remaining check (records_remaining >= 0),
    constraint migration_checkpoints_data check (jsonb_typeof(checkpoint_data) = 'object'),
    constraint migration_checkpoints_status check (status in ('created', 'active', 'suspended', 'completed'))
);

comment on table transload.migration_checkpoints is
    'Where an entity of a run stands, after its last committed unit. A run goes on from the ledger in the destination, not from here.';
comment on column transload.migration_checkpoints.last_processed_id is
    'NULL for runs of this engine: source keys are values of rows, and stay in the destination.';
comment on column transload.migration_checkpoints.batch_position is
    'The number of the last committed unit, among those of its stream. A checkpoint stands between two units, never inside one.';
comment on column transload.migration_checkpoints.records_remaining is 'NULL where the source could not tell how many rows it has.';

create table transload.workflow_checkpoints (
    id uuid primary key default gen_random_uuid(),
    run_id uuid not null,
    entity_type text not null,
    stream integer not null,
    unit bigint not null,
    records_processed bigint not null,
    records_remaining bigint,
    checkpoint_data jsonb not null default '{}',
    created_at timestamptz not null default clock_timestamp(),
    foreign key (run_id, entity_type) references transload.workflow_states (run_id, entity_type) on delete cascade,
    constraint workflow_checkpoints_numbers check (stream >= 0 and unit >= 0 and records_processed >= 0 and records_remaining >= 0),
    constraint workflow_checkpoints_data check (jsonb_typeof(checkpoint_data) = 'object')
);

comment on table transload.workflow_checkpoints is
    'The history of checkpoints: one row per unit that was heard of. Units may be missing where many followed each other fast.';

create table transload.differential_analysis_results (
    id uuid primary key default gen_random_uuid(),
    entity_type text not null,
    analysis_timestamp timestamptz not null,
    source_record_count bigint not null,
    destination_record_count bigint not null,
    new_records text[] not null default '{}',
    modified_records text[] not null default '{}',
    deleted_records text[] not null default '{}',
    last_migration_timestamp timestamptz,
    analysis_metadata jsonb not null default '{}',
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint differential_analysis_results_entity check (entity_type <> ''),
    constraint differential_analysis_results_after check (analysis_timestamp > last_migration_timestamp),
    constraint differential_analysis_results_source check (source_record_count >= 0),
    constraint differential_analysis_results_destination check (destination_record_count >= 0),
    constraint differential_analysis_results_size check (cardinality(new_records) + cardinality(modified_records) < 1000000),
    constraint differential_analysis_results_metadata check (jsonb_typeof(analysis_metadata) = 'object')
);

comment on table transload.differential_analysis_results is 'What an analysis found: which records are new, modified and gone.';
comment on column transload.differential_analysis_results.last_migration_timestamp is 'NULL where nothing was migrated before.';

create table transload.migration_status_tracking (
    id uuid primary key default gen_random_uuid(),
    migration_session_id uuid not null unique references transload.migration_runs (run_id) on delete cascade,
    overall_status text not null,
    entities_pending text[] not null default '{}',
    entities_running text[] not null default '{}',
    entities_completed text[] not null default '{}',
    entities_failed text[] not null default '{}',
    total_records_processed bigint not null default 0,
    total_records_remaining bigint,
    estimated_completion timestamptz,
    error_summary jsonb not null default '{}',
    performance_metrics jsonb not null default '{}',
    started_at timestamptz,
    completed_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint migration_status_tracking_status
        check (overall_status in ('pending', 'running', 'paused', 'completed', 'failed', 'cancelled')),
    constraint migration_status_tracking_entities check (
        not (entities_pending && entities_running or entities_pending && entities_completed
            or entities_pending && entities_failed or entities_running && entities_completed
            or entities_running && entities_failed or entities_completed && entities_failed)
    ),
    constraint migration_status_tracking_processed check (total_records_processed >= 0),
    constraint migration_status_tracking_remaining check (total_records_remaining >= 0),
    constraint migration_status_tracking_estimate
        check (overall_status <> 'running' or estimated_completion > updated_at),
    constraint migration_status_tracking_errors check (jsonb_typeof(error_summary) = 'object'),
    constraint migration_status_tracking_performance check (jsonb_typeof(performance_metrics) = 'object')
);

comment on table transload.migration_status_tracking is
    'One row per run, made of migration_runs and workflow_states by their triggers in the same transaction. It is never written by hand.';
comment on column transload.migration_status_tracking.entities_pending is 'Entities that wait, also those that wait for the next run.';
comment on column transload.migration_status_tracking.total_records_remaining is
    'NULL while an entity has not begun, or its source cannot tell how many rows it has.';
comment on column transload.migration_status_tracking.estimated_completion is 'NULL where there is nothing to estimate it from.';

create table transload.schema_mapping_definitions (
    id uuid primary key default gen_random_uuid(),
    entity_type text not null,
    source_table text not null,
    destination_table text not null,
    field_mappings jsonb not null default '[]',
    validation_rules jsonb not null default '[]',
    transformation_functions jsonb not null default '[]',
    version text not null,
    is_active boolean not null default false,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint schema_mapping_definitions_names
        check (entity_type <> '' and source_table <> '' and destination_table <> '' and version <> ''),
    constraint schema_mapping_definitions_fields check (
        jsonb_typeof(field_mappings) = 'array'
        and not jsonb_path_exists(field_mappings, '$[*] ? (
            !(@.source_field.type() == "string") || !(@.destination_field.type() == "string")
            || !(@.data_type.type() == "string") || !(@.is_required.type() == "boolean"))')
    ),
    constraint schema_mapping_definitions_rules check (
        jsonb_typeof(validation_rules) = 'array'
        and not jsonb_path_exists(validation_rules, '$[*] ? (
            !(@.field_name.type() == "string") || !(@.rule_parameters.type() == "object")
            || !(@.rule_type == "required" || @.rule_type == "unique" || @.rule_type == "format" || @.rule_type == "range"))')
    ),
    constraint schema_mapping_definitions_functions check (
        jsonb_typeof(transformation_functions) = 'array'
        and not jsonb_path_exists(transformation_functions, '$[*] ? (
            !(@.name.type() == "string") || !(@.function_body.type() == "string"))')
    )
);

comment on table transload.schema_mapping_definitions is 'Specs as they were, by entity and version. One of an entity is active.';
comment on column transload.schema_mapping_definitions.transformation_functions is 'Functions in rhai: name, description, function_body.';

create table transload.migration_execution_logs (
    id uuid primary key default gen_random_uuid(),
    migration_session_id uuid not null,
    entity_type text not null,
    operation_type text not null,
    record_id text,
    log_level text not null,
    message text not null,
    error_details jsonb,
    performance_data jsonb,
    context_data jsonb not null default '{}',
    timestamp timestamptz not null,
    created_at timestamptz not null default clock_timestamp(),
    constraint migration_execution_logs_operation check (operation_type in (
        'baseline_analysis', 'differential_detection', 'record_migration', 'validation', 'checkpoint_save', 'checkpoint_restore')),
    constraint migration_execution_logs_level check (log_level in ('error', 'warn', 'info', 'debug')),
    constraint migration_execution_logs_errors check (jsonb_typeof(error_details) = 'object'),
    constraint migration_execution_logs_performance check (jsonb_typeof(performance_data) = 'object'),
    constraint migration_execution_logs_context check (jsonb_typeof(context_data) = 'object'),
    constraint migration_execution_logs_time
        check (timestamp >= '2000-01-01 00:00:00+00' and timestamp <= created_at + interval '24 hours')
);

comment on table transload.migration_execution_logs is
    'What happened, for people. It has no reference to runs: a log outlives the rows that it speaks of.';

create table transload.imported_mappings (
    entity_type text not null,
    source_id text not null,
    destination_id text not null,
    imported_at timestamptz not null default clock_timestamp(),
    primary key (entity_type, source_id)
);

comment on table transload.imported_mappings is
    'Keys that an older installation gave, as 004 found them. The ledger has its own, for the rows that it accounts for.';
