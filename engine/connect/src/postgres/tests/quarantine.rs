//! What is set aside, counted.

use super::abandoned::plan;
use super::server::Server;
use crate::control::scenarios::Place;
use crate::given::{Held, assert_reasons_are_counted, set_aside};
use crate::postgres::destination::open_destination;

#[tokio::test]
async fn reasons_are_counted_where_the_rows_are() {
    let server = Server::new().await;
    server.execute("create table people (id bigint primary key)").await.unwrap();
    let held = Held::new(open_destination(&plan(&server, 2)).await.unwrap()).await;
    server.execute(&set_aside("transload.quarantine", "bytea")).await.unwrap();
    assert_reasons_are_counted(&*held.destination).await;
}

#[tokio::test]
async fn without_a_ledger_nothing_is_set_aside() {
    let server = Server::new().await;
    let destination = open_destination(&plan(&server, 2)).await.unwrap();
    assert_eq!(destination.quarantine_reasons(None).await.unwrap(), []);
}
