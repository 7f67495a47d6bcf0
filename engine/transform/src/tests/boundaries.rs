//! Values of every type, the odd ones among them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use proptest::prelude::*;
use transload_model::LogicalType;

use crate::column::{Sink as _, UuidSink};

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[ \\t]{0,3}[a-zA-Z0-9]{0,6}[ ]{0,2}",
        "[-+]?[0-9,]{1,24}(\\.[0-9]{0,6})?(e-?[0-9]{1,3})?",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,7})?Z?)?",
        "(true|false|Y|N)",
        "\\PC{0,12}",
        any::<String>(),
    ]
}

/// A column of any values and NULLs.
pub(crate) fn any_column(logical: LogicalType, rows: usize) -> BoxedStrategy<ArrayRef> {
    fn list<T: std::fmt::Debug + Clone + 'static>(
        value: impl Strategy<Value = T> + 'static,
        rows: usize,
    ) -> BoxedStrategy<Vec<Option<T>>> {
        prop::collection::vec(prop::option::weighted(0.8, value), rows).boxed()
    }
    match logical {
        LogicalType::Boolean => {
            list(any::<bool>(), rows).prop_map(|v| Arc::new(BooleanArray::from(v)) as ArrayRef).boxed()
        }
        LogicalType::Integer => list(prop_oneof![any::<i64>(), -3..3_i64], rows)
            .prop_map(|v| Arc::new(Int64Array::from(v)) as ArrayRef)
            .boxed(),
        LogicalType::Float => {
            let any = prop_oneof![
                any::<f64>(),
                Just(f64::NAN),
                Just(f64::INFINITY),
                Just(-0.0),
                (-9..9_i8).prop_map(f64::from)
            ];
            list(any, rows).prop_map(|v| Arc::new(Float64Array::from(v)) as ArrayRef).boxed()
        }
        LogicalType::Decimal { precision, .. } => {
            let most = 10_i128.pow(u32::from(precision)) - 1;
            let values = list(prop_oneof![-most..=most, -most.min(99)..=most.min(99)], rows);
            values
                .prop_map(move |v| Arc::new(Decimal128Array::from(v).with_data_type(logical.arrow())) as ArrayRef)
                .boxed()
        }
        LogicalType::Text => list(any_text(), rows).prop_map(|v| Arc::new(StringArray::from(v)) as ArrayRef).boxed(),
        LogicalType::Bytes => list(prop::collection::vec(any::<u8>(), 0..20), rows)
            .prop_map(|v| Arc::new(v.iter().map(Option::as_deref).collect::<BinaryArray>()) as ArrayRef)
            .boxed(),
        LogicalType::Date => list(prop_oneof![any::<i32>(), -800_000..3_000_000_i32], rows)
            .prop_map(|v| Arc::new(Date32Array::from(v)) as ArrayRef)
            .boxed(),
        LogicalType::Timestamp | LogicalType::Timestamptz => {
            list(prop_oneof![any::<i64>(), (-9999..9999_i64).prop_map(|day| day * 86_400_000_000)], rows)
                .prop_map(move |v| {
                    Arc::new(TimestampMicrosecondArray::from(v).with_data_type(logical.arrow())) as ArrayRef
                })
                .boxed()
        }
        LogicalType::Uuid => list(any::<[u8; 16]>(), rows)
            .prop_map(|values| {
                let mut sink = UuidSink::with_capacity(values.len());
                values.into_iter().for_each(|value| sink.push(value));
                sink.finish()
            })
            .boxed(),
    }
}
