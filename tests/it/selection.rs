//! `where` and `query`: rows that a spec's own SQL takes from the source.

use serde_json::Value;

use crate::ends::{Ends, for_each_pair};
use crate::world::{World, counts};

const SCHEMA: &str = "
create table people (id uuid primary key, name text not null, city text, orders bigint);
";

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
field_mappings:
  name: { source_field: nm, transformation: trimmed, is_required: true }
  city: {}
";

const FILL: &str = "
create table old_people (no integer primary key, nm text, city text, is_test boolean not null);
create table old_orders (no integer primary key, person integer not null, state text);
with recursive n (i) as (select 1 union all select i + 1 from n where i < 40)
insert into old_people select i, ' person ' || i, case i % 3 when 0 then null else 'city ' || i end, i % 5 = 0 from n;
with recursive n (i) as (select 1 union all select i + 1 from n where i < 100)
insert into old_orders select i, 1 + i % 37, case i % 4 when 0 then 'void' else 'paid' end from n;
";

const DELETES: &str = "  deletes: { mode: hard, max: 60% }";

fn world(ends: Ends, source: &str) -> World {
    let spec = PEOPLE.replace("field_mappings:", &format!("source: {source}\nfield_mappings:"));
    let world = World::project(ends, DELETES, SCHEMA, &[("people", &spec)]);
    world.source().execute(FILL);
    world
}

fn moved(report: &Value) -> [u64; 5] {
    let counts = counts(report, "people");
    ["read", "new", "modified", "deleted", "unchanged"].map(|name| counts[name].as_u64().unwrap())
}

