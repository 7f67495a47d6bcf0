//! A spec: one file, one entity.

use schemars::JsonSchema;

use super::auto_map::AutoMapping;
use super::field::FieldMappings;
use super::function::Function;
use super::key::Key;
use super::name::{DestinationTable, EntityName, SourceTable, TemplateName};
use super::policy::{ChangeDetection, Deletes, Load, Regions};
use super::rule::Rule;
use super::source::Source;
use super::test::Test;

/// What one entity is: which source rows become which destination rows, and how.
#[derive(JsonSchema)]
#[schemars(title = "Transload spec", deny_unknown_fields)]
pub(in crate::schema) struct Spec {
    /// What a store of specs calls this one: a UUID. It decides nothing.
    #[schemars(regex(pattern = "^(urn:uuid:|\\{)?[0-9A-Fa-f-]{32,36}\\}?$"), extend("examples" = ["0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11"]))]
    id: Option<String>,
    /// The entity's name, by which other specs refer to it.
    #[schemars(extend("examples" = ["patients"]))]
    entity_type: EntityName,
    /// The table that rows are read from.
    #[schemars(extend("examples" = ["dispatch_patients"]))]
    source_table: SourceTable,
    /// The table that rows are written to.
    #[schemars(extend("examples" = ["patients"]))]
    destination_table: DestinationTable,
    /// The spec's version, in quotes: yours to count. It may be left out where the project's `defaults` have one.
    #[schemars(extend("examples" = ["1.0"]))]
    version: Option<String>,
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
    /// Which rows are read, in the SQL of the source's database; without it, every row of the table.
    #[schemars(extend("examples" = [{ "where": "not is_test" }, { "query": "../sql/people.sql" }]))]
    source: Option<Source>,
    /// How an old row finds its new row. Without it, the source's primary key is kept.
    #[schemars(extend("examples" = [{ "source": "patient_no", "destination": "id", "strategy": "uuid_v5" }]))]
    key: Option<Key>,
    /// Templates whose mappings, rules and functions stand in front of this spec's own, in the place of those of the project's `defaults`.
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
    /// The regions that its rows may be in: those of the connections that they come from and go to.
    #[schemars(extend("examples" = [["eu"]]))]
    residency: Option<Regions>,
    /// What the spec makes of rows that are given; `transload test` tries them without a database.
    #[schemars(extend("default" = []), extend("examples" = [[{
            "name": "blanks are dropped",
            "given": { "row": { "office_no": 1, "office_nm": " North " } },
            "expect": { "row": { "name": "North" } },
        }]]))]
    tests: Option<Vec<Test>>,
    /// When a store of specs took this one in. It decides nothing.
    #[schemars(
        regex(pattern = "^\\d{4}-\\d{2}-\\d{2}[Tt ]\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?([Zz]|[+-]\\d{2}:\\d{2})$"),
        extend("examples" = ["2025-01-27T10:30:00Z"])
    )]
    created_at: Option<String>,
    /// When a store of specs changed this one last. It decides nothing.
    #[schemars(
        regex(pattern = "^\\d{4}-\\d{2}-\\d{2}[Tt ]\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?([Zz]|[+-]\\d{2}:\\d{2})$"),
        extend("examples" = ["2025-01-27T10:30:00Z"])
    )]
    updated_at: Option<String>,
}
