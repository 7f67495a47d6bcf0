//! Fences, taken when there is something to write and not before.
//!
//! A run that finds nothing to do leaves the destination untouched. The first unit that has something takes the fences of all tables of the run
//! at once, with the epochs that were read at the start: if anyone committed in between, they are newer, and this run stops.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::OnceCell;
use transload_model::{Claim, Code, Destination, Diagnostic, Fence, Holder, Result, RunId, TableName};

/// Connections that may be lost before one is not.
const CONNECTIONS: usize = 16;

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

    /// Who took the tables since this run looked, or took them itself.
    pub(crate) async fn lost(&self) -> Option<Diagnostic> {
        let seen = |(table, epoch): &(TableName, u64)| {
            let own = self.taken.get().and_then(|taken| taken.get(table).copied());
            (table.clone(), own.unwrap_or(*epoch))
        };
        let hold = if self.are_taken() { Hold::Taken } else { Hold::Taking(self.claim.run) };
        Seen(self.claim.tables.iter().map(seen).collect()).lost(&*self.destination, hold).await
    }

    pub(crate) fn are_taken(&self) -> bool {
        self.taken.initialized()
    }

    /// Gives them back, where they were taken.
    pub(crate) async fn release(&self) -> Result<()> {
        if self.are_taken() { self.destination.release_fences(self.claim.run).await } else { Ok(()) }
    }
}

/// Tables, each with the epoch that a run saw last.
pub(crate) struct Seen(pub(crate) Vec<(TableName, u64)>);

/// What a run may hold itself.
#[derive(Clone, Copy)]
pub(crate) enum Hold {
    /// Nothing: it only looked.
    Nothing,
    /// What it may be taking at this very moment.
    Taking(RunId),
    /// What it took.
    Taken,
}

impl Seen {
    /// Whoever took one of the tables since. Then what this run reads of the ledger and of the tables is not of one moment, and whatever is
    /// wrong with it may come of that.
    ///
    /// A process that was thought dead may have lost its connections as well, so it asks on more than one.
    pub(crate) async fn lost(&self, destination: &dyn Destination, hold: Hold) -> Option<Diagnostic> {
        let tables: Vec<TableName> = self.0.iter().map(|(table, _)| table.clone()).collect();
        for _ in 0..CONNECTIONS {
            match destination.ledger(&tables).await {
                Ok(ledger) => {
                    let others = ledger.fences.iter().find(|fence| self.is_others(fence, hold));
                    return others.map(|fence| told(fence, hold));
                }
                // A connection that was lost. Where no other can be had, nobody is left to ask.
                Err(problem) if problem.code == Code::DestinationFailed => {}
                Err(_) => return None,
            }
        }
        None
    }

    fn is_others(&self, fence: &Fence, hold: Hold) -> bool {
        let holder = fence.holder.as_ref().map(|holder| holder.run);
        let may_be_own = matches!(hold, Hold::Taking(run) if holder == Some(run));
        !may_be_own && !self.0.contains(&(fence.table.clone(), fence.epoch))
    }
}

fn told(fence: &Fence, hold: Hold) -> Diagnostic {
    match (&fence.holder, hold) {
        (Some(holder), Hold::Nothing | Hold::Taking(_)) if holder.alive => in_progress(&fence.table, holder),
        _ => Diagnostic::new(Code::Fenced, format!("another run took `{}` over from this one", fence.table)),
    }
}

/// A living run that is there already.
pub(crate) fn in_progress(table: &TableName, holder: &Holder) -> Diagnostic {
    let headline = format!("run {} holds `{table}`", holder.run.short());
    let help = "wait for it to end, or stop that process; then run again. One that is stuck gives way to `transload run --take-over`";
    Diagnostic::new(Code::InProgress, headline).note(format!("it is {}", holder.name)).help(help)
}
