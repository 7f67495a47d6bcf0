//! `transload.yaml`.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::defaults::Defaults;
use super::name::ConnectionName;
use super::value::Present;

/// What a project is, where its databases are, and which files belong to it. `${NAME}`, `${NAME:-default}` and `${NAME:?message}` read the
/// environment, `${vars.name}` a variable.
#[derive(JsonSchema)]
#[schemars(title = "Transload project", deny_unknown_fields)]
pub(in crate::schema) struct Project {
    /// The project's name.
    #[schemars(extend("examples" = ["clinic"]))]
    project: String,
    /// The version of the language.
    #[schemars(range(min = 1, max = 1), extend("default" = 1), extend("examples" = [1]))]
    version: u64,
    #[schemars(flatten)]
    place: Environment,
    /// What differs between the places where the project runs. `--env`, `TRANSLOAD_ENV` or `default_environment` chooses one, which is
    /// merged over all that stands beside it.
    #[schemars(extend("default" = {}), extend("examples" = [{ "dev": {}, "prod": { "connections": { "platform": { "pool": 16 } } } }]))]
    environments: Option<BTreeMap<String, Environment>>,
    /// The environment that is meant where neither `--env` nor `TRANSLOAD_ENV` names one.
    #[schemars(extend("examples" = ["dev"]))]
    default_environment: Option<String>,
}

/// What may differ between environments. Maps are merged key by key; lists and single values replace.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::schema) struct Environment {
    /// The files that are specs.
    #[schemars(extend("default" = "specs/**/*.yaml"), extend("examples" = ["specs/**/*.yaml"]))]
    specs: Option<String>,
    /// The files that are templates.
    #[schemars(extend("default" = "templates/*.yaml"), extend("examples" = ["templates/*.yaml"]))]
    templates: Option<String>,
    /// The files with functions in rhai that every spec may call.
    #[schemars(extend("default" = "transforms/*.rhai"), extend("examples" = ["transforms/*.rhai"]))]
    transforms: Option<String>,
    /// The connection that specs read from.
    #[schemars(extend("examples" = ["legacy"]))]
    source: Option<ConnectionName>,
    /// The connection that specs write to.
    #[schemars(extend("examples" = ["platform"]))]
    destination: Option<ConnectionName>,
    /// Where the history of runs is kept: a URL of SQLite or PostgreSQL.
    #[schemars(extend("default" = "sqlite:.transload/control.db"), extend("examples" = ["${TRANSLOAD_CONTROL:-sqlite:.transload/control.db}"]))]
    control: Option<String>,
    /// The databases, by names of your own.
    #[schemars(extend("examples" = [{ "legacy": { "url": "${LEGACY_URL:-sqlite:data/legacy.db}", "read_only": true } }]))]
    connections: Option<BTreeMap<ConnectionName, Connection>>,
    /// Values by name, for `${vars.name}` here and `vars.name` in scripts.
    #[schemars(extend("default" = {}), extend("examples" = [{ "country_prefix": "+1" }]))]
    vars: Option<BTreeMap<String, Present>>,
    /// What every spec takes before its templates and what it says itself.
    #[schemars(extend("default" = {}), extend("examples" = [{ "deletes": { "mode": "hard", "max": "10%" } }]))]
    defaults: Option<Defaults>,
    /// How a run goes about its work.
    #[schemars(extend("default" = {}), extend("examples" = [{ "parallel_entity_limit": 2 }]))]
    execution: Option<Execution>,
    /// The key of masks. Only where something is masked is it needed.
    #[schemars(extend("examples" = [{ "key": "${MASK_KEY:?}" }]))]
    masking: Option<Masking>,
    /// Whether a run begins only when someone writes the environment's name, or gives `--yes`.
    #[schemars(extend("default" = false), extend("examples" = [true]))]
    confirm: Option<bool>,
}

/// A database. It has a `url`, or a `path` in its place; an environment may give it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("not" = { "required": ["url", "path"] }))]
pub(in crate::schema) struct Connection {
    /// The system behind it. The URL says it too, and the two must agree.
    #[schemars(rename = "type", extend("examples" = ["postgres"]))]
    system: Option<System>,
    /// `sqlite:PATH`, relative to the project, or `postgres://USER:PASSWORD@HOST/DATABASE`. A password belongs into a variable.
    #[schemars(extend("examples" = ["${PLATFORM_URL:?copy .env.example to .env}", "sqlite:data/legacy.db"]))]
    url: Option<String>,
    /// A SQLite file, relative to the project, in place of `url`.
    #[schemars(extend("examples" = ["data/platform.db"]))]
    path: Option<String>,
    /// PostgreSQL only: the schema that holds the tables.
    #[schemars(extend("default" = "public"), extend("examples" = ["clinic"]))]
    schema: Option<String>,
    /// Whether nothing may be written through it. Such a connection cannot be the destination.
    #[schemars(extend("default" = false), extend("examples" = [true]))]
    read_only: Option<bool>,
    /// PostgreSQL only: connections that may be open at the same time.
    #[schemars(extend("default" = 8), range(min = 2, max = 100), extend("examples" = [16]))]
    pool: Option<u64>,
    /// An SQL script that is run where the SQLite file does not exist, or where the PostgreSQL schema holds no tables.
    #[schemars(extend("examples" = ["schema/platform.sql"]))]
    create_with: Option<String>,
    /// Where in the world it is, in words of your own, for the `residency` of specs.
    #[schemars(extend("examples" = ["eu"]))]
    region: Option<String>,
}

/// The key of masks.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::schema) struct Masking {
    /// A secret of 32 characters at least, as `openssl rand -base64 32` prints it. It comes from a variable of the environment and does not stand
    /// in the file.
    #[schemars(extend("examples" = ["${MASK_KEY:?}"]))]
    key: String,
}

/// What a database is kept in.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum System {
    /// A file on this machine.
    Sqlite,
    /// A PostgreSQL server, 13 or newer.
    Postgres,
}

/// How a run goes about its work.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::schema) struct Execution {
    /// Entities that are moved at the same time.
    #[schemars(extend("default" = 2), range(min = 1, max = 64), extend("examples" = [4]))]
    parallel_entity_limit: Option<u64>,
    /// How long a run sees the source as it was at one moment, a year at most: meanwhile a database keeps what it could clean up. A run that is
    /// not done by then stops after what it has in hand, and the next goes on with what the source holds by then.
    #[schemars(regex(pattern = r"^[0-9]+[smhd]$"), extend("default" = "1d"), extend("examples" = ["6h", "2d"]))]
    snapshot_max_age: Option<String>,
}
