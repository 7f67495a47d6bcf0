//! What a test is given: a file of its own, and words for plans and rows.

use std::ops::Deref;
use std::path::PathBuf;

use rusqlite::Connection;
use tempfile::TempDir;
use transload_model::{ConnectionName, ConnectionPlan};

use crate::given;
pub(super) use crate::given::{
    batch, column, columns, compared, integer, lines, only_keys, read_all, request, rows, stays_failed, table, take,
    text,
};

/// A database in a folder of its own.
pub(super) struct File {
    folder: TempDir,
}

impl File {
    pub(super) fn new(sql: &str) -> Self {
        let file = Self { folder: tempfile::tempdir().unwrap() };
        file.connect().execute_batch(sql).unwrap();
        file
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("file.db")
    }

    pub(super) fn connect(&self) -> Connection {
        let connection = Connection::open(self.path()).unwrap();
        connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        connection
    }

    pub(super) fn plan(&self) -> ConnectionPlan {
        ConnectionPlan {
            name: ConnectionName::parse("file").unwrap(),
            system: "sqlite".to_owned(),
            url: format!("sqlite:{}", self.path().display()),
            read_only: false,
            create_with: None,
            schema: String::new(),
            pool: 8,
            region: None,
        }
    }

    /// The single number that a query gives.
    pub(super) fn number(&self, sql: &str) -> i64 {
        self.connect().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// The first column of a query.
    pub(super) fn texts(&self, sql: &str) -> Vec<String> {
        let connection = self.connect();
        let mut statement = connection.prepare(sql).unwrap();
        let texts: rusqlite::Result<Vec<String>> = statement.query_map([], |row| row.get(0)).unwrap().collect();
        texts.unwrap()
    }
}

/// A file whose fence over the table `people` is taken.
pub(super) struct Held {
    pub(super) file: File,
    held: given::Held,
}

impl Held {
    pub(super) async fn new(sql: &str) -> Self {
        let file = File::new(sql);
        let destination = crate::sqlite::destination::open_destination(&file.plan()).unwrap();
        Self { file, held: given::Held::new(destination).await }
    }

    /// Units that are durable.
    pub(super) fn units(&self) -> i64 {
        self.file.number("select coalesce(sum(seq), 0) from transload_stream_positions")
    }
}

impl Deref for Held {
    type Target = given::Held;

    fn deref(&self) -> &given::Held {
        &self.held
    }
}
