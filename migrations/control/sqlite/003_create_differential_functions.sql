-- What may become of the control store's rows, and what SQL users may ask of them.
--
-- SQLite has no stored functions. What they do on PostgreSQL is done here by triggers, where it is a rule, and by views, where it is a
-- question, in words that SQLite 3.38 understands. Two things have no counterpart: `purge_expired` (delete what `retained_rows` says) and the import from other tables.

-- Transitions ----------------------------------------------------------------------------------------------------------------------

-- The first state may be any: what is heard of a run first may be its end.
create trigger migration_runs_check_transition before update of status on migration_runs
when old.status <> new.status and old.status || '>' || new.status not in (
    'pending>running', 'pending>cancelled', 'running>paused', 'running>completed', 'running>failed',
    'running>cancelled', 'paused>running', 'paused>cancelled', 'failed>running')
begin
    select raise(abort, 'a run in this state cannot come into that one');
end;

create trigger migration_status_tracking_check_transition before update of overall_status on migration_status_tracking
when old.overall_status <> new.overall_status and old.overall_status || '>' || new.overall_status not in (
    'pending>running', 'pending>cancelled', 'running>paused', 'running>completed', 'running>failed',
    'running>cancelled', 'paused>running', 'paused>cancelled', 'failed>running')
begin
    select raise(abort, 'a run in this state cannot come into that one');
end;

create trigger migration_checkpoints_check_transition before update of status on migration_checkpoints
when old.status <> new.status and old.status || '>' || new.status not in (
    'created>active', 'active>suspended', 'suspended>active', 'active>completed')
begin
    select raise(abort, 'a checkpoint in this state cannot come into that one');
end;

-- Rules that look into lists -------------------------------------------------------------------------------------------------------

create trigger migration_status_tracking_check_insert before insert on migration_status_tracking
when exists (
    select 1 from (
        select value from json_each(new.entities_pending)
        union all select value from json_each(new.entities_running)
        union all select value from json_each(new.entities_completed)
        union all select value from json_each(new.entities_failed)
    ) group by value having count(*) > 1)
begin
    select raise(abort, 'an entity is in two lists of migration_status_tracking');
end;

create trigger migration_status_tracking_check_update before update on migration_status_tracking
when exists (
    select 1 from (
        select value from json_each(new.entities_pending)
        union all select value from json_each(new.entities_running)
        union all select value from json_each(new.entities_completed)
        union all select value from json_each(new.entities_failed)
    ) group by value having count(*) > 1)
begin
    select raise(abort, 'an entity is in two lists of migration_status_tracking');
end;

create trigger schema_mapping_definitions_check_insert before insert on schema_mapping_definitions
begin
    select raise(abort, 'a field mapping lacks source_field, destination_field, data_type or is_required')
    from json_each(new.field_mappings) m
    where m.type <> 'object' or m.value ->> '$.source_field' is null or m.value ->> '$.destination_field' is null
        or m.value ->> '$.data_type' is null or json_type(m.value, '$.is_required') is null
        or json_type(m.value, '$.is_required') not in ('true', 'false');
    select raise(abort, 'a validation rule lacks field_name or rule_parameters, or has a rule_type that there is none of')
    from json_each(new.validation_rules) r
    where r.type <> 'object' or r.value ->> '$.field_name' is null or json_type(r.value, '$.rule_parameters') is not 'object'
        or coalesce(r.value ->> '$.rule_type', '') not in ('required', 'unique', 'format', 'range');
    select raise(abort, 'a transformation function lacks name or function_body')
    from json_each(new.transformation_functions) f
    where f.type <> 'object' or f.value ->> '$.name' is null or f.value ->> '$.function_body' is null;
end;

create trigger schema_mapping_definitions_check_update before update on schema_mapping_definitions
begin
    select raise(abort, 'a field mapping lacks source_field, destination_field, data_type or is_required')
    from json_each(new.field_mappings) m
    where m.type <> 'object' or m.value ->> '$.source_field' is null or m.value ->> '$.destination_field' is null
        or m.value ->> '$.data_type' is null or json_type(m.value, '$.is_required') is null
        or json_type(m.value, '$.is_required') not in ('true', 'false');
    select raise(abort, 'a validation rule lacks field_name or rule_parameters, or has a rule_type that there is none of')
    from json_each(new.validation_rules) r
    where r.type <> 'object' or r.value ->> '$.field_name' is null or json_type(r.value, '$.rule_parameters') is not 'object'
        or coalesce(r.value ->> '$.rule_type', '') not in ('required', 'unique', 'format', 'range');
    select raise(abort, 'a transformation function lacks name or function_body')
    from json_each(new.transformation_functions) f
    where f.type <> 'object' or f.value ->> '$.name' is null or f.value ->> '$.function_body' is null;
