//! Foreign keys that a database looks at when a transaction ends: a row is refused for them alone, and only where nothing makes good for it.

use crate::ends::{Ends, for_each_pair};
use crate::world::World;

/// The column refers to the own table, and the spec does not say so.
const SELF: &str =
    "create table people (id bigint primary key, boss bigint references people (id) deferrable initially deferred);";

fn world(ends: Ends, schema: &str, fields: &str) -> World {
    let spec = format!(
        "entity_type: people\nsource_table: old_people\ndestination_table: people\nversion: \"1\"\n\
         key: {{ strategy: keep, destination: id }}\nfield_mappings: {{ id: no, {fields} }}\n"
    );
    let world = World::project(ends, "  load: { max_errors: 5000 }", schema, &[("people", &spec)]);
    world.source().execute("create table old_people (no integer primary key, nm text, boss integer)");
    world
}

fn rows_that_refer_to_one_another_arrive_together(ends: Ends) {
    let world = world(ends, SELF, "boss: boss");
    world
        .source()
        .execute("insert into old_people (no, boss) values (1, 2), (2, 2), (3, 1), (4, 5), (5, 4), (6, null)");

    world.run();

    assert_eq!(world.quarantine(), [""; 0]);
    assert_eq!(world.destination().texts("select boss from people order by id"), ["2", "2", "1", "5", "4", ""]);
}

/// However long the line is that ends in nothing, those who do not stand in it arrive.
#[test]
fn a_line_that_leads_to_nothing_stays_out_alone() {
    let world = world(Ends::SqliteToSqlite, SELF, "boss: boss");
    world.source().execute(
        "insert into old_people (no, boss) values (1, 2), (2, 3), (3, 1), (4, 204);
         with recursive n (i) as (select 5 union all select i + 1 from n where i < 204) insert into old_people (no, boss)
         select i, case when i = 104 then 999 when i < 104 then i + 1 else i - 1 end from n",
    );

    world.run();

    assert_eq!(world.destination().texts("select id from people order by id"), ["1", "2", "3"]);
    let set_aside = world.quarantine();
    assert_eq!(set_aside.len(), 201);
    assert_eq!(set_aside[0], "people 10 CONSTRAINT_FOREIGN_KEY boss");
    world.source().execute("update old_people set boss = 1 where no = 104");
    world.run_with(&["--retry-quarantined"]);
    assert_eq!((world.destination().count("people"), world.quarantine()), (204, Vec::new()));
}

const CODES: &str = "create table people (id bigint primary key, code text unique);
    create table badges (id bigint primary key, holder text references people (code) deferrable initially deferred);
    create table notes (id bigint primary key, person bigint references people deferrable initially deferred);";

/// What others refer to is not given up, and the other rows of the unit do as they like.
fn a_value_that_others_refer_to_stays_with_its_row(ends: Ends) {
    let world = world(ends, CODES, "code: nm");
    world.source().execute("insert into old_people (no, nm) values (1, 'a'), (2, 'b'), (3, 'c')");
    world.run();
    world.destination().execute("insert into badges values (1, 'a'); insert into notes values (1, 2)");
    world
        .source()
        .execute("update old_people set nm = nm || '2' where no < 3; insert into old_people (no, nm) values (4, 'd')");

    world.run();

    assert_eq!(world.quarantine(), ["people 1 CONSTRAINT_FOREIGN_KEY code"]);
    assert_eq!(world.destination().texts("select code from people order by id"), ["a", "b2", "c", "d"]);
    world.destination().execute("delete from badges");
    world.run_with(&["--retry-quarantined"]);
    assert_eq!(world.destination().texts("select code from people order by id"), ["a2", "b2", "c", "d"]);
}

/// SQLite alone lets rows exchange what others refer to, where the key is looked at later.
#[test]
fn a_value_that_goes_to_another_row_is_not_given_up() {
    let world = world(Ends::SqliteToSqlite, CODES, "code: nm");
    world.source().execute("insert into old_people (no, nm) values (1, 'a'), (2, 'b'), (3, 'c')");
    world.run();
    world.destination().execute("insert into badges values (1, 'a'), (2, 'b'), (3, 'c')");
    world.source().execute(
        "update old_people set nm = case no when 1 then 'b' when 2 then 'a' else 'e' end;
         insert into old_people (no, nm) values (4, 'd')",
    );

    world.run();

    assert_eq!(world.quarantine(), ["people 3 CONSTRAINT_FOREIGN_KEY code"]);
    assert_eq!(world.destination().texts("select code from people order by id"), ["b", "a", "c", "d"]);
    assert_eq!(world.destination().texts("select holder from badges order by id"), ["a", "b", "c"]);
}

/// A value is what the column that is referred to makes of it, and as that one compares.
#[test]
fn a_reference_is_compared_as_what_it_refers_to() {
    let key = "deferrable initially deferred";
    for (parent, child, values, left_out) in [
        ("text", "integer", "(1, '1'), (2, '7')", 1),
        ("text collate nocase", "text", "(1, 'A'), (2, 'b')", 2),
        ("text", "text collate nocase", "(1, 'A'), (2, 'a')", 1),
        ("integer", "text", "(1, '8'), (2, '5')", 1),
    ] {
        let schema = format!(
            "create table offices (code {parent} primary key);
             insert into offices values ('01'), ('7'), ('a'), ('5');
             create table people (id bigint primary key, office {child} references offices (code) {key});"
        );
        let office = if child == "integer" { "office: { source_field: nm, data_type: integer }" } else { "office: nm" };
        let schema = if parent == "integer" { schema.replace("('a'), ", "") } else { schema };
        let world = world(Ends::SqliteToSqlite, &schema, office);
        world.source().execute(&format!("insert into old_people (no, nm) values {values}"));

        world.run();

        assert_eq!(
            world.quarantine(),
            [format!("people {left_out} CONSTRAINT_FOREIGN_KEY office")],
            "{parent} {child}"
        );
        assert_eq!(world.destination().count("people"), 1);
    }
}

for_each_pair!(rows_that_refer_to_one_another_arrive_together, a_value_that_others_refer_to_stays_with_its_row);
