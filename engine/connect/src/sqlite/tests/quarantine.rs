//! What is set aside, counted.

use super::given::{File, Held};
use crate::given::{assert_reasons_are_counted, set_aside};
use crate::sqlite::destination::open_destination;

#[tokio::test]
async fn reasons_are_counted_where_the_rows_are() {
    let held = Held::new("create table people (id integer primary key)").await;
    held.file.connect().execute_batch(&set_aside("transload_quarantine", "blob")).unwrap();
    assert_reasons_are_counted(&*held.destination).await;
}

#[tokio::test]
async fn without_a_ledger_nothing_is_set_aside() {
    let file = File::new("create table people (id integer primary key)");
    let destination = open_destination(&file.plan()).unwrap();
    assert_eq!(destination.quarantine_reasons(None).await.unwrap(), []);
}
