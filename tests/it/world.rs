//! What a scenario needs: a project in a directory of its own, the binary, the databases, and the oracle.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::ends::{End, Ends};
use crate::schemas::complaints;

/// The checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The binary under test. `planted.rs` lets suites meet one with bugs.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os(OTHER_BINARY).map_or_else(|| env!("CARGO_BIN_EXE_transload").into(), PathBuf::from)
}

/// Names another binary than the one that was built.
pub(crate) const OTHER_BINARY: &str = "TRANSLOAD_TEST_BINARY";

/// Names the bug that it has.
pub(crate) const PLANTED: &str = "TRANSLOAD_PLANTED_BUG";

/// Where the databases of a project are that are files.
const LEGACY: &str = "data/legacy.db";
const PLATFORM: &str = "data/platform.db";

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

/// A project in a temporary directory, and its databases.
pub(crate) struct World {
    source: End,
    destination: End,
    /// The environment that every command is given, and the variables that it reads.
    environment: Option<(&'static str, Vec<(&'static str, String)>)>,
    // After the ends, so that their files are there while they are.
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
        let directory = tempfile::tempdir().unwrap();
        let end = |name| End::File(directory.path().join(name));
        Self { source: end(LEGACY), destination: end(PLATFORM), environment: None, directory }
    }

    /// A copy of `examples/<name>`; its old database is not there yet.
    pub(crate) fn example(name: &str) -> Self {
        Self::copy_of(&format!("examples/{name}"))
    }

    /// A copy of a project of the checkout, without its databases.
    pub(crate) fn copy_of(place: &str) -> Self {
        let world = Self::empty();
        copy(&root().join(place), world.path());
        // What somebody who tried it here left behind.
        drop(std::fs::remove_dir_all(world.file("data")));
        drop(std::fs::remove_dir_all(world.file(".transload")));
        world
    }

    /// The clinic, as `init --demo` makes it.
    pub(crate) fn clinic() -> Self {
        let world = Self::empty();
        let made = world.transload(&["init", ".", "--demo"]);
        assert_eq!(made.code, 0, "{made:?}");
        world
    }

    /// Puts an example between other ends, by its environments; `legacy_url` is the variable that names its source.
    pub(crate) fn between(self, ends: Ends, legacy_url: &'static str) -> Self {
        let mut world = self;
        if ends.is_to_postgres() {
            world.destination = End::on_server();
            world.environment = Some(("postgres", vec![("PLATFORM_URL", world.destination.url())]));
        }
        if ends.is_from_postgres() { world.with_source_on_server(legacy_url) } else { world }
    }

    /// Copies the old database of an example, which is a file, to the server, and goes on from there.
    pub(crate) fn with_source_on_server(mut self, legacy_url: &'static str) -> Self {
        let file = std::mem::replace(&mut self.source, End::on_server());
        let arguments = [file.url().replace("sqlite:", ""), self.source.url()];
        run_python("tests/oracle/to_postgres.py", &arguments);
        if let Some((name, variables)) = &mut self.environment {
            *name = "postgres_only";
            variables.push((legacy_url, self.source.url()));
        }
        self
    }

    /// A project with these `defaults`, this schema at the destination, and specs by entity. The old database has no tables yet.
    pub(crate) fn project(ends: Ends, defaults: &str, schema: &str, specs: &[(&str, &str)]) -> Self {
        let source = ends.is_from_postgres().then(End::on_server);
        let destination = ends.is_to_postgres().then(End::on_server);
        Self::project_at((source, destination), defaults, schema, specs)
    }

    /// The same, with ends of a scenario's own; a file in the project where there is none.
    pub(crate) fn project_at(
        (source, destination): (Option<End>, Option<End>),
        defaults: &str,
        schema: &str,
        specs: &[(&str, &str)],
    ) -> Self {
        let mut world = Self::empty();
        std::fs::create_dir_all(world.file("data")).unwrap();
        world.write("transload.yaml", &format!("{PROJECT}{defaults}\n"));
        world.write("schema.sql", schema);
        for (entity, spec) in specs {
            world.write(&format!("specs/{entity}.yaml"), spec);
        }
        if let Some(source) = source {
            world.replace("transload.yaml", "sqlite:data/legacy.db", &source.url());
            world.source = source;
        }
        if let Some(destination) = destination {
            world.replace("transload.yaml", "sqlite:data/platform.db", &destination.url());
            world.destination = destination;
        }
        world
    }

    /// The old database.
    pub(crate) fn source(&self) -> &End {
        &self.source
    }

    /// The new database.
    pub(crate) fn destination(&self) -> &End {
        &self.destination
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

    /// Points both connections at what is not there.
    pub(crate) fn take_databases_away(&self) {
        for end in [&self.source, &self.destination] {
            let url = end.url();
            let (_, name) = url.rsplit_once('/').unwrap();
            self.replace("transload.yaml", name, &format!("away_{name}"));
        }
    }

    /// The binary, in the project's directory, with an environment that no machine's settings reach.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("LC_ALL", "C.UTF-8")
            .env("PATH", "/usr/bin:/bin")
            .envs(std::env::var_os(PLANTED).map(|bug| (PLANTED, bug)));
        if let Some((name, variables)) = &self.environment {
            command.args(["--env", name]).envs(variables.iter().cloned());
        }
        command
    }

    pub(crate) fn transload(&self, arguments: &[&str]) -> Ended {
        let told = ended(&self.command(arguments).output().unwrap());
        let is_of_project = matches!(arguments, ["validate" | "run" | "test", ..]) && !arguments.contains(&"-C");
        if told.code == 0 && is_of_project && self.file("transload.yaml").exists() {
            let complaints = complaints(self.path());
            assert!(complaints.is_empty(), "an editor would not accept what Transload does: {complaints:#?}");
        }
        told
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

    /// A connection to a database of the project that is a file.
    pub(crate) fn database(&self, name: &str) -> Connection {
        Connection::open(self.file(name)).unwrap()
    }

    /// The content of a database file.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.file(name)).unwrap()
    }

    /// The rows in quarantine as `entity key code field`, sorted.
    pub(crate) fn quarantine(&self) -> Vec<String> {
        self.destination.texts(&format!(
            "select entity_type || ' ' || source_key || ' ' || code || ' ' || coalesce(field, '-') from {} order by 1",
            self.destination.ledger("quarantine")
        ))
    }

    /// Compares the destination with what the independent expectation says. What `verify` says is the same.
    pub(crate) fn assert_as_expected(&self) {
        let told = self.transload(&["verify"]);
        assert_eq!(told.code, 0, "{told:?}");
        let mut command = python();
        command.arg(root().join("tests/oracle/oracle.py")).arg(self.path());
        if let Some((name, variables)) = &self.environment {
            command.args(["--env", name]).envs(variables.iter().cloned());
        }
        let output = command.output().unwrap();
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

/// A number that whoever runs the tests may set.
pub(crate) fn setting(name: &str, otherwise: u32) -> u32 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// Python, which the oracle is written in. `tests/run` names one that has what the oracle needs.
pub(crate) fn python() -> Command {
    Command::new(std::env::var_os("TRANSLOAD_TEST_PYTHON").unwrap_or_else(|| "python3".into()))
}

/// Runs a script of the checkout; gives what it prints.
pub(crate) fn run_python(script: &str, arguments: &[String]) -> Vec<u8> {
    let output = python().arg(root().join(script)).args(arguments).output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
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

/// Each row that an entity read became one thing.
pub(crate) fn assert_balanced(report: &Value) {
    for entity in report["entities"].as_array().unwrap() {
        let of = |name: &str| entity["counts"][name].as_u64().unwrap();
        let became = of("new") + of("modified") + of("unchanged") + of("filtered") + of("quarantined");
        assert_eq!(of("read"), became, "{entity}");
    }
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
