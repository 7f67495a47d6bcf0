//! Columns with names that SQL, or the engine's own statements, could take for something else.

use super::{DELETES, moved};
use crate::ends::Ends;
use crate::world::World;

const SOURCE: &str = "create table t (id integer primary key, no integer, name text, word text)";

/// A destination table, and the column that is its key.
const CASES: [(&str, &str); 3] = [
    (r#"create table t (id integer primary key, number integer, "Order By" text, "select" text)"#, "id"),
    (r#"create table t (number integer primary key, id integer, "Order By" text, "select" text)"#, "number"),
    (r#"create table t ("Order By" integer primary key, number integer, position text, "select" text)"#, "Order By"),
];

fn check((table, key): (&str, &str)) {
    let columns = ["id", "number", "Order By", "select", "position"].into_iter().filter(|name| {
        let named = [format!("({name} "), format!(" {name} "), format!("\"{name}\" ")];
        *name != key && named.iter().any(|named| table.contains(named))
    });
    let mapped: Vec<String> =
        columns.zip(["no", "name", "word"]).map(|(new, old)| format!("\"{new}\": {old}")).collect();
    let spec = format!(
        "entity_type: t\nsource_table: t\ndestination_table: t\nversion: \"1\"\n\
         key: {{ source: id, destination: \"{key}\", strategy: keep }}\nfield_mappings: {{ {} }}\n",
        mapped.join(", ")
    );
    let world = World::project(Ends::PostgresToPostgres, DELETES, table, &[("t", &spec)]);
    world.source().execute(&format!(
        "{SOURCE}; insert into t select i, 100 - i, 'n' || i, 'w' || i from generate_series(1, 20) i"
    ));
    assert_eq!(moved(&world.run()), [20, 0, 0, 0], "{table}");
    world.source().execute(
        "update t set no = no + 1000 where id = 3; update t set name = 'x' where id = 4; update t set word = null where id = 5;
         delete from t where id in (6, 7); insert into t values (21, 1, 'new', 'new')",
    );

    assert_eq!(moved(&world.run()), [1, 3, 2, 0], "{table}");

    world.assert_as_expected();
    assert_eq!(moved(&world.run()), [0; 4], "{table}");
}

#[test]
fn columns_may_be_called_like_words_of_sql() {
    for case in CASES {
        check(case);
    }
}

#[test]
fn orders_of_the_clinic_change_and_go() {
    let world = World::clinic().between(Ends::PostgresToPostgres, "LEGACY_URL");
    world.run();
    world.source().execute(
        "update dispatch_orders set note_txt = 'mended', units_qt = 2 where order_no % 5000 = 17;
         delete from dispatch_orders where order_no % 7000 = 19",
    );

    let report = world.run();

    assert!(
        report["totals"]["modified"].as_u64() > Some(0) && report["totals"]["deleted"].as_u64() > Some(0),
        "{report}"
    );
    world.assert_as_expected();
}

/// PostgreSQL cuts names after 63 bytes. One that is longer is no name of what is cut to it.
#[test]
fn a_name_that_the_server_would_cut_is_not_taken_for_another() {
    let (kept, long) = ("n".repeat(63), "n".repeat(65));
    let named = |table: &str, column: &str| {
        format!(
            "entity_type: t\nsource_table: {table}\ndestination_table: t\nversion: \"1\"\n\
             key: {{ source: id, destination: id, strategy: keep }}\nfield_mappings: {{ word: {column} }}\n"
        )
    };
    let table = "create table t (id integer primary key, word text)";
    for (spec, code) in [(named(&long, &kept), "TL0204"), (named(&kept, &long), "TL0203"), (named(&kept, &kept), "")] {
        let world = World::project(Ends::PostgresToPostgres, DELETES, table, &[("t", &spec)]);
        world.source().execute(&format!(
            "create table {kept} (id integer primary key, {kept} text); insert into {kept} values (1, 'a')"
        ));
        let told = world.transload(&["validate"]);
        assert_eq!(told.code, i32::from(!code.is_empty()), "{told:?}");
        assert!(told.stdout.contains(code), "{told:?}");
    }
}
