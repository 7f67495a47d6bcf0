-- Takes over what an older installation left behind, where it did. Its tables are read and never changed.
--
-- Three tables are looked for, by default in `public`. They are taken by the names of their columns; columns that are missing are NULL,
-- and rows without what identifies them are passed over:
--   migration_control      run_id, status; started_at, completed_at, updated_at, error_message
--   migration_checkpoints  migration_run_id, entity_type; last_processed_id, batch_position, records_processed, records_remaining,
--                          checkpoint_data, created_at, updated_at
--   migration_mappings     entity_type, source_id, destination_id
-- Runs keep their old rows whole, in `metadata`. What is here already is left as it is, so taking over again adds only what is new.

create function transload.to_moment(written text) returns timestamptz
    language plpgsql stable set search_path = ''
    as $$
    begin
        return written::timestamptz;
    exception when data_exception then
        return null;
    end
    $$;

comment on function transload.to_moment(text) is 'A time, or NULL where the text is none.';

create function transload.to_count(written text) returns bigint
    language sql immutable set search_path = ''
    as $$ select case when written ~ '^[0-9]{1,18}$' then written::bigint end $$;

comment on function transload.to_count(text) is 'A number of rows, or NULL where the text is none.';

create function transload.to_id(written text) returns uuid
    language sql immutable set search_path = ''
    as $$
        select case
            when written ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' then written::uuid
        end
    $$;

comment on function transload.to_id(text) is 'An id, or NULL where the text is none.';

create function transload.existing_rows(schema_name text, table_name text) returns setof jsonb
    language plpgsql stable set search_path = ''
    as $$
    declare
        place oid := pg_catalog.to_regclass(pg_catalog.format('%I.%I', schema_name, table_name));
        readable boolean;
    begin
        select c.relkind in ('r', 'p') and not c.relrowsecurity and pg_catalog.has_schema_privilege(c.relnamespace, 'usage')
                and pg_catalog.has_table_privilege(c.oid, 'select')
            into readable
            from pg_catalog.pg_class c where c.oid = place;
        if readable then
            return query execute pg_catalog.format('select pg_catalog.to_jsonb(t) from %I.%I t', schema_name, table_name);
        end if;
    end
    $$;

comment on function transload.existing_rows(text, text) is 'The rows of a table as JSON; none where it is not there or may not be read.';

create function transload.import_runs(schema_name text) returns bigint
    language plpgsql set search_path = ''
    as $$
    declare
        imported bigint;
    begin
        with old as (
            select transload.to_id(t ->> 'run_id') as run_id, lower(t ->> 'status') as status, t as content,
                transload.to_moment(t ->> 'started_at') as started_at, transload.to_moment(t ->> 'completed_at') as completed_at,
                transload.to_moment(t ->> 'updated_at') as updated_at, t ->> 'error_message' as reason
            from transload.existing_rows(schema_name, 'migration_control') t
        ), newest as (
            select distinct on (run_id) o.*, jsonb_agg(o.content) over (partition by run_id) as contents
            from old o
            where run_id is not null
                and status in ('pending', 'running', 'paused', 'completed', 'failed', 'cancelled')
                and (status <> 'running' or started_at is not null)
            order by run_id, updated_at desc nulls last
        ), put as (
            insert into transload.migration_runs (run_id, status, reason, started_at, completed_at, metadata)
            select run_id, status, reason, started_at,
                case when status in ('completed', 'failed', 'cancelled') then completed_at end,
                jsonb_build_object('imported_from', schema_name || '.migration_control', 'rows', contents)
            from newest
            on conflict (run_id) do nothing
            returning run_id
        ), control as (
            insert into transload.migration_control (run_id) select run_id from put
        )
        select count(*) into imported from put;
        return imported;
    end
    $$;

comment on function transload.import_runs(text) is 'Takes over the runs of an older installation, and says how many.';

create function transload.import_checkpoints(schema_name text) returns bigint
    language plpgsql set search_path = ''
    as $$
    declare
        imported bigint;
    begin
        with old as (
            select coalesce(transload.to_id(t ->> 'id'), gen_random_uuid()) as id, t ->> 'entity_type' as entity_type,
                transload.to_id(t ->> 'migration_run_id') as run_id, t ->> 'last_processed_id' as last_processed_id,
                transload.to_count(t ->> 'batch_position') as batch_position,
                transload.to_count(t ->> 'records_processed') as records_processed,
                transload.to_count(t ->> 'records_remaining') as records_remaining,
                case when jsonb_typeof(t -> 'checkpoint_data') = 'object' then t -> 'checkpoint_data' else '{}' end as data,
                coalesce(transload.to_moment(t ->> 'created_at'), clock_timestamp()) as created_at,
                coalesce(transload.to_moment(t ->> 'updated_at'), clock_timestamp()) as updated_at
            from transload.existing_rows(schema_name, 'migration_checkpoints') t
        ), newest as (
            select distinct on (o.run_id, o.entity_type) o.*, r.status = 'completed' as is_done
            from old o
            join transload.migration_runs r on r.run_id = o.run_id
            join transload.migration_control c on c.run_id = o.run_id
            where o.entity_type <> '' and o.records_processed is not null
            order by o.run_id, o.entity_type, o.updated_at desc
        ), put as (
            insert into transload.migration_checkpoints (
                id, entity_type, migration_run_id, last_processed_id, batch_position, records_processed, records_remaining,
                checkpoint_data, status, created_at, updated_at)
            select id, entity_type, run_id, last_processed_id, batch_position, records_processed, records_remaining, data,
                -- Nobody is at work on them any more.
                case when is_done then 'completed' else 'suspended' end, created_at, updated_at
            from newest
            on conflict do nothing
            returning id
        )
        select count(*) into imported from put;
        return imported;
    end
    $$;

comment on function transload.import_checkpoints(text) is
    'Takes over the newest checkpoint of each entity and run of an older installation, and says how many.';

create function transload.import_mappings(schema_name text) returns bigint
    language plpgsql set search_path = ''
    as $$
    declare
        imported bigint;
    begin
        insert into transload.imported_mappings (entity_type, source_id, destination_id)
        select t ->> 'entity_type', t ->> 'source_id', t ->> 'destination_id'
        from transload.existing_rows(schema_name, 'migration_mappings') t
        where t ->> 'entity_type' is not null and t ->> 'source_id' is not null and t ->> 'destination_id' is not null
        on conflict do nothing;
        get diagnostics imported = row_count;
        return imported;
    end
    $$;

comment on function transload.import_mappings(text) is 'Takes over the keys of an older installation, and says how many.';

create function transload.import_existing(schema_name text default 'public')
    returns table (table_name text, imported bigint)
    language plpgsql set search_path = ''
    as $$
    begin
        if schema_name = 'transload' then
            raise exception 'the schema transload is where rows are imported to' using errcode = 'TL507';
        end if;
        -- In this order: checkpoints refer to runs.
        return query select 'migration_control'::text, transload.import_runs(schema_name);
        return query select 'migration_checkpoints'::text, transload.import_checkpoints(schema_name);
        return query select 'migration_mappings'::text, transload.import_mappings(schema_name);
    end
    $$;

comment on function transload.import_existing(text) is
    'Takes over what an older installation left in a schema, and says how many rows of which tables were new.';

select table_name, imported from transload.import_existing();
