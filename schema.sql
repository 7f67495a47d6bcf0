create table orders (id integer primary key, number text not null, customer integer, total text, status text, note text, ordered_on date, created_at timestamp);
