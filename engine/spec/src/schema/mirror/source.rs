//! `source`.

use schemars::JsonSchema;

/// Which rows are read, in the SQL of the source's database.
#[derive(JsonSchema)]
#[schemars(
    deny_unknown_fields,
    extend("oneOf" = [{ "title": "some rows", "required": ["where"] }, { "title": "a query", "required": ["query"] }])
)]
pub(in crate::schema) struct Source {
    /// A condition over the columns of `source_table`: rows for which it holds are read, all others are as if they were not there.
    #[schemars(rename = "where", extend("examples" = ["not is_test and created > '2015-01-01'"]))]
    condition: Option<String>,
    /// A query in place of the table, or a file beside the spec that holds it and ends with `.sql`. It needs a `key`.
    #[schemars(extend("examples" = ["../sql/people.sql", "select no, nm from people join tiers using (tier)"]))]
    query: Option<String>,
}
