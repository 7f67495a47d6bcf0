//! Fences, taken when there is something to write and not before.
//!
//! A run that finds nothing to do leaves the destination untouched. The first unit that has something takes the fences of all tables of the run
//! at once, with the epochs that were read at the start: if anyone committed in between, they are newer, and this run stops.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::OnceCell;
use transload_model::{Claim, Destination, Result, TableName};

pub(crate) struct Fences {
    destination: Arc<dyn Destination>,
    claim: Claim,
    taken: OnceCell<BTreeMap<TableName, u64>>,
}

impl Fences {
    pub(crate) fn new(destination: Arc<dyn Destination>, claim: Claim) -> Self {
        Self { destination, claim, taken: OnceCell::new() }
    }

    /// The epoch under which this run may write `table`.
    pub(crate) async fn epoch(&self, table: &TableName) -> Result<u64> {
        Ok(self.take().await?.get(table).copied().unwrap_or_default())
    }

    /// Takes them, where they are not taken yet.
    pub(crate) async fn take(&self) -> Result<&BTreeMap<TableName, u64>> {
        let take = || async {
            let fences = self.destination.take_fences(self.claim.clone()).await?;
            let epochs = fences.into_iter().map(|fence| (fence.table, fence.epoch)).collect::<BTreeMap<_, _>>();
            Result::<_>::Ok(epochs)
        };
        self.taken.get_or_try_init(take).await
    }

    pub(crate) fn are_taken(&self) -> bool {
        self.taken.initialized()
    }

    /// Gives them back, where they were taken.
    pub(crate) async fn release(&self) -> Result<()> {
        if self.are_taken() { self.destination.release_fences(self.claim.run).await } else { Ok(()) }
    }
}
