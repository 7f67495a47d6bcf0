-- The control store: a mirror of progress, and the history of runs.
-- What is true of rows stands in the destination's ledger; this store may lag behind it and never leads.
-- What a table may hold is said here, what may become of a row in 003. Times are RFC 3339, in UTC; lists and objects are JSON.

-- Stores of the first shape have two of these tables. They step aside, and 004 takes their rows over. A new store has none, so empty
-- ones are made to step aside.
create table if not exists migration_runs (
    run_id text primary key, project text, environment text, status text, reason text, started_at text, completed_at text,
    counts text, process_id integer, process_holder text
);
create table if not exists workflow_states (
    run_id text, entity_type text, position integer, status text, reason text, counts text, elapsed_ms integer
);
alter table workflow_states rename to workflow_states_of_first_shape;
alter table migration_runs rename to migration_runs_of_first_shape;

-- Newest first is descending run_id: the ids begin with their time.
create table migration_runs (
    run_id text primary key,
    project text,
    environment text,
    file_path text,
    record_type text,
    status text not null,
    reason text,
    counts text,
    -- Milliseconds of the last process that worked on the run: elapsed, and by step all entities together.
    performance text,
    metadata text not null default '{}',
    started_at text,
    completed_at text,
    created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    constraint migration_runs_status
        check (status in ('pending', 'running', 'paused', 'completed', 'failed', 'cancelled')),
    constraint migration_runs_counts check (json_type(counts) = 'object'),
    constraint migration_runs_performance check (json_type(performance) = 'object'),
    constraint migration_runs_metadata check (json_type(metadata) = 'object'),
    constraint migration_runs_started check (status <> 'running' or started_at is not null),
    constraint migration_runs_completed
        check (completed_at is null or status in ('completed', 'failed', 'cancelled'))
) strict, without rowid;

-- Who works on a run, and what was asked of it.
create table migration_control (
    run_id text primary key references migration_runs (run_id) on delete cascade,
    -- The process that works on the run: boot id, process id, start time. The run is alive while that process exists.
    holder text,
    holder_name text,
    process_id integer,
    requested_status text,
    requested_at text,
    requested_by text,
    created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    constraint migration_control_requested check (requested_status in ('running', 'paused', 'cancelled')),
    constraint migration_control_request_has_its_time check ((requested_status is null) = (requested_at is null)),
    constraint migration_control_process check (process_id >= 0)
) strict, without rowid;

-- The steps of a run: one row per entity, in the order in which they were stored first.
create table workflow_states (
    run_id text not null references migration_runs (run_id) on delete cascade,
    entity_type text not null,
    position integer not null,
    status text not null,
    reason text,
    counts text not null,
    -- Rows at the source, where it could tell; an estimate.
    source_rows integer,
    -- The last unit that this run committed for the entity: its stream, and its number among those of the stream.
    stream integer,
    unit integer,
    elapsed_ms integer not null,
    created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    primary key (run_id, entity_type),
    constraint workflow_states_entity check (entity_type <> ''),
    constraint workflow_states_status
        check (status in ('waiting', 'moving', 'loaded', 'done', 'suspended', 'failed')),
    constraint workflow_states_counts check (json_type(counts) = 'object'),
    constraint workflow_states_numbers check (position >= 0 and source_rows >= 0 and stream >= 0 and unit >= 0 and elapsed_ms >= 0),
    constraint workflow_states_unit check ((stream is null) = (unit is null))
) strict, without rowid;

