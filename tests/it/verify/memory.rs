//! What `verify` holds in memory does not grow with the rows that differ, whoever wrote them.

use std::process::Child;
use std::time::Duration;

use serde_json::{Value, json};

use super::of;
use crate::alongside::{awaited, begun_with};
use crate::ends::Ends;
use crate::world::World;

const ROWS: u64 = 240_000;

const NOTES: &str = "
entity_type: notes
source_table: old_notes
destination_table: notes
version: \"1\"
key: { strategy: keep, destination: id }
field_mappings: { id: no, note: txt }
";

/// The most memory that a look at both ends had, in KiB, where rows differ; a run loaded them, or others put them there.
fn peak(is_loaded: bool) -> u64 {
    let table = "create table notes (id bigint primary key, note text);";
    let world = World::project(Ends::SqliteToSqlite, "", table, &[("notes", NOTES)]);
    world.source().execute("create table old_notes (no integer primary key, txt text)");
    let many = format!("with recursive n (i) as (select 1 union all select i + 1 from n where i < {ROWS})");
    let fill = format!("{many} insert into old_notes select i, 'aaaaaaaaaaaa' || i from n");
    if is_loaded {
        world.source().execute(&fill);
        world.run();
        world.destination().execute("update notes set note = 'bbbbbbbbbbbb' || id");
    } else {
        world.source().execute("insert into old_notes values (0, 'z')");
        world.run();
        world.source().execute(&fill);
        world.destination().execute(&format!("{many} insert into notes select i, 'bbbbbbbbbbbb' || i from n"));
    }

    let mut looking = begun_with(&world, &["verify", "--format", "json"]);

    let mut peak = 0;
    while looking.try_wait().unwrap().is_none() {
        peak = peak.max(resident(&looking));
        std::thread::sleep(Duration::from_millis(5));
    }
    let told = awaited(looking);
    let document: Value = serde_json::from_str(&told.stdout).unwrap_or_else(|error| panic!("{error}: {told:?}"));
    assert_eq!((told.code, &of(&document, "notes")["unexplained"]["different"]), (1, &json!(ROWS)), "{document}");
    peak
}

/// The most memory that a process had so far, in KiB.
fn resident(process: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()).map_or(0, |number| number.parse().unwrap())
}

#[test]
fn rows_of_others_are_held_a_part_at_a_time() {
    let (loaded, of_others) = (peak(true), peak(false));
    assert!(loaded > 0 && of_others < loaded + loaded / 5, "{of_others} KiB, and {loaded} KiB for rows of a run");
}
