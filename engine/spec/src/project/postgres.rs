//! `postgres://USER:PASSWORD@HOST/DATABASE`: a server.
//!
//! Every part is looked at here, and what is not understood is refused: a parameter that a driver ignores would be a promise that nobody
//! keeps. Unless it is on this machine, the server must prove who it is. What is said about a URL never holds a part of it, save words of
//! this file: a password with a `?` in it ends where a parameter's name begins.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use url::{Url, form_urlencoded};

/// What a URL looks like.
pub(crate) const FORM: &str = "postgres://USER:PASSWORD@HOST/DATABASE";

const WRITE_FORM: &str = "write `postgres://USER:PASSWORD@HOST/DATABASE`";
const WRITE_ESCAPES: &str =
    "in a user or password write `@`, `:`, `/`, `?`, `#` and `%` as `%40`, `%3A`, `%2F`, `%3F`, `%23` and `%25`";
const WRITE_SOCKET: &str = "write `postgres://USER@/DATABASE?host=/DIRECTORY` for a Unix socket";

/// The parameters, in the order in which a plan has them.
const TAKEN: [&str; 5] = ["sslmode", "sslrootcert", "host", "application_name", "connect_timeout"];
/// Parameters of other programs, by which people look for what they know.
const REFUSED: [&str; 14] = [
    "channel_binding",
    "currentSchema",
    "dbname",
    "hostaddr",
    "options",
    "passfile",
    "password",
    "port",
    "schema",
    "search_path",
    "sslcert",
    "sslkey",
    "target_session_attrs",
    "user",
];

/// What is wrong with a URL: the end of a sentence that begins with what it is the URL of, and the way out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) reason: String,
    pub(crate) help: String,
}

fn flaw<T>(reason: impl Into<String>, help: impl Into<String>) -> Result<T, Flaw> {
    Err(Flaw { reason: reason.into(), help: help.into() })
}

/// How the server proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// By a certificate for its name.
    Full,
    /// By a certificate of a known authority.
    Authority,
    /// Not at all, and nothing is encrypted.
    Off,
}

impl Proof {
    fn word(self) -> &'static str {
        match self {
            Self::Full => "verify-full",
            Self::Authority => "verify-ca",
            Self::Off => "disable",
        }
    }
}

/// The URL with everything in it that counts: `sslmode` always, and absolute paths.
pub(crate) fn url(text: &str, root: &Path) -> Result<String, Flaw> {
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return flaw("holds white space", "write a space as `%20`, and leave out line breaks");
    }
    let (with_host, names_host) = with_host(text);
    let Ok(mut url) = Url::parse(&with_host) else {
        return flaw("cannot be parsed", WRITE_ESCAPES);
    };
    check_names(&url)?;
    let mut parameters = parameters(&url)?;
    let is_socket = check_socket(&url, names_host, parameters.get("host").map(String::as_str))?;
    let proof = proof(&url, is_socket, &parameters)?;
    parameters.insert("sslmode", proof.word().to_owned());
    if let Some(path) = parameters.get_mut("sslrootcert") {
        let joined = root.join(&path);
        *path = std::path::absolute(&joined).unwrap_or(joined).display().to_string();
    }
    check_timeout(parameters.get("connect_timeout"))?;
    if url.set_scheme("postgres").is_err() {
        return flaw("cannot be parsed", WRITE_FORM);
    }
    let given = TAKEN.into_iter().filter_map(|key| Some((key, parameters.get(key)?)));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
    url.set_query(Some(&query.replace('+', "%20")));
    Ok(url.into())
}

/// Host, port and database of a URL that counts.
pub(crate) fn whereabouts(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return String::new() };
    let socket = url.query_pairs().find(|(key, _)| key == "host");
    let socket = socket.map(|(_, folder)| format!(" by the socket in {folder}")).unwrap_or_default();
    format!("{}:{}{}{socket}", url.host_str().unwrap_or_default(), url.port().unwrap_or(5432), url.path())
}