end;

-- When a row changed last ----------------------------------------------------------------------------------------------------------

create trigger migration_runs_touch after update on migration_runs when new.updated_at = old.updated_at
begin
    update migration_runs set updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') where run_id = new.run_id;
end;

create trigger migration_control_touch after update on migration_control when new.updated_at = old.updated_at
begin
    update migration_control set updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') where run_id = new.run_id;
end;

create trigger workflow_states_touch after update on workflow_states when new.updated_at = old.updated_at
begin
    update workflow_states set updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') where run_id = new.run_id and entity_type = new.entity_type;
end;

create trigger migration_checkpoints_touch after update on migration_checkpoints when new.updated_at = old.updated_at
begin
    update migration_checkpoints set updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') where id = new.id;
end;

create trigger differential_analysis_results_touch after update on differential_analysis_results when new.updated_at = old.updated_at
begin
    update differential_analysis_results set updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') where id = new.id;
end;

create trigger schema_mapping_definitions_touch after update on schema_mapping_definitions when new.updated_at = old.updated_at
begin
    update schema_mapping_definitions set updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') where id = new.id;
end;

-- The status of a run, made of its parts -------------------------------------------------------------------------------------------

-- How far each entity of each run is. records_remaining is NULL where the source could not tell how many rows it has.
create view entity_progress as
    select w.run_id, w.entity_type, w.position, w.status, w.reason, w.stream, w.unit, w.counts,
        coalesce(w.counts ->> '$.read', 0) as records_processed,
        case
            when w.status in ('loaded', 'done') then 0
            else max(w.source_rows - coalesce(w.counts ->> '$.read', 0), 0)
        end as records_remaining
    from workflow_states w;

-- What migration_status_tracking is made of.
create view run_status as
    select r.run_id as migration_session_id, r.status as overall_status,
        (select json_group_array(l.entity_type) from (
            select e.entity_type from entity_progress e where e.run_id = r.run_id and e.status in ('waiting', 'suspended') order by e.position) l) as entities_pending,
        (select json_group_array(l.entity_type) from (
            select e.entity_type from entity_progress e where e.run_id = r.run_id and e.status in ('moving', 'loaded') order by e.position) l) as entities_running,
        (select json_group_array(l.entity_type) from (
            select e.entity_type from entity_progress e where e.run_id = r.run_id and e.status = 'done' order by e.position) l) as entities_completed,
        (select json_group_array(l.entity_type) from (
            select e.entity_type from entity_progress e where e.run_id = r.run_id and e.status = 'failed' order by e.position) l) as entities_failed,
        coalesce(sum(e.records_processed), 0) as total_records_processed,
        case when count(e.entity_type) = count(e.records_remaining) then sum(e.records_remaining) end as total_records_remaining,
        json_patch('{}', json_object(
            'reason', r.reason,
            'entities', json((
                select case when count(*) > 0 then json_group_object(f.entity_type, f.reason) end
                from entity_progress f where f.run_id = r.run_id and f.reason is not null)),
            'records_in_quarantine', coalesce(sum(e.counts ->> '$.quarantined'), 0)
        )) as error_summary,
        coalesce(r.performance, '{}') as performance_metrics,
        r.started_at, r.completed_at
    from migration_runs r
    left join entity_progress e on e.run_id = r.run_id
    where r.counts is not null
    group by r.run_id;

-- The same, with when a run is done that goes on as it went so far. What is more than ten years away is nonsense.
create view run_status_now as
    select s.*, case
        when s.overall_status = 'running' and s.total_records_processed > 0 and s.total_records_remaining > 0
            and julianday('now') > julianday(s.started_at)
            and (julianday('now') - julianday(s.started_at)) * s.total_records_remaining / s.total_records_processed
                between 0.00001 and 3650
        then strftime('%Y-%m-%dT%H:%M:%fZ', julianday('now')
            + (julianday('now') - julianday(s.started_at)) * s.total_records_remaining / s.total_records_processed)
        end as estimated_completion, strftime('%Y-%m-%dT%H:%M:%fZ', 'now') as updated_at
    from run_status s;

