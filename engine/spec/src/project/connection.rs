//! `connections`: where the databases are.
//!
//! A URL may hold a password, so no message shows one. A relative path means the project's directory, wherever the command was typed.

use std::path::Path;

use transload_model::{Code, ConnectionName, ConnectionPlan};

use crate::decode::{Map, Reader, language, region};
use crate::problems::{Located, problem};
use crate::project::{files, postgres, sqlite};
use crate::yaml::{Kind, Node};

/// Connections that may be open at the same time, where nothing is said.
const POOL: usize = 8;
/// The schema where nothing is said.
const SCHEMA: &str = "public";

/// What a database is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    Sqlite,
    Postgres,
}

const SYSTEMS: [(&str, System); 2] = [("sqlite", System::Sqlite), ("postgres", System::Postgres)];
const SCHEMES: [(&str, System); 3] =
    [("sqlite:", System::Sqlite), ("postgres://", System::Postgres), ("postgresql://", System::Postgres)];

/// Systems that belong to the language and are not built.
const LATER_SYSTEMS: [&str; 3] = ["mysql", "csv", "http"];
/// The schemes of their URLs, and what each means.
const LATER_SCHEMES: [(&str, &str); 4] =
    [("mysql:", "mysql"), ("mariadb:", "mysql"), ("http:", "http"), ("https:", "http")];

impl System {
    /// The system of that word, where there is one.
    pub(crate) fn named(word: &str) -> Option<Self> {
        SYSTEMS.iter().find(|(known, _)| *known == word).map(|(_, system)| *system)
    }

    /// The system that a URL's scheme names.
    pub(crate) fn of_url(url: &str) -> Option<Self> {
        SCHEMES.iter().find(|(scheme, _)| url.starts_with(scheme)).map(|(_, system)| *system)
    }

