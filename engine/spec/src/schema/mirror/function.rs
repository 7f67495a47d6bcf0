//! `transformation_functions`.

use schemars::JsonSchema;

/// A function of the spec's own, in rhai.
#[derive(JsonSchema)]
#[schemars(
    deny_unknown_fields,
    extend("oneOf" = [
        { "title": "with its script", "required": ["function_body"] },
        { "title": "with a file", "required": ["function_file"] },
    ])
)]
pub(in crate::schema) struct Function {
    /// What mappings and scripts call it. It hides a function of a library with the same name.
    #[schemars(regex(pattern = "^[A-Za-z_][A-Za-z0-9_]*$"), extend("examples" = ["join_names"]))]
    name: String,
    /// What it does, for people.
    #[schemars(extend("examples" = ["First and last name, one space between, blanks dropped."]))]
    description: Option<String>,
    /// The script; its last expression is the result. It sees `value` (an array where `source_field` is a list), `row` (the source
    /// columns), `vars`, `env` and `now`. NULL is `()`. `throw "text"` sends the row to quarantine with that text.
    #[schemars(extend("examples" = ["trimmed(value)", "`${row.first_nm} ${row.last_nm}`"]))]
    function_body: Option<String>,
    /// A file with the script, in place of `function_body`: a path beside the spec, within the project.
    #[schemars(extend("examples" = ["../transforms/phone.rhai"]))]
    function_file: Option<String>,
}
