//! First runs that meet.

use std::sync::Arc;

use transload_model::{Claim, Code, ConnectionPlan, RunId, SystemClock};

use super::abandoned::plan;
use super::server::Server;
use crate::given::table;
use crate::postgres::destination::open_destination;

/// Processes that begin at once.
const RUNS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn one_creates_the_ledger_and_the_others_are_told() {
    for _ in 0..5 {
        let server = Server::new().await;
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..RUNS {
            let script = "create table people (id bigint primary key)".to_owned();
            let plan = Arc::new(ConnectionPlan { create_with: Some(script), ..plan(&server, 2) });
            running.spawn(async move {
                let destination = open_destination(&plan).await.unwrap();
                let run = RunId::generate(&SystemClock::new());
                let seed = u64::from(run.short().bytes().map(u32::from).sum::<u32>()) + u64::from(std::process::id());
                let claim = Claim {
                    run,
                    tables: vec![(table("people"), 0)],
                    at: chrono::Utc::now(),
                    digest_seed: seed,
                    force: false,
                };
                // Kept until all have tried.
                (destination.take_fences(claim).await, destination)
            });
        }
        let ended = running.join_all().await;

        let refused: Vec<Code> =
            ended.iter().filter_map(|(taken, _)| taken.as_ref().err()).map(|problem| problem.code).collect();
        assert_eq!(refused.len(), RUNS - 1, "{refused:?}");
        assert!(refused.iter().all(|code| matches!(code, Code::InProgress | Code::Fenced)), "{refused:?}");
    }
}
