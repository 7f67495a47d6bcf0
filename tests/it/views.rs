//! Views in the place of destination tables: what takes no rows is refused before a run, what takes them is written like a table.

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

const STORED: &str = "create table stored (id bigint primary key, name text);";

fn world(ends: Ends, view: &str) -> World {
    let world = World::project(ends, "", &format!("{STORED}{view}"), &[("people", PEOPLE)]);
    world.source().execute(
        "create table old_people (no integer primary key, nm text);
         insert into old_people values (1, 'a'), (2, 'b'), (3, 'c')",
    );
    world
}

fn assert_refused(ends: Ends, view: &str) {
    let world = world(ends, view);
    for verb in ["validate", "run"] {
        let told = world.transload(&[verb]);
        assert_eq!(told.code, 1, "{view}: {told:?}");
        for text in ["TL0325", "specs/people.yaml:4:20", "`people` is a view", "help:"] {
            let said = format!("{}{}", told.stdout, told.stderr);
            assert!(said.contains(text), "{view}: {verb} does not say {text}: {told:?}");
        }
    }
}

fn a_view_that_takes_no_rows_is_refused_before_a_run(ends: Ends) {
    assert_refused(ends, "create view people as select id, name from stored;");
    assert_refused(ends, "create view people as select id, min(name) as name from stored group by id;");
}

/// SQLite does not count what a trigger does in the place of a statement.
#[test]
fn a_view_with_triggers_is_refused_where_they_are_not_counted() {
    let view = "create view people as select id, name from stored;
        create trigger adds instead of insert on people begin insert into stored values (new.id, new.name); end;";
    assert_refused(Ends::SqliteToSqlite, view);
}

#[test]
fn a_kept_result_of_a_query_is_refused() {
    assert_refused(Ends::SqliteToPostgres, "create materialized view people as select id, name from stored;");
}

const TAKEN: &str = "create view people as select id, name from stored;
    create function act() returns trigger language plpgsql as $$ begin
        if tg_op = 'INSERT' then insert into stored values (new.id, new.name); return new; end if;
        if tg_op = 'UPDATE' then update stored set name = new.name where id = old.id; return new; end if;
        delete from stored where id = old.id; return old;
    end $$;";

#[test]
fn a_view_that_takes_rows_by_its_triggers_is_written() {
    let some = "create trigger acts instead of insert or update on people for each row execute function act();";
    // By itself it takes updates and deletes.
    let world = world(Ends::PostgresToPostgres, &format!("{TAKEN}{some}"));
    let told = world.transload(&["run", "--format", "json"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.stderr.contains("TL0313"), "{told:?}");
    world.source().execute("update old_people set nm = 'x' where no = 2; delete from old_people where no = 3");

    let report = world.run();

    assert_eq!((&counts(&report, "people")["modified"], &counts(&report, "people")["deleted"]), (&1.into(), &1.into()));
    assert_eq!(world.destination().texts("select id || name from stored order by id"), ["1a", "2x"]);
    assert_eq!(world.run()["totals"]["unchanged"], 2);
}

#[test]
fn a_view_that_takes_only_some_changes_is_refused() {
    let insert = "create trigger acts instead of insert on people for each row execute function act();";
    let grouped = TAKEN.replace("select id, name from stored", "select distinct id, name from stored");
    assert_refused(Ends::SqliteToPostgres, &format!("{grouped}{insert}"));
}

for_each_pair!(a_view_that_takes_no_rows_is_refused_before_a_run);
