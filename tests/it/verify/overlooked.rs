//! What `verify` must not overlook, nor take for a difference: rows whose keys refer to others, cursors that did not move, places that others
//! have taken, keys that are filled up with blanks or written in another way.

use serde_json::json;

use super::{of, rows, verified};
use crate::ends::{Ends, for_each_pair};
use crate::world::World;

fn spec(entity: &str, rest: &str) -> String {
    format!("entity_type: {entity}\nsource_table: old_{entity}\ndestination_table: {entity}\nversion: \"1\"\n{rest}")
}

/// One entity of keys and notes; the key is kept as `key` says.
fn notes(ends: Ends, table: &str, (rest, key): (&str, &str), given: &str) -> World {
    let fields =
        format!("{rest}key: {{ strategy: keep, destination: id }}\nfield_mappings: {{ id: {key}, note: txt }}\n");
    let world = World::project(ends, "", table, &[("notes", &spec("notes", &fields))]);
    world.source().execute(&format!("create table old_notes {given}"));
    world
}

/// Its town is gone from the source and stays at the destination, so that no visit to it can be derived any more.
fn a_row_whose_key_refers_to_what_left_is_looked_at(ends: Ends) {
    let schema = "
        create table towns (id bigint primary key, name text not null, gone_at timestamp);
        create table visits (town_id bigint, no bigint, note text, primary key (town_id, no));
    ";
    let kept = "key: { strategy: keep, destination: id }\nfield_mappings: { id: no, name: nm }\n";
    let towns = spec("towns", &format!("deletes: {{ mode: soft, field: gone_at, max: 90% }}\n{kept}"));
    let visits = spec(
        "visits",
        "key: { strategy: keep, source: [town, no], destination: [town_id, no] }
field_mappings:
  town_id: { source_field: town, references: towns, on_missing: quarantine }
  no: no
  note: txt
",
    );
    let world = World::project(ends, "", schema, &[("towns", &towns), ("visits", &visits)]);
    world.source().execute(
        "create table old_towns (no integer primary key, nm text);
         create table old_visits (town integer, no integer, txt text, primary key (town, no));
         insert into old_towns values (1, 'x'), (2, 'y');
         insert into old_visits values (1, 1, 'a'), (1, 2, 'b'), (1, 3, 'c'), (2, 1, 'd')",
    );
    world.run();
    world.source().execute("delete from old_towns where no = 1");
    world.run();
    let (code, document) = verified(&world, &[]);
    assert_eq!((code, &of(&document, "visits")["explained"]), (0, &json!({ "parent_gone": 3 })), "{document}");
    let end = world.destination();
    end.execute("delete from visits where town_id = 1 and no = 2");
    end.execute("update visits set note = 'TAMPERED' where town_id = 1 and no = 1");

    let (code, document) = verified(&world, &[]);

    let found = of(&document, "visits");
    assert_eq!(
        (code, rows(found)),
        (1, vec![r#"["1","1"] different []"#.to_owned(), r#"["1","2"] missing []"#.to_owned()]),
        "{found}"
    );
    assert_eq!(found["explained"], json!({ "parent_gone": 1 }));
}

/// The next run goes by the cursor, and would not bring it.
fn what_no_cursor_tells_is_a_difference(ends: Ends) {
    let by_cursor = "change_detection: { cursor_field: upd, overlap: 1h, audit_runs: 100 }\n";
    let table = "create table notes (id bigint primary key, note text);";
    let given = "(no integer primary key, txt text, upd timestamp)";
    for deletes in ["", "deletes: { mode: hard }\n"] {
        let world = notes(ends, table, (&format!("{by_cursor}{deletes}"), "no"), given);
        world.source().execute(
            "with recursive n (i) as (select 1 union all select i + 1 from n where i < 40)
             insert into old_notes select i, 'note ' || i, '2001-02-03 04:05:06' from n",
        );
        world.run();
        world.source().execute("update old_notes set txt = 'x' where no in (30, 31)");
        world.source().execute("update old_notes set txt = 'x', upd = current_timestamp where no = 32");
        world.source().execute("update old_notes set txt = 'x', upd = null where no = 33");
        world.source().execute("insert into old_notes values (50, 'new', '2001-02-03 04:05:06')");

        let (code, document) = verified(&world, &[]);

        let found = of(&document, "notes");
        let mut expected = vec![r#"30 different ["note"]"#.to_owned(), r#"31 different ["note"]"#.to_owned()];
        if deletes.is_empty() {
            expected.push("50 missing []".to_owned());
        }
        assert_eq!((code, rows(found)), (1, expected.clone()), "{found}");
        assert_eq!(found["explained"], json!({ "changed_at_source": 5 - expected.len() }));
        let told = world.transload(&["verify", "--repair"]);
        assert_eq!(told.code, 0, "{told:?}");
        world.run();
        world.assert_as_expected();
    }
}

/// Its key does not depend on what is wrong with it.
fn a_row_that_cannot_be_converted_any_more_is_found_by_its_key(ends: Ends) {
    let kept = "key: { strategy: keep, destination: id }\nfield_mappings: { id: no, n: { source_field: txt, data_type: integer } }\n";
    let table = "create table notes (id bigint primary key, n bigint);";
    let world = World::project(ends, "", table, &[("notes", &spec("notes", kept))]);
    world.source().execute("create table old_notes (no integer primary key, txt text)");
    world.source().execute("insert into old_notes values (1, '1'), (2, '2'), (3, '3')");
    world.run();
    world.source().execute("update old_notes set txt = 'x' where no = 2");
    let (code, document) = verified(&world, &[]);
    assert_eq!((code, &of(&document, "notes")["explained"]), (0, &json!({ "changed_at_source": 1 })), "{document}");

    world.run();

    let (code, document) = verified(&world, &[]);
    assert_eq!((code, &of(&document, "notes")["explained"]), (0, &json!({ "quarantine": 1 })), "{document}");
    let (code, document) = verified(&world, &["--sample", "3"]);
    assert_eq!((code, &of(&document, "notes")["explained"]), (0, &json!({ "quarantine": 1 })), "{document}");
    world.destination().execute("delete from notes where id = 2");
    let (code, document) = verified(&world, &[]);
    assert_eq!((code, rows(of(&document, "notes"))), (1, vec!["2 missing []".to_owned()]), "{document}");
}

fn two_rows_that_lead_to_one_place_are_explained(ends: Ends) {
    let table = "create table notes (id varchar(9) primary key, note text);";
    let lower = "{ source_field: code, transformation: lower }";
    let world = notes(ends, table, ("", lower), "(code varchar(9) primary key, txt text)");
    world.source().execute("insert into old_notes values ('A', 'one'), ('B', 'two'), ('a', 'three')");
    world.run();
    let loaded = world.destination().texts("select note from notes where id = 'a'");

    let (code, document) = verified(&world, &[]);

    assert_eq!((code, &of(&document, "notes")["explained"]), (0, &json!({ "quarantine": 1 })), "{document}");
    let bad = if loaded == ["one"] { "a" } else { "A" };
    world.transload(&["quarantine", "discard", "notes", "--key", bad, "--reason", "test"]);
    let (code, document) = verified(&world, &[]);
    assert_eq!((code, &of(&document, "notes")["explained"]), (0, &json!({ "discarded": 1 })), "{document}");
    world.destination().execute("update notes set note = 'WRONG' where id = 'a'");
    let (code, document) = verified(&world, &[]);
    let good = if bad == "a" { "A" } else { "a" };
    assert_eq!((code, rows(of(&document, "notes"))), (1, vec![format!(r#"{good} different ["note"]"#)]));
}

/// A column may fill its values up with blanks; what is shorter is found all the same.
fn a_stranger_with_a_key_of_fixed_width_is_told(ends: Ends) {
    let world = notes(
        ends,
        "create table notes (id char(6), note text);",
        ("", "code"),
        "(code varchar(9) primary key, txt text)",
    );
    world.source().execute("insert into old_notes values ('A', 'one'), ('B', 'two'), ('C', 'three')");
    world.run();
    world.destination().execute("insert into notes values ('ZZ', 'stranger'), ('ZZZZZZ', 'stranger'), ('B', 'two')");

    let (code, document) = verified(&world, &[]);

    let found: Vec<String> = rows(of(&document, "notes")).iter().map(|row| row.replace("  ", "")).collect();
    assert_eq!((code, found.len()), (1, 3), "{document}");
    assert_eq!(world.transload(&["verify"]).code, 1);
}

/// A key in a text of which the destination takes another case for the same.
fn folded(ends: Ends, rest: &str) -> World {
    let table = if ends.is_to_postgres() {
        "create collation folding (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         create table notes (id text collate folding primary key, note text);"
    } else {
        "create table notes (id text collate nocase primary key, note text);"
    };
    notes(ends, table, (rest, "code"), "(code varchar(9) primary key, txt text)")
}

/// To the destination it is one row; so a run does not write it again and again.
fn a_key_that_is_written_in_another_way_is_the_same(ends: Ends) {
    let world = folded(ends, "change_detection: { strategy: full }\n");
    world.source().execute("insert into old_notes values ('A', 'one'), ('B', 'two')");
    world.run();
    world.destination().execute("update notes set id = 'a' where id = 'A'");

    let (code, document) = verified(&world, &[]);

    let found = ["missing", "extra", "different"].map(|name| of(&document, "notes")[name].as_u64().unwrap());
    assert_eq!((code, found), (0, [0; 3]), "{document}");
    assert_eq!(crate::world::counts(&world.run(), "notes")["modified"], json!(0));
    world.destination().execute("update notes set note = 'WRONG' where id = 'a'");
    let (code, document) = verified(&world, &[]);
    assert_eq!((code, rows(of(&document, "notes"))), (1, vec![r#"A different ["note"]"#.to_owned()]), "{document}");
    world.run();
    world.source().execute("insert into old_notes values ('b', 'three')");
    world.destination().execute("update notes set id = 'A' where id = 'A'");
    world.transload(&["run"]);
    let (code, document) = verified(&world, &[]);
    assert_eq!((code, &of(&document, "notes")["explained"]), (0, &json!({ "quarantine": 1 })), "{document}");
}

/// It was there before, written in another way, and stays so.
fn a_row_that_was_taken_over_is_no_stranger(ends: Ends) {
    let world = folded(ends, "");
    world.source().execute("insert into old_notes values ('abc', 'one'), ('def', 'two')");
    world.run();
    world.destination().execute("delete from notes");
    crate::adopted::forget(&world);
    world.destination().execute("insert into notes values ('ABC', 'one'), ('def', 'other'), ('xyz', 'stranger')");
    world.run_with(&["--adopt-existing"]);
    assert_eq!(world.destination().texts("select id from notes order by id"), ["ABC", "def", "xyz"]);

    let (code, document) = verified(&world, &[]);

    assert_eq!((code, rows(of(&document, "notes"))), (1, vec!["xyz extra []".to_owned()]), "{document}");
    world.destination().execute("delete from notes where id = 'xyz'");
    assert_eq!(verified(&world, &[]).0, 0);
    // Where most rows differ, each is compared.
    world.source().execute(
        "insert into old_notes with recursive n (i) as (select 1 union all select i + 1 from n where i < 3000)
         select 'k' || i, 'x' from n",
    );
    world.run();
    world.destination().execute("update notes set note = 'y' where note = 'x'");
    let (code, document) = verified(&world, &[]);
    let found = of(&document, "notes");
    assert_eq!((code, &found["extra"], &found["different"]), (1, &json!(0), &json!(3000)), "{document}");
    world.destination().execute("update notes set note = 'x' where note = 'y'");
    // What the source does not give any more is told as that.
    world.source().execute("delete from old_notes where code = 'abc'");
    world.run();
    let (code, document) = verified(&world, &[]);
    assert_eq!((code, &of(&document, "notes")["explained"]), (0, &json!({ "gone_from_source": 1 })), "{document}");
}

/// A UUID may be kept in a text, and a day.
fn keys_in_columns_of_another_type_raise_no_alarm(ends: Ends) {
    let table =
        "create table notes (id text primary key, note text); create table days (id text primary key, note text);";
    let made = spec("notes", "field_mappings: { note: txt }\n");
    let kept = "key: { strategy: keep, destination: id }\nfield_mappings: { id: { source_field: day, data_type: date }, note: txt }\n";
    let world = World::project(ends, "", table, &[("notes", &made), ("days", &spec("days", kept))]);
    world.source().execute(
        "create table old_notes (no integer primary key, txt text); insert into old_notes values (1, 'one'), (2, 'two');
         create table old_days (day date primary key, txt text); insert into old_days values ('2020-01-02', 'one')",
    );
    world.run();
    assert_eq!(verified(&world, &[]).0, 0);
    let id = "0B6FF3A2-5D43-4F0E-9A3C-6D8F0F3F2C99";
    world
        .destination()
        .execute(&format!("insert into notes values ('{id}', 'x'); insert into days values ('2021-01-02', 'x')"));

    let (code, document) = verified(&world, &[]);

    assert_eq!(
        (code, rows(of(&document, "notes"))),
        (1, vec![format!("{} extra []", id.to_lowercase())]),
        "{document}"
    );
    assert_eq!(rows(of(&document, "days")), ["2021-01-02 extra []"], "{document}");
}

/// They hold the same, and nobody can tell them apart; they are two all the same.
fn rows_without_a_key_are_as_many_as_there_are(ends: Ends) {
    let table = "create table notes (id bigint primary key, note text);";
    let world = notes(ends, table, ("", "no"), "(no integer, txt text)");
    world.replace("specs/notes.yaml", "strategy: keep,", "strategy: keep, source: no,");
    world.source().execute("insert into old_notes values (1, 'one'), (null, 'x'), (null, 'x')");
    world.run();

    let (code, document) = verified(&world, &[]);

    let found = of(&document, "notes");
    assert_eq!((code, &found["missing"], &found["explained"]), (0, &json!(2), &json!({ "quarantine": 2 })), "{found}");
}

for_each_pair!(
    a_key_that_is_written_in_another_way_is_the_same,
    a_row_that_was_taken_over_is_no_stranger,
    keys_in_columns_of_another_type_raise_no_alarm,
    a_row_whose_key_refers_to_what_left_is_looked_at,
    what_no_cursor_tells_is_a_difference,
    a_row_that_cannot_be_converted_any_more_is_found_by_its_key,
    two_rows_that_lead_to_one_place_are_explained,
    a_stranger_with_a_key_of_fixed_width_is_told,
    rows_without_a_key_are_as_many_as_there_are,
);
