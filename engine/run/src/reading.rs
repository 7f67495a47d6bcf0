//! Reading a source table, scored.

use std::sync::Arc;
use std::time::Duration;

use transload_model::{EntityPlan, KeyBytes, ReadRequest, Result, SnapshotReader};

use crate::rows::Scored;
use crate::start::Context;

/// A reader of one entity's table, and the time that was spent with it.
pub(crate) struct Reading {
    context: Arc<Context>,
    plan: Arc<EntityPlan>,
    reader: Box<dyn SnapshotReader>,
    pub(crate) time: Duration,
}

impl Reading {
    pub(crate) async fn open(context: &Arc<Context>, plan: &Arc<EntityPlan>) -> Result<Self> {
        let reader = context.reader(plan).await?;
        Ok(Self { context: Arc::clone(context), plan: Arc::clone(plan), reader, time: Duration::ZERO })
    }

    /// Rows in the table, where the source can tell quickly.
    pub(crate) async fn estimate(&mut self) -> Result<Option<u64>> {
        self.reader.estimate(&self.plan.source.table).await
    }

    /// Begins at the first row, or behind a key.
    pub(crate) async fn start(&mut self, after: Option<KeyBytes>) -> Result<()> {
        let request = ReadRequest {
            table: self.plan.source.table.clone(),
            columns: self.plan.reads.clone(),
            key: self.plan.key.source.clone(),
            after,
            batch_rows: self.plan.load.batch_rows.min(self.plan.load.unit_rows),
        };
        self.reader.read(request).await
    }

    /// The next rows, `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Scored>> {
        let started = self.context.clock.monotonic();
        let batch = self.reader.next().await?;
        let (plan, seed) = (&self.plan, self.context.seed);
        let scored = batch.map(|batch| tokio::task::block_in_place(|| Scored::new(batch, plan, seed))).transpose();
        self.time += self.context.clock.monotonic() - started;
        scored
    }
}
