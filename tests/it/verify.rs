//! `verify`: every difference is found and named, what the ledger explains is no alarm, and nobody who writes meanwhile causes one.

mod deceived;
mod memory;
mod overlooked;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::alongside::{awaited, begun_with};
use crate::ends::{Ends, for_each_pair};
use crate::world::{Ended, Random, World};

const SCHEMA: &str = "
create table towns (id uuid primary key, name text not null);
create table people (id uuid primary key, name text not null, born date, pay numeric(8,2), town_id uuid references towns (id), note text);
";

const TOWNS: &str = "
entity_type: towns
source_table: old_towns
destination_table: towns
version: \"1\"
field_mappings: { name: nm }
";

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
field_mappings:
  name: { source_field: nm, transformation: trimmed }
  born: { source_field: born, format: \"%Y%m%d\" }
  pay: pay
  town_id: { source_field: town, references: towns }
";

const TABLES: &str = "
create table old_towns (no integer primary key, nm text);
create table old_people (no integer primary key, nm text, born text, pay numeric(8,2), town integer);
insert into old_towns values (1, 'x'), (2, 'y'), (3, null);
";

fn world(ends: Ends, people: u64) -> World {
    let world = World::project(ends, "", SCHEMA, &[("towns", TOWNS), ("people", PEOPLE)]);
    world.source().execute(TABLES);
    add(&world, people);
    world
}

fn add(world: &World, people: u64) {
    let before = world.source().number("select coalesce(max(no), 0) from old_people");
    world.source().execute(&format!(
        "with recursive n (i) as (select {before} + 1 union all select i + 1 from n where i < {before} + {people})
         insert into old_people select i, ' person ' || i, case when i % 3 = 0 then '19990101' end, i % 1000 + 0.25, i % 2 + 1 from n"
    ));
}

fn verified(world: &World, flags: &[&str]) -> (i32, Value) {
    let told = world.transload(&[&["verify", "--format", "json"], flags].concat());
    let document = serde_json::from_str(&told.stdout).unwrap_or_else(|error| panic!("{error}: {told:?}"));
    (told.code, document)
}

fn of<'a>(document: &'a Value, entity: &str) -> &'a Value {
    document["entities"].as_array().unwrap().iter().find(|found| found["entity_type"] == entity).unwrap()
}

/// The rows that nothing explains.
fn rows(found: &Value) -> Vec<String> {
    let line = |row: &Value| {
        let difference = row["difference"].as_str().unwrap();
        let key = if difference == "extra" { &row["destination_key"] } else { &row["source_key"] };
        format!("{} {difference} {}", key.as_str().unwrap(), row["columns"])
    };
    found["rows"].as_array().unwrap().iter().map(line).collect()
}

/// A row of the destination as it is, by the source key that it came from.
fn name_of(no: u64) -> String {
    format!("'person {no}'")
}

fn each_difference_is_found_named_and_repaired(ends: Ends) {
    let world = world(ends, 300);
    world.run();
    let before = world.destination().fingerprint();
    let (code, document) = verified(&world, &[]);
    assert_eq!(code, 0, "{document}");
    assert_eq!(
        (&of(&document, "people")["state"], &of(&document, "people")["compared"]),
        (&json!("verified"), &json!(300))
    );
    assert_eq!(of(&document, "towns")["explained"], json!({ "quarantine": 1 }));
    assert_eq!(world.destination().fingerprint(), before, "something was written");

    // One byte, a missing row, and two rows whose values changed places.
    let end = world.destination();
    end.execute(&format!("update people set name = 'persom 7' where name = {}", name_of(7)));
    end.execute(&format!("delete from people where name = {}", name_of(20)));
    end.execute(&format!("update people set name = 'aside' where name = {}", name_of(31)));
    end.execute(&format!("update people set name = {} where name = {}", name_of(31), name_of(32)));
    end.execute(&format!("update people set name = {} where name = 'aside'", name_of(32)));
    end.execute(&format!("update people set pay = null, born = '2000-02-02' where name = {}", name_of(9)));
    // A column that no field fills is nobody's business.
    end.execute("update people set note = 'mine'");

    let (code, document) = verified(&world, &[]);

    assert_eq!(code, 1);
    let people = of(&document, "people");
    let expected = [
        r#"7 different ["name"]"#,
        r#"9 different ["born","pay"]"#,
        "20 missing []",
        r#"31 different ["name"]"#,
        r#"32 different ["name"]"#,
    ];
    assert_eq!(rows(people), expected);
    assert_eq!(people["columns"], json!({ "name": 3, "born": 1, "pay": 1 }));
    assert_eq!(
        (&people["missing"], &people["different"], &people["state"]),
        (&json!(1), &json!(4), &json!("different"))
    );
    assert_eq!(people["explained"], json!({}));

    let kept = end.texts("select name || coalesce(note, '-') from people order by 1").len();
    let told = world.transload(&["verify", "--repair"]);
    assert_eq!(told.code, 0, "{told:?}");
    world.assert_as_expected();
    assert_eq!(end.count("people"), kept as u64 + 1);
    assert_eq!(end.number("select count(*) from people where note = 'mine'"), 299, "no other column was touched");
}

