//! What is refused, and how: code, place, help, exit code, and nothing half-written.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::ends::{End, Ends};
use crate::world::{Ended, World, binary, ended};

mod command_line;
mod destination;
mod full_disk;
mod history;
mod journal;
mod ledger;
mod permission;
mod project;
mod same_file;
mod secret;
mod spec;

pub(crate) const SCHEMA: &str = "
create table shelves (id text primary key, label text not null, above_id text references shelves (id));
create table books (id text primary key, title text not null, shelf_id text not null references shelves (id));
";

pub(crate) const SHELVES: &str = "
entity_type: shelves
source_table: old_shelves
destination_table: shelves
version: \"1\"
field_mappings:
  label: { transformation: trimmed }
  above_id: { source_field: above, references: shelves }
";

pub(crate) const BOOKS: &str = "
entity_type: books
source_table: old_books
destination_table: books
version: \"1\"
field_mappings:
  title: { transformation: [trimmed, upper] }
  shelf_id: { source_field: shelf, references: shelves }
";

const SHELF_COUNT: u64 = 10;

/// A project that is sound: shelves and as many books to each as asked for. It has no destination yet.
pub(crate) fn library(books_a_shelf: u64) -> World {
    library_between(Ends::SqliteToSqlite, books_a_shelf)
}

pub(crate) fn library_between(ends: Ends, books_a_shelf: u64) -> World {
    let deletes = "  deletes: { mode: hard, max: 50% }";
    let world = World::project(ends, deletes, SCHEMA, &[("shelves", SHELVES), ("books", BOOKS)]);
    let sql = format!(
        "create table old_shelves (no integer primary key, label text, above integer);
         create table old_books (no integer primary key, title text, shelf integer);
         with recursive n (i) as (select 1 union all select i + 1 from n where i < {SHELF_COUNT})
         insert into old_shelves select i, ' shelf ' || i, case when i % 3 = 0 then i + 1 end from n;
         with recursive n (i) as (select 1 union all select i + 1 from n where i < {SHELF_COUNT} * {books_a_shelf})
         insert into old_books select i, 'book ' || i, i % {SHELF_COUNT} + 1 from n;"
    );
    world.source().execute(&sql);
    world
}

/// A way to break a sound project, and what must be said about it.
struct Case {
    what: &'static str,
    broken: fn(&World),
    code: &'static str,
    exit: i32,
    /// `path:line:col`; empty where no file is to blame.
    place: &'static str,
    /// Parts of the headline, the notes and the help.
    says: &'static [&'static str],
}

/// Shows that a case is refused as it should be: where there is no destination yet none comes to be, and one that is there stays as it is.
fn check(case: &Case) {
    let world = library(1);
    (case.broken)(&world);
    check_refusal(&world, &["validate"], case);
    check_refusal(&world, &["run"], case);
    assert!(!world.file("data/platform.db").exists(), "{}: a destination was made", case.what);

    let world = library(1);
    world.run();
    (case.broken)(&world);
    let before = world.bytes("data/platform.db");
    check_refusal(&world, &["run"], case);
    assert!(before == world.bytes("data/platform.db"), "{}: the destination was touched", case.what);
}

/// Runs a verb for people and for programs; both must say what the case says.
fn check_refusal(world: &World, verb: &[&str], case: &Case) {
    let before = files(world.path());
    let (told, answered) = (world.transload(verb), world.transload(&[verb, &["--format", "json"]].concat()));
    assert_told(case.what, &told, case.code, case.exit, case.says);
    let place = if case.place.is_empty() { String::new() } else { format!("[{}]", case.place) };
    assert!(told.stdout.contains(&place) || told.stderr.contains(&place), "{}: {told:?}", case.what);

    assert_eq!(answered.code, case.exit, "{}: {answered:?}", case.what);
    let document: Value = serde_json::from_str(&answered.stdout).unwrap();
    let problem = &document["problems"][0];
    assert_eq!(problem["code"], case.code, "{}: {document}", case.what);
    assert_eq!(first_place(problem), case.place, "{}: {document}", case.what);
    assert!(problem["help"].as_str().is_some_and(|help| !help.is_empty()), "{}: {document}", case.what);
    assert_eq!(files(world.path()), before, "{}: files came or went", case.what);
}

/// The end of a verb that refused: exit code, code, words, help, and no panic.
fn assert_told(what: &str, told: &Ended, code: &str, exit: i32, says: &[&str]) {
    assert_eq!(told.code, exit, "{what}: {told:?}");
    // Words may stand on several lines.
    let said: Vec<&str> = told.stdout.split_whitespace().chain(told.stderr.split_whitespace()).collect();
    let said = said.join(" ");
    for text in [code, "help:"].iter().chain(says) {
        assert!(said.contains(text), "{what} does not say {text:?}: {said}");
    }
    assert!(!said.contains("panicked"), "{what}: {said}");
}

pub(crate) fn first_place(problem: &Value) -> String {
    let place = &problem["places"][0];
    let Some(path) = place["path"].as_str() else { return String::new() };
    format!("{path}:{}:{}", place["line"], place["column"])
}

/// The project's files, without the runs' own.
fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with(".transload") {
            found.extend(files(&path));
        } else if path.is_file() {
            found.insert(path.display().to_string());
        }
    }
    found
}

/// Shows that the destination is sound, and that the ledger knows each of its rows and no other.
pub(crate) fn assert_whole(platform: &End) {
    if let End::File(_) = platform {
        assert_eq!(platform.texts("pragma integrity_check"), ["ok"]);
    }
    for table in ["shelves", "books"] {
        // Without a ledger there is nothing that it knows.
        let of_ledger = |what: &str, of: &str| {
            let (what, of) = (format!("coalesce({what}, 0)"), platform.ledger(of));
            platform.try_number(&format!("select {what} from {of} where entity_type = '{table}'")).unwrap_or(0)
        };
        let rows = platform.count(table);
        assert_eq!(of_ledger("sum(present_count)", "segments"), rows, "{table}");
        assert_eq!(of_ledger("count(*)", "migration_mappings"), rows, "{table}");
    }
}

/// Someone without rights. Root may do anything, so as root the binary runs as the user that owns nothing.
struct Visitor {
    home: TempDir,
}

const NOBODY: u32 = 65_534;

impl Visitor {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        set_mode(home.path(), 0o755);
        // The binary may lie where only root may go. Another process copies it: were the copy open for writing in this
        // one, a process that another test starts at that moment would inherit it, and the copy could not be run.
        assert!(Command::new("cp").arg(binary()).arg(home.path().join("transload")).status().unwrap().success());
        Self { home }
    }

    fn transload(&self, world: &World, arguments: &[&str]) -> Ended {
        let mut command = Command::new(self.home.path().join("transload"));
        command.args(arguments).current_dir(world.path()).env_clear().env("LC_ALL", "C.UTF-8");
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        ended(&command.output().unwrap())
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
