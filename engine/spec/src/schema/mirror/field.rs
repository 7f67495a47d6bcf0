//! `field_mappings`: the long form and the short one.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use transload_model::LogicalType;

use super::name::{DestinationColumn, EntityName, FunctionName, OtherColumn, SourceColumn};
use super::value::{Present, Scalar, Tree};

/// What each destination column gets.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(in crate::schema) enum FieldMappings {
    #[schemars(title = "short form: destination column: source column or {…}")]
    Short(ShortMappings),
    #[schemars(title = "long form: a list of {source_field, destination_field, …}")]
    Long(Vec<LongField>),
}

/// What destination columns get, by their names.
#[derive(JsonSchema)]
pub(in crate::schema) struct ShortMappings(BTreeMap<DestinationColumn, ShortMapping>);

/// Where the values of one destination column come from.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(in crate::schema) enum ShortMapping {
    #[schemars(title = "a source column")]
    Column(SourceColumn),
    #[schemars(title = "a mapping")]
    Field(Box<Field>),
}

/// What one destination column gets. In this order: source values, `expression`, `transformation`, `value_map`, `default_value` for NULL,
/// conversion to `data_type`, `references`, `is_required`, rules.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("dependencies" = { "defer": ["references"], "on_missing": ["references"], "referenced_column": ["references"], "on_unmapped": ["value_map"] }))]
pub(in crate::schema) struct LongField {
    /// The destination column.
    #[schemars(extend("examples" = ["full_name"]))]
    destination_field: DestinationColumn,
    #[schemars(flatten)]
    field: Field,
}

/// What one destination column gets. In this order: source values, `expression`, `transformation`, `value_map`, `default_value` for NULL,
/// conversion to `data_type`, `references`, `is_required`, rules.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("dependencies" = { "defer": ["references"], "on_missing": ["references"], "referenced_column": ["references"], "on_unmapped": ["value_map"] }))]
pub(in crate::schema) struct Field {
    /// The source column; or two and more, of which a `transformation` or an `expression` makes one value, or which are the key of the entity
    /// that `references` names. In the short form the column of the same name is read where this is not said.
    #[schemars(extend("examples" = ["office_nm", ["first_nm", "last_nm"]]))]
    source_field: Option<SourceField>,
    /// The type of the value; without it, that of the destination column.
    #[schemars(extend("examples" = ["date", "decimal(10,2)"]))]
    data_type: Option<DataType>,
    /// How a date or a timestamp is written in text, in the signs of strftime; without it, ISO 8601.
    #[schemars(extend("examples" = ["%d/%m/%Y", "%Y-%m-%d %H:%M:%S"]))]
    format: Option<String>,
    /// A function, or a list of them, each of which gets what the one before gave.
    #[schemars(extend("examples" = ["trimmed", ["trimmed", "lower"], [{ "concat": { "separator": ", " } }]]))]
    transformation: Option<Transformation>,
    /// New values by old ones. Keys are canonical text; what YAML would read as something else than text is put in quotes, such as `"01"`.
    #[schemars(extend("minProperties" = 1, "examples" = [{ "1": "male", "2": "female" }]))]
    value_map: Option<BTreeMap<String, Scalar>>,
    /// What becomes of a value that `value_map` does not have.
    #[schemars(extend("default" = "quarantine"), extend("examples" = ["keep"]))]
    on_unmapped: Option<OnUnmapped>,
    /// Takes the place of NULL. Without a source column, a constant.
    #[schemars(extend("examples" = ["active", 0]))]
    default_value: Option<Present>,
    /// Whether NULL sends the row to quarantine (`REQUIRED_MISSING`); without it, whether the destination column is NOT NULL and has no
    /// default.
    #[schemars(extend("examples" = [true]))]
    is_required: Option<bool>,
    /// An entity: the old key becomes that entity's new key. It is loaded before this one.
    #[schemars(extend("examples" = ["doctors"]))]
    references: Option<EntityName>,
    /// The column of that entity's destination key that the field takes; needed where the key has several and none has the field's name.
    #[schemars(extend("examples" = ["bed_no"]))]
    referenced_column: Option<OtherColumn>,
    /// What becomes of a row whose parent is not in the destination.
    #[schemars(extend("default" = "quarantine"), extend("examples" = [null]))]
    on_missing: Option<OnMissing>,
    /// Whether the column is NULL at first and filled when that entity is loaded. A circle of entities is broken so by itself, at a column that
    /// may be NULL; `true` says at which one, and `false` at which one not.
    #[schemars(extend("examples" = [true]))]
    defer: Option<bool>,
    /// Whether the values are hidden where people look at rows, as in `transload preview`. What is moved does not change.
    #[schemars(extend("default" = false), extend("examples" = [true]))]
    sensitive: Option<bool>,
    /// What is seen of the field's source columns, in all of the entity: a strategy, or a map with what it takes. Nothing but the digest of a
    /// row sees what is hidden. It needs `masking` in `transload.yaml`.
    #[schemars(extend("examples" = ["redact", { "strategy": "hash", "keep": "domain", "environments": ["dev", "staging"] }, { "strategy": "shift_date", "days": 30, "by": "patient_no" }]))]
    mask: Option<Mask>,
    /// A script of this field alone, in place of a function. It needs no `source_field`: it sees `row`; with one, `value` is what it reads.
    #[schemars(extend("examples" = ["row.first_nm + \" \" + row.last_nm"]))]
    expression: Option<String>,
}

