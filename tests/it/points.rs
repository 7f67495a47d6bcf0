//! Calls by which a run changes its files, asks its servers and reads what they hold go wrong, one in each run, in every way that they can.
//!
//! A library in front of the C library numbers the calls and lets one of them fail, be lost, be torn or be the last of its process (`points.c`). Then
//! a run without faults must leave behind what a run that met none leaves: no row lost, none doubled, a ledger that agrees, nothing left to do.
//!
//! `TRANSLOAD_TEST_POINTS=all` takes every point of every scenario in every way, which `1/8`, `2/8` and so on divide into parts; else some of each
//! are drawn.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;

use crate::alongside::{awaited, awaited_within};
use crate::ends::{End, Ends, for_each_pair, for_pair};
use crate::refusals::{BOOKS, SCHEMA, SHELVES, assert_whole};
use crate::world::{Ended, Random, World, counts, root};

/// What happens at a point.
const WAYS: [&str; 6] = ["once", "always", "lost", "torn", "before", "after"];

/// The same, for each way in which a read goes wrong.
const DRAWN_READS: u64 = 1;

/// What happens at a point where something is read.
const READ_WAYS: [&str; 4] = ["once", "always", "lost", "ended"];

/// How the power goes.
const CUTS: [&str; 2] = ["cut", "cut_some"];

/// Which calls are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Those that change files or tell servers something.
    Writes,
    /// Of those, the ones by which the destination commits.
    Commits,
    Reads,
}

/// The first commit of a unit, behind those of the ledger and its fence.
const FIRST_UNIT: u64 = 3;

/// Points that are drawn for each way, where not all are taken.
const DRAWN: u64 = 2;

/// The same, for each way in which the power goes.
const DRAWN_CUTS: u64 = 6;

const SEED: u64 = 20_261_121;

/// Ten units.
const DEFAULTS: &str =
    "  deletes: { mode: hard, max: 50% }\n  load: { batch_size: 20, checkpoint_interval: 2, max_errors: 50 }";

const FILL: &str = "
create table old_shelves (no integer primary key, label text, above integer);
create table old_books (no integer primary key, title text, shelf integer);
with recursive n (i) as (select 1 union all select i + 1 from n where i < 40)
insert into old_shelves select i, ' shelf ' || i, case when i % 3 = 0 then i + 1 end from n;
with recursive n (i) as (select 1 union all select i + 1 from n where i < 160)
insert into old_books select i, case when i % 50 = 7 then null else 'book ' || i end, i % 40 + 1 from n;
";

/// Rows that come, change, move, leave, fail and are mended.
const CHANGES: &str = "
insert into old_shelves values (41, 'new', 40), (42, 'newer', 41);
update old_shelves set above = 42 where no in (3, 4);
update old_books set title = 'another ' || no where no % 9 = 0;
update old_books set shelf = 41 where no % 11 = 0;
update old_books set title = 'mended' where no = 7;
update old_books set title = null where no = 8;
update old_books set shelf = 77 where no = 12;
delete from old_books where no % 13 = 0;
insert into old_books select no + 1000, title, shelf from old_books where no <= 30;
";

/// Four units and their references, a row that fails and one that misses it.
const FEW: &str = "
create table old_shelves (no integer primary key, label text, above integer);
create table old_books (no integer primary key, title text, shelf integer);
insert into old_shelves values (1, 'one', 4), (2, 'two', null), (3, 'three', 2), (4, 'four', null), (5, null, null);
insert into old_books values (1, 'a', 1), (2, null, 2), (3, 'c', 3), (4, 'd', 5), (5, 'e', 1), (6, 'f', 4);
";

const FEW_DEFAULTS: &str =
    "  deletes: { mode: hard, max: 50% }\n  load: { batch_size: 3, checkpoint_interval: 1, max_errors: 50 }";

/// What a run leaves in a project's files.
const LEFT: [&str; 4] = [".transload", "data/platform.db", "data/platform.db-wal", "data/platform.db-shm"];

