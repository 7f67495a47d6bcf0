-- What was asked of single entities of a run; what was asked of the run itself stands in migration_control.

create table transload.workflow_control (
    run_id uuid not null references transload.migration_control (run_id) on delete cascade,
    entity_type text not null,
    requested_status text not null,
    requested_at timestamptz not null,
    requested_by text,
    primary key (run_id, entity_type),
    constraint workflow_control_entity check (entity_type <> ''),
    constraint workflow_control_requested check (requested_status in ('paused', 'cancelled'))
);

comment on table transload.workflow_control is 'What was asked of single entities of a run.';
comment on column transload.workflow_control.requested_status is 'What someone wants the entity to become.';
