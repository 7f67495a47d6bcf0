//! Values at the border, without a server.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray};
use arrow::datatypes::Decimal128Type;
use proptest::prelude::*;
use transload_model::{Kind, LogicalType};

use super::{Decoder, Encoder, Wire, append, numeric};
use crate::batch::Cells;

fn written(column: &ArrayRef, wire: Wire) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let done = Encoder::new(column, wire).unwrap().write(0, &mut out);
    done.map(|()| out).map_err(|mismatch| mismatch.message)
}

proptest! {
    #[test]
    fn a_decimal_survives_the_wire(units in -10_i128.pow(38) + 1..10_i128.pow(38), scale in 0_u8..=38) {
        let mut out = Vec::new();
        numeric::write(units, scale, &mut out);
        prop_assert_eq!(numeric::read(&out, 38, scale).map_err(|mismatch| mismatch.message), Ok(units));
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes: Vec<u8>, precision in 1_u8..=38, scale in 0_u8..=38) {
        drop(numeric::read(&bytes, precision, scale.min(precision)));
        for wire in [Wire::Bool, Wire::Int2, Wire::Numeric(None), Wire::Date, Wire::Timestamp(6), Wire::Uuid, Wire::Jsonb, Wire::Float4] {
            for logical in [LogicalType::Integer, LogicalType::Text, LogicalType::Date, LogicalType::Uuid, LogicalType::Float, LogicalType::Boolean] {
                drop(append(&mut Cells::new(logical, 1), Decoder::new(wire, logical), Some(&bytes)));
            }
        }
    }

    #[test]
    fn a_written_decimal_reads_back(units in -10_i64.pow(12)..10_i64.pow(12), scale in 0_u8..=6) {
        let column: ArrayRef = Arc::new(Decimal128Array::from(vec![i128::from(units)]).with_precision_and_scale(38, scale.cast_signed()).unwrap());
        let bytes = written(&column, Wire::Numeric(Some((38, 6)))).unwrap();
        let mut cells = Cells::new(LogicalType::Decimal { precision: 38, scale: 6 }, 1);
        append(&mut cells, Decoder::Native(Wire::Numeric(Some((38, 6)))), Some(&bytes[4..])).unwrap();
        let read = cells.finish().as_primitive::<Decimal128Type>().value(0);
        prop_assert_eq!(read, i128::from(units) * 10_i128.pow(u32::from(6 - scale)));
    }
}

#[test]
fn values_that_would_change_are_refused() {
    let integer = |value| -> ArrayRef { Arc::new(Int64Array::from(vec![value])) };
    let decimal = |units, scale| -> ArrayRef {
        Arc::new(Decimal128Array::from(vec![units]).with_precision_and_scale(38, scale).unwrap())
    };
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    let cases: [(ArrayRef, Wire, bool); 17] = [
        (integer(32_767), Wire::Int2, true),
        (integer(32_768), Wire::Int2, false),
        (integer(-2_147_483_648), Wire::Int4, true),
        (integer(2_147_483_648), Wire::Int4, false),
        (decimal(12_300, 4), Wire::Numeric(Some((10, 2))), true),
        (decimal(12_345, 4), Wire::Numeric(Some((10, 2))), false),
        (decimal(12_345, 4), Wire::Numeric(None), true),
        (Arc::new(Float64Array::from(vec![0.5])), Wire::Float4, true),
        (Arc::new(Float64Array::from(vec![0.1])), Wire::Float4, false),
        (text("äöü"), Wire::Text(Some(3)), true),
        (text("äöüß"), Wire::Text(Some(3)), false),
        (text("abcd"), Wire::Char(3), false),
        (text("a\0b"), Wire::Text(None), false),
        (text(&"n".repeat(64)), Wire::Name, false),
        (Arc::new(Date32Array::from(vec![i32::MIN + 1])), Wire::Date, false),
        (Arc::new(Date32Array::from(vec![-719_162])), Wire::Date, true),
        (Arc::new(Date32Array::from(vec![0])), Wire::Text(Some(9)), false),
    ];
    for (column, wire, fits) in cases {
        assert_eq!(written(&column, wire).is_ok(), fits, "{column:?} into {wire:?}");
    }
}

#[test]
fn what_a_type_stores_it_can_take() {
    for wire in [
        Wire::Bool,
        Wire::Int8,
        Wire::Numeric(None),
        Wire::Text(None),
        Wire::Date,
        Wire::Uuid,
        Wire::Timestamp(6),
        Wire::Timestamptz(6),
    ] {
        let logical = wire.logical();
        assert!(logical.kind() == Kind::Text || wire.stores().contains(&logical.kind()), "{wire:?}");
    }
    assert_eq!(Wire::of(1700, 4 + (10 << 16) + 2, false).logical(), LogicalType::Decimal { precision: 10, scale: 2 });
    assert_eq!(Wire::of(1700, -1, false).logical(), LogicalType::Text);
    assert_eq!(Wire::of(1700, 4 + (3 << 16) + 0x7FE, false), Wire::Numeric(Some((3, -2))));
    assert_eq!(Wire::of(1043, 24, false), Wire::Text(Some(20)));
}