/// A copy of the rows of all tables of a server's database, and the way back. What rows refer to is checked when a statement ends.
const SAVE: &str = "
do $$ declare held record; begin
  create schema saved;
  for held in select schemaname, tablename from pg_tables where schemaname in ('public', 'transload') loop
    execute format('create table saved.%I as table %I.%I', held.schemaname || '.' || held.tablename, held.schemaname, held.tablename);
  end loop;
end $$";
const RESTORE: &str = "
do $$ declare held record; begin
  execute (select 'truncate ' || string_agg(format('%I.%I', schemaname, tablename), ', ')
           from pg_tables where schemaname in ('public', 'transload'));
  for held in select schemaname, tablename from pg_tables where schemaname in ('public', 'transload')
              order by tablename <> 'shelves' loop
    execute format('insert into %I.%I overriding system value table saved.%I',
                   held.schemaname, held.tablename, held.schemaname || '.' || held.tablename);
  end loop;
end $$";

/// A project, and how it comes to be as a scenario begins.
struct Scene {
    world: World,
    /// What an earlier run left, where there was one.
    earlier: Option<TempDir>,
    counted: Counted,
    expected: Vec<String>,
}

impl Scene {
    fn new(ends: Ends, changes: bool) -> Self {
        Self::of(ends, (DEFAULTS, FILL), changes)
    }

    fn of(ends: Ends, (defaults, fill): (&str, &str), changes: bool) -> Self {
        let world = World::project(ends, defaults, SCHEMA, &[("shelves", SHELVES), ("books", BOOKS)]);
        let mut scene = Self { world, earlier: None, counted: Counted::Writes, expected: Vec::new() };
        scene.world.source().execute(fill);
        if changes {
            scene.world.run();
            scene.keep();
            scene.world.source().execute(CHANGES);
        }
        scene.world.run();
        if !changes {
            // Who fails after it was loaded stays as it was, which the rows of now do not tell.
            scene.world.assert_as_expected();
        }
        scene.expected = scene.state();
        scene
    }

    /// Keeps what a run left.
    fn keep(&mut self) {
        let folder = tempfile::tempdir().unwrap();
        copy_all(self.world.path(), folder.path());
        if let End::Server(_) = self.world.destination() {
            self.world.destination().execute(SAVE);
        }
        self.earlier = Some(folder);
    }

    /// As it was before the run that is looked at. The source is only read by runs.
    fn set(&self) {
        for path in LEFT.map(|place| self.world.file(place)) {
            if path.is_dir() {
                std::fs::remove_dir_all(path).unwrap();
            } else if path.exists() {
                std::fs::remove_file(path).unwrap();
            }
        }
        let destination = self.world.destination();
        match (&self.earlier, destination) {
            (Some(_), End::Server(_)) => destination.execute(RESTORE),
            (None, End::Server(_)) => destination.execute(
                "drop schema if exists transload cascade; drop table if exists books; drop table if exists shelves",
            ),
            (_, End::File(_)) => {}
        }
        if let Some(folder) = &self.earlier {
            copy_all(folder.path(), self.world.path());
        }
    }

    /// All rows, and all that is in quarantine.
    fn state(&self) -> Vec<String> {
        let destination = self.world.destination();
        let mut state =
            destination.texts("select id || ' ' || label || ' ' || coalesce(above_id, '-') from shelves order by id");
        state.extend(destination.texts("select id || ' ' || title || ' ' || shelf_id from books order by id"));
        state.extend(self.world.quarantine());
        state
    }

    fn run(&self, way: &str, at: u64) -> (Ended, u64) {
        run(&self.world, (way, at), self.counted)
    }

