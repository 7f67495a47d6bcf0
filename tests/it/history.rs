//! Random histories: a source that changes between runs, with rows that are born bad, parents that come late, and keys that move.
//!
//! Whatever the way there, the destination must be what the source says now. Rows that were loaded stay sound, because a loaded row that
//! turns bad keeps its last good version, which depends on the way.

use crate::ends::{Ends, for_each_pair};
use crate::mend::{change, world};
use crate::world::{Random, World};

const HISTORIES: u64 = 6;
const RUNS: u64 = 7;
const CHANGES: u64 = 8;

fn pick(random: &mut Random, from: &[i64]) -> Option<i64> {
    let at = usize::try_from(random.below(from.len().max(1) as u64)).unwrap();
    from.get(at).copied()
}

/// People who are in the destination and still in the source.
fn loaded(world: &World) -> Vec<i64> {
    let mappings = world.destination().ledger("migration_mappings");
    let sql = format!("select cast(source_id as integer) from {mappings} where entity_type = 'people' order by 1");
    let there = world.destination().numbers(&sql);
    let here = world.source().numbers("select no from old_people");
    there.into_iter().filter(|number| here.contains(number)).collect()
}

/// Of those, people whom nobody refers to.
fn childless(world: &World) -> Vec<i64> {
    let sql = "select no from old_people p where not exists (select 1 from old_pets where owner = p.no)
               and not exists (select 1 from old_people c where c.boss = p.no and c.no <> p.no)";
    let free = world.source().numbers(sql);
    loaded(world).into_iter().filter(|number| free.contains(number)).collect()
}

/// A number that may or may not be a person's, now or later.
fn anyone(random: &mut Random) -> i64 {
    i64::try_from(random.below(60)).unwrap() + 1
}

fn change_once(world: &World, random: &mut Random) {
    let person = anyone(random);
    let boss = anyone(random);
    let sound = pick(random, &loaded(world));
    let free = pick(random, &childless(world));
    let fresh = format!("(select {person} where not exists (select 1 from old_people where no = {person}))");
    match (random.below(9), sound, free) {
        (0 | 1, ..) => {
            let day = ["'03.04.1980'", "'never'", "null"][usize::try_from(random.below(3)).unwrap()];
            let boss = if random.below(2) == 0 { "null".to_owned() } else { boss.to_string() };
            change(
                world,
                &format!("insert into old_people select {person}, 'new', {day}, {boss} from {fresh} as fresh"),
            );
        }
        (2, ..) => change(
            world,
            &format!("insert into old_pets values ({}, 'pet', {boss}) on conflict do nothing", person * 7),
        ),
        (3, ..) => {
            change(world, &format!("update old_people set dob = '02.02.1992' where no = {person} and dob = 'never'"));
        }
        (4, Some(sound), _) => change(world, &format!("update old_people set nm = nm || '.' where no = {sound}")),
        (5, Some(sound), Some(free)) if sound != free => {
            change(world, &format!("update old_people set boss = {sound} where no = {free}"));
        }
        (6, _, Some(free)) => change(world, &format!("delete from old_people where no = {free}")),
        (7, _, Some(free)) => {
            change(world, &format!("update old_people set no = {person} where no = {free} and {person} in {fresh}"));
        }
        (8, Some(sound), _) => change(world, &format!("update old_pets set owner = {sound} where no = {}", person * 7)),
        _ => {}
    }
}

fn whatever_happened_the_destination_is_what_the_source_says(ends: Ends) {
    for history in 0..HISTORIES {
        let mut random = Random::of_seed(31 + history);
        let world = world(ends);
        world.replace("transload.yaml", "max: 50%", "max: 100%");
        world.run();
        for _ in 1..RUNS {
            for _ in 0..CHANGES {
                change_once(&world, &mut random);
            }
            let report = world.run();
            let totals = &report["totals"];
            let count = |name: &str| totals[name].as_u64().unwrap();
            assert_eq!(count("read"), count("new") + count("modified") + count("unchanged") + count("quarantined"));
            world.assert_as_expected();
        }
        let before = world.destination().fingerprint();
        world.run();
        assert!(before == world.destination().fingerprint(), "a run without changes wrote");
    }
}

for_each_pair!(whatever_happened_the_destination_is_what_the_source_says);
