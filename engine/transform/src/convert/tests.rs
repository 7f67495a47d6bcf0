//! Conversions: a table, and that they are exact.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Decimal128Type, Float64Type};
use proptest::prelude::*;
use transload_model::{Code, Conversion, KeyValue, LogicalType};

use super::{Format, canonical, convert, number};
use crate::tests::boundaries::any_column;
use crate::tests::given::{cases, column, logical, texts};

#[test]
fn every_conversion_does_what_its_table_says() {
    for group in cases("convert") {
        let (from, to) = (logical(group["from"].as_str().unwrap()), logical(group["to"].as_str().unwrap()));
        let format = group.get("format").map(|format| Format::parse(format.as_str().unwrap()).unwrap());
        for case in group["cases"].as_array().unwrap() {
            let value = column(from, &[case[0].as_str()]);
            let done = convert(&value, from, to, format.as_ref());
            let found = match done.faults.first() {
                Some(fault) => Some(fault.reason.code.info().word.to_owned()),
                None => texts(&done.array, to)[0].clone(),
            };
            assert_eq!(found.as_deref(), case[1].as_str(), "{from} to {to}: {case}");
        }
    }
}

#[test]
fn bytes_that_are_no_text_and_no_uuid_are_refused() {
    let bytes: ArrayRef = Arc::new(arrow::array::BinaryArray::from_vec(vec![b"ok", b"\xff\xfe", b"0123456789abcdef"]));
    let text = convert(&bytes, LogicalType::Bytes, LogicalType::Text, None);
    assert_eq!(
        text.faults.iter().map(|fault| (fault.row, fault.reason.code)).collect::<Vec<_>>(),
        [(1, Code::ValueEncoding)]
    );
    let uuid = convert(&bytes, LogicalType::Bytes, LogicalType::Uuid, None);
    assert_eq!(uuid.faults.iter().map(|fault| fault.row).collect::<Vec<_>>(), [0, 1]);
    let back = convert(&uuid.array, LogicalType::Uuid, LogicalType::Bytes, None);
    assert_eq!(back.array.as_binary::<i32>().value(2), b"0123456789abcdef");
}

fn types() -> impl Strategy<Value = LogicalType> {
    let decimal = (1..=38_u8).prop_flat_map(|precision| (Just(precision), 0..=precision));
    prop_oneof![
        decimal.prop_map(|(precision, scale)| LogicalType::Decimal { precision, scale }),
        prop::sample::select(vec![
            "boolean",
            "integer",
            "float",
            "text",
            "bytes",
            "date",
            "timestamp",
            "timestamptz",
            "uuid"
        ])
        .prop_map(logical),
    ]
}

fn some_column() -> impl Strategy<Value = (LogicalType, ArrayRef)> {
    types().prop_flat_map(|from| any_column(from, 12).prop_map(move |values| (from, values)))
}

