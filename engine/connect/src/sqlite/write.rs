//! Writing a unit's rows.
//!
//! Each row is a statement of its own. A statement that SQLite refuses is undone by SQLite alone and leaves the transaction standing, so a
//! refused row is known at once, without trying halves. Rows that stand in each other's way are tried again together (`exchange.rs`).

use std::collections::BTreeSet;

use arrow::array::ArrayRef;
use arrow::record_batch::RecordBatch;
use rusqlite::types::Value;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params_from_iter};
use transload_model::{Bug, Code, ColumnName, Diagnostic, Referrer, Refusal, TableName, Unit, WriteKind, planted};

use super::cascade::{cascades, effect};
use super::deferred::{self, Reference, guard};
use super::error::refusal;
use super::exchange;
use crate::ledger::{ambiguous, shown_referrer, swallowed};

use super::sql;
use super::types::Bound;

/// Why a unit cannot be written.
pub(super) enum WriteError {
    Database(rusqlite::Error),
    Problem(Box<Diagnostic>),
}

impl From<rusqlite::Error> for WriteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

pub(super) type Written<T> = Result<T, WriteError>;

pub(super) fn rows(connection: &Connection, unit: &Unit) -> Written<Vec<Refusal>> {
    let mut refusals = deferred::changes(connection, unit)?;
    delete(connection, unit, &mut refusals)?;
    Ok(refusals)
}

/// Inserts and updates the unit's rows, but for those that are left out; gives these as well.
pub(super) fn changes(connection: &Connection, unit: &Unit, left_out: &[Refusal]) -> Written<Vec<Refusal>> {
    let mut refusals = left_out.to_vec();
    let of = |kind| Which::But(left_out.iter().filter(|one| one.kind == kind).map(|one| one.row).collect());
    insert(connection, unit, &of(WriteKind::Insert), &mut refusals)?;
    update(connection, unit, &of(WriteKind::Update), &mut refusals)?;
    deferred::again(connection, unit, &mut refusals, left_out.len())?;
    exchange::resolve(connection, unit, &mut refusals)?;
    Ok(refusals)
}

/// Which rows of a unit are written, by number.
pub(super) enum Which {
    Only(BTreeSet<usize>),
    /// Only these, and what they refer to is looked at when all of them are written.
    Together(BTreeSet<usize>),
    But(BTreeSet<usize>),
}

impl Which {
    fn has(&self, row: usize) -> bool {
        match self {
            Self::Only(rows) | Self::Together(rows) => rows.contains(&row),
            Self::But(rows) => !rows.contains(&row),
        }
    }

    /// What is looked at as soon as a row is written.
    fn references(&self, connection: &Connection, unit: &Unit) -> rusqlite::Result<Vec<Reference>> {
        if matches!(self, Self::Together(_)) { Ok(Vec::new()) } else { deferred::references(connection, unit) }
    }
}

pub(super) fn names(batch: &RecordBatch) -> Written<Vec<ColumnName>> {
    let name = |field: &std::sync::Arc<arrow::datatypes::Field>| ColumnName::parse(field.name());
    let names: Result<Vec<_>, _> = batch.schema().fields().iter().map(name).collect();
    names.map_err(|error| problem(Code::DestinationFailed, format!("a unit has a column without a name: {error}")))
}

fn problem(code: Code, headline: String) -> WriteError {
    WriteError::Problem(Box::new(Diagnostic::new(code, headline)))
}

/// Columns declared BLOB take UUIDs as 16 bytes.
pub(super) fn blob_columns(connection: &Connection, table: &TableName) -> rusqlite::Result<Vec<String>> {
    let mut statement =
        connection.prepare_cached("select name from pragma_table_xinfo(?) where upper(type) like '%BLOB%'")?;
    statement.query_map([table.as_str()], |row| row.get(0))?.collect()
}

pub(super) fn bind<'a>(batch: &'a RecordBatch, columns: &[ColumnName], blobs: &[String]) -> Written<Vec<Bound<'a>>> {
    let mut bound = Vec::with_capacity(columns.len());
    for column in columns {
        let array: Option<&'a ArrayRef> = batch.column_by_name(column.as_str());
        let as_blob = blobs.iter().any(|name| name == column.as_str());
        let cells = array.and_then(|array| Bound::new(array, as_blob));
        let missing = || problem(Code::DestinationFailed, format!("a unit does not hold `{column}` as it should"));
        bound.push(cells.ok_or_else(missing)?);
    }
    Ok(bound)
}

