//! Rows that are not the project's own, and rows that the destination refuses in ways of its own.

use std::path::Path;

use super::{DELETES, assert_same, moved, spec, twins};
use crate::ends::Ends;
use crate::world::World;

const TABLE: &str = "create table t (id integer primary key, name text)";

/// Fifty rows between two databases.
fn fifty(secret: &str) -> World {
    let world = twins("", TABLE, &[("t", &spec("t", "name: name"))]);
    world.source().execute(&format!("insert into t select i, '{secret}' || i from generate_series(1, 50) i"));
    world
}

#[test]
fn another_schema_whose_rows_are_foreign_is_refused_and_stays_as_it_is() {
    let schema = format!(
        "create schema a; create schema b; {}; {}",
        TABLE.replace(" t ", " a.t "),
        TABLE.replace(" t ", " b.t ")
    );
    let world = World::project(Ends::PostgresToPostgres, DELETES, "", &[("t", &spec("t", "name: name"))]);
    world.source().execute(&format!("{TABLE}; insert into t select i, 'n' || i from generate_series(1, 50) i"));
    world.destination().execute(&schema);
    world.destination().execute("insert into b.t select i, 'precious ' || i from generate_series(1, 60) i");
    world.replace("transload.yaml", "create_with: schema.sql", "schema: a");
    assert_eq!(moved(&world.run()), [50, 0, 0, 0]);
    world.replace("transload.yaml", "schema: a", "schema: b");
    world.source().execute("delete from t where id <= 5; update t set name = 'x' where id between 10 and 12");
    let rows = "select md5(string_agg(concat(t.ctid, t.xmin, t), ' ' order by id)) from b.t t";
    let before = world.destination().texts(rows);

    for _ in 0..2 {
        let told = world.transload(&["run"]);
        assert_eq!(told.code, 6, "{told:?}");
        assert!(told.stderr.contains("TL0310") && told.stderr.contains("help:"), "{told:?}");
        assert_eq!(world.destination().texts(rows), before, "b.t was changed");
    }

    // Its own schema is as good as before.
    world.replace("transload.yaml", "schema: b", "schema: a");
    assert_eq!(moved(&world.run()), [0, 3, 5, 0]);
    assert_eq!(world.destination().texts(rows), before, "b.t was changed");
}

/// What a trigger raises is not what the server raises, so that its words may hold anything.
#[test]
fn a_row_for_which_a_trigger_raises_with_a_state_of_its_own_is_set_aside_and_its_words_are_not_shown() {
    for state in ["45000", "AB123", "22012", "23999", "P0002"] {
        let world = fifty("SECRET-");
        world.destination().execute(&format!(
            "create function refuse() returns trigger language plpgsql as $$ begin
                 if new.id = 30 then
                     raise exception 'bad person %', new.name using errcode = '{state}', detail = new.name, hint = new.name;
                 end if;
                 return new;
             end $$;
             create trigger refuses before insert or update on t for each row execute function refuse()"
        ));

        assert_set_aside(&world, state);
        // A row that changes is refused in the same way.
        world.source().execute("update t set name = name || ' again' where id in (29, 30, 31)");
        assert_set_aside(&world, state);
    }
}

/// Row 30, and nothing of it.
fn assert_set_aside(world: &World, what: &str) {
    for verb in ["run", "status", "quarantine"] {
        let told = world.transload(&[verb]);
        assert_eq!(told.code, 0, "{what}: {told:?}");
        assert!(!told.stdout.contains("SECRET") && !told.stderr.contains("SECRET"), "{what}: {told:?}");
    }
    assert_eq!(world.quarantine(), ["t 30 CONSTRAINT_OTHER -"], "{what}");
    assert_eq!(world.destination().count("t"), 49, "{what}");
    let messages = world.destination().texts("select message from transload.quarantine");
    assert!(!messages[0].contains("SECRET"), "{what}: {messages:?}");
    assert_files_silent(&world.file(".transload"));
}

fn assert_files_silent(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_files_silent(&path);
            continue;
        }
        let content = std::fs::read(&path).unwrap();
        let is_shown = content.windows(6).any(|part| part == b"SECRET");
        assert!(!is_shown, "a value is in {}", path.display());
    }
}

#[test]
fn rows_of_tables_outside_the_project_do_not_go_with_what_they_refer_to() {
    let world = fifty("n");
    world.run();
    world.destination().execute(
        "create table cascading (id serial primary key, t integer references t on delete cascade);
         create table emptied (id serial primary key, t integer references t on delete set null);
         create table defaulted (id serial primary key, t integer default 50 references t on delete set default);
         create schema elsewhere; create table elsewhere.cascading (id serial primary key, t integer references t on delete cascade);
         insert into cascading (t) values (1), (11); insert into emptied (t) values (2), (12);
         insert into defaulted (t) values (3), (13); insert into elsewhere.cascading (t) values (4), (14)",
    );
    let outside = "select concat_ws(' ', (select string_agg(t::text, ',' order by id) from cascading),
        (select string_agg(t::text, ',' order by id) from emptied), (select string_agg(t::text, ',' order by id) from defaulted),
        (select string_agg(t::text, ',' order by id) from elsewhere.cascading))";
    world.source().execute("delete from t where id <= 5");

    let report = world.run();

    assert_eq!(world.destination().texts(outside), ["1,11 2,12 3,13 4,14"]);
    assert_eq!(report["totals"]["deleted"], 1, "the row that nobody refers to: {report}");
    let refused = [1, 2, 3, 4].map(|id| format!("t {id} DELETE_REFUSED -"));
    assert_eq!(world.quarantine(), refused);
    assert_eq!(world.destination().count("t"), 49);
    // Once nobody refers to them, they go.
    world
        .destination()
        .execute("delete from cascading; delete from emptied; delete from defaulted; delete from elsewhere.cascading");
    world.source().execute("update t set name = 'x' where id = 20");
    world.run();
    assert_eq!(world.quarantine(), [""; 0]);
    assert_same(&world, "t", "after the references are gone");
}

/// Text that does not become small enough for an index when it is packed.
const LARGE: &str = "(select string_agg(md5(i::text), '') from generate_series(1, 300) i)";

#[test]
fn a_row_that_is_too_large_for_an_index_is_set_aside() {
    let world = fifty("n");
    world.destination().execute("create index on t (name)");
    world.source().execute(&format!("update t set name = {LARGE} where id = 7"));

    let report = world.run();

    assert_eq!(moved(&report), [49, 0, 0, 1], "{report}");
    assert_eq!(world.quarantine(), ["t 7 ROW_TOO_LARGE -"]);
    // One that was loaded keeps its first version.
    world
        .source()
        .execute(&format!("update t set name = {LARGE} where id = 8; update t set name = 'x' where id in (7, 9)"));
    world.run();
    assert_eq!(world.quarantine(), ["t 8 ROW_TOO_LARGE -"]);
    let names = world.destination().texts("select name from t where id in (7, 8, 9) order by id");
    assert_eq!(names, ["x", "n8", "x"]);
}
