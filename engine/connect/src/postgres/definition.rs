//! What defines a table, as one number: as long as nothing of that changes, neither does the number.
//!
//! It covers what decides how a row is taken: columns and their types, defaults, constraints, unique indexes, triggers and what they call, rules
//! and policies. Plain indexes, names of constraints, rights and comments are none of its business. Whoever holds a lock on the table that rows
//! are written under can rely on the answer until the lock goes.

use std::collections::BTreeMap;

use sqlx::{PgConnection, Row};
use transload_model::{TableName, Unit};

use crate::ledger::drifted;

use super::sql;
use super::write::{WriteError, Written};

/// Of all tables of a schema, or of one. Expressions are compared as the server stores them, whatever the path of the session.
const DEFINITION: &str = "
    select c.relname::text, pg_catalog.hashtextextended(row(
        c.oid, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity,
        (select pg_catalog.string_agg(row(
                    a.attname, a.atttypid, a.atttypmod, a.attcollation, a.attnotnull, a.attidentity, a.attgenerated, d.adbin::text,
                    t.typbasetype, t.typtypmod, t.typnotnull,
                    (select pg_catalog.string_agg(k.conbin::text, '' order by k.oid)
                     from pg_catalog.pg_constraint k where k.contypid = t.oid),
                    (select pg_catalog.string_agg(row(e.oid, e.enumlabel)::text, '' order by e.enumsortorder)
                     from pg_catalog.pg_enum e where e.enumtypid = t.oid))::text, '' order by a.attnum)
         from pg_catalog.pg_attribute a
         join pg_catalog.pg_type t on t.oid = a.atttypid
         left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
        (select pg_catalog.string_agg(row(
                    k.contype, k.conkey, k.confrelid, k.confkey, k.condeferrable, k.condeferred, k.confupdtype, k.confdeltype,
                    k.confmatchtype, k.conbin::text)::text, '' order by k.oid)
         from pg_catalog.pg_constraint k where k.conrelid = c.oid),
        (select pg_catalog.string_agg(row(
                    i.indkey, i.indisunique, i.indisexclusion, i.indisready, i.indclass, i.indcollation, i.indexprs::text,
                    i.indpred::text)::text, '' order by i.indexrelid)
         from pg_catalog.pg_index i where i.indrelid = c.oid and (i.indisunique or i.indisexclusion)),
        (select pg_catalog.string_agg(row(
                    g.tgname, g.tgtype, g.tgenabled, g.tgattr, g.tgargs, g.tgqual::text, p.oid, p.prosrc)::text, '' order by g.oid)
         from pg_catalog.pg_trigger g join pg_catalog.pg_proc p on p.oid = g.tgfoid
         where g.tgrelid = c.oid and not g.tgisinternal),
        (select pg_catalog.string_agg(row(r.ev_type, r.ev_enabled, r.is_instead, r.ev_qual::text, r.ev_action::text)::text, ''
                    order by r.oid)
         from pg_catalog.pg_rewrite r where r.ev_class = c.oid),
        (select pg_catalog.string_agg(row(o.polcmd, o.polroles, o.polpermissive, o.polqual::text, o.polwithcheck::text)::text, ''
                    order by o.oid)
         from pg_catalog.pg_policy o where o.polrelid = c.oid)
    )::text, 0)
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'f') and ($2::text is null or c.relname = $2)";

/// The definition of each table of a schema, or of one.
pub(super) async fn definitions(
    connection: &mut PgConnection,
    schema: &str,
    table: Option<&TableName>,
) -> sqlx::Result<BTreeMap<TableName, u64>> {
    let mut definitions = BTreeMap::new();
    let query = sqlx::query(DEFINITION).bind(schema).bind(table.map(TableName::as_str));
    for row in query.fetch_all(connection).await? {
        let (table, definition): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        definitions.extend(TableName::parse(&table).ok().map(|table| (table, definition.cast_unsigned())));
    }
    Ok(definitions)
}

/// What keeps a table as it is until the transaction ends. Units of others are not in its way.
pub(super) fn hold(schema: &str, table: &TableName) -> String {
    format!("lock table {} in row exclusive mode", sql::table(schema, table))
}

/// Refuses a unit that was made for another definition of its table. Only in a transaction that holds the table.
pub(super) async fn check(connection: &mut PgConnection, schema: &str, unit: &Unit) -> Written<()> {
    let Some(expected) = unit.definition else { return Ok(()) };
    let found = definitions(connection, schema, Some(&unit.table)).await?;
    if found.get(&unit.table) == Some(&expected) { Ok(()) } else { Err(WriteError::Problem(drifted(&unit.table))) }
}