create trigger migration_runs_track_status_after_insert after insert on migration_runs
begin
    insert into migration_status_tracking (
        migration_session_id, overall_status, entities_pending, entities_running, entities_completed, entities_failed,
        total_records_processed, total_records_remaining, estimated_completion, error_summary, performance_metrics, started_at,
        completed_at, updated_at)
    select s.migration_session_id, s.overall_status, s.entities_pending, s.entities_running, s.entities_completed,
        s.entities_failed, s.total_records_processed, s.total_records_remaining, s.estimated_completion, s.error_summary,
        s.performance_metrics, s.started_at, s.completed_at, s.updated_at
    from run_status_now s
    where s.migration_session_id = new.run_id
    on conflict (migration_session_id) do update set
        overall_status = excluded.overall_status, entities_pending = excluded.entities_pending,
        entities_running = excluded.entities_running, entities_completed = excluded.entities_completed,
        entities_failed = excluded.entities_failed, total_records_processed = excluded.total_records_processed,
        total_records_remaining = excluded.total_records_remaining, estimated_completion = excluded.estimated_completion,
        error_summary = excluded.error_summary, performance_metrics = excluded.performance_metrics,
        started_at = excluded.started_at, completed_at = excluded.completed_at, updated_at = excluded.updated_at;
end;

create trigger migration_runs_track_status_after_update after update of status, reason, counts, performance, started_at, completed_at on migration_runs
begin
    insert into migration_status_tracking (
        migration_session_id, overall_status, entities_pending, entities_running, entities_completed, entities_failed,
        total_records_processed, total_records_remaining, estimated_completion, error_summary, performance_metrics, started_at,
        completed_at, updated_at)
    select s.migration_session_id, s.overall_status, s.entities_pending, s.entities_running, s.entities_completed,
        s.entities_failed, s.total_records_processed, s.total_records_remaining, s.estimated_completion, s.error_summary,
        s.performance_metrics, s.started_at, s.completed_at, s.updated_at
    from run_status_now s
    where s.migration_session_id = new.run_id
    on conflict (migration_session_id) do update set
        overall_status = excluded.overall_status, entities_pending = excluded.entities_pending,
        entities_running = excluded.entities_running, entities_completed = excluded.entities_completed,
        entities_failed = excluded.entities_failed, total_records_processed = excluded.total_records_processed,
        total_records_remaining = excluded.total_records_remaining, estimated_completion = excluded.estimated_completion,
        error_summary = excluded.error_summary, performance_metrics = excluded.performance_metrics,
        started_at = excluded.started_at, completed_at = excluded.completed_at, updated_at = excluded.updated_at;
end;

create trigger workflow_states_track_status_after_insert after insert on workflow_states
begin
    insert into migration_status_tracking (
        migration_session_id, overall_status, entities_pending, entities_running, entities_completed, entities_failed,
        total_records_processed, total_records_remaining, estimated_completion, error_summary, performance_metrics, started_at,
        completed_at, updated_at)
    select s.migration_session_id, s.overall_status, s.entities_pending, s.entities_running, s.entities_completed,
        s.entities_failed, s.total_records_processed, s.total_records_remaining, s.estimated_completion, s.error_summary,
        s.performance_metrics, s.started_at, s.completed_at, s.updated_at
    from run_status_now s
    where s.migration_session_id = new.run_id
    on conflict (migration_session_id) do update set
        overall_status = excluded.overall_status, entities_pending = excluded.entities_pending,
        entities_running = excluded.entities_running, entities_completed = excluded.entities_completed,
        entities_failed = excluded.entities_failed, total_records_processed = excluded.total_records_processed,
        total_records_remaining = excluded.total_records_remaining, estimated_completion = excluded.estimated_completion,
        error_summary = excluded.error_summary, performance_metrics = excluded.performance_metrics,
        started_at = excluded.started_at, completed_at = excluded.completed_at, updated_at = excluded.updated_at;
end;

