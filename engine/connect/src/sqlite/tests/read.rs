//! Reading in key order, and going on behind a key.

use transload_model::{Code, Counted, KeyBytes, KeyValue, LogicalType, ReadRequest, SourceBatch};

use super::given::{File, integer, read_all, request, stays_failed, text};
use crate::sqlite::source::open_source;
use crate::sqlite::types::Bound;

/// The cells of each row, as SQLite would store them.
fn shown(batches: &[SourceBatch]) -> Vec<String> {
    let mut lines = Vec::new();
    for batch in batches {
        for row in 0..batch.rows.num_rows() {
            let cell = |column| match Bound::new(column, false).unwrap().value(row) {
                rusqlite::types::Value::Null => "NULL".to_owned(),
                rusqlite::types::Value::Integer(number) => number.to_string(),
                rusqlite::types::Value::Text(text) => text,
                other => format!("{other:?}"),
            };
            lines.push(batch.rows.columns().iter().map(cell).collect::<Vec<_>>().join(" "));
        }
    }
    lines
}

async fn read(file: &File, request: ReadRequest) -> Vec<String> {
    let mut reader = open_source(&file.plan()).unwrap().snapshot(&[], 1).await.unwrap().reader().await.unwrap();
    shown(&read_all(&mut *reader, request).await)
}

/// Reads everything, and then behind each of the keys: what follows in the whole must come, and the rows without a key.
async fn check(file: &File, request: ReadRequest, expected: &[(Option<KeyBytes>, &str)]) {
    let whole = read(file, request.clone()).await;
    assert_eq!(whole, expected.iter().map(|(_, line)| *line).collect::<Vec<_>>());
    for after in expected.iter().filter_map(|(key, _)| key.clone()) {
        let is_behind = |key: &Option<KeyBytes>| key.as_ref().is_none_or(|key| *key > after);
        let rest: Vec<&str> = expected.iter().filter(|(key, _)| is_behind(key)).map(|(_, line)| *line).collect();

        let mut found = read(file, ReadRequest { after: Some(after.clone()), ..request.clone() }).await;

        // What lies before may come again.
        found.retain(|line| rest.contains(&&**line));
        assert_eq!(found, rest, "behind {}", after.text());
    }
}

