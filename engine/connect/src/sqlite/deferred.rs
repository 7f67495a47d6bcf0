//! Foreign keys that SQLite looks at when the transaction ends.
//!
//! There it would refuse the whole unit, and nobody could say which row it was for. So a row is looked at as soon as it is written, and taken back
//! alone. Those that were taken back are tried again behind the others, and at last together, as some may make good for others. As long as any row
//! refers to nothing, SQLite searches all that refer to the table for each new row of it, so that is never left standing for long. Updates that gave
//! up what others refer to are known when all is written, and then left out. SQLite does not tell which keys are deferred; where a table's
//! declaration speaks of it, all are looked at.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row as Found, params_from_iter};
use transload_model::{Code, ColumnName, Refusal, Unit, WriteKind};

use super::cascade::{self, KeyTo, WAITING};
use super::sql;
use super::write::{self, Which, Written, bind, blob_columns, insert, names, update, values};

/// Times that something is tried again; what is not in by then stays refused.
const ROUNDS_MAX: usize = 16;

/// Rows that are tried together.
const TOGETHER_MAX: usize = 256;

/// Inserts and updates the unit's rows. What is missed after all rounds, the end of the transaction refuses with the unit.
pub(super) fn changes(connection: &Connection, unit: &Unit) -> Written<Vec<Refusal>> {
    let given_up = given_up(connection, unit)?;
    if given_up.is_empty() {
        return write::changes(connection, unit, &[]);
    }
    let mut left_out: Vec<Refusal> = Vec::new();
    connection.execute_batch("savepoint deferred")?;
    for _ in 1..ROUNDS_MAX {
        let refusals = write::changes(connection, unit, &left_out)?;
        let missed = missed(connection, &given_up, &refusals)?;
        if missed.is_empty() {
            connection.execute_batch("release deferred")?;
            return Ok(refusals);
        }
        left_out.extend(missed);
        connection.execute_batch("rollback to deferred")?;
    }
    connection.execute_batch("release deferred")?;
    write::changes(connection, unit, &left_out)
}

/// Updates that gave up what rows refer to, of those that were not refused.
fn missed(connection: &Connection, given_up: &[GivenUp], refusals: &[Refusal]) -> rusqlite::Result<Vec<Refusal>> {
    let is_update = |refusal: &&Refusal| refusal.kind == WriteKind::Update;
    let refused: HashSet<usize> = refusals.iter().filter(is_update).map(|refusal| refusal.row).collect();
    let mut missed: BTreeMap<usize, Refusal> = BTreeMap::new();
    for given_up in given_up.iter().filter(|one| !refused.contains(&one.number)) {
        if connection.prepare_cached(&given_up.is_missed)?.exists(params_from_iter(&given_up.held))? {
            let message = format!("{} still refers to what it gives up", given_up.shown);
            let (kind, row, field) = (WriteKind::Update, given_up.number, given_up.field.clone());
            missed.insert(row, Refusal { kind, row, code: Code::ConstraintForeignKey, field, message });
        }
    }
    Ok(missed.into_values().collect())
}

/// Tries rows again that a foreign key refused, where what they miss may be in the same unit; the first refusals are not about such rows.
pub(super) fn again(connection: &Connection, unit: &Unit, refusals: &mut Vec<Refusal>, first: usize) -> Written<()> {
    let own_key = sql::shown_key((unit.table.as_str(), &key_names(unit)));
    let watched = Watched { references: references(connection, unit)?, own_key };
    if watched.references.iter().all(|reference| reference.parent.is_none()) {
        return Ok(());
    }
    let (mut open, rest): (Vec<Refusal>, Vec<Refusal>) = refusals.drain(first..).partition(is_reference);
    refusals.extend(rest);
    for _ in 0..ROUNDS_MAX {
        let before = open.len();
        let refused = write_only(connection, unit, &open, Which::Only)?;
        let (still, other): (Vec<Refusal>, Vec<Refusal>) = refused.into_iter().partition(is_reference);
        refusals.extend(other);
        open = still;
        if open.is_empty() || open.len() == before {
            break;
        }
    }
    if !open.is_empty() && open.len() <= TOGETHER_MAX {
        together(connection, unit, &watched, &mut open)?;
    }
    refusals.extend(open);
    Ok(())
}

fn is_reference(refusal: &Refusal) -> bool {
    refusal.code == Code::ConstraintForeignKey
}

/// Writes the rows that these refusals are about; gives those that are refused again.
fn write_only(
    connection: &Connection,
    unit: &Unit,
    open: &[Refusal],
    which: fn(BTreeSet<usize>) -> Which,
) -> Written<Vec<Refusal>> {
    let of = |kind| which(open.iter().filter(|one| one.kind == kind).map(|one| one.row).collect());
    let mut refused = Vec::new();
    insert(connection, unit, &of(WriteKind::Insert), &mut refused)?;
    update(connection, unit, &of(WriteKind::Update), &mut refused)?;
    Ok(refused)
}

