//! The server that `tests/run` starts.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::PgConnection;
use url::Url;

use crate::control::scenarios::Place;
use crate::postgres::open::Address;
use crate::postgres::sql;

/// A database of its own on the tests' server.
pub(in crate::postgres) struct Server {
    pub(in crate::postgres) url: Url,
    pub(in crate::postgres) database: String,
}

impl Server {
    pub(in crate::postgres) async fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        #[expect(clippy::disallowed_methods, reason = "says where the tests' server is")]
        let url = std::env::var("TRANSLOAD_TEST_POSTGRES").expect(
            "there is no PostgreSQL server to test with: run tests/run, which starts one and names it in TRANSLOAD_TEST_POSTGRES",
        );
        let database = format!("control_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        execute(&url, &format!("create database {database}")).await.unwrap();
        let mut url = Url::parse(&url).unwrap();
        url.set_path(&database);
        Self { url, database }
    }

    /// Waits until a query gives what is expected: a session that was left ends a moment later.
    pub(in crate::postgres) async fn until(&self, sql: &str, expected: &str) {
        for _ in 0..500 {
            if self.text(sql).await == expected {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("{sql} does not become {expected}");
    }

    /// The same server with another database.
    pub(in crate::postgres) fn with_path(&self, database: &str) -> String {
        let mut url = self.url.clone();
        url.set_path(database);
        url.to_string()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let (url, drop_it) = (self.with_path("postgres"), format!("drop database {} with (force)", self.database));
        // A runtime is about already, and must not be entered twice.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(execute(&url, &drop_it)).unwrap();
        });
        dropping.join().unwrap();
    }
}

pub(in crate::postgres) async fn session(url: &str) -> PgConnection {
    let address = Address::parse("the tests' server", url).unwrap();
    address.with_session("set search_path to transload, public").connect().await.unwrap()
}

pub(in crate::postgres) async fn execute(url: &str, statements: &str) -> std::result::Result<(), String> {
    sql::batch(&mut session(url).await, statements).await.map_err(|error| error.to_string())
}
