//! Reads that ask for some rows only, and are given those and no others.

use transload_model::{KeyBytes, KeyRange, KeyValue, LogicalType, Only, ReadColumn, ReadRequest};

use super::abandoned::plan;
use super::server::Server;
use crate::control::scenarios::Place;
use crate::given::{column, integer, lines, only_keys, read_all, request, stays_failed, text};
use crate::postgres::source::open_source;

async fn filled(sql: &str) -> Server {
    let server = Server::new().await;
    server.execute(sql).await.unwrap();
    server
}

async fn read(server: &Server, request: ReadRequest) -> Vec<String> {
    let source = open_source(&plan(server, 2)).await.unwrap();
    let mut reader = source.snapshot(&[], 1).await.unwrap().reader().await.unwrap();
    lines(&read_all(&mut *reader, request).await)
}

#[tokio::test]
async fn a_reader_that_failed_stays_failed() {
    let server = filled("create view t as select no, 1 / (6 - no) as it from generate_series(1, 7) no").await;
    let source = open_source(&plan(&server, 2)).await.unwrap();
    let mut reader = source.snapshot(&[], 1).await.unwrap().reader().await.unwrap();
    stays_failed(&mut *reader, request("t", &[("no", LogicalType::Integer), ("it", LogicalType::Integer)], 1)).await;
}

const MICROS: i64 = 1_000_000;

/// 2024-02-04, at midnight in UTC.
const DAY: i64 = 19_757;
const MIDNIGHT: i64 = DAY * 86_400 * MICROS;

#[tokio::test]
async fn text_keys_are_found_and_ordered_by_their_bytes() {
    let server = filled(
        "create table t (k text collate \"en-x-icu\", c char(3) not null, no int);
         insert into t values ('b', 'b', 1), ('A', 'a', 2), ('a', 'A', 3), ('', '', 4), ('É', 'é', 5), (null, 'n', 6), (E'a\\tb', 'z', 7), ('Z', 'zz', 8)",
    )
    .await;
    let by_text = request("t", &[("k", LogicalType::Text), ("no", LogicalType::Integer)], 1);
    let keys = only_keys(&[
        &[text("É")],
        &[text("a")],
        &[text("A")],
        &[text("")],
        &[text("a\tb")],
        &[text("Z")],
        &[text("none")],
    ]);
    let asked = ReadRequest { only: keys, ..by_text };
    assert_eq!(read(&server, asked.clone()).await, [" 4", "A 2", "Z 8", "a 3", "a\tb 7", "É 5"]);
    // Within a range, and behind a key.
    let key = |value: &'static str| Some(KeyBytes::encode(&[text(value)]));
    let range = KeyRange { from: key("A"), to: key("a\tb") };
    let within = ReadRequest { range, ..asked.clone() };
    assert_eq!(read(&server, within.clone()).await, ["A 2", "Z 8", "a 3"]);
    assert_eq!(read(&server, ReadRequest { after: key("A"), ..within }).await, ["Z 8", "a 3"]);
    // With its blanks, which are a part of the key.
    let by_char = request("t", &[("c", LogicalType::Text), ("no", LogicalType::Integer)], 1);
    let keys = only_keys(&[&[text("a  ")], &[text("   ")], &[text("zz ")], &[text("b")]]);
    assert_eq!(read(&server, ReadRequest { only: keys, ..by_char }).await, ["    4", "a   2", "zz  8"]);
}

#[tokio::test]
async fn keys_of_several_parts_are_found_by_all_of_them() {
    let server = filled(
        "create table t (a bigint, b text, c date, no int);
         insert into t values (1, 'x', '2024-02-04', 1), (1, 'y', '2024-02-04', 2), (2, 'x', '2024-02-05', 3), (2, 'y', '2024-02-04', 4),
             (10, 'x', '2024-02-04', 5), (1, null, '2024-02-04', 6), (-1, 'x', 'infinity', 7), (1, 'X', '2024-02-04', 8)",
    )
    .await;
    let columns =
        [("a", LogicalType::Integer), ("b", LogicalType::Text), ("c", LogicalType::Date), ("no", LogicalType::Integer)];
    let day = |days: i64| KeyValue::Date(i32::try_from(DAY + days).unwrap());
    let keys = only_keys(&[
        &[integer(1), text("x"), day(0)],
        &[integer(2), text("x"), day(0)],
        &[integer(2), text("x"), day(1)],
        &[integer(10), text("x"), day(0)],
    ]);
    let asked = ReadRequest { only: keys, ..request("t", &columns, 3) };
    assert_eq!(read(&server, asked.clone()).await, ["1 x 2024-02-04 1", "2 x 2024-02-05 3", "10 x 2024-02-04 5"]);
    let after = Some(KeyBytes::encode(&[integer(1), text("x"), day(0)]));
    assert_eq!(read(&server, ReadRequest { after, ..asked.clone() }).await, ["2 x 2024-02-05 3", "10 x 2024-02-04 5"]);
    assert_eq!(
        read(&server, ReadRequest { only: only_keys(&[&[integer(7), text("x"), day(0)]]), ..asked }).await,
        [""; 0]
    );
}

