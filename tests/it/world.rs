//! What a scenario needs: a project in a directory of its own, the binary, the databases, and the oracle.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

/// The checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_transload");

/// What the projects of most scenarios have in common.
const PROJECT: &str = "
project: tested
version: 1
source: legacy
destination: platform
connections:
  legacy: { url: \"sqlite:data/legacy.db\", read_only: true }
  platform: { url: \"sqlite:data/platform.db\", create_with: schema.sql }
defaults:
  key: { strategy: uuid_v5, namespace: 0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11 }
";

/// A project in a temporary directory.
pub(crate) struct World {
    directory: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    /// An empty directory.
    pub(crate) fn empty() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// A copy of `examples/<name>`.
    pub(crate) fn example(name: &str) -> Self {
        let world = Self::empty();
        copy(&root().join("examples").join(name), world.path());
        world
    }

    /// The clinic, as `init --demo` makes it.
    pub(crate) fn clinic() -> Self {
        let world = Self::empty();
        let made = world.transload(&["init", ".", "--demo"]);
        assert_eq!(made.code, 0, "{made:?}");
        world
    }

    /// A project with these `defaults`, this schema at the destination, and specs by entity. The old database has no tables yet.
    pub(crate) fn project(defaults: &str, schema: &str, specs: &[(&str, &str)]) -> Self {
        let world = Self::empty();
        world.write("transload.yaml", &format!("{PROJECT}{defaults}\n"));
        world.write("schema.sql", schema);
        for (entity, spec) in specs {
            world.write(&format!("specs/{entity}.yaml"), spec);
        }
        std::fs::create_dir_all(world.file("data")).unwrap();
        world
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        let path = self.file(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }

    /// Replaces a text in a file; it must be there.
    pub(crate) fn replace(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} has no {from:?}");
        self.write(name, &text.replace(from, to));
    }

    /// The binary, in the project's directory, with an environment that no machine's settings reach.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("LC_ALL", "C.UTF-8")
            .env("PATH", "/usr/bin:/bin");
        command
    }

    pub(crate) fn transload(&self, arguments: &[&str]) -> Ended {
        ended(&self.command(arguments).output().unwrap())
    }

    /// Runs the project; gives its result document.
    pub(crate) fn run(&self) -> Value {
        self.run_with(&[])
    }

    pub(crate) fn run_with(&self, flags: &[&str]) -> Value {
        let mut arguments = vec!["run", "--format", "json"];
        arguments.extend(flags);
        let ended = self.transload(&arguments);
        assert_eq!(ended.code, 0, "{ended:?}");
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
    }

    /// A connection to a database of the project.
    pub(crate) fn database(&self, name: &str) -> Connection {
        Connection::open(self.file(name)).unwrap()
    }

    /// The content of a database file.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.file(name)).unwrap()
    }

    /// The rows in quarantine as `entity key code field`, sorted.
    pub(crate) fn quarantine(&self) -> Vec<String> {
        let platform = self.database("data/platform.db");
        let sql = "select entity_type || ' ' || source_key || ' ' || code || ' ' || coalesce(field, '-') \
                   from transload_quarantine order by 1";
        let mut statement = platform.prepare(sql).unwrap();
        let rows: rusqlite::Result<Vec<String>> = statement.query_map([], |row| row.get(0)).unwrap().collect();
        rows.unwrap()
    }

    /// Compares the destination with what the independent expectation says.
    pub(crate) fn assert_as_expected(&self) {
        let oracle = root().join("tests/oracle/oracle.py");
        let output = python().arg(oracle).arg(self.path()).output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// Choices that follow from nothing but a seed.
pub(crate) struct Random(u64);

impl Random {
    /// Prints the seed, so that a failure can be repeated.
    pub(crate) fn of_seed(seed: u64) -> Self {
        println!("seed {seed}");
        Self(seed)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Python, which the oracle is written in. `tests/run` names one that has what the oracle needs.
pub(crate) fn python() -> Command {
    Command::new(std::env::var_os("TRANSLOAD_TEST_PYTHON").unwrap_or_else(|| "python3".into()))
}

pub(crate) fn ended(output: &Output) -> Ended {
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The counts of an entity in a result document.
pub(crate) fn counts<'a>(report: &'a Value, entity: &str) -> &'a Value {
    let entities = report["entities"].as_array().unwrap();
    let found = entities.iter().find(|found| found["entity_type"] == entity);
    &found.unwrap_or_else(|| panic!("no {entity} in {report}"))["counts"]
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