proptest! {
    #[test]
    fn every_pair_of_types_is_total((from, values) in some_column(), to in types()) {
        let done = convert(&values, from, to, None);
        prop_assert_eq!(done.array.len(), values.len());
        prop_assert_eq!(done.array.data_type(), &to.arrow());
        for row in 0..values.len() {
            let failed = done.faults.iter().any(|fault| fault.row == row);
            prop_assert_eq!(done.array.is_null(row), values.is_null(row) || failed);
            prop_assert!(!(failed && values.is_null(row)));
        }
        // What is outside of the calendar is the one thing that an exact conversion may refuse.
        let is_of_calendar = matches!(from, LogicalType::Date | LogicalType::Timestamp | LogicalType::Timestamptz);
        let may_refuse = is_of_calendar && matches!(to, LogicalType::Text | LogicalType::Timestamp);
        let is_exact = from.conversion(to) == Conversion::Exact && !may_refuse;
        prop_assert!(!is_exact || done.faults.is_empty());
    }

    #[test]
    fn what_converts_converts_back_to_itself((from, values) in some_column(), to in types()) {
        let there_and_back = from.conversion(to) != Conversion::Impossible && to.conversion(from) != Conversion::Impossible;
        if !there_and_back {
            return Ok(());
        }
        let there = convert(&values, from, to, None);
        let back = convert(&there.array, to, from, None);
        let (before, after) = (texts(&values, from), texts(&back.array, from));
        for row in 0..values.len() {
            // Not every text of a value reads back as one: years with a sign, and floats that are no number.
            let is_back = !back.faults.iter().any(|fault| fault.row == row);
            prop_assert!(is_back || to == LogicalType::Text, "{} to {}", from, to);
            let arrived = there.array.is_valid(row) && is_back;
            // Text has many spellings of one value, and a float a zero with a sign.
            if arrived && from != LogicalType::Text && before[row].as_deref() != Some("-0") {
                prop_assert_eq!(&before[row], &after[row], "{} to {}", from, to);
            }
        }
    }

    #[test]
    fn text_of_a_value_reads_back_as_the_value((from, values) in some_column()) {
        let text = convert(&values, from, LogicalType::Text, None);
        let back = convert(&text.array, LogicalType::Text, from, None);
        let text = texts(&values, from);
        for row in 0..values.len() {
            // Years that ISO 8601 writes with a sign, and floats that are no number, have a text that is not read.
            let is_plain = text[row].as_deref().is_none_or(|text| {
                !text.starts_with(['+', 'i', 'N']) && (!matches!(from, LogicalType::Date | LogicalType::Timestamp | LogicalType::Timestamptz) || text.get(4..5) == Some("-")) && text != "-inf"
            });
            if is_plain && from != LogicalType::Bytes {
                prop_assert!(back.faults.iter().all(|fault| fault.row != row), "{} {:?}", from, text[row]);
                prop_assert_eq!(&texts(&back.array, from)[row], &text[row]);
            }
        }
    }

    #[test]
    fn canonical_text_is_that_of_keys(integer: i64, date: i32, micros: i64, uuid: [u8; 16]) {
        let check = |values: ArrayRef, logical, key: KeyValue<'_>| assert_eq!(texts(&values, logical), [key.has_text().then(|| key.text())]);
        check(Arc::new(Int64Array::from(vec![integer])), LogicalType::Integer, KeyValue::Integer(integer));
        check(Arc::new(Date32Array::from(vec![date])), LogicalType::Date, KeyValue::Date(date));
        check(Arc::new(TimestampMicrosecondArray::from(vec![micros])), LogicalType::Timestamp, KeyValue::Timestamp(micros));
        let mut text = String::new();
        canonical::write_uuid(&uuid, &mut text);
        prop_assert_eq!(text, KeyValue::Uuid(uuid).text());
    }

    #[test]
    fn a_decimal_from_text_is_the_integer_of_its_digits(digits in "[1-9][0-9]{0,20}", scale in 0..10_u8, negative: bool) {
        let sign = if negative { "-" } else { "" };
        let padded = format!("{digits:0>width$}", width = usize::from(scale) + 1);
        let (whole, fraction) = padded.split_at(padded.len() - usize::from(scale));
        let text = format!("{sign}{whole}.{fraction}");
        let expected: i128 = format!("{sign}{digits}").parse().unwrap();
        prop_assert_eq!(number::decimal_from_text(&text, 38, scale), Ok(expected));
        let mut written = String::new();
        canonical::write_decimal(expected, scale, &mut written);
        prop_assert_eq!(written, text.trim_end_matches('.'));
    }

    #[test]
    fn rescaling_is_multiplication_or_fails(value in -1_000_000_i128..1_000_000, from in 0..8_u8, to in 0..8_u8) {
        let (up, down) = (10_i128.pow(u32::from(to)), 10_i128.pow(u32::from(from)));
        let expected = (value * up % down == 0).then_some(value * up / down);
        prop_assert_eq!(number::rescaled(value, from, (38, to)).ok(), expected);
    }

    #[test]
    fn an_integer_becomes_a_float_only_if_it_is_one(value: i64) {
        let float = number::float_from_integer(value);
        prop_assert_eq!(float.is_ok(), format!("{:.0}", value as f64) == value.to_string());
        if let Ok(float) = float {
            prop_assert_eq!(number::integer_from_float(float), Ok(value));
        }
    }

    #[test]
    fn a_float_stands_for_the_shortest_decimal(value in -1.0e12..1.0e12_f64) {
        prop_assume!(value != 0.0);
        let text = format!("{value}");
        let fraction = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let scale = u8::try_from(fraction.min(38)).unwrap();
        let decimal = LogicalType::Decimal { precision: 38, scale };
        let done = convert(&(Arc::new(Float64Array::from(vec![value])) as ArrayRef), LogicalType::Float, decimal, None);
        prop_assert_eq!(texts(&done.array, decimal), [Some(text)]);
        let back = convert(&done.array, decimal, LogicalType::Float, None);
        prop_assert_eq!(back.array.as_primitive::<Float64Type>().value(0).to_bits(), value.to_bits());
        prop_assert_eq!(done.array.as_primitive::<Decimal128Type>().len(), 1);
    }

    #[test]
    fn a_date_with_a_format_reads_back(days in -700_000..2_000_000_i32, format in prop::sample::select(vec!["%Y%m%d", "%d/%m/%Y", "%d.%m.%Y", "%A, %d %B %Y", "%j %Y", "%e %b %Y"])) {
        let date = chrono::NaiveDate::from_epoch_days(days).unwrap();
        prop_assume!((1..=9999).contains(&chrono::Datelike::year(&date)));
        let text = date.format(format).to_string();
        prop_assume!(!text.starts_with(' ') || format.starts_with("%e"));
        let format = Format::parse(format).unwrap();
        prop_assert_eq!(super::temporal::date_from_text(&text, Some(&format)), Ok(days));
    }

    #[test]
    fn no_text_and_no_pattern_make_reading_dates_panic(text: String, pattern in "(%[A-Za-z0-9+#:.-]{1,3}|[ /-]){0,8}") {
        if let Ok(format) = Format::parse(&pattern) {
            let date = super::temporal::date_from_text(&text, Some(&format));
            let timestamp = super::temporal::timestamp_from_text(&text, Some(&format));
            prop_assert!(date.is_err() || timestamp.is_ok());
        }
    }
}

