//! The same rows give the same rows: whatever a run's units, streams and entities at once are, and however often it was killed.

use crate::alongside::begun_and_within;
use crate::ends::{Ends, for_each_pair};
use crate::kill::{ITEMS, LABELS, SCHEMA};
use crate::world::{Random, World};

/// Rows of a batch, batches of a unit, streams, entities at once, kills.
const WAYS: [(u32, u32, u32, u32, u32); 20] = [
    (1000, 10, 1, 2, 0),
    (5000, 1, 1, 1, 0),
    (5000, 20, 8, 8, 0),
    (2500, 1, 2, 1, 0),
    (1000, 1, 3, 2, 0),
    (700, 3, 4, 4, 0),
    (512, 1, 5, 1, 0),
    (333, 2, 6, 2, 0),
    (256, 4, 7, 3, 0),
    (100, 1, 8, 1, 0),
    (97, 7, 1, 2, 0),
    (50, 1, 2, 2, 0),
    (31, 3, 3, 1, 0),
    (7, 20, 4, 2, 0),
    (1, 50, 1, 1, 0),
    (50, 1, 1, 1, 2),
    (40, 2, 4, 2, 3),
    (25, 3, 8, 4, 3),
    (10, 5, 2, 2, 4),
    (1, 20, 3, 8, 5),
];

const ROWS: u64 = 3_000;

fn world(ends: Ends, (batch, units, streams, entities, _): (u32, u32, u32, u32, u32)) -> World {
    let load = format!("batch_size: {batch}, checkpoint_interval: {units}, streams: {streams}, max_errors: 500");
    let defaults = format!("  load: {{ {load} }}\nexecution: {{ parallel_entity_limit: {entities} }}");
    let world = World::project(ends, &defaults, SCHEMA, &[("items", ITEMS), ("labels", LABELS)]);
    world.source().execute(&format!(
        "create table old_items (no integer primary key, label text, cents numeric(12,2), parent integer);
         create table old_labels (no integer primary key, item integer, txt text);
         with recursive n (i) as (select 1 union all select i + 1 from n where i < {ROWS})
         insert into old_items select i * 3, case when i % 401 = 0 then null else ' item ' || i end, i / 4.0,
             case when i % 401 = 0 then null when i % 7 = 0 then (i % {ROWS} + 1) * 3 when i % 7 = 1 then (i / 2) * 3 end from n;
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000)
         insert into old_labels select i, (i % {ROWS} + 1) * 3, 'label ' || i from n;"
    ));
    world
}

/// All rows, all ids, and all that was set aside.
fn left_behind(world: &World) -> Vec<String> {
    let end = world.destination();
    let mut left = end.texts("select id || ' ' || label || ' ' || price || ' ' || coalesce(cast(parent_id as text), '-') from items order by 1");
    left.extend(end.texts("select id || ' ' || item_id || ' ' || text from labels order by 1"));
    let mappings = end.ledger("migration_mappings");
    left.extend(
        end.texts(&format!(
            "select entity_type || ' ' || source_id || ' ' || destination_id from {mappings} order by 1"
        )),
    );
    left.extend(world.quarantine());
    left
}

fn any_way_leaves_the_same_behind(ends: Ends) {
    let mut random = Random::of_seed(20_261_124);
    let mut expected: Option<Vec<String>> = None;
    for way in WAYS {
        let world = world(ends, way);
        for _ in 0..way.4 {
            let units = random.below(4);
            let mut run = begun_and_within(&world, &mut random, units);
            run.kill().unwrap();
            run.wait().unwrap();
        }
        let report = world.run();
        assert_eq!(report["totals"]["read"], ROWS + 1_000, "{way:?}");
        let found = left_behind(&world);
        let expected = expected.get_or_insert_with(|| found.clone());
        assert_eq!(found.len(), expected.len(), "{way:?}");
        let different = found.iter().zip(&*expected).find(|(found, expected)| found != expected);
        assert_eq!(different, None, "{way:?}");
        if way.4 > 0 {
            // A run that went on behind a position has not seen all rows with all their parents; the next one has.
            world.run();
        }
        let before = world.destination().fingerprint();
        world.run();
        assert!(before == world.destination().fingerprint(), "{way:?}: a second run wrote");
    }
    assert!(expected.is_some_and(|rows| rows.len() > 7_000));
}

for_each_pair!(any_way_leaves_the_same_behind);
