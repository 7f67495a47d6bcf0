//! Segments of the ledger grow and shrink with their table, and what they are for holds meanwhile.

use serde_json::Value;

use crate::alongside::{begun, committed, wait_for_units};
use crate::ends::{Ends, for_each_pair};
use crate::world::{World, counts};

const THINGS: &str = "
entity_type: things
source_table: old_things
destination_table: things
version: \"1\"
deletes: { mode: hard, max: 100% }
load: { batch_size: 250, checkpoint_interval: 2, streams: 1 }
field_mappings: { name: nm }
";

const FILL: &str = "
create table old_things (no bigint primary key, nm text);
insert into old_things with recursive n (i) as (select 1 union all select i + 1 from n where i < 42000) select i, 'thing ' || i from n;
";

/// Of every hundred rows behind the 22,000th, one stays.
const MASS_DELETE: &str = "delete from old_things where no > 22000 and no % 100 <> 0";

/// In segments of 500 rows.
fn loaded(ends: Ends) -> World {
    let world = World::project(
        ends,
        "",
        "create table things (id uuid primary key, name text not null);",
        &[("things", THINGS)],
    );
    world.source().execute(FILL);
    assert_eq!(moved(&world.run()), [42_000, 0, 0, 0]);
    assert!((80..=84).contains(&segments(&world)), "{}", segments(&world));
    world
}

fn moved(report: &Value) -> [u64; 4] {
    let counts = counts(report, "things");
    ["new", "modified", "deleted", "quarantined"].map(|name| counts[name].as_u64().unwrap())
}

fn segments(world: &World) -> u64 {
    world.destination().count(&world.destination().ledger("segments"))
}

fn with_digests(world: &World) -> u64 {
    let segments = world.destination().ledger("segments");
    world.destination().count(&format!("{segments} where server_digest is not null"))
}

/// Neighbours that together have no more rows than a unit.
fn too_small(world: &World) -> u64 {
    let segments = world.destination().ledger("segments");
    let pairs = format!("select row_count + lead(row_count) over (order by first_key) as rows from {segments}");
    world.destination().number(&format!("select count(*) from ({pairs}) pairs where rows <= 500"))
}

fn assert_ledger_agrees(world: &World) {
    let segments = world.destination().ledger("segments");
    let known = world.destination().number(&format!("select sum(present_count) from {segments}"));
    assert_eq!(known, world.destination().count("things"));
    world.assert_as_expected();
}

fn fewer_rows_are_in_fewer_segments(ends: Ends) {
    let world = loaded(ends);
    world.run();
    let all = if ends.is_from_postgres() { segments(&world) } else { 0 };
    assert_eq!(with_digests(&world), all, "every segment has a digest where the source gives any");
    world.source().execute(MASS_DELETE);

    assert_eq!(moved(&world.run()), [0, 0, 19_800, 0]);

    let left = segments(&world);
    assert!((43..=46).contains(&left), "{left} segments for 22,200 rows");
    assert_eq!(too_small(&world), 0);
    assert_ledger_agrees(&world);
    // Those that were joined get their digest, like all others, and then the run has nothing to write.
    assert_eq!(moved(&world.run()), [0; 4]);
    assert_eq!(with_digests(&world), if ends.is_from_postgres() { left } else { 0 });
    let before = world.destination().fingerprint();
    assert_eq!(moved(&world.run()), [0; 4]);
    assert_eq!(world.destination().fingerprint(), before, "nothing had changed, and something was written");
    world.source().execute("update old_things set nm = 'changed' where no in (5, 30000); delete from old_things where no = 40000; insert into old_things values (39999, 'new')");
    assert_eq!(moved(&world.run()), [1, 2, 1, 0]);
    assert_ledger_agrees(&world);
    // And from 22,200 rows to a hundred.
    world.source().execute("delete from old_things where no > 100");
    world.run();
    assert_eq!(segments(&world), 1);
    assert_ledger_agrees(&world);
}