    /// Lets a point go wrong, perhaps another one in the run that mends it, and looks at what a run without faults makes of it.
    /// Whether a fault struck: a run may make fewer calls than another.
    fn try_point(&self, (way, at): (&str, u64), second: Option<(&str, u64)>) -> bool {
        self.set();
        let mut struck = false;
        let what = format!("{way} at {at}, then {second:?}");
        for (way, at) in [(way, at)].into_iter().chain(second) {
            let (told, made) = self.run(way, at);
            struck |= told.code == -1 || made >= at;
            let said = format!("{}{}", told.stdout, told.stderr);
            // Five would say that another run was in the way. There is none.
            assert!((-1..=4).contains(&told.code) && !said.contains("panicked"), "{what}: {told:?}");
            // Only the power takes back what was committed; else a commit was believed that was none.
            assert!(CUTS.contains(&way) || !said.contains("TL0513"), "{what}: {told:?}");
            if told.code == 0 {
                assert_eq!(self.state(), self.expected, "{what}: it said that it was done");
            }
        }
        let told = self.world.transload(&["run"]);
        assert_eq!(told.code, 0, "{what}: {told:?}");
        assert_eq!(self.state(), self.expected, "{what}");
        assert_whole(self.world.destination());
        let again = self.world.run();
        for entity in ["shelves", "books"] {
            let counts = counts(&again, entity);
            assert_eq!([&counts["new"], &counts["modified"], &counts["deleted"]], [0, 0, 0], "{what}: {again}");
        }
        struck
    }
}

/// A run in which the call of this number goes wrong; how it ended, and how many calls there were.
pub(crate) fn run(world: &World, point: (&str, u64), counted: Counted) -> (Ended, u64) {
    let told = awaited(begun(world, point, counted));
    (told, made(world))
}

fn begun(world: &World, (way, at): (&str, u64), counted: Counted) -> Child {
    let mut command: Command = world.command(&["run"]);
    command
        .env("LD_PRELOAD", library())
        .envs([("POINTS_MODE", way), ("POINTS_AT", &at.to_string())])
        .env("POINTS_ROOT", world.path().canonicalize().unwrap())
        .env("POINTS_OUT", world.file("points"))
        .envs((counted == Counted::Commits).then_some(("POINTS_ONLY", "platform.db")))
        .envs((counted == Counted::Reads).then_some(("POINTS_READS", "1")))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let End::Server(_) = world.destination() {
        command.env("POINTS_PORT", port(&world.destination().url()).expect("the server is on this machine"));
    }
    command.spawn().unwrap()
}

/// How many calls the last run of a project made.
fn made(world: &World) -> u64 {
    let told = std::fs::read_to_string(world.file("points")).ok();
    told.and_then(|text| text.trim().parse().ok()).unwrap_or_default()
}

/// Copies what a run left, where it left anything.
fn copy_all(from: &Path, to: &Path) {
    for place in LEFT.iter().filter(|place| from.join(place).exists()) {
        let target = to.join(place);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        assert!(Command::new("cp").arg("-a").arg(from.join(place)).arg(&target).status().unwrap().success());
    }
}

/// The library, compiled once.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = LIBRARY.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("points.so");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&path);
        assert!(compiler.arg(root().join("tests/it/points/points.c")).arg("-ldl").status().unwrap().success());
        (folder, path)
    });
    path
}

/// The port of a server on this machine.
fn port(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("@127.0.0.1:")?;
    rest.split_once('/').map(|(port, _)| port)
}

/// Which of how many parts of all points are taken, where they are not drawn.
fn part() -> Option<(u64, u64)> {
    let which = std::env::var("TRANSLOAD_TEST_POINTS").ok()?;
    if which == "all" {
        return Some((1, 1));
    }
    let (part, parts) = which.split_once('/').expect("TRANSLOAD_TEST_POINTS is `all` or a part such as `1/8`");
    let (part, parts) = (part.parse().unwrap(), parts.parse().unwrap());
    assert!((1..=parts).contains(&part), "there is no part {which}");
    Some((part, parts))
}

/// Calls of a run that meets no fault.
fn calls(scene: &Scene) -> u64 {
    scene.set();
    let (told, made) = scene.run("count", 0);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(made > if scene.counted == Counted::Commits { 6 } else { 100 }, "only {made} calls were seen");
    made
}

/// Of a run of a few rows, each commit fails once, and is once the last thing that is done.
fn no_commit_of_a_small_run_loses_or_doubles_a_row(ends: Ends) {
    let scene = Scene { counted: Counted::Commits, ..Scene::of(ends, (FEW_DEFAULTS, FEW), false) };
    let made = calls(&scene);
    let mut struck = 0;
    let ways = ["after", "once"];
    for way in ways {
        for at in 1..=made {
            struck += u64::from(scene.try_point((way, at), None));
        }
    }
    let tried = made * ways.len() as u64;
    assert!(struck * 4 > tried * 3, "only {struck} of {tried} faults struck");
    println!("{made} points, {tried} tried, {struck} struck; lost 0, doubled 0");
}

