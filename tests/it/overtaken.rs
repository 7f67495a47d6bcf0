//! A run that was thought dead: it is stopped, another takes its table over, and then it goes on.

use crate::alongside::{awaited, begun, signal, stop_between_units, wait_for_units};
use crate::ends::{End, Ends, for_each_pair};
use crate::world::World;

const SCHEMA: &str = "
create table people (id uuid primary key, name text not null);
create table towns (id uuid primary key, name text not null);
";

const TOWNS: &str = "
entity_type: towns
source_table: old_towns
destination_table: towns
version: \"1\"
field_mappings: { name: nm }
";

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
depends_on: [towns]
field_mappings: { name: nm }
";

const SMALL_UNITS: &str = "  load: { batch_size: 100, checkpoint_interval: 1 }";

const ROWS: u64 = 60_000;

/// Makes the fence say that nobody holds it any more: what a restart of the machine, or a lost session, makes of it.
fn forget_holder(world: &World) {
    let fences = world.destination().ledger("fences");
    world.destination().execute(&match world.destination() {
        End::File(_) => format!("update {fences} set holder = 'another boot:1:1'"),
        End::Server(_) => "select pg_terminate_backend(pid) from pg_stat_activity
             where application_name = 'transload' and datname = current_database()"
            .to_owned(),
    });
}

/// The other run moves an entity of another name into a table that the first has not begun with. Nothing but the table's fence stands between
/// the two: no position is moved that the first would ask for.
fn who_was_overtaken_writes_nothing_more(ends: Ends) {
    let world = World::project(ends, SMALL_UNITS, SCHEMA, &[("towns", TOWNS), ("people", PEOPLE)]);
    world.source().execute(&format!(
        "create table old_people (no integer primary key, nm text);
         create table old_towns (no integer primary key, nm text);
         insert into old_people values (1, 'one'), (2, 'two'), (3, 'three');
         with recursive n (i) as (select 1 union all select i + 1 from n where i < {ROWS})
         insert into old_towns select i, 'town ' || i from n;"
    ));
    let mut first = begun(&world);
    wait_for_units(&world, &mut first, 20);
    stop_between_units(&world, &first);
    forget_holder(&world);
    std::fs::remove_file(world.file("specs/towns.yaml")).unwrap();
    let others = PEOPLE.replace("entity_type: people", "entity_type: others").replace("depends_on: [towns]\n", "");
    world.write("specs/people.yaml", &others);
    let second = world.transload(&["run"]);
    assert_eq!(second.code, 0, "{second:?}");
    assert_eq!(world.destination().count("people"), 3);
    assert!(world.destination().count("towns") < ROWS, "the first run was done before it was stopped");

    signal(&first, "CONT");

    let told = awaited(first);
    assert_eq!(told.code, 5, "{told:?}");
    assert_eq!(world.destination().count("people"), 3, "it wrote on");
}

for_each_pair!(who_was_overtaken_writes_nothing_more);
