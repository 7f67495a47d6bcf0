//! Rows of others: whatever a unit does, what nobody asked it to change stays as it is.

use crate::alongside::{awaited, begun, wait_for};
use crate::ends::{Ends, for_each_pair};
use crate::world::{World, counts};

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
deletes: { mode: hard, max: 90% }
key: { strategy: keep, destination: id }
field_mappings: { id: no, name: nm }
";

const TABLE: &str = "create table people (id bigint primary key, name text unique);";

/// Those who wait for a row that this session has.
const WAITING: &str =
    "select count(*) from pg_locks where not granted and pg_backend_pid() = any (pg_blocking_pids(pid))";

fn world(ends: Ends, schema: &str) -> World {
    world_of(ends, schema, PEOPLE)
}

fn world_of(ends: Ends, schema: &str, spec: &str) -> World {
    let world = World::project(ends, "", schema, &[("people", spec)]);
    world.source().execute(
        "create table old_people (no integer primary key, nm text);
         insert into old_people values (1, 'a'), (2, 'b'), (3, 'c')",
    );
    world.run();
    world
}

fn names(world: &World) -> Vec<String> {
    world.destination().texts("select name from people order by id, name")
}

/// Changes the destination, and commits that while a run waits for it.
fn commits_before_the_run(world: &World, change: &str) {
    let other = world.destination();
    other.execute(&format!("begin; {change}"));
    let run = begun(world);
    wait_for(other, WAITING);

    other.execute("commit");

    let told = awaited(run);
    assert_eq!(told.code, 0, "{told:?}");
}

