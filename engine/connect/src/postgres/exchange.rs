//! Rows that cannot take a value because another row of the same unit is about to give it up.
//!
//! The server looks at a unique index after each row. So rows that stand in each other's way first give up what they hold: NULL takes its place,
//! or a value that nobody has. All of that happens inside the unit's transaction, and nobody ever sees it.

use std::collections::BTreeSet;
use std::ops::Range;

use sqlx::{PgConnection, Row};
use transload_model::{Code, ColumnName, LogicalType, Refusal, TableName, WriteKind};

use super::catalog::{KIN, PgColumn};
use super::error::is_about_a_row;
use super::sql::{self, Pair};
use super::write::{Apply, Shape, Written};

/// Rounds in which those that fail are left out. A chain of rows of which the last fails loses one of them in each.
const ROUNDS_MAX: usize = 16;

/// Lets staged rows exchange their values. What is still refused stays among the refusals.
pub(super) async fn resolve(
    connection: &mut PgConnection,
    (shape, pair): (&Shape, &Pair<'_>),
    (apply, set): (&Apply, &[&PgColumn]),
    refusals: &mut Vec<Refusal>,
) -> Written<()> {
    let mut rows = collided(refusals, WriteKind::Update);
    if rows.is_empty() {
        return Ok(());
    }
    let parking = parking(connection, shape, set).await?;
    for _ in 0..ROUNDS_MAX {
        if rows.is_empty() || parking.is_empty() {
            break;
        }
        let park = pair.park(&parking);
        let Some(failed) = exchange(connection, (&park, apply), &rows, &shape.name).await? else { break };
        if failed.is_empty() {
            take_out(refusals, WriteKind::Update, &rows);
            break;
        }
        rows.retain(|row| !failed.contains(row));
    }
    Ok(())
}

/// Rows that another row's value kept out.
pub(super) fn collided(refusals: &[Refusal], kind: WriteKind) -> BTreeSet<usize> {
    let is_it = |refusal: &&Refusal| refusal.kind == kind && refusal.code == Code::ConstraintUnique;
    refusals.iter().filter(is_it).map(|refusal| refusal.row).collect()
}

pub(super) fn take_out(refusals: &mut Vec<Refusal>, kind: WriteKind, rows: &BTreeSet<usize>) {
    refusals.retain(|refusal| refusal.kind != kind || !rows.contains(&refusal.row));
}

/// Numbers that follow one another, as ranges, the first on top of the stack.
pub(super) fn ranges(rows: &BTreeSet<usize>) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for row in rows.iter().rev() {
        match ranges.last_mut() {
            Some(range) if range.start == row + 1 => range.start = *row,
            _ => ranges.push(*row..row + 1),
        }
    }
    ranges
}

/// Writes all of these rows, or none of them, and says which failed; none at all where they cannot give up what they hold.
async fn exchange(
    connection: &mut PgConnection,
    (park, apply): (&str, &Apply),
    rows: &BTreeSet<usize>,
    table: &TableName,
) -> Written<Option<BTreeSet<usize>>> {
    let numbers: Vec<i64> = rows.iter().map(|row| crate::ledger::signed(*row as u64)).collect();
    sql::batch(connection, "savepoint exchange").await?;
    match sql::query(park.to_owned()).bind(numbers).execute(&mut *connection).await {
        Ok(_) => {}
        Err(error) if is_about_a_row(&error) => {
            sql::batch(connection, "rollback to exchange; release exchange").await?;
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    }
    let refused = apply.halving(connection, ranges(rows), table).await?;
    let end = if refused.is_empty() { "release exchange" } else { "rollback to exchange; release exchange" };
    sql::batch(connection, end).await?;
    Ok(Some(refused.into_iter().map(|refusal| refusal.row).collect()))
}

/// Columns that rows of others follow when they change: a foreign key says so, to the table, a part of it or the whole; behind [`KIN`].
const FOLLOWED: &str = "
    select distinct a.attname::text
    from pg_catalog.pg_constraint k
    join kin on kin.oid = k.confrelid
    join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = any(k.confkey)
    where k.contype = 'f' and k.confupdtype in ('c', 'n', 'd')";

/// For each unique index that an update of these columns can meet, a column of it and what it holds meanwhile. A column that others follow holds
/// nothing else for a moment: their rows would lose what they refer to.
async fn parking(connection: &mut PgConnection, shape: &Shape, set: &[&PgColumn]) -> Written<Vec<String>> {
    let mut parking = BTreeSet::new();
    let followed = sql::query(format!("{KIN}{FOLLOWED}")).bind(&shape.sql).fetch_all(connection).await?;
    let followed: Vec<String> = followed.iter().map(|row| row.try_get(0)).collect::<sqlx::Result<_>>()?;
    for index in &shape.unique {
        let is_free = |name: &ColumnName| !followed.iter().any(|followed| followed == name.as_str());
        let written = set.iter().filter(|column| index.columns.contains(&column.name) && is_free(&column.name));
        let free = |column: &&&PgColumn| column.is_required() || index.is_strict;
        if let Some(column) = written.min_by_key(free) {
            parking.extend(parked(column, !free(&column), &shape.sql));
        }
    }
    Ok(parking.into_iter().collect())
}

/// What a column holds while its value is on its way to another row: nothing, or what nobody has. Of some types nothing can be said.
fn parked(column: &PgColumn, may_be_null: bool, table: &str) -> Option<String> {
    let name = sql::quote(column.name.as_str());
    let below = |step: &str| format!("(select min(other.{name}) from {table} other) - (new.{} + 1){step}", sql::NUMBER);
    let value = match column.wire.logical() {
        _ if may_be_null => "null".to_owned(),
        LogicalType::Integer | LogicalType::Decimal { .. } => below(""),
        LogicalType::Date => below("::int4"),
        LogicalType::Timestamp | LogicalType::Timestamptz => below(" * interval '1 second'"),
        LogicalType::Uuid => "pg_catalog.gen_random_uuid()".to_owned(),
        LogicalType::Text => {
            let length = column.wire.max_length().unwrap_or(33).min(33);
            format!(
                "pg_catalog.left('~' || pg_catalog.md5(pg_catalog.random()::text || new.{}), {length})",
                sql::NUMBER
            )
        }
        _ => return None,
    };
    Some(format!("{name} = {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_beside_one_another_are_one_range() {
        let found = ranges(&BTreeSet::from([1, 2, 3, 7, 9, 10]));
        assert_eq!(found, [9..11, 7..8, 1..4], "the lowest is taken first");
    }
}
