//! Values that a table's own default gives: of an identity's sequence, or of the default's expression, whatever it is.

use sqlx::{PgConnection, Row};
use transload_model::{ColumnName, TableName};

use super::sql;

/// The expression that an insert without the column would evaluate.
const DEFAULT: &str = "
    select case when a.attidentity <> '' then
               pg_catalog.format('pg_catalog.nextval(%L::pg_catalog.regclass)', pg_catalog.pg_get_serial_sequence($1, $2))
           else pg_catalog.pg_get_expr(d.adbin, d.adrelid) end
    from pg_catalog.pg_attribute a
    left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = pg_catalog.to_regclass($1) and a.attname = $2";

/// So many new values of a column, as texts.
pub(super) async fn new_values(
    connection: &mut PgConnection,
    (schema, table, column): (&str, &TableName, &ColumnName),
    count: usize,
) -> sqlx::Result<Vec<String>> {
    let name = sql::table(schema, table);
    let asked = sqlx::query(DEFAULT).bind(name).bind(column.as_str()).fetch_one(&mut *connection).await?;
    let expression: Option<String> = asked.try_get(0)?;
    let expression = expression.ok_or(sqlx::Error::RowNotFound)?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let rows = sql::query(sql::evaluated(&expression)).persistent(false).bind(count).fetch_all(connection).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}
