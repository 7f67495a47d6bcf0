-- The new schema: snake_case names, UUID keys as text, exact decimals as text, every relation a foreign key.

create table artists (
    id   TEXT not null primary key,
    name TEXT not null
);

create table albums (
    id        TEXT not null primary key,
    artist_id TEXT not null references artists (id),
    title     TEXT not null
);

create table genres (
    id   TEXT not null primary key,
    name TEXT
);

create table media_types (
    id   TEXT not null primary key,
    name TEXT,
    kind TEXT not null check (kind in ('audio', 'video', 'other'))
);

create table tracks (
    id            TEXT not null primary key,
    album_id      TEXT references albums (id),
    media_type_id TEXT not null references media_types (id),
    genre_id      TEXT references genres (id),
    name          TEXT not null,
    composer      TEXT,
    duration_ms   INTEGER not null,
    size_bytes    INTEGER,
    unit_price    TEXT not null
);

create table playlists (
    id   TEXT not null primary key,
    name TEXT
);

create table playlist_tracks (
    playlist_id TEXT not null references playlists (id),
    track_id    TEXT not null references tracks (id),
    primary key (playlist_id, track_id)
);

create table employees (
    id         TEXT not null primary key,
    reports_to TEXT references employees (id),
    first_name TEXT not null,
    last_name  TEXT not null,
    title      TEXT,
    born_on    DATE,
    hired_on   DATE,
    address    TEXT,
    phone      TEXT,
    fax        TEXT,
    email      TEXT
);

create table customers (
    id             TEXT not null primary key,
    support_rep_id TEXT references employees (id),
    name           TEXT not null,
    company        TEXT,
    address        TEXT,
    country        TEXT,
    phone          TEXT,
    fax            TEXT,
    email          TEXT not null
);

create table invoices (
    id              TEXT not null primary key,
    customer_id     TEXT not null references customers (id),
    invoiced_at     TIMESTAMP not null,
    billing_address TEXT,
    billing_country TEXT,
    total           TEXT not null
);

create table invoice_lines (
    id         TEXT not null primary key,
    invoice_id TEXT not null references invoices (id),
    track_id   TEXT not null references tracks (id),
    unit_price TEXT not null,
    quantity   INTEGER not null check (quantity > 0)
);

create index albums_artist_id on albums (artist_id);
create index tracks_album_id on tracks (album_id);
create index tracks_media_type_id on tracks (media_type_id);
create index tracks_genre_id on tracks (genre_id);
create index playlist_tracks_track_id on playlist_tracks (track_id);
create index employees_reports_to on employees (reports_to);
create index customers_support_rep_id on customers (support_rep_id);
create index invoices_customer_id on invoices (customer_id);
create index invoice_lines_invoice_id on invoice_lines (invoice_id);
create index invoice_lines_track_id on invoice_lines (track_id);