pub(super) fn values(bound: &[Bound<'_>], row: usize) -> Vec<Value> {
    bound.iter().map(|cells| cells.value(row)).collect()
}

/// How many rows a statement changed; nothing where it was refused.
fn execute(
    connection: &Connection,
    statement: &mut CachedStatement<'_>,
    values: Vec<Value>,
    (kind, row): (WriteKind, usize),
    refusals: &mut Vec<Refusal>,
) -> Written<Option<usize>> {
    match statement.execute(params_from_iter(values)) {
        Ok(rows) => Ok(Some(rows)),
        Err(error) => match refusal(&error, kind, row) {
            // A refusal that ended the transaction has undone the rows before it as well.
            Some(_) if connection.is_autocommit() && !planted(Bug::TransactionEnded) => Err(error.into()),
            Some(refusal) => {
                refusals.push(refusal);
                Ok(None)
            }
            None => Err(error.into()),
        },
    }
}

/// Whether a statement failed for its row alone.
pub(super) fn is_refusal(connection: &Connection, error: &rusqlite::Error) -> bool {
    !connection.is_autocommit() && refusal(error, WriteKind::Update, 0).is_some()
}

/// Inserts new rows of the unit.
pub(super) fn insert(connection: &Connection, unit: &Unit, which: &Which, refusals: &mut Vec<Refusal>) -> Written<()> {
    let blobs = blob_columns(connection, &unit.table)?;
    let references = which.references(connection, unit)?;
    let mut number = 0;
    for batch in &unit.inserts {
        let columns = names(batch)?;
        let (bound, bound_key) = (bind(batch, &columns, &blobs)?, bind(batch, &unit.key, &blobs)?);
        let mut statement = connection.prepare_cached(&sql::insert(&unit.table, &columns))?;
        for row in 0..batch.num_rows() {
            if !which.has(number) {
                number += 1;
                continue;
            }
            if let Some(refusal) = lost((&columns, &bound), row, (WriteKind::Insert, number)) {
                refusals.push(refusal);
                number += 1;
                continue;
            }
            let at = (WriteKind::Insert, number);
            let work =
                |refusals: &mut Vec<Refusal>| execute(connection, &mut statement, values(&bound, row), at, refusals);
            let done = guard(connection, &references, (&values(&bound_key, row), at.0, at.1), refusals, work)?;
            if done.is_some_and(|rows| rows != 1) {
                return Err(WriteError::Problem(swallowed(&unit.table)));
            }
            number += 1;
        }
    }
    Ok(())
}

/// Updates modified rows of the unit.
pub(super) fn update(connection: &Connection, unit: &Unit, which: &Which, refusals: &mut Vec<Refusal>) -> Written<()> {
    let blobs = blob_columns(connection, &unit.table)?;
    let (repeats, references) = (Repeats::of(connection, unit)?, which.references(connection, unit)?);
    let mut number = 0;
    for batch in &unit.updates {
        let set: Vec<ColumnName> = names(batch)?.into_iter().filter(|name| !unit.key.contains(name)).collect();
        let bound_key = bind(batch, &unit.key, &blobs)?;
        let bound_set = bind(batch, &set, &blobs)?;
        let update = sql::update(&unit.table, &set, &unit.key);
        let mut differs = connection.prepare_cached(&sql::differs(&unit.table, &set, &unit.key))?;
        for row in 0..batch.num_rows() {
            if !which.has(number) {
                number += 1;
                continue;
            }
            if let Some(refusal) = lost((&set, &bound_set), row, (WriteKind::Update, number)) {
                refusals.push(refusal);
                number += 1;
                continue;
            }
            let (key, wanted) = (values(&bound_key, row), values(&bound_set, row));
            if repeats.has(connection, &key)? {
                refusals.push(ambiguous(&unit.table, (WriteKind::Update, number)));
                number += 1;
                continue;
            }
            let mut done = Some(0);
            if !set.is_empty() {
                let all: Vec<Value> = wanted.iter().chain(&key).chain(&wanted).cloned().collect();
                let (at, mut statement) = ((WriteKind::Update, number), connection.prepare_cached(&update)?);
                let work = |refusals: &mut Vec<Refusal>| execute(connection, &mut statement, all, at, refusals);
                done = guard(connection, &references, (&key, at.0, at.1), refusals, work)?;
            }
            if done == Some(0) {
                let all = params_from_iter(wanted.iter().chain(&key));
                match differs.query_row(all, |row| row.get::<_, bool>(0)).optional()? {
                    Some(true) => return Err(WriteError::Problem(swallowed(&unit.table))),
                    // It holds the values already.
                    Some(false) => {}
                    None => refusals.push(gone(&unit.table, number)),
                }
            }
            number += 1;
        }
    }
    Ok(())
}

/// Whether several rows of a unit's table may have one key, and then how many do.
struct Repeats(Option<String>);

impl Repeats {
    fn of(connection: &Connection, unit: &Unit) -> rusqlite::Result<Self> {
        let mut unique = connection.prepare_cached(sql::UNIQUE_KEYS)?;
        let unique = unique.query_map([unit.table.as_str()], |row| row.get::<_, String>(0))?;
        let is_key = |name: &str| unit.key.iter().any(|key| key.as_str() == name);
        for columns in unique {
            if columns?.split('\0').all(is_key) {
                return Ok(Self(None));
            }
        }
        Ok(Self(Some(sql::count_of_key(&unit.table, &unit.key))))
    }

    fn has(&self, connection: &Connection, key: &[Value]) -> rusqlite::Result<bool> {
        let Some(count) = &self.0 else { return Ok(false) };
        let rows: i64 = connection.prepare_cached(count)?.query_row(params_from_iter(key), |row| row.get(0))?;
        Ok(rows > 1)
    }
}

/// The refusal of a row with a value that SQLite would store as another, without a word.
fn lost(
    (columns, bound): (&[ColumnName], &[Bound<'_>]),
    row: usize,
    (kind, number): (WriteKind, usize),
) -> Option<Refusal> {
    let (at, why) = bound.iter().enumerate().find_map(|(at, cells)| Some((at, cells.loss(row)?)))?;
    let field = Some(columns[at].clone());
    Some(Refusal { kind, row: number, code: Code::ValueRange, field, message: why.to_owned() })
}

fn gone(table: &TableName, row: usize) -> Refusal {
    let message = format!("the row was loaded into `{table}` before and is not there any more");
    Refusal { kind: WriteKind::Update, row, code: Code::LedgerMismatch, field: None, message }
}

/// Deletes rows by key. A row that another row of the same unit refers to waits until that one is gone.
fn delete(connection: &Connection, unit: &Unit, refusals: &mut Vec<Refusal>) -> Written<()> {
    let blobs = blob_columns(connection, &unit.table)?;
    let mut waiting: Vec<(usize, Vec<Value>)> = Vec::new();
    for batch in &unit.deletes {
        let bound = bind(batch, &unit.key, &blobs)?;
        let start = waiting.len();
        waiting.extend((0..batch.num_rows()).map(|row| (start + row, values(&bound, row))));
    }
    loop {
        let before = waiting.len();
        let mut refused = Vec::new();
        waiting = try_deletes(connection, unit, waiting, &mut refused)?;
        if waiting.is_empty() {
            return Ok(());
        }
        if waiting.len() == before {
            if unit.self_references.is_empty() || !break_circles(connection, unit, &waiting)? {
                refusals.append(&mut refused);
            }
            return Ok(());
        }
    }
}

/// Tries each and gives back those that were refused.
fn try_deletes(
    connection: &Connection,
    unit: &Unit,
    rows: Vec<(usize, Vec<Value>)>,
    refused: &mut Vec<Refusal>,
) -> Written<Vec<(usize, Vec<Value>)>> {
    let mut statement = connection.prepare_cached(&sql::delete(&unit.table, &unit.key))?;
    let mut exists = connection.prepare_cached(&sql::exists(&unit.table, &unit.key))?;
    let cascades = cascades(connection, &unit.table, &unit.key)?;
    let repeats = Repeats::of(connection, unit)?;
    let mut left = Vec::new();
    for (number, key) in rows {
        if repeats.has(connection, &key)? {
            refused.push(ambiguous(&unit.table, (WriteKind::Delete, number)));
            left.push((number, key));
            continue;
        }
        if let Some(message) = effect(connection, &cascades, &key)? {
            let (kind, code) = (WriteKind::Delete, Code::ConstraintForeignKey);
            refused.push(Refusal { kind, row: number, code, field: None, message });
            left.push((number, key));
            continue;
        }
        if let Some(referrer) = referrer(connection, unit, &key)? {
            refused.push(referred(number, referrer));
            left.push((number, key));
            continue;
        }
        match execute(connection, &mut statement, key.clone(), (WriteKind::Delete, number), refused)? {
            None => left.push((number, key)),
            // Someone may have removed it before; then it is not there.
            Some(0) if exists.exists(params_from_iter(&key))? => {
                return Err(WriteError::Problem(swallowed(&unit.table)));
            }
            Some(_) => {}
        }
    }
    Ok(left)
}

/// Columns in which another row still names this one.
fn referrer<'u>(connection: &Connection, unit: &'u Unit, key: &[Value]) -> Written<Option<&'u Referrer>> {
    for referrer in &unit.referrers {
        let is_own = referrer.table == unit.table;
        let sql = if is_own { sql::refers_within(referrer, &unit.key) } else { sql::refers(referrer) };
        let bound: Vec<&Value> = if is_own { key.iter().chain(key).collect() } else { key.iter().collect() };
        if connection.prepare_cached(&sql)?.exists(params_from_iter(bound))? {
            return Ok(Some(referrer));
        }
    }
    Ok(None)
}

fn referred(row: usize, referrer: &Referrer) -> Refusal {
    let message = format!("{} still refers to it", shown_referrer(referrer));
    Refusal { kind: WriteKind::Delete, row, code: Code::ConstraintForeignKey, field: None, message }
}

/// Rows that refer to one another in a circle go only without those references. All go, or all stay as they are.
fn break_circles(connection: &Connection, unit: &Unit, rows: &[(usize, Vec<Value>)]) -> Written<bool> {
    connection.execute_batch("savepoint circles")?;
    let mut loosen = connection.prepare_cached(&sql::set_null(&unit.table, &unit.self_references, &unit.key))?;
    let mut refused = Vec::new();
    for (number, key) in rows {
        execute(connection, &mut loosen, key.clone(), (WriteKind::Delete, *number), &mut refused)?;
    }
    if refused.is_empty() {
        try_deletes(connection, unit, rows.to_vec(), &mut refused)?;
    }
    let end = if refused.is_empty() { "release circles" } else { "rollback to circles; release circles" };
    connection.execute_batch(end)?;
    Ok(refused.is_empty())
}
