//! `transload.yaml`: what a project is, where its databases are, and which files belong to it.
//!
//! The only place that reads the project's files and its environment. It never shows what a variable holds.

mod connection;
mod environment;
mod files;
mod interpolation;
mod masking;
mod merged;
mod postgres;
mod sqlite;
mod unknown_names;
mod unread;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use transload_model::{Code, ConnectionName, ConnectionPlan, Diagnostic, EntityName, MaskKey, SourceFile};

use crate::decode::{Defaults, Map, Reader, defaults, language, shown};
use crate::lock::{LOCK_BYTES_MAX, LOCK_FILE, Lock};
use crate::problems::{Located, Place, Problems, problem, with_suggestion};
use crate::project::connection::{connections, control_url};
use crate::project::environment::Environment;
pub(crate) use crate::project::masking::Masking;
use crate::yaml;

/// The file that makes a directory a project.
pub(crate) const PROJECT_FILE: &str = "transload.yaml";
const SPECS: &str = "specs/**/*.yaml";
const PARALLEL_ENTITY_LIMIT: usize = 2;
const SNAPSHOT_MAX_AGE: Duration = Duration::from_hours(24);

/// `transload.yaml`, read and resolved, with the files that it names.
#[derive(Debug)]
pub struct Project {
    name: String,
    environment: String,
    /// The names of all environments.
    pub(crate) environments: Vec<String>,
    pub(crate) masking: Masking,
    root: PathBuf,
    control: String,
    connections: Vec<ConnectionPlan>,
    source: ConnectionName,
    destination: ConnectionName,
    vars: BTreeMap<String, Value>,
    transforms: Vec<Arc<SourceFile>>,
    spec_files: Vec<Arc<SourceFile>>,
    specs_pattern: Pattern,
    pub(crate) template_files: Vec<Arc<SourceFile>>,
    pub(crate) parallel_entity_limit: usize,
    pub(crate) snapshot_max_age: Duration,
    confirms: bool,
    pub(crate) defaults: Defaults,
    pub(crate) lock: Option<Lock>,
    /// Files that match a pattern and cannot be read. They are reported together with what is wrong in the others.
    pub(crate) unreadable: Vec<Unreadable>,
}

/// A pattern for files.
#[derive(Debug)]
struct Pattern {
    text: String,
    /// Where it stands; `None` where it is the one that counts without being written.
    place: Option<Place>,
}

/// A file of the project that could not be read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// As the user would type it.
    pub(crate) path: String,
    pub(crate) problem: Diagnostic,
}

impl Project {
    /// The environment's name where there is none.
    pub const WITHOUT_ENVIRONMENT: &str = environment::WITHOUT;

    /// Reads the project in the directory `root`, as it is in the environment `chosen`, or else in its default one; `variables` gives
    /// those of the process by name.
    ///
    /// # Errors
    /// Everything that is wrong with `transload.yaml`, and a pattern for specs that no file matches.
    pub fn load(
        root: &Path,
        chosen: Option<&str>,
        variables: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut problems = Problems::default();
        let loaded = load(root, chosen, variables, &mut problems);
        if let Some(Project { spec_files, unreadable, specs_pattern, .. }) = &loaded
            && spec_files.is_empty()
            && unreadable.is_empty()
        {
            problems.push(no_specs(specs_pattern, loaded.iter().flat_map(Project::unread_specs)));
        }
        finished(loaded, problems)
    }

    /// The same for a project that may have no spec yet.
    ///
    /// # Errors
    /// Everything that is wrong with `transload.yaml`.
    pub fn load_without_specs(
        root: &Path,
        chosen: Option<&str>,
        variables: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut problems = Problems::default();
        let loaded = load(root, chosen, variables, &mut problems);
        finished(loaded, problems)
    }

    /// `transload.yaml` as it is in the chosen environment, each value with the line that it comes from and the variables in it.
    ///
    /// # Errors
    /// Everything that is wrong with the project.
    pub fn merged(
        root: &Path,
        chosen: Option<&str>,
        variables: &dyn Fn(&str) -> Option<String>,
    ) -> Result<String, Vec<Diagnostic>> {
        // What cannot be read, or holds a secret, is not shown.
        let project = Self::load_without_specs(root, chosen, variables)?;
        let unread = |problem: Box<Diagnostic>| vec![*problem];
        let file = files::read(&project.root, &project.root.join(PROJECT_FILE)).map_err(unread)?;
        let mut problems = Problems::default();
        let mut node = yaml::load(&file, &mut problems).ok_or_else(Vec::new)?;
        let starts = merged::starts(&node, &project.environment);
        environment::apply(&mut Reader { file: &file, problems: &mut problems }, &mut node, chosen, variables);
        let is_set = |name: &str| variables(name).is_some();
        Ok(merged::Merged { file: &file, environment: (&project.environment, starts), is_set: &is_set }.text(&node))
    }

