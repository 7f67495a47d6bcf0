//! `environments`: what differs between the places where a project runs.
//!
//! The chosen one is merged into the tree before variables are replaced, so that only its own are needed. A merged value keeps the place
//! where it was written. Keys are checked in every environment, chosen or not: a typo in `prod` is found before anything runs there.

use std::collections::BTreeMap;

use transload_model::{Code, Diagnostic};

use crate::decode::{Reader, check_keys_of_defaults, language};
use crate::problems::{listed, problem, with_suggestion};
use crate::project::connection::System;
use crate::project::{interpolation, unknown_names};
use crate::yaml::{Entry, Kind, Node};

/// The name of what a project is without one of its environments.
pub(crate) const WITHOUT: &str = "default";

/// Keys that say where a connection is. An environment that gives one of them means another place: the base's do not count then.
const LOCATION: [&str; 3] = ["type", "url", "path"];

/// The environment that a project is in.
pub(crate) struct Environment {
    pub(crate) name: String,
    /// All that the project has.
    pub(crate) known: Vec<String>,
}

/// Merges one environment over the project; `None` where a problem says why not.
pub(crate) fn apply(
    reader: &mut Reader<'_>,
    project: &mut Node,
    chosen: Option<&str>,
    variables: &dyn Fn(&str) -> Option<String>,
) -> Option<Environment> {
    let Kind::Map(entries) = &mut project.kind else {
        // What is here in place of a project is reported by those who read it.
        return None;
    };
    let environments = match taken(entries, "environments") {
        Some(entry) => read(reader, entry.value)?,
        None => Vec::new(),
    };
    unknown_names::check(reader, entries, &environments);
    let default = match taken(entries, "default_environment") {
        Some(entry) => Some(default(reader, &entry.value, &environments)?),
        None => None,
    };
    let known = environments.iter().map(|entry| entry.key.clone()).collect();
    let Some(name) = chosen.map(ToOwned::to_owned).or(default) else {
        return Some(Environment { name: WITHOUT.to_owned(), known });
    };
    if !environments.iter().any(|entry| entry.key == name) {
        let problem = Diagnostic::new(Code::UnknownEnvironment, format!("the project has no environment `{name}`"));
        reader.problems.push(with_known(problem, &name, &environments));
        return None;
    }
    for environment in environments.into_iter().filter(|entry| entry.key == name) {
        if let Kind::Map(over) = environment.value.kind {
            forget_locations(entries, &over, variables);
            merge(entries, over);
        }
    }
    Some(Environment { name, known })
}

/// Takes a key out of a map.
pub(crate) fn take(map: &mut Node, key: &str) -> Option<Entry> {
    match &mut map.kind {
        Kind::Map(entries) => taken(entries, key),
        Kind::Scalar(_) | Kind::List(_) | Kind::Refused => None,
    }
}

fn taken(entries: &mut Vec<Entry>, key: &str) -> Option<Entry> {
    let at = entries.iter().position(|entry| entry.key == key)?;
    Some(entries.remove(at))
}

/// All environments, their names and keys checked.
fn read(reader: &mut Reader<'_>, node: Node) -> Option<Vec<Entry>> {
    let map = reader.any_map(&node, "`environments`")?;
    for entry in map.entries() {
        let is_sign = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        if entry.key.is_empty() || !entry.key.chars().all(is_sign) {
            let headline = "a key of `environments` is no name";
            let problem = problem(Code::SpecValue, headline, &reader.key_place(entry), "this key");
            reader.problems.push(problem.note("names have letters, digits, `_`, `-` and `.`"));
        }
        check_keys(reader, &entry.value);
    }
    match node.kind {
        Kind::Map(entries) => Some(entries.into_iter().filter(|entry| !entry.key.starts_with("x-")).collect()),
        Kind::Scalar(_) | Kind::List(_) | Kind::Refused => None,
    }
}

