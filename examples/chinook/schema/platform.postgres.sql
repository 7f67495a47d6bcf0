-- The new schema in PostgreSQL: snake_case names, UUID keys, exact decimals, every relation a foreign key.

create table artists (
    id   uuid not null primary key,
    name text not null
);

create table albums (
    id        uuid not null primary key,
    artist_id uuid not null references artists (id),
    title     text not null
);

create table genres (
    id   uuid not null primary key,
    name text
);

create table media_types (
    id   uuid not null primary key,
    name text,
    kind text not null check (kind in ('audio', 'video', 'other'))
);

create table tracks (
    id            uuid not null primary key,
    album_id      uuid references albums (id),
    media_type_id uuid not null references media_types (id),
    genre_id      uuid references genres (id),
    name          text not null,
    composer      text,
    duration_ms   bigint not null,
    size_bytes    bigint,
    unit_price    numeric(10,2) not null
);

create table playlists (
    id   uuid not null primary key,
    name text
);

create table playlist_tracks (
    playlist_id uuid not null references playlists (id),
    track_id    uuid not null references tracks (id),
    primary key (playlist_id, track_id)
);

create table employees (
    id         uuid not null primary key,
    reports_to uuid references employees (id),
    first_name text not null,
    last_name  text not null,
    title      text,
    born_on    date,
    hired_on   date,
    address    text,
    phone      text,
    fax        text,
    email      text
);

create table customers (
    id             uuid not null primary key,
    support_rep_id uuid references employees (id),
    name           text not null,
    company        text,
    address        text,
    country        text,
    phone          text,
    fax            text,
    email          text not null
);

create table invoices (
    id              uuid not null primary key,
    customer_id     uuid not null references customers (id),
    invoiced_at     timestamp not null,
    billing_address text,
    billing_country text,
    total           numeric(10,2) not null
);

create table invoice_lines (
    id         uuid not null primary key,
    invoice_id uuid not null references invoices (id),
    track_id   uuid not null references tracks (id),
    unit_price numeric(10,2) not null,
    quantity   integer not null check (quantity > 0)
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
