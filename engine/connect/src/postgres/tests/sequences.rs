//! Sessions that move one sequence at once.

use sqlx::{Connection, PgConnection};

use super::server::{Server, session};
use crate::control::scenarios::Place;
use crate::postgres::sql;
use crate::postgres::write::advance;

/// Who waits for a lock, of whatever kind.
const WAITING: &str = "select count(*) from pg_locks where not granted and (database is null or database = \
     (select oid from pg_database where datname = current_database()))";

async fn moved(mut session: PgConnection, number: i64) -> PgConnection {
    sql::batch(&mut session, "begin").await.unwrap();
    advance(&mut session, "public.numbers", number).await.unwrap();
    session
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lower_number_that_comes_later_does_not_take_a_sequence_back() {
    let server = Server::new().await;
    server.execute("create sequence public.numbers").await.unwrap();
    let url = server.url.to_string();
    // Whoever looks at it may do so, and whoever moves it waits.
    let mut holder = session(&url).await;
    sql::batch(&mut holder, "begin; alter sequence public.numbers cache 1").await.unwrap();
    let mut moving = tokio::task::JoinSet::new();
    moving.spawn(moved(session(&url).await, 200));
    server.until(WAITING, "1").await;
    moving.spawn(moved(session(&url).await, 100));
    server.until(WAITING, "2").await;

    sql::batch(&mut holder, "rollback").await.unwrap();

    // Neither waits for the other's unit: both are still in theirs.
    for mut session in moving.join_all().await {
        sql::batch(&mut session, "commit").await.unwrap();
        session.close().await.unwrap();
    }
    assert_eq!(server.text("select last_value from public.numbers").await, "200");
    assert_eq!(server.text("select nextval('public.numbers')").await, "201");
}

#[tokio::test]
async fn a_sequence_stays_moved_where_the_unit_is_undone() {
    let server = Server::new().await;
    server.execute("create sequence public.numbers").await.unwrap();
    let mut session = moved(session(server.url.as_ref()).await, 7).await;

    sql::batch(&mut session, "rollback").await.unwrap();

    assert_eq!(server.text("select nextval('public.numbers')").await, "8");
}
