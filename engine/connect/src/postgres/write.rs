//! Writing a unit's rows.
//!
//! New rows go straight into their table by COPY. Modified rows and those to delete go into a temporary table first, and from there in one
//! statement each. A statement that the server refuses is undone to a savepoint, and its rows are halved until those that it refused for
//! are known; so a good row costs no statement of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use arrow::record_batch::RecordBatch;
use sqlx::{PgConnection, Row};
use transload_model::{Code, ColumnName, Diagnostic, Refusal, TableName, Unit, WriteKind};
use twox_hash::XxHash3_64;

use crate::batch::Mismatch;
use crate::ledger::{ambiguous, signed, swallowed};

use super::catalog::{PgColumn, Referrer, UniqueIndex};
use super::copy::{self, Chunk};
use super::error::{failure, is_about_a_row, is_stopped, refusal, unit_code};
use super::exchange;
use super::sql::{self, Pair};
use super::types::Encoder;

/// Why a unit cannot be written.
pub(super) enum WriteError {
    Database(sqlx::Error),
    /// The server stopped each row alone.
    Stopped(sqlx::Error),
    Problem(Box<Diagnostic>),
}

impl From<sqlx::Error> for WriteError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl WriteError {
    /// What is said about it.
    pub(super) fn told(self, table: &TableName) -> Box<Diagnostic> {
        self.told_of(table, "writing")
    }

    /// The same, of something else than writing.
    pub(super) fn told_of(self, table: &TableName, doing: &str) -> Box<Diagnostic> {
        match self {
            Self::Problem(problem) => problem,
            Self::Database(error) | Self::Stopped(error) => {
                failure(&error, unit_code(&error), &format!("{doing} `{table}` failed"))
            }
        }
    }
}

pub(super) type Written<T> = Result<T, WriteError>;

/// A destination table as units need it.
pub(super) struct Shape {
    /// Quoted, with its schema.
    pub(super) sql: String,
    pub(super) name: TableName,
    pub(super) columns: Vec<PgColumn>,
    pub(super) unique: Vec<UniqueIndex>,
}

impl Shape {
    /// Whether several rows may have the same of these columns.
    fn may_repeat(&self, key: &[ColumnName]) -> bool {
        let tells_apart = |index: &UniqueIndex| index.is_whole && index.columns.iter().all(|name| key.contains(name));
        !self.unique.iter().any(tells_apart)
    }

    pub(super) fn column(&self, name: &ColumnName) -> Written<&PgColumn> {
        self.columns.iter().find(|column| column.name == *name).ok_or_else(|| {
            let headline = format!("`{}` of the destination has no column `{name}` any more", self.name);
            problem(Code::SchemaDrift, headline)
        })
    }
}

pub(super) fn problem(code: Code, headline: String) -> WriteError {
    WriteError::Problem(Box::new(Diagnostic::new(code, headline).help(code.info().remedy)))
}

/// The rows of some batches under one numbering, ready to be encoded.
struct Rows<'a> {
    kind: WriteKind,
    columns: Vec<&'a PgColumn>,
    batches: Vec<(usize, Vec<Encoder<'a>>)>,
    count: usize,
}

impl<'a> Rows<'a> {
    fn new(kind: WriteKind, shape: &'a Shape, batches: &'a [RecordBatch]) -> Written<Self> {
        let mut rows = Self { kind, columns: Vec::new(), batches: Vec::new(), count: 0 };
        for batch in batches {
            let schema = batch.schema();
            let names = schema.fields().iter().map(|field| ColumnName::parse(field.name()));
            let names: Vec<ColumnName> = names.collect::<Result<_, _>>().map_err(|error| {
                problem(Code::DestinationFailed, format!("a unit has a column without a name: {error}"))
            })?;
            let columns = names.iter().map(|name| shape.column(name)).collect::<Written<Vec<_>>>()?;
            let encoders = batch.columns().iter().zip(&columns).map(|(cells, column)| Encoder::new(cells, column.wire));
            let encoders = encoders.collect::<Option<Vec<_>>>().ok_or_else(|| {
                problem(Code::DestinationFailed, format!("a unit of `{}` holds what no unit holds", shape.name))
            })?;
            if rows.columns.is_empty() {
                rows.columns = columns;
            }
            rows.batches.push((rows.count, encoders));
            rows.count += batch.num_rows();
        }
        Ok(rows)
    }

    fn all(&self) -> Vec<Range<usize>> {
        std::iter::once(0..self.count).collect()
    }

    fn names(&self) -> Vec<&ColumnName> {
        self.columns.iter().map(|column| &column.name).collect()
    }

