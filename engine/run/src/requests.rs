//! Following what people ask of a run, in the control store.
//!
//! The store is asked about once a second. Where it cannot be reached, the run goes on as it is: what it was asked then is done later.

use std::sync::Arc;
use std::time::Duration;

use transload_model::{ControlStore, Requests, Result, RunId, Wish};

use crate::stop::Stop;

/// How long a request may stay unseen.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether someone wants the run to end for good. Where that cannot be told, nobody does.
pub(crate) async fn is_cancelled(store: Option<&Arc<dyn ControlStore>>, run: RunId) -> bool {
    let Some(store) = store else { return false };
    store.requests(run).await.is_ok_and(|requests| requests.run == Some(Wish::Cancel))
}

/// Tells `stop` what is asked of the run, until it is dropped.
pub(crate) async fn follow(store: Arc<dyn ControlStore>, run: RunId, stop: Stop) {
    let mut timer = tokio::time::interval(PAUSE);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut began = false;
    loop {
        timer.tick().await;
        let asked = if began { store.requests(run).await } else { begin(&*store, run).await };
        if let Ok(requests) = asked {
            began = true;
            stop.follow(&requests);
        }
    }
}

/// A pause of the run was for the process that worked on it before: whoever started this one wants it to go on. What was asked of single
/// entities holds for this process, too.
async fn begin(store: &dyn ControlStore, run: RunId) -> Result<Requests> {
    let mut requests = store.requests(run).await?;
    if requests.run == Some(Wish::Pause) {
        store.request(run, None, None).await?;
        requests.run = None;
    }
    Ok(requests)
}