/// A row that comes under the condition is new, and one that leaves it is gone, whatever else is done to it.
fn only_rows_of_the_condition_are_there(ends: Ends) {
    let world = world(ends, "{ where: \"not is_test and no <> 7 -- the seventh is kept by hand\" }");
    assert_eq!(moved(&world.run()), [31, 31, 0, 0, 0]);
    world.assert_as_expected();

    world.source().execute(
        "update old_people set is_test = true where no in (3, 4); update old_people set nm = 'new' where no = 5;
         update old_people set is_test = false where no = 10; update old_people set city = 'Rome' where no = 11",
    );
    assert_eq!(moved(&world.run()), [30, 1, 1, 2, 28]);
    world.assert_as_expected();

    // Another condition is another set of rows.
    world.replace("specs/people.yaml", "not is_test and no <> 7 -- the seventh is kept by hand", "not is_test");
    let told = world.transload(&["run"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(!told.stderr.contains("TL0506"), "no row is another one by it: {told:?}");
    assert_eq!(moved(&world.run()), [31, 0, 0, 0, 31]);
    world.assert_as_expected();
}

const COUNTED: &str = "\
-- people, each with the orders that count
select p.no, p.nm, p.city, (
    select count(*) from old_orders o where o.person = p.no and o.state = 'paid'
) as orders
from old_people p
where not p.is_test;
";

/// What a query gives is read like a table, and a change of any table that it reads is a change of its rows.
fn a_query_is_read_like_a_table(ends: Ends) {
    let world = world(ends, "{ query: ../sql/people.sql }\nkey: { source: no }");
    let counted = match ends.is_from_postgres() {
        true => COUNTED.to_owned(),
        // Without the cast SQLite does not say what an expression gives.
        false => {
            COUNTED.replace("(\n    select", "cast((\n    select").replace(") as orders", ") as integer) as orders")
        }
    };
    world.write("sql/people.sql", &counted);
    world.replace("specs/people.yaml", "  city: {}\n", "  city: {}\n  orders: orders\n");
    assert_eq!(moved(&world.run()), [32, 32, 0, 0, 0]);
    world.assert_as_expected();

    world
        .source()
        .execute("update old_orders set state = 'void' where person = 11; delete from old_people where no = 12");
    assert_eq!(moved(&world.run()), [31, 0, 1, 1, 30]);
    world.assert_as_expected();
    let previewed = world.transload(&["preview", "people", "--key", "11", "--format", "json"]);
    assert_eq!(previewed.code, 0, "{previewed:?}");
    assert!(previewed.stdout.contains("\"orders\""), "{previewed:?}");
}

/// The lock holds the columns of a query, so that a spec over it is checked without its database.
fn a_query_is_checked_without_the_database(ends: Ends) {
    let world = world(ends, "{ query: \"select no, nm, city from old_people\" }\nkey: { source: no }");
    let locked = world.transload(&["validate", "--lock"]);
    assert_eq!(locked.code, 0, "{locked:?}");

    world.take_databases_away();

    let checked = world.transload(&["validate", "--offline"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    world.replace("specs/people.yaml", "source_field: nm", "source_field: nme");
    let checked = world.transload(&["validate", "--offline"]);
    assert_eq!(checked.code, 1, "{checked:?}");
    assert!(checked.stdout.contains("source column `nme` does not exist"), "{checked:?}");
    world.write("specs/more.yaml", &world.read("specs/people.yaml").replace("people\n", "more\n"));
    let checked = world.transload(&["validate", "--offline"]);
    assert!(checked.stdout.contains("the query of `more` is not in transload.lock"), "{checked:?}");
}

/// What is wrong, as `source`, and what is said about it.
const WRONG: [(&str, &str); 8] = [
    ("{ where: \"not is_tset\" }", "TL0211 is_tset"),
    ("{ where: \"no = 1; drop table old_people\" }", "TL0211"),
    ("{ where: \"no =\" }", "TL0211 this SQL"),
    ("{ query: \"select nm from old_peple\" }", "TL0211 old_peple"),
    ("{ query: \"delete from old_people\" }", "TL0211"),
    (
        "{ query: \"select no, nm, city, city from old_people\" }\nkey: { source: no }",
        "TL0211 gives column `city` twice",
    ),
    ("{ query: \"select no, nm, city from old_people\" }", "TL0303 has no primary key"),
    ("{ query: ../sql/none.sql }", "TL0007 none.sql"),
];

fn what_the_source_refuses_is_shown_at_its_place(ends: Ends) {
    for (source, said) in WRONG {
        let world = world(ends, source);
        let told = world.transload(&["validate"]);
        let (code, words) = said.split_once(' ').unwrap_or((said, ""));
        assert_eq!(told.code, if code == "TL0007" { 2 } else { 1 }, "{source}: {told:?}");
        assert!(told.stdout.contains(code) && told.stdout.contains(words), "{source}: {told:?}");
        assert!(told.stdout.contains("specs/people.yaml:"), "{source}: {told:?}");
        assert_eq!(world.source().count("old_people"), 40);
    }
}

/// Streams, server digests and samples all keep to the condition, or to the query.
#[test]
fn a_large_table_is_moved_in_ranges_of_what_is_selected() {
    let schema = "create table things (id integer primary key, name text not null, amount numeric(10,2))";
    let fill = format!(
        "{schema}; alter table things add is_test boolean not null default false;
         insert into things select i, 'thing ' || i, i % 1000 + 0.25, i % 3 = 0 from generate_series(1, 60000) i; analyze things"
    );
    let ways = [
        "{ where: not is_test }",
        "{ query: \"select id, name, amount from things where not is_test\" }\nkey: { source: id }",
    ];
    for way in ways {
        let spec = format!(
            "entity_type: things\nsource_table: things\ndestination_table: things\nversion: \"1\"\nsource: {way}\n\
             auto_map: true\nload: {{ streams: 4 }}\n"
        );
        let spec = spec.replace("key: { source: id }", "key: { source: id, strategy: keep }");
        let spec = if way.contains("key:") { spec } else { spec + "key: { strategy: keep }\n" };
        let world = World::project(Ends::PostgresToPostgres, DELETES, schema, &[("things", &spec)]);
        world.source().execute(&fill);
        let content = |condition: &str| {
            format!(
                "select count(*) || ' ' || md5(string_agg(row(id, name, amount)::text, ',' order by id)) from things {condition}"
            )
        };
        let assert_same = |what: &str| {
            let expected = world.source().texts(&content("where not is_test"));
            assert_eq!(world.destination().texts(&content("")), expected, "{way}: {what}");
        };
        world.run();
        assert_same("a first run");

        world.source().execute(
            "update things set is_test = not is_test where id % 777 = 0; update things set amount = 1 where id % 900 = 0;
             delete from things where id between 50000 and 50100; insert into things values (70000, 'late', 1, false)",
        );
        world.run();
        assert_same("changes");
        let report = world.run();
        let counts = counts(&report, "things");
        assert_eq!([&counts["new"], &counts["modified"], &counts["deleted"]], [0, 0, 0], "{way}: {counts}");
    }
}

/// What a spec's SQL meets in a row says in which spec it stands, and nothing of the row.
#[test]
fn a_condition_that_fails_on_a_row_names_its_spec() {
    let world = world(Ends::PostgresToPostgres, "{ where: city::int > 3 }");
    world.source().execute("update old_people set city = 'geheim'");
    let told = world.transload(&["run"]);
    assert_eq!(told.code, 4, "{told:?}");
    let said = told.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("it ran the `where` of `people`, in specs/people.yaml"), "{told:?}");
    assert!(!told.stderr.contains("geheim") && !told.stdout.contains("geheim"), "{told:?}");
}

/// What SQLite would do on the way, or take for a text.
#[test]
fn sqlite_runs_one_statement_and_takes_a_name_for_a_name() {
    for (source, said) in [
        ("{ where: \"1=1)) x; vacuum into 'copy.db'; select ((1\" }", "closes a parenthesis"),
        (
            "{ query: \"select no, nm, city from old_people) x; vacuum into 'copy.db'; select * from (select 1\" }\nkey: { source: no }",
            "more than one statement",
        ),
        ("{ where: '\"is_tset\" = 0' }", "is_tset"),
        ("{ query: 'select no, nm, city from old_people where \"ctiy\" = 1' }\nkey: { source: no }", "ctiy"),
    ] {
        let world = world(Ends::SqliteToSqlite, source);
        let told = world.transload(&["validate"]);
        assert_eq!(told.code, 1, "{source}: {told:?}");
        assert!(told.stdout.contains("TL0211") && told.stdout.contains(said), "{source}: {told:?}");
        assert!(!world.file("copy.db").exists() && !world.file("data/copy.db").exists());
    }
}

/// What is previewed can be narrowed further, whatever the spec takes.
fn rows_of_a_condition_are_previewed(ends: Ends) {
    let query = "{ query: \"select no, nm, city from old_people -- all\" }\nkey: { source: no }";
    for source in ["{ where: \"not is_test -- testers are not moved\" }", query] {
        let world = world(ends, source);
        let previewed = |condition: &str| {
            let flags = ["preview", "people", "--where", condition, "--limit", "50", "--format", "json"];
            world.transload(&flags)
        };
        let found = previewed("no > 38 or no = 11 -- the last ones");
        assert_eq!(found.code, 0, "{found:?}");
        let found: Value = serde_json::from_str(&found.stdout).unwrap();
        let keys: Vec<&str> =
            found["rows"].as_array().unwrap().iter().map(|row| row["source_key"].as_str().unwrap()).collect();
        let all = if source == query { vec!["11", "39", "40"] } else { vec!["11", "39"] };
        assert_eq!(keys, all, "{source}");
        assert!(previewed("no < 0").stdout.contains("\"rows\": []"), "{source}");

        let refused = previewed("nmm = 'a'");

        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.stdout.contains("TL0211") && refused.stdout.contains("nmm"), "{refused:?}");
    }
}

for_each_pair!(
    only_rows_of_the_condition_are_there,
    a_query_is_read_like_a_table,
    a_query_is_checked_without_the_database,
    what_the_source_refuses_is_shown_at_its_place,
    rows_of_a_condition_are_previewed,
);
