//! Rows beside what a server holds of them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};

use super::abandoned::plan;
use super::server::Server;
use crate::control::scenarios::Place;
use crate::given::{batch, compared};
use crate::postgres::destination::open_destination;

/// What is said of a column `v`, of the rows with the keys 1, 2, ….
async fn told(declared: &str, stored: &str, given: ArrayRef) -> Vec<String> {
    let server = Server::new().await;
    let made = format!("create table t (id bigint primary key, v {declared}); insert into t values {stored}");
    server.execute(&made).await.unwrap();
    let destination = open_destination(&plan(&server, 2)).await.unwrap();
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(1..=i64::try_from(given.len()).unwrap()));
    compared(&*destination, &["id"], &batch(vec![("id", ids), ("v", given)])).await
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

const SAME: &str = "[]";
const DIFFERS: &str = "[1]";
const NONE: &str = "-";

#[tokio::test]
async fn nothing_is_neither_empty_nor_zero() {
    let stored = "(1, null), (2, ''), (3, null), (4, '')";
    let given = texts(&[None, Some(""), Some(""), None, None]);
    assert_eq!(told("text", stored, given).await, [SAME, SAME, DIFFERS, DIFFERS, NONE]);
    let given: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(0), Some(0), None]));
    assert_eq!(told("int", "(1, null), (2, 0), (3, null), (4, 0)", given).await, [SAME, SAME, DIFFERS, DIFFERS]);
    let given: ArrayRef = Arc::new(BinaryArray::from(vec![None, Some(&b""[..]), Some(b"\0"), Some(b"a\tb\0")]));
    let stored = r"(1, ''), (2, ''), (3, ''), (4, '\x61096200')";
    assert_eq!(told("bytea", stored, given).await, [DIFFERS, SAME, DIFFERS, SAME]);
}

#[tokio::test]
async fn text_is_compared_by_its_bytes_whatever_its_collation() {
    let stored = "(1, 'Straße'), (2, 'ada'), (3, 'a'), (4, E'a\\tb'), (5, 'ab'), (6, 'é'), (7, null)";
    // A text with a zero byte no column holds, so that it is not what is there.
    let given =
        [Some("Straße"), Some("Ada"), Some("a "), Some("a\tb"), Some("a\0b"), Some("e\u{301}"), Some("\0"), Some("\0")];
    let expected = [SAME, DIFFERS, DIFFERS, SAME, DIFFERS, DIFFERS, DIFFERS, NONE];
    for declared in ["text", "text collate \"en-x-icu\"", "varchar(20)"] {
        assert_eq!(told(declared, stored, texts(&given)).await, expected, "{declared}");
    }
    // Blanks that fill it up are not a difference; what does not fit is.
    let given = [Some("ab"), Some("ab "), Some("ab  "), Some("AB"), Some("abcdef")];
    let stored = "(1, 'ab'), (2, 'ab'), (3, 'abc'), (4, 'ab'), (5, 'abcde')";
    assert_eq!(told("char(5)", stored, texts(&given)).await, [SAME, SAME, DIFFERS, DIFFERS, DIFFERS]);
}

#[tokio::test]
async fn a_collation_that_calls_other_texts_equal_hides_none() {
    let server = Server::new().await;
    let folding = "create collation folding (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         create table t (id bigint primary key, v text collate folding); insert into t values (1, 'ada')";
    server.execute(folding).await.unwrap();
    let destination = open_destination(&plan(&server, 2)).await.unwrap();
    let row = |name| batch(vec![("id", Arc::new(Int64Array::from(vec![1])) as ArrayRef), ("v", texts(&[Some(name)]))]);
    assert_eq!(compared(&*destination, &["id"], &row("ADA")).await, [DIFFERS]);
    assert_eq!(compared(&*destination, &["id"], &row("ada")).await, [SAME]);
}

#[tokio::test]
async fn numbers_are_compared_with_all_that_they_keep() {
    let floats = |values: &[f64]| -> ArrayRef { Arc::new(Float64Array::from(values.to_vec())) };
    let stored = "(1, 0.1), (2, 0), (3, '-0'), (4, 'Infinity'), (5, 'NaN'), (6, 'NaN'), (7, 1)";
    let given = floats(&[0.1 + f64::EPSILON, -0.0, 0.0, f64::INFINITY, -f64::NAN, 1.0, f64::NAN]);
    // To the digests of rows negative zero is zero, and all that is no number is one, and so it is here.
    let expected = [DIFFERS, SAME, SAME, SAME, SAME, DIFFERS, DIFFERS];
    assert_eq!(told("float8", stored, given).await, expected);
    let given = floats(&[0.5, 0.1, f64::NAN]);
    assert_eq!(told("float4", "(1, 0.5), (2, 0.1), (3, 'NaN')", given).await, [SAME, DIFFERS, SAME]);
    let decimals = |units: &[i128], scale| -> ArrayRef {
        Arc::new(Decimal128Array::from(units.to_vec()).with_precision_and_scale(38, scale).unwrap())
    };
    let stored = "(1, 10.5), (2, 10.51), (3, 10.5), (4, null), (5, 'NaN')";
    let given = decimals(&[10_500, 10_500, 10_501, 0, 0], 3);
    assert_eq!(told("numeric(10,2)", stored, given).await, [SAME, DIFFERS, DIFFERS, DIFFERS, DIFFERS]);
    // Without a scale of its own a column keeps the zeros at the end.
    let given = decimals(&[1050, 1050, 1050], 2);
    assert_eq!(told("numeric", "(1, 10.50), (2, 10.5), (3, 10.500)", given).await, [SAME, DIFFERS, DIFFERS]);
    let given: ArrayRef = Arc::new(Int64Array::from(vec![32_767, 32_768, -1]));
    assert_eq!(told("smallint", "(1, 32767), (2, 0), (3, null)", given).await, [SAME, DIFFERS, DIFFERS]);
    let given: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true)]));
    let stored = "(1, true), (2, true), (3, false), (4, null)";
    assert_eq!(told("boolean", stored, given).await, [SAME, DIFFERS, DIFFERS, DIFFERS]);
}

