//! `${…}` in the values of `transload.yaml`.
//!
//! Done on the tree, after parsing: what a variable holds can never become a key, a list or a comment. The environment is replaced in
//! variables too, but a variable does not see another one, so that there is no order and no circle among them. What `defaults` hold of
//! mappings, rules and functions is as in a spec: there `${…}` belongs to scripts, which see the variables themselves.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use transload_model::Code;

use crate::decode::{Reader, literal};
use crate::problems::{Place, problem, with_suggestion};
use crate::yaml::{Atom, Entry, Kind, Node, Scalar};

/// Whether `${…}` of what stands under these keys belongs to scripts.
pub(super) fn is_scripted(path: &[&str]) -> bool {
    matches!(path, ["defaults", "field_mappings" | "validation_rules" | "transformation_functions", ..])
}

/// Replaces every `${…}` of the tree and gives the project's variables.
pub(crate) fn interpolate(
    reader: &mut Reader<'_>,
    root: &mut Node,
    environment: &dyn Fn(&str) -> Option<String>,
) -> BTreeMap<String, Value> {
    let (mut vars, mut given) = (Variables::new(), BTreeSet::new());
    if let Kind::Map(entries) = &mut root.kind
        && let Some(entry) = entries.iter_mut().find(|entry| entry.key == "vars")
    {
        let mut replacer = Replacer { reader, environment, vars: None, given: &BTreeSet::new(), is_given: false };
        replacer.node(&mut entry.value);
        vars = variables(reader, &entry.value);
        given = given_among(&entry.value);
    }
    Replacer { reader, environment, vars: Some(&vars), given: &given, is_given: false }.project(root);
    vars.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Replaces every `${…}` of what was left out when the others were.
pub(crate) fn with_variables(
    reader: &mut Reader<'_>,
    node: &mut Node,
    environment: &dyn Fn(&str) -> Option<String>,
    vars: &BTreeMap<String, Value>,
) {
    let vars = vars.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
    Replacer { reader, environment, vars: Some(&vars), given: &BTreeSet::new(), is_given: false }.node(node);
}

/// A text whose beginning is known before variables are checked: where it starts with one of the environment, with that in its place.
pub(crate) fn beginning(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> String {
    let known = || {
        let (reference, rest) = text.strip_prefix("${")?.split_once('}')?;
        let (name, default) = reference.split_once(":-").unwrap_or((reference, ""));
        let name = name.split_once(":?").map_or(name, |(name, _)| name);
        let value = environment(name).filter(|value| !value.is_empty());
        Some(format!("{}{rest}", value.as_deref().unwrap_or(default)))
    };
    known().unwrap_or_else(|| text.to_owned())
}

/// Variables by name; `None` for one that has no value because of a problem of its own.
type Variables = BTreeMap<String, Option<Value>>;

fn variables(reader: &mut Reader<'_>, node: &Node) -> Variables {
    let Some(map) = reader.any_map(node, "`vars`") else {
        return Variables::new();
    };
    let mut vars = Variables::new();
    for entry in map.entries() {
        let what = format!("variable `{}`", entry.key);
        let value = literal(reader, &entry.value, &what).map(|located| located.value);
        if value == Some(Value::Null) {
            reader.wrong_type(&entry.value, &what, "a single value");
        }
        vars.insert(entry.key.clone(), value.filter(|value| !value.is_null()));
    }
    vars
}

/// Variables that hold what the environment says, and not the file.
fn given_among(node: &Node) -> BTreeSet<String> {
    let Kind::Map(entries) = &node.kind else { return BTreeSet::new() };
    let is_given = |entry: &&Entry| matches!(&entry.value.kind, Kind::Scalar(scalar) if scalar.is_given);
    entries.iter().filter(is_given).map(|entry| entry.key.clone()).collect()
}

struct Replacer<'r, 'a> {
    reader: &'r mut Reader<'a>,
    environment: &'r dyn Fn(&str) -> Option<String>,
    /// `None` while the variables themselves are read.
    vars: Option<&'r Variables>,
    /// Those of them that the environment had a say in.
    given: &'r BTreeSet<String>,
    /// Whether it had one in the text at hand.
    is_given: bool,
}

impl Replacer<'_, '_> {
    fn project(&mut self, root: &mut Node) {
        let Kind::Map(entries) = &mut root.kind else {
            return self.node(root);
        };
        for entry in entries {
            match &mut entry.value.kind {
                Kind::Map(inner) if entry.key == "defaults" => {
                    for inner in inner {
                        match is_scripted(&[&entry.key, &inner.key]) {
                            true => self.refuse(&mut inner.value),
                            false => self.node(&mut inner.value),
                        }
                    }
                }
                _ => self.node(&mut entry.value),
            }
        }
    }

    /// Refuses what only a script can read: taken as text, it would be written to the destination as it stands.
    fn refuse(&mut self, node: &mut Node) {
        let place = self.reader.place(&node.span);
        match &mut node.kind {
            Kind::List(items) => items.iter_mut().for_each(|item| self.refuse(item)),
            Kind::Map(entries) => {
                let is_script = |entry: &&mut Entry| ["expression", "function_body"].contains(&entry.key.as_str());
                let others = entries.iter_mut().filter(|entry| !is_script(entry));
                others.for_each(|entry| self.refuse(&mut entry.value));
            }
            Kind::Scalar(scalar) if scalar.text.contains("${") => {
                let headline = "a variable stands in a mapping, a rule or a function of `defaults`";
                let problem = problem(Code::SpecValue, headline, &place, "in this value");
                let note = "they are as in a spec, where `${…}` belongs to scripts";
                self.reader.problems.push(problem.note(note).help("let a script read it: `expression: vars.NAME`"));
                node.kind = Kind::Refused;
            }
            Kind::Scalar(_) | Kind::Refused => {}
        }
    }

    fn node(&mut self, node: &mut Node) {
        let place = self.reader.place(&node.span);
        match &mut node.kind {
            Kind::List(items) => items.iter_mut().for_each(|item| self.node(item)),
            Kind::Map(entries) => {
                entries.iter_mut().for_each(|entry| self.node(&mut entry.value));
            }
            Kind::Scalar(scalar) if scalar.text.contains("${") && !scalar.is_substituted => {
                self.is_given = false;
                match self.text(&scalar.text, &place) {
                    Some(text) => {
                        let (style, is_given) = (scalar.style, self.is_given);
                        *scalar = Scalar { text, style, atom: Atom::Text, is_substituted: true, is_given }
                    }
                    None => node.kind = Kind::Refused,
                }
            }
            Kind::Scalar(_) | Kind::Refused => {}
        }
    }

    /// The text with every reference replaced; `None` where one cannot be.
    fn text(&mut self, text: &str, place: &Place) -> Option<String> {
        let mut replaced = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            replaced.push_str(before);
            let Some((reference, behind)) = after.split_once('}') else {
                let problem = problem(Code::SpecValue, "a `${` is not closed", place, "in this value");
                self.reader.problems.push(problem.help("write `${NAME}`, `${NAME:-default}` or `${vars.name}`"));
                return None;
            };
            replaced.push_str(&self.reference(reference, place)?);
            rest = behind;
        }
        replaced.push_str(rest);
        Some(replaced)
    }

    fn reference(&mut self, reference: &str, place: &Place) -> Option<String> {
        if let Some(name) = reference.strip_prefix("vars.") {
            return self.variable(name, place);
        }
        let end = reference.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(reference.len());
        let (name, fallback) = reference.split_at_checked(end)?;
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let is_known = fallback.is_empty() || fallback.starts_with(":-") || fallback.starts_with(":?");
        if !is_name || !is_known {
            let problem = problem(Code::SpecValue, "a `${…}` that the language does not have", place, "in this value");
            self.reader
                .problems
                .push(problem.note("`${NAME}`, `${NAME:-default}`, `${NAME:?message}` and `${vars.name}`"));
            return None;
        }
        match (self.environment)(name) {
            Some(value) if !value.is_empty() || fallback.is_empty() => {
                self.is_given |= fallback.strip_prefix(":-") != Some(&value);
                Some(value)
            }
            _ => match fallback.strip_prefix(":-") {
                Some(default) => Some(default.to_owned()),
                None => self.missing(name, fallback.strip_prefix(":?").unwrap_or(""), place),
            },
        }
    }

    fn missing(&mut self, name: &str, message: &str, place: &Place) -> Option<String> {
        let headline = format!("environment variable `{name}` is not set");
        let problem = problem(Code::VariableMissing, headline, place, "this value needs it");
        self.reader.problems.push(if message.is_empty() {
            problem.help(format!("set it, or write a default: `${{{name}:-default}}`"))
        } else {
            problem.help(message)
        });
        None
    }

    fn variable(&mut self, name: &str, place: &Place) -> Option<String> {
        let Some(vars) = self.vars else {
            let headline = format!("a variable refers to the variable `{name}`");
            let problem = problem(Code::SpecValue, headline, place, "this value");
            self.reader.problems.push(problem.note("variables see the environment, not each other"));
            return None;
        };
        self.is_given |= self.given.contains(name);
        match vars.get(name) {
            Some(Some(Value::String(text))) => Some(text.clone()),
            Some(Some(value)) => Some(value.to_string()),
            Some(None) => None,
            None => {
                let headline = format!("variable `{name}` is not among `vars`");
                let problem = problem(Code::VariableMissing, headline, place, "this value needs it");
                self.reader.problems.push(with_suggestion(problem, name, vars.keys().map(String::as_str)));
                None
            }
        }
    }
}
