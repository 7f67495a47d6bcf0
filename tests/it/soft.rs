//! `deletes: { mode: soft }`: rows that the source lost stay, and say so.

use serde_json::Value;

use crate::ends::{Ends, for_each_pair};
use crate::world::{World, counts};

const SCHEMA: &str = "
create table people (id uuid primary key, name text not null, deleted_at timestamp);
create table orders (id uuid primary key, person_id uuid not null references people (id), deleted_on date);
";

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
auto_map: true
deletes: { mode: soft, field: deleted_at, max: 60% }
field_mappings: { name: nm }
";

const ORDERS: &str = "
entity_type: orders
source_table: old_orders
destination_table: orders
version: \"1\"
deletes: { mode: soft, field: deleted_on, max: 60% }
field_mappings:
  person_id: { source_field: person, references: people }
";

/// The old table has a column of the same name, which is not the one that is meant.
const FILL: &str = "
create table old_people (no integer primary key, nm text, deleted_at text);
create table old_orders (no integer primary key, person integer);
with recursive n (i) as (select 1 union all select i + 1 from n where i < 10)
insert into old_people select i, 'person ' || i, 'never' from n;
insert into old_orders values (1, 1), (2, 2), (3, 3);
";

fn world(ends: Ends) -> World {
    let world = World::project(ends, "", SCHEMA, &[("people", PEOPLE), ("orders", ORDERS)]);
    world.source().execute(FILL);
    world
}

fn moved(report: &Value, entity: &str) -> [u64; 5] {
    let counts = counts(report, entity);
    ["new", "modified", "deleted", "unchanged", "quarantined"].map(|name| counts[name].as_u64().unwrap())
}

fn retired(world: &World) -> Vec<String> {
    world.destination().texts("select name from people where deleted_at is not null order by name")
}

fn a_lost_row_stays_and_says_when_until_it_comes_back(ends: Ends) {
    let world = world(ends);
    assert_eq!(moved(&world.run(), "people"), [10, 0, 0, 0, 0]);
    assert_eq!(retired(&world), [""; 0]);

    world.source().execute("delete from old_orders where no = 1; delete from old_people where no in (1, 7, 8)");
    let report = world.run();
    assert_eq!(moved(&report, "people"), [0, 0, 3, 7, 0]);
    assert_eq!(moved(&report, "orders"), [0, 0, 1, 2, 0]);
    assert_eq!(retired(&world), ["person 1", "person 7", "person 8"]);
    assert_eq!(world.destination().count("people where deleted_at > '2020-01-01' and deleted_at < '2100-01-01'"), 3);
    assert_eq!(world.destination().count("orders where deleted_on is not null"), 1);

    // Once is enough.
    let before = world.destination().texts("select deleted_at from people order by name");
    assert_eq!(moved(&world.run(), "people"), [0, 0, 0, 7, 0]);
    world.run_with(&["--remap"]);
    assert_eq!(world.destination().texts("select deleted_at from people order by name"), before);

    // One comes back as it was, and another as somebody else; a child of one who is away waits.
    world.source().execute(
        "insert into old_people values (1, 'person 1', 'never'), (7, 'somebody', 'never'); insert into old_orders values (4, 8), (5, 7)",
    );
    let report = world.run();
    assert_eq!(moved(&report, "people"), [0, 2, 0, 7, 0]);
    assert_eq!(moved(&report, "orders"), [1, 0, 0, 2, 1]);
    assert_eq!(retired(&world), ["person 8"]);
    assert_eq!(world.quarantine(), ["orders 4 PARENT_MISSING person_id"]);
    world.source().execute("insert into old_people values (8, 'person 8', 'never')");
    let report = world.run();
    assert_eq!(moved(&report, "people"), [0, 1, 0, 9, 0]);
    assert_eq!(moved(&report, "orders"), [1, 0, 0, 3, 0]);
    assert_eq!(retired(&world), [""; 0]);
    assert_eq!(world.destination().count("people"), 10);
}

fn the_guard_holds_for_them_too(ends: Ends) {
    let world = world(ends);
    world.run();
    world.source().execute("delete from old_orders; delete from old_people where no > 3");

    let told = world.transload(&["run"]);

    assert_eq!(told.code, 6, "{told:?}");
    assert!(told.stderr.contains("TL0421"), "{told:?}");
    assert_eq!(retired(&world), [""; 0]);
    world.run_with(&["--max-deletes", "100%"]);
    assert_eq!(retired(&world).len(), 7);
}

