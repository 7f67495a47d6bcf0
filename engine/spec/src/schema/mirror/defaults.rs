//! The project's `defaults`.

use schemars::JsonSchema;

use super::auto_map::AutoMapping;
use super::field::FieldMappings;
use super::function::Function;
use super::key::Key;
use super::name::TemplateName;
use super::policy::{ChangeDetection, Deletes, Load, Regions};
use super::rule::Rule;

/// What every spec takes before its templates and what it says itself. Of two that say the same thing, the later one counts.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::schema) struct Defaults {
    /// The templates of specs without a `use`.
    #[schemars(rename = "use", extend("default" = []), extend("examples" = [["audit_columns"]]))]
    used: Option<Vec<TemplateName>>,
    /// The version of specs that have none, in quotes.
    #[schemars(extend("examples" = ["1.0"]))]
    version: Option<String>,
    /// Whether specs that do not say it are run.
    #[schemars(extend("default" = true), extend("examples" = [false]))]
    is_active: Option<bool>,
    /// Words of your own, beside those of each spec.
    #[schemars(extend("default" = []), extend("examples" = [["clinic"]]))]
    tags: Option<Vec<String>>,
    /// Which rows are read, in specs that have no `source`.
    #[schemars(extend("examples" = [{ "where": "not is_test" }]))]
    source: Option<SharedSource>,
    /// How an old row finds its new row, in what a spec does not say itself.
    #[schemars(extend("examples" = [{ "strategy": "uuid_v5", "namespace": "${vars.key_namespace}" }]))]
    key: Option<Key>,
    /// Columns of the same name, in specs that do not say it.
    #[schemars(extend("default" = false), extend("examples" = [true]))]
    auto_map: Option<AutoMapping>,
    /// Columns that every destination table has. A spec's own mapping of a column wins. `${…}` belongs to scripts here.
    #[schemars(extend("examples" = [{ "created_at": "crt_ts" }]))]
    field_mappings: Option<FieldMappings>,
    /// What must hold for a row of any entity to be loaded. The rules of a spec are added.
    #[schemars(extend("default" = []), extend("examples" = [[{ "field_name": "created_at", "rule_type": "required" }]]))]
    validation_rules: Option<Vec<Rule>>,
    /// Functions in rhai, for all specs. A spec's own function of a name wins.
    #[schemars(extend("default" = []), extend("examples" = [[{ "name": "cents", "function_body": "(parse_decimal(value) * 100).to_int()" }]]))]
    transformation_functions: Option<Vec<Function>>,
    /// How changed rows are found, in specs that do not say it.
    #[schemars(extend("default" = { "strategy": "hash" }), extend("examples" = [{ "strategy": "hash" }]))]
    change_detection: Option<ChangeDetection>,
    /// What becomes of rows that the source no longer has, in what a spec does not say itself.
    #[schemars(extend("default" = { "mode": "ignore" }), extend("examples" = [{ "mode": "hard", "max": "10%" }]))]
    deletes: Option<Deletes>,
    /// How rows are loaded, in what a spec does not say itself.
    #[schemars(extend("examples" = [{ "max_errors": 100 }]))]
    load: Option<Load>,
    /// The regions that rows may be in, in specs that do not say it.
    #[schemars(extend("examples" = [["eu"]]))]
    residency: Option<Regions>,
}

/// Which rows of every table are read, in the SQL of the source's database.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SharedSource {
    /// A condition over columns that every `source_table` has: rows for which it holds are read, all others are as if they were not there.
    #[schemars(rename = "where", extend("examples" = ["not is_test"]))]
    condition: String,
}
