-- Detections, and the changes that each found, until a run is held to one.

create table transload.detections (
    detection_id uuid primary key,
    project text not null,
    environment text not null,
    digest_seed text not null,
    started_at timestamptz not null,
    completed_at timestamptz,
    entities jsonb not null default '[]',
    constraint detections_entities check (jsonb_typeof(entities) = 'array')
);

comment on table transload.detections is 'What runs would move, as it was found.';
comment on column transload.detections.digest_seed is 'The seed of the digests of its changes, in decimal digits.';

create table transload.detected_changes (
    detection_id uuid not null references transload.detections (detection_id) on delete cascade,
    number bigint not null,
    entity_type text not null,
    change_type text not null,
    source_key bytea not null,
    digest text not null,
    fields jsonb,
    fields_unknown text,
    primary key (detection_id, number),
    constraint detected_changes_type check (change_type in ('new', 'modified', 'deleted')),
    constraint detected_changes_fields check (jsonb_typeof(fields) = 'array')
);

comment on table transload.detected_changes is 'The changes of a detection, in the order in which they were found, from zero.';
comment on column transload.detected_changes.fields is 'Of a modified row: the columns that change. Where nobody can say, fields_unknown says why.';
