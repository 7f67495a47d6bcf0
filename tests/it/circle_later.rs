//! Circles that come in parts, in runs one after the other: whatever could be there after a run is there.
//!
//! What could be there needs no second computation: `--retry-quarantined` tries everything. Where it brings anything, the run before it left
//! something behind.
//!
//! `TRANSLOAD_TEST_CIRCLES` says how many histories there are for each pair of systems, `TRANSLOAD_TEST_SEED` which:
//!
//! ```text
//! TRANSLOAD_TEST_CIRCLES=150 TRANSLOAD_TEST_SEED=7 tests/run --test it circle_later::
//! ```

use std::fmt::Write as _;
use std::time::Duration;

use crate::alongside::{awaited_within, begun, committed, wait_for_units, wait_until_alone};
use crate::ends::{Ends, for_each_pair};
use crate::world::{Random, World, setting};

const A: &str = "
entity_type: a
source_table: old_a
destination_table: a
version: \"1\"
key: { source: id, destination: id, strategy: keep }
field_mappings:
  id: id
  em: em
  parent: { source_field: parent, references: a }
  b: { source_field: b, references: b }
";

const B: &str = "
entity_type: b
source_table: old_b
destination_table: b
version: \"1\"
key: { source: id, destination: id, strategy: keep }
field_mappings:
  id: id
  em: em
  a: { source_field: a, references: a }
  c: { source_field: c, references: c }
";

const C: &str = "
entity_type: c
source_table: old_c
destination_table: c
version: \"1\"
key: { source: id, destination: id, strategy: keep }
field_mappings: { id: id }
";

/// Small batches and units, so that parents lie in others than their children.
const DEFAULTS: &str =
    "  deletes: { mode: hard, max: 100% }\n  load: { batch_size: 3, checkpoint_interval: 1, max_errors: 100000 }";

/// An `a` may refer to a `b`, which needs an `a`, and perhaps a `c`.
fn world(ends: Ends) -> World {
    let b = if ends.is_to_postgres() { "b integer" } else { "b integer references b (id)" };
    let later = if ends.is_to_postgres() { "alter table a add foreign key (b) references b (id);" } else { "" };
    let schema = format!(
        "create table c (id integer primary key);
         create table a (id integer primary key, em text unique, parent integer references a (id), {b});
         create table b (id integer primary key, em text unique, a integer not null references a (id), c integer references c (id)); {later}"
    );
    let world = World::project(ends, DEFAULTS, &schema, &[("a", A), ("b", B), ("c", C)]);
    world.source().execute(
        "create table old_a (id integer primary key, em text, parent integer, b integer);
         create table old_b (id integer primary key, a integer, c integer, em text);
         create table old_c (id integer primary key);",
    );
    world
}

fn held(world: &World) -> Vec<String> {
    let columns = [("a", "em, parent, b"), ("b", "a, c"), ("c", "id")];
    let of = |(table, columns): (&str, &str)| {
        let columns: Vec<String> =
            columns.split(", ").map(|name| format!("coalesce(cast({name} as text), '-')")).collect();
        let columns = columns.join(" || ' ' || ");
        world.destination().texts(&format!("select '{table} ' || id || ': ' || {columns} from {table} order by id"))
    };
    columns.into_iter().flat_map(of).collect()
}

/// Runs; whatever is set aside then is tried in vain, and one more run finds nothing to do.
fn assert_nothing_is_left(world: &World) {
    world.run();
    let (after, before) = (held(world), world.destination().fingerprint());
    world.run();
    assert!(world.destination().fingerprint() == before, "a run that found nothing wrote");
    world.run_with(&["--retry-quarantined"]);
    assert_eq!(held(world), after, "a run left behind what could have come");
}

/// Rows as they come, one text for each run.
fn comes(ends: Ends, runs: &[&str], expected: &[&str]) {
    let world = world(ends);
    for rows in runs {
        world.source().execute(rows);
        world.run();
    }
    assert_eq!(held(&world), expected);
    let before = world.destination().fingerprint();
    world.run();
    assert_eq!(world.destination().fingerprint(), before, "a run that found nothing wrote");
}

fn rows_of_a_circle_that_need_each_other_come_with_what_one_of_them_needs(ends: Ends) {
    let first = "insert into old_a values (3, null, null, null), (6, null, null, 2); insert into old_b (id, a, c) values (2, 6, 2);";
    comes(ends, &[first, "insert into old_c values (2);"], &["a 3: - - -", "a 6: - - 2", "b 2: 6 2", "c 2: 2"]);
}

fn a_row_whose_parent_comes_in_the_second_pass_comes_with_it(ends: Ends) {
    let first = "insert into old_a values (3, null, null, null), (1, null, 2, null), (2, null, null, 7); insert into old_b (id, a, c) values (7, 3, 2);";
    let expected = ["a 1: - 2 -", "a 2: - - 7", "a 3: - - -", "b 7: 3 2", "c 2: 2"];
    comes(ends, &[first, "insert into old_c values (2);"], &expected);
}

