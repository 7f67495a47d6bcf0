//! Verbs that only look write nothing, to neither end, and need no right to.

use crate::ends::{Cluster, Ends, for_each_pair};
use crate::mend;
use crate::world::World;

/// Verbs and how each ends, before the first run and after it.
const LOOKS: [(&[&str], [i32; 2]); 15] = [
    (&["validate", "--lock"], [0, 0]),
    (&["validate"], [0, 0]),
    (&["validate", "--expand", "people"], [0, 0]),
    (&["preview", "people", "--limit", "5"], [0, 0]),
    (&["preview", "pets", "--key", "30"], [0, 0]),
    (&["preview", "people", "--against-destination"], [0, 0]),
    (&["test"], [0, 0]),
    (&["graph"], [0, 0]),
    (&["schema"], [0, 0]),
    (&["status"], [0, 0]),
    (&["quarantine"], [0, 0]),
    (&["baseline", "--mappings"], [0, 0]),
    (&["detect"], [2, 0]),
    (&["verify"], [2, 0]),
    (&["verify", "--sample", "3"], [2, 0]),
];

fn look(world: &World, time: usize) {
    for (verb, exits) in LOOKS {
        let told = world.transload(verb);
        assert_eq!(told.code, exits[time], "{verb:?}: {told:?}");
    }
}

fn whoever_looks_writes_nothing(ends: Ends) {
    let world = mend::world(ends);
    // The destination's tables are made by the first run.
    let ledger = world.destination().ledger("fences");
    let source = world.source().fingerprint();
    look(&world, 0);
    assert!(source == world.source().fingerprint(), "the source was written");
    assert_eq!(world.destination().try_number("select count(*) from people"), None, "tables were made");
    assert_eq!(world.destination().try_number(&format!("select count(*) from {ledger}")), None, "a ledger was made");

    world.run();
    let (source, destination) = (world.source().fingerprint(), world.destination().fingerprint());
    look(&world, 1);
    assert!(source == world.source().fingerprint(), "the source was written");
    assert!(destination == world.destination().fingerprint(), "the destination was written");
}

/// On a server of its own: no verb makes a transaction that writes, and someone who may only read gets all answers.
#[test]
fn someone_who_may_only_read_may_look() {
    let cluster = Cluster::start();
    let world = mend::world_at((Some(cluster.database()), Some(cluster.database())));
    world.run();
    world.source().execute("create role looker login password 'tested'");
    for (end, schemas) in [(world.source(), "public"), (world.destination(), "public, transload")] {
        end.execute(&format!(
            "grant usage on schema {schemas} to looker; grant select on all tables in schema {schemas} to looker"
        ));
        let url = end.url();
        world.replace("transload.yaml", &url, &url.replace("tester:tested@", "looker:tested@"));
    }
    // The server itself makes notes of what is running, at times; then it is asked again.
    let written =
        || world.source().texts("select pg_current_wal_insert_lsn() || ' ' || pg_snapshot_xmax(pg_current_snapshot())");
    let is_silent = (0..5).any(|_| {
        let before = written();
        look(&world, 1);
        before == written()
    });
    assert!(is_silent, "something was written each time");
}

for_each_pair!(whoever_looks_writes_nothing);
