//! The SQL of specs: whether the server takes it, and what it gives.

use sqlx::{AssertSqlSafe, Executor, PgConnection, Row, SqlSafeStr, Statement};
use transload_model::{Code, Diagnostic, Relation, Result, Selection, Table};

use super::catalog::{self, PgColumn};
use super::error::sqlstate;
use super::source::End;
use super::sql;

/// Tables and views that the session has locked, as SQL names them, where its user may lock them.
const LOCKED: &str = "
    select distinct pg_catalog.format('%I.%I', n.nspname, c.relname)
    from pg_catalog.pg_locks l
    join pg_catalog.pg_class c on c.oid = l.relation join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where l.pid = pg_catalog.pg_backend_pid() and l.locktype = 'relation'
      and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
      and n.nspname not in ('pg_catalog', 'information_schema') and c.relkind in ('r', 'p', 'v')
      and pg_catalog.has_table_privilege(c.oid, 'select')
    order by 1";

/// The tables that SQL of specs reads. To plan it the server locks them, and it tells what a session has locked.
pub(super) async fn tables(end: &End, connection: &mut PgConnection, relations: &[Relation]) -> Result<Vec<String>> {
    let is_written = |relation: &&Relation| relation.rows != Selection::All;
    if !relations.iter().any(|relation| is_written(&relation)) {
        return Ok(Vec::new());
    }
    end.begin(connection, None).await?;
    let explained = relations.iter().filter(is_written).map(|from| sql::explain(&sql::relation(&end.schema, from)));
    locked(connection, explained).await.map_err(|error| end.failed(&error))
}

async fn locked(connection: &mut PgConnection, plans: impl Iterator<Item = String>) -> sqlx::Result<Vec<String>> {
    for explain in plans {
        sql::query(explain).persistent(false).fetch_all(&mut *connection).await?;
    }
    let rows = sqlx::query(LOCKED).fetch_all(&mut *connection).await?;
    sql::execute(connection, "rollback").await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// The columns of a relation.
pub(super) async fn columns(
    connection: &mut PgConnection,
    schema: &str,
    relation: &Relation,
) -> sqlx::Result<Vec<PgColumn>> {
    let select = sql::select_all(&sql::relation(schema, relation));
    let statement = connection.prepare(AssertSqlSafe(select).into_sql_str()).await?;
    if statement.parameters().is_some_and(|parameters| parameters.either(|types| !types.is_empty(), |count| count > 0))
    {
        return Err(sqlx::Error::Configuration("it has a parameter such as `$1`, which nothing fills".into()));
    }
    let described = statement.columns().to_vec();
    drop(statement);
    catalog::described(connection, &described).await
}

/// What a relation gives, as a table without keys.
pub(super) async fn describe(end: &End, relation: &Relation) -> Result<Table> {
    let mut lease = end.connections.lease().await?;
    end.begin(lease.get(), None).await?;
    let columns = columns(lease.get(), &end.schema, relation).await;
    sql::execute(lease.get(), "rollback").await.map_err(|error| end.failed(&error))?;
    lease.give_back();
    let columns = columns.map_err(|error| refused(end, relation, &error))?;
    let columns = columns.into_iter().map(PgColumn::describe).collect();
    Ok(Table { columns, ..catalog::empty(relation.table.clone()) })
}

fn refused(end: &End, relation: &Relation, error: &sqlx::Error) -> Box<Diagnostic> {
    let reason = match (error, error.as_database_error()) {
        (sqlx::Error::Configuration(reason), _) => reason.to_string(),
        // Nothing was read, so the words are about the SQL alone.
        (_, Some(said)) if sqlstate(error).is_some_and(|state| state.starts_with("42") || state.starts_with("22")) => {
            said.message().to_owned()
        }
        _ => return end.failed(error),
    };
    let key = if matches!(relation.rows, Selection::Query(_)) { "query" } else { "where" };
    let problem = Diagnostic::new(Code::SourceSql, format!("the source refuses this `{key}`: {reason}"));
    Box::new(problem.help(Code::SourceSql.info().remedy))
}
