//! `connections`: where the databases are.
//!
//! A URL may hold a password, so no message shows one. A relative path means the project's directory, wherever the command was typed.

use std::path::Path;

use transload_model::{Code, ConnectionName, ConnectionPlan};

use crate::decode::{Map, Reader, language};
use crate::problems::{Place, problem};
use crate::project::files;
use crate::yaml::Node;

/// Systems that belong to the language and are not built.
const LATER_SYSTEMS: [&str; 4] = ["postgres", "mysql", "csv", "http"];
/// The schemes of their URLs, and what each means.
const LATER_SCHEMES: [(&str, &str); 6] = [
    ("postgres:", "postgres"),
    ("postgresql:", "postgres"),
    ("mysql:", "mysql"),
    ("mariadb:", "mysql"),
    ("http:", "http"),
    ("https:", "http"),
];

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

fn connection(reader: &mut Reader<'_>, root: &Path, name: ConnectionName, map: &Map<'_>) -> Option<ConnectionPlan> {
    if let Some(entry) = map.get("type") {
        reader.word(&entry.value, "the connection's type", &[("sqlite", ())], &LATER_SYSTEMS)?;
    }
    let read_only = map.get("read_only").and_then(|entry| reader.boolean(&entry.value, "`read_only`"));
    let create_with = map.get("create_with").and_then(|entry| script(reader, root, &entry.value));
    Some(ConnectionPlan {
        url: location(reader, root, &name, map)?,
        name,
        system: "sqlite".to_owned(),
        read_only: read_only.is_some_and(|read_only| read_only.value),
        create_with,
    })
}

fn location(reader: &mut Reader<'_>, root: &Path, name: &ConnectionName, map: &Map<'_>) -> Option<String> {
    match (map.get("url"), map.get("path")) {
        (Some(url), None) => sqlite_url(reader, root, &url.value, &format!("the URL of connection `{name}`")),
        (None, Some(path)) => {
            let text = reader.text(&path.value, "`path`")?;
            check_path(reader, &text.place, &text.value, "`path`").then(|| file_url(root, &text.value))
        }
        (Some(_), Some(path)) => {
            let headline = format!("connection `{name}` has a `url` and a `path`");
            reader
                .problems
                .push(problem(Code::SpecValue, headline, &reader.key_place(path), "one of the two").help("keep one"));
            None
        }
        (None, None) => {
            reader.require(map, &["url"], &format!("connection `{name}`"));
            None
        }
    }
}

/// `sqlite:PATH` with an absolute path.
pub(crate) fn sqlite_url(reader: &mut Reader<'_>, root: &Path, node: &Node, what: &str) -> Option<String> {
    let text = reader.text(node, what)?;
    let Some(rest) = text.value.strip_prefix("sqlite:") else {
        not_sqlite(reader, &text.place, &text.value, what);
        return None;
    };
    let path = rest.strip_prefix("//").unwrap_or(rest);
    check_path(reader, &text.place, path, what).then(|| file_url(root, path))
}

/// The URL of a file of the project.
pub(crate) fn file_url(root: &Path, path: &str) -> String {
    let joined = root.join(path);
    let absolute = std::path::absolute(&joined).unwrap_or(joined);
    format!("sqlite:{}", absolute.display())
}

fn not_sqlite(reader: &mut Reader<'_>, place: &Place, url: &str, what: &str) {
    let later = LATER_SCHEMES.iter().find(|(scheme, _)| url.starts_with(scheme));
    reader.problems.push(match later {
        Some((_, system)) => {
            let headline = format!("{what} names a {system} server, which is not built yet");
            problem(Code::NotBuilt, headline, place, "this URL").note("today the one kind is `sqlite:PATH`")
        }
        None => {
            let headline = format!("{what} does not start with `sqlite:`");
            problem(Code::ConnectionUrl, headline, place, "this URL")
                .help("write `sqlite:PATH`, relative to `transload.yaml`")
        }
    });
}

fn check_path(reader: &mut Reader<'_>, place: &Place, path: &str, what: &str) -> bool {
    let reason = match path {
        "" => "names no file",
        _ if path.starts_with(":memory:") => "names a database in memory, which is gone before the next run",
        _ if path.contains('?') => "has parameters, which are not read",
        _ if path.contains('\0') => "names no file",
        _ => return true,
    };
    let headline = format!("{what} {reason}");
    reader.problems.push(problem(Code::ConnectionUrl, headline, place, "this value").help("write `sqlite:PATH`"));
    false
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
