//! Futures that are dropped half-way: whatever a session was in the middle of, nobody meets it again.

use std::sync::Arc;
use std::time::Duration;

use transload_model::{ConnectionName, ConnectionPlan, Destination, LogicalType};

use super::server::Server;
use crate::control::scenarios::Place;
use crate::given::{Held, request, rows};
use crate::postgres::{destination, source};

/// Units that are begun and dropped.
const UNITS: u64 = 300;

/// Reads that are begun and dropped.
const READS: u64 = 100;

const OPEN: &str = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in%'";

pub(super) fn plan(server: &Server, pool: usize) -> ConnectionPlan {
    ConnectionPlan {
        name: ConnectionName::parse("platform").unwrap(),
        system: "postgres".to_owned(),
        url: server.url.to_string(),
        read_only: false,
        create_with: None,
        schema: "public".to_owned(),
        pool,
        region: None,
    }
}

async fn number(server: &Server, sql: &str) -> u64 {
    server.text(sql).await.parse().unwrap()
}

#[tokio::test]
async fn an_abandoned_unit_is_in_or_is_not() {
    let server = Server::new().await;
    server.execute("create table people (id bigint primary key, name text)").await.unwrap();
    let destination: Arc<dyn Destination> = destination::open_destination(&plan(&server, 4)).await.unwrap();
    let held = Held::new(destination).await;
    let mut after = None;
    let mut abandoned = 0;

    for number_of_unit in 0..UNITS {
        let id = after.unwrap_or(0) + 1;
        let mut unit = held.unit();
        unit.after = after;
        unit.inserts = vec![rows(&[i64::try_from(id).unwrap()], &[("name", &[Some("a")])])];
        // From before the first message to after the last.
        let patience = Duration::from_micros(number_of_unit * 211 % 60_000);
        match tokio::time::timeout(patience, held.commit(unit)).await {
            Ok(done) => assert_eq!(done.unwrap(), Vec::<String>::new()),
            Err(_) => abandoned += 1,
        }
        // The server may still be at it; the next unit has to wait for that, and so must whoever asks.
        server.until(OPEN, "0").await;
        let busy = "select count(*) from pg_stat_activity where datname = current_database() and state = 'active' \
                    and pid <> pg_backend_pid()";
        server.until(busy, "0").await;
        let seq = number(&server, "select coalesce(max(seq), 0) from transload.stream_positions").await;
        assert_eq!(number(&server, "select count(*) from people").await, seq, "rows and position disagree");
        after = (seq > 0).then_some(seq);
    }

    assert!(abandoned > UNITS / 10, "only {abandoned} units were abandoned");
    assert!(after.unwrap() > UNITS / 10, "only {after:?} units were committed");
}

#[tokio::test]
async fn an_abandoned_read_takes_its_session_with_it() {
    let server = Server::new().await;
    server
        .execute("create table people as select id, repeat('x', 500) as name from generate_series(1, 20000) id")
        .await
        .unwrap();
    let source = source::open_source(&plan(&server, 3)).await.unwrap();
    let snapshot = source.snapshot(&[], 1).await.unwrap();

    for read in 0..READS {
        let mut reader = snapshot.reader().await.unwrap();
        let mut wanted = request("people", &[("id", LogicalType::Integer), ("name", LogicalType::Text)], 1);
        wanted.batch_rows = 500;
        let patience = Duration::from_micros(read * 211 % 20_000);
        let reading = async {
            reader.read(wanted.clone()).await.unwrap();
            while reader.next().await.unwrap().is_some() {}
        };
        drop(tokio::time::timeout(patience, reading).await);
        // The same reader, and the same moment.
        wanted.batch_rows = 20_000;
        reader.read(wanted).await.unwrap();
        assert_eq!(reader.next().await.unwrap().unwrap().rows.num_rows(), 20_000);
    }

    drop(snapshot);
    drop(source);
    server
        .until(
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
            "0",
        )
        .await;
}