/// Writes as many of these rows as make good for one another, and leaves the others open.
fn together(connection: &Connection, unit: &Unit, watched: &Watched, open: &mut Vec<Refusal>) -> Written<()> {
    let all = rows(connection, unit)?;
    let mut tried = open.clone();
    for _ in 0..ROUNDS_MAX {
        connection.execute_batch("savepoint together")?;
        let mut failed = write_only(connection, unit, &tried, Which::Together)?;
        if failed.is_empty() {
            let at: HashSet<(WriteKind, usize)> = tried.iter().map(|one| (one.kind, one.row)).collect();
            let written: Vec<&Row> = all.iter().filter(|row| at.contains(&(row.kind, row.number))).collect();
            failed = watched.stranded(connection, &written)?;
        }
        let is_done = failed.is_empty();
        connection.execute_batch(if is_done {
            "release together"
        } else {
            "rollback to together; release together"
        })?;
        if is_done {
            open.retain(|one| !tried.contains(one));
            return Ok(());
        }
        tried.retain(|one| !failed.iter().any(|failed| (failed.kind, failed.row) == (one.kind, one.row)));
    }
    Ok(())
}

/// The references of a unit's table.
struct Watched {
    references: Vec<Reference>,
    /// The key of the row with a key, as the keys of those that are referred to; binds the key.
    own_key: String,
}

/// What refers from the unit's table to another, or to itself.
pub(super) struct Reference {
    /// For messages.
    shown: String,
    /// Its column, where it has one.
    field: Option<ColumnName>,
    /// Whether the row with a key refers to nothing; binds the key.
    is_lost: String,
    /// Where it is the same table: the key of the row that the one with a key refers to; binds the key.
    parent: Option<String>,
}

struct Row {
    kind: WriteKind,
    number: usize,
    key: Vec<Value>,
}

/// What rows refer to before an update takes it from its row.
struct GivenUp {
    /// The number of the update.
    number: usize,
    /// What refers, for messages.
    shown: String,
    /// The column that is given up, where it is one.
    field: Option<ColumnName>,
    /// Whether rows refer to it that nothing is there for; binds what they hold.
    is_missed: String,
    held: Vec<Value>,
}

impl Watched {
    /// Rows that refer to nothing, and those that refer to such a row which is new.
    fn stranded(&self, connection: &Connection, written: &[&Row]) -> rusqlite::Result<Vec<Refusal>> {
        let mut stranded: BTreeMap<usize, &Reference> = BTreeMap::new();
        for (at, row) in written.iter().enumerate() {
            let lost = lost_reference(connection, &self.references, &row.key)?;
            stranded.extend(lost.map(|reference| (at, reference)));
        }
        if !stranded.is_empty() {
            self.add_followers(connection, written, &mut stranded)?;
        }
        let refusal = |(at, reference): (usize, &Reference)| reference.refusal(written[at].kind, written[at].number);
        Ok(stranded.into_iter().map(refusal).collect())
    }

    /// Without them, each round would find but the next of a line of rows.
    fn add_followers<'w>(
        &'w self,
        connection: &Connection,
        rows: &[&Row],
        stranded: &mut BTreeMap<usize, &'w Reference>,
    ) -> rusqlite::Result<()> {
        let mut followers: BTreeMap<String, Vec<(usize, &Reference)>> = BTreeMap::new();
        for (reference, parent) in self.references.iter().filter_map(|one| Some((one, one.parent.as_ref()?))) {
            for (at, row) in rows.iter().enumerate() {
                if let Some(parent) = key_of(connection, parent, row)? {
                    followers.entry(parent).or_default().push((at, reference));
                }
            }
        }
        let mut open: Vec<usize> = stranded.keys().copied().collect();
        while let Some(at) = open.pop() {
            // A row that is only not updated is still there.
            let is_gone = rows[at].kind == WriteKind::Insert && !followers.is_empty();
            let key = if is_gone { key_of(connection, &self.own_key, rows[at])? } else { None };
            for (follower, reference) in key.and_then(|key| followers.remove(&key)).unwrap_or_default() {
                if stranded.insert(follower, reference).is_none() {
                    open.push(follower);
                }
            }
        }
        Ok(())
    }
}

impl Reference {
    fn refusal(&self, kind: WriteKind, row: usize) -> Refusal {
        let message = format!("{} refers to a row that is not there", self.shown);
        Refusal { kind, row, code: Code::ConstraintForeignKey, field: self.field.clone(), message }
    }
}

fn lost_reference<'r>(
    connection: &Connection,
    references: &'r [Reference],
    key: &[Value],
) -> rusqlite::Result<Option<&'r Reference>> {
    for reference in references {
        if connection.prepare_cached(&reference.is_lost)?.exists(params_from_iter(key))? {
            return Ok(Some(reference));
        }
    }
    Ok(None)
}

