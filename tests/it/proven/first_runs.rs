//! Several first runs that find an empty database at the same moment.

use std::time::{Duration, Instant};

use super::{DELETES, assert_same, moved, spec};
use crate::alongside::{awaited, begun};
use crate::ends::Ends;
use crate::world::World;

/// The one that comes first waits in the middle of its load until it is let go on.
const SCHEMA: &str = "create table t (id integer primary key, name text);
    create function dawdle() returns trigger language plpgsql as $$ begin
        if new.id = 4000 then perform pg_advisory_xact_lock(7); end if;
        return new;
    end $$;
    create trigger dawdles before insert on t for each row execute function dawdle()";

#[test]
fn of_four_first_runs_that_create_the_tables_one_loads() {
    let world = World::project(Ends::PostgresToPostgres, DELETES, SCHEMA, &[("t", &spec("t", "name: name"))]);
    world.source().execute(
        "create table t (id integer primary key, name text); insert into t select i, 'n' || i from generate_series(1, 5000) i",
    );

    world.destination().execute("select pg_advisory_lock(7)");
    let mut runs = [begun(&world), begun(&world), begun(&world), begun(&world)];
    let start = Instant::now();
    while runs.each_mut().map(|run| run.try_wait().unwrap()).iter().flatten().count() < 3 {
        assert!(start.elapsed() < Duration::from_secs(60), "more than one of them goes on");
        std::thread::sleep(Duration::from_millis(5));
    }
    world.destination().execute("select pg_advisory_unlock(7)");
    let ended = runs.map(awaited);

    let mut codes = ended.each_ref().map(|told| told.code);
    codes.sort_unstable();
    assert_eq!(codes, [0, 5, 5, 5], "{ended:?}");
    for told in ended.iter().filter(|told| told.code == 5) {
        assert!(
            ["TL0503", "TL0504"].iter().any(|code| told.stderr.contains(code)) && told.stderr.contains("help:"),
            "{told:?}"
        );
    }
    assert_same(&world, "t", "after all");
    assert_eq!(world.destination().number("select sum(present_count) from transload.segments"), 5_000);
    assert_eq!(moved(&world.run()), [0; 4]);
}
