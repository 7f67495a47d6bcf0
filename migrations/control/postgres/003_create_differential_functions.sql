-- What may become of the control store's rows, and what SQL users may ask of them.

-- Transitions ----------------------------------------------------------------------------------------------------------------------

create function transload.run_may_become(before text, after text) returns boolean
    language sql immutable set search_path = ''
    as $$
        select (before, after) in (
            ('pending', 'running'), ('pending', 'cancelled'),
            ('running', 'paused'), ('running', 'completed'), ('running', 'failed'), ('running', 'cancelled'),
            ('paused', 'running'), ('paused', 'cancelled'),
            ('failed', 'running')
        )
    $$;

comment on function transload.run_may_become(text, text) is 'Whether a run in one state may come into another.';

create function transload.checkpoint_may_become(before text, after text) returns boolean
    language sql immutable set search_path = ''
    as $$
        select (before, after) in (
            ('created', 'active'), ('active', 'suspended'), ('suspended', 'active'), ('active', 'completed')
        )
    $$;

comment on function transload.checkpoint_may_become(text, text) is 'Whether a checkpoint in one state may come into another.';

-- The first state may be any: what is heard of a run first may be its end.
create function transload.check_run_transition() returns trigger
    language plpgsql set search_path = ''
    as $$
    declare
        before text := to_jsonb(old) ->> tg_argv[0];
        after text := to_jsonb(new) ->> tg_argv[0];
    begin
        if not transload.run_may_become(before, after) then
            raise exception 'a run that is % cannot become %', before, after using errcode = 'TL507';
        end if;
        return new;
    end
    $$;

comment on function transload.check_run_transition() is 'Refuses a change of state that runs do not know. SQLSTATE TL507.';

create function transload.check_checkpoint_transition() returns trigger
    language plpgsql set search_path = ''
    as $$
    begin
        if not transload.checkpoint_may_become(old.status, new.status) then
            raise exception 'a checkpoint that is % cannot become %', old.status, new.status using errcode = 'TL507';
        end if;
        return new;
    end
    $$;

comment on function transload.check_checkpoint_transition() is 'Refuses a change of state that checkpoints do not know. SQLSTATE TL507.';

create trigger check_transition before update on transload.migration_runs
    for each row when (old.status <> new.status)
    execute function transload.check_run_transition('status');

create trigger check_transition before update on transload.migration_status_tracking
    for each row when (old.overall_status <> new.overall_status)
    execute function transload.check_run_transition('overall_status');

create trigger check_transition before update on transload.migration_checkpoints
    for each row when (old.status <> new.status)
    execute function transload.check_checkpoint_transition();

-- When a row changed last ----------------------------------------------------------------------------------------------------------

create function transload.touch() returns trigger
    language plpgsql set search_path = ''
    as $$
    begin
        new.updated_at := pg_catalog.clock_timestamp();
        return new;
    end
    $$;

comment on function transload.touch() is 'Notes when a row changed last.';

create trigger touch before update on transload.migration_runs for each row execute function transload.touch();
create trigger touch before update on transload.migration_control for each row execute function transload.touch();
create trigger touch before update on transload.workflow_states for each row execute function transload.touch();
create trigger touch before update on transload.migration_checkpoints for each row execute function transload.touch();
create trigger touch before update on transload.differential_analysis_results for each row execute function transload.touch();
create trigger touch before update on transload.schema_mapping_definitions for each row execute function transload.touch();

-- The status of a run, made of its parts -------------------------------------------------------------------------------------------

create view transload.entity_progress as
    select w.run_id, w.entity_type, w.position, w.status, w.reason, w.stream, w.unit, w.counts,
        coalesce((w.counts ->> 'read')::bigint, 0) as records_processed,
        case
            when w.status in ('loaded', 'done') then 0
            -- greatest() passes NULL over; an unknown number of rows must stay unknown.
            when w.source_rows is not null then greatest(w.source_rows - coalesce((w.counts ->> 'read')::bigint, 0), 0)
        end as records_remaining
    from transload.workflow_states w;

comment on view transload.entity_progress is
    'How far each entity of each run is. records_remaining is NULL where the source could not tell how many rows it has.';