-- Where an entity of a run stands, after its last committed unit. A run goes on from the ledger in the destination, not from here.
create table migration_checkpoints (
    id text primary key default (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
        || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    entity_type text not null,
    migration_run_id text not null references migration_control (run_id) on delete cascade,
    -- NULL for runs of this engine: source keys are values of rows, and stay in the destination.
    last_processed_id text,
    -- The number of the last committed unit, among those of its stream. A checkpoint stands between two units, never inside one.
    batch_position integer,
    records_processed integer not null default 0,
    -- NULL where the source could not tell how many rows it has.
    records_remaining integer,
    checkpoint_data text not null default '{}',
    status text not null default 'created',
    created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    constraint migration_checkpoints_entity check (entity_type <> ''),
    constraint migration_checkpoints_batch_position check (batch_position >= 0),
    constraint migration_checkpoints_processed check (records_processed >= 0),
    constraint migration_checkpoints_remaining check (records_remaining >= 0),
    constraint migration_checkpoints_data check (json_type(checkpoint_data) = 'object'),
    constraint migration_checkpoints_status check (status in ('created', 'active', 'suspended', 'completed'))
) strict;

-- The history of checkpoints: one row per unit that was heard of. Units may be missing where many followed each other fast.
create table workflow_checkpoints (
    id text primary key default (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
        || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    run_id text not null,
    entity_type text not null,
    stream integer not null,
    unit integer not null,
    records_processed integer not null,
    records_remaining integer,
    checkpoint_data text not null default '{}',
    created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    foreign key (run_id, entity_type) references workflow_states (run_id, entity_type) on delete cascade,
    constraint workflow_checkpoints_numbers check (stream >= 0 and unit >= 0 and records_processed >= 0 and records_remaining >= 0),
    constraint workflow_checkpoints_data check (json_type(checkpoint_data) = 'object')
) strict;

-- What an analysis found: which records are new, modified and gone.
create table differential_analysis_results (
    id text primary key default (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
        || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    entity_type text not null,
    analysis_timestamp text not null,
    source_record_count integer not null,
    destination_record_count integer not null,
    new_records text not null default '[]',
    modified_records text not null default '[]',
    deleted_records text not null default '[]',
    -- NULL where nothing was migrated before.
    last_migration_timestamp text,
    analysis_metadata text not null default '{}',
    created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    constraint differential_analysis_results_entity check (entity_type <> ''),
    constraint differential_analysis_results_time check (julianday(analysis_timestamp) is not null),
    constraint differential_analysis_results_after
        check (julianday(analysis_timestamp) > julianday(last_migration_timestamp)),
    constraint differential_analysis_results_source check (source_record_count >= 0),
    constraint differential_analysis_results_destination check (destination_record_count >= 0),
    constraint differential_analysis_results_lists check (
        json_type(new_records) = 'array' and json_type(modified_records) = 'array' and json_type(deleted_records) = 'array'),
    constraint differential_analysis_results_size
        check (json_array_length(new_records) + json_array_length(modified_records) < 1000000),
    constraint differential_analysis_results_metadata check (json_type(analysis_metadata) = 'object')
) strict;

-- One row per run, made of migration_runs and workflow_states by their triggers in the same transaction. It is never written by hand.
create table migration_status_tracking (
    id text primary key default (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
        || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    migration_session_id text not null unique references migration_runs (run_id) on delete cascade,
    overall_status text not null,
    -- Entities that wait, also those that wait for the next run.
    entities_pending text not null default '[]',
    entities_running text not null default '[]',
    entities_completed text not null default '[]',
    entities_failed text not null default '[]',
    total_records_processed integer not null default 0,
    -- NULL while an entity has not begun, or its source cannot tell how many rows it has.
    total_records_remaining integer,
    -- NULL where there is nothing to estimate it from.
    estimated_completion text,
    error_summary text not null default '{}',
    performance_metrics text not null default '{}',
    started_at text,
    completed_at text,
    created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    constraint migration_status_tracking_status
        check (overall_status in ('pending', 'running', 'paused', 'completed', 'failed', 'cancelled')),
    constraint migration_status_tracking_lists check (
        json_type(entities_pending) = 'array' and json_type(entities_running) = 'array'
        and json_type(entities_completed) = 'array' and json_type(entities_failed) = 'array'),
    constraint migration_status_tracking_processed check (total_records_processed >= 0),
    constraint migration_status_tracking_remaining check (total_records_remaining >= 0),
    constraint migration_status_tracking_estimate
        check (overall_status <> 'running' or julianday(estimated_completion) > julianday(updated_at)),
    constraint migration_status_tracking_errors check (json_type(error_summary) = 'object'),
    constraint migration_status_tracking_performance check (json_type(performance_metrics) = 'object')
) strict;

-- Specs as they were, by entity and version. One of an entity is active.
create table schema_mapping_definitions (
    id text primary key default (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
        || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    entity_type text not null,
    source_table text not null,
    destination_table text not null,
    field_mappings text not null default '[]',
    validation_rules text not null default '[]',
    -- Functions in rhai: name, description, function_body.
    transformation_functions text not null default '[]',
    version text not null,
    is_active integer not null default 0,
    created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    constraint schema_mapping_definitions_names
        check (entity_type <> '' and source_table <> '' and destination_table <> '' and version <> ''),
    constraint schema_mapping_definitions_fields check (json_type(field_mappings) = 'array'),
    constraint schema_mapping_definitions_rules check (json_type(validation_rules) = 'array'),
    constraint schema_mapping_definitions_functions check (json_type(transformation_functions) = 'array'),
    constraint schema_mapping_definitions_active check (is_active in (0, 1))
) strict;

-- What happened, for people. It has no reference to runs: a log outlives the rows that it speaks of.
create table migration_execution_logs (
    id text primary key default (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
        || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    migration_session_id text not null,
    entity_type text not null,
    operation_type text not null,
    record_id text,
    log_level text not null,
    message text not null,
    error_details text,
    performance_data text,
    context_data text not null default '{}',
    timestamp text not null,
    created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    constraint migration_execution_logs_operation check (operation_type in (
        'baseline_analysis', 'differential_detection', 'record_migration', 'validation', 'checkpoint_save', 'checkpoint_restore')),
    constraint migration_execution_logs_level check (log_level in ('error', 'warn', 'info', 'debug')),
    constraint migration_execution_logs_errors check (json_type(error_details) = 'object'),
    constraint migration_execution_logs_performance check (json_type(performance_data) = 'object'),
    constraint migration_execution_logs_context check (json_type(context_data) = 'object'),
    constraint migration_execution_logs_time check (
        julianday(timestamp) is not null and julianday(timestamp) >= julianday('2000-01-01')
        and julianday(timestamp) <= julianday(created_at) + 1)
) strict;