fn key(parts: &[KeyValue<'_>]) -> Option<KeyBytes> {
    Some(KeyBytes::encode(parts))
}

#[tokio::test]
async fn row_ids_come_in_order() {
    let file = File::new(
        "create table t (no integer primary key, label text);
         insert into t values (7, 'g'), (-3, 'a'), (0, 'b'), (9223372036854775807, 'z'), (12, 'h')",
    );
    let expected = [(-3, "-3 a"), (0, "0 b"), (7, "7 g"), (12, "12 h"), (i64::MAX, "9223372036854775807 z")]
        .map(|(no, line)| (key(&[integer(no)]), line));
    let request = request("t", &[("no", LogicalType::Integer), ("label", LogicalType::Text)], 1);
    check(&file, request.clone(), &expected).await;
    let behind = ReadRequest { after: key(&[integer(7)]), ..request };
    assert_eq!(read(&file, behind).await, ["12 h", "9223372036854775807 z"], "a row id is looked up, not searched");
}

#[tokio::test]
async fn composite_keys_come_in_order_part_by_part() {
    let file = File::new(
        "create table t (a integer not null, b text not null, primary key (b, a));
         insert into t values (2, 'x'), (10, 'a'), (2, 'b'), (1, 'z'), (10, ''), (2, 'ab')",
    );
    let expected = [(1, "z"), (2, "ab"), (2, "b"), (2, "x"), (10, ""), (10, "a")];
    let lines = expected.map(|(a, b)| format!("{a} {b}"));
    let expected: Vec<_> =
        expected.iter().zip(&lines).map(|((a, b), line)| (key(&[integer(*a), text(b)]), &**line)).collect();
    check(&file, request("t", &[("a", LogicalType::Integer), ("b", LogicalType::Text)], 2), &expected).await;
}

#[tokio::test]
async fn text_comes_in_the_order_of_its_bytes_whatever_its_collation() {
    let file = File::new(
        "create table t (k text collate nocase primary key) without rowid;
         insert into t values ('b'), ('A'), ('C'), ('Zz'), ('a1'), ('É'), ('_'), ('')",
    );
    let expected = ["", "A", "C", "Zz", "_", "a1", "b", "É"].map(|k| (key(&[text(k)]), k));
    check(&file, request("t", &[("k", LogicalType::Text)], 1), &expected).await;
}

#[tokio::test]
async fn rows_without_a_key_come_whenever_reading_goes_on() {
    let file = File::new(
        "create table t (k int, m int);
         insert into t values (1, 1), (null, 5), (2, null), (2, 1), (3, 0), (1.5, 8), ('x', 9), (x'01', 7)",
    );
    let all = [
        (None, "NULL 5"),
        (key(&[integer(1), integer(1)]), "1 1"),
        (None, "NULL 8"),
        (None, "2 NULL"),
        (key(&[integer(2), integer(1)]), "2 1"),
        (key(&[integer(3), integer(0)]), "3 0"),
        (None, "NULL 9"),
        (None, "NULL 7"),
    ];
    check(&file, request("t", &[("k", LogicalType::Integer), ("m", LogicalType::Integer)], 2), &all).await;
}

#[tokio::test]
async fn text_that_is_not_utf8_is_no_key() {
    let file = File::new(
        "create table t (k text primary key not null);
         insert into t values ('b'), (cast(x'61ff' as text)), ('c'), ('a')",
    );
    let all = [(key(&[text("a")]), "a"), (None, "NULL"), (key(&[text("b")]), "b"), (key(&[text("c")]), "c")];
    check(&file, request("t", &[("k", LogicalType::Text)], 1), &all).await;
}

#[tokio::test]
async fn timestamps_are_moments_however_they_are_written() {
    let file = File::new(
        "create table t (at timestamp, no int);
         insert into t values ('2024-02-03 11:00:00', 2), ('2024-02-03T12:00:00', 3), ('2024-02-02 10:00:00.500', 1)",
    );
    let moment = |hour: i64| 1_706_918_400_000_000 + hour * 3_600_000_000;
    let all = [
        (key(&[KeyValue::Timestamp(moment(-14) + 500_000)]), "2024-02-02T10:00:00.5 1"),
        (key(&[KeyValue::Timestamp(moment(11))]), "2024-02-03T11:00:00 2"),
        (key(&[KeyValue::Timestamp(moment(12))]), "2024-02-03T12:00:00 3"),
    ];
    check(&file, request("t", &[("at", LogicalType::Timestamp), ("no", LogicalType::Integer)], 1), &all).await;
}

#[tokio::test]
async fn uuids_are_the_same_as_text_and_as_bytes() {
    let texts = ["0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11", "1b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11"];
    let keys = [0x0b, 0x1b].map(|first| {
        let rest = [0x6f, 0xf3, 0xa2, 0x5d, 0x43, 0x4f, 0x0e, 0x9a, 0x3c, 0x6d, 0x8f, 0x0f, 0x3f, 0x2c, 0x11];
        let mut bytes = [first; 16];
        bytes[1..].copy_from_slice(&rest);
        key(&[KeyValue::Uuid(bytes)])
    });
    let expected: Vec<_> = keys.into_iter().zip(texts).collect();
    for form in ["'{}'", "x'{}'"] {
        let file = File::new("create table t (id uuid)");
        for text in texts {
            let value = if form.starts_with('x') { text.replace('-', "") } else { text.to_owned() };
            let sql = format!("insert into t values ({})", form.replace("{}", &value));
            file.connect().execute_batch(&sql).unwrap();
        }
        check(&file, request("t", &[("id", LogicalType::Uuid)], 1), &expected).await;
    }
}

#[tokio::test]
async fn a_cell_of_another_type_is_told_beside_its_batch() {
    let file = File::new(
        "create table t (no integer primary key, born date);
         insert into t values (1, '2000-01-02'), (2, 'soon'), (3, null), (4, 20000102), (5, '2000-01-03')",
    );
    let mut reader = open_source(&file.plan()).unwrap().snapshot(&[], 1).await.unwrap().reader().await.unwrap();
    let request = request("t", &[("no", LogicalType::Integer), ("born", LogicalType::Date)], 1);

    let batches = read_all(&mut *reader, request).await;

    assert_eq!(shown(&batches), ["1 2000-01-02", "2 NULL", "3 NULL", "4 NULL", "5 2000-01-03"]);
    let faults: Vec<_> = batches.iter().map(|batch| batch.faults.iter().map(|f| (f.row, f.column, f.code))).collect();
    let faults: Vec<Vec<_>> = faults.into_iter().map(Iterator::collect).collect();
    assert_eq!(faults, [vec![(1, 1, Code::ValueFormat)], vec![(0, 1, Code::ValueType)]]);
    assert!(!batches[0].faults[0].message.contains("soon"), "a value is told: {}", batches[0].faults[0].message);
}

#[tokio::test]
async fn a_new_read_drops_what_was_left_of_the_one_before() {
    let file = File::new(
        "create table t (no integer primary key);
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000) insert into t select i from n",
    );
    let mut reader = open_source(&file.plan()).unwrap().snapshot(&[], 1).await.unwrap().reader().await.unwrap();
    let request = request("t", &[("no", LogicalType::Integer)], 1);
    reader.read(request.clone()).await.unwrap();
    assert_eq!(shown(&[reader.next().await.unwrap().unwrap()]), ["1", "2", "3"]);

    let behind = ReadRequest { after: key(&[integer(998)]), ..request };

    assert_eq!(shown(&read_all(&mut *reader, behind).await), ["999", "1000"]);
    assert!(reader.next().await.unwrap().is_none());
}

#[tokio::test]
async fn keys_that_occur_more_than_once_are_counted() {
    let file = File::new(
        "create table t (a int, b int);
         insert into t values (1, 1), (1, 2), (1, 1), (2, 1), (2, 1), (2, 1), (null, 1), (null, 1)",
    );
    let mut reader = open_source(&file.plan()).unwrap().snapshot(&[], 1).await.unwrap().reader().await.unwrap();
    let table = transload_model::Relation::all(super::given::table("t"));
    let count = reader.count_repeated_keys(&table, &super::given::columns(&["a", "b"])).await.unwrap();
    assert_eq!(count, 2, "(1, 1) and (2, 1)");
    assert_eq!(reader.estimate(&table).await.unwrap(), Some(Counted { rows: 8, is_estimate: false }));
}

#[tokio::test]
async fn a_reader_that_failed_stays_failed() {
    let file = File::new(
        "create table t (no integer primary key); insert into t values (1), (2), (3), (4), (5), (6), (7);
         create view v as select no, abs(case no when 6 then -9223372036854775808 else no end) as it from t",
    );
    let mut reader = open_source(&file.plan()).unwrap().snapshot(&[], 1).await.unwrap().reader().await.unwrap();
    stays_failed(&mut *reader, request("v", &[("no", LogicalType::Integer), ("it", LogicalType::Integer)], 1)).await;
}
