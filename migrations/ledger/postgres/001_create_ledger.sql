-- The ledger: what Transload remembers in the destination. It commits with the rows it accounts for.

-- In the schema `transload`, which is made before, where it is not there.

create table transload.meta (
    name text primary key,
    value text not null
);

-- One row per destination table; nothing commits under an old epoch.
create table transload.fences (
    destination_table text primary key,
    epoch bigint not null,
    run_id text,
    holder text,
    holder_name text
);

create table transload.stream_positions (
    entity_type text not null,
    -- Zero is the entity itself; the others are key ranges of it that are moved side by side, while they are.
    stream integer not null,
    range_from bytea,
    range_to bytea,
    done boolean not null default false,
    destination_table text not null,
    epoch bigint not null,
    run_id text not null,
    seq bigint not null,
    phase text not null,
    cursor bytea,
    counts jsonb not null,
    gained bigint not null,
    freed bigint not null,
    freed_seen bigint not null,
    parents_seen jsonb not null,
    -- What the next run has to know about where this one looked.
    found jsonb not null,
    plan_fingerprint text not null,
    mapped_fingerprint text not null,
    key_fingerprint text not null,
    read_fingerprint text not null,
    updated_at timestamptz not null,
    primary key (entity_type, stream)
);

-- Keys, digests and outcomes of a contiguous key range, packed.
create table transload.segments (
    segment_id bigint generated always as identity primary key,
    entity_type text not null,
    first_key bytea not null,
    last_key bytea not null,
    row_count bigint not null,
    present_count bigint not null,
    part_count integer not null default 1,
    overlaid_count bigint not null default 0,
    -- What the source's server made of the same rows, and everything that depends on beside them.
    server_digest text,
    server_digest_kind text
);

-- Not by their keys: one may be longer than an index takes.
create index segments_by_entity on transload.segments (entity_type);

-- All entries of a segment are its part 0. What changed later lies over it.
create table transload.segment_parts (
    segment_id bigint not null,
    part integer not null,
    content bytea not null,
    content_digest text not null,
    primary key (segment_id, part)
);

-- Packed already.
alter table transload.segment_parts alter column content set storage external;

create table transload.migration_mappings (
    entity_type text not null,
    -- One of 2,000 bytes or more ends with a digest of what it leaves out.
    source_id text not null,
    destination_id text not null,
    primary key (entity_type, source_id)
);

create unique index migration_mappings_by_destination on transload.migration_mappings (entity_type, destination_id);

create table transload.quarantine (
    entity_type text not null,
    -- One of 2,000 bytes or more is its beginning and its digest; it stands whole in source_key then, as hexadecimal digits.
    key bytea not null,
    source_key text not null,
    stage text not null,
    code text not null,
    field text,
    message text not null,
    run_id text not null,
    attempts integer not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- Whether it waits to be mended, or a person decided that it is not to come: why, who and when.
    status text not null default 'open' check (status in ('open', 'discarded')),
    reason text,
    decided_by text,
    decided_at timestamptz,
    check ((status = 'discarded') = (reason is not null and decided_by is not null and decided_at is not null)),
    primary key (entity_type, key)
);
