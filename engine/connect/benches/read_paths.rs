//! How rows are read fastest from PostgreSQL: by `fetch` of raw binary values, or by binary `COPY … TO STDOUT`.
//!
//! Both read the same table in turn and look at every value. Printed are medians of five rounds: seconds on the clock, and seconds of this
//! process's CPU. Run with
//!
//! ```sh
//! TRANSLOAD_BENCH_TABLE=orders TRANSLOAD_BENCH_URL='postgres://user@127.0.0.1/database?sslmode=disable' \
//!     cargo bench -p transload-connect --bench read_paths
//! ```
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark asks the machine and prints"
)]
#![allow(missing_docs, unused_crate_dependencies, reason = "a benchmark is no library")]

use std::time::Instant;

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

const ROUNDS: usize = 5;

/// What was seen, so that nothing is optimised away and both can be compared.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Seen {
    rows: u64,
    nulls: u64,
    bytes: u64,
}

async fn fetch(connection: &mut PgConnection, table: &str) -> Seen {
    let mut seen = Seen::default();
    let query = sqlx::query(AssertSqlSafe(format!("select * from {table}"))).persistent(false);
    let mut rows = query.fetch(connection);
    while let Some(row) = rows.try_next().await.unwrap() {
        seen.rows += 1;
        for column in 0..row.len() {
            match row.try_get_raw(column).unwrap().as_bytes() {
                Ok(bytes) => seen.bytes += bytes.len() as u64,
                Err(_) => seen.nulls += 1,
            }
        }
    }
    seen
}

async fn copy(connection: &mut PgConnection, table: &str) -> Seen {
    let mut seen = Seen::default();
    let statement = format!("copy {table} to stdout (format binary)");
    let mut messages = connection.copy_out_raw(&statement).await.unwrap();
    let mut is_first = true;
    while let Some(message) = messages.try_next().await.unwrap() {
        // The header comes before the first row, in the same message.
        let mut rest = if std::mem::take(&mut is_first) { &message[19..] } else { &message[..] };
        while let Some((count, after)) = rest.split_first_chunk::<2>() {
            rest = after;
            let Ok(count) = u16::try_from(i16::from_be_bytes(*count)) else { break };
            seen.rows += 1;
            for _ in 0..count {
                let (length, after) = rest.split_first_chunk::<4>().unwrap();
                let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
                    seen.nulls += 1;
                    rest = after;
                    continue;
                };
                seen.bytes += length as u64;
                rest = &after[length..];
            }
        }
    }
    seen
}

/// Seconds of CPU that this process took.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let variable = |name: &str| std::env::var(name).unwrap();
    let (url, table) = (variable("TRANSLOAD_BENCH_URL"), variable("TRANSLOAD_BENCH_TABLE"));
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let mut times: [(Vec<f64>, Vec<f64>); 2] = Default::default();
    let mut seen = [Seen::default(); 2];
    for round in 0..=ROUNDS {
        for (path, (clock, used)) in times.iter_mut().enumerate() {
            let (started, before) = (Instant::now(), cpu());
            seen[path] =
                if path == 0 { fetch(&mut connection, &table).await } else { copy(&mut connection, &table).await };
            // The first round warms the server up.
            if round > 0 {
                clock.push(started.elapsed().as_secs_f64());
                used.push(cpu() - before);
            }
        }
        assert_eq!(seen[0], seen[1], "the two paths saw different rows");
    }
    let [fetch, copy] = times.map(|(clock, used)| (median(clock), median(used)));
    println!("{:?}", seen[0]);
    println!("fetch  {:.3} s, client CPU {:.2} s", fetch.0, fetch.1);
    println!("copy   {:.3} s, client CPU {:.2} s", copy.0, copy.1);
    println!("fetch / copy: {:.2} on the clock, {:.2} of client CPU", fetch.0 / copy.0, fetch.1 / copy.1);
}