    /// The project's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the environment that it was read for; `default` where it was read for none.
    #[must_use]
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// The key of masks, where the project has one for this environment.
    #[must_use]
    pub fn mask_key(&self) -> Option<&MaskKey> {
        match &self.masking {
            Masking::Key(key) => Some(key),
            Masking::Unsaid | Masking::Missing(_) => None,
        }
    }

    /// Whether a run begins only when someone confirms it.
    #[must_use]
    pub fn confirms(&self) -> bool {
        self.confirms
    }

    /// The project's directory, absolute.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// URL of the control store; may hold a secret.
    #[must_use]
    pub fn control(&self) -> &str {
        &self.control
    }

    /// Where a connection leads, as people may read it.
    pub(crate) fn whereabouts(&self, name: &ConnectionName) -> String {
        let named = self.connections.iter().find(|connection| connection.name == *name);
        named.map(connection::whereabouts).unwrap_or_default()
    }

    /// All connections.
    pub fn connections(&self) -> impl Iterator<Item = &ConnectionPlan> {
        self.connections.iter()
    }

    /// The connection that specs read from.
    #[must_use]
    pub fn source(&self) -> &ConnectionName {
        &self.source
    }

    /// The connection that specs write to.
    #[must_use]
    pub fn destination(&self) -> &ConnectionName {
        &self.destination
    }

    /// When its `transload.lock` was written, in RFC 3339; `None` where it has none.
    #[must_use]
    pub fn locked_at(&self) -> Option<&str> {
        self.lock.as_ref().map(Lock::locked_at)
    }

    /// Ends of the project that its `transload.lock` says nothing of, because it is of another system; each with that system.
    #[must_use]
    pub fn locked_elsewhere(&self) -> Vec<(&ConnectionName, &str)> {
        let ends = self.connections.iter().filter(|end| end.name == self.source || end.name == self.destination);
        let locked = ends.filter_map(|end| Some((end, self.lock.as_ref()?.system(&end.name)?)));
        locked.filter(|(end, system)| *system != end.system).map(|(end, system)| (&end.name, system)).collect()
    }

    /// A warning for each file that looks like a spec and is none.
    pub(crate) fn unread_specs(&self) -> Vec<Diagnostic> {
        unread::warnings(self)
    }

    /// The library functions' files, by path.
    #[must_use]
    pub fn transforms(&self) -> &[Arc<SourceFile>] {
        &self.transforms
    }

    /// The specs' files, by path.
    #[must_use]
    pub fn spec_files(&self) -> &[Arc<SourceFile>] {
        &self.spec_files
    }

    /// The paths of all files that say what the project is, as the user would type them.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        let files =
            self.spec_files.iter().chain(&self.template_files).chain(&self.transforms).map(|file| file.path.clone());
        std::iter::once(PROJECT_FILE.to_owned()).chain(files).collect()
    }

    /// Where the spec of an entity would stand that has none: a path that `specs` matches. `None` where the pattern leaves that open.
    #[must_use]
    pub fn spec_path(&self, entity: &EntityName) -> Option<String> {
        files::named(&self.specs_pattern.text, entity.as_str())
    }

    /// A file that another one names, beside it; it must lie in the project.
    pub(crate) fn file_beside(&self, path: &str, named_in: &str) -> transload_model::Result<Arc<SourceFile>> {
        files::read_beside(&self.root, path, named_in)
    }

    /// Puts a spec in the place of the file of that path, or beside the others, as if it were saved there: for what is not in a file yet.
    pub fn put_spec(&mut self, path: &str, bytes: &[u8]) {
        self.spec_files.retain(|file| file.path != path);
        self.unreadable.retain(|file| file.path != path);
        match files::text(path, bytes, yaml::FILE_BYTES_MAX) {
            Ok(file) => self.spec_files.push(file),
            Err(problem) => self.unreadable.push(Unreadable { path: path.to_owned(), problem: *problem }),
        }
        self.spec_files.sort_by(|one, other| one.path.cmp(&other.path));
    }

    /// The project's variables: single values.
    #[must_use]
    pub fn vars(&self) -> &BTreeMap<String, Value> {
        &self.vars
    }
}

