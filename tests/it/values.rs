//! Every conversion, on values chosen to break it: what the engine stores or refuses is what the oracle says.
//!
//! One entity for each pair of a declared source type and a `data_type`. SQLite keeps any value in any column, so every source column gets all of
//! them; a column in PostgreSQL gets those that the server takes.

use std::fmt::Write;

use crate::ends::{Ends, for_each_pair};
use crate::world::World;

const SQLITE_SOURCES: &[&str] =
    &["INTEGER", "REAL", "NUMERIC(10,2)", "TEXT", "DATE", "DATETIME", "BOOLEAN", "UUID", "BLOB"];

const POSTGRES_SOURCES: &[&str] = &[
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "REAL",
    "DOUBLE PRECISION",
    "NUMERIC(10,2)",
    "NUMERIC(38,9)",
    "NUMERIC",
    "TEXT",
    "VARCHAR(12)",
    "CHAR(5)",
    "DATE",
    "TIMESTAMP",
    "TIMESTAMP(2)",
    "TIMESTAMPTZ",
    "BOOLEAN",
    "UUID",
    "BYTEA",
];

/// Types with a destination column that stores them.
const SQLITE_TARGETS: &[(&str, &str)] = &[
    ("integer", "INTEGER"),
    ("float", "REAL"),
    ("decimal(10,2)", "TEXT"),
    ("decimal(38,9)", "TEXT"),
    ("text", "TEXT"),
    ("date", "DATE"),
    ("timestamp", "TIMESTAMP"),
    ("boolean", "BOOLEAN"),
    ("uuid", "TEXT"),
];

/// Columns that hold every value of the type, and some that do not.
const POSTGRES_TARGETS: &[(&str, &str)] = &[
    ("integer", "BIGINT"),
    ("integer", "SMALLINT"),
    ("integer", "NUMERIC(5,0)"),
    ("float", "DOUBLE PRECISION"),
    ("float", "REAL"),
    ("decimal(10,2)", "NUMERIC(10,2)"),
    ("decimal(38,9)", "NUMERIC(38,9)"),
    ("decimal(38,9)", "NUMERIC(10,2)"),
    ("decimal(38,9)", "TEXT"),
    ("text", "TEXT"),
    ("text", "VARCHAR(12)"),
    ("date", "DATE"),
    ("timestamp", "TIMESTAMP"),
    ("timestamp", "TIMESTAMP(0)"),
    ("timestamp", "TEXT"),
    ("timestamptz", "TIMESTAMPTZ"),
    ("boolean", "BOOLEAN"),
    ("uuid", "UUID"),
    ("uuid", "BYTEA"),
    ("bytes", "BYTEA"),
];

/// SQL literals.
const VALUES: &[&str] = &[
    "null",
    "0",
    "1",
    "-1",
    "2",
    "007",
    "9223372036854775807",
    "-9223372036854775808",
    "9007199254740993",
    "99999999.99",
    "100000000",
    "0.0",
    "-0.0",
    "0.1",
    "1.005",
    "1e15",
    "1e16",
    "1e300",
    "-2.5",
    "123456.789",
    "9e999",
    "''",
    "' '",
    "'0'",
    "'1'",
    "'+5'",
    "'007'",
    "'1.50'",
    "'.5'",
    "'5.'",
    "'1e3'",
    "'1,000.00'",
    "'0x1F'",
    "'NaN'",
    "'inf'",
    "'true'",
    "'TRUE'",
    "'false'",
    "'yes'",
    "'2024-02-29'",
    "'2023-02-29'",
    "'2024-2-9'",
    "'0000-00-00'",
    "'9999-12-31'",
    "'10000-01-01'",
    "'2024-02-29 12:34:56'",
    "'2024-02-29T12:34:56'",
    "'2024-02-29T12:34:56.123456'",
    "'2024-02-29T12:34:56.500'",
    "'2024-02-29T12:34:56.1234567'",
    "'2024-02-29T00:00:00'",
    "'2024-02-29 24:00:00'",
    "'2024-02-29T12:34:56Z'",
    "'2024-02-29T12:34:56.123456Z'",
    "'2024-02-29T12:34:56+05:30'",
    "'infinity'",
    "'-infinity'",
    "'2024-02-29T23:59:60'",
    "'1969-12-31T23:59:59'",
    "'0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11'",
    "'0B6FF3A2-5D43-4F0E-9A3C-6D8F0F3F2C11'",
    "'0b6ff3a25d434f0e9a3c6d8f0f3f2c11'",
    "x''",
    "x'00'",
    "x'616263'",
    "x'ff'",
    "x'0b6ff3a25d434f0e9a3c6d8f0f3f2c11'",
    "cast(x'ff' as text)",
    "cast(x'6100' as text)",
    "'Zoë'",
    "'🦷'",
    "'e' || char(769)",
    "'a' || char(10) || 'b'",
];

