//! Rows that cannot take a value because another row of the same unit is about to give it up.
//!
//! SQLite looks at unique indexes after each row. So rows that stand in each other's way first give up what they hold: NULL takes its place, or
//! a value that nobody has. All of that happens inside the unit's transaction, and nobody ever sees it.

use std::collections::BTreeSet;

use rusqlite::{Connection, params_from_iter};
use transload_model::{Code, ColumnName, Refusal, Unit, WriteKind};

use super::sql;
use super::write::{Which, Written, bind, blob_columns, insert, is_refusal, names, update, values};

/// Rounds in which those that fail are left out. A chain of rows of which the last fails loses one of them in each.
const ROUNDS_MAX: usize = 16;

/// Lets rows exchange their values, and those follow that waited for one to become free. What is still refused stays among the refusals.
pub(super) fn resolve(connection: &Connection, unit: &Unit, refusals: &mut Vec<Refusal>) -> Written<()> {
    let mut rows = collided(refusals, WriteKind::Update);
    if !rows.is_empty() {
        let parking = parking(connection, unit)?;
        for _ in 0..ROUNDS_MAX {
            if rows.is_empty() || parking.is_empty() {
                break;
            }
            let failed = exchange(connection, unit, &rows, &parking)?;
            if failed.is_empty() {
                take_out(refusals, WriteKind::Update, &rows);
                break;
            }
            rows.retain(|row| !failed.contains(row));
        }
    }
    let rows = collided(refusals, WriteKind::Insert);
    if !rows.is_empty() && !unit.updates.is_empty() {
        take_out(refusals, WriteKind::Insert, &rows);
        insert(connection, unit, &Which::Only(rows), refusals)?;
    }
    Ok(())
}

fn collided(refusals: &[Refusal], kind: WriteKind) -> BTreeSet<usize> {
    let is_it = |refusal: &&Refusal| refusal.kind == kind && refusal.code == Code::ConstraintUnique;
    refusals.iter().filter(is_it).map(|refusal| refusal.row).collect()
}

fn take_out(refusals: &mut Vec<Refusal>, kind: WriteKind, rows: &BTreeSet<usize>) {
    refusals.retain(|refusal| refusal.kind != kind || !rows.contains(&refusal.row));
}

/// Writes all of these rows, or none of them. Says which failed.
fn exchange(
    connection: &Connection,
    unit: &Unit,
    rows: &BTreeSet<usize>,
    parking: &[String],
) -> Written<BTreeSet<usize>> {
    connection.execute_batch("savepoint exchange")?;
    let mut failed = park(connection, unit, rows, parking)?;
    if failed.is_empty() {
        let mut refused = Vec::new();
        update(connection, unit, &Which::Only(rows.clone()), &mut refused)?;
        failed = refused.into_iter().map(|refusal: Refusal| refusal.row).collect();
    }
    let end = if failed.is_empty() { "release exchange" } else { "rollback to exchange; release exchange" };
    connection.execute_batch(end)?;
    Ok(failed)
}

/// Takes the unique values of rows away. Says which rows keep theirs.
fn park(connection: &Connection, unit: &Unit, rows: &BTreeSet<usize>, parking: &[String]) -> Written<BTreeSet<usize>> {
    let blobs = blob_columns(connection, &unit.table)?;
    let mut statement = connection.prepare_cached(&sql::park(&unit.table, parking, &unit.key))?;
    let (mut failed, mut start) = (BTreeSet::new(), 0);
    for batch in &unit.updates {
        let key = bind(batch, &unit.key, &blobs)?;
        for row in rows.range(start..start + batch.num_rows()) {
            if let Err(error) = statement.execute(params_from_iter(values(&key, row - start))) {
                if !is_refusal(connection, &error) {
                    return Err(error.into());
                }
                failed.insert(*row);
            }
        }
        start += batch.num_rows();
    }
    Ok(failed)
}

/// Columns that rows of others follow when they change: a foreign key says so. Without a column, the primary key is meant.
const FOLLOWED: &str = "
    select distinct lower(coalesce(f.\"to\", p.name))
    from sqlite_schema s join pragma_foreign_key_list(s.name) f
    left join pragma_table_xinfo(f.\"table\") p on f.\"to\" is null and p.pk > 0
    where s.type = 'table' and lower(f.\"table\") = lower(?) and f.on_update in ('CASCADE', 'SET NULL', 'SET DEFAULT')";

/// For each unique index that an update of this unit can meet, a column of it and what it holds meanwhile. A column that others follow holds
/// nothing else for a moment: their rows would lose what they refer to.
fn parking(connection: &Connection, unit: &Unit) -> Written<Vec<String>> {
    let Some(batch) = unit.updates.first() else { return Ok(Vec::new()) };
    let set: Vec<ColumnName> = names(batch)?.into_iter().filter(|name| !unit.key.contains(name)).collect();
    let mut indexes = connection.prepare_cached("select name from pragma_index_list(?) where \"unique\" = 1")?;
    let indexes: Vec<String> = indexes.query_map([unit.table.as_str()], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut columns = connection.prepare_cached(
        "select c.name, c.\"notnull\" or c.pk, c.type from pragma_index_info(?) i join pragma_table_xinfo(?) c on c.cid = i.cid",
    )?;
    let mut followed = connection.prepare_cached(FOLLOWED)?;
    let followed: BTreeSet<String> =
        followed.query_map([unit.table.as_str()], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let is_free = |name: &str| !followed.contains(&name.to_ascii_lowercase());
    let mut parking = BTreeSet::new();
    for index in indexes {
        let of = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let parts: Vec<(String, bool, String)> =
            columns.query_map([&index, unit.table.as_str()], of)?.collect::<Result<_, _>>()?;
        let written =
            parts.iter().filter(|(name, ..)| is_free(name) && set.iter().any(|column| column.as_str() == name));
        if let Some((name, required, declared)) = written.min_by_key(|(_, required, _)| *required) {
            parking.insert(sql::parked(name, *required, declared));
        }
    }
    Ok(parking.into_iter().collect())
}