fn a_repair_writes_the_row_and_no_other(ends: Ends) {
    let world = world(ends, 40);
    world.run();
    world.source().execute("update old_people set nm = 'moved' where no = 3");
    world.destination().execute(&format!("update people set name = 'edited' where name = {}", name_of(9)));
    let others = "select cast(id as text) || name || coalesce(cast(pay as text), '-') from people where name not in ('edited', 'person 9') order by 1";
    let before = world.destination().texts(others);

    let told = world.transload(&["verify", "--repair", "--format", "json"]);

    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(world.destination().texts(others), before, "another row was written");
    assert_eq!(world.destination().count(&format!("people where name = {}", name_of(9))), 1);
    // One document, and nothing beside it.
    let document: Value = serde_json::from_str(&told.stdout).unwrap_or_else(|error| panic!("{error}: {told:?}"));
    assert_eq!(of(&document, "people")["explained"], json!({ "changed_at_source": 1 }));
}

fn a_row_that_nobody_loaded_is_named_and_stays(ends: Ends) {
    let world = world(ends, 40);
    world.run();
    let id = "0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c99";
    world.destination().execute(&format!("insert into people (id, name) values ('{id}', 'stranger')"));

    let (code, document) = verified(&world, &[]);

    assert_eq!((code, rows(of(&document, "people"))), (1, vec![format!("{id} extra []")]));
    let told = world.transload(&["verify", "--repair"]);
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.stdout.contains("rows that no run loaded are never deleted"), "{told:?}");
    assert_eq!(world.destination().count("people"), 41);
}

fn what_the_ledger_explains_is_no_difference(ends: Ends) {
    let world = world(ends, 100);
    world
        .source()
        .execute("update old_people set town = 3 where no = 5; update old_people set born = 'x' where no = 6");
    world.run();
    world.source().execute("update old_people set nm = 'moved' where no = 10");
    world.source().execute("delete from old_people where no in (20, 21)");
    world.source().execute("update old_people set born = 'y' where no = 30");
    add(&world, 2);

    let (code, document) = verified(&world, &[]);

    assert_eq!(code, 0, "{document}");
    let people = of(&document, "people");
    assert_eq!(people["explained"], json!({ "quarantine": 2, "changed_at_source": 4, "gone_from_source": 2 }));
    assert_eq!(["missing", "extra", "different"].map(|name| people[name].as_u64().unwrap()), [4, 2, 2], "{people}");
    let told = world.transload(&["verify"]);
    assert!(told.stdout.contains("new or changed at the source since the last run: people 4"), "{told:?}");
    world.transload(&["quarantine", "discard", "people", "--key", "6", "--reason", "test"]);
    world.run();
    let (_, document) = verified(&world, &["people"]);
    assert_eq!(of(&document, "people")["explained"], json!({ "quarantine": 2, "discarded": 1, "gone_from_source": 2 }));
}