#[tokio::test]
async fn what_a_column_cannot_hold_differs_and_spoils_no_other_row() {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 100_000, 3, -100_000, 100_000]));
    let stored = "(1, 1), (2, 2), (3, 4), (4, null)";
    assert_eq!(told("numeric(5,0)", stored, numbers).await, [SAME, DIFFERS, DIFFERS, DIFFERS, NONE]);
    let documents = texts(&[Some("{}"), Some("{"), Some("[]"), Some("{")]);
    for declared in ["json", "jsonb"] {
        assert_eq!(
            told(declared, "(1, '{}'), (2, '{}'), (3, '{}')", documents.clone()).await,
            [SAME, DIFFERS, DIFFERS, NONE],
            "{declared}"
        );
    }

    let server = Server::new().await;
    let made = "create type mood as enum ('sad', 'ok'); create table t (id mood primary key, v int, w text);
         insert into t values ('ok', 1, 'a'), ('sad', 2, 'b')";
    server.execute(made).await.unwrap();
    let destination = open_destination(&plan(&server, 2)).await.unwrap();
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let given = batch(vec![
        ("v", numbers),
        ("id", texts(&[Some("ok"), Some("glad"), Some("sad")])),
        ("w", texts(&[Some("a"), Some("b"), Some("b")])),
    ]);
    assert_eq!(compared(&*destination, &["id"], &given).await, [SAME, NONE, "[0]"]);
}

#[tokio::test]
async fn moments_are_the_same_in_every_zone() {
    let midnight = 1_707_004_800_000_000;
    let moments = || {
        TimestampMicrosecondArray::from(vec![Some(midnight), Some(midnight), Some(midnight + 1), None, Some(midnight)])
    };
    let stored = "(1, '2024-02-04 00:00:00Z'), (2, '2024-02-03 19:00:00-05'), (3, '2024-02-04 00:00:00Z'), (4, 'infinity'), (5, 'infinity')";
    let expected = [SAME, SAME, DIFFERS, DIFFERS, DIFFERS];
    assert_eq!(told("timestamptz", stored, Arc::new(moments().with_timezone("UTC"))).await, expected);
    let stored =
        "(1, '2024-02-04 00:00:00'), (2, '2024-02-04 00:00:00'), (3, '2024-02-04 00:00:00'), (4, null), (5, null)";
    // A column of whole seconds does not hold the third.
    for declared in ["timestamp", "timestamp(0)"] {
        assert_eq!(
            told(declared, stored, Arc::new(moments())).await,
            [SAME, SAME, DIFFERS, SAME, DIFFERS],
            "{declared}"
        );
    }
    let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(19_757), Some(19_756), None]));
    let stored = "(1, '2024-02-04'), (2, '2024-02-04'), (3, '2024-02-04')";
    assert_eq!(told("date", stored, days).await, [SAME, DIFFERS, DIFFERS]);
}

#[tokio::test]
async fn rows_are_found_by_all_parts_of_their_key() {
    let server = Server::new().await;
    let made = "create table t (a bigint, b text, v text, primary key (a, b));
         insert into t values (1, 'x', 'one'), (1, 'y', 'two'), (2, 'x', 'three')";
    server.execute(made).await.unwrap();
    let destination = open_destination(&plan(&server, 2)).await.unwrap();
    let given = batch(vec![
        ("v", texts(&[Some("two"), Some("one"), Some("three"), Some("one"), Some("one")])),
        ("b", texts(&[Some("y"), Some("x"), Some("y"), Some("X"), Some("\0x")])),
        ("a", Arc::new(Int64Array::from(vec![1, 2, 2, 1, 1]))),
    ]);
    assert_eq!(compared(&*destination, &["a", "b"], &given).await, ["[]", "[0]", "-", "-", "-"]);
    assert_eq!(compared(&*destination, &["b", "a"], &given).await, ["[]", "[0]", "-", "-", "-"]);
    assert_eq!(compared(&*destination, &["a", "b"], &given.slice(0, 0)).await, [""; 0]);
}

#[tokio::test]
async fn many_rows_keep_their_order() {
    let server = Server::new().await;
    let made = "create table t (id bigint primary key, v bigint); insert into t select i, i from generate_series(1, 10000) i where i % 3 <> 0";
    server.execute(made).await.unwrap();
    let destination = open_destination(&plan(&server, 2)).await.unwrap();
    let ids: Vec<i64> = (1..=10_000).rev().collect();
    let values: Vec<i64> = ids.iter().map(|id| if id % 7 == 0 { -id } else { *id }).collect();
    let given = batch(vec![
        ("id", Arc::new(Int64Array::from(ids.clone())) as ArrayRef),
        ("v", Arc::new(Int64Array::from(values))),
    ]);
    let expected: Vec<&str> = ids
        .iter()
        .map(|id| match id {
            _ if id % 3 == 0 => NONE,
            _ if id % 7 == 0 => DIFFERS,
            _ => SAME,
        })
        .collect();
    assert_eq!(compared(&*destination, &["id"], &given).await, expected);
}
