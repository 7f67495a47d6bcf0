//! SQLite, by rusqlite on threads of its own.
//!
//! One thread owns one connection and does what it is sent, so that no async task ever blocks and no connection is shared.

mod apart;
mod aside;
mod cascade;
mod catalog;
mod compare;
mod control;
mod defaults;
mod deferred;
mod definition;
mod destination;
mod detections;
mod error;
mod exchange;
mod ledger;
mod locked;
mod open;
mod source;
mod sql;
#[cfg(test)]
mod tests;
mod types;
mod worker;
mod write;
mod written;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use transload_model::{Catalog, ConnectionPlan, ControlStore, Destination, Result, Source};

use crate::registry::System;

/// A file, by `sqlite:PATH`.
pub(crate) struct Sqlite;

#[async_trait]
impl System for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    async fn source(&self, connection: &ConnectionPlan) -> Result<Arc<dyn Source>> {
        source::open_source(connection)
    }

    async fn destination(&self, connection: &ConnectionPlan) -> Result<Arc<dyn Destination>> {
        destination::open_destination(connection)
    }

    async fn destination_catalog(&self, connection: &ConnectionPlan) -> Result<Catalog> {
        destination::destination_catalog(connection)
    }

    async fn exists(&self, connection: &ConnectionPlan) -> Result<bool> {
        Ok(open::exists(connection))
    }

    fn check_apart(&self, source: &ConnectionPlan, destination: &ConnectionPlan) -> Result<()> {
        apart::check(source, destination)
    }

    async fn control_store(&self, url: &str) -> Result<Arc<dyn ControlStore>> {
        control::open_control_store(url)
    }

    async fn set_control_store_aside(&self, url: &str) -> Result<Option<PathBuf>> {
        aside::set_aside(url)
    }
}
