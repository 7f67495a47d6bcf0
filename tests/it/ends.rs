//! The two ends of a scenario, each a SQLite file or a database on the PostgreSQL server that `tests/run` starts.
//!
//! Scenarios are written once and run for each pair of systems; what differs between systems is hidden here.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, Row, ValueRef};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::world::root;

/// A source system and a destination system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    SqliteToSqlite,
    SqliteToPostgres,
    PostgresToPostgres,
}

impl Ends {
    pub(crate) fn is_from_postgres(self) -> bool {
        self == Self::PostgresToPostgres
    }

    pub(crate) fn is_to_postgres(self) -> bool {
        self != Self::SqliteToSqlite
    }
}

/// Makes a test of each scenario for each pair of systems, in a module that is named after the pair.
macro_rules! for_each_pair {
    ($($scenario:ident),+ $(,)?) => {
        $crate::ends::for_pair!(sqlite_to_sqlite, SqliteToSqlite, $($scenario),+);
        $crate::ends::for_pair!(sqlite_to_postgres, SqliteToPostgres, $($scenario),+);
        $crate::ends::for_pair!(postgres_to_postgres, PostgresToPostgres, $($scenario),+);
    };
}

/// Makes a test of each scenario for one pair of systems.
macro_rules! for_pair {
    ($module:ident, $pair:ident, $($scenario:ident),+ $(,)?) => {
        mod $module {
            $(
                #[test]
                fn $scenario() {
                    super::$scenario($crate::ends::Ends::$pair);
                }
            )+
        }
    };
}

pub(crate) use {for_each_pair, for_pair};

/// One end.
pub(crate) enum End {
    File(PathBuf),
    Server(Database),
}

impl End {
    /// A new and empty database on the server that all tests share.
    pub(crate) fn on_server() -> Self {
        let server = std::env::var("TRANSLOAD_TEST_POSTGRES");
        Self::Server(Database::create(&server.expect(
            "there is no PostgreSQL server to test with: run tests/run, which starts one and names it in TRANSLOAD_TEST_POSTGRES",
        )))
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::File(path) => format!("sqlite:{}", path.display()),
            Self::Server(database) => database.url.clone(),
        }
    }

    /// Runs statements.
    pub(crate) fn execute(&self, sql: &str) {
        match self {
            Self::File(path) => Connection::open(path).unwrap().execute_batch(sql).unwrap(),
            Self::Server(database) => drop(database.query(sql).unwrap_or_else(|error| panic!("{error}: {sql}"))),
        }
    }

    /// The first column of a query's rows, as text. NULL is empty.
    pub(crate) fn texts(&self, sql: &str) -> Vec<String> {
        self.try_texts(sql).unwrap_or_else(|error| panic!("{error}: {sql}"))
    }

    fn try_texts(&self, sql: &str) -> Result<Vec<String>, String> {
        match self {
            Self::File(path) => file_texts(path, sql).map_err(|error| error.to_string()),
            Self::Server(database) => {
                let rows = database.query(sql).map_err(|error| error.to_string())?;
                Ok(rows.iter().map(first_text).collect())
            }
        }
    }

    pub(crate) fn numbers(&self, sql: &str) -> Vec<i64> {
        self.texts(sql).iter().map(|text| text.parse().unwrap()).collect()
    }

    pub(crate) fn number(&self, sql: &str) -> u64 {
        self.texts(sql)[0].parse().unwrap()
    }

    /// A number, where there is what the query asks for.
    pub(crate) fn try_number(&self, sql: &str) -> Option<u64> {
        self.try_texts(sql).ok()?.first()?.parse().ok()
    }

    /// The rows of a table; a condition may follow.
    pub(crate) fn count(&self, table: &str) -> u64 {
        self.number(&format!("select count(*) from {table}"))
    }

    /// A table of the ledger, as SQL names it.
    pub(crate) fn ledger(&self, table: &str) -> String {
        match self {
            Self::File(_) => format!("transload_{table}"),
            Self::Server(_) => format!("transload.{table}"),
        }
    }

    /// Something that is another thing as soon as anything was written, were it a row that came and went, or the same value again.
    pub(crate) fn fingerprint(&self) -> Vec<u8> {
        match self {
            Self::File(path) => std::fs::read(path).unwrap(),
            Self::Server(database) => database.fingerprint().into_bytes(),
        }
    }

    /// Opens the session again, after the server was away.
    pub(crate) fn reconnect(&self) {
        if let Self::Server(database) = self {
            database.session.replace(Session::open(&database.url).unwrap());
        }
    }

    /// Changes rows as someone may who does not care for foreign keys.
    pub(crate) fn meddle(&self, child: &str, key: (&str, &str), sql: &str) {
        let (column, parent) = key;
        self.execute(&match self {
            Self::File(_) => format!("pragma foreign_keys = off; {sql}"),
            Self::Server(_) => format!(
                "alter table {child} drop constraint {child}_{column}_fkey; {sql};
                 alter table {child} add foreign key ({column}) references {parent} not valid"
            ),
        });
    }
}

