//! Connecting to a server.
//!
//! Everything a connection is made with stands in its URL: no variable of libpq and no password file is read. Sessions are set up alike,
//! so that values look the same whatever the server's and the role's settings are.

use std::future::poll_fn;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::task::Poll;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, PgConnection};
use transload_model::{Code, ConnectionPlan, Diagnostic, Result};
use url::Url;

use super::error::{cannot_connect, failure};
use super::{nodelay, sql};

/// The oldest version that can say whether a transaction was committed, as `server_version_num` counts.
const OLDEST: u32 = 130_000;

const PORT: u16 = 5432;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Texts of values do not depend on settings, policies refuse instead of hiding rows, and a client that is gone is noticed. Questions to the catalog
/// look dear to the planner and are answered in a millisecond; to compile them first takes 26, and 250 where it is the first in its session.
const SESSION: &str = "
    set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set timezone = 'UTC'; set extra_float_digits = 3; set bytea_output = 'hex';
    set row_security = off; set client_min_messages = error; set statement_timeout = 0; set lock_timeout = '60s';
    set idle_in_transaction_session_timeout = 0; set jit = off;
    select set_config(name, '0', false) from pg_catalog.pg_settings where name in ('idle_session_timeout', 'transaction_timeout');
    set tcp_keepalives_idle = 30; set tcp_keepalives_interval = 10; set tcp_keepalives_count = 3";

/// Where a database is and how to get in. It has no `Debug`: it holds a password.
#[derive(Clone)]
pub(super) struct Address {
    /// The connection's name, for messages.
    pub(super) name: String,
    /// Its host and port, for messages.
    place: String,
    /// Who comes in, for what can be pasted.
    pub(super) user: String,
    options: PgConnectOptions,
    /// What each session begins with.
    session: String,
    timeout: Duration,
}

impl Address {
    pub(super) fn of(connection: &ConnectionPlan) -> Result<Self> {
        Self::parse(&format!("connection `{}`", connection.name), &connection.url)
    }

    /// Reads a URL; `name` says in messages what it is the URL of.
    pub(super) fn parse(name: &str, url: &str) -> Result<Self> {
        let unreadable = || {
            let headline = format!("the URL of {name} cannot be read");
            Box::new(Diagnostic::new(Code::ConnectionUrl, headline).help(Code::ConnectionUrl.info().remedy))
        };
        let url = Url::parse(url).map_err(|_| unreadable())?;
        let text = |encoded: &str| percent_decoded(encoded).ok_or_else(unreadable);
        let (host, port) = (url.host_str().unwrap_or("localhost"), url.port().unwrap_or(PORT));
        let mut address = Self {
            name: name.to_owned(),
            place: format!("{host}:{port}"),
            user: text(url.username())?,
            options: PgConnectOptions::new_without_pgpass()
                .host(host.trim_matches(['[', ']']))
                .port(port)
                .username(&text(url.username())?)
                .password(&text(url.password().unwrap_or_default())?)
                .database(&text(url.path().trim_start_matches('/'))?)
                .ssl_mode(PgSslMode::VerifyFull)
                .application_name("transload")
                .disable_statement_logging(),
            session: SESSION.to_owned(),
            timeout: CONNECT_TIMEOUT,
        };
        let mut is_plain = false;
        let mut is_local = url.host_str().is_some_and(is_loopback);
        for (key, value) in url.query_pairs() {
            match &*key {
                "sslmode" if value == "disable" => is_plain = true,
                "sslmode" if value == "verify-full" => {}
                "sslmode" if value == "verify-ca" => address.options = address.options.ssl_mode(PgSslMode::VerifyCa),
                "sslrootcert" => {
                    check_certificate(name, Path::new(&*value))?;
                    address.options = address.options.ssl_root_cert(&*value);
                }
                "host" if Path::new(&*value).is_absolute() => {
                    (is_local, is_plain) = (true, true);
                    address.place = format!("the socket of port {port} in {value}");
                    address.options = address.options.socket(&*value);
                }
                "application_name" => address.options = address.options.application_name(&value),
                "connect_timeout" => {
                    address.timeout = Duration::from_secs(value.parse().map_err(|_| unreadable())?);
                }
                _ => return Err(unreadable()),
            }
        }
        if is_plain && !is_local {
            let headline = format!("{name} asks for a connection without TLS to another machine");
            return Err(Box::new(Diagnostic::new(Code::TlsError, headline).help(Code::TlsError.info().remedy)));
        }
        if is_plain {
            address.options = address.options.ssl_mode(PgSslMode::Disable);
        }
        Ok(address)
    }

    /// Begins each session with more statements.
    pub(super) fn with_session(self, statements: &str) -> Self {
        Self { session: format!("{}; {statements}", self.session), ..self }
    }

    /// A new session.
    pub(super) async fn connect(&self) -> Result<PgConnection> {
        tokio::time::timeout(self.timeout, self.begin()).await.unwrap_or_else(|_| {
            let headline = format!("{} did not answer within {} s", self.called(), self.timeout.as_secs());
            let help = "check host and port in the URL, and whether the server runs and a firewall lets you through";
            Err(Box::new(Diagnostic::new(Code::CannotConnect, headline).help(help)))
        })
    }

    /// Its name and where it is. Who gets in with which password is never told.
    fn called(&self) -> String {
        format!("{} at {}", self.name, self.place)
    }

    async fn begin(&self) -> Result<PgConnection> {
        let Some(connected) = unless_it_panics(self.options.connect()).await else {
            let called = self.called();
            let headline =
                format!("{called} cannot be opened: what answers there does not speak PostgreSQL's protocol");
            let help = "check host and port in the URL";
            return Err(Box::new(Diagnostic::new(Code::CannotConnect, headline).help(help)));
        };
        let mut connection = connected.map_err(|error| cannot_connect(&error, &self.called()))?;
        nodelay::set();
        if connection.server_version_num().is_some_and(|version| version < OLDEST) {
            let headline = format!("{} is a server older than PostgreSQL {}", self.called(), OLDEST / 10_000);
            let help = "upgrade the server, or copy the database to a newer one";
            return Err(Box::new(Diagnostic::new(Code::CannotConnect, headline).help(help)));
        }
        let set_up = sql::batch(&mut connection, &self.session).await;
        set_up
            .map_err(|error| failure(&error, Code::CannotConnect, &format!("{} could not be set up", self.called())))?;
        Ok(connection)
    }
}

/// The driver panics where a message is shorter than its own length. Whoever listens there must not be able to end this process.
async fn unless_it_panics<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = Box::pin(work);
    poll_fn(move |task| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(task))) {
        Ok(polled) => polled.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

/// The driver would say of a missing file what it says of a missing server.
fn check_certificate(name: &str, path: &Path) -> Result<()> {
    let reason = match std::fs::read(path) {
        Ok(content) if String::from_utf8_lossy(&content).contains("BEGIN CERTIFICATE") => return Ok(()),
        Ok(_) => "holds no certificate".to_owned(),
        Err(error) => format!("cannot be read: {error}"),
    };
    let headline = format!("the file that `sslrootcert` of {name} names {reason}");
    Err(Box::new(Diagnostic::new(Code::TlsError, headline).help("name the authority's certificate, as PEM")))
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    String::from_utf8(bytes).ok()
}
