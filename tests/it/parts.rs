//! Tables of PostgreSQL that are made of parts: what refers to the whole refers to its parts, and what refers to a part refers to that alone.

use serde_json::json;

use crate::ends::Ends;
use crate::world::{World, counts};

/// The key is the number and the region.
const PARTED: &str = "
    create table people (id bigint, region text, name text, primary key (id, region)) partition by list (region);
    create table east partition of people for values in ('e');
    create table west partition of people for values in ('w');";

/// Into a table of the key, or a part of it.
fn world(table: &str, schema: &str, rows: &str) -> World {
    let spec = format!(
        "entity_type: people\nsource_table: old_people\ndestination_table: {table}\nversion: \"1\"\n\
         deletes: {{ mode: hard, max: 90% }}\nkey: {{ strategy: keep, source: [no, reg], destination: [id, region] }}\n\
         field_mappings: {{ id: no, region: reg, name: nm }}\n"
    );
    let world = World::project(Ends::SqliteToPostgres, "", schema, &[("people", &spec)]);
    world.source().execute(&format!(
        "create table old_people (no integer, reg text, nm text, primary key (no, reg)); insert into old_people values {rows}"
    ));
    world.run();
    world
}

/// As large as the part is, what refers to the whole may refer to it.
#[test]
fn who_refers_to_the_whole_stands_in_the_way_of_a_delete_from_a_part() {
    for does in ["on delete cascade", "on delete set null", ""] {
        let badges = format!(
            "create table badges (holder bigint, region text, foreign key (holder, region) references people {does});"
        );
        let world = world("east", &format!("{PARTED}{badges}"), "(1, 'e', 'a'), (2, 'e', 'b'), (3, 'e', 'c')");
        world.destination().execute("insert into badges values (2, 'e')");
        world.source().execute("delete from old_people where no <> 1");

        let report = world.run();

        assert_eq!(counts(&report, "people")["deleted"], json!(1), "{does}");
        assert_eq!(world.quarantine(), ["people [\"2\",\"e\"] DELETE_REFUSED -"], "{does}");
        assert_eq!(world.destination().texts("select holder from badges"), ["2"], "{does}");
        assert_eq!(world.destination().texts("select name from people order by id"), ["a", "b"]);
    }
}

#[test]
fn who_refers_to_a_part_stands_in_the_way_of_a_delete_from_it_alone() {
    let badges = "alter table east add unique (id);
        create table badges (holder bigint references east (id) on delete cascade);";
    let rows = "(1, 'e', 'a'), (1, 'w', 'b'), (2, 'e', 'c'), (3, 'w', 'd')";
    let world = world("people", &format!("{PARTED}{badges}"), rows);
    world.destination().execute("insert into badges values (1), (2)");
    world.source().execute("delete from old_people where nm in ('b', 'c', 'd')");

    let report = world.run();

    assert_eq!(counts(&report, "people")["deleted"], json!(2));
    assert_eq!(world.quarantine(), ["people [\"2\",\"e\"] DELETE_REFUSED -"]);
    assert_eq!(world.destination().texts("select name from people order by name"), ["a", "c"]);
    assert_eq!(world.destination().count("badges"), 2);
}

/// While rows exchange what others follow, be it in a part or in the whole, nobody loses what it refers to.
#[test]
fn who_follows_a_value_of_a_part_or_of_the_whole_keeps_it() {
    let of_part = "alter table people add unique (name, region); alter table east add unique (name);
        create table badges (id bigint, holder text references east (name) on update cascade);
        insert into badges values (1, null)";
    let of_whole = "alter table people add unique (name, region);
        create table badges (id bigint, holder text, region text,
            foreign key (holder, region) references people (name, region) on update set null);
        insert into badges values (1, null)";
    for (table, keys) in [("people", of_part), ("east", of_part), ("east", of_whole)] {
        let world = world(table, &format!("{PARTED}{keys}"), "(1, 'e', 'a'), (2, 'e', 'b')");
        let held = if keys == of_part { "values (2, 'a'), (3, 'b')" } else { "values (2, 'a', 'e'), (3, 'b', 'e')" };
        world.destination().execute(&format!("insert into badges {held}"));
        world.source().execute("update old_people set nm = case nm when 'a' then 'b' else 'a' end");

        world.run();

        let holders = world.destination().texts("select holder from badges order by id");
        assert_eq!(holders, ["", "a", "b"], "{table} {keys}");
        assert_eq!(world.quarantine().len(), 2, "{table} {keys}");
    }
}
