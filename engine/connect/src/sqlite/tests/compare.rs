//! Rows beside what a file holds of them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};

use super::given::{File, batch, compared};
use crate::sqlite::destination::open_destination;

/// What is said of a column `v`, of the rows with the keys 1, 2, ….
async fn told(declared: &str, stored: &str, given: ArrayRef) -> Vec<String> {
    let file =
        File::new(&format!("create table t (id integer primary key, v {declared}); insert into t values {stored}"));
    let destination = open_destination(&file.plan()).unwrap();
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(1..=i64::try_from(given.len()).unwrap()));
    let held = compared(&*destination, &["id"], &batch(vec![("id", ids), ("v", given)])).await;
    assert_eq!(file.number("select count(*) from t where id > 0"), file.number("select count(*) from t"));
    held
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
    assert_eq!(told("integer", "(1, null), (2, 0), (3, null), (4, 0)", given).await, [SAME, SAME, DIFFERS, DIFFERS]);
    let given: ArrayRef = Arc::new(BinaryArray::from(vec![None, Some(&b""[..]), Some(b"\0"), Some(b"a\tb")]));
    assert_eq!(
        told("blob", "(1, x''), (2, x''), (3, x''), (4, x'610962')", given).await,
        [DIFFERS, SAME, DIFFERS, SAME]
    );
}

#[tokio::test]
async fn text_is_compared_by_its_bytes_whatever_its_collation() {
    let stored =
        "(1, 'Straße'), (2, 'ada'), (3, 'a'), (4, 'a' || char(9) || 'b'), (5, 'a' || char(0) || 'b'), (6, 'é')";
    let given = [Some("Straße"), Some("Ada"), Some("a "), Some("a\tb"), Some("a\0c"), Some("e\u{301}")];
    let expected = [SAME, DIFFERS, DIFFERS, SAME, DIFFERS, DIFFERS];
    for collation in ["", "collate nocase", "collate rtrim"] {
        assert_eq!(told(&format!("text {collation}"), stored, texts(&given)).await, expected, "{collation}");
    }
}

#[tokio::test]
async fn an_update_changes_what_only_a_collation_calls_the_same() {
    let held = super::given::Held::new("create table people (id integer primary key, name text collate nocase)").await;
    let rows = |name| vec![super::given::rows(&[1], &[("name", &[Some(name)])])];
    held.commit(transload_model::Unit { inserts: rows("ada"), ..held.unit() }).await.unwrap();
    held.commit(transload_model::Unit { updates: rows("Ada"), after: Some(1), ..held.unit() }).await.unwrap();
    assert_eq!(held.file.texts("select name from people"), ["Ada"]);
}

#[tokio::test]
async fn numbers_are_what_the_column_makes_of_them() {
    let floats = |values: &[f64]| -> ArrayRef { Arc::new(Float64Array::from(values.to_vec())) };
    let stored = "(1, 0.1), (2, 0.0), (3, -0.0), (4, 9e999), (5, 1.5), (6, 1.0)";
    let given = floats(&[0.1 + f64::EPSILON, -0.0, 0.0, f64::INFINITY, 1.5, 1.0]);
    assert_eq!(told("real", stored, given).await, [DIFFERS, SAME, SAME, SAME, SAME, SAME]);
    // What is no number SQLite does not hold, so that it is not what is there.
    assert_eq!(told("real", "(1, null), (2, 1.0)", floats(&[f64::NAN, f64::NAN])).await, [DIFFERS, DIFFERS]);
    let decimals = |units: &[i128], scale| -> ArrayRef {
        Arc::new(Decimal128Array::from(units.to_vec()).with_precision_and_scale(20, scale).unwrap())
    };
    let stored = "(1, '10.50'), (2, 10.5), (3, 10), (4, 10.51)";
    assert_eq!(
        told("numeric(10,2)", stored, decimals(&[1050, 1050, 1000, 1050], 2)).await,
        [SAME, SAME, SAME, DIFFERS]
    );
    // In a column of text a number is its text.
    assert_eq!(told("text", "(1, '10.50'), (2, '10.5')", decimals(&[1050, 1050], 2)).await, [SAME, DIFFERS]);
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true)]));
    assert_eq!(told("boolean", "(1, 1), (2, 1), (3, 0), (4, null)", flags).await, [SAME, DIFFERS, DIFFERS, DIFFERS]);
}

#[tokio::test]
async fn moments_are_compared_as_they_are_written() {
    let stored = "(1, '2024-02-04T00:00:00'), (2, '2024-02-04 00:00:00'), (3, '2024-02-04T00:00:00.5')";
    let midnight = 1_707_004_800_000_000;
    let moments = || TimestampMicrosecondArray::from(vec![midnight, midnight, midnight + 500_000]);
    // Another spelling is written anew: whoever reads the column as text sees one of them only.
    assert_eq!(told("timestamp", stored, Arc::new(moments())).await, [SAME, DIFFERS, SAME]);
    let stored = "(1, '2024-02-04T00:00:00Z'), (2, '2024-02-04T01:00:00+01:00'), (3, '2024-02-04T00:00:00.5Z')";
    assert_eq!(told("timestamptz", stored, Arc::new(moments().with_timezone("UTC"))).await, [SAME, DIFFERS, SAME]);
    let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(19_757), Some(19_756), None]));
    assert_eq!(
        told("date", "(1, '2024-02-04'), (2, '2024-02-04'), (3, '2024-02-04')", days).await,
        [SAME, DIFFERS, DIFFERS]
    );
}

#[tokio::test]
async fn rows_are_found_by_all_parts_of_their_key() {
    let file = File::new(
        "create table t (a integer, b text, v text, primary key (a, b)) without rowid;
         insert into t values (1, 'x', 'one'), (1, 'y', 'two'), (2, 'x', 'three')",
    );
    let destination = open_destination(&file.plan()).unwrap();
    let given = batch(vec![
        ("v", texts(&[Some("two"), Some("one"), Some("three"), Some("one")])),
        ("b", texts(&[Some("y"), Some("x"), Some("y"), Some("X")])),
        ("a", Arc::new(Int64Array::from(vec![1, 2, 2, 1]))),
    ]);
    assert_eq!(compared(&*destination, &["a", "b"], &given).await, ["[]", "[0]", "-", "-"]);
    // The columns that are given last make the key's order no other.
    assert_eq!(compared(&*destination, &["b", "a"], &given).await, ["[]", "[0]", "-", "-"]);
    assert_eq!(compared(&*destination, &["a", "b"], &given.slice(0, 0)).await, [""; 0]);
}
