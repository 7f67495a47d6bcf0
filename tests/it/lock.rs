//! `auto_map`, `transload.lock` and the long form, on real databases.

use crate::ends::{End, Ends, for_each_pair};
use crate::world::{World, counts};

const SCHEMA: &str = "
create table people (id uuid primary key, name text not null, born date, city text, visits bigint, boss_id uuid references people (id));
";

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
auto_map: { exclude: [\"tmp_*\"] }
field_mappings:
  name: { source_field: nm, transformation: [trimmed, upper] }
  born: { source_field: dob, data_type: date, format: \"%d.%m.%Y\" }
  boss_id: { source_field: boss, references: people }
";

fn world(ends: Ends) -> World {
    let deletes = "  deletes: { mode: hard, max: 50% }";
    let world = World::project(ends, deletes, SCHEMA, &[("people", PEOPLE)]);
    world.source().execute(
        "create table old_people (no integer primary key, nm text, dob text, boss integer, city text, visits bigint, tmp_import text);
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 10)
         insert into old_people select i, 'person ' || i, '01.02.1990', nullif(i / 2, 0), 'city ' || i, i * 100, 'x' from n;",
    );
    world
}

fn assert_told(world: &World, arguments: &[&str], code: i32, says: &str) {
    let told = world.transload(arguments);
    assert_eq!(told.code, code, "{told:?}");
    let said: Vec<&str> = told.stdout.split_whitespace().chain(told.stderr.split_whitespace()).collect();
    assert!(said.join(" ").contains(says), "{says:?} is not said: {told:?}");
}

fn a_star_and_its_long_form_move_the_same_rows(ends: Ends) {
    let world = world(ends);
    assert_eq!(counts(&world.run(), "people")["new"], 10);

    let long = world.transload(&["validate", "--expand", "people"]);
    assert_eq!(long.code, 0, "{long:?}");
    world.write("specs/people.yaml", &long.stdout);

    // The expectation knows no star.
    world.assert_as_expected();
    assert_eq!(world.destination().number("select count(*) from people where visits > 0 and city like 'city %'"), 10);
    let before = world.destination().fingerprint();
    let again = world.transload(&["run"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(!again.stderr.contains("TL0506"), "the spec is the same to the ledger: {again:?}");
    assert!(again.stdout.contains("nothing written"), "{again:?}");
    assert_eq!(world.destination().fingerprint(), before);
}

fn a_locked_project_is_checked_without_its_databases(ends: Ends) {
    let world = world(ends);
    assert_told(&world, &["validate", "--offline"], 2, "TL0013");
    assert_told(&world, &["validate", "--lock"], 0, "wrote transload.lock");
    let lock = world.read("transload.lock");
    assert_told(&world, &["validate", "--lock"], 0, "transload.lock is as it was");
    assert_eq!(world.read("transload.lock"), lock);

    world.take_databases_away();

    assert_told(&world, &["validate"], 4, "TL0005");
    assert_told(&world, &["validate", "--offline"], 0, "not asked; as transload.lock of 20");
    assert_told(&world, &["validate", "--offline", "--expand", "people"], 0, "source_field: visits");
    world.replace("specs/people.yaml", "source_field: dob", "source_field: dbo");
    assert_told(&world, &["validate", "--offline"], 1, "did you mean `dob`?");
}

fn a_column_that_came_after_the_lock_moves_once_it_is_locked(ends: Ends) {
    let world = world(ends);
    assert_told(&world, &["validate", "--lock"], 0, "wrote transload.lock");
    world.run();
    for end in [world.source(), world.destination()] {
        let table = if std::ptr::eq(end, world.source()) { "old_people" } else { "people" };
        end.execute(&format!("alter table {table} add column fax text"));
    }
    world.source().execute("update old_people set fax = '555' where no = 1");

    assert_told(&world, &["run"], 0, "TL0315");
    assert_eq!(world.destination().number("select count(*) from people where fax is not null"), 0);

    assert_told(&world, &["validate", "--lock"], 0, "wrote transload.lock");
    assert_told(&world, &["run"], 0, "completed");
    assert_eq!(world.destination().number("select count(*) from people where fax = '555'"), 1);
}

/// What nobody compared is not said to be the same.
#[test]
fn a_lock_of_another_system_is_said_not_to_be_compared() {
    let world = world(Ends::SqliteToSqlite);
    assert_told(&world, &["validate"], 0, "reachable, tables and columns are as `create_with` will make them");
    world.run();
    assert_told(&world, &["validate", "--lock"], 0, "reachable, tables and columns are as transload.lock says");
    world.replace("transload.lock", "platform: sqlite", "platform: postgres");

    assert_told(&world, &["validate"], 0, "tables and columns are there; transload.lock is of postgres: not compared");
}

/// Developers have files, and a server is where it counts: each is compared with what it was itself.
#[test]
fn environments_with_other_systems_are_locked_beside_one_another() {
    let world = world(Ends::SqliteToSqlite);
    let server = End::on_server();
    server.execute(SCHEMA);
    let prod = format!(
        "version: 1\ndefault_environment: dev\nenvironments:\n  dev: {{}}\n  prod:\n    connections: {{ platform: {{ url: \"{}\" }} }}\n",
        server.url()
    );
    world.replace("transload.yaml", "version: 1\n", &prod);
    world.run();
    assert_told(&world, &["validate", "--lock"], 0, "wrote transload.lock");
    let ends = ["--env", "dev", "--env", "prod"];
    let (dev, prod) = (&ends[..2], &ends[2..]);
    let locked = world.read("transload.lock");

    // Nobody is told that another environment is locked elsewhere, once each is.
    let told = world.transload(&[&["validate"], prod].concat());
    assert!(told.code == 0 && told.stdout.contains("! 1 warning"), "{told:?}");
    assert!(told.stdout.contains("`transload validate --lock --env prod` adds these systems"), "{told:?}");
    assert_told(&world, &[&["validate", "--lock"], prod].concat(), 0, "wrote transload.lock");
    assert!(world.read("transload.lock").starts_with(&locked), "what was locked stays as it is");
    for end in [dev, prod] {
        assert_told(&world, &[&["validate", "--deny-warnings"], end].concat(), 0, "are as transload.lock says");
        assert_told(&world, &[&["validate", "--offline"], end].concat(), 0, "as transload.lock of");
        assert_told(&world, &[&["validate", "--lock"], end].concat(), 0, "transload.lock is as it was");
    }

    server.execute("alter table people alter column city type varchar(3), add column fax text");
    assert_told(&world, &[&["drift"], dev].concat(), 0, "nothing changed");
    assert_told(&world, &[&["drift"], prod].concat(), 1, "breaks platform.people.city");
    assert_told(&world, &[&["drift", "--accept-all"], prod].concat(), 0, "platform.people.city");
    assert_told(&world, &[&["drift"], prod].concat(), 0, "nothing changed");
    assert!(world.read("transload.lock").starts_with(&locked), "what was locked stays as it is");
}

for_each_pair!(
    a_star_and_its_long_form_move_the_same_rows,
    a_locked_project_is_checked_without_its_databases,
    a_column_that_came_after_the_lock_moves_once_it_is_locked,
);
