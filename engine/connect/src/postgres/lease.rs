//! Connections on loan.
//!
//! A connection goes back only from where its last statement ended well and no transaction is open; every other way out of a scope, an
//! error, a `?`, an abandoned future, closes it. So nobody is ever handed a session in an unknown state, whatever was cancelled where.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sqlx::PgConnection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use transload_model::{Code, Diagnostic, Result};

use super::error::failure;
use super::identity::{self, Identity};
use super::open::Address;

/// The connections of one end of a run: at most so many at a time.
pub(super) struct Connections {
    pub(super) address: Address,
    idle: Mutex<Vec<(PgConnection, Option<i32>)>>,
    permits: Arc<Semaphore>,
    limit: usize,
    /// Where all connections must lead to the same database: which one the first led to.
    identity: Option<OnceLock<Identity>>,
}

/// A connection that no one else uses.
pub(super) struct Lease {
    connection: PgConnection,
    /// Which session was set up, where it is to stay the same.
    session: Option<i32>,
    home: Arc<Connections>,
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    pub(super) fn new(address: Address, pool: usize) -> Arc<Self> {
        Arc::new(Self::of(address, pool, None))
    }

    /// Connections that are refused once they lead to another database than the first one did.
    pub(super) fn to_one_database(address: Address, pool: usize) -> Arc<Self> {
        Arc::new(Self::of(address, pool, Some(OnceLock::new())))
    }

    fn of(address: Address, pool: usize, identity: Option<OnceLock<Identity>>) -> Self {
        Self { address, idle: Mutex::new(Vec::new()), permits: Arc::new(Semaphore::new(pool)), limit: pool, identity }
    }

    /// How many may be on loan at a time.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// A connection; waits while all are on loan.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| {
            Box::new(Diagnostic::new(Code::CannotConnect, format!("{} is closed already", self.address.name)))
        })?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (connection, session) = match idle {
            Some(idle) => idle,
            None => self.connect().await?,
        };
        Ok(Lease { connection, session, home: Arc::clone(self), _permit: permit })
    }
}

impl Connections {
    async fn connect(&self) -> Result<(PgConnection, Option<i32>)> {
        let mut connection = self.address.connect().await?;
        let Some(first) = &self.identity else { return Ok((connection, None)) };
        let doing = format!("{} could not be set up", self.address.name);
        let failed = |error: sqlx::Error| failure(&error, Code::CannotConnect, &doing);
        let own = Identity::of(&mut connection).await.map_err(failed)?;
        let session = identity::session(&mut connection).await.map_err(failed)?;
        if *first.get_or_init(|| own.clone()) == own {
            return Ok((connection, Some(session)));
        }
        let headline =
            format!("{} leads to another server or database than it did when the run began", self.address.name);
        Err(Box::new(Diagnostic::new(Code::ServerIdentity, headline).help(Code::ServerIdentity.info().remedy)))
    }
}

impl Lease {
    pub(super) fn get(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// The session that was set up, where all its work must be done there.
    pub(super) fn session(&self) -> Option<i32> {
        self.session
    }

    /// Gives the connection to whoever comes next. Only where it is certain that it is idle.
    pub(super) fn give_back(self) {
        self.home.idle.lock().unwrap_or_else(PoisonError::into_inner).push((self.connection, self.session));
    }
}
