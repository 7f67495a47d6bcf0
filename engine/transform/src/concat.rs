//! Joins texts.
//!
//! Old systems spread a name or an address over columns, some of them blank.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray, StringArray, StringBuilder};
use transload_model::LogicalType;

use crate::argument::{Argument, ArgumentKind, Arguments};
use crate::column::Column;
use crate::convert::canonical::texts;
use crate::transform::{Apply, Batch, Inputs, Nulls, Returns, Transform, WITH_TEXT};

pub(crate) const TRANSFORM: Transform = Transform {
    name: "concat",
    inputs: Inputs::Several,
    accepts: WITH_TEXT,
    returns: Returns::Type(LogicalType::Text),
    args: &[Argument { name: "separator", kind: ArgumentKind::Text, default: Some(" ") }],
    nulls: Nulls::Own,
    script_forms: &[],
    page: "\
The values' texts that are neither NULL nor empty, joined; NULL when there is none.

Values that are not text are joined as their canonical text. White space is not empty: join the columns after `trimmed` where they are padded.

    full_name: { source_field: [first_nm, last_nm], transformation: concat }        \"Ada\", NULL → \"Ada\"",
    apply: Apply::Columns(concat),
};

fn concat(batch: &Batch<'_>, arguments: &Arguments) -> Column {
    let columns: Vec<ArrayRef> = batch.columns.iter().map(|(logical, values)| texts(values, *logical).array).collect();
    let columns: Vec<&StringArray> = columns.iter().map(AsArray::as_string::<i32>).collect();
    let separator = arguments.text("separator");
    let mut sink = StringBuilder::with_capacity(batch.rows, batch.rows * 32);
    let mut joined = String::new();
    for row in 0..batch.rows {
        joined.clear();
        for column in &columns {
            if column.is_null(row) || column.value(row).is_empty() {
                continue;
            }
            if !joined.is_empty() {
                joined.push_str(separator);
            }
            joined.push_str(column.value(row));
        }
        sink.append_option((!joined.is_empty()).then_some(&joined));
    }
    Column::whole(Arc::new(sink.finish()))
}
