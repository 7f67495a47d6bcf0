//! `run --adopt-existing`: a destination that somebody filled before, row for row or nearly so, is taken over without being written again.

use serde_json::Value;

use crate::ends::{Ends, for_each_pair, for_pair};
use crate::world::{World, counts};

const SCHEMA: &str = "
create table teams (no bigint primary key, name text not null);
create table people (no bigint primary key, name text not null, born date, team_no bigint references teams (no), boss_no bigint references people (no));
";

const TEAMS: &str = "
entity_type: teams
source_table: old_teams
destination_table: teams
version: \"1\"
key: { source: no, destination: no, strategy: keep }
field_mappings: { name: nm }
";

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
key: { source: no, destination: no, strategy: keep }
deletes: { mode: hard }
field_mappings:
  name: { source_field: nm, transformation: trimmed }
  born: { source_field: born, format: \"%d.%m.%Y\" }
  team_no: { source_field: team, references: teams }
  boss_no: { source_field: boss, references: people }
";

const FILL: &str = "
create table old_teams (no integer primary key, nm text);
create table old_people (no integer primary key, nm text, born text, team integer, boss integer);
insert into old_teams values (1, 'red'), (2, 'blue');
insert into old_people values (1, 'a', '01.02.1990', 1, null), (2, 'b ', null, 1, 3), (3, 'c', '31.12.1999', 2, 1), (4, 'd', '30.02.2000', 2, null), (5, 'e', null, 2, null);
";

/// What somebody's own script brought over: team 1 and three people, of whom one is not right and one is nobody's.
const THERE: &str = "
insert into teams values (1, 'red');
insert into people values (1, 'a', '1990-02-01', 1, null);
insert into people values (3, 'C', null, 1, 1);
insert into people values (2, 'b', null, 1, 3);
insert into people values (99, 'stranger', null, null, null);
";

fn world(ends: Ends) -> World {
    let world = World::project(ends, "", SCHEMA, &[("teams", TEAMS), ("people", PEOPLE)]);
    world.source().execute(FILL);
    // The project makes the tables where there are none.
    let made = world.transload(&["run"]);
    assert_eq!(made.code, 0, "{made:?}");
    for table in ["people", "teams"] {
        world.destination().execute(&format!("delete from {table}"));
    }
    forget(&world);
    for statement in THERE.trim().lines() {
        world.destination().execute(statement);
    }
    world
}

/// Takes the ledger away.
pub(crate) fn forget(world: &World) {
    for table in ["fences", "stream_positions", "segments", "segment_parts", "migration_mappings", "quarantine", "meta"]
    {
        let table = world.destination().ledger(table);
        world.destination().execute(&format!("drop table {table}"));
    }
}

/// Rows belong to the entity that loaded them, whatever its spec is called now.
fn an_entity_that_is_renamed_does_not_load_its_rows_again(ends: Ends) {
    for strategy in ["keep", "uuid_v5"] {
        let (column, namespace) = match strategy {
            "keep" => ("bigint", ""),
            _ => ("uuid", ", namespace: 0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11"),
        };
        let schema = format!("create table teams (no {column} primary key, name text not null)");
        let key = format!("destination: no, strategy: {strategy}{namespace} }}");
        let teams = TEAMS.replace("destination: no, strategy: keep }", &key);
        let world = World::project(ends, "", &schema, &[("teams", &teams)]);
        world.source().execute(FILL);
        world.run();
        world.replace("specs/teams.yaml", "entity_type: teams", "entity_type: groups");
        let before = world.destination().fingerprint();

        for flags in [&["run"][..], &["run", "--adopt-existing"]] {
            let told = world.transload(flags);

            let said: Vec<&str> = told.stderr.split_whitespace().collect();
            let said = said.join(" ");
            assert_eq!(told.code, 6, "{strategy} {flags:?}: {told:?}");
            for text in ["TL0310", "`teams` holds 2 rows of entity `teams`", "`entity_type: teams`", "specs/teams.yaml"]
            {
                assert!(said.contains(text), "{strategy} {flags:?} does not say {text:?}: {told:?}");
            }
            assert!(before == world.destination().fingerprint(), "{strategy} {flags:?}: the destination was touched");
        }
        world.replace("specs/teams.yaml", "entity_type: groups", "entity_type: teams");
        assert_eq!(moved(&world.run(), "teams"), [0, 0, 2, 0]);
    }
}

fn moved(report: &Value, entity: &str) -> [u64; 4] {
    let counts = counts(report, entity);
    ["new", "modified", "unchanged", "quarantined"].map(|name| counts[name].as_u64().unwrap())
}

fn rows(world: &World) -> Vec<String> {
    let sql = "select concat(no, ' ', name, ' ', coalesce(cast(born as text), '-'), ' ', coalesce(cast(team_no as text), '-'), ' ', \
               coalesce(cast(boss_no as text), '-')) from people order by no";
    world.destination().texts(&sql.replace("concat(", "(").replace(", ' ', ", " || ' ' || "))
}

fn rows_that_are_there_are_taken_over(ends: Ends) {
    let world = world(ends);
    let refused = world.transload(&["run"]);
    assert_eq!(refused.code, 6, "{refused:?}");
    assert!(refused.stderr.contains("--adopt-existing"), "{refused:?}");

    let report = world.run_with(&["--adopt-existing"]);

    // Whoever asks for rows that are there is not told that they are.
    assert!(!report["warnings"].to_string().contains("someone else adds rows"), "{report}");
    assert_eq!(moved(&report, "teams"), [1, 0, 1, 0]);
    assert_eq!(moved(&report, "people"), [1, 1, 2, 1]);
    let expected = ["1 a 1990-02-01 1 -", "2 b - 1 3", "3 c 1999-12-31 2 1", "5 e - 2 -", "99 stranger - - -"];
    assert_eq!(rows(&world), expected);
    // From then on they are as if they had been loaded: found unchanged, modified, and deleted when they go.
    world.source().execute("update old_people set nm = 'B' where no = 2");
    world.source().execute("update old_people set boss = null where no = 3");
    world.source().execute("delete from old_people where no = 1");
    let report = world.run();
    assert_eq!(moved(&report, "teams"), [0, 0, 2, 0]);
    assert_eq!(moved(&report, "people"), [0, 2, 1, 1]);
    assert_eq!(counts(&report, "people")["deleted"], 1);
    assert_eq!(rows(&world), ["2 B - 1 3", "3 c 1999-12-31 2 -", "5 e - 2 -", "99 stranger - - -"]);
}

fn what_is_there_as_it_should_be_is_not_written(ends: Ends) {
    let world = world(ends);
    world.destination().execute("insert into teams values (2, 'blue')");
    world.destination().execute("update people set name = 'c', born = '1999-12-31', team_no = 2 where no = 3");
    world.destination().execute("insert into people values (5, 'e', null, 2, null)");
    let version = |world: &World| match ends.is_to_postgres() {
        true => world.destination().texts("select no || ' ' || xmin::text from people order by no"),
        false => Vec::new(),
    };
    let before = version(&world);
    let report = world.run_with(&["--adopt-existing"]);
    assert_eq!([moved(&report, "teams"), moved(&report, "people")], [[0, 0, 2, 0], [0, 0, 4, 1]]);
    assert_eq!(version(&world), before);
    assert_eq!(moved(&world.run(), "people"), [0, 0, 4, 1]);
}

fn keys_that_are_made_cannot_be_found_again(ends: Ends) {
    let made = "create table teams (id uuid primary key, name text not null);";
    let spec = TEAMS.replace("destination: no, strategy: keep", "destination: id, strategy: uuid_v7");
    let world = World::project(ends, "", made, &[("teams", &spec)]);
    world.source().execute("create table old_teams (no integer primary key, nm text);");
    world.source().execute("insert into old_teams values (1, 'red');");
    let moved = world.transload(&["run"]);
    assert_eq!(moved.code, 0, "{moved:?}");
    forget(&world);
    let told = world.transload(&["run", "--adopt-existing"]);
    assert_eq!(told.code, 6, "{told:?}");
    assert!(told.stderr.contains("TL0425") && told.stderr.contains("cannot be told from one another"), "{told:?}");
    assert_eq!(world.destination().count("teams"), 1);
}

const THINGS: &str = "
entity_type: things
source_table: old_things
destination_table: things
version: \"1\"
key: { source: no, destination: no, strategy: keep }
field_mappings: { name: nm }
load: { batch_size: 1, checkpoint_interval: 1 }
";

/// Old keys that are texts, of which two become one number.
fn things(ends: Ends) -> World {
    let schema = "create table things (no bigint primary key, name text not null);";
    let world = World::project(ends, "", schema, &[("things", THINGS)]);
    world.source().execute(
        "create table old_things (no text primary key, nm text); insert into old_things values ('01', 'a'), ('1', 'b'), ('2', 'c');",
    );
    world
}

fn things_of(world: &World) -> Vec<String> {
    world.destination().texts("select no || ' ' || name from things order by no")
}

/// Nothing stands in the new table: what the second of two rows finds there was brought by the first.
fn a_row_of_another_old_key_is_not_taken_over(ends: Ends) {
    let world = things(ends);

    let report = world.run_with(&["--adopt-existing"]);

    assert_eq!(moved(&report, "things"), [2, 0, 0, 1]);
    assert_eq!(things_of(&world), ["1 a", "2 c"]);
    let listed = ["things 1 CONSTRAINT_UNIQUE no"];
    assert_eq!(world.quarantine(), listed);
    // Nor in a later run, which knows it from the ledger alone.
    let report = world.run_with(&["--adopt-existing", "--retry-quarantined"]);
    assert_eq!(moved(&report, "things"), [0, 0, 2, 1]);
    assert_eq!(things_of(&world), ["1 a", "2 c"]);
    assert_eq!(world.quarantine(), listed);
}

/// Two old rows for one that is there: the first has it.
fn a_row_is_taken_over_once(ends: Ends) {
    let world = things(ends);
    world.replace("specs/things.yaml", "load: { batch_size: 1, checkpoint_interval: 1 }\n", "");
    assert_eq!(world.transload(&["run"]).code, 0);
    forget(&world);

    let report = world.run_with(&["--adopt-existing"]);

    assert_eq!(moved(&report, "things"), [0, 0, 2, 1]);
    assert_eq!(things_of(&world), ["1 a", "2 c"]);
    assert_eq!(world.quarantine(), ["things 1 CONSTRAINT_UNIQUE no"]);
}

/// What the destination takes for one key it holds once, however the old keys are spelled.
fn a_row_of_another_spelling_is_not_taken_over(ends: Ends) {
    let schema = "create table things (no text primary key collate nocase, name text not null);";
    let world = World::project(ends, "", schema, &[("things", THINGS)]);
    world.source().execute(
        "create table old_things (no text primary key, nm text); insert into old_things values ('A', 'a'), ('B', 'b'), ('a', 'c');",
    );
    for expected in [[2, 0, 0, 1], [0, 0, 2, 1]] {
        let report = world.run_with(&["--adopt-existing"]);

        assert_eq!(moved(&report, "things"), expected);
        assert_eq!(things_of(&world), ["A a", "B b"]);
        assert_eq!(world.quarantine(), ["things a CONSTRAINT_UNIQUE no"]);
        forget(&world);
    }
    // The first is taken over as it is spelled there.
    world.source().execute("delete from old_things where no = 'A'");
    assert_eq!(moved(&world.run_with(&["--adopt-existing"]), "things"), [0, 1, 1, 0]);
    assert_eq!(things_of(&world).len(), 2);
}

/// Its key says which row it is, whatever else is wrong with it.
fn a_bad_row_takes_over_what_is_there_of_it(ends: Ends) {
    let world = world(ends);
    world.destination().execute("insert into people values (4, 'D', null, null, null)");
    world.source().execute("update old_people set boss = 4 where no = 5");

    let report = world.run_with(&["--adopt-existing"]);

    assert_eq!(moved(&report, "people"), [1, 1, 2, 1]);
    assert_eq!(world.quarantine(), ["people 4 VALUE_FORMAT born"]);
    assert_eq!(rows(&world)[3..5], ["4 D - - -", "5 e - 2 4"]);
    world.source().execute("update old_people set born = '28.02.2000' where no = 4");
    let report = world.run();
    assert_eq!(moved(&report, "people"), [0, 1, 4, 0]);
    assert_eq!(rows(&world)[3], "4 d 2000-02-28 2 -");
    assert_eq!(world.quarantine(), [""; 0]);
}

/// What is there is nothing that a run brought, and so nothing that it takes out again.
fn a_row_whose_parent_is_missing_stays_as_it_is_there(ends: Ends) {
    let world = world(ends);
    world.source().execute("update old_people set boss = 77 where no = 3");
    world.source().execute("update old_people set boss = 3 where no = 5");
    let there = rows(&world);

    let report = world.run_with(&["--adopt-existing"]);

    assert_eq!(moved(&report, "people"), [1, 0, 2, 2]);
    assert_eq!(world.quarantine(), ["people 3 PARENT_MISSING boss_no", "people 4 VALUE_FORMAT born"]);
    assert_eq!(rows(&world)[..3], there[..3]);
    assert_eq!(rows(&world)[3], "5 e - 2 3");
    world.source().execute("update old_people set boss = 1 where no = 3");
    assert_eq!(moved(&world.run(), "people"), [0, 1, 3, 1]);
    assert_eq!(rows(&world)[2], "3 c 1999-12-31 2 1");
}

/// The row is there, and so is the way to it.
fn a_row_that_was_taken_over_and_not_updated_keeps_its_mapping(ends: Ends) {
    let spec = TEAMS.replace("key: { source: no, destination: no, strategy: keep }", "key: { source: no }");
    let schema = "create table teams (id uuid primary key, name text not null check (name <> 'bad'));";
    let world = World::project(ends, "", schema, &[("teams", &spec)]);
    world.source().execute("create table old_teams (no integer primary key, nm text); insert into old_teams values (1, 'red'), (2, 'blue');");
    world.run();
    forget(&world);
    world.source().execute("update old_teams set nm = 'bad' where no = 2");
    let mapped = |world: &World| {
        let mappings = world.destination().ledger("migration_mappings");
        world.destination().texts(&format!("select source_id from {mappings} order by 1"))
    };

    let report = world.run_with(&["--adopt-existing"]);

    assert_eq!(moved(&report, "teams"), [0, 0, 1, 1]);
    assert_eq!(mapped(&world), ["1", "2"]);
    world.source().execute("update old_teams set nm = 'good' where no = 2");
    assert_eq!(moved(&world.run(), "teams"), [0, 1, 1, 0]);
    assert_eq!(mapped(&world), ["1", "2"]);
}

for_pair!(in_sqlite, SqliteToSqlite, a_row_of_another_spelling_is_not_taken_over);

for_each_pair!(
    rows_that_are_there_are_taken_over,
    an_entity_that_is_renamed_does_not_load_its_rows_again,
    what_is_there_as_it_should_be_is_not_written,
    keys_that_are_made_cannot_be_found_again,
    a_row_of_another_old_key_is_not_taken_over,
    a_row_is_taken_over_once,
    a_bad_row_takes_over_what_is_there_of_it,
    a_row_whose_parent_is_missing_stays_as_it_is_there,
    a_row_that_was_taken_over_and_not_updated_keeps_its_mapping,
);
