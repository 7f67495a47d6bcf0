//! The systems, as a plain list.

use std::sync::Arc;

use transload_model::{Catalog, Code, ConnectionPlan, ControlStore, Destination, Diagnostic, Result, Source};

use crate::sqlite;

/// A system that can be connected to.
pub struct System {
    /// Its name: `type` of a connection.
    pub name: &'static str,
    source: fn(&ConnectionPlan) -> Result<Arc<dyn Source>>,
    destination: fn(&ConnectionPlan) -> Result<Arc<dyn Destination>>,
    destination_catalog: fn(&ConnectionPlan) -> Result<Catalog>,
    exists: fn(&ConnectionPlan) -> bool,
}

/// Every system.
pub const SYSTEMS: &[System] = &[System {
    name: "sqlite",
    source: sqlite::open_source,
    destination: sqlite::open_destination,
    destination_catalog: sqlite::destination_catalog,
    exists: sqlite::exists,
}];

/// Opens a connection for reading.
///
/// # Errors
/// Where there is no database, or it cannot be opened.
pub fn source(connection: &ConnectionPlan) -> Result<Arc<dyn Source>> {
    (system(connection)?.source)(connection)
}

/// Opens a connection for writing. Nothing is written by opening it, unless `create_with` has to create it.
///
/// # Errors
/// Where there is no database, or it cannot be opened.
pub fn destination(connection: &ConnectionPlan) -> Result<Arc<dyn Destination>> {
    (system(connection)?.destination)(connection)
}

/// What a destination holds, or what it will hold once `create_with` created it. Nothing is written.
///
/// # Errors
/// Where there is no database and nothing to create one with, or it cannot be opened.
pub fn destination_catalog(connection: &ConnectionPlan) -> Result<Catalog> {
    (system(connection)?.destination_catalog)(connection)
}

/// Whether there is a database at all, sound or not.
///
/// # Errors
/// Where the connection's type is none.
pub fn exists(connection: &ConnectionPlan) -> Result<bool> {
    Ok((system(connection)?.exists)(connection))
}

/// Opens the control store, creating it where there is none.
///
/// # Errors
/// Where it cannot be opened or created.
pub fn control_store(url: &str) -> Result<Arc<dyn ControlStore>> {
    sqlite::open_control_store(url)
}

fn system(connection: &ConnectionPlan) -> Result<&'static System> {
    SYSTEMS.iter().find(|system| system.name == connection.system).ok_or_else(|| {
        let headline =
            format!("connection `{}` has the type `{}`, which there is none of", connection.name, connection.system);
        Box::new(Diagnostic::new(Code::ConnectionUrl, headline))
    })
}
