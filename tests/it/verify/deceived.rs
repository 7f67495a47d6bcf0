//! What must not deceive `verify`: rows that are there twice, strangers, entities that refer to themselves, tables without rows, keys that are
//! written in another way, and samples that are none.

use serde_json::{Value, json};

use super::{of, rows, verified};
use crate::ends::{Ends, for_each_pair};
use crate::world::World;

fn spec(entity: &str, rest: &str) -> String {
    format!("entity_type: {entity}\nsource_table: old_{entity}\ndestination_table: {entity}\nversion: \"1\"\n{rest}")
}

/// One entity of numbers and names, with a key that the old table has.
fn notes(ends: Ends, rest: &str, table: &str, count: u64) -> World {
    let kept = "key: { strategy: keep, destination: id }\nfield_mappings: { id: no, note: txt }\n";
    let world = World::project(ends, "", table, &[("notes", &spec("notes", &format!("{rest}{kept}")))]);
    world.source().execute("create table old_notes (no integer primary key, txt text, day text)");
    add(&world, count);
    world
}

fn add(world: &World, count: u64) {
    world.source().execute(&format!(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < {count})
         insert into old_notes select i, 'note ' || i, '2020-01-01' from n where {count} > 0"
    ));
}

const WITH_KEY: &str = "create table notes (id bigint primary key, note text);";
const WITHOUT_KEY: &str = "create table notes (id bigint, note text);";

fn state(document: &Value, entity: &str) -> String {
    of(document, entity)["state"].as_str().unwrap().to_owned()
}