#[tokio::test]
async fn keys_of_every_type_are_found() {
    let server = filled(
        "create table t (i smallint, u uuid, at timestamp, day date);
         insert into t values (-5, '0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11', '2024-02-04 00:00:00.000001', '2024-02-04'),
             (7, 'ffffffff-5d43-4f0e-9a3c-6d8f0f3f2c11', '1969-12-31 23:59:59.5', '0001-01-01 BC'), (8, null, null, null)",
    )
    .await;
    let uuid = uuid::Uuid::parse_str("0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11").unwrap();
    let cases = [
        ("i", LogicalType::Integer, vec![integer(-5), integer(7), integer(40_000)], vec!["-5", "7"]),
        ("u", LogicalType::Uuid, vec![KeyValue::Uuid(*uuid.as_bytes())], vec!["0b6ff3a25d434f0e9a3c6d8f0f3f2c11"]),
        (
            "at",
            LogicalType::Timestamp,
            vec![KeyValue::Timestamp(MIDNIGHT + 1), KeyValue::Timestamp(-MICROS / 2), KeyValue::Timestamp(MIDNIGHT)],
            vec!["1969-12-31T23:59:59.500", "2024-02-04T00:00:00.000001"],
        ),
        ("day", LogicalType::Date, vec![KeyValue::Date(i32::try_from(DAY).unwrap())], vec!["2024-02-04"]),
    ];
    for (name, logical, keys, expected) in cases {
        let keys: Vec<[KeyValue<'_>; 1]> = keys.into_iter().map(|key| [key]).collect();
        let keys: Vec<&[KeyValue<'_>]> = keys.iter().map(|key| &key[..]).collect();
        let asked = ReadRequest { only: only_keys(&keys), ..request("t", &[(name, logical)], 1) };
        assert_eq!(read(&server, asked).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_cursor_gives_what_is_not_below_it_and_what_has_no_place() {
    let moments = "(1, '2024-02-03 23:59:59.999999'), (2, '2024-02-04 00:00:00'), (3, '2024-02-04 00:00:00.000001'), (4, null), (5, 'infinity'),
        (6, '-infinity'), (7, '1970-01-01')";
    let days = "(1, '2024-02-03'), (2, '2024-02-04'), (3, '2031-01-01'), (4, null), (5, 'infinity'), (6, '-infinity'), (7, '0044-03-15 BC')";
    let cases = [
        ("timestamp", LogicalType::Timestamp, MIDNIGHT, moments),
        ("timestamptz", LogicalType::Timestamptz, MIDNIGHT, moments),
        ("date", LogicalType::Date, DAY, days),
    ];
    for (declared, logical, from, values) in cases {
        let server = filled(&format!(
            "set timezone = 'UTC'; create table t (no int, upd {declared}); insert into t values {values}; insert into t values (null, 'infinity'), (null, '1970-01-01')"
        ))
        .await;
        let only = Only::Since { column: ReadColumn { name: column("upd"), logical }, from };
        let asked = ReadRequest { only, ..request("t", &[("no", LogicalType::Integer)], 1) };
        let mut found = read(&server, asked.clone()).await;
        found.sort();
        assert_eq!(found, ["2", "3", "4", "5", "6", "NULL", "NULL"], "{declared}");
        // Rows without a key are in the range that begins with the first, and only there.
        let key = |number| Some(KeyBytes::encode(&[integer(number)]));
        let first = ReadRequest { range: KeyRange { from: None, to: key(4) }, ..asked.clone() };
        let mut found = read(&server, first).await;
        found.sort();
        assert_eq!(found, ["2", "3", "NULL", "NULL"], "{declared}");
        let last = ReadRequest { range: KeyRange { from: key(4), to: None }, after: key(4), ..asked };
        assert_eq!(read(&server, last).await, ["5", "6"], "{declared}");
        // What lies before everything leaves nothing out.
        let column = ReadColumn { name: column("upd"), logical };
        let all = ReadRequest {
            only: Only::Since { column, from: i64::MIN },
            ..request("t", &[("no", LogicalType::Integer)], 1)
        };
        assert_eq!(read(&server, all).await.len(), 9, "{declared}");
    }
}
