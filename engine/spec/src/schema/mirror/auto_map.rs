//! `auto_map`.

use schemars::JsonSchema;

/// Columns of the same name, without a line for each.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(in crate::schema) enum AutoMapping {
    /// `true` copies every column to the one of the same name.
    #[schemars(title = "on or off")]
    Switch(bool),
    #[schemars(title = "which columns")]
    Which(AutoMap),
}

/// Which columns are copied to those of the same name.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::schema) struct AutoMap {
    /// Source columns that are copied; `*`, `?` and `[a-z]` stand for other characters.
    #[schemars(extend("default" = "*"), extend("examples" = ["*", ["address_*", "city"]]))]
    include: Option<Patterns>,
    /// Source columns that are left out, written in the same way; it wins over `include`.
    #[schemars(extend("examples" = [["tmp_*", "legacy_notes"]]))]
    exclude: Option<Patterns>,
    /// Which names are the same.
    #[schemars(rename = "match", extend("default" = "exact"), extend("examples" = ["snake_case"]))]
    pairing: Option<Pairing>,
    /// What becomes of a pair of columns that `transload.lock` does not know, because it came later.
    #[schemars(extend("default" = "warn"), extend("examples" = ["fail"]))]
    on_new_column: Option<OnNewColumn>,
}

/// Source columns, in which `*`, `?` and `[a-z]` stand for other characters.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Patterns {
    #[schemars(title = "one pattern")]
    One(#[schemars(length(min = 1))] ColumnPattern),
    #[schemars(title = "a list of patterns")]
    More(#[schemars(length(min = 1))] Vec<ColumnPattern>),
}

/// A source column, or a pattern that stands for several.
#[derive(JsonSchema)]
struct ColumnPattern(#[schemars(length(min = 1))] String);

/// Which names are the same.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Pairing {
    /// Those that are written alike.
    Exact,
    /// `FirstName` goes to `first_name`, `HTTPStatus` to `http_status`.
    SnakeCase,
}

/// What becomes of a pair of columns that came after the project was locked.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum OnNewColumn {
    /// It is left out, with a warning.
    Warn,
    /// The spec is refused (`NEW_COLUMN`).
    Fail,
    /// It is copied.
    Include,
    /// It is left out.
    Ignore,
}