    /// Appends the values of a row, or says why one does not fit.
    fn write(&self, row: usize, chunk: &mut Chunk) -> Result<(), Box<Refusal>> {
        let at = self.batches.partition_point(|(start, _)| *start <= row) - 1;
        let (start, encoders) = &self.batches[at];
        for (encoder, column) in encoders.iter().zip(&self.columns) {
            encoder.write(row - start, chunk.bytes()).map_err(|mismatch| self.unfit(row, column, mismatch))?;
        }
        Ok(())
    }

    fn unfit(&self, row: usize, column: &PgColumn, mismatch: Mismatch) -> Box<Refusal> {
        let field = Some(column.name.clone());
        Box::new(Refusal { kind: self.kind, row, code: mismatch.code, field, message: mismatch.message })
    }

    /// A row's refusal by the server, which names a column only if it is one of these.
    fn refused(&self, error: &sqlx::Error, row: usize) -> Option<Refusal> {
        let is_ours = |name: &ColumnName| self.columns.iter().any(|column| column.name == *name);
        let found = refusal(error, self.kind, row)?;
        Some(Refusal { field: found.field.filter(is_ours), ..found })
    }

    /// Copies the rows of these ranges that the server takes, and notes the others. With `numbered`, each begins with its number.
    async fn copy(
        &self,
        connection: &mut PgConnection,
        (sql, numbered): (&str, bool),
        mut open: Vec<Range<usize>>,
        table: &TableName,
    ) -> Written<Vec<Refusal>> {
        let mut refused: BTreeMap<usize, Refusal> = BTreeMap::new();
        let mut slow = Slow::default();
        while let Some(range) = open.pop() {
            let mut sent = 0_u64;
            let unfit = &mut refused;
            let write = |row: usize, chunk: &mut Chunk| {
                let before = chunk.bytes().len();
                chunk.begin_row(self.columns.len() + usize::from(numbered));
                if numbered {
                    chunk.integer(signed(row as u64));
                }
                match self.write(row, chunk) {
                    Ok(()) => sent += 1,
                    Err(refusal) => {
                        chunk.bytes().truncate(before);
                        unfit.insert(row, *refusal);
                    }
                }
            };
            sql::batch(connection, &format!("savepoint rows; {LIMITED}")).await?;
            match copy::all(connection, sql, range.clone(), write).await {
                Ok(taken) if taken == sent => {
                    slow.any_passed |= sent > 0;
                    sql::batch(connection, KEEP_ROWS).await?;
                }
                Ok(_) => return Err(WriteError::Problem(swallowed(table))),
                Err(error) if is_about_a_row(&error) => {
                    sql::batch(connection, UNDO_ROWS).await?;
                    match halves(&range) {
                        Some((first, second)) => open.extend([second, first]),
                        None => {
                            refused.extend(self.refused(&error, range.start).map(|found| (range.start, found)));
                        }
                    }
                }
                Err(error) if is_stopped(&error) => {
                    sql::batch(connection, UNDO_ROWS).await?;
                    open.extend(slow.smaller(range, error)?);
                }
                Err(error) => return Err(error.into()),
            }
        }
        refused.extend(slow.refusals(self.kind)?.into_iter().map(|refusal| (refusal.row, refusal)));
        Ok(refused.into_values().collect())
    }
}

/// A statement that can be made smaller keeps to the limit that the server sets for this user. Nothing else of a unit does: a question that takes
/// long is no row's fault. What is undone takes the limit with it.
const LIMITED: &str = "set local statement_timeout to default";
const KEEP_ROWS: &str = "set local statement_timeout = 0; release rows";
const UNDO_ROWS: &str = "rollback to rows; release rows";

/// Two halves of what is more than one row.
fn halves(range: &Range<usize>) -> Option<(Range<usize>, Range<usize>)> {
    let middle = range.start + range.len() / 2;
    (range.len() > 1).then_some((range.start..middle, middle..range.end))
}

/// Single rows that a server may be too slow for before it is the server, and not they.
const SLOW_MAX: usize = 2;

/// Rows whose statement the server stopped, down to the single one.
///
/// What is stopped alone, and twice, while others of its unit go through, is a row that is too much. Where nothing goes through, the server
/// is slow or a lock is held, and no row may be blamed for it.
#[derive(Default)]
struct Slow {
    rows: Vec<usize>,
    any_passed: bool,
    /// The row that is being tried alone for the second time.
    again: Option<usize>,
    error: Option<sqlx::Error>,
}

