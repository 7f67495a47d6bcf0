//! The systems, as a plain list.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use transload_model::{Catalog, Code, ConnectionPlan, ControlStore, Destination, Diagnostic, Result, Source};

use crate::postgres::Postgres;
use crate::sqlite::Sqlite;

/// A system that can be connected to.
#[async_trait]
pub trait System: Sync {
    /// Its name: `type` of a connection, and how its URLs begin.
    fn name(&self) -> &'static str;

    /// Opens a connection for reading.
    async fn source(&self, connection: &ConnectionPlan) -> Result<Arc<dyn Source>>;

    /// Opens a connection for writing.
    async fn destination(&self, connection: &ConnectionPlan) -> Result<Arc<dyn Destination>>;

    /// What a destination holds, or what it will hold once `create_with` ran. Nothing is written.
    async fn destination_catalog(&self, connection: &ConnectionPlan) -> Result<Catalog>;

    /// Whether there is a database at all, sound or not.
    async fn exists(&self, connection: &ConnectionPlan) -> Result<bool>;

    /// Refuses two connections between which a run would wait for itself. A server's sessions do not.
    fn check_apart(&self, source: &ConnectionPlan, destination: &ConnectionPlan) -> Result<()> {
        let _ = (source, destination);
        Ok(())
    }

    /// Opens the control store, creating it where there is none.
    async fn control_store(&self, url: &str) -> Result<Arc<dyn ControlStore>>;

    /// Gives a control store that is damaged another name, and says which; nothing where it is not damaged, or there is none. A server mends
    /// its own.
    async fn set_control_store_aside(&self, url: &str) -> Result<Option<PathBuf>> {
        let _ = url;
        Ok(None)
    }
}

/// Every system.
pub const SYSTEMS: &[&dyn System] = &[&Sqlite, &Postgres];

/// Opens a connection for reading.
///
/// # Errors
/// Where there is no database, or it cannot be opened.
pub async fn source(connection: &ConnectionPlan) -> Result<Arc<dyn Source>> {
    system(connection)?.source(connection).await
}

/// Opens a connection for writing. Nothing is written by opening it, unless `create_with` has to create the tables.
///
/// # Errors
/// Where there is no database, or it cannot be opened.
pub async fn destination(connection: &ConnectionPlan) -> Result<Arc<dyn Destination>> {
    if connection.read_only {
        let headline = format!("connection `{}` is `read_only`, so it cannot be the destination", connection.name);
        let help = "take `read_only` out, or name another connection as `destination`";
        return Err(Box::new(Diagnostic::new(Code::PermissionDenied, headline).help(help)));
    }
    system(connection)?.destination(connection).await
}

/// What a destination holds, or what it will hold once `create_with` ran. Nothing is written.
///
/// # Errors
/// Where there is no database and nothing to create one with, or it cannot be opened.
pub async fn destination_catalog(connection: &ConnectionPlan) -> Result<Catalog> {
    system(connection)?.destination_catalog(connection).await
}

/// Whether there is a database at all, sound or not.
///
/// # Errors
/// Where the connection's type is none.
pub async fn exists(connection: &ConnectionPlan) -> Result<bool> {
    system(connection)?.exists(connection).await
}

/// Refuses two connections between which a run would wait for itself.
///
/// # Errors
/// `TL0023` where both lead to one file that cannot be read and written at the same time.
pub fn check_apart(source: &ConnectionPlan, destination: &ConnectionPlan) -> Result<()> {
    if source.system == destination.system { system(source)?.check_apart(source, destination) } else { Ok(()) }
}

/// Opens the control store, creating it where there is none.
///
/// # Errors
/// Where it cannot be opened or created.
pub async fn control_store(url: &str) -> Result<Arc<dyn ControlStore>> {
    keeper(url)?.control_store(url).await
}

/// Gives a control store that is damaged another name, so that a new one can take its place, and says which.
///
/// # Errors
/// Where nobody can say whether it is damaged, or it cannot be renamed.
pub async fn set_control_store_aside(url: &str) -> Result<Option<PathBuf>> {
    keeper(url)?.set_control_store_aside(url).await
}

/// The system that keeps the control store of a URL.
fn keeper(url: &str) -> Result<&'static dyn System> {
    let scheme = url.split(':').next().unwrap_or_default();
    SYSTEMS.iter().copied().find(|system| system.name() == scheme).ok_or_else(|| {
        Box::new(Diagnostic::new(Code::ConnectionUrl, "the control store's URL names no system that there is"))
    })
}

fn system(connection: &ConnectionPlan) -> Result<&'static dyn System> {
    SYSTEMS.iter().copied().find(|system| system.name() == connection.system).ok_or_else(|| {
        let headline =
            format!("connection `{}` has the type `{}`, which there is none of", connection.name, connection.system);
        Box::new(Diagnostic::new(Code::ConnectionUrl, headline))
    })
}