fn file_texts(path: &Path, sql: &str) -> rusqlite::Result<Vec<String>> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        Ok(match row.get_ref(0)? {
            rusqlite::types::ValueRef::Null => String::new(),
            rusqlite::types::ValueRef::Integer(number) => number.to_string(),
            value => value.as_str()?.to_owned(),
        })
    })?;
    rows.collect()
}

/// The simple protocol sends every value as text.
fn first_text(row: &PgRow) -> String {
    let value = row.try_get_raw(0).unwrap();
    if value.is_null() { String::new() } else { value.as_str().unwrap().to_owned() }
}

/// A database on a server, with a session. It is dropped with its owner.
pub(crate) struct Database {
    server: String,
    name: String,
    url: String,
    session: RefCell<Session>,
}

impl Database {
    fn create(server: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("it_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let (front, back) = server.split_once("/postgres?").expect("the URL names the database `postgres`");
        let url = format!("{front}/{name}?{back}");
        let mut session = Session::open(server).unwrap();
        session.query(&format!("drop database if exists {name} with (force)")).unwrap();
        session.query(&format!("create database {name}")).unwrap();
        let session = RefCell::new(Session::open(&url).unwrap());
        Self { server: server.to_owned(), name, url, session }
    }

    fn query(&self, sql: &str) -> sqlx::Result<Vec<PgRow>> {
        self.session.borrow_mut().query(sql)
    }

    fn texts(&self, sql: &str) -> Vec<String> {
        self.query(sql).unwrap_or_else(|error| panic!("{error}: {sql}")).iter().map(first_text).collect()
    }

    fn fingerprint(&self) -> String {
        self.wait_until_alone();
        let tables = self.texts(
            "select format('%I.%I', schemaname, relname) from pg_stat_user_tables where schemaname !~ '^pg_temp' order by 1",
        );
        let mut found = self.texts(
            "select format('%I.%I %s %s %s', schemaname, relname, n_tup_ins, n_tup_upd, n_tup_del)
             from pg_stat_user_tables where schemaname !~ '^pg_temp' order by 1",
        );
        found.extend(
            self.texts("select concat(schemaname, '.', sequencename, ' ', last_value) from pg_sequences order by 1"),
        );
        for table in tables {
            found.extend(self.texts(&format!(
                "select md5(string_agg(md5(concat(t.ctid, ' ', t.xmin, ' ', t)), '' order by t.ctid)) from {table} t"
            )));
        }
        found.join("\n")
    }

    /// Sessions tell what they wrote when they end, which may be a moment after their client did. This one tells it now.
    fn wait_until_alone(&self) {
        self.texts("select pg_stat_force_next_flush()");
        let others = "select count(*) from pg_stat_activity
                      where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'";
        let start = Instant::now();
        while self.texts(others) != ["0"] {
            assert!(start.elapsed() < Duration::from_secs(10), "someone else is connected to {}", self.name);
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let gone = Session::open(&self.server)
            .and_then(|mut session| session.query(&format!("drop database if exists {} with (force)", self.name)));
        // A server that a test killed took it along.
        drop(gone);
    }
}

/// A connection that is waited for.
pub(crate) struct Session {
    runtime: Runtime,
    connection: PgConnection,
}

impl Session {
    pub(crate) fn open(url: &str) -> sqlx::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let connection = runtime.block_on(PgConnection::connect(url))?;
        Ok(Self { runtime, connection })
    }

    pub(crate) fn query(&mut self, sql: &str) -> sqlx::Result<Vec<PgRow>> {
        self.runtime.block_on(sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut self.connection))
    }
}

/// A server of a test's own, which it may kill.
pub(crate) struct Cluster {
    directory: TempDir,
    url: String,
}

impl Cluster {
    /// What is committed here survives.
    pub(crate) fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("transload-tests.").tempdir_in("/tmp").unwrap();
        // Where this process is killed, the next `tests/run` finds by this that nobody needs the server any more.
        std::fs::write(directory.path().join("owner"), std::process::id().to_string()).unwrap();
        std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let url =
            script("start", directory.path(), &["fsync=on", "full_page_writes=on", "recovery_init_sync_method=syncfs"]);
        Self { directory, url }
    }

    /// A new and empty database.
    pub(crate) fn database(&self) -> End {
        End::Server(Database::create(&self.url))
    }

    /// Starts it again after it was killed, at the same place.
    pub(crate) fn restart(&self) {
        script("start", self.directory.path(), &[]);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        script("stop", self.directory.path(), &[]);
    }
}

fn script(verb: &str, directory: &Path, more: &[&str]) -> String {
    let output = Command::new(root().join("tests/postgres")).arg(verb).arg(directory.join("pg")).args(more).output();
    let ended = crate::world::ended(&output.unwrap());
    assert_eq!(ended.code, 0, "tests/postgres {verb}: {ended:?}");
    ended.stdout.trim_end().to_owned()
}
