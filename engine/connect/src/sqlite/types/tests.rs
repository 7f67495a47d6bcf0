//! Declared types and values at the border.

use proptest::prelude::*;

use rusqlite::types::{Value, ValueRef};
use transload_model::LogicalType;

use super::cells::decimal_units;
use super::{Bound, append, logical};
use crate::batch::Cells;
use crate::text::decimal_text;

#[test]
fn declared_types_mean_this() {
    let decimal = |precision, scale| LogicalType::Decimal { precision, scale };
    for (declared, expected) in [
        ("INTEGER", LogicalType::Integer),
        ("unsigned bigint", LogicalType::Integer),
        ("NVARCHAR(160)", LogicalType::Text),
        ("NUMERIC(10,2)", decimal(10, 2)),
        ("decimal(5)", decimal(5, 0)),
        ("NUMERIC", LogicalType::Text),
        ("DATETIME", LogicalType::Timestamp),
        ("date", LogicalType::Date),
        ("BOOLEAN", LogicalType::Boolean),
        ("UUID", LogicalType::Uuid),
        ("BLOB", LogicalType::Bytes),
        ("double precision", LogicalType::Float),
        ("", LogicalType::Text),
    ] {
        assert_eq!(logical(declared), expected, "{declared}");
    }
}

#[test]
fn a_cell_of_another_class_is_a_fault_and_a_null() {
    for (declared, value) in [
        ("INTEGER", ValueRef::Text(b"12")),
        ("INTEGER", ValueRef::Real(1.0)),
        ("BOOLEAN", ValueRef::Integer(2)),
        ("TEXT", ValueRef::Blob(b"x")),
        ("TEXT", ValueRef::Text(b"\xff")),
        ("DATE", ValueRef::Text(b"2024-02-30")),
        ("DATE", ValueRef::Text(b"2024-2-3")),
        ("DATE", ValueRef::Integer(20_240_203)),
        ("DATETIME", ValueRef::Text(b"2024-02-03")),
        ("DATETIME", ValueRef::Text(b"2024-02-03T10:00:00Z")),
        ("DATETIME", ValueRef::Text(b"2016-12-31T23:59:60")),
        ("UUID", ValueRef::Text(b"{0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11}")),
        ("NUMERIC(4,2)", ValueRef::Real(100.0)),
        ("NUMERIC(4,2)", ValueRef::Real(0.125)),
        ("NUMERIC(4,2)", ValueRef::Real(f64::NAN)),
        ("NUMERIC(4,2)", ValueRef::Text(b"1e2")),
        ("UUID", ValueRef::Text(b"not one")),
        ("REAL", ValueRef::Integer(i64::MAX)),
    ] {
        let mut cells = Cells::new(logical(declared), 1);
        assert!(append(&mut cells, value).is_err(), "{declared} {value:?}");
        cells.append_null();
        assert_eq!(cells.finish().null_count(), 1);
    }
}

#[test]
fn values_are_stored_as_they_were_read() {
    for (declared, value, stored) in [
        ("NUMERIC(10,2)", ValueRef::Real(1.98), Value::Text("1.98".into())),
        ("NUMERIC(10,2)", ValueRef::Integer(-3), Value::Text("-3.00".into())),
        ("NUMERIC(38,2)", ValueRef::Text(b"-0.05"), Value::Text("-0.05".into())),
        ("DATETIME", ValueRef::Text(b"2002-08-14 00:00:00"), Value::Text("2002-08-14T00:00:00".into())),
        ("DATETIME", ValueRef::Text(b"2002-08-14T01:02:03.5000"), Value::Text("2002-08-14T01:02:03.5".into())),
        ("DATE", ValueRef::Text(b"1899-12-31"), Value::Text("1899-12-31".into())),
        ("BOOLEAN", ValueRef::Integer(1), Value::Integer(1)),
    ] {
        let mut cells = Cells::new(logical(declared), 1);
        assert!(append(&mut cells, value).is_ok(), "{declared}");
        let column = cells.finish();
        assert_eq!(Bound::new(&column, false).unwrap().value(0), stored, "{declared}");
    }
}

proptest! {
    #[test]
    fn a_decimal_survives_text(units in -10_i128.pow(18)..10_i128.pow(18), scale in 0_u8..=6) {
        let text = decimal_text(units, scale);
        let read = decimal_units(ValueRef::Text(text.as_bytes()), 38, scale);
        prop_assert_eq!(read.map_err(|mismatch| mismatch.message), Ok(units));
    }

    #[test]
    fn a_decimal_of_fifteen_digits_survives_a_float(units in -10_i64.pow(15)..10_i64.pow(15), scale in 0_u8..=6) {
        let float: f64 = decimal_text(i128::from(units), scale).parse().unwrap();
        let read = decimal_units(ValueRef::Real(float), 38, scale);
        prop_assert_eq!(read.map_err(|mismatch| mismatch.message), Ok(i128::from(units)));
    }
}
