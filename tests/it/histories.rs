//! Histories that are drawn, and made small where they fail: whatever happened to source, spec and destination, the destination is what a
//! model of it says.
//!
//! `history.rs` asks the oracle, which knows the rows of now; so it leaves out what depends on the way. Here a model goes the way too: rows that
//! turned bad after they were loaded and keep their last good version, parents that are gone and that somebody still refers to, specs that
//! change, rows that were changed by hand, runs that are killed behind a commit. The model knows nothing of the engine: it is the promises of
//! `docs/` over maps.
//!
//! `TRANSLOAD_TEST_HISTORIES` says how many histories there are for each pair of systems; `TRANSLOAD_TEST_SEED` which. A history that failed is
//! kept in `tests/it/histories/failed.txt` and tried first from then on.
//!
//! ```sh
//! TRANSLOAD_TEST_HISTORIES=3000 TRANSLOAD_TEST_SEED=7 tests/run --test it histories::sqlite_to_sqlite
//! ```

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, RngSeed, TestRunner};

use crate::ends::{Ends, for_each_pair};
use crate::points;
use crate::world::{Ended, World, ended, setting};

mod model;

use model::{Model, Person, Rules};

const SCHEMA: &str = "
create table people (id uuid primary key, name text not null, grade bigint not null, boss_id uuid references people (id));
create table pets (id uuid primary key, name text, owner_id uuid not null references people (id));
";

const FILL: &str = "
create table old_people (no integer primary key, nm text, grade integer not null, boss integer);
create table old_pets (no integer primary key, nm text, owner integer not null);
";

const PETS: &str = "
entity_type: pets
source_table: old_pets
destination_table: pets
version: \"1\"
field_mappings:
  name: nm
  owner_id: { source_field: owner, references: people }
";

/// All that is gone may be deleted, and three rows are a unit.
const DEFAULTS: &str =
    "  deletes: { mode: hard, max: 100% }\n  load: { batch_size: 3, checkpoint_interval: 1, max_errors: 100 }";

fn people(rules: Rules) -> String {
    let upper = if rules.upper { ", transformation: upper" } else { "" };
    format!(
        "entity_type: people\nsource_table: old_people\ndestination_table: people\nversion: \"1\"\nfield_mappings:\n  \
         name: {{ source_field: nm, is_required: true{upper} }}\n  grade: grade\n  boss_id: {{ source_field: boss, references: people }}\n\
         validation_rules:\n  - {{ field_name: grade, rule_type: range, rule_parameters: {{ max: {} }} }}\n",
        rules.grade_max
    )
}

/// What happens.
#[derive(Debug, Clone)]
enum Step {
    PutPerson(i64, Person),
    Leave(i64),
    Rekey(i64, i64),
    PutPet(i64, i64, String),
    PetLeaves(i64),
    EmptyPeople,
    EmptyPets,
    NewSourceColumn,
    NewDestinationColumn,
    ChangeSpec(Rules),
    /// Somebody changes a row of the destination.
    Meddle(i64),
    /// Somebody takes a pet out of the destination, and puts it back when a run refuses to go on.
    Steal(i64),
    Run(&'static [&'static str]),
    /// Killed behind this commit.
    Kill(u64),
}

/// Numbers of people; few, so that they meet.
fn number() -> impl Strategy<Value = i64> {
    1_i64..9
}

fn person() -> impl Strategy<Value = Person> {
    let name = prop_oneof![1 => Just(None), 5 => "[a-c]{1,2}".prop_map(Some)];
    let boss = prop_oneof![Just(None), number().prop_map(Some)];
    (name, 0_i64..5, boss).prop_map(|(name, grade, boss)| Person { name, grade, boss })
}

fn step() -> impl Strategy<Value = Step> {
    let rules = (any::<bool>(), 2_i64..5).prop_map(|(upper, grade_max)| Rules { upper, grade_max });
    prop_oneof![
        8 => (number(), person()).prop_map(|(number, person)| Step::PutPerson(number, person)),
        3 => number().prop_map(Step::Leave),
        2 => (number(), number()).prop_map(|(from, to)| Step::Rekey(from, to)),
        5 => (number(), number(), "[a-c]").prop_map(|(number, owner, name)| Step::PutPet(number, owner, name)),
        2 => number().prop_map(Step::PetLeaves),
        1 => Just(Step::EmptyPeople),
        1 => Just(Step::EmptyPets),
        1 => Just(Step::NewSourceColumn),
        1 => Just(Step::NewDestinationColumn),
        2 => rules.prop_map(Step::ChangeSpec),
        1 => number().prop_map(Step::Meddle),
        1 => number().prop_map(Step::Steal),
        5 => Just(Step::Run(&[])),
        1 => Just(Step::Run(&["--retry-quarantined"])),
        1 => Just(Step::Run(&["--remap"])),
        5 => (1_u64..10).prop_map(Step::Kill),
    ]
}

