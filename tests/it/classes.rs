//! What a unit meets at the destination, by class: what passes is tried again, what is too much is made smaller, what is missing is waited for.
//!
//! Every case is a server that says so by itself, or a trigger that says it with the server's own code.

use serde_json::Value;

use crate::alongside::{WAITING, awaited, begun, wait_for};
use crate::ends::Ends;
use crate::world::{World, counts};

const SCHEMA: &str = "
create table people (id uuid primary key, name text not null);
create table gate (is_closed boolean not null, tries bigint not null);
insert into gate values (true, 0);
create sequence tries;
";

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
field_mappings:
  name: nm
";

const ROWS: u64 = 600;

/// People, and what the destination does with each of them before it is stored.
fn world(load: &str, guard: &str) -> World {
    let trigger = format!(
        "create function guard() returns trigger language plpgsql as $$ begin {guard} return new; end $$;
         create trigger guard before insert or update on people for each row execute function guard();"
    );
    let specs = [("people", PEOPLE)];
    let world =
        World::project(Ends::SqliteToPostgres, &format!("  load: {load}"), &format!("{SCHEMA}{trigger}"), &specs);
    world.source().execute(&format!(
        "create table old_people (no integer primary key, nm text);
         with recursive n (i) as (select 1 union all select i + 1 from n where i < {ROWS})
         insert into old_people select i, 'person ' || i from n;"
    ));
    world
}

fn prepared(load: &str, guard: &str) -> World {
    let world = world(load, guard);
    world.destination().execute(&world.read("schema.sql"));
    world
}

/// Sets what the database gives each session that does not say otherwise.
fn set(world: &World, setting: &str) {
    let name = world.destination().texts("select current_database()").remove(0);
    world.destination().execute(&format!("alter database {name} set {setting}"));
}

fn open_the_gate(world: &World) {
    world.destination().execute("update gate set is_closed = false");
}

fn assert_all_arrived(world: &World) {
    assert_eq!(world.destination().count("people"), ROWS);
    assert_eq!(world.quarantine(), [""; 0]);
    world.assert_as_expected();
}

/// Runs where something is missing, and then where it is there again.
fn assert_waits(world: &World, code: &str, word: &str) {
    let paused = world.transload(&["run", "--format", "json"]);
    assert_eq!(paused.code, 4, "{paused:?}");
    assert!(paused.stderr.contains(code), "{}", paused.stderr);
    let report: Value = serde_json::from_str(&paused.stdout).unwrap();
    assert_eq!((&report["status"], &report["entities"][0]["status"]), (&"paused".into(), &"suspended".into()));
    let problem = &report["entities"][0]["problem"];
    assert_eq!((&problem["word"], &problem["category"]), (&word.into(), &"wait_and_resume".into()));
    assert!(problem["notes"].to_string().contains("tried again once"), "{problem}");
    assert_eq!(world.destination().count("people"), 0, "nothing is half-written");

    open_the_gate(world);
    let resumed = world.run();
    assert_eq!((&resumed["resumed"], &resumed["run_id"]), (&true.into(), &report["run_id"]));
    assert_all_arrived(world);
}

#[test]
fn a_conflict_that_passes_is_tried_again() {
    for code in
        ["serialization_failure", "deadlock_detected", "lock_not_available", "admin_shutdown", "too_many_connections"]
    {
        // A sequence does not go back with its transaction.
        let guard = format!("if nextval('tries') < 3 then raise {code}; end if;");
        let world = prepared("{ max_retry_attempts: 3 }", &guard);

        world.run();

        assert_eq!(world.destination().number("select last_value from tries"), ROWS + 2, "{code}");
        assert_all_arrived(&world);
    }
}

#[test]
fn a_conflict_that_does_not_pass_is_told_with_its_class() {
    let world = prepared("{ max_retry_attempts: 1 }", "raise serialization_failure;");

    let failed = world.transload(&["run", "--format", "json"]);

    assert_eq!(failed.code, 4, "{failed:?}");
    let report: Value = serde_json::from_str(&failed.stdout).unwrap();
    let problem = &report["entities"][0]["problem"];
    assert_eq!((&problem["code"], &problem["category"]), (&"TL0442".into(), &"retry_unit".into()));
    assert_eq!(report["status"], "failed");
}

#[test]
fn a_deadlock_costs_one_try() {
    let world =
        prepared("{ max_retry_attempts: 1 }", "perform pg_advisory_xact_lock(1); perform pg_advisory_xact_lock(2);");
    let other = world.destination();
    other.execute("begin; select pg_advisory_xact_lock(2)");
    let run = begun(&world);
    wait_for(other, WAITING);

    // The run waits longer, and so looks for it first and is the one that gives way; on a machine that stands still it may be this one.
    other.try_number("select pg_advisory_xact_lock(1)");
    other.execute("rollback");

    let ended = awaited(run);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(other.number("select deadlocks from pg_stat_database where datname = current_database()"), 1);
    assert_all_arrived(&world);
}