create trigger workflow_states_track_status_after_update after update of status, reason, counts, source_rows on workflow_states
begin
    insert into migration_status_tracking (
        migration_session_id, overall_status, entities_pending, entities_running, entities_completed, entities_failed,
        total_records_processed, total_records_remaining, estimated_completion, error_summary, performance_metrics, started_at,
        completed_at, updated_at)
    select s.migration_session_id, s.overall_status, s.entities_pending, s.entities_running, s.entities_completed,
        s.entities_failed, s.total_records_processed, s.total_records_remaining, s.estimated_completion, s.error_summary,
        s.performance_metrics, s.started_at, s.completed_at, s.updated_at
    from run_status_now s
    where s.migration_session_id = new.run_id
    on conflict (migration_session_id) do update set
        overall_status = excluded.overall_status, entities_pending = excluded.entities_pending,
        entities_running = excluded.entities_running, entities_completed = excluded.entities_completed,
        entities_failed = excluded.entities_failed, total_records_processed = excluded.total_records_processed,
        total_records_remaining = excluded.total_records_remaining, estimated_completion = excluded.estimated_completion,
        error_summary = excluded.error_summary, performance_metrics = excluded.performance_metrics,
        started_at = excluded.started_at, completed_at = excluded.completed_at, updated_at = excluded.updated_at;
end;

-- Derived calculations -------------------------------------------------------------------------------------------------------------

-- What each analysis found, in numbers. change_percentage is NULL where the source is empty.
create view analysis_summary as
    select r.id, r.entity_type, r.analysis_timestamp, r.last_migration_timestamp, r.source_record_count,
        r.destination_record_count, json_array_length(r.new_records) as new_count,
        json_array_length(r.modified_records) as modified_count, json_array_length(r.deleted_records) as deleted_count,
        json_array_length(r.new_records) + json_array_length(r.modified_records) as total_changes,
        (json_array_length(r.new_records) + json_array_length(r.modified_records)) * 100.0 / nullif(r.source_record_count, 0)
            as change_percentage
    from differential_analysis_results r;

-- How far each run is. progress_percentage is NULL where the number of remaining records is not known.
create view run_progress as
    select s.migration_session_id as run_id, s.overall_status as status,
        json_array_length(s.entities_completed) as entities_completed,
        json_array_length(s.entities_pending) + json_array_length(s.entities_running) + json_array_length(s.entities_completed)
            + json_array_length(s.entities_failed) as entities,
        s.total_records_processed as records_processed, s.total_records_remaining as records_remaining,
        s.total_records_processed * 100.0 / nullif(s.total_records_processed + s.total_records_remaining, 0)
            as progress_percentage,
        s.entities_running, s.estimated_completion, s.started_at, s.completed_at
    from migration_status_tracking s;

-- Runs as they are listed: total_duration in seconds, success NULL until a run has ended.
create view run_overview as
    select r.run_id as id, r.file_path, r.record_type, r.status, r.created_at, r.updated_at, r.completed_at,
        (julianday(r.completed_at) - julianday(r.started_at)) * 86400.0 as total_duration,
        case when r.status in ('completed', 'failed', 'cancelled') then r.status = 'completed' end as success,
        r.reason as error_message
    from migration_runs r;

-- Retention ------------------------------------------------------------------------------------------------------------------------

-- Rows that are kept for a time, and until when: logs 90 days, analyses 30, checkpoints of completed runs 30. What is not here stays.
create view retained_rows as
    select 'migration_execution_logs' as table_name, l.id, strftime('%Y-%m-%dT%H:%M:%SZ', l.timestamp, '+90 days') as expires_at
    from migration_execution_logs l
    union all
    select 'differential_analysis_results', a.id, strftime('%Y-%m-%dT%H:%M:%SZ', a.analysis_timestamp, '+30 days')
    from differential_analysis_results a
    union all
    select 'migration_checkpoints', c.id, strftime('%Y-%m-%dT%H:%M:%SZ', r.completed_at, '+30 days')
    from migration_checkpoints c
    join migration_runs r on r.run_id = c.migration_run_id
    where r.status = 'completed' and c.status = 'completed'
    union all
    select 'workflow_checkpoints', c.id, strftime('%Y-%m-%dT%H:%M:%SZ', r.completed_at, '+30 days')
    from workflow_checkpoints c
    join migration_runs r on r.run_id = c.run_id
    where r.status = 'completed';