create view transload.run_status as
    select r.run_id as migration_session_id, r.status as overall_status,
        coalesce(array_agg(e.entity_type order by e.position) filter (where e.status in ('waiting', 'suspended')), '{}')
            as entities_pending,
        coalesce(array_agg(e.entity_type order by e.position) filter (where e.status in ('moving', 'loaded')), '{}')
            as entities_running,
        coalesce(array_agg(e.entity_type order by e.position) filter (where e.status = 'done'), '{}') as entities_completed,
        coalesce(array_agg(e.entity_type order by e.position) filter (where e.status = 'failed'), '{}') as entities_failed,
        coalesce(sum(e.records_processed), 0)::bigint as total_records_processed,
        case when bool_and(e.records_remaining is not null) then sum(e.records_remaining)::bigint end
            as total_records_remaining,
        jsonb_strip_nulls(jsonb_build_object(
            'reason', r.reason,
            'entities', jsonb_object_agg(e.entity_type, e.reason) filter (where e.reason is not null),
            'records_in_quarantine', coalesce(sum((e.counts ->> 'quarantined')::bigint), 0)
        )) as error_summary,
        coalesce(r.performance, '{}') as performance_metrics,
        r.started_at, r.completed_at
    from transload.migration_runs r
    left join transload.entity_progress e on e.run_id = r.run_id
    where r.counts is not null
    group by r.run_id;

comment on view transload.run_status is 'What migration_status_tracking is made of.';

create function transload.estimate_completion(at timestamptz, started timestamptz, processed bigint, remaining bigint)
    returns timestamptz
    language sql stable set search_path = ''
    as $$
        -- What is more than ten years away is nonsense, and may not fit a timestamp.
        select case
            when at > started and processed > 0 and remaining > 0
                and extract(epoch from at - started) * remaining / processed < 315360000
            then at + (at - started) * (remaining::float8 / processed)
        end
    $$;

comment on function transload.estimate_completion(timestamptz, timestamptz, bigint, bigint) is
    'When a run is done that goes on as it went so far. NULL where that cannot be told.';

create function transload.track_status() returns trigger
    language plpgsql set search_path = ''
    as $$
    declare
        at timestamptz := pg_catalog.clock_timestamp();
    begin
        insert into transload.migration_status_tracking as known (
            migration_session_id, overall_status, entities_pending, entities_running, entities_completed, entities_failed,
            total_records_processed, total_records_remaining, estimated_completion, error_summary, performance_metrics,
            started_at, completed_at, created_at, updated_at)
        select s.migration_session_id, s.overall_status, s.entities_pending, s.entities_running, s.entities_completed,
            s.entities_failed, s.total_records_processed, s.total_records_remaining,
            case when s.overall_status = 'running' then transload.estimate_completion(
                at, s.started_at, s.total_records_processed, s.total_records_remaining) end,
            s.error_summary, s.performance_metrics, s.started_at, s.completed_at, at, at
        from transload.run_status s
        where s.migration_session_id = new.run_id
        on conflict (migration_session_id) do update set
            overall_status = excluded.overall_status, entities_pending = excluded.entities_pending,
            entities_running = excluded.entities_running, entities_completed = excluded.entities_completed,
            entities_failed = excluded.entities_failed, total_records_processed = excluded.total_records_processed,
            total_records_remaining = excluded.total_records_remaining,
            estimated_completion = excluded.estimated_completion, error_summary = excluded.error_summary,
            performance_metrics = excluded.performance_metrics, started_at = excluded.started_at,
            completed_at = excluded.completed_at, updated_at = excluded.updated_at;
        return null;
    end
    $$;

comment on function transload.track_status() is 'Keeps migration_status_tracking in step with a run and its entities.';

create trigger track_status after insert or update on transload.migration_runs
    for each row execute function transload.track_status();
create trigger track_status after insert or update on transload.workflow_states
    for each row execute function transload.track_status();

-- Derived calculations -------------------------------------------------------------------------------------------------------------

