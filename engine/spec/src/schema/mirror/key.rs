//! `key`.

use schemars::JsonSchema;

use super::name::{DestinationColumn, OneOrMore, SourceColumn};

/// How an old row finds its new row. Without it, the source's primary key is kept.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::schema) struct Key {
    /// The source columns that tell rows apart; without it, the source's primary key.
    #[schemars(extend("examples" = ["patient_no", ["patient_no", "visit_no"]]))]
    source: Option<OneOrMore<SourceColumn>>,
    /// The destination columns of the key; without it, the destination's primary key.
    #[schemars(extend("examples" = ["id", ["patient_id", "visit_no"]]))]
    destination: Option<OneOrMore<DestinationColumn>>,
    /// How the new key comes about.
    #[schemars(extend("default" = "keep"), extend("examples" = ["uuid_v5"]))]
    strategy: Option<Strategy>,
    /// A UUID of your own, which `uuid_v5` needs. Another namespace means other keys: it stays as it is for as long as the project lives.
    #[schemars(regex(pattern = "^(urn:uuid:|\\{)?[0-9A-Fa-f-]{32,36}\\}?$"), extend("examples" = ["0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11"]))]
    namespace: Option<String>,
}

/// How a destination key comes about.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Strategy {
    /// From the source key: each key column is a field like any other, or the source's key column as it is.
    Keep,
    /// `uuid5(namespace, "<entity_type>:<source key>")`: the same old key gives the same new key, in every run and every environment.
    UuidV5,
    /// A new version-7 UUID when the row is first loaded; the ledger keeps which.
    UuidV7,
    /// What the key column's own default gives when the row is first loaded, such as an identity's next number; the ledger keeps which.
    Database,
}