#[test]
fn rows_that_take_too_long_alone_are_set_aside_and_the_others_load() {
    let world =
        prepared("{ max_errors: 5 }", "if new.name in ('person 7', 'person 400') then perform pg_sleep(5); end if;");
    set(&world, "statement_timeout = '400ms'");

    let report = world.run();

    assert_eq!(counts(&report, "people")["new"], ROWS - 2);
    assert_eq!(world.quarantine(), ["people 400 STATEMENT_TIMEOUT -", "people 7 STATEMENT_TIMEOUT -"]);
    let told = world.transload(&["quarantine", "show", "people", "7", "--format", "json"]);
    let shown: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(shown["category"], "shrink_unit");
    set(&world, "statement_timeout = 0");
    world.destination().execute("drop trigger guard on people");
    let retried = world.transload(&["quarantine", "retry", "people"]);
    assert_eq!(retried.code, 0, "{retried:?}");
    assert_all_arrived(&world);

    // The same for rows that are there already.
    let guard = "create trigger guard before insert or update on people for each row execute function guard();";
    world.destination().execute(guard);
    set(&world, "statement_timeout = '400ms'");
    world.source().execute(
        "update old_people set nm = nm || '!' where no < 8; update old_people set nm = 'person 7' where no = 8",
    );
    let report = world.run();
    assert_eq!(
        (&counts(&report, "people")["modified"], &counts(&report, "people")["quarantined"]),
        (&7.into(), &1.into())
    );
    assert_eq!(world.quarantine(), ["people 8 STATEMENT_TIMEOUT -"]);
}

#[test]
fn a_server_that_is_too_slow_for_every_row_blames_none() {
    let world =
        prepared("{ max_retry_attempts: 3 }", "if (select is_closed from gate) then perform pg_sleep(5); end if;");
    set(&world, "statement_timeout = '200ms'");

    let failed = world.transload(&["run"]);

    assert_eq!(failed.code, 4, "{failed:?}");
    assert!(failed.stderr.contains("TL0441"), "{}", failed.stderr);
    assert_eq!(world.quarantine(), [""; 0]);
    open_the_gate(&world);
    world.run();
    assert_all_arrived(&world);
}

/// Before rows go, it is asked who refers to them, which takes long without an index. The limit is for what is written.
#[test]
fn a_question_that_takes_long_ends_no_run_and_blames_no_row() {
    let badges = "create table badges (holder bigint references people (id));";
    let schema = format!("create table people (id bigint primary key, name text not null); {badges}");
    let spec = format!("{PEOPLE}  id: no\nkey: {{ strategy: keep, destination: id }}\n");
    let world =
        World::project(Ends::SqliteToPostgres, "  deletes: { mode: hard, max: 90% }", &schema, &[("people", &spec)]);
    world.source().execute(&format!(
        "create table old_people (no integer primary key, nm text);
         with recursive n (i) as (select 1 union all select i + 1 from n where i < {ROWS})
         insert into old_people select i, 'person ' || i from n;"
    ));
    world.run();
    world.destination().execute("insert into badges select i % 300 + 1 from generate_series(1, 100000) i");
    set(&world, "statement_timeout = '400ms'");
    world
        .source()
        .execute("delete from old_people where no <= 300; update old_people set nm = nm || '!' where no > 500");

    let report = world.run();

    let blamed = world.quarantine();
    assert_eq!(blamed.len(), 300);
    assert!(blamed.iter().all(|row| row.ends_with("DELETE_REFUSED -")), "{blamed:?}");
    assert_eq!((&counts(&report, "people")["modified"], world.destination().count("people")), (&100.into(), ROWS));
}

#[test]
fn a_disk_without_space_is_waited_for_and_then_the_run_is_paused() {
    let world = prepared("{ max_retry_attempts: 1 }", "if (select is_closed from gate) then raise disk_full; end if;");
    assert_waits(&world, "TL0423", "PAUSED_RESOURCE");
}

#[test]
fn a_server_that_takes_no_changes_is_waited_for_and_then_the_run_is_paused() {
    let guard = "if (select is_closed from gate) then raise read_only_sql_transaction; end if;";
    let world = prepared("{ max_retry_attempts: 1 }", guard);
    assert_waits(&world, "TL0440", "DESTINATION_READ_ONLY");
}

#[test]
fn a_resource_that_comes_back_in_time_costs_a_try_and_nothing_else() {
    let guard = "if nextval('tries') = 1 then raise disk_full; end if;";
    let world = prepared("{ max_retry_attempts: 1 }", guard);

    world.run();

    assert_all_arrived(&world);
}