fn every_point(scene: &Scene) {
    let (ways, drawn) = match scene.counted {
        Counted::Reads => (&READ_WAYS[..], DRAWN_READS),
        _ => (&WAYS[..], DRAWN),
    };
    points_of(scene, ways, drawn);
}

fn points_of(scene: &Scene, ways: &[&str], drawn: u64) {
    let made = calls(scene);
    let mut random = Random::of_seed(SEED);
    let (mut tried, mut struck) = (0, 0);
    for way in ways.iter().copied() {
        let points: Vec<u64> = match part() {
            Some((part, parts)) => (1..=made).filter(|at| at % parts == part - 1).collect(),
            None => (0..drawn).map(|_| 1 + random.below(made)).collect(),
        };
        for at in points {
            // Every other time the run that mends it meets a fault, too.
            let second = (ways[usize::try_from(random.below(ways.len() as u64)).unwrap()], 1 + random.below(made));
            struck += u32::from(scene.try_point((way, at), (tried % 2 == 1).then_some(second)));
            tried += 1;
        }
    }
    assert!(struck * 4 > tried * 3, "only {struck} of {tried} faults struck");
    println!("{made} points, {tried} tried, {struck} struck; lost 0, doubled 0");
}

fn no_point_of_a_first_run_loses_or_doubles_a_row(ends: Ends) {
    every_point(&Scene::new(ends, false));
}

fn no_point_of_a_later_run_loses_or_doubles_a_row(ends: Ends) {
    every_point(&Scene::new(ends, true));
}

fn no_read_of_a_later_run_loses_or_doubles_a_row(ends: Ends) {
    every_point(&Scene { counted: Counted::Reads, ..Scene::new(ends, true) });
}

/// What the system had not written to the disk yet is gone with the power, all of it or some.
fn no_loss_of_power_loses_or_doubles_a_row(ends: Ends) {
    points_of(&Scene::new(ends, true), &CUTS, DRAWN_CUTS);
}

/// Whether a unit whose commit was not answered is there, the destination is asked; what was never sent is done again.
fn a_commit_without_an_answer_is_asked_about_and_not_guessed(ends: Ends) {
    let units: u64 = if part().is_some() { 500 } else { 20 };
    let load = "  load: { batch_size: 1, checkpoint_interval: 1, max_errors: 100 }";
    let shelves = SHELVES.replace("  above_id: { source_field: above, references: shelves }\n", "");
    let world = World::project(ends, load, SCHEMA, &[("shelves", &shelves)]);
    world.source().execute(&format!(
        "create table old_shelves (no integer primary key, label text, above integer);
         with recursive n (i) as (select 1 union all select i + 1 from n where i < {units})
         insert into old_shelves select i, case when i % 50 = 7 then null else ' shelf ' || i end, null from n;"
    ));

    let run = begun(&world, ("commits", FIRST_UNIT), Counted::Writes);

    // Before each of the two tries that follow, a unit waits for a moment.
    let told = awaited_within(run, Duration::from_secs(60 + 4 * units));
    let commits = made(&world);
    assert_eq!(told.code, 0, "{told:?}");
    // Each unit is sent twice: the first time it does not arrive.
    let cut = commits - (FIRST_UNIT - 1);
    assert!(cut >= 2 * units, "only {cut} commits of {units} units");
    world.assert_as_expected();
    println!("{cut} commits of {units} units were cut off, each before and after it was done; lost 0, doubled 0");
}

for_pair!(power, SqliteToSqlite, no_loss_of_power_loses_or_doubles_a_row);
for_pair!(cut_commits, SqliteToPostgres, a_commit_without_an_answer_is_asked_about_and_not_guessed);
for_each_pair!(
    no_commit_of_a_small_run_loses_or_doubles_a_row,
    no_point_of_a_first_run_loses_or_doubles_a_row,
    no_point_of_a_later_run_loses_or_doubles_a_row,
    no_read_of_a_later_run_loses_or_doubles_a_row,
);