impl Slow {
    /// What is tried in place of rows that were stopped.
    fn smaller(&mut self, range: Range<usize>, error: sqlx::Error) -> Written<Vec<Range<usize>>> {
        if let Some((first, second)) = halves(&range) {
            return Ok(vec![second, first]);
        }
        if self.again != Some(range.start) {
            self.again = Some(range.start);
            return Ok(vec![range]);
        }
        self.rows.push(range.start);
        if !self.any_passed && self.rows.len() > SLOW_MAX {
            return Err(WriteError::Stopped(error));
        }
        self.error = Some(error);
        Ok(Vec::new())
    }

    /// The rows that were too much.
    fn refusals(self, kind: WriteKind) -> Written<Vec<Refusal>> {
        if let (Some(error), false) = (self.error, self.any_passed) {
            return Err(WriteError::Stopped(error));
        }
        let message = "the server stopped writing it: it took longer than `statement_timeout`, alone and twice";
        let refusal =
            |row| Refusal { kind, row, code: Code::StatementTimeout, field: None, message: message.to_owned() };
        Ok(self.rows.into_iter().map(refusal).collect())
    }
}

/// A temporary table that rows wait in, one for each set of columns and connection.
struct Stage {
    sql: String,
    create: String,
}

impl Stage {
    fn new(shape: &Shape, columns: &[&PgColumn]) -> Self {
        let declared: Vec<String> =
            columns.iter().map(|column| format!("{} {}", sql::quote(column.name.as_str()), column.staged)).collect();
        let body = format!("{} bigint primary key, {}", sql::NUMBER, declared.join(", "));
        let identity = XxHash3_64::oneshot(format!("{} {body}", shape.sql).as_bytes());
        let sql = format!("pg_temp.transload_{identity:016x}");
        let create = format!("create temporary table if not exists {sql} ({body}) on commit delete rows");
        Self { sql, create }
    }
}

/// What has to exist before the transaction begins: the temporary tables of this unit.
pub(super) async fn prepare(connection: &mut PgConnection, shape: &Shape, unit: &Unit) -> Written<()> {
    for (kind, batches) in [(WriteKind::Update, &unit.updates), (WriteKind::Delete, &unit.deletes)] {
        let rows = Rows::new(kind, shape, batches)?;
        if rows.count > 0 {
            sql::batch(connection, &Stage::new(shape, &rows.columns).create).await?;
        }
    }
    Ok(())
}

/// Inserts the unit's new rows.
pub(super) async fn insert(connection: &mut PgConnection, shape: &Shape, unit: &Unit) -> Written<Vec<Refusal>> {
    let rows = Rows::new(WriteKind::Insert, shape, &unit.inserts)?;
    if rows.count == 0 {
        return Ok(Vec::new());
    }
    let sql = sql::copy(&shape.sql, &rows.names(), false);
    let refusals = rows.copy(connection, (&sql, false), rows.all(), &unit.table).await?;
    advance_sequences(connection, shape, &unit.inserts).await?;
    Ok(refusals)
}

/// Inserts those new rows after all whose values updates of the unit gave up. What is still refused stays among the refusals.
pub(super) async fn insert_again(
    connection: &mut PgConnection,
    shape: &Shape,
    unit: &Unit,
    refusals: &mut Vec<Refusal>,
) -> Written<()> {
    let collided = exchange::collided(refusals, WriteKind::Insert);
    if collided.is_empty() || unit.updates.is_empty() {
        return Ok(());
    }
    let rows = Rows::new(WriteKind::Insert, shape, &unit.inserts)?;
    let sql = sql::copy(&shape.sql, &rows.names(), false);
    let again = rows.copy(connection, (&sql, false), exchange::ranges(&collided), &unit.table).await?;
    exchange::take_out(refusals, WriteKind::Insert, &collided);
    refusals.extend(again);
    Ok(())
}

/// Sequences go on behind the highest number that was written; they never go back.
async fn advance_sequences(connection: &mut PgConnection, shape: &Shape, batches: &[RecordBatch]) -> Written<()> {
    for (column, sequence) in shape.columns.iter().filter_map(|column| Some((column, column.sequence.as_ref()?))) {
        let cells = batches.iter().filter_map(|batch| batch.column_by_name(column.name.as_str()));
        let Some(highest) = cells.filter_map(highest).max() else { continue };
        advance(connection, sequence, highest).await.map_err(|error| match super::error::sqlstate(&error) {
            Some("42501") => {
                let headline = format!("the sequence {sequence} of `{}` may not be advanced", shape.name);
                let help = format!("grant it: grant update on sequence {sequence} to the connection's user");
                WriteError::Problem(Box::new(Diagnostic::new(Code::PermissionDenied, headline).help(help)))
            }
            _ => error.into(),
        })?;
    }
    Ok(())
}

