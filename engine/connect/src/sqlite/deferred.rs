//! Foreign keys that SQLite looks at when the transaction ends.
//!
//! There it would refuse the whole unit, and nobody could say which row it was for. So all rows of a unit are written first, as some may make good for
//! others, and then looked at. Those that refer to nothing, or gave up what others refer to, are left out, and the rest is written again. SQLite
//! does not tell which keys are deferred; where a table's declaration speaks of it, all are looked at.

use std::collections::{BTreeMap, HashSet};

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row as Found, params_from_iter};
use transload_model::{Code, ColumnName, Refusal, Unit, WriteKind};

use super::cascade::{self, KeyTo, WAITING};
use super::sql;
use super::write::{self, Written, bind, blob_columns, names, values};

/// Times that a unit is written. New rows are left out with what they refer to, however long that line is, so it rarely takes more than two.
const ROUNDS_MAX: usize = 16;

/// Inserts and updates the unit's rows. What is lost after all rounds, the end of the transaction refuses with the unit.
pub(super) fn changes(connection: &Connection, unit: &Unit) -> Written<Vec<Refusal>> {
    let watched = Watched::of(connection, unit)?;
    if watched.references.is_empty() && watched.given_up.is_empty() {
        return write::changes(connection, unit, &[]);
    }
    let mut left_out: Vec<Refusal> = Vec::new();
    connection.execute_batch("savepoint deferred")?;
    for _ in 1..ROUNDS_MAX {
        let refusals = write::changes(connection, unit, &left_out)?;
        let lost = watched.lost(connection, &refusals)?;
        if lost.is_empty() {
            connection.execute_batch("release deferred")?;
            return Ok(refusals);
        }
        left_out.extend(lost);
        connection.execute_batch("rollback to deferred")?;
    }
    connection.execute_batch("release deferred")?;
    write::changes(connection, unit, &left_out)
}

/// What a unit may leave without what it refers to.
struct Watched {
    references: Vec<Reference>,
    /// The rows that have them.
    rows: Vec<Row>,
    /// The key of the row with a key, as the keys of those that are referred to; binds the key.
    own_key: String,
    given_up: Vec<GivenUp>,
}

/// What refers from the unit's table to another, or to itself.
struct Reference {
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
    fn of(connection: &Connection, unit: &Unit) -> Written<Self> {
        let references = references(connection, unit)?;
        let rows = if references.is_empty() { Vec::new() } else { rows(connection, unit)? };
        let own_key = sql::shown_key((unit.table.as_str(), &key_names(unit)));
        Ok(Self { references, rows, own_key, given_up: given_up(connection, unit)? })
    }

    /// Rows that cannot stay as they are written, of those that were not refused. Who misses what another row gave up is not to blame for it.
    fn lost(&self, connection: &Connection, refusals: &[Refusal]) -> rusqlite::Result<Vec<Refusal>> {
        let refused: HashSet<(WriteKind, usize)> = refusals.iter().map(|refusal| (refusal.kind, refusal.row)).collect();
        let missed = self.missed(connection, &refused)?;
        if missed.is_empty() { self.stranded(connection, &refused) } else { Ok(missed) }
    }

    fn missed(&self, connection: &Connection, refused: &HashSet<(WriteKind, usize)>) -> rusqlite::Result<Vec<Refusal>> {
        let mut missed: BTreeMap<usize, Refusal> = BTreeMap::new();
        for given_up in self.given_up.iter().filter(|one| !refused.contains(&(WriteKind::Update, one.number))) {
            if connection.prepare_cached(&given_up.is_missed)?.exists(params_from_iter(&given_up.held))? {
                let message = format!("{} still refers to what it gives up", given_up.shown);
                let (kind, row, field) = (WriteKind::Update, given_up.number, given_up.field.clone());
                missed.insert(row, Refusal { kind, row, code: Code::ConstraintForeignKey, field, message });
            }
        }
        Ok(missed.into_values().collect())
    }

    /// Rows that refer to nothing, and those that refer to such a row which is new.
    fn stranded(
        &self,
        connection: &Connection,
        refused: &HashSet<(WriteKind, usize)>,
    ) -> rusqlite::Result<Vec<Refusal>> {
        let written: Vec<&Row> = self.rows.iter().filter(|row| !refused.contains(&(row.kind, row.number))).collect();
        let mut stranded: BTreeMap<usize, &Reference> = BTreeMap::new();
        for (at, row) in written.iter().enumerate() {
            stranded.extend(self.lost_reference(connection, row)?.map(|reference| (at, reference)));
        }
        if !stranded.is_empty() {
            self.add_followers(connection, &written, &mut stranded)?;
        }
        Ok(stranded.into_iter().map(|(at, reference)| reference.refusal(written[at])).collect())
    }

    fn lost_reference(&self, connection: &Connection, row: &Row) -> rusqlite::Result<Option<&Reference>> {
        for reference in &self.references {
            if connection.prepare_cached(&reference.is_lost)?.exists(params_from_iter(&row.key))? {
                return Ok(Some(reference));
            }
        }
        Ok(None)
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
    fn refusal(&self, row: &Row) -> Refusal {
        let message = format!("{} refers to a row that is not there", self.shown);
        let (kind, row, field) = (row.kind, row.number, self.field.clone());
        Refusal { kind, row, code: Code::ConstraintForeignKey, field, message }
    }
}

fn key_of(connection: &Connection, sql: &str, row: &Row) -> rusqlite::Result<Option<String>> {
    connection.prepare_cached(sql)?.query_row(params_from_iter(&row.key), |found| found.get(0)).optional()
}

fn references(connection: &Connection, unit: &Unit) -> rusqlite::Result<Vec<Reference>> {
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
