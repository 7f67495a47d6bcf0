//! A project as it is in an environment, each value with where it was written.
//!
//! Values are shown as they stand in the file, so that what a variable holds is never among them; of a variable only whether it is set.

use std::collections::BTreeSet;
use std::fmt::Write;

use transload_model::SourceFile;

use crate::project::interpolation::is_scripted;
use crate::yaml::{Entry, Kind, Node, to_text};

/// Characters before the place of a value.
const WIDTH: usize = 64;

/// What the lines of a merged project are made from.
pub(super) struct Merged<'a> {
    pub(super) file: &'a SourceFile,
    /// The chosen environment, and where its own values begin.
    pub(super) environment: (&'a str, BTreeSet<usize>),
    pub(super) is_set: &'a dyn Fn(&str) -> bool,
}

/// Where the values of the environment begin, before it is merged.
pub(super) fn starts(project: &Node, environment: &str) -> BTreeSet<usize> {
    let mut starts = BTreeSet::new();
    if let Some(chosen) = inner(project, "environments").and_then(|all| inner(all, environment)) {
        collect(chosen, &mut starts);
    }
    starts
}

fn inner<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    match &node.kind {
        Kind::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value),
        _ => None,
    }
}

fn collect(node: &Node, starts: &mut BTreeSet<usize>) {
    starts.insert(node.span.start);
    match &node.kind {
        Kind::Map(entries) => entries.iter().for_each(|entry| collect(&entry.value, starts)),
        Kind::List(items) => items.iter().for_each(|item| collect(item, starts)),
        Kind::Scalar(_) | Kind::Refused => {}
    }
}

impl Merged<'_> {
    /// The project as YAML, a line for each value.
    pub(super) fn text(&self, project: &Node) -> String {
        let mut out = String::new();
        self.write(&mut out, project, &[]);
        out
    }

    /// Writes what stands under the keys of `path`.
    fn write(&self, out: &mut String, node: &Node, path: &[&str]) {
        let Kind::Map(entries) = &node.kind else { return };
        for entry in entries {
            let head = format!("{}{}:", "  ".repeat(path.len()), to_text(&entry.key));
            let path = [path, &[&entry.key]].concat();
            match &entry.value.kind {
                Kind::Map(inner) if !inner.is_empty() => {
                    let _ = writeln!(out, "{head}");
                    self.write(out, &entry.value, &path);
                }
                _ => self.line(out, &head, entry, is_scripted(&path)),
            }
        }
    }

    fn line(&self, out: &mut String, head: &str, entry: &Entry, is_scripted: bool) {
        let written = self.written(&entry.value);
        let (line, _) = self.file.position(entry.value.span.start);
        let mut place = format!("{}:{line}", self.file.path);
        let (environment, starts) = &self.environment;
        if starts.contains(&entry.value.span.start) {
            place += &format!(", environment {environment}");
        }
        for name in variables(&written).into_iter().filter(|_| !is_scripted) {
            place += &format!(", {name} is {}", if (self.is_set)(name) { "set" } else { "not set" });
        }
        let shown = format!("{head} {written}");
        let _ = writeln!(out, "{shown:<WIDTH$}  # {place}");
    }

    /// A value as it stands in the file.
    fn written(&self, node: &Node) -> String {
        match &node.kind {
            Kind::List(items) => {
                format!("[{}]", items.iter().map(|item| self.written(item)).collect::<Vec<_>>().join(", "))
            }
            Kind::Map(entries) => {
                let inner = |entry: &Entry| format!("{}: {}", to_text(&entry.key), self.written(&entry.value));
                format!("{{ {} }}", entries.iter().map(inner).collect::<Vec<_>>().join(", ")).replace("{  }", "{}")
            }
            Kind::Scalar(scalar) => {
                let raw = self.file.text.get(node.span.clone()).unwrap_or_default();
                if raw.contains('\n') { to_text(&scalar.text) } else { raw.to_owned() }
            }
            Kind::Refused => String::new(),
        }
    }
}

/// The names of the process's variables that a text refers to.
fn variables(text: &str) -> Vec<&str> {
    let references = text.split("${").skip(1);
    let names = references.filter_map(|rest| rest.split([':', '}']).next());
    names.filter(|name| !name.starts_with("vars.")).collect()
}