/// The URL, and whether it names a host itself. One without is no URL by the book; where a socket is named there is nothing to say.
fn with_host(text: &str) -> (String, bool) {
    let Some((scheme, rest)) = text.split_once("://") else {
        return (text.to_owned(), false);
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest.split_at_checked(end) {
        Some((authority, behind)) if authority.is_empty() || authority.ends_with('@') => {
            (format!("{scheme}://{authority}localhost{behind}"), false)
        }
        _ => (text.to_owned(), true),
    }
}

/// User, database and host, each as a name that can be sent.
fn check_names(url: &Url) -> Result<(), Flaw> {
    let host = url.host_str().unwrap_or_default();
    let database = url.path().strip_prefix('/').unwrap_or_default();
    let parts = [url.username(), url.password().unwrap_or_default(), database];
    if url.fragment().is_some() {
        return flaw("holds a `#`", WRITE_ESCAPES);
    }
    if url.username().is_empty() {
        return flaw("names no user", WRITE_FORM);
    }
    if database.is_empty() {
        return flaw("names no database", WRITE_FORM);
    }
    if database.contains('/') {
        return flaw("has a second `/` behind its host", WRITE_ESCAPES);
    }
    // Then what stands before it may be the end of a password, and hosts are shown.
    if database.contains('@') {
        return flaw("has an `@` behind its host", WRITE_ESCAPES);
    }
    if !parts.iter().all(|part| is_sendable(part)) {
        return flaw("has a `%` that is no escape of text", WRITE_ESCAPES);
    }
    if host.contains(',') {
        return flaw("names several hosts", "name the one to talk to");
    }
    if host.contains('%') {
        return flaw("has a `%` in its host", WRITE_SOCKET);
    }
    Ok(())
}

/// Whether escapes make UTF-8 without a zero byte, at which the server would stop reading.
fn is_sendable(part: &str) -> bool {
    let mut bytes = part.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
        let value = match byte {
            b'%' => digit().zip(digit()).and_then(|(high, low)| u8::try_from(high * 16 + low).ok()),
            _ => Some(byte),
        };
        match value {
            Some(1..) => decoded.extend(value),
            Some(0) | None => return false,
        }
    }
    std::str::from_utf8(&decoded).is_ok()
}

/// The parameters by name, each known, given once and not empty.
fn parameters(url: &Url) -> Result<BTreeMap<&'static str, String>, Flaw> {
    // A `+` is a plus here as it is in libpq; only forms mean a space by it.
    let query = url.query().unwrap_or_default().replace('+', "%2B");
    let mut parameters = BTreeMap::new();
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        let Some(known) = TAKEN.into_iter().find(|known| *known == key) else {
            return unknown_parameter(&key);
        };
        if value.is_empty() || value.contains('\0') {
            return flaw(format!("has a parameter `{known}` without a value"), "take it out, or give it one");
        }
        if parameters.insert(known, value.into_owned()).is_some() {
            return flaw(format!("has the parameter `{known}` twice"), "keep one");
        }
    }
    Ok(parameters)
}

fn unknown_parameter(key: &str) -> Result<BTreeMap<&'static str, String>, Flaw> {
    let help = match key {
        "options" | "schema" | "search_path" | "currentSchema" => {
            "name the schema with the connection's key `schema`".to_owned()
        }
        "user" | "password" | "port" | "dbname" => {
            "write it before the `?`: `USER:PASSWORD@HOST:PORT/DATABASE`".to_owned()
        }
        _ => format!("the parameters are `{}`", TAKEN.join("`, `")),
    };
    match REFUSED.iter().find(|known| **known == key) {
        Some(known) => flaw(format!("has a parameter `{known}`, which is not read"), help),
        // Never its name: it may be the rest of a password.
        None => flaw("has a parameter that is not read", help),
    }
}

/// Whether it is a Unix socket that is meant.
fn check_socket(url: &Url, names_host: bool, socket: Option<&str>) -> Result<bool, Flaw> {
    let Some(socket) = socket else {
        return if names_host { Ok(false) } else { flaw("names no host", WRITE_FORM) };
    };
    if !socket.starts_with('/') {
        return flaw("has a parameter `host` that is no absolute directory", WRITE_SOCKET);
    }
    if names_host && url.host_str() != Some("localhost") {
        return flaw("names a host and the directory of a Unix socket", "keep one of the two");
    }
    Ok(true)
}

