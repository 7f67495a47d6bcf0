-- The ledger: what Transload remembers in the destination. It commits with the rows it accounts for.

create table transload_meta (
    name text primary key,
    value text not null
) strict, without rowid;

-- One row per destination table; nothing commits under an old epoch.
create table transload_fences (
    destination_table text primary key,
    epoch integer not null,
    run_id text,
    holder text,
    holder_name text
) strict, without rowid;

create table transload_stream_positions (
    entity_type text not null,
    stream integer not null,
    destination_table text not null,
    epoch integer not null,
    run_id text not null,
    seq integer not null,
    phase text not null,
    cursor blob,
    counts text not null,
    gained integer not null,
    freed integer not null,
    freed_seen integer not null,
    parents_seen text not null,
    -- What the next run has to know about where this one looked.
    found text not null,
    plan_fingerprint text not null,
    mapped_fingerprint text not null,
    key_fingerprint text not null,
    read_fingerprint text not null,
    updated_at text not null,
    primary key (entity_type, stream)
) strict, without rowid;

-- Keys, digests and outcomes of a contiguous key range, packed.
create table transload_segments (
    segment_id integer primary key autoincrement,
    entity_type text not null,
    first_key blob not null,
    last_key blob not null,
    row_count integer not null,
    present_count integer not null,
    part_count integer not null default 1,
    overlaid_count integer not null default 0,
    -- What the source's server made of the same rows, and everything that depends on beside them.
    server_digest text,
    server_digest_kind text
) strict;

create index transload_segments_by_key on transload_segments (entity_type, first_key);

-- All entries of a segment are its part 0. What changed later lies over it.
create table transload_segment_parts (
    segment_id integer not null,
    part integer not null,
    content blob not null,
    content_digest text not null,
    primary key (segment_id, part)
) strict;

create table transload_migration_mappings (
    entity_type text not null,
    source_id text not null,
    destination_id text not null,
    primary key (entity_type, source_id)
) strict, without rowid;

create unique index transload_migration_mappings_by_destination
    on transload_migration_mappings (entity_type, destination_id);

create table transload_quarantine (
    entity_type text not null,
    key blob not null,
    source_key text not null,
    stage text not null,
    code text not null,
    field text,
    message text not null,
    run_id text not null,
    attempts integer not null,
    created_at text not null,
    updated_at text not null,
    -- Whether it waits to be mended, or a person decided that it is not to come: why, who and when.
    status text not null default 'open' check (status in ('open', 'discarded')),
    reason text,
    decided_by text,
    decided_at text,
    check ((status = 'discarded') = (reason is not null and decided_by is not null and decided_at is not null)),
    primary key (entity_type, key)
) strict, without rowid;
