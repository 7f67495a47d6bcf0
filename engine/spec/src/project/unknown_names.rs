//! Names in environments that the project does not have.
//!
//! A mistyped connection or variable would otherwise be a new one that nobody asks for: the one that was meant stays as it is everywhere
//! else, and rows go to another database. All environments are looked at, whichever is chosen, because none of it needs a variable.

use std::collections::BTreeSet;

use transload_model::Code;

use crate::decode::Reader;
use crate::problems::{problem, suggestion};
use crate::yaml::{Entry, Kind, Node};

/// The keys that name a connection.
const ENDS: [&str; 2] = ["source", "destination"];

pub(super) fn check(reader: &mut Reader<'_>, project: &[Entry], environments: &[Entry]) {
    for environment in environments {
        let Kind::Map(own) = &environment.value.kind else { continue };
        let scene = Scene { name: &environment.key, project, own, environments };
        scene.check_connections(reader);
        scene.check_variables(reader);
    }
}

/// One environment before its project.
struct Scene<'a> {
    name: &'a str,
    project: &'a [Entry],
    own: &'a [Entry],
    environments: &'a [Entry],
}

impl Scene<'_> {
    /// A connection is the project's, or it is what rows come from or go to here.
    fn check_connections(&self, reader: &mut Reader<'_>) {
        // A project without connections is told so.
        let Some(base) = keys_under(self.project, "connections") else { return };
        let own = keys_under(self.own, "connections").unwrap_or_default();
        let known: BTreeSet<&str> = base.iter().chain(&own).map(|entry| entry.key.as_str()).collect();
        let before = reader.problems.seen();
        let mut chosen = BTreeSet::new();
        for key in ENDS {
            let here = value(self.own, key);
            if let Some(node) = here {
                self.check_end(reader, key, node, &known);
            }
            match here.or_else(|| value(self.project, key)).map(text) {
                Some(Some(name)) => {
                    chosen.insert(name);
                }
                // Only a variable knows.
                Some(None) => return,
                None => {}
            }
        }
        if reader.problems.seen() > before {
            return;
        }
        let is_known = |name: &str| base.iter().any(|entry| entry.key == name) || chosen.contains(name);
        for entry in own.iter().filter(|entry| !is_known(&entry.key)) {
            let headline = format!(
                "environment `{}` has a connection `{}`, which the project does not have",
                self.name, entry.key
            );
            let label = "neither among `connections` of the project, nor the source or destination here";
            let help = "write it under `connections` of the project, or name it as `source` or `destination` here";
            let found = problem(Code::UnknownConnection, headline, &reader.key_place(entry), label);
            reader.problems.push(found.help(meant(&entry.key, &missing(&base, &own), help)));
        }
    }

    /// The source or the destination that the environment names.
    fn check_end(&self, reader: &mut Reader<'_>, key: &str, node: &Node, known: &BTreeSet<&str>) {
        let is_text = reader.text(node, &format!("`{key}`")).is_some();
        let Some(name) = text(node).filter(|name| is_text && !known.contains(name)) else { return };
        let headline = format!("connection `{name}` does not exist");
        let label = format!("the {key} in environment `{}`", self.name);
        let found = problem(Code::UnknownConnection, headline, &reader.place(&node.span), label);
        let known: Vec<&str> = known.iter().copied().collect();
        reader.problems.push(found.help(meant(name, &known, "name one of `connections`")));
    }

    /// A variable is the project's, or every environment has it, or it is read in this one.
    fn check_variables(&self, reader: &mut Reader<'_>) {
        let base = keys_under(self.project, "vars").unwrap_or_default();
        let own = keys_under(self.own, "vars").unwrap_or_default();
        let is_known = |name: &str| base.iter().any(|entry| entry.key == name);
        for entry in own.iter().filter(|entry| !is_known(&entry.key)) {
            if self.is_everywhere(&entry.key) || reads(self.own, &entry.key) {
                continue;
            }
            let headline =
                format!("environment `{}` sets a variable `{}`, which the project does not have", self.name, entry.key);
            let place = reader.key_place(entry);
            let found = problem(Code::UnknownVariable, headline, &place, "not among `vars` of the project");
            let help = "write it under `vars` of the project, too";
            reader.problems.push(found.help(meant(&entry.key, &missing(&base, &own), help)));
        }
    }

    /// Whether there are other environments, and all have the variable.
    fn is_everywhere(&self, name: &str) -> bool {
        let has = |environment: &Entry| {
            let Kind::Map(own) = &environment.value.kind else { return false };
            keys_under(own, "vars").is_some_and(|vars| vars.iter().any(|entry| entry.key == name))
        };
        self.environments.len() > 1 && self.environments.iter().all(has)
    }
}

/// What to do: where rows go, and what keys are made of, is only suggested and never corrected by `--fix`.
fn meant(name: &str, known: &[&str], help: &str) -> String {
    suggestion(name, known.iter().copied()).unwrap_or_else(|| help.to_owned())
}

/// What may have been meant: what the project has and the environment does not mention.
fn missing<'a>(base: &[&'a Entry], own: &[&Entry]) -> Vec<&'a str> {
    let is_mentioned = |name: &str| own.iter().any(|entry| entry.key == name);
    base.iter().map(|entry| entry.key.as_str()).filter(|name| !is_mentioned(name)).collect()
}

fn value<'a>(entries: &'a [Entry], key: &str) -> Option<&'a Node> {
    entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
}

/// The entries of the map under a key; `None` where there is none. Notes are left out.
fn keys_under<'a>(entries: &'a [Entry], key: &str) -> Option<Vec<&'a Entry>> {
    match &value(entries, key)?.kind {
        Kind::Map(inner) => Some(inner.iter().filter(|entry| !entry.key.starts_with("x-")).collect()),
        Kind::Scalar(_) | Kind::List(_) | Kind::Refused => None,
    }
}

/// What a node says by itself, without any variable.
fn text(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Scalar(scalar) if !scalar.text.contains("${") => Some(&scalar.text),
        Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) | Kind::Refused => None,
    }
}

/// Whether a value reads the variable.
fn reads(entries: &[Entry], name: &str) -> bool {
    let reference = format!("${{vars.{name}}}");
    fn holds(node: &Node, reference: &str) -> bool {
        match &node.kind {
            Kind::Scalar(scalar) => scalar.text.contains(reference),
            Kind::List(items) => items.iter().any(|item| holds(item, reference)),
            Kind::Map(entries) => entries.iter().any(|entry| holds(&entry.value, reference)),
            Kind::Refused => false,
        }
    }
    entries.iter().any(|entry| holds(&entry.value, &reference))
}