/// The parent waited for a value when its child was tried.
fn a_child_of_a_row_that_took_a_free_value_comes_with_it(ends: Ends) {
    let first = "insert into old_a values (1, 'x', null, null); insert into old_b (id, a, c) values (8, 1, null), (10, 1, null);";
    let then = "update old_a set em = 'y' where id = 1; insert into old_a values (2, 'x', null, null); insert into old_b (id, a, c) values (9, 2, null);";
    let expected = ["a 1: y - -", "a 2: x - -", "b 8: 1 -", "b 9: 2 -", "b 10: 1 -"];
    comes(ends, &[first, then], &expected);
}

/// Who refers to the row is taken out again before the value is free.
fn a_row_that_takes_the_value_of_a_deleted_one_comes_with_who_refers_to_it(ends: Ends) {
    let first = "insert into old_a values (3, null, null, null); insert into old_b values (8, 3, null, 'e');";
    let then = "delete from old_b where id = 8; insert into old_a values (1, null, null, 7); insert into old_b values (7, 1, null, 'e');";
    comes(ends, &[first, then], &["a 1: - - 7", "a 3: - - -", "b 7: 1 -"]);
}

/// Each looks at another while all connections and places are taken.
fn circles_do_not_wait_for_one_another_for_ever(ends: Ends) {
    let world = world(ends);
    let limit = "execution: { parallel_entity_limit: 1 }\n";
    world.write("transload.yaml", &(world.read("transload.yaml") + limit));
    world.source().execute(
        "insert into old_a values (1, null, null, 7), (3, null, null, null); insert into old_b (id, a, c) values (8, 3, null);",
    );
    world.run();

    let again = awaited_within(begun(&world), Duration::from_secs(60));

    assert_eq!(again.code, 0, "{}", again.stderr);
}

fn nothing_that_could_come_is_left_behind(ends: Ends) {
    let seed = setting("TRANSLOAD_TEST_SEED", 20_261_123);
    for history in 0..setting("TRANSLOAD_TEST_CIRCLES", 3) {
        let mut random = Random::of_seed(u64::from(seed + history));
        let world = world(ends);
        // No table is ever empty, which would look like a mistake.
        world.source().execute(
            "insert into old_a values (100, 'a', null, null); insert into old_b (id, a, c) values (100, 100, null); insert into old_c values (100);",
        );
        for _ in 0..4 {
            let edits = edits(&mut random);
            println!("{edits}");
            world.source().execute(&edits);
            if random.below(2) == 0 {
                kill_one(&world, &mut random);
            }
            assert_nothing_is_left(&world);
        }
    }
}

/// A run that is killed, and the one that goes on with it. Rows before the place where it was killed are gone through in the next.
fn kill_one(world: &World, random: &mut Random) {
    let units = committed(world) + random.below(12);
    let mut run = begun(world);
    wait_for_units(world, &mut run, units);
    run.kill().unwrap();
    run.wait().unwrap();
    wait_until_alone(world);
    println!("killed after unit {}", committed(world));
    world.run();
}

const IDS: u64 = 14;

/// What happens between two runs.
fn edits(random: &mut Random) -> String {
    let mut sql = String::new();
    for _ in 0..8 + random.below(16) {
        let id = 1 + random.below(IDS);
        let one_of = |random: &mut Random, often: u64| match random.below(10) < often {
            true => (1 + random.below(IDS)).to_string(),
            false => "null".to_owned(),
        };
        match random.below(10) {
            0..=3 => {
                let (em, parent, b) = (random.below(IDS), one_of(random, 5), one_of(random, 5));
                let _ = write!(
                    sql,
                    "delete from old_a where id = {id}; insert into old_a values ({id}, 'e{em}', {parent}, {b}); "
                );
            }
            4..=6 => {
                let (a, c) = (1 + random.below(IDS), one_of(random, 4));
                let em = random.below(IDS);
                let _ = write!(
                    sql,
                    "delete from old_b where id = {id}; insert into old_b values ({id}, {a}, {c}, 'e{em}'); "
                );
            }
            7 => {
                let _ = write!(sql, "delete from old_c where id = {id}; insert into old_c values ({id}); ");
            }
            _ => {
                let table = ["old_a", "old_b", "old_c"][usize::try_from(random.below(3)).unwrap()];
                let _ = write!(sql, "delete from {table} where id = {id}; ");
            }
        }
    }
    sql
}

for_each_pair!(
    rows_of_a_circle_that_need_each_other_come_with_what_one_of_them_needs,
    a_row_whose_parent_comes_in_the_second_pass_comes_with_it,
    a_child_of_a_row_that_took_a_free_value_comes_with_it,
    a_row_that_takes_the_value_of_a_deleted_one_comes_with_who_refers_to_it,
    circles_do_not_wait_for_one_another_for_ever,
    nothing_that_could_come_is_left_behind,
);
