//! A spec: one file, one entity.

use schemars::JsonSchema;

use super::auto_map::AutoMapping;
use super::field::FieldMappings;
use super::function::Function;
use super::key::Key;
use super::name::{DestinationTable, EntityName, SourceTable, TemplateName};
use super::policy::{ChangeDetection, Deletes, Load};
use super::rule::Rule;
use super::test::Test;

/// What one entity is: which source rows become which destination rows, and how.
#[derive(JsonSchema)]
#[schemars(
    title = "Transload spec",
    deny_unknown_fields,
    extend("anyOf" = [
        { "title": "with mappings", "required": ["field_mappings"] },
        { "title": "with columns of the same name", "required": ["auto_map"] },
        { "title": "with templates", "required": ["use"] },
    ])
)]
pub(in crate::schema) struct Spec {
    /// The entity's name, by which other specs refer to it.
    #[schemars(extend("examples" = ["patients"]))]
    entity_type: EntityName,
    /// The table that rows are read from.
    #[schemars(extend("examples" = ["dispatch_patients"]))]
    source_table: SourceTable,
    /// The table that rows are written to.
    #[schemars(extend("examples" = ["patients"]))]
    destination_table: DestinationTable,
    /// The spec's version, in quotes: yours to count.
    #[schemars(extend("examples" = ["1.0"]))]
    version: String,
    /// Whether the spec is run. An inactive one is only checked.
    #[schemars(extend("default" = true), extend("examples" = [false]))]
    is_active: Option<bool>,
    /// What the entity is, for people.
    #[schemars(extend("examples" = ["One row per person; the two old name columns become one."]))]
    description: Option<String>,
    /// Words of your own.
    #[schemars(extend("default" = []), extend("examples" = [["clinical", "pii"]]))]
    tags: Option<Vec<String>>,
    /// Entities that must be loaded before this one, beside those it references.
    #[schemars(extend("default" = []), extend("examples" = [["offices"]]))]
    depends_on: Option<Vec<EntityName>>,
    /// How an old row finds its new row. Without it, the source's primary key is kept.
    #[schemars(extend("examples" = [{ "source": "patient_no", "destination": "id", "strategy": "uuid_v5" }]))]
    key: Option<Key>,
    /// Templates whose mappings, rules and functions stand in front of this spec's own.
    #[schemars(rename = "use", extend("default" = []), extend("examples" = [["audit_columns"]]))]
    used: Option<Vec<TemplateName>>,
    /// Columns of the same name, without a line for each. A mapping of a column wins.
    #[schemars(extend("default" = false), extend("examples" = [true, { "include": "*", "exclude": ["tmp_*"] }]))]
    auto_map: Option<AutoMapping>,
    /// What each destination column gets: a map by destination column (short form), or a list (long form).
    #[schemars(extend("examples" = [{ "name": "office_nm", "opened_on": { "source_field": "open_dt", "format": "%d/%m/%Y" } }, [{ "source_field": "office_nm", "destination_field": "name" }]]))]
    field_mappings: Option<FieldMappings>,
    /// What must hold for a row to be loaded.
    #[schemars(extend("default" = []), extend("examples" = [[{ "field_name": "full_name", "rule_type": "required" }]]))]
    validation_rules: Option<Vec<Rule>>,
    /// Functions of this spec, in rhai.
    #[schemars(extend("default" = []), extend("examples" = [[{ "name": "cents", "function_body": "(parse_decimal(value) * 100).to_int()" }]]))]
    transformation_functions: Option<Vec<Function>>,
    /// How rows that are new or modified are found.
    #[schemars(extend("default" = { "strategy": "hash" }), extend("examples" = [{ "strategy": "hash" }]))]
    change_detection: Option<ChangeDetection>,
    /// What becomes of destination rows whose source row is gone.
    #[schemars(extend("default" = { "mode": "ignore" }), extend("examples" = [{ "mode": "hard", "max": "1%" }]))]
    deletes: Option<Deletes>,
    /// How rows are loaded.
    #[schemars(extend("examples" = [{ "batch_size": 2000, "max_errors": "2%" }]))]
    load: Option<Load>,
    /// What the spec makes of rows that are given; `transload test` tries them without a database.
    #[schemars(extend("default" = []), extend("examples" = [[{
            "name": "blanks are dropped",
            "given": { "row": { "office_no": 1, "office_nm": " North " } },
            "expect": { "row": { "name": "North" } },
        }]]))]
    tests: Option<Vec<Test>>,
}
