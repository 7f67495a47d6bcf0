//! Rows beside what the table holds of them.
//!
//! The server compares, by the very expressions that an update asks, so that a row is told to differ exactly where an update would change it.
//! The rows go there as arrays, a parameter for each column: a temporary table would be written.

use std::collections::BTreeSet;
use std::ops::Range;

use arrow::record_batch::RecordBatch;
use sqlx::{PgConnection, Row};
use transload_model::{Code, ColumnName, Held};

use super::array::Array;
use super::catalog::PgColumn;
use super::sql;
use super::types::Encoder;
use super::write::{Shape, Written, problem};

/// Rows that are compared by one statement.
const ROWS: usize = 4_096;

/// What the table holds of each row.
pub(super) async fn compare(
    connection: &mut PgConnection,
    shape: &Shape,
    key: &[ColumnName],
    rows: &RecordBatch,
) -> Written<Vec<Held>> {
    let schema = rows.schema();
    let names = schema.fields().iter().filter_map(|field| ColumnName::parse(field.name()).ok());
    let columns = names.map(|name| shape.column(&name)).collect::<Written<Vec<_>>>()?;
    let encoders = rows.columns().iter().zip(&columns).map(|(cells, column)| Encoder::new(cells, column.wire));
    let encoders = encoders.collect::<Option<Vec<_>>>().filter(|encoders| encoders.len() == rows.num_columns());
    let encoders = encoders.ok_or_else(|| {
        problem(Code::DestinationFailed, format!("a batch of `{}` holds what no batch holds", shape.name))
    })?;
    let sql = sql::compare(&shape.sql, &columns, key);
    let mut held = Vec::with_capacity(rows.num_rows());
    let mut first = 0;
    while first < rows.num_rows() {
        let end = rows.num_rows().min(first + ROWS);
        let mut unfit = vec![Vec::new(); end - first];
        let mut query = sql::query(sql.clone());
        for (at, (encoder, column)) in encoders.iter().zip(&columns).enumerate() {
            query = query.bind(values(encoder, column, first..end, |row| unfit[row - first].push(at)));
        }
        let mut found: Vec<Option<BTreeSet<usize>>> = vec![None; end - first];
        for row in query.fetch_all(&mut *connection).await? {
            let Some(at) = index(row.try_get(0)?) else { continue };
            if row.try_get(1)? {
                // A table without a unique key may hold several rows of one key: what one of them lacks, differs.
                let differing = row.try_get::<Vec<i32>, _>(2)?.into_iter().filter_map(|at| index(at.into()));
                found[at].get_or_insert_default().extend(differing);
            }
        }
        held.extend(found.into_iter().zip(unfit).map(|(differing, unfit)| match differing {
            Some(differing) => {
                Held::Row(differing.into_iter().chain(unfit).collect::<BTreeSet<_>>().into_iter().collect())
            }
            None => Held::Nothing,
        }));
        first = end;
    }
    Ok(held)
}

fn index(number: i64) -> Option<usize> {
    usize::try_from(number).ok()?.checked_sub(1)
}

/// The values of a column. NULL stands for what does not fit it; `is_unfit` is told which rows those are.
fn values(encoder: &Encoder<'_>, column: &PgColumn, rows: Range<usize>, mut is_unfit: impl FnMut(usize)) -> Array {
    let mut values = Array::of(column.base);
    for row in rows {
        values.push_written(|bytes| {
            if encoder.write(row, bytes).is_err() {
                is_unfit(row);
                bytes.extend_from_slice(&(-1_i32).to_be_bytes());
            }
        });
    }
    values
}
