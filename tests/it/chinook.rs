//! Chinook: a real database into a new schema, and then only what changed.
//!
//! The example carries rows of its own. `TRANSLOAD_CHINOOK_DB` names the whole database, and the same tests run on it.

use std::path::Path;

use serde_json::Value;

use crate::ends::{Ends, for_each_pair};
use crate::world::{World, counts, ended, run_python};

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

/// The example on its own rows.
fn small(ends: Ends) -> World {
    let world = World::example("chinook");
    if ends.is_from_postgres() {
        std::fs::create_dir_all(world.file("data")).unwrap();
        world.source().execute(&world.read("schema/legacy.sql"));
    }
    world.between(ends, "CHINOOK_URL")
}

/// The example on the whole database.
fn whole(ends: Ends, path: &Path) -> World {
    let world = World::example("chinook");
    std::fs::create_dir_all(world.file("data")).unwrap();
    // Not as a copy of the file, which may be one that nobody may write.
    std::fs::write(world.file("data/legacy.db"), std::fs::read(path).unwrap()).unwrap();
    world.between(ends, "CHINOOK_URL")
}

fn worlds(ends: Ends) -> Vec<World> {
    let path = std::env::var_os("TRANSLOAD_CHINOOK_DB");
    std::iter::once(small(ends)).chain(path.map(|path| whole(ends, Path::new(&path)))).collect()
}

fn mutate(world: &World, seed: u64) -> Value {
    let url = world.source().url();
    let place = url.strip_prefix("sqlite:").unwrap_or(&url).to_owned();
    let arguments = [place, "--seed".to_owned(), seed.to_string(), "--count".to_owned(), "500".to_owned()];
    serde_json::from_slice(&run_python("tests/oracle/mutate.py", &arguments)).unwrap()
}

fn every_table_arrives_and_a_second_run_writes_nothing(ends: Ends) {
    for world in worlds(ends) {
        let first = world.run();
        assert_eq!(first["totals"]["read"], first["totals"]["new"], "{first}");
        world.assert_as_expected();
        let before = world.destination().fingerprint();

        let second = world.run();

        assert_eq!(second["totals"]["read"], second["totals"]["unchanged"], "{second}");
        assert!(before == world.destination().fingerprint(), "the second run changed the destination");
    }
}

fn a_later_run_applies_exactly_what_changed(ends: Ends) {
    for world in worlds(ends) {
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

fn a_source_that_was_emptied_deletes_nothing(ends: Ends) {
    let world = small(ends);
    world.run();
    let before = world.destination().count("invoice_lines");
    world.source().execute("delete from \"InvoiceLine\"");

    let refused = world.transload(&["run"]);

    assert_eq!(refused.code, 6, "{refused:?}");
    assert!(refused.stderr.contains("TL0421") && refused.stderr.contains("--max-deletes"), "{}", refused.stderr);
    assert_eq!(world.destination().count("invoice_lines"), before);

    world.run_with(&["--max-deletes", "100%"]);

    assert_eq!(world.destination().count("invoice_lines"), 0);
    world.assert_as_expected();
}

#[test]
fn its_lock_is_current_and_its_tests_pass() {
    let world = World::example("chinook");

    let tested = world.transload(&["test"]);
    assert_eq!(tested.code, 0, "{tested:?}");
    assert!(tested.stdout.contains("17 tests in 11 specs: 17 passed"), "{}", tested.stdout);

    let locked = world.transload(&["validate", "--lock"]);
    assert_eq!(locked.code, 0, "{locked:?}");
    assert!(
        locked.stderr.contains("transload.lock is as it was"),
        "examples/chinook/transload.lock is stale: {locked:?}"
    );
}

#[test]
fn a_row_is_the_same_row_in_any_system() {
    let world = small(Ends::SqliteToPostgres);
    world.run();
    let before = world.destination().fingerprint();
    let world = world.with_source_on_server("CHINOOK_URL");

    let report = world.run();

    assert_eq!(report["totals"]["read"], report["totals"]["unchanged"], "{report}");
    assert!(before == world.destination().fingerprint(), "the destination was changed");
}

/// A path that is mistyped in a variable would become the sample, and the sample would be loaded over what is there.
#[test]
fn a_mistyped_source_is_not_made_up_from_the_sample() {
    let world = small(Ends::SqliteToSqlite);
    world.run();
    let before = world.destination().fingerprint();

    let told = ended(&world.command(&["run"]).env("CHINOOK_URL", "sqlite:data/rael.db").output().unwrap());

    assert_eq!(told.code, 4, "{told:?}");
    assert!(told.stderr.contains("rael.db does not exist") && told.stderr.contains("the variable"), "{told:?}");
    assert!(!world.file("data/rael.db").exists());
    assert_eq!(world.destination().fingerprint(), before, "the destination was written");
    // Through a variable of the project it is no other.
    world.replace("transload.yaml", "vars:", "vars:\n  place: \"${PLACE:-sqlite:data/legacy.db}\"");
    world.replace("transload.yaml", "${CHINOOK_URL:-sqlite:data/legacy.db}", "${vars.place}");
    let told = ended(&world.command(&["run"]).env("PLACE", "sqlite:data/rael.db").output().unwrap());
    assert_eq!(told.code, 4, "{told:?}");
    let told = ended(&world.command(&["run"]).env("PLACE", "sqlite:data/legacy.db").output().unwrap());
    assert_eq!(told.code, 0, "{told:?}");
}

for_each_pair!(
    every_table_arrives_and_a_second_run_writes_nothing,
    a_later_run_applies_exactly_what_changed,
    a_source_that_was_emptied_deletes_nothing,
);