fn load(
    root: &Path,
    chosen: Option<&str>,
    variables: &dyn Fn(&str) -> Option<String>,
    problems: &mut Problems,
) -> Option<Project> {
    let root = match std::path::absolute(root) {
        Ok(root) => root,
        Err(error) => {
            problems.push(files::error(root, &error));
            return None;
        }
    };
    let path = root.join(PROJECT_FILE);
    if !path.is_file() {
        let headline = format!("there is no `{PROJECT_FILE}` in `{}`", root.display());
        problems.push(Diagnostic::new(Code::ProjectNotFound, headline).help(Code::ProjectNotFound.info().remedy));
        return None;
    }
    let file = files::read(&root, &path).map_err(|problem| problems.push(*problem)).ok()?;
    let mut node = yaml::load(&file, problems)?;
    let mut reader = Reader { file: &file, problems };
    let environment = environment::apply(&mut reader, &mut node, chosen, variables);
    if environment.is_none() && matches!(node.kind, yaml::Kind::Map(_)) {
        // What is missing in the project may stand in the environment that could not be told.
        return None;
    }
    let masking = environment::take(&mut node, "masking");
    let vars = interpolation::interpolate(&mut reader, &mut node, variables);
    let masking = masking.map_or(Masking::Unsaid, |entry| masking::masking(&mut reader, entry, variables, &vars));
    let map = reader.map(&node, &language::PROJECT)?;
    Builder { environment: environment?, masking, root, reader, map, vars }.project()
}

/// Reads the parts of `transload.yaml`, each even if another is wrong.
struct Builder<'a, 'n> {
    environment: Environment,
    masking: Masking,
    root: PathBuf,
    reader: Reader<'a>,
    map: Map<'n>,
    vars: BTreeMap<String, Value>,
}

impl Builder<'_, '_> {
    fn project(mut self) -> Option<Project> {
        let required = ["project", "version", "source", "destination", "connections"];
        let is_complete = self.reader.require(&self.map, &required, "the project");
        let name = self.map.filled("project").and_then(|entry| self.reader.text(&entry.value, "`project`"));
        if let Some(entry) = self.map.filled("version") {
            self.reader.integer(&entry.value, "`version`", 1..=1);
        }
        let before = self.reader.problems.seen();
        let connections =
            self.map.filled("connections").map(|entry| connections(&mut self.reader, &self.root, &entry.value));
        let connections = connections.unwrap_or_default();
        let known = (self.reader.problems.seen() == before).then_some(connections.as_slice());
        let source = self.endpoint("source", known);
        let destination = self.endpoint("destination", known);
        self.check_writable(&connections, destination.as_ref());
        let control = self.control();
        let beside = |path: &str, named_in: &str| files::read_beside(&self.root, path, named_in);
        let defaults = self.map.get("defaults").map(|entry| defaults(&mut self.reader, &entry.value, &beside));
        let defaults = defaults.unwrap_or_default();
        let (parallel_entity_limit, snapshot_max_age) = self.execution();
        let confirms = self.map.get("confirm").and_then(|entry| self.reader.boolean(&entry.value, "`confirm`"));
        let confirms = confirms.is_some_and(|confirms| confirms.value);
        let ends = connections
            .iter()
            .filter(|known| [&source, &destination].into_iter().flatten().any(|end| end.value == known.name));
        let lock = self.lock(&ends.collect::<Vec<_>>());
        let mut unreadable = Vec::new();
        let specs_pattern = self.pattern("specs", SPECS)?;
        let specs = self.files("specs", SPECS, &mut unreadable)?;
        let template_files = self.files("templates", "templates/*.yaml", &mut unreadable)?;
        let transforms = self.files("transforms", "transforms/*.rhai", &mut unreadable)?;
        is_complete.then_some(Project {
            name: name?.value,
            environment: self.environment.name,
            environments: self.environment.known,
            masking: self.masking,
            root: self.root,
            control: control?,
            connections,
            source: source?.value,
            destination: destination?.value,
            vars: self.vars,
            transforms,
            spec_files: specs,
            specs_pattern,
            template_files,
            parallel_entity_limit,
            snapshot_max_age,
            confirms,
            defaults,
            lock: lock?,
            unreadable,
        })
    }

    /// A connection that the project names. `known` are all there are; `None` where some could not be read.
    fn endpoint(&mut self, key: &str, known: Option<&[ConnectionPlan]>) -> Option<Located<ConnectionName>> {
        let entry = self.map.filled(key)?;
        let name = self.reader.name(&entry.value, &format!("`{key}`"), ConnectionName::parse)?;
        if let Some(known) = known
            && known.iter().all(|connection| connection.name != name.value)
        {
            let headline = match shown(&entry.value) {
                Some(name) => format!("connection {name} does not exist"),
                None => format!("the connection that a variable gives as `{key}` does not exist"),
            };
            let problem = problem(Code::UnknownConnection, headline, &name.place, format!("the project's {key}"));
            let names = known.iter().map(|connection| connection.name.as_str());
            self.reader.problems.push(with_suggestion(problem, name.value.as_str(), names));
        }
        Some(name)
    }