fn only_what_is_asked_for_is_compared(ends: Ends) {
    let world = world(ends, 500);
    world.run();
    world.destination().execute("update people set pay = 1 where name in ('person 10', 'person 20')");
    assert_eq!(verified(&world, &["towns"]).0, 0);
    assert_eq!(verified(&world, &["--columns", "name,born"]).0, 0);
    let (code, document) = verified(&world, &["--columns", "pay", "people", "--limit", "1"]);
    assert_eq!((code, rows(of(&document, "people"))), (1, vec![r#"10 different ["pay"]"#.to_owned()]));
    assert_eq!(verified(&world, &["--max-different", "2"]).0, 0);
    assert_eq!(verified(&world, &["--max-different", "0.4%"]).0, 0);
    assert_eq!(verified(&world, &["--max-different", "0.1%"]).0, 1);

    let (code, document) = verified(&world, &["--sample", "100000"]);
    assert_eq!((code, &document["how"]), (1, &json!("sample")));
    assert_eq!(of(&document, "people")["different"], json!(2), "a sample as large as the table sees all of it");
    world.destination().execute("update people set pay = 10.25 where name = 'person 10'");
    world.destination().execute("update people set pay = 20.25 where name = 'person 20'");
    let (code, document) = verified(&world, &["people", "--sample", "50"]);
    let people = of(&document, "people");
    assert_eq!((code, &people["compared"], &people["confidence"]), (0, &json!(50), &json!(0.95)));
    assert!((0.05..0.06).contains(&people["at_most_different"].as_f64().unwrap()), "{people}");
}

fn what_is_not_there_is_told(ends: Ends) {
    let world = world(ends, 10);
    let told = world.transload(&["verify"]);
    assert!(told.code == 2 && told.stderr.contains("TL0444"), "{told:?}");
    world.run();
    for (flags, code, expected) in [
        (["peple"].as_slice(), 2, "did you mean `people`?"),
        (&["--columns", "nam"], 2, "did you mean `name`?"),
        (&["--sample", "0"], 2, "a number of rows is expected"),
        (&["--repair", "--sample", "5"], 2, "cannot be used with"),
    ] {
        let told: Ended = world.transload(&[&["verify"], flags].concat());
        assert!(told.code == code && told.stderr.contains(expected), "{told:?}");
    }
    let ledger = world.destination().ledger("stream_positions");
    world.destination().execute(&format!("delete from {ledger} where entity_type = 'people'"));
    let (code, document) = verified(&world, &[]);
    assert_eq!((code, &of(&document, "people")["state"]), (1, &json!("pending")));
}

/// It was moved, emptied, or the connection names another.
fn a_destination_that_lost_everything_is_no_new_one(ends: Ends) {
    let world = world(ends, 10);
    world.run();
    match ends.is_to_postgres() {
        true => world.destination().execute("drop schema transload cascade; drop table people; drop table towns"),
        false => std::fs::rename(world.file("data/platform.db"), world.file("data/moved.db")).unwrap(),
    }
    for verb in ["verify", "detect"] {
        let told = world.transload(&[verb]);
        assert!(told.code == 2 && told.stderr.contains("TL0444"), "{told:?}");
        assert!(told.stderr.contains("earlier runs loaded rows into it"), "{told:?}");
    }
    let told = world.transload(&["run"]);
    assert!(told.code == 0 && told.stderr.contains("holds nothing of what earlier runs loaded"), "{told:?}");
    world.assert_as_expected();
    let told = world.transload(&["run"]);
    assert!(!told.stderr.contains("TL0513"), "{told:?}");
}

fn where_everything_differs_every_row_is_told(ends: Ends) {
    let world = world(ends, 5_000);
    world.source().execute("update old_people set born = 'x' where no = 4");
    world.run();
    world.destination().execute("update people set name = name || '!'");
    world.destination().execute("delete from people where name = 'person 8!'");
    world
        .destination()
        .execute("insert into people (id, name) values ('0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c99', 'stranger')");
    world.source().execute("delete from old_people where no = 9");

    let (code, document) = verified(&world, &["people"]);

    let people = of(&document, "people");
    assert_eq!(code, 1);
    assert_eq!(people["unexplained"], json!({ "missing": 1, "extra": 1, "different": 4_997 }));
    assert_eq!(people["explained"], json!({ "quarantine": 1, "gone_from_source": 1 }));
    world.destination().execute("delete from people where name = 'stranger'");
    assert_eq!(world.transload(&["verify", "--repair"]).code, 0);
    world.run();
}

/// As many connections as a project needs at least.
fn two_connections_are_enough(ends: Ends) {
    let world = world(ends, 300);
    if ends == Ends::PostgresToPostgres {
        world.replace("transload.yaml", "read_only: true", "read_only: true, pool: 2");
    }
    if ends.is_to_postgres() {
        world.replace("transload.yaml", "create_with: schema.sql", "create_with: schema.sql, pool: 2");
    }
    world.run();
    world
        .destination()
        .execute("update people set pay = 1 where name = 'person 10'; delete from people where name = 'person 11'");
    assert_eq!(verified(&world, &[]).0, 1);
    assert_eq!(world.transload(&["verify", "--repair"]).code, 0);
    assert_eq!(world.transload(&["baseline", "--mappings"]).code, 0);
}

/// So many trials of each corruption, in so many rows; a clean look follows all of them.
fn trials() -> (u64, u64) {
    match std::env::var("TRANSLOAD_TEST_CORRUPTIONS") {
        Ok(count) => (count.parse().unwrap(), 1_000_000),
        Err(_) => (2, 20_000),
    }
}

fn whatever_is_corrupted_is_found_and_nothing_else(ends: Ends) {
    let (trials, count) = trials();
    let world = world(ends, count);
    world.run();
    let mut random = Random::of_seed(20_261_122);
    let end = world.destination();
    let mut found: BTreeMap<&str, u64> = BTreeMap::new();
    for _ in 0..trials {
        for kind in ["a byte", "a missing row", "an extra row", "two rows"] {
            let (one, other) = (1 + random.below(count), 1 + random.below(count));
            let (one, other) = (one.min(other), one.max(other) + u64::from(one == other));
            let extra = format!("0b6ff3a2-5d43-4f0e-9a3c-{:012x}", random.below(1 << 30));
            let (names, other_names) = (name_of(one), name_of(other));
            let (sql, undo, expected) = match kind {
                "a byte" => (
                    format!("update people set name = 'Person {one}' where name = {names}"),
                    format!("update people set name = {names} where name = 'Person {one}'"),
                    vec![format!("{one} different [\"name\"]")],
                ),
                "a missing row" => {
                    let kept = "create table kept as select * from people where name =";
                    (
                        format!("{kept} {names}; delete from people where name = {names}"),
                        "insert into people select * from kept; drop table kept".to_owned(),
                        vec![format!("{one} missing []")],
                    )
                }
                "an extra row" => (
                    format!("insert into people (id, name) values ('{extra}', 'more')"),
                    "delete from people where name = 'more'".to_owned(),
                    vec![format!("{extra} extra []")],
                ),
                _ if other > count => continue,
                _ => {
                    let swap = format!(
                        "update people set name = 'aside' where name = {names};
                         update people set name = {names} where name = {other_names};
                         update people set name = {other_names} where name = 'aside'"
                    );
                    (swap.clone(), swap, [one, other].map(|no| format!("{no} different [\"name\"]")).to_vec())
                }
            };
            end.execute(&sql);
            let (code, document) = verified(&world, &["people"]);
            assert_eq!((code, rows(of(&document, "people"))), (1, expected), "{kind}");
            end.execute(&undo);
            *found.entry(kind).or_default() += 1;
        }
        let (code, document) = verified(&world, &["people"]);
        assert_eq!((code, &of(&document, "people")["looked_at"]), (0, &json!(0)), "a false alarm: {document}");
    }
    println!("corruptions of {count} rows that were found and named: {found:?}; {trials} clean looks, false alarms 0");
}

/// The source is written to, and runs move what was written, while it is looked.
fn who_writes_meanwhile_causes_no_alarm(ends: Ends) {
    let looks: u64 = std::env::var("TRANSLOAD_TEST_LOOKS").ok().and_then(|count| count.parse().ok()).unwrap_or(6);
    let world = world(ends, 3_000);
    world.replace(
        "transload.yaml",
        "defaults:\n",
        "defaults:\n  deletes: { mode: hard, max: 90% }\n  load: { batch_size: 50, checkpoint_interval: 2 }\n",
    );
    world.source().execute(if ends.is_from_postgres() { "select 1" } else { "pragma journal_mode = wal" });
    world.run();
    let mut random = Random::of_seed(7);
    let (mut alarms, mut explained) = (Vec::new(), 0);
    for _ in 0..looks {
        let mut look = begun_with(&world, &["verify", "--format", "json"]);
        while look.try_wait().unwrap().is_none() {
            let (no, other) = (random.below(3_000), random.below(3_000));
            world.source().execute(&format!(
                "update old_people set nm = 'n' || no || ' {other}', pay = {other} where no between {no} and {no} + 40;
                 delete from old_people where no = {other}"
            ));
            add(&world, 3);
            let told = world.transload(&["run"]);
            assert_eq!(told.code, 0, "{told:?}");
        }
        let told = awaited(look);
        let document: Value = serde_json::from_str(&told.stdout).unwrap_or_else(|error| panic!("{error}: {told:?}"));
        let why = of(&document, "people")["explained"].as_object().unwrap();
        explained += why.values().filter_map(Value::as_u64).sum::<u64>();
        if told.code != 0 {
            alarms.push(document);
        }
    }
    assert!(alarms.is_empty(), "{alarms:#?}");
    world.run();
    let (code, document) = verified(&world, &[]);
    assert_eq!(code, 0, "{document}");
    world.assert_as_expected();
    println!("{looks} looks beside writers and runs: no alarm, {explained} differences explained");
}

for_each_pair!(
    each_difference_is_found_named_and_repaired,
    a_repair_writes_the_row_and_no_other,
    a_row_that_nobody_loaded_is_named_and_stays,
    what_the_ledger_explains_is_no_difference,
    only_what_is_asked_for_is_compared,
    what_is_not_there_is_told,
    a_destination_that_lost_everything_is_no_new_one,
    where_everything_differs_every_row_is_told,
    two_connections_are_enough,
    whatever_is_corrupted_is_found_and_nothing_else,
    who_writes_meanwhile_causes_no_alarm,
);