#[test]
fn no_message_holds_the_value() {
    let secret: ArrayRef = Arc::new(StringArray::from(vec!["lovelace"]));
    for to in ["integer", "float", "decimal(5,2)", "boolean", "date", "timestamp", "timestamptz", "uuid"] {
        let done = convert(&secret, LogicalType::Text, logical(to), None);
        assert!(!done.faults[0].reason.message.contains("lovelace"));
        assert!(done.faults[0].reason.message.starts_with("text of 8 characters is not "), "{:?}", done.faults[0]);
    }
}

#[test]
fn a_day_that_does_not_exist_is_told_as_such() {
    let message = |text: &str, to: &str, format: Option<&str>| {
        let array: ArrayRef = Arc::new(StringArray::from(vec![text]));
        let format = format.map(|pattern| Format::parse(pattern).unwrap());
        convert(&array, LogicalType::Text, logical(to), format.as_ref()).faults[0].reason.message.clone()
    };
    for (text, to, format, expected) in [
        ("2020-02-30", "date", None, "text of 10 characters is not a date YYYY-MM-DD: there is no such day"),
        ("2020-13-01", "date", None, "text of 10 characters is not a date YYYY-MM-DD: there is no such day"),
        (
            "30/02/2020",
            "date",
            Some("%d/%m/%Y"),
            "text of 10 characters is not a date in the format `%d/%m/%Y`: there is no such day",
        ),
        (
            "20201301",
            "date",
            Some("%Y%m%d"),
            "text of 8 characters is not a date in the format `%Y%m%d`: there is no such day",
        ),
        (
            "2020-02-30T10:00:00",
            "timestamp",
            None,
            "text of 19 characters is not a timestamp YYYY-MM-DDTHH:MM:SS: there is no such day or time",
        ),
        (
            "2020-02-28 24:00:00",
            "timestamp",
            None,
            "text of 19 characters is not a timestamp YYYY-MM-DDTHH:MM:SS: there is no such day or time",
        ),
        (
            "2020-02-30T10:00:00Z",
            "timestamptz",
            None,
            "text of 20 characters is not a moment YYYY-MM-DDTHH:MM:SSZ: there is no such day or time",
        ),
        ("2020-2-30", "date", None, "text of 9 characters is not a date YYYY-MM-DD"),
        ("2020-02-3x", "date", None, "text of 10 characters is not a date YYYY-MM-DD"),
        ("30.02.2020", "date", Some("%d/%m/%Y"), "text of 10 characters is not a date in the format `%d/%m/%Y`"),
        ("2020-02-28T10:00", "timestamp", None, "text of 16 characters is not a timestamp YYYY-MM-DDTHH:MM:SS"),
    ] {
        assert_eq!(message(text, to, format), expected, "{text}");
    }
}