/// How the server proves who it is; only on this machine it need not.
fn proof(url: &Url, is_socket: bool, parameters: &BTreeMap<&'static str, String>) -> Result<Proof, Flaw> {
    const LEAVE_OUT: &str = "leave `sslmode` out, which means `verify-full`";
    let proof = match parameters.get("sslmode").map(String::as_str) {
        None if is_socket => Proof::Off,
        None | Some("verify-full") => Proof::Full,
        Some("verify-ca") => Proof::Authority,
        Some("disable") => Proof::Off,
        Some("require") => {
            let help = format!("`require` encrypts without checking whom you talk to; {LEAVE_OUT}");
            return flaw("has `sslmode=require`", help);
        }
        Some(word @ ("prefer" | "allow")) => {
            let help = format!("`{word}` goes on without encryption where the server wants it; {LEAVE_OUT}");
            return flaw(format!("has `sslmode={word}`"), help);
        }
        Some(_) => {
            return flaw("has an `sslmode` that there is none of", "write `verify-full`, `verify-ca` or `disable`");
        }
    };
    if is_socket && proof != Proof::Off {
        return flaw("asks for TLS on a Unix socket, which has none", "take `sslmode` out");
    }
    if proof == Proof::Off && !is_socket && !is_loopback(url) {
        let help = format!("`sslmode=disable` is for `localhost`, 127.0.0.1, ::1 and Unix sockets; {LEAVE_OUT}");
        return flaw("turns encryption off on the way to another machine", help);
    }
    if proof == Proof::Off && parameters.contains_key("sslrootcert") {
        return flaw("has an `sslrootcert` and nobody to check with it", "take it out, or `sslmode=disable`");
    }
    Ok(proof)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn check_timeout(timeout: Option<&String>) -> Result<(), Flaw> {
    let is_fitting = |text: &String| {
        text.bytes().all(|byte| byte.is_ascii_digit())
            && text.parse::<u32>().is_ok_and(|seconds| (1..=300).contains(&seconds))
    };
    if timeout.is_none_or(is_fitting) {
        return Ok(());
    }
    flaw("has a `connect_timeout` out of its limits", "write whole seconds from 1 to 300")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, Flaw> {
        url(text, Path::new("/project"))
    }

    #[test]
    fn a_url_says_everything_that_counts() {
        for (text, expected) in [
            ("postgres://u:p@h/d", "postgres://u:p@h/d?sslmode=verify-full"),
            ("postgresql://u@h:5433/d", "postgres://u@h:5433/d?sslmode=verify-full"),
            ("postgres://u:a%2Fb%40@10.0.0.1/d", "postgres://u:a%2Fb%40@10.0.0.1/d?sslmode=verify-full"),
            ("postgres://u@[::1]/d?sslmode=disable", "postgres://u@[::1]/d?sslmode=disable"),
            ("postgres://u@127.1.2.3/d?sslmode=disable", "postgres://u@127.1.2.3/d?sslmode=disable"),
            ("postgres://u@localhost/d", "postgres://u@localhost/d?sslmode=verify-full"),
            (
                "postgres://u@h/d?sslrootcert=certs/a+b.pem&sslmode=verify-ca",
                "postgres://u@h/d?sslmode=verify-ca&sslrootcert=%2Fproject%2Fcerts%2Fa%2Bb.pem",
            ),
            (
                "postgres://u@h/d?connect_timeout=300&application_name=x%20y",
                "postgres://u@h/d?sslmode=verify-full&application_name=x%20y&connect_timeout=300",
            ),
            ("postgres://u@/d?host=/run/pg", "postgres://u@localhost/d?sslmode=disable&host=%2Frun%2Fpg"),
            (
                "postgres://u:p@localhost/d?host=/run/pg&sslmode=disable",
                "postgres://u:p@localhost/d?sslmode=disable&host=%2Frun%2Fpg",
            ),
        ] {
            let found = read(text);
            assert_eq!(found.as_deref(), Ok(expected));
            assert_eq!(read(expected), found, "what is normal stays as it is");
        }
    }

    #[test]
    fn what_is_not_understood_or_not_safe_is_refused() {
        for (text, reason) in [
            ("postgres://", "names no user"),
            ("postgres:///d", "names no user"),
            ("postgres://h/d", "names no user"),
            ("postgres://u@/d", "names no host"),
            ("postgres://u@h", "names no database"),
            ("postgres://u@h/", "names no database"),
            ("postgres://u@h/a/b", "has a second `/` behind its host"),
            ("postgres://u:p@12/ss@h", "has an `@` behind its host"),
            ("postgres://u@a,b/d", "names several hosts"),
            ("postgres://u@%2Frun%2Fpg/d", "has a `%` in its host"),
            ("postgres://u:pa/ss@h/d", "cannot be parsed"),
            ("postgres://u:12/ss@h/d", "names no user"),
            ("postgres://u:pa#ss@h/d", "cannot be parsed"),
            ("postgres://u@h/d#x", "holds a `#`"),
            ("postgres://u:%zz@h/d", "has a `%` that is no escape of text"),
            ("postgres://u:%ff@h/d", "has a `%` that is no escape of text"),
            ("postgres://u%00@h/d", "has a `%` that is no escape of text"),
            ("postgres://u:p p@h/d", "holds white space"),
            ("postgres://u@h/d\n", "holds white space"),
            ("postgres://u@h:99999/d", "cannot be parsed"),
            ("postgres://u@h/d?sslmode=require", "has `sslmode=require`"),
            ("postgres://u@h/d?sslmode=prefer", "has `sslmode=prefer`"),
            ("postgres://u@h/d?sslmode=allow", "has `sslmode=allow`"),
            ("postgres://u@h/d?sslmode=full", "has an `sslmode` that there is none of"),
            ("postgres://u@h/d?sslmode=disable", "turns encryption off on the way to another machine"),
            ("postgres://u@localhost.example/d?sslmode=disable", "turns encryption off on the way to another machine"),
            ("postgres://u@/d?host=/run&sslmode=verify-full", "asks for TLS on a Unix socket, which has none"),
            ("postgres://u@/d?host=/run&sslrootcert=a", "has an `sslrootcert` and nobody to check with it"),
            ("postgres://u@/d?host=run", "has a parameter `host` that is no absolute directory"),
            ("postgres://u@h/d?host=/run", "names a host and the directory of a Unix socket"),
            ("postgres://u@h/d?options=-csearch_path%3Dx", "has a parameter `options`, which is not read"),
            ("postgres://u@h/d?password=hunter2", "has a parameter `password`, which is not read"),
            ("postgres://u@h/d?hunter2=1", "has a parameter that is not read"),
            ("postgres://u@h/d?connect_timeout=0", "has a `connect_timeout` out of its limits"),
            ("postgres://u@h/d?connect_timeout=301", "has a `connect_timeout` out of its limits"),
            ("postgres://u@h/d?connect_timeout=%2B5", "has a `connect_timeout` out of its limits"),
            ("postgres://u@h/d?sslmode=", "has a parameter `sslmode` without a value"),
            ("postgres://u@h/d?sslmode=verify-ca&sslmode=disable", "has the parameter `sslmode` twice"),
        ] {
            assert_eq!(read(text).map_err(|flaw| flaw.reason), Err(reason.to_owned()), "{text}");
        }
    }

    #[test]
    fn no_part_of_a_url_is_ever_said() {
        // A password that is not escaped can stand in any part.
        for password in
            ["hunter2", "hun/ter2", "hun?ter2", "hun#ter2", "hun@ter2", "hun:ter2", "hun%ter2", "12/ter2", "hun ter2"]
        {
            for behind in
                ["@server/db", "@server", "@/db", "@server/db?options=x", "@server/db?sslmode=disable", "@a,server/db"]
            {
                if let Err(flaw) = read(&format!("postgres://migrator:{password}{behind}")) {
                    let said = format!("{} {}", flaw.reason, flaw.help);
                    for secret in ["hun", "ter2", "migrator", "server/", "server`"] {
                        assert!(!said.contains(secret), "{password}{behind}: {said}");
                    }
                }
            }
        }
    }
}
