//! Rows that exchange values which must be unique, and rows that take what another gives up later in the run.

use serde_json::Value;

use crate::alongside::{assert_no_unit_twice, begun_and_within};
use crate::ends::{Ends, for_each_pair};
use crate::world::{Random, World, counts};

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
field_mappings:
  email: mail
  place: seat
  born: { source_field: birth, data_type: date }
";

/// By a rule of the spec, and nothing at the destination.
const RULE: &str = "validation_rules: [{ field_name: email, rule_type: unique }]\n";

/// What keeps the values apart.
#[derive(Clone, Copy, PartialEq)]
enum Kept {
    Rule,
    Nullable,
    Required,
}

const ALL: [Kept; 3] = [Kept::Rule, Kept::Nullable, Kept::Required];

impl Kept {
    fn code(self) -> &'static str {
        if self == Self::Rule { "RULE_UNIQUE" } else { "CONSTRAINT_UNIQUE" }
    }
}

fn world(ends: Ends, kept: Kept, load: &str) -> World {
    let columns = match kept {
        Kept::Rule => "email text, place integer, born date",
        Kept::Nullable => "email text unique, place integer unique, born date unique",
        Kept::Required => {
            "email varchar(40) not null unique, place integer not null, born date not null unique, unique (place)"
        }
    };
    let schema = format!("create table people (id uuid primary key, {columns});");
    let spec = if kept == Kept::Rule { format!("{PEOPLE}{RULE}") } else { PEOPLE.to_owned() };
    let world = World::project(ends, &format!("  load: {{ {load}, max_errors: 5000 }}"), &schema, &[("people", &spec)]);
    world.source().execute("create table old_people (no integer primary key, mail text, seat integer, birth text)");
    world
}

const TOGETHER: &str = "batch_size: 500, checkpoint_interval: 10";
const APART: &str = "batch_size: 2, checkpoint_interval: 1";

fn fill(world: &World, rows: u64) {
    world.source().execute(&format!(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < {rows})
         insert into old_people select i, 'mail ' || i, i, cast(1000 + i as text) || '-01-01' from n"
    ));
}

/// Gives a row of the source what another had when there were twelve.
fn takes(world: &World, row: u64, of: u64) {
    world.source().execute(&format!(
        "update old_people set mail = 'mail {of}', seat = {of}, birth = '{}-01-01' where no = {row}",
        1000 + of
    ));
}

fn moved(report: &Value) -> [u64; 5] {
    ["read", "new", "modified", "quarantined", "unchanged"].map(|name| counts(report, "people")[name].as_u64().unwrap())
}

fn rows(world: &World) -> Vec<String> {
    world.destination().texts("select email || ' ' || place || ' ' || born from people order by place")
}

fn expected(numbers: impl IntoIterator<Item = u64>) -> Vec<String> {
    numbers.into_iter().map(|i| format!("mail {i} {i} {}-01-01", 1000 + i)).collect()
}

/// Whose row has which values, by the keys that the ledger keeps.
fn owners(world: &World) -> Vec<String> {
    let mappings = world.destination().ledger("migration_mappings");
    world.destination().texts(&format!(
        "select m.source_id || ' ' || p.place from people p join {mappings} m on m.destination_id = cast(p.id as text) order by p.place"
    ))
}

fn exchanged(ends: Ends, load: &str) {
    for kept in ALL {
        let world = world(ends, kept, load);
        fill(&world, 12);
        world.run();
        let mut before = owners(&world);
        before.sort();
        // Two exchange, three pass on in a circle, one takes what another gives up for something new, and a new row does.
        for (row, of) in [(1, 12), (12, 1), (2, 7), (7, 11), (11, 2), (3, 9), (9, 40), (5, 41)] {
            takes(&world, row, of);
        }
        world.source().execute("insert into old_people values (13, 'mail 5', 5, '1005-01-01')");

        let report = world.run();

        assert_eq!(moved(&report), [13, 1, 8, 0, 4], "{load}");
        let mut wanted =
            vec!["1 12", "10 10", "11 2", "12 1", "13 5", "2 7", "3 9", "4 4", "5 41", "6 6", "7 11", "8 8", "9 40"];
        let mut found = owners(&world);
        wanted.sort_unstable();
        found.sort();
        assert_eq!(found, wanted, "{load}");
        assert_eq!(rows(&world), expected([1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 40, 41]));
        assert_eq!(world.quarantine(), [""; 0]);
        let before = world.destination().fingerprint();
        assert_eq!(moved(&world.run()), [13, 0, 0, 0, 13]);
        assert_eq!(world.destination().fingerprint(), before, "a run that finds nothing writes nothing");
    }
}