/// Moves a sequence up to a number. Others wait until that is done, and not until the unit is: what a sequence gave is never taken back, so only the
/// lock goes with the savepoint.
pub(super) async fn advance(connection: &mut PgConnection, sequence: &str, number: i64) -> sqlx::Result<()> {
    let is_behind = sql::query(sql::is_behind(sequence)).bind(sequence).bind(number).fetch_optional(&mut *connection);
    if is_behind.await?.is_none() {
        return Ok(());
    }
    sql::batch(connection, "savepoint sequence").await?;
    sqlx::query(sql::SEQUENCE_LOCK).bind(sequence).execute(&mut *connection).await?;
    sql::query(sql::advance(sequence)).bind(sequence).bind(number).execute(&mut *connection).await?;
    sql::batch(connection, "rollback to sequence; release sequence").await
}

fn highest(cells: &arrow::array::ArrayRef) -> Option<i64> {
    use arrow::array::AsArray;
    let numbers = cells.as_primitive_opt::<arrow::datatypes::Int64Type>()?;
    arrow::compute::max(numbers)
}

/// Updates the unit's modified rows where they differ from what the table holds.
pub(super) async fn update(connection: &mut PgConnection, shape: &Shape, unit: &Unit) -> Written<Vec<Refusal>> {
    let rows = Rows::new(WriteKind::Update, shape, &unit.updates)?;
    if rows.count == 0 {
        return Ok(Vec::new());
    }
    let stage = Stage::new(shape, &rows.columns);
    let copy = sql::copy(&stage.sql, &rows.names(), true);
    let mut refusals = rows.copy(connection, (&copy, true), rows.all(), &unit.table).await?;
    let set: Vec<&PgColumn> = rows.columns.iter().copied().filter(|column| !unit.key.contains(&column.name)).collect();
    let pair = Pair { table: &shape.sql, stage: &stage.sql, key: &unit.key };
    refusals.extend(repeated(connection, (shape, &pair), WriteKind::Update).await?);
    if !set.is_empty() {
        let apply = Apply { kind: WriteKind::Update, expected: pair.differing(&set), change: pair.update(&set) };
        refusals.extend(apply.halving(connection, rows.all(), &unit.table).await?);
        exchange::resolve(connection, (shape, &pair), (&apply, &set), &mut refusals).await?;
        advance_sequences(connection, shape, &unit.updates).await?;
    }
    // Whoever was about to delete a row had to be waited for.
    let refused: BTreeSet<usize> = refusals.iter().map(|refusal| refusal.row).collect();
    let missing = numbers(connection, pair.missing()).await?;
    for number in missing.into_iter().filter(|number| !refused.contains(number)) {
        let message = format!("the row was loaded into `{}` before and is not there any more", shape.name);
        let (kind, code) = (WriteKind::Update, Code::LedgerMismatch);
        refusals.push(Refusal { kind, row: number, code, field: None, message });
    }
    Ok(refusals)
}

