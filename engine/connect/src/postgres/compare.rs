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
use super::error::is_about_a_row;
use super::sql;
use super::types::Encoder;
use super::write::{Shape, Written, problem};

/// Rows that are compared by one statement.
const ROWS: usize = 4_096;

/// What the table holds of each row.
///
/// Rows that the server refuses for what they hold are halved until those are known that it refuses alone: each has a value that the table
/// cannot hold.
pub(super) async fn compare(
    connection: &mut PgConnection,
    shape: &Shape,
    key: &[ColumnName],
    rows: &RecordBatch,
) -> Written<Vec<Held>> {
    let given = Given::new(shape, key, rows)?;
    let mut held = Vec::with_capacity(rows.num_rows());
    let mut open: Vec<Range<usize>> =
        (0..rows.num_rows()).step_by(ROWS).map(|first| first..rows.num_rows().min(first + ROWS)).rev().collect();
    while let Some(range) = open.pop() {
        match given.beside(connection, range.clone(), |_| true).await {
            Err(error) if is_about_a_row(&error) && range.len() > 1 => {
                let middle = range.start + range.len() / 2;
                open.extend([middle..range.end, range.start..middle]);
            }
            Err(error) if is_about_a_row(&error) => held.push(given.beside_by_key(connection, range).await?),
            found => held.extend(found?),
        }
    }
    Ok(held)
}

/// Rows that are compared with a table.
struct Given<'a> {
    sql: String,
    columns: Vec<(Encoder<'a>, &'a PgColumn)>,
    /// Which of these are the key.
    key: BTreeSet<usize>,
}

impl<'a> Given<'a> {
    fn new(shape: &'a Shape, key: &[ColumnName], rows: &'a RecordBatch) -> Written<Self> {
        let schema = rows.schema();
        let names: Vec<ColumnName> =
            schema.fields().iter().filter_map(|field| ColumnName::parse(field.name()).ok()).collect();
        let columns = names.iter().map(|name| shape.column(name)).collect::<Written<Vec<_>>>()?;
        let encoders = rows.columns().iter().zip(&columns).map(|(cells, column)| Encoder::new(cells, column.wire));
        let encoders = encoders.collect::<Option<Vec<_>>>().filter(|encoders| encoders.len() == rows.num_columns());
        let encoders = encoders.ok_or_else(|| {
            problem(Code::DestinationFailed, format!("a batch of `{}` holds what no batch holds", shape.name))
        })?;
        let sql = sql::compare(&shape.sql, &columns, key);
        let key = (0..names.len()).filter(|at| key.contains(&names[*at])).collect();
        Ok(Self { sql, columns: encoders.into_iter().zip(columns).collect(), key })
    }

    /// What the table holds of some rows. A column that is not asked about differs.
    async fn beside(
        &self,
        connection: &mut PgConnection,
        rows: Range<usize>,
        is_asked: impl Fn(usize) -> bool,
    ) -> sqlx::Result<Vec<Held>> {
        let mut unfit = vec![Vec::new(); rows.len()];
        let mut query = sql::query(self.sql.clone());
        for (at, (encoder, column)) in self.columns.iter().enumerate() {
            let encoder = is_asked(at).then_some(encoder);
            query = query.bind(values(encoder, column, rows.clone(), |row| unfit[row - rows.start].push(at)));
        }
        let mut found: Vec<Option<BTreeSet<usize>>> = vec![None; rows.len()];
        for row in query.fetch_all(connection).await? {
            let Some(at) = index(row.try_get(0)?) else { continue };
            if row.try_get(1)? {
                // A table without a unique key may hold several rows of one key: what one of them lacks, differs.
                let differing = row.try_get::<Vec<i32>, _>(2)?.into_iter().filter_map(|at| index(at.into()));
                found[at].get_or_insert_default().extend(differing);
            }
        }
        let held = found.into_iter().zip(unfit).map(|(differing, unfit)| match differing {
            Some(differing) => {
                Held::Row(differing.into_iter().chain(unfit).collect::<BTreeSet<_>>().into_iter().collect())
            }
            None => Held::Nothing,
        });
        Ok(held.collect())
    }

    /// What the table holds of a row with a value that it cannot hold. Which column that is nobody says, so all but the key differ.
    async fn beside_by_key(&self, connection: &mut PgConnection, row: Range<usize>) -> sqlx::Result<Held> {
        match self.beside(connection, row, |at| self.key.contains(&at)).await {
            Err(error) if is_about_a_row(&error) => Ok(Held::Nothing),
            held => Ok(held?.pop().unwrap_or(Held::Nothing)),
        }
    }
}

fn index(number: i64) -> Option<usize> {
    usize::try_from(number).ok()?.checked_sub(1)
}

/// The values of a column. NULL stands for what does not fit it, and for all where none is asked about; `is_unfit` is told which rows those are.
fn values(
    encoder: Option<&Encoder<'_>>,
    column: &PgColumn,
    rows: Range<usize>,
    mut is_unfit: impl FnMut(usize),
) -> Array {
    let mut values = Array::of(column.base);
    for row in rows {
        values.push_written(|bytes| {
            if encoder.is_none_or(|encoder| encoder.write(row, bytes).is_err()) {
                is_unfit(row);
                bytes.extend_from_slice(&(-1_i32).to_be_bytes());
            }
        });
    }
    values
}
