-- The control store: a mirror of progress, and the history of runs.

create table migration_runs (
    run_id text primary key,
    project text not null,
    environment text not null,
    status text not null,
    reason text,
    started_at text not null,
    completed_at text,
    counts text not null,
    process_id integer not null,
    process_holder text not null
) strict, without rowid;

create table workflow_states (
    run_id text not null references migration_runs (run_id),
    entity_type text not null,
    position integer not null,
    status text not null,
    reason text,
    counts text not null,
    elapsed_ms integer not null,
    primary key (run_id, entity_type)
) strict, without rowid;
