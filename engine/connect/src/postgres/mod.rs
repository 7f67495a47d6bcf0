//! PostgreSQL, by sqlx.
//!
//! Rows are read as raw binary values and written by binary COPY; both ends keep their own connections, and none is used by two at a time.

mod array;
mod bound;
mod catalog;
mod compare;
mod control;
mod copy;
mod defaults;
mod definition;
mod destination;
mod detections;
mod digest;
mod error;
mod exchange;
mod identity;
mod lease;
mod ledger;
mod nodelay;
mod open;
mod source;
mod sql;
mod stored;
mod takeover;
#[cfg(test)]
mod tests;
mod types;
mod write;
mod written;

use std::sync::Arc;

use async_trait::async_trait;
use transload_model::{Catalog, ConnectionPlan, ControlStore, Destination, Result, Source};

use crate::registry::System;

/// A server, by `postgres://USER:PASSWORD@HOST/DATABASE`.
pub(crate) struct Postgres;

#[async_trait]
impl System for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    async fn source(&self, connection: &ConnectionPlan) -> Result<Arc<dyn Source>> {
        source::open_source(connection).await
    }

    async fn destination(&self, connection: &ConnectionPlan) -> Result<Arc<dyn Destination>> {
        destination::open_destination(connection).await
    }

    async fn destination_catalog(&self, connection: &ConnectionPlan) -> Result<Catalog> {
        destination::destination_catalog(connection).await
    }

    async fn exists(&self, connection: &ConnectionPlan) -> Result<bool> {
        // Opened to say now why it cannot be.
        open::Address::of(connection)?.connect().await.map(|_| true)
    }

    async fn control_store(&self, url: &str) -> Result<Arc<dyn ControlStore>> {
        control::open_control_store(url).await
    }
}