/// Looks at every map whose keys belong to the language; values are read once an environment is chosen.
fn check_keys(reader: &mut Reader<'_>, environment: &Node) {
    let Some(map) = reader.map(environment, &language::ENVIRONMENT) else {
        return;
    };
    if let Some(entry) = map.get("connections")
        && let Some(connections) = reader.any_map(&entry.value, "`connections`")
    {
        for connection in connections.entries() {
            reader.map(&connection.value, &language::CONNECTION);
        }
    }
    for (name, keys) in [("execution", &language::EXECUTION), ("masking", &language::MASKING)] {
        if let Some(entry) = map.get(name) {
            reader.map(&entry.value, keys);
        }
    }
    if let Some(entry) = map.get("vars") {
        reader.any_map(&entry.value, "`vars`");
    }
    if let Some(entry) = map.get("defaults") {
        check_keys_of_defaults(reader, &entry.value);
    }
}

fn default(reader: &mut Reader<'_>, node: &Node, environments: &[Entry]) -> Option<String> {
    let name = reader.text(node, "`default_environment`")?;
    if environments.iter().any(|entry| entry.key == name.value) {
        return Some(name.value);
    }
    let headline = format!("the project has no environment `{}`", name.value);
    let problem = problem(Code::UnknownEnvironment, headline, &name.place, "the default");
    reader.problems.push(with_known(problem, &name.value, environments));
    None
}

fn with_known(problem: Diagnostic, name: &str, environments: &[Entry]) -> Diagnostic {
    let names = environments.iter().map(|entry| entry.key.as_str());
    if environments.is_empty() {
        return problem.note("`transload.yaml` has no `environments`");
    }
    with_suggestion(problem, name, names.clone()).note(format!("its environments are {}", listed(names)))
}

/// Takes out where a connection was, for each that the environment puts elsewhere.
fn forget_locations(base: &mut [Entry], over: &[Entry], variables: &dyn Fn(&str) -> Option<String>) {
    let Some(base) = base.iter_mut().find(|entry| entry.key == "connections") else {
        return;
    };
    let Some(over) = over.iter().find(|entry| entry.key == "connections") else {
        return;
    };
    let (Kind::Map(base), Kind::Map(over)) = (&mut base.value.kind, &over.value.kind) else {
        return;
    };
    let is_location = |entry: &Entry| LOCATION.contains(&entry.key.as_str());
    for connection in base {
        let moved = over.iter().find(|entry| entry.key == connection.key).map(|entry| &entry.value.kind);
        let (Kind::Map(keys), Some(Kind::Map(moved))) = (&mut connection.value.kind, moved) else { continue };
        if !moved.iter().any(is_location) {
            continue;
        }
        let is_elsewhere = match (system(keys, variables), system(moved, variables)) {
            (Some(before), Some(now)) => before != now,
            _ => false,
        };
        // Another place may be in another region, and nobody said in which. A script is written for one system.
        keys.retain(|entry| !is_location(entry) && entry.key != "region");
        keys.retain(|entry| !(is_elsewhere && entry.key == "create_with"));
    }
}

/// The system that a connection is of, before its variables are replaced; `None` where that cannot be told yet.
fn system(connection: &[Entry], variables: &dyn Fn(&str) -> Option<String>) -> Option<System> {
    let text = |key: &str| match &connection.iter().find(|entry| entry.key == key)?.value.kind {
        Kind::Scalar(scalar) => Some(scalar.text.as_str()),
        Kind::List(_) | Kind::Map(_) | Kind::Refused => None,
    };
    if let Some(name) = text("type") {
        return System::named(&interpolation::beginning(name, variables));
    }
    match text("url") {
        Some(url) => System::of_url(&interpolation::beginning(url, variables)),
        None => text("path").map(|_| System::Sqlite),
    }
}

/// Maps merge key by key, all else replaces.
fn merge(base: &mut Vec<Entry>, over: Vec<Entry>) {
    let at: BTreeMap<String, usize> = base.iter().enumerate().map(|(at, entry)| (entry.key.clone(), at)).collect();
    for entry in over {
        match at.get(&entry.key).and_then(|at| base.get_mut(*at)) {
            Some(known) => match (&mut known.value.kind, entry.value.kind) {
                (Kind::Map(keys), Kind::Map(over)) => merge(keys, over),
                (_, kind) => {
                    let value = Node { span: entry.value.span, kind };
                    *known = Entry { key: entry.key, key_span: entry.key_span, is_plain: entry.is_plain, value };
                }
            },
            None => base.push(entry),
        }
    }
}