/// While two rows exchange their values, one of them has none; what follows it must not lose its own, whatever the column is called.
fn who_follows_a_value_keeps_it_while_it_is_exchanged(ends: Ends) {
    for (column, does) in [("name", "cascade"), ("name", "set null"), ("Ämter", "cascade")] {
        let schema = format!(
            "create table people (id bigint primary key, \"{column}\" text unique);
             create table badges (holder text references people (\"{column}\") on update {does});"
        );
        let spec = PEOPLE.replace("name: nm", &format!("{column}: nm"));
        let world = world_of(ends, &schema, &spec);
        world.destination().execute("insert into badges values ('a'), ('b')");
        world.source().execute("update old_people set nm = 'x' where no = 1");
        world.source().execute("update old_people set nm = 'a' where no = 2");
        world.source().execute("update old_people set nm = 'b' where no = 1");

        let told = world.transload(&["run"]);

        assert_eq!(told.code, 0, "{told:?}");
        assert_eq!(
            world.destination().number("select count(*) from badges where holder is null"),
            0,
            "{column} {does}"
        );
        let held = world.destination().texts(&format!("select \"{column}\" from people order by id"));
        assert_eq!(held, ["a", "b", "c"], "{column} {does}");
        assert_eq!(world.quarantine().len(), 2, "{column} {does}");
    }
}

/// Without a unique key at the destination, a key may lead to a row that somebody else has put there.
fn a_change_that_would_hit_several_rows_hits_none(ends: Ends) {
    let world = world(ends, "create table people (id bigint, name text);");
    world.destination().execute("insert into people values (1, 'theirs'), (2, 'theirs')");
    world.source().execute("update old_people set nm = 'x' where no = 1");
    world.source().execute("delete from old_people where no = 2");
    world.source().execute("update old_people set nm = 'y' where no = 3");

    let told = world.transload(&["run", "--format", "json"]);

    assert_eq!(names(&world), ["a", "theirs", "b", "theirs", "y"], "{told:?}");
    assert_eq!(world.quarantine(), ["people 1 CONSTRAINT_OTHER -", "people 2 DELETE_REFUSED -"]);
    world.destination().execute("delete from people where name = 'theirs'");
    world.run_with(&["--retry-quarantined"]);
    assert_eq!(names(&world), ["x", "y"]);
}

/// A unique index tells rows of one key apart only if it compares as the key does, is about nothing else, and all rows are in it.
#[test]
fn a_unique_index_that_does_not_tell_rows_of_a_key_apart_is_none() {
    let theirs = "insert into people (id, name) values ('A', 'theirs'), ('B', 'theirs')";
    let loose = "create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);";
    for (ends, schema, others) in [
        (
            Ends::SqliteToSqlite,
            "create table people (id text collate nocase not null, name text);
             create unique index apart on people (id collate binary);",
            theirs,
        ),
        (
            Ends::SqliteToSqlite,
            "create table people (id text collate nocase not null, name text, primary key (id collate binary));",
            theirs,
        ),
        (
            Ends::SqliteToPostgres,
            &format!(
                "{loose} create table people (id text collate loose not null, name text);
                 create unique index apart on people (id collate \"C\");"
            ),
            theirs,
        ),
        (
            Ends::SqliteToPostgres,
            "create table people (id text not null, name text, \"more\u{1}\" int default 0, unique (id, \"more\u{1}\"));",
            "insert into people values ('a', 'theirs', 1), ('b', 'theirs', 1)",
        ),
        (
            Ends::SqliteToPostgres,
            "create table people (id text primary key, name text);
             create table more_people (since date) inherits (people);",
            "insert into more_people values ('a', 'theirs'), ('b', 'theirs')",
        ),
    ] {
        let world = World::project(ends, "", schema, &[("people", PEOPLE)]);
        world.source().execute(
            "create table old_people (no text primary key not null, nm text);
             insert into old_people values ('a', 'a'), ('b', 'b'), ('c', 'c')",
        );
        world.run();
        world.destination().execute(others);
        world.source().execute("update old_people set nm = 'x' where no = 'a'");
        world.source().execute("delete from old_people where no = 'b'");
        world.source().execute("update old_people set nm = 'y' where no = 'c'");

        world.run();

        let held = world.destination().texts("select name from people order by name");
        assert_eq!(held, ["a", "b", "theirs", "theirs", "y"], "{schema}");
        assert_eq!(world.quarantine(), ["people a CONSTRAINT_OTHER -", "people b DELETE_REFUSED -"], "{schema}");
    }
}

/// A row that a trigger refuses, and that the change of another one takes away, is one row.
#[test]
fn a_row_that_is_refused_and_goes_is_counted_once() {
    let world = world(Ends::SqliteToPostgres, TABLE);
    world.destination().execute(
        "create function judge() returns trigger language plpgsql as $$
         begin
             if new.id = 1 then raise exception 'no'; end if;
             delete from people where id = 1;
             return new;
         end $$;
         create trigger judge before update on people for each row execute function judge()",
    );
    world.source().execute("update old_people set nm = nm || '!' where no < 3");

    let report = world.run();

    let moved = ["read", "new", "modified", "quarantined", "unchanged"].map(|name| &counts(&report, "people")[name]);
    assert_eq!(moved, [3, 0, 1, 1, 1]);
    assert_eq!(world.quarantine(), ["people 1 CONSTRAINT_OTHER -"]);
    assert_eq!(names(&world), ["b!", "c"]);
}

/// Whoever makes a row refer to another that is about to go is waited for, and then it stays.
#[test]
fn who_comes_to_refer_to_a_row_meanwhile_stands_in_the_way_of_its_delete() {
    let badges = "create table badges (holder bigint references people on delete cascade);";
    let world = world(Ends::SqliteToPostgres, &format!("{TABLE}{badges}"));
    world.source().execute("delete from old_people where no <> 1");

    commits_before_the_run(&world, "insert into badges values (2)");

    assert_eq!(names(&world), ["a", "b"]);
    assert_eq!(
        (world.destination().count("badges"), world.quarantine()),
        (1, vec!["people 2 DELETE_REFUSED -".to_owned()])
    );
}

/// What somebody deletes while a unit waits for it is not written, and the ledger says so.
#[test]
fn a_row_that_goes_while_it_is_waited_for_is_not_told_as_written() {
    let world = world(Ends::SqliteToPostgres, TABLE);
    world.source().execute("update old_people set nm = 'x' where no = 2");

    commits_before_the_run(&world, "delete from people where id = 2");

    assert_eq!(world.quarantine(), ["people 2 LEDGER_MISMATCH -"]);
    world.run();
}

/// A lock that is not given is nobody's fault, however short the limit for statements is.
#[test]
fn a_row_that_others_have_locked_is_not_blamed() {
    let world = world(Ends::SqliteToPostgres, TABLE);
    world.source().execute("update old_people set nm = nm || '!'");
    let other = world.destination();
    let name = other.texts("select current_database()").remove(0);
    other.execute(&format!("alter database {name} set statement_timeout = '500ms'"));
    other.execute("begin; update people set name = name where id = 2");

    let told = world.transload(&["run"]);

    assert_eq!(told.code, 4, "{told:?}");
    assert!(told.stderr.contains("TL0442"), "{told:?}");
    assert_eq!(world.quarantine(), [""; 0]);
    other.execute("rollback");
    world.run();
    assert_eq!(names(&world), ["a!", "b!", "c!"]);
}

/// There is no text for it, and a number is none.
#[test]
fn a_day_that_the_calendar_does_not_have_is_set_aside() {
    let spec = PEOPLE.replace("name: nm", "name: born");
    let table = "create table people (id bigint primary key, name text);";
    let world = World::project(Ends::PostgresToPostgres, "", table, &[("people", &spec)]);
    world.source().execute(
        "create table old_people (no integer primary key, born date);
         insert into old_people values (1, '2020-01-02'), (2, '294000-01-01')",
    );

    world.run();

    assert_eq!(names(&world), ["2020-01-02"]);
    assert_eq!(world.quarantine(), ["people 2 VALUE_RANGE name"]);
}

/// It has the affinity of numbers, but for a strict table.
#[test]
fn a_column_of_any_type_takes_no_text_where_that_would_be_a_number() {
    for (table, is_taken) in
        [("(id integer primary key, name any)", false), ("(id integer primary key, name any) strict", true)]
    {
        let table = format!("create table people {table};");
        let world = World::project(Ends::SqliteToSqlite, "", &table, &[("people", PEOPLE)]);
        world.source().execute(
            "create table old_people (no integer primary key, nm text); insert into old_people values (1, '007')",
        );

        let told = world.transload(&["validate"]);

        assert_eq!(told.code, i32::from(!is_taken), "{told:?}");
        if is_taken {
            world.run();
            assert_eq!(names(&world), ["007"]);
        }
    }
}

for_each_pair!(who_follows_a_value_keeps_it_while_it_is_exchanged, a_change_that_would_hit_several_rows_hits_none,);