create function transload.total_changes(result transload.differential_analysis_results) returns bigint
    language sql stable set search_path = ''
    as $$ select (cardinality(result.new_records) + cardinality(result.modified_records))::bigint $$;

comment on function transload.total_changes(transload.differential_analysis_results) is
    'New and modified records of an analysis: select r.total_changes from transload.differential_analysis_results r.';

create function transload.change_percentage(result transload.differential_analysis_results) returns numeric
    language sql stable set search_path = ''
    as $$ select transload.total_changes(result) * 100.0 / nullif(result.source_record_count, 0) $$;

comment on function transload.change_percentage(transload.differential_analysis_results) is
    'New and modified records as a share of the source''s. NULL where the source is empty.';

create view transload.analysis_summary as
    select r.id, r.entity_type, r.analysis_timestamp, r.last_migration_timestamp, r.source_record_count,
        r.destination_record_count, cardinality(r.new_records) as new_count, cardinality(r.modified_records) as modified_count,
        cardinality(r.deleted_records) as deleted_count, transload.total_changes(r) as total_changes,
        transload.change_percentage(r) as change_percentage
    from transload.differential_analysis_results r;

comment on view transload.analysis_summary is 'What each analysis found, in numbers.';

create view transload.run_progress as
    select s.migration_session_id as run_id, s.overall_status as status,
        cardinality(s.entities_completed) as entities_completed,
        cardinality(s.entities_pending) + cardinality(s.entities_running) + cardinality(s.entities_completed)
            + cardinality(s.entities_failed) as entities,
        s.total_records_processed as records_processed, s.total_records_remaining as records_remaining,
        s.total_records_processed * 100.0 / nullif(s.total_records_processed + s.total_records_remaining, 0)
            as progress_percentage,
        s.entities_running, s.estimated_completion, s.started_at, s.completed_at
    from transload.migration_status_tracking s;

comment on view transload.run_progress is
    'How far each run is. progress_percentage is NULL where the number of remaining records is not known.';

create view transload.run_overview as
    select r.run_id as id, r.file_path, r.record_type, r.status, r.created_at, r.updated_at, r.completed_at,
        extract(epoch from r.completed_at - r.started_at)::float8 as total_duration,
        case when r.status in ('completed', 'failed', 'cancelled') then r.status = 'completed' end as success,
        r.reason as error_message
    from transload.migration_runs r;

comment on view transload.run_overview is 'Runs as they are listed: total_duration in seconds, success NULL until a run has ended.';

-- Retention ------------------------------------------------------------------------------------------------------------------------

create view transload.retained_rows as
    select 'migration_execution_logs' as table_name, l.id, l.timestamp + interval '90 days' as expires_at
    from transload.migration_execution_logs l
    union all
    select 'differential_analysis_results', a.id, a.analysis_timestamp + interval '30 days'
    from transload.differential_analysis_results a
    union all
    select 'migration_checkpoints', c.id, r.completed_at + interval '30 days'
    from transload.migration_checkpoints c
    join transload.migration_runs r on r.run_id = c.migration_run_id
    where r.status = 'completed' and c.status = 'completed'
    union all
    select 'workflow_checkpoints', c.id, r.completed_at + interval '30 days'
    from transload.workflow_checkpoints c
    join transload.migration_runs r on r.run_id = c.run_id
    where r.status = 'completed';

comment on view transload.retained_rows is
    'Rows that are kept for a time, and until when: logs 90 days, analyses 30, checkpoints of completed runs 30. What is not here stays.';

create function transload.purge_expired(at timestamptz default now()) returns table (table_name text, purged bigint)
    language plpgsql set search_path = ''
    as $$
    begin
        for table_name in
            select distinct r.table_name from transload.retained_rows r where r.expires_at <= at order by 1
        loop
            execute pg_catalog.format(
                'delete from transload.%I t using transload.retained_rows r
                 where r.table_name = $1 and r.id = t.id and r.expires_at <= $2', table_name)
                using table_name, at;
            get diagnostics purged = row_count;
            return next;
        end loop;
    end
    $$;

comment on function transload.purge_expired(timestamptz) is
    'Deletes what need not be kept any longer, and says how many rows of which tables. Copy out first what shall be archived.';