    fn check_writable(&mut self, connections: &[ConnectionPlan], destination: Option<&Located<ConnectionName>>) {
        let Some(destination) = destination else {
            return;
        };
        if connections.iter().any(|connection| connection.name == destination.value && connection.read_only) {
            let headline = format!("destination `{}` is a connection that is `read_only`", destination.value);
            self.reader.problems.push(problem(
                Code::SpecValue,
                headline,
                &destination.place,
                "the project's destination",
            ));
        }
    }

    fn control(&mut self) -> Option<String> {
        match self.map.get("control") {
            Some(entry) => control_url(&mut self.reader, &self.root, &entry.value),
            None => Some(sqlite::file_url(&self.root, ".transload/control.db")),
        }
    }

    /// Entities that are moved at the same time, and how long their source is seen as it was at one moment.
    fn execution(&mut self) -> (usize, Duration) {
        let entry = self.map.get("execution");
        let map = entry.and_then(|entry| self.reader.map(&entry.value, &language::EXECUTION));
        let found = |key| map.as_ref().and_then(|map| map.get(key));
        let limit = found("parallel_entity_limit")
            .and_then(|entry| self.reader.integer(&entry.value, "`execution.parallel_entity_limit`", 1..=64));
        let age = found("snapshot_max_age")
            .and_then(|entry| self.reader.seconds(&entry.value, "`execution.snapshot_max_age`"));
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        (limit.unwrap_or(PARALLEL_ENTITY_LIMIT), age.map_or(SNAPSHOT_MAX_AGE, |age| Duration::from_secs(age.value)))
    }

    /// `transload.lock`, where there is one; `None` where it cannot be read.
    fn lock(&mut self, ends: &[&ConnectionPlan]) -> Option<Option<Lock>> {
        let path = self.root.join(LOCK_FILE);
        if !path.exists() {
            return Some(None);
        }
        let lock = files::read_up_to(&self.root, &path, LOCK_BYTES_MAX).and_then(|file| Lock::read(&file, ends));
        lock.map_err(|problem| self.reader.problems.push(*problem)).ok().map(Some)
    }

    /// The files that the pattern under `key` matches.
    fn files(&mut self, key: &str, default: &str, unreadable: &mut Vec<Unreadable>) -> Option<Vec<Arc<SourceFile>>> {
        let pattern = self.pattern(key, default)?;
        match files::matching(&self.root, &pattern.text) {
            Ok(paths) => {
                let mut found = Vec::new();
                for path in paths.iter().filter(|path| **path != self.root.join(PROJECT_FILE)) {
                    match files::read(&self.root, path) {
                        Ok(file) => found.push(file),
                        Err(problem) => {
                            unreadable.push(Unreadable { path: files::shown(&self.root, path), problem: *problem });
                        }
                    }
                }
                Some(found)
            }
            Err(reason) => {
                if let Some(entry) = self.map.get(key) {
                    let headline = format!("`{key}` is no pattern for files");
                    self.reader.wrong_value(&entry.value, headline, reason);
                }
                None
            }
        }
    }

    /// The pattern for files under `key`.
    fn pattern(&mut self, key: &str, default: &str) -> Option<Pattern> {
        let Some(entry) = self.map.get(key) else {
            return Some(Pattern { text: default.to_owned(), place: None });
        };
        let text = self.reader.text(&entry.value, &format!("`{key}`"))?;
        Some(Pattern { text: text.value, place: Some(text.place) })
    }
}

fn finished(loaded: Option<Project>, problems: Problems) -> Result<Project, Vec<Diagnostic>> {
    match loaded {
        Some(project) if !problems.has_errors() => Ok(project),
        _ => Err(problems.finish()),
    }
}

fn no_specs(pattern: &Pattern, unread: impl Iterator<Item = Diagnostic>) -> Diagnostic {
    let problem = match &pattern.place {
        // As it is written: a variable in it is not shown.
        Some(place) => {
            let written = place.text().unwrap_or_default().trim_matches(['"', '\'']);
            problem(Code::NoSpecs, format!("no file matches `specs`, which is `{written}`"), place, "this pattern")
        }
        None => Diagnostic::new(Code::NoSpecs, format!("no file matches `{}`", pattern.text)),
    };
    unread.fold(problem, |problem, file| problem.note(file.headline)).help(Code::NoSpecs.info().remedy)
}
