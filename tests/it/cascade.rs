//! A delete never takes rows with it, nor changes any, that nobody loaded.

use crate::ends::{Ends, for_each_pair};
use crate::world::{World, counts};

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
key: { source: no, destination: id, strategy: keep }
field_mappings: { name: nm, boss: { source_field: chief, references: people } }
";

const SCHEMA: &str = "
create table people (id integer primary key, name text not null unique, boss integer references people (id) on delete cascade);
create table visits (id integer primary key, person integer not null references people (id) on delete cascade);
create table notes (id integer primary key, person integer references people on delete set null);
create table badges (id integer primary key, holder text references people (name) on delete cascade);
";

fn a_row_that_others_hang_on_stays_and_says_how_many(ends: Ends) {
    let world = World::project(ends, "  deletes: { mode: hard, max: 90% }", SCHEMA, &[("people", PEOPLE)]);
    world.source().execute(
        "create table old_people (no integer primary key, nm text, chief integer);
         insert into old_people values (1, 'a', null), (2, 'b', 1), (3, 'c', 1), (4, 'd', null), (5, 'e', null), (6, 'f', 5), (7, 'g', null);",
    );
    world.run();
    world.destination().execute(
        "insert into visits values (1, 1), (2, 1), (3, 1);
         insert into notes values (1, 2), (2, 4);
         insert into badges values (1, 'd'), (2, 'g');",
    );
    world.source().execute("delete from old_people where no <> 4");

    let report = world.run();

    // Rows of the entity itself that go as well are no hindrance: 6 and 5.
    assert_eq!(counts(&report, "people")["deleted"], 3, "{report}");
    assert_eq!(world.destination().texts("select name from people order by id"), ["a", "b", "d", "g"]);
    let rows = ["visits", "notes where person is not null", "badges"].map(|table| world.destination().count(table));
    assert_eq!(rows, [3, 2, 2], "not one of them is gone or changed");
    let messages = world.destination().texts(&format!(
        "select source_key || ' ' || code || ' ' || message from {} order by 1",
        world.destination().ledger("quarantine")
    ));
    let expected = [
        ("1 DELETE_REFUSED", "would delete 3 rows"),
        ("2 DELETE_REFUSED", "`notes`.`person` still refers to it, and would change 1 row"),
        ("7 DELETE_REFUSED", "`badges`.`holder` still refers to it, and would delete 1 row"),
    ];
    assert_eq!(messages.len(), expected.len(), "{messages:?}");
    for (message, (row, effect)) in messages.iter().zip(expected).skip(1) {
        assert!(message.starts_with(row) && message.contains(effect), "{message}");
    }
    // Of what keeps the first, its visits or the row that it leads, one is told.
    assert!(
        messages[0].starts_with(expected[0].0) && messages[0].contains("still refers to it, and would delete"),
        "{messages:?}"
    );

    world.destination().execute("delete from visits; delete from notes; delete from badges where id = 2");
    world.source().execute("insert into old_people values (8, 'h', null)");
    let report = world.run();
    assert_eq!(counts(&report, "people")["deleted"], 3, "{report}");
    assert_eq!(world.destination().texts("select name from people order by id"), ["d", "h"]);
    assert_eq!(world.quarantine(), [""; 0]);
}

/// The guard is about what is gone now: what it let through before and the destination kept does not count again.
fn rows_that_stayed_do_not_stand_in_the_way_of_others(ends: Ends) {
    let world = World::project(ends, "  deletes: { mode: hard, max: 2 }", SCHEMA, &[("people", PEOPLE)]);
    world.source().execute(
        "create table old_people (no integer primary key, nm text, chief integer);
         insert into old_people values (1, 'a', null), (2, 'b', null), (3, 'c', null), (4, 'd', null);",
    );
    world.run();
    world.destination().execute("insert into visits values (1, 1), (2, 2);");
    world.source().execute("delete from old_people where no <= 2");
    let told = world.transload(&["run"]);
    // What it did was to set aside what it could not delete.
    assert!(told.stdout.contains("2 rows gone from the source and kept"), "{told:?}");
    assert!(told.stdout.contains("no row written: 2 rows unchanged"), "{told:?}");
    assert!(!told.stdout.contains("nothing to do"), "{told:?}");
    // Something moves, so that those are tried again.
    world.source().execute("delete from old_people where no = 3; insert into old_people values (5, 'e', null)");

    let report = world.run();

    assert_eq!(counts(&report, "people")["deleted"], 1, "{report}");
    assert_eq!(world.destination().texts("select name from people order by id"), ["a", "b", "d", "e"]);
    // Those that left the quarantine of refused deletes and those that are left are told apart.
    assert_eq!(world.quarantine(), ["people 1 DELETE_REFUSED -", "people 2 DELETE_REFUSED -"]);
}

/// A row that had to stay gave nothing up: nobody who waits for a value is tried again for it.
fn a_row_that_stayed_is_no_reason_to_write(ends: Ends) {
    let unique = "validation_rules: [{ field_name: name, rule_type: unique }]\n";
    let people = format!("{PEOPLE}{unique}");
    let world = World::project(ends, "  deletes: { mode: hard, max: 2 }", SCHEMA, &[("people", &people)]);
    world.source().execute(
        "create table old_people (no integer primary key, nm text, chief integer);
         insert into old_people values (1, 'a', null), (2, 'b', null), (3, 'b', null);",
    );
    world.run();
    world.destination().execute("insert into visits values (1, 1);");
    world.source().execute("delete from old_people where no = 1");
    assert_eq!(counts(&world.run(), "people")["deleted"], 0);
    assert_eq!(world.quarantine(), ["people 1 DELETE_REFUSED -", "people 3 RULE_UNIQUE name"]);
    let before = world.destination().fingerprint();

    world.run();

    assert_eq!(world.destination().fingerprint(), before, "a run that found nothing wrote");
    world.source().execute("update old_people set nm = 'c' where no = 2");
    world.run();
    assert_eq!(world.destination().texts("select name from people order by name"), ["a", "b", "c"]);
}

for_each_pair!(
    a_row_that_stayed_is_no_reason_to_write,
    a_row_that_others_hang_on_stays_and_says_how_many,
    rows_that_stayed_do_not_stand_in_the_way_of_others,
);
