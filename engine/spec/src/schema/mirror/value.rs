//! Values of the user's own.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use transload_model::{Code, Retry};

use super::name::{DestinationColumn, SourceColumn};

/// A single value, or NULL.
pub(super) struct Scalar;

/// A single value that is not NULL.
pub(super) struct Present;

/// A value with lists and maps in it.
pub(super) struct Tree;

/// A count of rows, or a percentage.
pub(super) struct Share;

/// Why a row fails: the word or number of a code.
pub(super) struct FaultCode;

/// Columns of the source table and their values.
#[derive(JsonSchema)]
pub(super) struct SourceRow(BTreeMap<SourceColumn, Scalar>);

/// Columns of the destination table and their values.
#[derive(JsonSchema)]
pub(super) struct DestinationRow(BTreeMap<DestinationColumn, Scalar>);

macro_rules! described {
    ($($name:ident: $schema:expr;)*) => {
        $(impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        })*
    };
}

described! {
    Scalar: json_schema!({
        "description": "A single value, or `null`. What would be read as something else than it shows, such as `007`, is put in quotes.",
        "type": ["string", "number", "boolean", "null"],
    });
    Present: json_schema!({
        "description": "A single value. What would be read as something else than it shows, such as `007`, is put in quotes.",
        "type": ["string", "number", "boolean"],
    });
    Tree: json_schema!({ "description": "A value; it may be a list or a map." });
    Share: json_schema!({
        "description": "A count of rows, or a percentage such as `2%` or `0.5%`.",
        "anyOf": [
            { "title": "a count of rows", "type": "integer", "minimum": 0 },
            { "title": "a percentage", "type": "string", "pattern": PERCENTAGE },
        ],
    });
    FaultCode: fault_code();
}

const PERCENTAGE: &str = r"^([0-9]+|(100(\.0{1,4})?|[0-9]{1,2}(\.[0-9]{1,4})?) *%)$";

/// Codes that rows fail with.
fn fault_code() -> Schema {
    let infos = Code::ALL.iter().filter(|code| !code.is_of_destination()).map(|code| code.info());
    let of_rows: Vec<_> = infos.filter(|info| info.retry == Retry::WhenRowMoves).collect();
    json_schema!({
        "description": "Why a row fails: the word of a code, as `transload quarantine` shows it, or its number.",
        "anyOf": [
            {
                "title": "a code's word",
                "enum": of_rows.iter().map(|info| info.word).collect::<Vec<_>>(),
                "enumDescriptions": of_rows.iter().map(|info| info.sentence).collect::<Vec<_>>(),
            },
            { "title": "a code's number", "type": "string", "pattern": "^TL[0-9]{4}$" },
        ],
    })
}
