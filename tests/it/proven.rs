//! What once went wrong between two PostgreSQL databases, without a word: each is shown not to happen any more.

mod destinations;
mod digests;
mod encodings;
mod first_runs;
mod held;
mod names;
mod resumed;
mod rights;
mod sources;

use serde_json::Value;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, Row, ValueRef};

use crate::ends::Ends;
use crate::world::World;

/// Rows that are gone from the source are deleted, all of them if need be.
const DELETES: &str = "  deletes: { mode: hard, max: 100% }\n";

/// A spec that moves columns of a table to those with the same names. Its keys stay as they are.
fn spec(table: &str, mapped: &str) -> String {
    format!(
        "entity_type: {table}\nsource_table: {table}\ndestination_table: {table}\nversion: \"1\"\n\
         key: {{ source: id, destination: id, strategy: keep }}\nfield_mappings: {{ {mapped} }}\n"
    )
}

/// A project between two databases that have the same tables.
fn twins(defaults: &str, tables: &str, specs: &[(&str, &str)]) -> World {
    let world = World::project(Ends::PostgresToPostgres, &format!("{DELETES}{defaults}"), tables, specs);
    world.source().execute(tables);
    world.destination().execute(tables);
    world
}

/// How many rows a table has and what is in them, whatever the database's encoding and order. It must have a column `id`.
fn content(table: &str) -> String {
    format!(
        "select count(*) || ' ' || coalesce(md5(string_agg(md5(convert_to(t::text, 'UTF8')), ''
             order by convert_to(t.id::text, 'UTF8'))), '-') from {table} t"
    )
}

fn assert_same(world: &World, table: &str, what: &str) {
    let asked = content(table);
    assert_eq!(
        world.destination().texts(&asked),
        world.source().texts(&asked),
        "{what}: {table} is not as at the source"
    );
}

/// The rows of a whole run that were new, modified, deleted and set aside.
fn moved(report: &Value) -> [u64; 4] {
    ["new", "modified", "deleted", "quarantined"].map(|name| report["totals"][name].as_u64().unwrap())
}

/// One query or several, by a session of its own. Gives the first column, as text.
fn try_ask(url: &str, sql: &str) -> sqlx::Result<Vec<String>> {
    let text = |row: &PgRow| {
        let value = row.try_get_raw(0)?;
        Ok(if value.is_null() { String::new() } else { value.as_str().unwrap().to_owned() })
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = PgConnection::connect(url).await?;
        let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut connection).await?;
        connection.close().await?;
        rows.iter().map(text).collect()
    })
}

fn ask(url: &str, sql: &str) -> Vec<String> {
    try_ask(url, sql).unwrap_or_else(|error| panic!("{error}: {sql}"))
}
