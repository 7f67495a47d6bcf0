//! Every conversion, on values chosen to break it: what the engine stores or refuses is what the oracle says.
//!
//! One entity for each pair of a declared source type and a `data_type`. SQLite keeps any value in any column, so every source column gets all of
//! them.

use std::fmt::Write;

use crate::world::World;

const SOURCES: [&str; 9] = ["INTEGER", "REAL", "NUMERIC(10,2)", "TEXT", "DATE", "DATETIME", "BOOLEAN", "UUID", "BLOB"];

/// Types with a destination column that stores them.
const TARGETS: [(&str, &str); 9] = [
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
        "TEXT" => true,
        "INTEGER" => matches!(target, "integer" | "float" | "decimal" | "text" | "boolean"),
        "REAL" => matches!(target, "float" | "integer" | "decimal" | "text"),
        "NUMERIC(10,2)" => matches!(target, "decimal" | "integer" | "float" | "text"),
        "DATE" | "DATETIME" => matches!(target, "date" | "timestamp" | "text"),
        "BOOLEAN" => matches!(target, "boolean" | "integer" | "text"),
        "UUID" => matches!(target, "uuid" | "text"),
        _ => matches!(target, "text" | "uuid"),
    }
}

fn world() -> World {
    let world = World::empty();
    world.write(
        "transload.yaml",
        "project: values\nversion: 1\nsource: legacy\ndestination: platform\nconnections:\n  \
         legacy: { url: \"sqlite:data/legacy.db\", read_only: true }\n  \
         platform: { url: \"sqlite:data/platform.db\", create_with: schema.sql }\n\
         defaults: { load: { max_errors: 100% } }\n",
    );
    let (mut old, mut new) = (String::new(), String::new());
    for source in SOURCES {
        let table = format!("old_{}", name(source));
        writeln!(old, "create table {table} (id integer primary key, v {source});").unwrap();
        for (at, value) in VALUES.iter().enumerate() {
            writeln!(old, "insert into {table} values ({at}, {value});").unwrap();
        }
        for (target, column) in TARGETS.iter().filter(|(target, _)| is_possible(source, target)) {
            let entity = format!("{}_to_{}", name(source), name(target));
            writeln!(new, "create table {entity} (id integer primary key, v {column});").unwrap();
            let spec = format!(
                "entity_type: {entity}\nsource_table: {table}\ndestination_table: {entity}\nversion: \"1\"\n\
                 field_mappings:\n  v: {{ data_type: \"{target}\" }}\n"
            );
            world.write(&format!("specs/{entity}.yaml"), &spec);
        }
    }
    world.write("schema.sql", &new);
    std::fs::create_dir_all(world.file("data")).unwrap();
    world.database("data/legacy.db").execute_batch(&old).unwrap();
    world
}

#[test]
fn every_conversion_is_exact_or_refused() {
    let world = world();

    let report = world.run();

    assert!(report["totals"]["new"].as_u64().unwrap() > 500, "{}", report["totals"]);
    world.assert_as_expected();
    let before = world.bytes("data/platform.db");
    world.run();
    assert!(before == world.bytes("data/platform.db"), "the second run wrote");
}
