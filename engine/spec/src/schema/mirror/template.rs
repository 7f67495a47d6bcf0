//! A template: a file of `templates/`.

use schemars::JsonSchema;

use super::auto_map::AutoMapping;
use super::field::FieldMappings;
use super::function::Function;
use super::key::Key;
use super::name::TemplateName;
use super::policy::{ChangeDetection, Deletes, Load};
use super::rule::Rule;

/// A piece of a spec with a name. `use: [name]` puts it in front of what a spec says itself.
#[derive(JsonSchema)]
#[schemars(title = "Transload template", deny_unknown_fields)]
pub(in crate::schema) struct Template {
    /// The template's name, which specs give in `use`.
    #[schemars(extend("examples" = ["audit_columns"]))]
    template: String,
    /// What it is for.
    #[schemars(extend("examples" = ["When and by whom a row was written."]))]
    description: Option<String>,
    /// Words of your own, beside those of the spec.
    #[schemars(extend("default" = []), extend("examples" = [["audited"]]))]
    tags: Option<Vec<String>>,
    /// Templates that this one takes, whose mappings, rules and functions stand in front of its own.
    #[schemars(rename = "use", extend("default" = []), extend("examples" = [["timestamps"]]))]
    used: Option<Vec<TemplateName>>,
    /// How an old row finds its new row, in what a spec does not say itself.
    #[schemars(extend("examples" = [{ "strategy": "uuid_v7" }]))]
    key: Option<Key>,
    /// Columns of the same name, in specs that do not say it.
    #[schemars(extend("default" = false), extend("examples" = [true]))]
    auto_map: Option<AutoMapping>,
    /// What each destination column gets. A spec's own mapping of a column wins.
    #[schemars(extend("examples" = [{ "created_at": "crt_ts" }]))]
    field_mappings: Option<FieldMappings>,
    /// What must hold for a row to be loaded. The rules of a spec are added.
    #[schemars(extend("examples" = [[{ "field_name": "created_at", "rule_type": "required" }]]))]
    validation_rules: Option<Vec<Rule>>,
    /// Functions in rhai, for the specs that use the template.
    #[schemars(extend("examples" = [[{ "name": "cents", "function_body": "(parse_decimal(value) * 100).to_int()" }]]))]
    transformation_functions: Option<Vec<Function>>,
    /// How changed rows are found, in specs that do not say it.
    #[schemars(extend("default" = { "strategy": "hash" }), extend("examples" = [{ "strategy": "hash" }]))]
    change_detection: Option<ChangeDetection>,
    /// What becomes of destination rows whose source row is gone, in what a spec does not say itself.
    #[schemars(extend("examples" = [{ "mode": "hard", "max": "1%" }]))]
    deletes: Option<Deletes>,
    /// How rows are loaded, in what a spec does not say itself.
    #[schemars(extend("examples" = [{ "max_errors": 0 }]))]
    load: Option<Load>,
}