/// A project, and what the model says that it is.
struct History {
    world: World,
    model: Model,
    columns: u64,
}

impl History {
    fn new(ends: Ends) -> Self {
        let rules = Rules { upper: false, grade_max: 4 };
        let world = World::project(ends, DEFAULTS, SCHEMA, &[("people", &people(rules)), ("pets", PETS)]);
        world.source().execute(FILL);
        Self { world, model: Model::new(rules), columns: 0 }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Run(flags) => self.run(flags),
            Step::Kill(commit) => {
                points::run(&self.world, ("after", *commit), points::Counted::Commits);
                let guarded = self.model.run(false);
                let told = self.told(&[]);
                assert_eq!(told.code, if guarded { 6 } else { 0 }, "{told:?}");
                self.assert_as_modelled();
                // What went on behind a position looks at all rows with all their parents once more.
                self.run(&[]);
            }
            Step::Steal(pet) => self.steal(*pet),
            Step::Meddle(person) => {
                if let Some(row) = self.model.loaded_people.get_mut(person) {
                    row.name = "by hand".to_owned();
                    let id = self.id("people", *person);
                    self.world.destination().execute(&format!("update people set name = 'by hand' where id = '{id}'"));
                }
            }
            Step::ChangeSpec(rules) => {
                self.model.rules = *rules;
                self.world.write("specs/people.yaml", &people(*rules));
            }
            Step::NewDestinationColumn => {
                self.columns += 1;
                let sql = format!("alter table people add column extra_{} text", self.columns);
                // There is no destination before the first run.
                if self.world.destination().try_number("select count(*) from people").is_some() {
                    self.world.destination().execute(&sql);
                }
            }
            _ => self.change_source(step),
        }
    }

    fn change_source(&mut self, step: &Step) {
        let model = &mut self.model;
        let sql = match step {
            Step::PutPerson(number, person) => {
                model.people.insert(*number, person.clone());
                let name = person.name.as_ref().map_or("null".to_owned(), |name| format!("'{name}'"));
                let boss = person.boss.map_or("null".to_owned(), |boss| boss.to_string());
                format!(
                    "delete from old_people where no = {number};
                     insert into old_people (no, nm, grade, boss) values ({number}, {name}, {}, {boss})",
                    person.grade
                )
            }
            Step::Leave(number) => {
                model.people.remove(number);
                format!("delete from old_people where no = {number}")
            }
            Step::Rekey(from, to) => {
                if model.people.contains_key(to) {
                    return;
                }
                let Some(person) = model.people.remove(from) else { return };
                model.people.insert(*to, person);
                format!("update old_people set no = {to} where no = {from}")
            }
            Step::PutPet(number, owner, name) => {
                model.pets.insert(*number, (name.clone(), *owner));
                format!(
                    "delete from old_pets where no = {number};
                     insert into old_pets (no, nm, owner) values ({number}, '{name}', {owner})"
                )
            }
            Step::PetLeaves(number) => {
                model.pets.remove(number);
                format!("delete from old_pets where no = {number}")
            }
            Step::EmptyPeople => {
                model.people.clear();
                "delete from old_people".to_owned()
            }
            Step::EmptyPets => {
                model.pets.clear();
                "delete from old_pets".to_owned()
            }
            _ => {
                self.columns += 1;
                format!("alter table old_people add column extra_{} text", self.columns)
            }
        };
        self.world.source().execute(&sql);
    }

    fn id(&self, entity: &str, number: i64) -> String {
        let mappings = self.world.destination().ledger("migration_mappings");
        let sql =
            format!("select destination_id from {mappings} where entity_type = '{entity}' and source_id = '{number}'");
        self.world.destination().texts(&sql).remove(0)
    }

    /// A row that was loaded and is not there stops a run before it writes anything.
    fn steal(&mut self, pet: i64) {
        if !self.model.loaded_pets.contains_key(&pet) {
            return;
        }
        let (id, destination) = (self.id("pets", pet), self.world.destination());
        destination.execute(&format!(
            "create table stolen as select * from pets where id = '{id}'; delete from pets where id = '{id}'"
        ));
        let before = destination.fingerprint();
        let told = self.told(&[]);
        assert_eq!(told.code, 6, "{told:?}");
        assert!(before == destination.fingerprint(), "a run that refused to go on wrote: {told:?}");
        destination.execute("insert into pets select * from stolen; drop table stolen");
    }

    fn told(&self, flags: &[&str]) -> Ended {
        ended(&self.world.command(&[&["run", "--format", "json"], flags].concat()).output().unwrap())
    }

    fn run(&mut self, flags: &[&str]) {
        let guarded = self.model.run(flags.contains(&"--remap"));
        let told = self.told(flags);
        assert_eq!(told.code, if guarded { 6 } else { 0 }, "{told:?}");
        let report: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
        let count = |name: &str| report["totals"][name].as_u64().unwrap();
        assert_eq!(
            count("read"),
            count("new") + count("modified") + count("unchanged") + count("quarantined"),
            "{report}"
        );
        self.assert_as_modelled();
        let before = self.world.destination().fingerprint();
        let again = self.told(&[]);
        assert_eq!(again.code, told.code, "{again:?}");
        assert!(before == self.world.destination().fingerprint(), "a second run wrote: {again:?}");
    }

    fn assert_as_modelled(&self) {
        let destination = self.world.destination();
        let mappings = destination.ledger("migration_mappings");
        if destination.try_number(&format!("select count(*) from {mappings}")).is_none() {
            // Before there is anything to write, there is no ledger.
            assert!(self.model.is_empty());
            return;
        }
        let rows = |table: &str, columns: &str, refers: &str| -> BTreeSet<String> {
            let sql = format!(
                "select m.source_id || ' ' || {columns} || ' ' || coalesce(other.source_id, '-') from {table} t
                 left join {mappings} m on m.entity_type = '{table}' and m.destination_id = cast(t.id as text)
                 left join {mappings} other on other.entity_type = 'people' and other.destination_id = cast(t.{refers} as text)"
            );
            destination.texts(&sql).into_iter().collect()
        };
        assert_eq!(rows("people", "t.name || ' ' || t.grade", "boss_id"), self.model.people_rows());
        assert_eq!(rows("pets", "t.name", "owner_id"), self.model.pets_rows());
        let listed = format!("select entity_type || ' ' || source_key from {}", destination.ledger("quarantine"));
        let listed: Vec<String> = destination.texts(&listed);
        assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), self.model.quarantine());
        assert_eq!(listed.len(), self.model.quarantine().len(), "listed twice");
        for (table, rows) in [("people", self.model.loaded_people.len()), ("pets", self.model.loaded_pets.len())] {
            let of_ledger = |what: &str, of: &str| {
                let of = destination.ledger(of);
                destination.number(&format!("select coalesce({what}, 0) from {of} where entity_type = '{table}'"))
            };
            let rows = rows as u64;
            let found = [
                destination.count(table),
                of_ledger("sum(present_count)", "segments"),
                of_ledger("count(*)", "migration_mappings"),
            ];
            assert_eq!(found, [rows; 3], "{table}: rows, and what the ledger says");
        }
    }
}

fn every_history_ends_as_the_model_says(ends: Ends) {
    let cases = setting("TRANSLOAD_TEST_HISTORIES", if ends.is_to_postgres() { 4 } else { 15 });
    let seed = setting("TRANSLOAD_TEST_SEED", 20_261_122);
    println!("seed {seed}, {cases} histories");
    let failed = FileFailurePersistence::Direct("tests/it/histories/failed.txt");
    let mut runner = TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(seed.into()),
        failure_persistence: Some(Box::new(failed)),
        max_shrink_iters: 300,
        ..Config::default()
    });
    let steps = prop::collection::vec(step(), 4..24);
    let checked = runner.run(&steps, |steps| {
        let mut history = History::new(ends);
        for step in &steps {
            history.take(step);
        }
        history.take(&Step::Run(&[]));
        Ok(())
    });
    if let Err(failure) = checked {
        panic!("{failure}");
    }
}

for_each_pair!(every_history_ends_as_the_model_says);