fn a_mass_delete_that_is_killed_goes_on_and_joins_what_is_left(ends: Ends) {
    let world = loaded(ends);
    world.source().execute(MASS_DELETE);
    for _ in 0..2 {
        let units = committed(&world) + 8;
        let mut run = begun(&world);
        wait_for_units(&world, &mut run, units);
        run.kill().unwrap();
        run.wait().unwrap();
    }
    assert!(world.destination().count("things") > 22_200, "the run ended before it was killed");

    let report = world.run();

    assert_eq!(report["resumed"], true);
    assert_eq!(world.destination().count("things"), 22_200);
    assert_eq!(too_small(&world), 0);
    assert_ledger_agrees(&world);
    let before = world.destination().fingerprint();
    assert_eq!(moved(&world.run()), [0; 4]);
    if !ends.is_from_postgres() {
        assert_eq!(world.destination().fingerprint(), before, "nothing had changed, and something was written");
    }
}

fn a_few_rows_at_a_time_do_not_leave_many_segments(ends: Ends) {
    let world = loaded(ends);
    let cursor = "change_detection: { strategy: timestamp, cursor_field: at }\nfield_mappings:";
    world.replace("specs/things.yaml", "field_mappings:", cursor);
    world.source().execute("alter table old_things add column at timestamp");
    world.source().execute("update old_things set at = '2001-02-03 04:05:06'");
    world.run();
    for run in 1..=5 {
        world.source().execute(&format!(
            "insert into old_things select no + {run} * 100000, nm, current_timestamp from old_things where no <= 60"
        ));
        assert_eq!(moved(&world.run()), [60, 0, 0, 0]);
        // As if the next run were much later, and had no reason to look at them again.
        world.source().execute("update old_things set at = '2001-02-03 04:05:06'");
    }
    assert_eq!(too_small(&world), 0);
    assert!(segments(&world) <= 85, "{}", segments(&world));
    assert_ledger_agrees(&world);
}

fn what_changes_lies_over_its_segment_until_it_is_much(ends: Ends) {
    let world = loaded(ends);
    let table = world.destination().ledger("segments");
    let of = |what: &str| world.destination().number(&format!("select {what} from {table}"));
    let numbers =
        || world.destination().texts(&format!("select cast(segment_id as text) from {table} order by segment_id"));
    let (before, all) = (numbers(), segments(&world));
    world.source().execute("update old_things set nm = 'changed' where no in (5, 6, 700, 30000)");
    world.source().execute("delete from old_things where no = 40000");

    assert_eq!(moved(&world.run()), [0, 4, 1, 0]);

    assert_eq!(numbers(), before, "a segment was written again for a row");
    // The row that went was marked first.
    assert_eq!((of("sum(part_count)"), of("sum(overlaid_count)")), (all + 5, 6));
    assert_ledger_agrees(&world);
    for round in 0..20 {
        world.source().execute(&format!("update old_things set nm = 'round {round}' where no = 5"));
        assert_eq!(moved(&world.run()), [0, 1, 0, 0]);
        assert!(of("max(part_count)") <= 16, "{}", of("max(part_count)"));
    }
    assert_ledger_agrees(&world);
    assert_ne!(numbers(), before, "what lies over a segment was never folded in");
    world.source().execute("update old_things set nm = 'all' where no between 20001 and 20400");
    assert_eq!(moved(&world.run()), [0, 400, 0, 0]);
    let overfull = format!("{table} where overlaid_count * 8 > row_count");
    assert_eq!(world.destination().count(&overfull), 0, "too much lies over a segment");
    assert_ledger_agrees(&world);
    let parts = world.destination().ledger("segment_parts");
    assert_eq!(of("sum(part_count)"), world.destination().count(&parts), "parts of segments that are gone are left");
    assert_eq!(moved(&world.run()), [0; 4]);
}

for_each_pair!(
    what_changes_lies_over_its_segment_until_it_is_much,
    fewer_rows_are_in_fewer_segments,
    a_mass_delete_that_is_killed_goes_on_and_joins_what_is_left,
    a_few_rows_at_a_time_do_not_leave_many_segments,
);
