//! What becomes of a row depends on the row alone: not on its neighbours, their order, or where a batch is cut.

use arrow::array::{Array as _, ArrayRef, UInt32Array};
use arrow::compute::{concat, take};
use arrow::record_batch::RecordBatch;
use proptest::prelude::*;
use serde_json::{Value, json};
use transload_model::{CellFault, Code};

use super::boundaries::any_column;
use super::given::{Compiled, Given, batch, line, logical, texts};

/// An entity with something of everything.
fn entity() -> Compiled {
    Given::reading(&[("id", "integer"), ("name", "text"), ("amount", "decimal(20,4)"), ("day", "timestamp")])
        .field("id", &[0], "text")
        .field("name", &[1], "text")
        .call("trimmed", json!({}))
        .call("title", json!({}))
        .field("number", &[1], "integer")
        .call("digits", json!({}))
        .call("to_int", json!({}))
        .with(|field| field.default = Some(Value::from(0)))
        .field("amount", &[2], "decimal(18,2)")
        .field("day", &[3], "date")
        .field("mapped", &[0], "text")
        .call("value_map", json!({ "map": { "1": "one", "2": "two" }, "on_unmapped": "keep" }))
        .field("joined", &[0, 1, 2, 3], "text")
        .call("concat", json!({ "separator": "|" }))
        .field("scripted", &[1], "text")
        .script("if value == () { return 1; } let n = row.id; if n == 1 { throw \"one\"; } if n == 2 { [] } else if n == 3 { value.len() } else { trimmed(value) }")
        .field("library", &[1], "text")
        .call("collapse_spaces", json!({}))
        .call("upper", json!({}))
        .compiled()
}

/// A row's fate: the texts of its fields, or its fault.
fn fates(entity: &mut Compiled, rows: &RecordBatch, faults: &[CellFault]) -> Vec<String> {
    let done = entity.entity.transform(rows, faults);
    let columns: Vec<Vec<Option<String>>> =
        entity.plan.fields.iter().zip(&done.columns).map(|(field, values)| texts(values, field.data_type)).collect();
    let mut fates: Vec<String> = (0..rows.num_rows())
        .map(|row| format!("{:?}", columns.iter().map(|column| &column[row]).collect::<Vec<_>>()))
        .collect();
    for fault in &done.faults {
        let nulls = done.columns.iter().all(|column| column.is_null(fault.row));
        assert!(nulls, "a failed row holds nothing");
        let place = format!("{} ", fault.row);
        fates[fault.row] = format!("{} {}", line(fault).trim_start_matches(&place), fault.message);
    }
    fates
}

fn rows() -> impl Strategy<Value = (Vec<ArrayRef>, Vec<bool>)> {
    (0..24_usize).prop_flat_map(|rows| {
        let columns =
            ["integer", "text", "decimal(20,4)", "timestamp"].map(|name| any_column(logical(name), rows)).to_vec();
        (columns, prop::collection::vec(prop::bool::weighted(0.1), rows))
    })
}

fn faults_of(unread: &[bool]) -> Vec<CellFault> {
    let fault =
        |row| CellFault { row, column: 1, code: Code::ValueEncoding, message: "not UTF-8".to_owned(), value_digest: 0 };
    (0..unread.len()).filter(|row| unread[*row]).map(fault).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn batches_may_be_cut_anywhere((columns, unread) in rows(), cut in 0..24_usize) {
        let mut entity = entity();
        let whole = batch(&entity.plan.reads, columns);
        let cut = cut.min(whole.num_rows());
        let expected = fates(&mut entity, &whole, &faults_of(&unread));
        let mut found = fates(&mut entity, &whole.slice(0, cut), &faults_of(&unread[..cut]));
        found.extend(fates(&mut entity, &whole.slice(cut, whole.num_rows() - cut), &faults_of(&unread[cut..])));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn rows_may_come_in_any_order((columns, unread) in rows(), seed: u64) {
        let mut entity = entity();
        let whole = batch(&entity.plan.reads, columns.clone());
        let mut order: Vec<u32> = (0..).take(whole.num_rows()).collect();
        order.sort_by_key(|row| (u64::from(*row) + 1).wrapping_mul(seed | 1).rotate_left(17));
        let taken = UInt32Array::from(order.clone());
        let shuffled = columns.iter().map(|column| take(column, &taken, None).unwrap()).collect();
        let shuffled = batch(&entity.plan.reads, shuffled);
        let at = |row: &u32| usize::try_from(*row).unwrap();
        let unread_shuffled: Vec<bool> = order.iter().map(|row| unread[at(row)]).collect();
        let expected = fates(&mut entity, &whole, &faults_of(&unread));
        let found = fates(&mut entity, &shuffled, &faults_of(&unread_shuffled));
        prop_assert_eq!(found, order.iter().map(|row| expected[at(row)].clone()).collect::<Vec<_>>());
    }

    #[test]
    fn the_same_rows_give_the_same_result_twice((columns, unread) in rows()) {
        let (mut one, mut other) = (entity(), entity());
        let rows = batch(&one.plan.reads, columns.clone());
        let expected = fates(&mut one, &rows, &faults_of(&unread));
        prop_assert_eq!(fates(&mut one, &rows, &faults_of(&unread)), expected.clone());
        prop_assert_eq!(fates(&mut other, &rows, &faults_of(&unread)), expected.clone());
        let doubled = columns.iter().map(|column| concat(&[column, column]).unwrap()).collect();
        let doubled = batch(&one.plan.reads, doubled);
        let unread_doubled = [unread.clone(), unread].concat();
        prop_assert_eq!(fates(&mut one, &doubled, &faults_of(&unread_doubled)), [expected.clone(), expected].concat());
    }
}