/// What is seen of source columns.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Mask {
    #[schemars(title = "a strategy")]
    Strategy(MaskStrategy),
    #[schemars(title = "a strategy with what it takes")]
    With(MaskWith),
}

/// What takes the place of a value. NULL stays NULL.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum MaskStrategy {
    /// What follows from the value by the project's key: equal values have equal masks. For text, integers and UUIDs.
    Hash,
    /// A text, the same for all values.
    Redact,
    /// The ends of a text, and a sign for each character between them.
    Partial,
    /// NULL.
    Null,
    /// Another day, for all days of one subject as many days earlier or later. For dates, timestamps, and text with a `format`.
    ShiftDate,
}

/// A strategy with what it takes.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct MaskWith {
    /// What takes the place of a value.
    #[schemars(extend("examples" = ["hash"]))]
    strategy: MaskStrategy,
    /// With `hash`, what stays of a text.
    #[schemars(extend("examples" = ["domain"]))]
    keep: Option<Keep>,
    /// With `hash`, characters of the hash in a text; without it, 32, and 16 in front of a domain.
    #[schemars(range(min = 8, max = 64), extend("examples" = [12]))]
    length: Option<u64>,
    /// With `redact`, the text; with `partial`, the sign.
    #[schemars(extend("examples" = ["[redacted]", "*"]))]
    with: Option<String>,
    /// With `partial`, characters that stay at the beginning.
    #[schemars(extend("default" = 0), range(min = 0, max = 64), extend("examples" = [1]))]
    keep_first: Option<u64>,
    /// With `partial`, characters that stay at the end.
    #[schemars(extend("default" = 0), range(min = 0, max = 64), extend("examples" = [4]))]
    keep_last: Option<u64>,
    /// With `shift_date`, the largest number of days.
    #[schemars(range(min = 1, max = 36500), extend("examples" = [30]))]
    days: Option<u64>,
    /// With `shift_date`, the column that says whose day it is; without it, the row's key.
    #[schemars(extend("examples" = ["patient_no"]))]
    by: Option<SourceColumn>,
    /// With `shift_date`, how text spells days, in the signs of strftime; without it, the field's `format`.
    #[schemars(extend("examples" = ["%Y%m%d"]))]
    format: Option<String>,
    /// The environments in which it counts; without it, all. Where none is chosen, every mask counts.
    #[schemars(length(min = 1), extend("examples" = [["dev", "staging"]]))]
    environments: Option<Vec<String>>,
}

/// What a hash leaves of a text.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Keep {
    /// What follows the last `@`.
    Domain,
    /// Which characters are digits and which letters, small or large; all others stay as they are.
    Format,
}

/// A source column, or several that become one value.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum SourceField {
    #[schemars(title = "one column")]
    One(SourceColumn),
    #[schemars(title = "two and more columns")]
    Several(#[schemars(length(min = 2))] Vec<SourceColumn>),
}

/// A function, or several in their order.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Transformation {
    #[schemars(title = "a function")]
    One(FunctionName),
    #[schemars(title = "functions in their order")]
    Chain(Vec<Call>),
}

/// A function of a chain.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Call {
    #[schemars(title = "a function")]
    Name(FunctionName),
    #[schemars(title = "a function with arguments")]
    With(#[schemars(extend("minProperties" = 1, "maxProperties" = 1))] BTreeMap<FunctionName, BTreeMap<String, Tree>>),
}

/// The type of a value.
struct DataType;

impl JsonSchema for DataType {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DataType".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let described = |name: &&str| match *name {
            "boolean" => "True or false.",
            "integer" => "64 bits, with a sign.",
            "float" => "64 bits, IEEE 754.",
            "text" => "UTF-8.",
            "bytes" => "Bytes.",
            "date" => "A day, without a time zone.",
            "timestamp" => "Date and time in microseconds, without a time zone.",
            "timestamptz" => "A moment in microseconds, whatever the zone it is shown in.",
            "uuid" => "A UUID.",
            _ => "A type of its own.",
        };
        let names: Vec<&str> = LogicalType::NAMES.into_iter().filter(|name| !name.starts_with("decimal")).collect();
        json_schema!({
            "description": "The type of a value.",
            "anyOf": [
                {
                    "title": "a type",
                    "enum": names,
                    "enumDescriptions": names.iter().map(described).collect::<Vec<_>>(),
                },
                {
                    "title": "an exact decimal: digits in all, and behind the point",
                    "type": "string",
                    "pattern": r"^decimal\( *[0-9]+ *, *[0-9]+ *\)$",
                    "examples": ["decimal(10,2)"],
                },
            ],
        })
    }
}

/// What becomes of a value that `value_map` does not have.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum OnUnmapped {
    /// The row is set aside (`VALUE_UNMAPPED`).
    Quarantine,
    /// It becomes NULL.
    Null,
    /// It becomes `default_value`.
    Default,
    /// It stays as it is.
    Keep,
    /// The entity stops; what was committed stays.
    Fail,
}

/// What becomes of a row whose parent is not in the destination.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum OnMissing {
    /// The row is set aside (`PARENT_MISSING`), and tried again when the parent arrives.
    Quarantine,
    /// The reference becomes NULL.
    Null,
    /// The reference becomes `default_value`.
    Default,
    /// The entity stops; what was committed stays.
    Fail,
}
