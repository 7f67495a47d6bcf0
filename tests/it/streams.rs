//! An entity is the same however many streams move it.

use serde_json::Value;

use crate::ends::Ends;
use crate::world::{World, counts};

const SCHEMA: &str = "
create table things (id uuid primary key, name text not null, amount numeric(10,2), seen timestamptz, check (amount >= 0));
";

const SPEC: &str = "
entity_type: things
source_table: old_things
destination_table: things
version: \"1\"
deletes: { mode: hard, max: 50% }
key: { source: code }
field_mappings:
  name: { source_field: nm, is_required: true }
  amount: amt
  seen: seen_at
";

/// Keys of every shape, a bad row here and there, and rows without a key.
const FILL: &str = "
create table old_things (code text, nm text, amt numeric(10,2), seen_at timestamptz);
insert into old_things
select case when n % 9001 = 1 then null else chr(65 + n % 60) || md5(n::text) || case n % 3 when 0 then ' ' when 1 then 'é' else '' end end,
       case when n % 5003 = 2 then null else 'thing ' || n end,
       case when n % 7001 = 3 then -1 else n % 1000 + 0.25 end,
       timestamptz '2020-01-01' + n * interval '1 minute'
from generate_series(1, 30000) n;
";

const CHANGE: &str = "
update old_things set nm = nm || '!' where code like 'B%';
delete from old_things where code like 'C%';
insert into old_things select 'new ' || n, 'thing', 1, timestamptz '2021-01-01' from generate_series(1, 500) n;
update old_things set amt = 1 where amt < 0;
";

fn world(streams: u32) -> World {
    let defaults = format!("  load: {{ streams: {streams}, batch_size: 700, checkpoint_interval: 2, max_errors: 1% }}");
    let world = World::project(Ends::PostgresToPostgres, &defaults, SCHEMA, &[("things", SPEC)]);
    world.source().execute(FILL);
    world
}

/// All that a run leaves behind, but for what is different in every run.
fn left_behind(world: &World, report: &Value) -> Vec<String> {
    let mut left = world.destination().texts("select t::text from things t order by id");
    left.extend(
        world.destination().texts("select source_id || destination_id from transload.migration_mappings order by 1"),
    );
    left.extend(world.quarantine());
    left.push(counts(report, "things").to_string());
    let accounted = "select sum(row_count) || ' ' || sum(present_count) from transload.segments";
    left.extend(world.destination().texts(accounted));
    left
}

#[test]
fn any_number_of_streams_leaves_the_same_behind() {
    let mut expected: Vec<Vec<String>> = Vec::new();
    for streams in [1, 2, 5] {
        let world = world(streams);
        let mut found = Vec::new();
        for change in ["", CHANGE, ""] {
            world.source().execute(change);
            let report = world.run();
            found.push(left_behind(&world, &report));
        }
        assert!(found[0].len() > 50_000, "{}", found[0].len());
        assert_eq!(world.destination().number("select count(*) from transload.stream_positions"), 1);
        if expected.is_empty() {
            expected = found;
            continue;
        }
        for (run, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found.len(), expected.len(), "{streams} streams, run {run}");
            let different = found.iter().zip(expected).find(|(found, expected)| found != expected);
            assert_eq!(different, None, "{streams} streams, run {run}");
        }
    }
}
