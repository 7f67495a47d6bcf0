//! Names. In the schema of one entity, those that the project knows take the place of these definitions.

use schemars::JsonSchema;

/// What a database's names are made of: anything but control characters.
const IDENTIFIER: &str = r"^[^\x00-\x1F\x7F]+$";
/// What names of entities and connections are made of: they appear in file names, URLs and messages.
const WORD: &str = "^[A-Za-z0-9_-]+$";

/// An entity: what one spec moves.
#[derive(JsonSchema)]
pub(super) struct EntityName(#[schemars(regex(pattern = WORD))] String);

/// A connection of `transload.yaml`.
#[derive(JsonSchema)]
pub(super) struct ConnectionName(#[schemars(regex(pattern = WORD))] String);

/// A table of the source.
#[derive(JsonSchema)]
pub(super) struct SourceTable(#[schemars(regex(pattern = IDENTIFIER))] String);

/// A table of the destination.
#[derive(JsonSchema)]
pub(super) struct DestinationTable(#[schemars(regex(pattern = IDENTIFIER))] String);

/// A column of the source table.
#[derive(JsonSchema)]
pub(super) struct SourceColumn(#[schemars(regex(pattern = IDENTIFIER))] String);

/// A column of the destination table.
#[derive(JsonSchema)]
pub(super) struct DestinationColumn(#[schemars(regex(pattern = IDENTIFIER))] String);

/// A column of a table of the destination that no entity loads.
#[derive(JsonSchema)]
pub(super) struct LookupColumn(#[schemars(regex(pattern = IDENTIFIER))] String);

/// A function: of the spec, of `transforms/*.rhai`, of the standard library, or built in. `transload explain` lists those that every
/// project has.
#[derive(JsonSchema)]
pub(super) struct FunctionName(String);

/// A template: the name that a file of `templates/` gives itself.
#[derive(JsonSchema)]
pub(super) struct TemplateName(String);

/// One column, or a list of them.
#[derive(JsonSchema)]
#[schemars(untagged, rename = "{T}s")]
pub(super) enum OneOrMore<T> {
    #[schemars(title = "one column")]
    One(T),
    #[schemars(title = "a list of columns")]
    More(#[schemars(length(min = 1), extend("uniqueItems" = true))] Vec<T>),
}
