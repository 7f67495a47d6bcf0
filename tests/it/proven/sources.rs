//! Source columns of types that have no counterpart among a spec's types: they are read as their text.

use super::{moved, spec};
use crate::ends::Ends;
use crate::world::World;

const SOURCE: &str = "create type mood as enum ('sad', 'ok', 'happy');
    create domain lasting as mood; create domain cheerful as mood check (value <> 'sad');
    create table t (id integer primary key, mood mood, lasting lasting, cheerful cheerful, numbers integer[], words text[],
        moods mood[], address inet, net cidr, span interval, clock time, zoned timetz, period daterange)";

const COLUMNS: [&str; 12] =
    ["mood", "lasting", "cheerful", "numbers", "words", "moods", "address", "net", "span", "clock", "zoned", "period"];

#[test]
fn columns_of_other_types_are_read_as_text() {
    let mapped = COLUMNS.map(|column| format!("{column}: {column}")).join(", ");
    let table = format!("create table t (id integer primary key, {} text)", COLUMNS.join(" text, "));
    let world = World::project(Ends::PostgresToPostgres, super::DELETES, &table, &[("t", &spec("t", &mapped))]);
    world.source().execute(SOURCE);
    world.source().execute(
        "insert into t values
             (1, 'ok', 'sad', 'happy', '{1,null,3}', '{\"a b\",\"\\\"\",ü}', '{sad,ok}', '10.0.0.1', '10.0.0.0/8', '1 year 2 days 03:04:05.6',
              '12:34:56.789', '12:34:56+02', '[2024-01-01,2024-02-01)'),
             (3, 'happy', 'happy', 'ok', '{}', '{{a,b},{c,d}}', '{}', '::1/64', '::/0', '-1 day', '24:00', '00:00-12', 'empty');
         insert into t (id) values (2)",
    );
    let assert_same = |what: &str| {
        for column in COLUMNS {
            let printed =
                format!("select case when {column} is not null then format('%s', {column}) end from t order by id");
            assert_eq!(world.destination().texts(&printed), world.source().texts(&printed), "{what}: {column}");
        }
    };

    assert_eq!(moved(&world.run()), [3, 0, 0, 0]);
    assert_same("a first run");
    assert_eq!(moved(&world.run()), [0; 4]);

    world.source().execute(
        "update t set mood = 'sad', moods = '{happy}', address = '10.0.0.2' where id = 1; update t set span = '24:00' where id = 3",
    );
    assert_eq!(moved(&world.run()), [0, 2, 0, 0]);
    assert_same("changes");
}

/// The order of an enum's labels is the type's, and a server hashes them by a number that is the type's too.
#[test]
fn labels_of_a_large_table_are_told_apart() {
    let table = "create table t (id integer primary key, mood text)";
    let world = World::project(Ends::PostgresToPostgres, super::DELETES, table, &[("t", &spec("t", "mood: mood"))]);
    world.source().execute(
        "create type mood as enum ('sad', 'ok', 'happy'); create table t (id integer primary key, mood mood);
         insert into t select i, (enum_range(null::mood))[1 + i % 3] from generate_series(1, 20500) i",
    );
    assert_eq!(moved(&world.run()), [20_500, 0, 0, 0]);
    assert_eq!(moved(&world.run()), [0; 4]);
    world.source().execute("alter type mood rename value 'ok' to 'fine'; update t set mood = 'sad' where id = 1000");

    let renamed = world.source().number("select count(*) from t where mood = 'fine'");
    assert_eq!(moved(&world.run()), [0, renamed + 1, 0, 0]);

    super::assert_same(&world, "t", "labels");
}
