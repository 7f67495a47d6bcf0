//! `tests`.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::name::{DestinationColumn, EntityName, OtherColumn};
use super::value::{DestinationRow, FaultCode, Scalar, SourceRow};

/// What the spec makes of rows that are given. `transload test` tries it without a database.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::schema) struct Test {
    /// What the test shows; unlike the names of the spec's other tests.
    #[schemars(extend("examples" = ["an unknown doctor goes to quarantine"]))]
    name: String,
    /// Rows of the source, and what else the spec finds there.
    #[schemars(extend("examples" = [{ "row": { "patient_no": 10442, "first_nm": " Ada" } }]))]
    given: Given,
    /// What becomes of those rows.
    #[schemars(extend("examples" = [{ "row": { "full_name": "Ada Lovelace" } }]))]
    expect: Expect,
}

/// What a test starts from.
#[derive(JsonSchema)]
#[schemars(
    deny_unknown_fields,
    extend("oneOf" = [
        { "title": "with one row", "required": ["row"] },
        { "title": "with several rows", "required": ["rows"] },
    ])
)]
pub(in crate::schema) struct Given {
    /// One source row. A column that is left out is NULL.
    #[schemars(extend("examples" = [{ "patient_no": 10442, "first_nm": " Ada" }]))]
    row: Option<SourceRow>,
    /// Source rows, in place of `row`.
    #[schemars(length(min = 1), extend("examples" = [[{ "patient_no": 1 }, { "patient_no": 2 }]]))]
    rows: Option<Vec<SourceRow>>,
    /// New keys by old keys, for each entity that a field refers to. A key that is not there is a missing parent.
    #[schemars(extend("examples" = [{ "doctors": { "88": "51aa7c02-0c39-4d0a-8b0e-6f0d2b1ae207" } }]))]
    mappings: Option<BTreeMap<EntityName, BTreeMap<String, NewKey>>>,
    /// When the run starts: what `today` and `now` are.
    #[schemars(extend("default" = "2100-01-01T00:00:00Z"), regex(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$"), extend("examples" = ["2026-01-31T12:00:00Z"]))]
    now: Option<String>,
}

/// A key in the destination.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum NewKey {
    #[schemars(title = "of one column")]
    One(Scalar),
    #[schemars(title = "of several columns, by name")]
    Several(#[schemars(extend("minProperties" = 1))] BTreeMap<OtherColumn, Scalar>),
}

/// What a test expects. A row that is given either arrives or fails.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1, "not" = { "required": ["row", "rows"] }))]
pub(in crate::schema) struct Expect {
    /// The row that arrives, with the fields that matter. `row: {}` asks for a row and nothing else.
    #[schemars(extend("examples" = [{ "full_name": "Ada Lovelace" }]))]
    row: Option<DestinationRow>,
    /// The rows that arrive, in the order of those given.
    #[schemars(extend("examples" = [[{ "full_name": "Ada Lovelace" }, { "full_name": "Grace Hopper" }]]))]
    rows: Option<Vec<DestinationRow>>,
    /// One entry for each row that fails, in any order.
    #[schemars(extend("examples" = [[{ "field": "doctor_id", "rule": "PARENT_MISSING" }]]))]
    quarantine: Option<Vec<ExpectedFault>>,
    /// One entry for each rule with `on_failure: warn` that is broken. Without it, warnings are not looked at.
    #[schemars(extend("examples" = [[{ "field": "email", "rule": "RULE_FORMAT" }]]))]
    warnings: Option<Vec<ExpectedFault>>,
}

/// A fault that is expected. What is left out is not looked at.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::schema) struct ExpectedFault {
    /// The destination field with which the row fails.
    #[schemars(extend("examples" = ["doctor_id"]))]
    field: Option<DestinationColumn>,
    /// Why the row fails.
    #[schemars(extend("examples" = ["PARENT_MISSING"]))]
    rule: Option<FaultCode>,
}