    /// The word for it in `type` and in a plan.
    fn word(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// Reads all connections; those that cannot be read are left out.
pub(crate) fn connections(reader: &mut Reader<'_>, root: &Path, node: &Node) -> Vec<ConnectionPlan> {
    let Some(map) = reader.any_map(node, "`connections`") else {
        return Vec::new();
    };
    let mut connections = Vec::new();
    for entry in map.entries() {
        let name = match ConnectionName::parse(&entry.key) {
            Ok(name) => name,
            Err(error) => {
                let headline = format!("a key of `connections` is no name: {error}");
                reader.problems.push(problem(Code::SpecValue, headline, &reader.key_place(entry), "this key"));
                continue;
            }
        };
        if let Some(map) = reader.map(&entry.value, &language::CONNECTION) {
            connections.extend(connection(reader, root, name, &map));
        }
    }
    connections
}

/// The URL of the control store.
pub(crate) fn control_url(reader: &mut Reader<'_>, root: &Path, node: &Node) -> Option<String> {
    let (what, text) = ("`control`", reader.text(node, "`control`")?);
    let system = scheme(reader, &text, what)?;
    absolute_url(reader, root, (system, &text), what)
}

fn connection(reader: &mut Reader<'_>, root: &Path, name: ConnectionName, map: &Map<'_>) -> Option<ConnectionPlan> {
    let declared = match map.get("type") {
        Some(entry) => Some(reader.word(&entry.value, "the connection's type", &SYSTEMS, &LATER_SYSTEMS)?),
        None => None,
    };
    let read_only = map.get("read_only").and_then(|entry| reader.boolean(&entry.value, "`read_only`"));
    let create_with = map.get("create_with").and_then(|entry| script(reader, root, &entry.value));
    let region = map.get("region").and_then(|entry| region(reader, &entry.value, "`region`"));
    let location = location(reader, root, (&name, map), declared.as_ref());
    let (schema, pool) = match &location {
        Some((System::Sqlite, _)) => {
            refuse_server_keys(reader, &name, map);
            (String::new(), POOL)
        }
        Some((System::Postgres, _)) | None => server_keys(reader, map),
    };
    let (system, url) = location?;
    let read_only = read_only.is_some_and(|read_only| read_only.value);
    // A path that is mistyped where the file cannot say what is right would become a sample, and the sample a source.
    let create_with = create_with.filter(|_| !(read_only && is_given(map)));
    let region = region.map(|region| region.value);
    Some(ConnectionPlan { name, system: system.word().to_owned(), url, read_only, create_with, schema, pool, region })
}

/// Whether the environment says where the connection leads, and not the file.
fn is_given(map: &Map<'_>) -> bool {
    let place = map.get("url").or_else(|| map.get("path"));
    place.is_some_and(|entry| matches!(&entry.value.kind, Kind::Scalar(scalar) if scalar.is_given))
}

/// Where a connection leads, without its user, its password and its parameters.
pub(crate) fn whereabouts(plan: &ConnectionPlan) -> String {
    match plan.url.strip_prefix("sqlite:") {
        Some(path) => format!("the file {path}"),
        None => format!("{}, schema `{}`", postgres::whereabouts(&plan.url), plan.schema),
    }
}

/// The system of a connection and its URL; the URL's scheme says which, so `type` only must not contradict it.
fn location(
    reader: &mut Reader<'_>,
    root: &Path,
    (name, map): (&ConnectionName, &Map<'_>),
    declared: Option<&Located<System>>,
) -> Option<(System, String)> {
    match (map.get("url"), map.get("path")) {
        (Some(entry), None) => {
            let what = format!("the URL of connection `{name}`");
            let text = reader.text(&entry.value, &what)?;
            let system = scheme(reader, &text, &what)?;
            if let Some(declared) = declared.filter(|declared| declared.value != system) {
                contradiction(reader, name, declared, (system, &text));
                return None;
            }
            Some((system, absolute_url(reader, root, (system, &text), &what)?))
        }
        (None, Some(entry)) if declared.is_some_and(|declared| declared.value == System::Postgres) => {
            let headline = format!("connection `{name}` is a PostgreSQL server and has a `path`");
            let problem = problem(Code::SpecValue, headline, &reader.key_place(entry), "this key");
            reader.problems.push(problem.help(format!("write `url: {}`", postgres::FORM)));
            None
        }
        (None, Some(entry)) => {
            let text = reader.text(&entry.value, "`path`")?;
            Some((System::Sqlite, sqlite::path(reader, root, &text.place, &text.value, "`path`")?))
        }
        (Some(_), Some(entry)) => {
            let headline = format!("connection `{name}` has a `url` and a `path`");
            let problem = problem(Code::SpecValue, headline, &reader.key_place(entry), "one of the two");
            reader.problems.push(problem.help("keep one"));
            None
        }
        (None, None) => {
            reader.require(map, &["url"], &format!("connection `{name}`"));
            None
        }
    }
}

/// The system that a URL's scheme names.
fn scheme(reader: &mut Reader<'_>, url: &Located<String>, what: &str) -> Option<System> {
    if let Some(system) = System::of_url(&url.value) {
        return Some(system);
    }
    let later = LATER_SCHEMES.iter().find(|(scheme, _)| url.value.starts_with(scheme));
    reader.problems.push(match later {
        Some((_, system)) => {
            let headline = format!("{what} names a {system} server, which is not built yet");
            problem(Code::NotBuilt, headline, &url.place, "this URL")
                .note("today there are `sqlite:` and `postgres://`")
        }
        None => {
            let headline = format!("{what} starts neither with `sqlite:` nor with `postgres://`");
            let help = format!("write `sqlite:PATH`, relative to `transload.yaml`, or `{}`", postgres::FORM);
            problem(Code::ConnectionUrl, headline, &url.place, "this URL").help(help)
        }
    });
    None
}

/// A URL that means the same wherever it is read.
fn absolute_url(
    reader: &mut Reader<'_>,
    root: &Path,
    (system, url): (System, &Located<String>),
    what: &str,
) -> Option<String> {
    match system {
        System::Sqlite => sqlite::url(reader, root, url, what),
        System::Postgres => match postgres::url(&url.value, root) {
            Ok(url) => Some(url),
            Err(flaw) => {
                let headline = format!("{what} {}", flaw.reason);
                reader.problems.push(problem(Code::ConnectionUrl, headline, &url.place, "this URL").help(flaw.help));
                None
            }
        },
    }
}

fn contradiction(
    reader: &mut Reader<'_>,
    name: &ConnectionName,
    declared: &Located<System>,
    (found, url): (System, &Located<String>),
) {
    let (declared_word, found_word) = (declared.value.word(), found.word());
    let headline = format!("connection `{name}` has the type {declared_word} and a URL of {found_word}");
    let problem = problem(Code::SpecValue, headline, &declared.place, "this type");
    let problem = problem.label(&url.place.file, url.place.span.clone(), format!("this URL is of {found_word}"));
    reader.problems.push(problem.help("where the URL is meant for an environment of the project, choose it with `--env`; else take `type` out: the URL says it"));
}

/// `schema` and `pool` of a server.
fn server_keys(reader: &mut Reader<'_>, map: &Map<'_>) -> (String, usize) {
    let schema = map.get("schema").and_then(|entry| schema(reader, &entry.value));
    let pool = map.get("pool").and_then(|entry| reader.integer(&entry.value, "`pool`", 2..=100));
    (schema.unwrap_or_else(|| SCHEMA.to_owned()), pool.and_then(|pool| usize::try_from(pool).ok()).unwrap_or(POOL))
}

fn schema(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let text = reader.text(node, "`schema`")?;
    if text.value.is_empty() || text.value.chars().any(char::is_control) {
        reader.wrong_value(node, "`schema` is no name", "write the schema's name as it is, without quotes inside");
        return None;
    }
    Some(text.value)
}

fn refuse_server_keys(reader: &mut Reader<'_>, name: &ConnectionName, map: &Map<'_>) {
    let refused = [("schema", "a SQLite file has no schemas"), ("pool", "a SQLite file has no pool of connections")];
    for (entry, why) in refused.iter().filter_map(|(key, why)| Some((map.get(key)?, why))) {
        let headline = format!("connection `{name}` has a `{}`, and {why}", entry.key);
        let problem = problem(Code::SpecValue, headline, &reader.key_place(entry), "this key");
        reader.problems.push(problem.note("it is a key of PostgreSQL connections").help("take it out"));
    }
}

/// The text of an SQL script.
fn script(reader: &mut Reader<'_>, root: &Path, node: &Node) -> Option<String> {
    let text = reader.text(node, "`create_with`")?;
    match files::read(root, &root.join(&text.value)) {
        Ok(file) => Some(file.text.clone()),
        Err(found) => {
            let label = "named by `create_with`";
            reader.problems.push(problem(found.code, found.headline, &text.place, label));
            None
        }
    }
}