fn values_are_exchanged_within_a_unit(ends: Ends) {
    exchanged(ends, TOGETHER);
}

fn values_are_exchanged_across_units(ends: Ends) {
    exchanged(ends, APART);
}

fn a_value_that_nobody_gives_up_keeps_its_row_out_and_no_other(ends: Ends) {
    for kept in ALL {
        for load in [TOGETHER, APART] {
            let world = world(ends, kept, load);
            fill(&world, 12);
            world.run();
            // 4 wants what 10 keeps, so 5 cannot have what 4 keeps; 1 and 12 can do as they like.
            for (row, of) in [(1, 12), (12, 1), (5, 4), (4, 10)] {
                takes(&world, row, of);
            }

            let report = world.run();

            assert_eq!(moved(&report), [12, 0, 2, 2, 8], "{load}");
            let code = kept.code();
            let set_aside = world.quarantine();
            assert_eq!(set_aside.len(), 2, "{set_aside:?}");
            assert!(set_aside[0].starts_with(&format!("people 4 {code}")), "{set_aside:?}");
            assert!(set_aside[1].starts_with(&format!("people 5 {code}")), "{set_aside:?}");
            assert_eq!(rows(&world), expected(1..=12));
            let before = world.destination().fingerprint();
            assert_eq!(moved(&world.run()), [12, 0, 0, 2, 10]);
            assert_eq!(world.destination().fingerprint(), before, "nothing became free");

            takes(&world, 10, 50);
            let report = world.run();

            assert_eq!(moved(&report), [12, 0, 3, 0, 9], "{load}");
            assert_eq!(rows(&world), expected([1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 50]));
            assert_eq!(world.quarantine(), [""; 0]);
        }
    }
}

/// Its own value is nobody else's to take, also for a row that comes before it.
fn a_row_that_keeps_its_value_is_not_turned_away_from_it(ends: Ends) {
    for kept in ALL {
        let world = world(ends, kept, TOGETHER);
        world.source().execute("insert into old_people values (2, 'mail 2', 2, '1002-01-01')");
        world.run();
        world.source().execute("insert into old_people values (1, 'mail 2', 1, '1001-01-01')");
        world.run();
        let set_aside = world.quarantine();
        world.source().execute("update old_people set birth = '1999-01-01' where no = 2");
        world.source().execute("update old_people set seat = 9 where no = 1");

        let report = world.run();

        assert_eq!(moved(&report), [2, 0, 1, 1, 0]);
        assert_eq!((rows(&world), world.quarantine()), (vec!["mail 2 2 1999-01-01".to_owned()], set_aside));
        world.transload(&["run", "--remap"]);
        assert_eq!(world.quarantine().len(), 1);
    }
}

fn an_exchange_that_is_killed_in_the_middle_arrives_whole(ends: Ends) {
    for kept in [Kept::Rule, Kept::Required] {
        let world = world(ends, kept, "batch_size: 20, checkpoint_interval: 1");
        fill(&world, 2000);
        world.run();
        world.source().execute(
            "update old_people set mail = 'mail ' || (2001 - no), seat = 2001 - no,
                 birth = cast(3001 - no as text) || '-01-01' where no % 100 <> 0 and no % 100 <> 1",
        );
        let mut random = Random::of_seed(20_261_122);
        for _ in 0..5 {
            let units = random.below(24) + 1;
            let mut run = begun_and_within(&world, &mut random, units);
            run.kill().unwrap();
            run.wait().unwrap();
            let held = world.destination().count("people where email not like 'mail %' or place < 1");
            assert_eq!(held, 0, "nobody sees what a row holds meanwhile");
        }

        let report = world.run();

        assert_eq!(report["resumed"], true);
        assert_no_unit_twice(&world, report["run_id"].as_str().unwrap());
        assert_eq!(moved(&report), [2000, 0, 1960, 0, 40]);
        assert_eq!(rows(&world), expected(1..=2000));
        assert_eq!(moved(&world.run()), [2000, 0, 0, 0, 2000]);
    }
}

for_each_pair!(
    values_are_exchanged_within_a_unit,
    values_are_exchanged_across_units,
    a_value_that_nobody_gives_up_keeps_its_row_out_and_no_other,
    a_row_that_keeps_its_value_is_not_turned_away_from_it,
    an_exchange_that_is_killed_in_the_middle_arrives_whole,
);