fn name(text: &str) -> String {
    text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// Conversions that there are not: their specs would be refused.
fn is_possible(source: &str, target: &str) -> bool {
    let target = target.split('(').next().unwrap();
    match source {
        "TEXT" | "NUMERIC" | "VARCHAR(12)" | "CHAR(5)" => true,
        "INTEGER" | "SMALLINT" | "BIGINT" => matches!(target, "integer" | "float" | "decimal" | "text" | "boolean"),
        "REAL" | "DOUBLE PRECISION" => matches!(target, "float" | "integer" | "decimal" | "text"),
        "NUMERIC(10,2)" | "NUMERIC(38,9)" => matches!(target, "decimal" | "integer" | "float" | "text"),
        "DATE" | "DATETIME" | "TIMESTAMP" | "TIMESTAMP(2)" => matches!(target, "date" | "timestamp" | "text"),
        "TIMESTAMPTZ" => matches!(target, "timestamptz" | "text"),
        "BOOLEAN" => matches!(target, "boolean" | "integer" | "text"),
        "UUID" => matches!(target, "uuid" | "text" | "bytes"),
        _ => matches!(target, "text" | "uuid" | "bytes"),
    }
}

fn world(ends: Ends) -> World {
    let world = World::project(ends, "  load: { max_errors: 100% }", "", &[]);
    // Keys are kept.
    world.replace(
        "transload.yaml",
        "{ strategy: uuid_v5, namespace: 0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11 }",
        "{ strategy: keep }",
    );
    let sources = if ends.is_from_postgres() { POSTGRES_SOURCES } else { SQLITE_SOURCES };
    let targets = if ends.is_to_postgres() { POSTGRES_TARGETS } else { SQLITE_TARGETS };
    let mut schema = String::new();
    for source in sources {
        let table = format!("old_{}", name(source));
        world.source().execute(&format!("create table {table} (id integer primary key, v {source})"));
        world.source().execute(&filling(ends, &table));
        for (target, column) in targets.iter().filter(|(target, _)| is_possible(source, target)) {
            let entity = format!("{}_to_{}_in_{}", name(source), name(target), name(column));
            writeln!(schema, "create table {entity} (id integer primary key, v {column});").unwrap();
            let spec = format!(
                "entity_type: {entity}\nsource_table: {table}\ndestination_table: {entity}\nversion: \"1\"\n\
                 field_mappings:\n  v: {{ data_type: \"{target}\" }}\n"
            );
            world.write(&format!("specs/{entity}.yaml"), &spec);
        }
    }
    world.write("schema.sql", &schema);
    world
}

/// SQL that puts all values into a table, or those that it takes.
fn filling(ends: Ends, table: &str) -> String {
    let mut sql = String::new();
    for (at, value) in VALUES.iter().enumerate() {
        let insert = format!("insert into {table} values ({at}, {value});");
        if !ends.is_from_postgres() {
            sql += &insert;
        // What only SQLite can write; and the oracle's calendar ends with the year 9999.
        } else if !["x'", "cast(", "char(", "'10000-"].iter().any(|odd| value.contains(odd)) {
            // As a text of no type yet, so that the column says what it means.
            let quoted =
                if value.starts_with('\'') || *value == "null" { (*value).to_owned() } else { format!("'{value}'") };
            write!(
                sql,
                "do $$ begin insert into {table} values ({at}, {quoted}); exception when others then null; end $$;"
            )
            .unwrap();
        }
    }
    sql
}

fn every_conversion_is_exact_or_refused(ends: Ends) {
    let world = world(ends);

    let report = world.run();

    assert!(report["totals"]["new"].as_u64().unwrap() > 500, "{}", report["totals"]);
    world.assert_as_expected();
    let before = world.destination().fingerprint();
    world.run();
    assert!(before == world.destination().fingerprint(), "the second run wrote");
}

for_each_pair!(every_conversion_is_exact_or_refused);
