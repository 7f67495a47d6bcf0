//! The SQL of specs: whether the server takes it, and what it gives.

use sqlx::{AssertSqlSafe, Executor, PgConnection, SqlSafeStr, Statement};
use transload_model::{Code, Diagnostic, Relation, Result, Selection, Table};

use super::catalog::{self, PgColumn};
use super::error::sqlstate;
use super::source::End;
use super::sql;

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
