//! Reads that ask for some rows only. SQLite may give more than was asked for, where it cannot tell; it must never give less.

use transload_model::{KeyValue, LogicalType, Only, ReadColumn, ReadRequest};

use super::given::{File, column, integer, lines, only_keys, read_all, request, text};
use crate::sqlite::source::open_source;

async fn read(file: &File, request: ReadRequest) -> Vec<String> {
    let mut reader = open_source(&file.plan()).unwrap().snapshot(&[], 1).await.unwrap().reader().await.unwrap();
    lines(&read_all(&mut *reader, request).await)
}

const MICROS: i64 = 1_000_000;

/// 2024-02-04, at midnight in UTC.
const DAY: i64 = 19_757;
const MIDNIGHT: i64 = DAY * 86_400 * MICROS;

#[tokio::test]
async fn rows_of_integer_keys_are_given_and_no_others() {
    let file = File::new(
        "create table t (no integer not null unique, label text);
         insert into t values (7, 'g'), (-3, 'a'), (9223372036854775807, 'z'), (-9223372036854775808, 'y'), (12, 'h'), (5, 'e')",
    );
    let wanted = request("t", &[("no", LogicalType::Integer), ("label", LogicalType::Text)], 1);
    let ask = |keys: &[i64]| {
        let keys: Vec<[KeyValue<'_>; 1]> = keys.iter().map(|key| [integer(*key)]).collect();
        let keys: Vec<&[KeyValue<'_>]> = keys.iter().map(|key| &key[..]).collect();
        ReadRequest { only: only_keys(&keys), ..wanted.clone() }
    };

    let found = read(&file, ask(&[12, 7, 8, i64::MAX, i64::MIN])).await;

    assert_eq!(found, ["-9223372036854775808 y", "7 g", "12 h", "9223372036854775807 z"]);
    assert_eq!(read(&file, ask(&[6])).await, [""; 0]);
    assert_eq!(read(&file, ask(&[])).await, [""; 0]);
}

#[tokio::test]
async fn no_row_of_another_key_is_left_out() {
    let file = File::new(
        "create table t (a integer, b text collate nocase, c timestamp, primary key (a, b));
         insert into t values (1, 'x', '2024-02-04T00:00:00'), (3, 'X', '2024-02-04'), (2, '', '2024-02-05 00:00:00.0'), (10, 'é', null)",
    );
    let columns = [("a", LogicalType::Integer), ("b", LogicalType::Text), ("c", LogicalType::Timestamp)];
    let cases = [
        (request("t", &columns, 2), only_keys(&[&[integer(3), text("X")], &[integer(2), text("")]]), vec!["3 X", "2 "]),
        (request("t", &columns[1..], 1), only_keys(&[&[text("x")], &[text("é")], &[text("none")]]), vec!["x ", "é "]),
        (
            request("t", &columns[2..], 1),
            only_keys(&[&[KeyValue::Timestamp(MIDNIGHT)], &[KeyValue::Timestamp(MIDNIGHT + 1)]]),
            vec!["2024-02-04T00:00:00"],
        ),
    ];
    for (request, only, expected) in cases {
        let found = read(&file, ReadRequest { only, ..request }).await;
        for line in expected {
            assert!(found.iter().any(|found| found.starts_with(line)), "{line:?} is not in {found:?}");
        }
    }
}

/// The numbers of the rows that are given.
async fn since(declared: &str, (logical, from): (LogicalType, i64), values: &str) -> Vec<String> {
    let file =
        File::new(&format!("create table t (no integer primary key, upd {declared}); insert into t values {values}"));
    let cursor = ReadColumn { name: column("upd"), logical };
    let only = Only::Since { column: cursor, from };
    read(&file, ReadRequest { only, ..request("t", &[("no", LogicalType::Integer)], 1) }).await
}

#[tokio::test]
async fn a_cursor_leaves_out_only_what_is_certainly_older() {
    let values = "(1, '2024-02-03 23:59:59.999'), (2, '2024-02-04 00:00:00'), (3, '2024-02-04T00:00:00.000001'), (4, null),
        (5, 'yesterday'), (6, 1707004800), (7, '2031-01-01'), (8, '2024-02-02'), (9, ''), (10, x'00'), (11, '12024-01-01 00:00:00')";
    let kept = ["2", "3", "4", "5", "6", "7", "9", "10", "11"];
    assert_eq!(since("timestamp", (LogicalType::Timestamp, MIDNIGHT), values).await, kept);
    assert_eq!(since("date", (LogicalType::Date, DAY), values).await, kept);
    // A day is the least that it tells apart.
    assert_eq!(since("timestamp", (LogicalType::Timestamp, MIDNIGHT + 3_600 * MICROS), values).await, kept);
    let all = since("timestamp", (LogicalType::Timestamp, i64::MIN), values).await;
    assert_eq!(all.len(), 11);
}

/// In a zone behind UTC it is still the day before.
#[tokio::test]
async fn a_moment_is_looked_for_in_every_zone() {
    let values = "(1, '2024-02-04T00:00:00Z'), (2, '2024-02-03T19:00:00-05:00'), (3, '2024-02-03T12:00:00.5-12:00'), (4, '2024-02-02T01:00:00Z'),
        (5, '2024-02-04T13:59:59+14:00')";
    let found = since("timestamptz", (LogicalType::Timestamptz, MIDNIGHT), values).await;
    for number in ["1", "2", "3"] {
        assert!(found.iter().any(|found| found == number), "{number} is not in {found:?}");
    }
    assert!(!found.contains(&"4".to_owned()), "{found:?}");
}
