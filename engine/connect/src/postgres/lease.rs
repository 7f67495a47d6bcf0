//! Connections on loan.
//!
//! A connection goes back only from where its last statement ended well and no transaction is open; every other way out of a scope, an
//! error, a `?`, an abandoned future, closes it. So nobody is ever handed a session in an unknown state, whatever was cancelled where.

use std::sync::{Arc, Mutex, PoisonError};

use sqlx::PgConnection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use transload_model::{Code, Diagnostic, Result};

use super::open::Address;

/// The connections of one end of a run: at most so many at a time.
pub(super) struct Connections {
    pub(super) address: Address,
    idle: Mutex<Vec<PgConnection>>,
    permits: Arc<Semaphore>,
}

/// A connection that no one else uses.
pub(super) struct Lease {
    connection: PgConnection,
    home: Arc<Connections>,
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    pub(super) fn new(address: Address, pool: usize) -> Arc<Self> {
        Arc::new(Self { address, idle: Mutex::new(Vec::new()), permits: Arc::new(Semaphore::new(pool)) })
    }

    /// A connection; waits while all are on loan.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| {
            Box::new(Diagnostic::new(Code::CannotConnect, format!("{} is closed already", self.address.name)))
        })?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.address.connect().await?,
        };
        Ok(Lease { connection, home: Arc::clone(self), _permit: permit })
    }
}

impl Lease {
    pub(super) fn get(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Gives the connection to whoever comes next. Only where it is certain that it is idle.
    pub(super) fn give_back(self) {
        self.home.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.connection);
    }
}
