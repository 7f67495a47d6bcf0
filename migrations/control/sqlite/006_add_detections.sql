-- Detections, and the changes that each found, until a run is held to one.

create table detections (
    detection_id text primary key,
    project text not null,
    environment text not null,
    -- The seed of the digests below, in decimal digits.
    digest_seed text not null,
    started_at text not null,
    completed_at text,
    entities text not null default '[]',
    constraint detections_entities check (json_type(entities) = 'array')
) strict, without rowid;

create table detected_changes (
    detection_id text not null references detections (detection_id) on delete cascade,
    -- In the order in which they were found, from zero.
    number integer not null,
    entity_type text not null,
    change_type text not null,
    source_key blob not null,
    digest text not null,
    -- Of modified rows: the columns that change, or why nobody can say.
    fields text,
    fields_unknown text,
    primary key (detection_id, number),
    constraint detected_changes_type check (change_type in ('new', 'modified', 'deleted')),
    constraint detected_changes_fields check (json_type(fields) = 'array')
) strict, without rowid;
