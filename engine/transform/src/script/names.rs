//! The functions that a script may call.
//!
//! rhai looks a function up only when a row reaches the call. Here they are listed, so that a misspelled name is found before any row.

use std::collections::{BTreeMap, BTreeSet};

use rhai::Engine;

/// What the engine itself understands, whatever is registered: the name and how many values it takes at most.
const OF_THE_ENGINE: &[(&str, usize)] = &[
    ("Fn", 1),
    ("call", usize::MAX),
    ("curry", usize::MAX),
    ("is_shared", 1),
    ("is_def_var", 1),
    ("is_def_fn", 2),
    ("type_of", 1),
];

/// Names of functions, with the counts of values that each takes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names(BTreeMap<String, BTreeSet<usize>>);

impl Names {
    /// Everything that is registered with an engine.
    pub(crate) fn of(engine: &Engine) -> Self {
        let registered = |info: rhai::FuncInfo<'_>| Some((info.metadata.name.to_string(), info.metadata.num_params));
        let mut names = Self::default();
        for (name, count) in engine.collect_fn_metadata(None, registered, true) {
            names.add(&name, count);
        }
        names
    }

    /// One more function.
    pub(crate) fn add(&mut self, name: &str, count: usize) {
        self.0.entry(name.to_owned()).or_default().insert(count);
    }

    /// Whether there is a function of that name that takes so many values.
    pub(crate) fn has(&self, name: &str, count: usize) -> bool {
        let of_the_engine = OF_THE_ENGINE.iter().any(|(known, most)| *known == name && count <= *most);
        of_the_engine || self.0.get(name).is_some_and(|counts| counts.contains(&count))
    }

    /// How many values the functions of that name take; empty where there is none.
    pub(crate) fn counts(&self, name: &str) -> Vec<usize> {
        self.0.get(name).into_iter().flatten().copied().collect()
    }

    /// All names that a person would write.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        let is_word = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        self.0.keys().map(String::as_str).filter(move |name| is_word(name))
    }
}
