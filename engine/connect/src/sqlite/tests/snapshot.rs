//! What the readers of one snapshot see while others write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use transload_model::{LogicalType, SnapshotReader, Source};

use super::given::{File, read_all, request};
use crate::sqlite::source::open_source;

const ACCOUNTS: i64 = 20;
const TOTAL: i64 = 2 * ACCOUNTS * 100;
const SNAPSHOTS: usize = 40;

/// Two tables of accounts. Money moves between them and never comes or goes.
fn bank(journal: &str) -> File {
    File::new(&format!(
        "pragma journal_mode = {journal};
         create table savings (no integer primary key, amount integer not null);
         create table loans (no integer primary key, amount integer not null);
         with recursive n (i) as (select 1 union all select i + 1 from n where i < {ACCOUNTS})
         insert into savings select i, 100 from n;
         insert into loans select no, amount from savings;"
    ))
}

async fn sum(reader: &mut dyn SnapshotReader, table: &str) -> i64 {
    let wanted = request(table, &[("no", LogicalType::Integer), ("amount", LogicalType::Integer)], 1);
    let batches = read_all(reader, wanted).await;
    let amounts = batches.iter().flat_map(|batch| batch.rows.column(1).as_primitive::<Int64Type>().values().to_vec());
    amounts.sum()
}

/// Moves money back and forth, one commit after the other, until it is told to stop.
fn move_money(file: &File, stop: &Arc<AtomicBool>, commits: &Arc<AtomicU64>) -> std::thread::JoinHandle<()> {
    let (connection, stop, commits) = (file.connect(), Arc::clone(stop), Arc::clone(commits));
    std::thread::spawn(move || {
        let mut step = 0_i64;
        while !stop.load(Ordering::Relaxed) {
            step += 1;
            let (from, to, amount) = (step % ACCOUNTS + 1, step * 7 % ACCOUNTS + 1, step % 13 - 6);
            let sql = format!(
                "begin immediate; update savings set amount = amount - {amount} where no = {from};
                 update loans set amount = amount + {amount} where no = {to}; commit;"
            );
            connection.execute_batch(&sql).unwrap();
            commits.fetch_add(1, Ordering::Relaxed);
            // Others want the file too.
            std::thread::yield_now();
        }
    })
}

/// So many readers of one snapshot.
async fn open_readers(source: &dyn Source, count: usize) -> Vec<Box<dyn SnapshotReader>> {
    let snapshot = source.snapshot(&[], count).await.unwrap();
    let mut readers = Vec::new();
    for _ in 0..count {
        readers.push(snapshot.reader().await.unwrap());
    }
    readers
}

#[tokio::test(flavor = "multi_thread")]
async fn all_readers_see_one_moment_while_others_commit() {
    let bank = bank("wal");
    let (stop, commits) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writer = move_money(&bank, &stop, &commits);
    let source = open_source(&bank.plan()).unwrap();
    while commits.load(Ordering::Relaxed) == 0 {
        std::thread::yield_now();
    }

    for snapshot in 0..SNAPSHOTS {
        let mut readers = open_readers(&*source, 4).await;
        let mut sums = Vec::new();
        for (reader, table) in readers.iter_mut().zip(["savings", "loans", "savings", "loans"]) {
            sums.push(sum(&mut **reader, table).await);
        }
        assert_eq!(sums[0] + sums[1], TOTAL, "snapshot {snapshot}: the readers saw two moments: {sums:?}");
        assert_eq!(sums[..2], sums[2..], "snapshot {snapshot}");
        let again = sum(&mut *readers[0], "savings").await;
        assert_eq!(again, sums[0], "snapshot {snapshot}: a reader's moment moved");
    }

    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    assert!(commits.load(Ordering::Relaxed) > 0);
    let mut readers = open_readers(&*source, 2).await;
    assert_eq!(sum(&mut *readers[0], "savings").await + sum(&mut *readers[1], "loans").await, TOTAL);
}

#[tokio::test]
async fn a_snapshot_does_not_see_what_is_committed_after_it() {
    for journal in ["wal", "delete"] {
        let bank = bank(journal);
        let source = open_source(&bank.plan()).unwrap();
        let mut readers = open_readers(&*source, 2).await;
        if journal == "wal" {
            bank.connect().execute_batch("update savings set amount = 0").unwrap();
        } else {
            // Without a WAL a snapshot keeps others from committing: they wait, and here they give up at once.
            let writer = bank.connect();
            writer.busy_timeout(std::time::Duration::ZERO).unwrap();
            assert!(writer.execute_batch("update savings set amount = 0").is_err());
        }

        assert_eq!(sum(&mut *readers[1], "savings").await, ACCOUNTS * 100, "{journal}");

        drop(readers);
        bank.connect().execute_batch("update savings set amount = 0").unwrap();
        assert_eq!(sum(&mut *open_readers(&*source, 1).await[0], "savings").await, 0, "{journal}");
    }
}
