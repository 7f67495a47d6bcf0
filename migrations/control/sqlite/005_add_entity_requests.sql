-- What was asked of single entities of a run; what was asked of the run itself stands in migration_control.

create table workflow_control (
    run_id text not null references migration_control (run_id) on delete cascade,
    entity_type text not null,
    requested_status text not null,
    requested_at text not null,
    requested_by text,
    primary key (run_id, entity_type),
    constraint workflow_control_entity check (entity_type <> ''),
    constraint workflow_control_requested check (requested_status in ('paused', 'cancelled'))
) strict, without rowid;