/// Takes rows out of the stage whose key several rows of the table have: nobody can say which of these is meant.
async fn repeated(
    connection: &mut PgConnection,
    (shape, pair): (&Shape, &Pair<'_>),
    kind: WriteKind,
) -> Written<Vec<Refusal>> {
    if !shape.may_repeat(pair.key) {
        return Ok(Vec::new());
    }
    let found = numbers(connection, pair.repeated()).await?;
    Ok(found.into_iter().map(|row| ambiguous(&shape.name, (kind, row))).collect())
}

async fn numbers(connection: &mut PgConnection, sql: String) -> Written<Vec<usize>> {
    let rows = sql::query(sql).fetch_all(connection).await?;
    let number = |row: &sqlx::postgres::PgRow| Ok(usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or_default());
    rows.iter().map(number).collect::<sqlx::Result<_>>().map_err(WriteError::from)
}

/// Numbers of staged rows, each with a count.
async fn counted(connection: &mut PgConnection, sql: String) -> Written<Vec<(usize, i64)>> {
    let rows = sql::query(sql).fetch_all(connection).await?;
    let pair = |row: &sqlx::postgres::PgRow| {
        Ok((usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or_default(), row.try_get(1)?))
    };
    rows.iter().map(pair).collect::<sqlx::Result<_>>().map_err(WriteError::from)
}

/// A statement over a range of staged rows, and one that says how many rows it must change.
pub(super) struct Apply {
    kind: WriteKind,
    expected: String,
    change: String,
}

impl Apply {
    /// Changes what can be changed in these ranges, and says which rows cannot.
    pub(super) async fn halving(
        &self,
        connection: &mut PgConnection,
        mut open: Vec<Range<usize>>,
        table: &TableName,
    ) -> Written<Vec<Refusal>> {
        let mut refused = Vec::new();
        let mut slow = Slow::default();
        while let Some(range) = open.pop() {
            sql::batch(connection, "savepoint rows").await?;
            match self.change(connection, &range).await {
                Ok(true) => {
                    slow.any_passed = true;
                    sql::batch(connection, KEEP_ROWS).await?;
                }
                Ok(false) => return Err(WriteError::Problem(swallowed(table))),
                Err(error) if is_about_a_row(&error) => {
                    sql::batch(connection, UNDO_ROWS).await?;
                    match halves(&range) {
                        Some((first, second)) => open.extend([second, first]),
                        None => refused.extend(refusal(&error, self.kind, range.start)),
                    }
                }
                Err(error) if is_stopped(&error) => {
                    sql::batch(connection, UNDO_ROWS).await?;
                    open.extend(slow.smaller(range, error)?);
                }
                Err(error) => return Err(error.into()),
            }
        }
        refused.extend(slow.refusals(self.kind)?);
        Ok(refused)
    }

    /// Whether the statement changed as many rows as it should.
    async fn change(&self, connection: &mut PgConnection, range: &Range<usize>) -> sqlx::Result<bool> {
        let (first, end) = (signed(range.start as u64), signed(range.end as u64));
        let expected = sql::query(self.expected.clone()).bind(first).bind(end).fetch_one(&mut *connection).await?;
        let expected: i64 = expected.try_get(0)?;
        sql::batch(connection, LIMITED).await?;
        let done = sql::query(self.change.clone()).bind(first).bind(end).execute(connection).await?;
        Ok(signed(done.rows_affected()) == expected)
    }
}

/// Deletes rows by key. A row that something still names, with a foreign key or without, stays.
pub(super) async fn delete(
    connection: &mut PgConnection,
    shape: &Shape,
    unit: &Unit,
    referrers: &[Referrer],
) -> Written<Vec<Refusal>> {
    let rows = Rows::new(WriteKind::Delete, shape, &unit.deletes)?;
    if rows.count == 0 {
        return Ok(Vec::new());
    }
    let stage = Stage::new(shape, &rows.columns);
    let copy = sql::copy(&stage.sql, &rows.names(), true);
    let mut refusals = rows.copy(connection, (&copy, true), rows.all(), &unit.table).await?;
    let pair = Pair { table: &shape.sql, stage: &stage.sql, key: &unit.key };
    refusals.extend(repeated(connection, (shape, &pair), WriteKind::Delete).await?);
    // From here on nobody can make a row refer to them, and who has done so is seen.
    let all = signed(rows.count as u64);
    sql::query(pair.present()).bind(0_i64).bind(all).execute(&mut *connection).await?;
    refusals.extend(spare_referred(connection, &pair, referrers).await?);
    let apply = Apply { kind: WriteKind::Delete, expected: pair.present(), change: pair.delete() };
    let mut refused = apply.halving(connection, rows.all(), &unit.table).await?;
    // What one of the refused rows referred to may be free once others are gone.
    while !refused.is_empty() {
        let before = refused.len();
        let again = refused.iter().rev().map(|refusal| refusal.row..refusal.row + 1).collect();
        refused = apply.halving(connection, again, &unit.table).await?;
        if refused.len() == before {
            break;
        }
    }
    refusals.extend(refused);
    Ok(refusals)
}

/// Takes rows out of the stage that rows outside of it refer to, until there are none.
async fn spare_referred(
    connection: &mut PgConnection,
    pair: &Pair<'_>,
    referrers: &[Referrer],
) -> Written<Vec<Refusal>> {
    let mut spared = Vec::new();
    loop {
        let before = spared.len();
        for referrer in referrers {
            for (row, rows) in counted(connection, pair.spare(referrer)).await? {
                let rows = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
                let message = match &referrer.does {
                    Some(does) => format!("{} still refers to it, and would {does} {rows}", referrer.shown),
                    None => format!("{} still refers to it", referrer.shown),
                };
                let (kind, code) = (WriteKind::Delete, Code::ConstraintForeignKey);
                spared.push(Refusal { kind, row, code, field: None, message });
            }
        }
        if spared.len() == before {
            return Ok(spared);
        }
    }
}
