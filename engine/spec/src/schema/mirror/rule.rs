//! `validation_rules`.

use schemars::JsonSchema;

use super::name::{DestinationColumn, DestinationTable, OtherColumn};
use super::value::Present;

/// What must hold for a row to be loaded.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::schema) struct Rule {
    /// The destination field that the rule looks at.
    #[schemars(extend("examples" = ["email"]))]
    field_name: DestinationColumn,
    /// What must hold.
    #[schemars(extend("examples" = ["required", "format"]))]
    rule_type: RuleType,
    /// What the rule needs to know: `min` and `max` for `range` and `length`, `pattern` for `format`, `scope` for `unique`, `values` for `enum`, `schema` for `json_schema`, `expression` for itself, `table` and `column` for `foreign_key`.
    #[schemars(extend("default" = {}), extend("examples" = [{ "min": "1900-01-01", "max": "today" }, { "pattern": "^[^@]+@[^@]+$", "nulls": "allow" }]))]
    rule_parameters: Option<RuleParameters>,
    /// What becomes of a row that breaks the rule.
    #[schemars(extend("default" = "quarantine"), extend("examples" = ["warn"]))]
    on_failure: Option<OnFailure>,
}

/// What must hold.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub(in crate::schema) enum RuleType {
    /// The value is neither NULL nor empty text (`RULE_REQUIRED`).
    Required,
    /// No other row of the destination table has the value; among new rows the lowest source key wins (`RULE_UNIQUE`).
    Unique,
    /// The value's canonical text matches a regular expression (`RULE_FORMAT`).
    Format,
    /// The value lies between two others, both included (`RULE_RANGE`).
    Range,
    /// Text has so many characters, or bytes so many bytes (`RULE_LENGTH`).
    Length,
    /// The value is one of a list (`RULE_ENUM`).
    Enum,
    /// The text is a JSON document that a schema describes (`RULE_JSON_SCHEMA`).
    JsonSchema,
    /// A script in rhai gives true; it sees the field as `value` and all fields as `row` (`RULE_EXPRESSION`).
    Expression,
    /// The value is in a table of the destination that no entity loads; for others there is `references` (`RULE_FOREIGN_KEY`).
    ForeignKey,
}

/// What a rule needs to know.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::schema) struct RuleParameters {
    /// Of `range`: the least value that passes. Of `length`: the fewest characters or bytes.
    #[schemars(extend("examples" = [0, "1900-01-01"]))]
    min: Option<Present>,
    /// Of `range`: the greatest value that passes; `today` is the day of the run. Of `length`: the most characters or bytes.
    #[schemars(extend("examples" = [100, "today"]))]
    max: Option<Present>,
    /// Of `format`: a regular expression, searched for anywhere in the value's canonical text.
    #[schemars(extend("examples" = ["^[^@]+@[^@]+$"]))]
    pattern: Option<String>,
    /// Of all but `required`, `unique` and `expression`: whether NULL passes.
    #[schemars(extend("default" = "allow"), extend("examples" = ["reject"]))]
    nulls: Option<Nulls>,
    /// Of `unique`: among which rows the value may be there once.
    #[schemars(extend("default" = "destination"), extend("examples" = ["destination"]))]
    scope: Option<UniqueScope>,
    /// Of `enum`: the values that pass.
    #[schemars(length(min = 1), extend("examples" = [["open", "shut"]]))]
    values: Option<Vec<Present>>,
    /// Of `expression`: a script in rhai that gives true or false, or throws.
    #[schemars(extend("examples" = ["row.starts_on <= value"]))]
    expression: Option<String>,
    /// Of `json_schema`: a JSON Schema, draft 7, that refers to nothing outside itself.
    #[schemars(extend("examples" = [{ "type": "object", "required": ["no"] }]))]
    schema: Option<serde_json::Map<String, serde_json::Value>>,
    /// Of `foreign_key`: the table in which the value must be; default the one that a foreign key of the field's column refers to.
    #[schemars(extend("examples" = ["countries"]))]
    table: Option<DestinationTable>,
    /// Of `foreign_key`: the column of `table`; default its primary key.
    #[schemars(extend("examples" = ["code"]))]
    column: Option<OtherColumn>,
}

/// Whether NULL passes a rule.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Nulls {
    /// NULL passes.
    Allow,
    /// NULL breaks the rule.
    Reject,
}

/// Among which rows a value may be there once.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum UniqueScope {
    /// Among all rows of the destination table.
    Destination,
}

/// What becomes of a row that breaks a rule.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum OnFailure {
    /// It is set aside with its reason, and tried again when it changes.
    Quarantine,
    /// It is loaded, and counted as a warning.
    Warn,
    /// The entity stops; what was committed stays.
    Fail,
}
