//! Which server a connection leads to.
//!
//! An address may lead elsewhere from one moment to the next: a name that is resolved anew, a copy that took the place of what it was made of. What
//! a run knows of one destination must not be written to another.

use sqlx::{PgConnection, Row};
use transload_model::{Code, Diagnostic, Result};

use super::error::sqlstate;

/// A server, and a database on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// None where the server does not tell everyone. Replicas and what is restored from their files have that of their origin.
    pub(super) server: Option<String>,
    database: i64,
}

/// Refuses to go on in another session than the one that was set up: settings, locks and temporary tables are not those that were made.
pub(super) fn check_session(own: Option<i32>, now: i32) -> Result<()> {
    if own.is_none_or(|own| own == now) {
        return Ok(());
    }
    let code = Code::SharedSession;
    let headline = "the destination hands out another session for each transaction";
    Err(Box::new(Diagnostic::new(code, headline).help(code.info().remedy)))
}

/// The number that the server gave to a session.
pub(super) async fn session(connection: &mut PgConnection) -> sqlx::Result<i32> {
    sqlx::query("select pg_catalog.pg_backend_pid()").fetch_one(connection).await?.try_get(0)
}

impl Identity {
    pub(super) async fn of(connection: &mut PgConnection) -> sqlx::Result<Self> {
        let sql =
            "select oid::pg_catalog.int8 from pg_catalog.pg_database where datname = pg_catalog.current_database()";
        let database = sqlx::query(sql).fetch_one(&mut *connection).await?.try_get(0)?;
        let sql = "select system_identifier::pg_catalog.text from pg_catalog.pg_control_system()";
        let server = match sqlx::query(sql).fetch_one(connection).await {
            Ok(row) => Some(row.try_get(0)?),
            Err(error) if sqlstate(&error) == Some("42501") => None,
            Err(error) => return Err(error),
        };
        Ok(Self { server, database })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_in_the_session_that_was_set_up() {
        assert!(check_session(Some(7), 7).is_ok());
        assert!(check_session(None, 7).is_ok(), "where any session will do");
        assert_eq!(check_session(Some(7), 8).unwrap_err().code, Code::SharedSession);
    }
}
