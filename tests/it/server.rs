//! What a PostgreSQL server refuses, at either end, and what comes of it: code, help, exit code, nothing half-written, and no secret anywhere.

mod drift;
mod elsewhere;
mod outages;
mod pooled;
mod reach;
mod rights;
mod tables;
mod values;

use std::process::Child;

use crate::alongside::{self, assert_silent};
use crate::ends::{End, Ends};
use crate::world::{Ended, World};

/// The password of those who are not the usual user.
const PASSWORD: &str = "hunter2";

/// What must not stand in any output or file: passwords, and a part of every title.
const SECRETS: [&str; 3] = [PASSWORD, "tested@", "geheim"];

const SHELVES: &str = "
entity_type: shelves
source_table: old_shelves
destination_table: shelves
version: \"1\"
key: { source: no, destination: id, strategy: keep }
field_mappings: { label: label }
";

const BOOKS: &str = "
entity_type: books
source_table: old_books
destination_table: books
version: \"1\"
key: { source: no, destination: id, strategy: keep }
field_mappings:
  title: title
  shelf_id: { source_field: shelf, references: shelves }
";

const SCHEMA: &str = "
create table shelves (id bigint primary key, label text not null);
create table books (id bigint primary key, title text not null, shelf_id bigint not null references shelves (id));
";

const LEGACY: &str = "
create table old_shelves (no bigint primary key, label text);
create table old_books (no bigint primary key, title text, shelf bigint);
insert into old_shelves values (1, 'a shelf'), (2, 'a shelf'), (3, 'a shelf');
insert into old_books with recursive n (i) as (select 1 union all select i + 1 from n where i < 30)
select i, 'geheim ' || i, i % 3 + 1 from n;
";

const BOOK_COUNT: u64 = 30;

/// An end of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Source,
    Destination,
}

impl Side {
    fn of(self, world: &World) -> &End {
        match self {
            Self::Source => world.source(),
            Self::Destination => world.destination(),
        }
    }

    fn connection(self) -> &'static str {
        match self {
            Self::Source => "connection `legacy`",
            Self::Destination => "connection `platform`",
        }
    }
}

/// Three shelves and thirty books between two databases. The new one has its tables.
fn shop() -> World {
    shop_of(Ends::PostgresToPostgres, SCHEMA)
}

fn shop_of(ends: Ends, schema: &str) -> World {
    let defaults = "  deletes: { mode: hard, max: 90% }";
    let world = World::project(ends, defaults, schema, &[("shelves", SHELVES), ("books", BOOKS)]);
    world.source().execute(LEGACY);
    world.destination().execute(schema);
    world
}

/// One table on either side, and a spec that moves these columns as they are.
fn one_table(ends: Ends, name: &str, schema: &str, columns: &[&str]) -> World {
    let mapped: Vec<String> = columns.iter().map(|column| format!("{column}: {column}")).collect();
    let spec = format!(
        "entity_type: {name}\nsource_table: old_{name}\ndestination_table: {name}\nversion: \"1\"\n\
         key: {{ source: no, destination: id, strategy: keep }}\nfield_mappings: {{ {} }}\n",
        mapped.join(", ")
    );
    let world = World::project(ends, "  deletes: { mode: hard, max: 90% }", schema, &[(name, &spec)]);
    world.destination().execute(schema);
    world
}

/// Runs a verb, and shows that nothing it says or keeps holds a secret.
fn told(world: &World, verb: &str) -> Ended {
    let told = world.transload(&[verb]);
    assert_silent(world, &told, &SECRETS);
    told
}

/// How a run ended that went on meanwhile, without a secret in what it says or keeps.
fn awaited(world: &World, run: Child) -> Ended {
    let told = alongside::awaited(run);
    assert_silent(world, &told, &SECRETS);
    told
}

/// The end of a verb that did not succeed: exit code, code, words, help, and no panic.
fn assert_refused(what: &str, told: &Ended, code: &str, exit: i32, says: &[&str]) {
    let said: Vec<&str> = told.stdout.split_whitespace().chain(told.stderr.split_whitespace()).collect();
    let said = said.join(" ");
    assert_eq!(told.code, exit, "{what}: {told:?}");
    for text in [code, "help:"].iter().chain(says) {
        assert!(said.contains(text), "{what} does not say {text:?}: {said}");
    }
    assert!(!said.contains("panicked"), "{what}: {said}");
}

/// The ledger knows each row of these tables and no other.
fn assert_ledger_agrees(world: &World, tables: &[&str]) {
    let end = world.destination();
    let has_ledger = end.try_number(&format!("select count(*) from {}", end.ledger("segments"))).is_some();
    for table in tables {
        let segments = end.ledger("segments");
        let known = match has_ledger {
            true => end.number(&format!(
                "select coalesce(sum(present_count), 0) from {segments} where entity_type = '{table}'"
            )),
            false => 0,
        };
        assert_eq!(known, end.count(table), "the ledger knows other rows of {table}");
    }
}

/// Looks at all cases, whatever becomes of the first, and says which failed.
fn for_all<C: std::panic::RefUnwindSafe>(cases: &[C], check: impl Fn(&C) + std::panic::RefUnwindSafe) {
    let failed = cases.iter().filter_map(|case| {
        let caught = std::panic::catch_unwind(|| check(case)).err()?;
        Some(caught.downcast_ref::<String>().cloned().unwrap_or_else(|| "without a word".to_owned()))
    });
    let failed: Vec<String> = failed.collect();
    assert!(failed.is_empty(), "{} of {} cases:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

/// A run that succeeds, and the expectation that it arrived whole.
fn assert_arrives(world: &World) {
    let told = told(world, "run");
    assert_eq!(told.code, 0, "{told:?}");
    assert_ledger_agrees(world, &["shelves", "books"]);
    world.assert_as_expected();
}