/// A row that somebody deleted at the destination cannot say anything.
fn a_row_that_is_not_there_any_more_is_listed_once(ends: Ends) {
    let world = world(ends);
    world.run();
    // Another in its place, so that the count is right.
    let other = "insert into people (id, name) values ('0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11', 'by hand')";
    world.destination().execute(&format!("delete from people where name = 'person 9'; {other}"));
    world.source().execute("delete from old_people where no in (9, 10)");
    let told = world.transload(&["run"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(retired(&world), ["person 10"]);
    assert_eq!(world.quarantine(), ["people 9 LEDGER_MISMATCH -"]);
    let told = world.transload(&["run"]);
    assert!([0, 6].contains(&told.code), "{told:?}");
    assert_eq!(world.destination().count("people"), 10);
}

fn the_long_form_says_it(ends: Ends) {
    let world = world(ends);
    let long = world.transload(&["validate", "--expand", "people"]);
    assert_eq!(long.code, 0, "{long:?}");
    assert!(long.stdout.contains("deletes: { mode: soft, field: deleted_at, max: \"60%\" }"), "{long:?}");
    world.write("specs/people.yaml", &long.stdout);
    assert_eq!(moved(&world.run(), "people"), [10, 0, 0, 0, 0]);
    assert_eq!(retired(&world), [""; 0]);
}

/// The ledger knows which rows went, and only the spec knows which column says so.
fn a_row_that_comes_back_when_no_column_is_named_any_more_is_told(ends: Ends) {
    const SOFT: &str = "mode: soft, field: deleted_on";
    let world = world(ends);
    world.run();
    let says = || world.destination().count("orders where deleted_on is not null");
    for (mode, gone) in [("mode: ignore", 1), ("mode: hard", 2)] {
        world.source().execute(&format!("delete from old_orders where no = {gone}"));
        world.run();
        assert_eq!(says(), 1, "{mode}");
        world.replace("specs/orders.yaml", &format!("{SOFT}, max: 60%"), mode);
        world.source().execute(&format!("insert into old_orders values ({gone}, 3)"));

        let told = world.transload(&["run", "--format", "json"]);

        assert_eq!(told.code, 0, "{mode}: {told:?}");
        let expected = "1 row of `orders` came back, and its column still says when it went";
        assert!(told.stderr.contains(expected), "{mode}: {told:?}");
        let report: Value = serde_json::from_str(&told.stdout).unwrap();
        assert_eq!(counts(&report, "orders")["modified"], 1, "{mode}");
        assert_eq!(says(), 1, "{mode}");
        let again = world.transload(&["run"]);
        assert!(again.code == 0 && !again.stderr.contains("came back"), "{mode}: {again:?}");
        // What the warning says helps.
        world.replace("specs/orders.yaml", mode, &format!("{SOFT}, max: 60%"));
        let mended = world.transload(&["run", "--remap"]);
        assert!(mended.code == 0 && !mended.stderr.contains("came back"), "{mode}: {mended:?}");
        assert_eq!(says(), 0, "{mode}");
    }
}

/// Somebody deleted it at the destination, and the source lost it after that: when it comes back it is a new row.
fn a_row_that_comes_back_and_is_nowhere_is_loaded(ends: Ends) {
    let world = world(ends);
    world.run();
    let other = "insert into people (id, name) values ('0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11', 'by hand')";
    world.destination().execute(&format!("delete from people where name = 'person 9'; {other}"));
    world.source().execute("delete from old_people where no = 9");
    world.run();
    assert_eq!(world.quarantine(), ["people 9 LEDGER_MISMATCH -"]);
    world.destination().execute("delete from people where name = 'by hand'");
    world.source().execute("insert into old_people values (9, 'person 9', 'never')");

    let report = world.run();

    assert_eq!(moved(&report, "people"), [1, 0, 0, 9, 0]);
    assert_eq!(world.destination().count("people where name = 'person 9'"), 1);
    assert_eq!(world.quarantine(), [""; 0]);
    assert_eq!(moved(&world.run(), "people"), [0, 0, 0, 10, 0]);
}

/// Nothing of a row that fails is written, its mark neither: what it held before is not brought back to life for it.
fn a_lost_row_that_comes_back_bad_keeps_what_it_held_until_it_is_good(ends: Ends) {
    let world = world(ends);
    world.run();
    world.source().execute("delete from old_people where no = 7");
    world.run();
    let held =
        || world.destination().texts("select name || ' ' || deleted_at from people where deleted_at is not null");
    let before = held();
    world.source().execute("insert into old_people values (7, null, 'never')");

    assert_eq!(moved(&world.run(), "people"), [0, 0, 0, 9, 1]);

    assert_eq!((held(), world.quarantine()), (before, vec!["people 7 REQUIRED_MISSING name".to_owned()]));
    world.source().execute("update old_people set nm = 'mended' where no = 7");
    assert_eq!(moved(&world.run(), "people"), [0, 1, 0, 9, 0]);
    assert_eq!((held(), world.quarantine()), (Vec::new(), Vec::new()));
    assert_eq!(world.destination().count("people where name = 'mended'"), 1);
}

/// To a rule, a row that is only marked keeps its values: who waits for one is tried once, and not by each run.
fn a_row_that_is_marked_gives_nothing_up_to_a_rule(ends: Ends) {
    let world = world(ends);
    let unique = "field_mappings: { name: nm }\nvalidation_rules: [{ field_name: name, rule_type: unique }]";
    world.replace("specs/people.yaml", "field_mappings: { name: nm }", unique);
    world.source().execute("update old_people set nm = 'person 1' where no = 2");
    world.run();
    world.source().execute("delete from old_people where no = 9");
    world.run();
    let before = world.destination().fingerprint();

    world.run();

    assert_eq!(world.destination().fingerprint(), before, "a run that found nothing wrote");
}

const UNIQUE: &str = "create unique index people_names on people (name) where deleted_at is null;";

/// A table may keep apart only rows that are not marked.
fn a_value_that_a_mark_frees_is_taken_in_the_same_run(ends: Ends) {
    for load in ["batch_size: 500, checkpoint_interval: 10", "batch_size: 2, checkpoint_interval: 1"] {
        // Not one row may be left behind.
        let defaults = format!("  load: {{ {load}, max_errors: 0 }}");
        let specs = [("people", PEOPLE), ("orders", ORDERS)];
        let world = World::project(ends, &defaults, &format!("{SCHEMA}{UNIQUE}"), &specs);
        world.source().execute(FILL);
        world.run();
        // 2 takes what 9 gives up, 11 what 2 does, and 12 what 10 does.
        world.source().execute(
            "delete from old_people where no in (9, 10);
             update old_people set nm = 'person 9' where no = 2;
             insert into old_people values (11, 'person 2', 'never'), (12, 'person 10', 'never')",
        );

        let report = world.run();

        assert_eq!(moved(&report, "people"), [2, 1, 2, 7, 0], "{load}");
        assert_eq!(retired(&world), ["person 10", "person 9"]);
        assert_eq!(world.quarantine(), [""; 0]);
        assert_eq!(world.transload(&["verify"]).code, 0);
        let before = world.destination().fingerprint();
        world.run();
        assert_eq!(world.destination().fingerprint(), before, "a run that found nothing wrote");
    }
}

/// Who waits for a value was set aside by an earlier run, and waits on where the guard keeps the row that has it; so does who refers to it.
fn a_value_that_the_guard_keeps_is_not_free(ends: Ends) {
    let specs = [("people", PEOPLE), ("orders", ORDERS)];
    let world = World::project(ends, "", &format!("{SCHEMA}{UNIQUE}"), &specs);
    world.source().execute(FILL);
    world
        .source()
        .execute("insert into old_people values (11, 'person 9', 'never'); insert into old_orders values (4, 11)");
    world.run();
    let waits = ["orders 4 PARENT_MISSING person_id", "people 11 CONSTRAINT_UNIQUE name"];
    assert_eq!(world.quarantine(), waits);
    world.source().execute("delete from old_people where no between 4 and 10");

    let told = world.transload(&["run"]);

    assert_eq!(told.code, 6, "{told:?}");
    assert!(told.stderr.contains("TL0421"), "{told:?}");
    assert_eq!(world.quarantine(), waits);
    let report = world.run_with(&["--max-deletes", "100%"]);
    assert_eq!(moved(&report, "people"), [1, 0, 7, 3, 0]);
    assert_eq!(moved(&report, "orders"), [1, 0, 0, 3, 0]);
    assert_eq!(world.quarantine(), [""; 0]);
}

for_each_pair!(
    a_lost_row_that_comes_back_bad_keeps_what_it_held_until_it_is_good,
    a_row_that_is_marked_gives_nothing_up_to_a_rule,
    a_value_that_a_mark_frees_is_taken_in_the_same_run,
    a_value_that_the_guard_keeps_is_not_free,
    a_lost_row_stays_and_says_when_until_it_comes_back,
    the_guard_holds_for_them_too,
    a_row_that_is_not_there_any_more_is_listed_once,
    a_row_that_comes_back_and_is_nowhere_is_loaded,
    a_row_that_comes_back_when_no_column_is_named_any_more_is_told,
    the_long_form_says_it,
);