fn a_row_that_is_there_twice_is_found(ends: Ends) {
    let world = notes(ends, "", WITHOUT_KEY, 6);
    world.run();
    let end = world.destination();
    end.execute("update notes set note = 'WRONG' where id = 3; insert into notes values (2, 'note 2')");

    let (code, document) = verified(&world, &[]);

    assert_eq!(
        (code, rows(of(&document, "notes"))),
        (1, vec![r#"3 different ["note"]"#.to_owned(), "2 extra []".to_owned()])
    );
    end.execute("update notes set note = 'note 3' where id = 3");
    let (code, document) = verified(&world, &[]);
    assert_eq!((code, rows(of(&document, "notes"))), (1, vec!["2 extra []".to_owned()]));
    end.execute("delete from notes where id = 2; insert into notes values (2, 'note 2'), (4, 'other')");
    let (code, document) = verified(&world, &[]);
    let found = rows(of(&document, "notes"));
    assert_eq!((code, found.last().unwrap().as_str()), (1, "4 extra []"), "{found:?}");
}

/// People of whom each has a boss among the others.
fn staff(ends: Ends, rest: &str) -> World {
    let schema = "create table staff (id uuid primary key, name text not null, boss_id uuid references staff (id));";
    let boss = "  boss_id: { source_field: boss, references: staff, on_missing: quarantine }\n";
    let staff = spec("staff", &format!("{rest}field_mappings:\n  name: nm\n{boss}"));
    let world = World::project(ends, "", schema, &[("staff", &staff)]);
    world.source().execute(
        "create table old_staff (no integer primary key, nm text, boss integer);
         insert into old_staff values (1, 'a', null), (2, 'b', 5), (3, 'c', 2), (4, 'd', 2), (5, 'e', 1), (6, 'f', 5)",
    );
    world.run();
    world
}

/// A row that nobody refers to, one that others do, and all.
const GONE: [&str; 3] = ["'d'", "'b', 'c'", "'a', 'b', 'c', 'd', 'e', 'f'"];

fn leave(world: &World, gone: &str) {
    world.destination().meddle("staff", ("boss_id", "staff"), &format!("delete from staff where name in ({gone})"));
}

fn a_tree_is_repaired(ends: Ends) {
    let world = staff(ends, "");
    for gone in GONE {
        leave(&world, gone);
        assert_eq!(verified(&world, &[]).0, 1, "{gone}");

        let told = world.transload(&["verify", "--repair"]);

        assert_eq!((told.code, world.destination().count("staff")), (0, 6), "{gone}: {told:?}");
        world.assert_as_expected();
        assert_eq!(world.quarantine(), [""; 0], "{gone}");
    }
}

fn a_tree_is_put_right_by_a_full_comparison(ends: Ends) {
    let world = staff(ends, "change_detection: { strategy: full }\n");
    for gone in GONE {
        leave(&world, gone);
        world.run();
        assert_eq!(world.destination().count("staff"), 6, "{gone}");
        world.assert_as_expected();
        assert_eq!(world.quarantine(), [""; 0], "{gone}");
    }
}

fn what_the_destination_lost_is_told_whatever_else_became_of_it(ends: Ends) {
    let rule = "validation_rules: [{ field_name: note, rule_type: length, rule_parameters: { max: 20 } }]\n";
    let world = notes(ends, rule, WITH_KEY, 9);
    world.run();
    world.source().execute("update old_notes set txt = 'moved' where no = 2");
    world.source().execute("update old_notes set txt = 'much too long for this column' where no = 5");
    world.run();
    world.source().execute("update old_notes set txt = 'moved again' where no = 2");
    world.destination().execute("delete from notes where id in (2, 5)");

    let (code, document) = verified(&world, &[]);

    assert_eq!((code, rows(of(&document, "notes"))), (1, vec!["2 missing []".to_owned(), "5 missing []".to_owned()]));
    let told = world.transload(&["run"]);
    assert!(told.code == 6 && told.stderr.contains("transload verify --repair"), "{told:?}");
    world.source().execute("update old_notes set txt = 'short' where no = 5");
    assert_eq!(world.transload(&["verify", "--repair"]).code, 0);
    world.assert_as_expected();
    world.run();
}

fn a_stranger_in_the_place_of_a_row_that_failed_is_told(ends: Ends) {
    let rule = "validation_rules: [{ field_name: note, rule_type: length, rule_parameters: { max: 20 } }]\n";
    let world = notes(ends, rule, WITH_KEY, 4);
    world.source().execute("update old_notes set txt = 'much too long for this column' where no in (2, 3)");
    world.run();
    world.transload(&["quarantine", "discard", "notes", "--key", "3", "--reason", "test"]);
    assert_eq!(verified(&world, &[]).0, 0);
    world.destination().execute("insert into notes values (2, 'STRANGER'), (3, 'STRANGER')");

    let (code, document) = verified(&world, &[]);

    let found = of(&document, "notes");
    assert_eq!((code, &found["unexplained"]["different"], &found["explained"]), (1, &json!(2), &json!({})), "{found}");
}

fn an_entity_without_rows_is_verified(ends: Ends) {
    let world = notes(ends, "", WITH_KEY, 0);
    world.run();
    let (code, document) = verified(&world, &[]);
    assert_eq!((code, state(&document, "notes")), (0, "verified".to_owned()));
    world.destination().execute("insert into notes values (1, 'x')");
    let (code, document) = verified(&world, &[]);
    assert_eq!((code, rows(of(&document, "notes"))), (1, vec!["1 extra []".to_owned()]));
}

/// Else each row is compared by the destination, one by one.
fn digests_of_both_sides_are_the_same(ends: Ends) {
    let schema = "
        create table kept (code char(6) primary key, pay numeric(8,2), born date, at timestamp, done boolean, text varchar(40), short char(9));
        create table made (id uuid primary key, pay numeric(8,2), born date, at timestamp, done boolean, text varchar(40), short char(9));
    ";
    let fields = "pay: pay\n  born: { source_field: born, format: \"%Y%m%d\" }\n  at: { source_field: at, format: \"%Y-%m-%d %H:%M:%S\" }\n  done: { source_field: done, value_map: { \"1\": true, \"0\": false } }\n  text: txt\n  short: txt\n";
    let kept =
        spec("kept", &format!("key: {{ strategy: keep, destination: code }}\nfield_mappings:\n  code: no\n  {fields}"));
    let made = spec("made", &format!("field_mappings:\n  {fields}"));
    let world = World::project(ends, "", schema, &[("kept", &kept), ("made", &made)]);
    for table in ["old_kept", "old_made"] {
        world.source().execute(&format!(
            "create table {table} (no text primary key, pay numeric(8,2), born text, at text, done text, txt text);
             with recursive n (i) as (select 1 union all select i + 1 from n where i < 2000)
             insert into {table} select 'k' || i, i + 0.5, '19990101', '2001-02-03 04:05:06', '1', 't' || i from n"
        ));
    }
    world.run();

    let (code, document) = verified(&world, &[]);

    assert_eq!(code, 0, "{document}");
    for entity in ["kept", "made"] {
        let found = of(&document, entity);
        assert_eq!((&found["compared"], &found["looked_at"]), (&json!(2_000), &json!(0)), "{found}");
    }
}

/// A number is no key that a table can be asked for.
fn keys_that_have_no_name_raise_no_alarm(ends: Ends) {
    let schema = "create table notes (id numeric(12,0) primary key, note text);";
    let world = notes(ends, "deletes: { mode: hard, max: 90% }\n", schema, 50);
    world.run();
    assert_eq!(verified(&world, &[]).0, 0);
    world.source().execute("delete from old_notes where no < 20");
    let (code, document) = verified(&world, &[]);
    assert_eq!((code, &of(&document, "notes")["explained"]), (0, &json!({ "gone_from_source": 19 })));
    world.destination().execute("insert into notes values (1000, 'x')");
    let (code, document) = verified(&world, &[]);
    let found = of(&document, "notes");
    assert_eq!((code, &found["unexplained"]["extra"]), (1, &json!(1)));
    let extra = found["rows"].as_array().unwrap().iter().find(|row| row["difference"] == "extra").unwrap();
    assert_eq!(extra.get("destination_key"), Some(&Value::Null), "{extra}");
    let told = world.transload(&["verify"]);
    assert!(told.stdout.contains("(unnamed)"), "{told:?}");
}

fn a_sample_is_drawn_from_everywhere(ends: Ends) {
    let world = notes(ends, "", WITH_KEY, 20_000);
    world.source().execute("analyze");
    world.run();
    for rows in [1, 10, 700] {
        let (code, document) = verified(&world, &["--sample", &rows.to_string()]);
        assert_eq!((code, &of(&document, "notes")["compared"]), (0, &json!(rows)));
    }
    // Rows that lie together at the source: of 300 that are drawn evenly, none is among them once in 10^13 times.
    world.destination().execute("update notes set note = 'WRONG' where id > 18000");
    let (code, document) = verified(&world, &["--sample", "300"]);
    let wrong = of(&document, "notes")["different"].as_u64().unwrap();
    assert!(code == 1 && (5..80).contains(&wrong), "{document}");
    world.destination().execute("delete from notes where id < 100");
    let (code, document) = verified(&world, &["--sample", "1"]);
    assert_eq!((code, &of(&document, "notes")["unexplained"]["missing"]), (1, &json!(99)), "{document}");
}

fn what_follows_from_the_time_of_a_run_is_left_out(ends: Ends) {
    let schema = "create table notes (id bigint primary key, note text, moved text);";
    let world = notes(ends, "", schema, 5);
    let field = "field_mappings: { id: no, note: txt, moved: { expression: \"now\" } }";
    world.replace("specs/notes.yaml", "field_mappings: { id: no, note: txt }", field);
    world.run();
    let (code, document) = verified(&world, &[]);
    assert_eq!((code, &of(&document, "notes")["left_out"]), (0, &json!(["moved"])), "{document}");
    let told = world.transload(&["verify"]);
    assert!(told.stdout.contains("not compared, because it follows from the time of a run: notes moved"), "{told:?}");
    let (code, document) = verified(&world, &["--columns", "moved"]);
    assert_eq!((code, state(&document, "notes")), (1, "not_comparable".to_owned()));
}

/// Its row stays, and no child of it can be derived any more.
fn what_refers_to_a_row_that_left_is_explained(ends: Ends) {
    let schema = "
        create table towns (id uuid primary key, name text not null, gone_at timestamp);
        create table people (id uuid primary key, name text not null, town_id uuid references towns (id));
    ";
    let towns = spec("towns", "deletes: { mode: soft, field: gone_at, max: 90% }\nfield_mappings: { name: nm }\n");
    let people = spec(
        "people",
        "field_mappings:\n  name: nm\n  town_id: { source_field: town, references: towns, on_missing: quarantine }\n",
    );
    let world = World::project(ends, "", schema, &[("towns", &towns), ("people", &people)]);
    world.source().execute(
        "create table old_towns (no integer primary key, nm text);
         create table old_people (no integer primary key, nm text, town integer);
         insert into old_towns values (1, 'x'), (2, 'y'); insert into old_people values (1, 'a', 1), (2, 'b', 2)",
    );
    world.run();
    world.source().execute("delete from old_towns where no = 1");
    world.run();
    let (code, document) = verified(&world, &[]);
    assert_eq!((code, &of(&document, "people")["explained"]), (0, &json!({ "parent_gone": 1 })), "{document}");
    world.destination().execute("update people set name = 'WRONG' where name = 'a'");
    let (code, document) = verified(&world, &[]);
    assert_eq!((code, &of(&document, "people")["unexplained"]["different"]), (1, &json!(1)), "{document}");
    let told = world.transload(&["verify"]);
    assert!(told.stdout.contains("PARENT_MISSING") && !told.stdout.contains("--repair"), "{told:?}");
}

fn columns_are_compared_where_there_are_any(ends: Ends) {
    let schema =
        "create table notes (id bigint primary key, note text); create table days (id uuid primary key, day text);";
    let kept = "key: { strategy: keep, destination: id }\nfield_mappings: { id: no, note: txt }\n";
    let days = "entity_type: days\nsource_table: old_notes\ndestination_table: days\nversion: \"1\"\nfield_mappings: { day: day }\n";
    let world = World::project(ends, "", schema, &[("notes", &spec("notes", kept)), ("days", days)]);
    world.source().execute("create table old_notes (no integer primary key, txt text, day text)");
    add(&world, 5);
    world.run();
    let (code, document) = verified(&world, &["--columns", "note"]);
    assert_eq!((code, document["entities"].as_array().unwrap().len()), (0, 1), "{document}");
    let (code, document) = verified(&world, &["--columns", "id"]);
    assert_eq!((code, document["entities"].as_array().unwrap().len()), (0, 2), "{document}");
    world.destination().execute("delete from days where cast(id as text) = (select min(cast(id as text)) from days)");
    assert_eq!(verified(&world, &["--columns", "id"]).0, 1);
}

for_each_pair!(
    a_row_that_is_there_twice_is_found,
    a_tree_is_repaired,
    a_tree_is_put_right_by_a_full_comparison,
    what_the_destination_lost_is_told_whatever_else_became_of_it,
    a_stranger_in_the_place_of_a_row_that_failed_is_told,
    an_entity_without_rows_is_verified,
    digests_of_both_sides_are_the_same,
    keys_that_have_no_name_raise_no_alarm,
    a_sample_is_drawn_from_everywhere,
    what_follows_from_the_time_of_a_run_is_left_out,
    what_refers_to_a_row_that_left_is_explained,
    columns_are_compared_where_there_are_any,
);