/// Does what writes the row with this key, and takes it back where that leaves the row without what it refers to. Nothing where the row was refused.
pub(super) fn guard(
    connection: &Connection,
    references: &[Reference],
    (key, kind, row): (&[Value], WriteKind, usize),
    refusals: &mut Vec<Refusal>,
    work: impl FnOnce(&mut Vec<Refusal>) -> Written<Option<usize>>,
) -> Written<Option<usize>> {
    if references.is_empty() {
        return work(refusals);
    }
    connection.execute_batch("savepoint guarded")?;
    let mut done = work(refusals)?;
    let lost = if done.is_some() { lost_reference(connection, references, key)? } else { None };
    if let Some(reference) = lost {
        refusals.push(reference.refusal(kind, row));
        connection.execute_batch("rollback to guarded")?;
        done = None;
    }
    connection.execute_batch("release guarded")?;
    Ok(done)
}

fn key_of(connection: &Connection, sql: &str, row: &Row) -> rusqlite::Result<Option<String>> {
    connection.prepare_cached(sql)?.query_row(params_from_iter(&row.key), |found| found.get(0)).optional()
}

/// What refers from a unit's table to others and to itself, where that may wait.
pub(super) fn references(connection: &Connection, unit: &Unit) -> rusqlite::Result<Vec<Reference>> {
    if !connection.prepare_cached(sql::IS_DEFERRED)?.exists([unit.table.as_str()])? {
        return Ok(Vec::new());
    }
    let (table, key) = (unit.table.as_str(), key_names(unit));
    let reference = |(parent, columns): (String, Vec<(String, String)>)| Reference {
        shown: format!(
            "`{table}`.`{}`",
            columns.iter().map(|(from, _)| from.as_str()).collect::<Vec<_>>().join("`, `")
        ),
        field: columns.first().filter(|_| columns.len() == 1).and_then(|(from, _)| ColumnName::parse(from).ok()),
        is_lost: sql::refers_to_nothing((table, &key), (&parent, &columns)),
        parent: parent.eq_ignore_ascii_case(table).then(|| sql::referred_key((table, &key), &columns)),
    };
    Ok(cascade::keys_of(connection, &unit.table)?.into_iter().map(reference).collect())
}

fn key_names(unit: &Unit) -> Vec<&str> {
    unit.key.iter().map(ColumnName::as_str).collect()
}

fn rows(connection: &Connection, unit: &Unit) -> Written<Vec<Row>> {
    let blobs = blob_columns(connection, &unit.table)?;
    let mut rows = Vec::new();
    for (kind, batches) in [(WriteKind::Insert, &unit.inserts), (WriteKind::Update, &unit.updates)] {
        let mut start = 0;
        for batch in batches {
            let bound = bind(batch, &unit.key, &blobs)?;
            rows.extend((0..batch.num_rows()).map(|row| Row { kind, number: start + row, key: values(&bound, row) }));
            start += batch.num_rows();
        }
    }
    Ok(rows)
}

/// What the unit's updates take away from rows that refer to it by a key which is looked at later.
fn given_up(connection: &Connection, unit: &Unit) -> Written<Vec<GivenUp>> {
    if unit.updates.is_empty() {
        return Ok(Vec::new());
    }
    let mut given_up = Vec::new();
    for key in cascade::keys_to(connection, &unit.table, WAITING)? {
        add_given_up(connection, unit, &key, &mut given_up)?;
    }
    Ok(given_up)
}

fn add_given_up(connection: &Connection, unit: &Unit, key: &KeyTo, given_up: &mut Vec<GivenUp>) -> Written<()> {
    let blobs = blob_columns(connection, &unit.table)?;
    let is_missed = sql::refers_to_nothing((&key.table, &key.from()), (unit.table.as_str(), &key.columns));
    let is_referred = |name: &ColumnName| key.columns.iter().any(|(_, to)| to.eq_ignore_ascii_case(name.as_str()));
    let mut start = 0;
    for batch in &unit.updates {
        let rows = start..start + batch.num_rows();
        start = rows.end;
        let mut set = names(batch)?;
        set.retain(|name| !unit.key.contains(name) && is_referred(name));
        if set.is_empty() {
            continue;
        }
        let field = set.first().filter(|_| key.columns.len() == 1);
        let (bound_key, bound) = (bind(batch, &unit.key, &blobs)?, bind(batch, &set, &blobs)?);
        let sql = sql::given_up((&unit.table, &unit.key), (&key.table, &key.columns), &set);
        let mut statement = connection.prepare_cached(&sql)?;
        for (row, number) in rows.enumerate() {
            let all = values(&bound_key, row).into_iter().chain(values(&bound, row));
            let held = |found: &Found<'_>| (0..key.columns.len()).map(|at| found.get(at)).collect::<Result<_, _>>();
            for held in statement.query_map(params_from_iter(all), held)? {
                let (shown, field, is_missed) = (key.shown(), field.cloned(), is_missed.clone());
                given_up.push(GivenUp { number, shown, field, is_missed, held: held? });
            }
        }
    }
    Ok(())
}
