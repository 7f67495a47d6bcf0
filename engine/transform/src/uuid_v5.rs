//! A UUID that follows from a value.
//!
//! Keys of the new system must be the same in every run, on every machine, without a table that remembers them.

use arrow::array::{Array as _, AsArray as _};
use transload_model::LogicalType;
use uuid::Uuid;

use crate::argument::{Argument, ArgumentKind, Arguments};
use crate::column::{Column, UuidSink, map};
use crate::convert::canonical::texts;
use crate::transform::{Apply, Batch, Inputs, Nulls, Returns, Transform, WITH_TEXT};

pub(crate) const TRANSFORM: Transform = Transform {
    name: "uuid_v5",
    inputs: Inputs::One,
    accepts: WITH_TEXT,
    returns: Returns::Type(LogicalType::Uuid),
    args: &[
        Argument { name: "namespace", kind: ArgumentKind::Uuid, default: None },
        Argument { name: "prefix", kind: ArgumentKind::Text, default: Some("") },
    ],
    nulls: Nulls::PassThrough,
    script_forms: &[],
    page: "\
The version-5 UUID of a prefix and the value's canonical text, in a namespace.

The same value always makes the same UUID. With the prefix \"patients:\" it is the key that `key: { strategy: uuid_v5 }` gives the entity `patients`.

    external_id: { source_field: patient_no, transformation: [{ uuid_v5: { namespace: 0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11 } }] }",
    apply: Apply::Columns(uuid_v5),
};

fn uuid_v5(batch: &Batch<'_>, arguments: &Arguments) -> Column {
    let [(logical, values)] = batch.columns else {
        return Column::whole(crate::column::nulls(LogicalType::Uuid, batch.rows));
    };
    let (namespace, prefix) = (arguments.uuid("namespace"), arguments.text("prefix"));
    let names = texts(values, *logical).array;
    let mut name = String::new();
    map(names.as_string::<i32>().iter(), UuidSink::with_capacity(values.len()), |text| {
        name.clear();
        name.push_str(prefix);
        name.push_str(text);
        Ok(Some(Uuid::new_v5(&namespace, name.as_bytes()).into_bytes()))
    })
}
