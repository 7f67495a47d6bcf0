//! Chinook: a real database into a new schema, and then only what changed.
//!
//! The example carries rows of its own. `TRANSLOAD_CHINOOK_DB` names the whole database, and the same tests run on it.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::world::{World, counts, python, root};

/// The source's tables and the entities they become.
const TABLES: [(&str, &str); 11] = [
    ("Artist", "artists"),
    ("Album", "albums"),
    ("Genre", "genres"),
    ("MediaType", "media_types"),
    ("Track", "tracks"),
    ("Playlist", "playlists"),
    ("PlaylistTrack", "playlist_tracks"),
    ("Employee", "employees"),
    ("Customer", "customers"),
    ("Invoice", "invoices"),
    ("InvoiceLine", "invoice_lines"),
];

/// The example on its own rows, or on the whole database.
fn worlds() -> Vec<World> {
    let small = World::example("chinook");
    let whole = std::env::var_os("TRANSLOAD_CHINOOK_DB").map(|path| {
        let world = World::example("chinook");
        std::fs::create_dir_all(world.file("data")).unwrap();
        let content = std::fs::read(PathBuf::from(path)).unwrap();
        std::fs::write(world.file("data/legacy.db"), content).unwrap();
        world
    });
    std::iter::once(small).chain(whole).collect()
}

fn mutate(world: &World, seed: u64) -> Value {
    let mut command: Command = python();
    command.arg(root().join("tests/oracle/mutate.py")).arg(world.file("data/legacy.db"));
    let output = command.args(["--seed", &seed.to_string(), "--count", "500"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_table_arrives_and_a_second_run_writes_nothing() {
    for world in worlds() {
        let first = world.run();
        assert_eq!(first["totals"]["read"], first["totals"]["new"], "{first}");
        world.assert_as_expected();
        let before = world.bytes("data/platform.db");

        let second = world.run();

        assert_eq!(second["totals"]["read"], second["totals"]["unchanged"], "{second}");
        assert!(before == world.bytes("data/platform.db"), "the second run changed the destination");
    }
}

#[test]
fn a_later_run_applies_exactly_what_changed() {
    for world in worlds() {
        world.run();
        for seed in [20_261_121, 7, 8] {
            println!("seed {seed}");
            let changed = mutate(&world, seed);

            let report = world.run();

            for (table, entity) in TABLES {
                let found = counts(&report, entity);
                assert_eq!(found["new"], changed[table]["inserted"], "{entity} new");
                assert_eq!(found["modified"], changed[table]["updated"], "{entity} modified");
                assert_eq!(found["deleted"], changed[table]["deleted"], "{entity} deleted");
            }
            world.assert_as_expected();
        }
    }
}

#[test]
fn a_source_that_was_emptied_deletes_nothing() {
    let world = World::example("chinook");
    world.run();
    let rows = |table: &str| -> u64 {
        let sql = format!("select count(*) from {table}");
        world.database("data/platform.db").query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    let before = rows("invoice_lines");
    world.database("data/legacy.db").execute_batch("delete from InvoiceLine").unwrap();

    let refused = world.transload(&["run"]);

    assert_eq!(refused.code, 6, "{refused:?}");
    assert!(refused.stderr.contains("TL0421") && refused.stderr.contains("--max-deletes"), "{}", refused.stderr);
    assert_eq!(rows("invoice_lines"), before);

    world.run_with(&["--max-deletes", "100%"]);

    assert_eq!(rows("invoice_lines"), 0);
    world.assert_as_expected();
}
