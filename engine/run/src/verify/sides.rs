//! Both sides of an entity: what its spec makes of the source, and what the destination holds.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::record_batch::RecordBatch;
use tokio::task::JoinSet;
use transload_model::{
    CellFault, Code, ColumnName, Counts, Diagnostic, EntityPlan, KeyBytes, KeyRange, KeyValue, Only, ReadColumn,
    ReadRequest, Result,
};
use twox_hash::XxHash3_64;

use super::buckets::{Buckets, Open};
use super::{Columns, destination_relation};
use crate::context::Context;
use crate::derive::{Deriver, Expected, Work};
use crate::event::Event;
use crate::reading::Reading;
use crate::rows::{Cells, Scored};
use crate::unique::column_type;

/// Rows of the destination that are read at a time.
const BATCH_ROWS: usize = 8_192;

/// Rows of open buckets that are held in memory at a time, about.
const HELD_MAX: u64 = 400_000;

/// Rows that are held in any case.
const FEW: u64 = 1_000;

/// Rows that only the destination has, of which the keys are held in memory at most.
const STRANGERS_MAX: usize = 1_000_000;

/// Both sides of an entity.
pub(super) struct Sides<'a> {
    pub(super) context: &'a Arc<Context>,
    pub(super) plan: &'a Arc<EntityPlan>,
    pub(super) columns: &'a Columns,
}

/// About how many rows each side has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) source: u64,
    pub(super) destination: u64,
}

/// Rows of which the digests differ, or that have none.
#[derive(Default)]
pub(super) struct Candidates {
    /// The source keys of rows that may not be in the destination as they should.
    pub(super) keys: Vec<KeyBytes>,
    /// Rows that only the destination was seen to have.
    pub(super) strangers: Strangers,
    /// Rows that the source gave.
    pub(super) expected: u64,
    /// Whether so much differs that each row of the source has to be compared. Then `keys` has only rows without a key.
    pub(super) is_rough: bool,
}

/// Rows of the destination that no row of the source was seen to lead to.
#[derive(Default)]
pub(super) struct Strangers {
    /// Their keys, by their encoding.
    pub(super) rows: BTreeMap<Vec<u8>, KeyBytes>,
    /// Keys that another row has, too: once for each row but the first.
    pub(super) doubled: Vec<KeyBytes>,
}

impl Strangers {
    fn add(&mut self, place: Vec<u8>, key: KeyBytes, plan: &EntityPlan) -> Result<()> {
        if self.rows.len() == STRANGERS_MAX {
            return Err(too_many(&plan.destination.table));
        }
        self.doubled.extend(self.rows.insert(place, key));
        Ok(())
    }
}

impl Sides<'_> {
    /// Rows that may differ.
    pub(super) async fn candidates(&self, sizes: Sizes) -> Result<Candidates> {
        let (mut found, open) = self.summed(sizes).await?;
        let opened = rows_in(&open, sizes.source.max(sizes.destination));
        // Where most rows are to be looked at, it costs less not to hold them meanwhile.
        if opened > HELD_MAX.min(sizes.source.max(sizes.destination) / 2 + FEW) && !self.columns.others.is_empty() {
            // What is rough tells nothing of single rows. Keys alone still tell which rows the source does not lead to.
            let columns = self.columns.of_key();
            let strangers = Sides { columns: &columns, ..*self }.strangers(sizes).await?;
            found.keys.retain(KeyBytes::is_unkeyed);
            return Ok(Candidates { strangers, is_rough: true, ..found });
        }
        for part in open.cut(rounds(opened)) {
            self.look_into(&part, &mut found).await?;
        }
        Ok(found)
    }

    /// Rows that only the destination has.
    async fn strangers(&self, sizes: Sizes) -> Result<Strangers> {
        let (_, open) = self.summed(sizes).await?;
        let mut strangers = Strangers::default();
        for part in open.cut(rounds(rows_in(&open, sizes.destination))) {
            let mut held: BTreeMap<Vec<u8>, KeyBytes> = BTreeMap::new();
            let kept = |row: Digested<'_>| {
                if part.holds(row.key) {
                    strangers.doubled.extend(held.insert(row.place(), row.identity()));
                }
                Ok(())
            };
            self.held(kept).await?;
            let led_to = |row: Option<Digested<'_>>, _| {
                if let Some(row) = row {
                    held.remove(row.encoded);
                }
                Ok(())
            };
            self.expected(led_to).await?;
            for (place, key) in held {
                strangers.add(place, key, self.plan)?;
            }
        }
        Ok(strangers)
    }

    /// The buckets in which both sides are not the same, and what the source gave without a digest.
    async fn summed(&self, sizes: Sizes) -> Result<(Candidates, Open)> {
        let empty = Buckets::for_rows(sizes.source.max(sizes.destination));
        let mut held = JoinSet::new();
        let (context, plan, columns) = (Arc::clone(self.context), Arc::clone(self.plan), self.columns.clone());
        let mut sums = empty.clone();
        held.spawn(async move {
            let sides = Sides { context: &context, plan: &plan, columns: &columns };
            let counted = |row: Digested<'_>| {
                sums.add(row.key, row.row);
                Ok(())
            };
            sides.held(counted).await.map(|()| sums)
        });
        let mut found = Candidates::default();
        let mut sums = empty;
        let keys = &mut found.keys;
        found.expected = self
            .expected(|row, source| {
                match row {
                    Some(row) => sums.add(row.key, row.row),
                    None => keys.push(source),
                }
                Ok(())
            })
            .await?;
        let held = held.join_next().await.and_then(std::result::Result::ok).unwrap_or_else(|| Err(ended()))?;
        Ok((found, sums.without(&held)))
    }

    /// Looks at the rows of some buckets one by one.
    async fn look_into(&self, open: &Open, found: &mut Candidates) -> Result<()> {
        let mut expected: HashMap<Vec<u8>, (u64, KeyBytes)> = HashMap::new();
        let Candidates { keys, strangers, .. } = found;
        let unsure = |row: Option<Digested<'_>>, source: KeyBytes| {
            let Some(row) = row.filter(|row| open.holds(row.key)) else { return Ok(()) };
            // Of two rows that lead to one place, one has no place.
            if let Some((_, other)) = expected.insert(row.encoded.to_vec(), (row.row, source)) {
                keys.push(other);
            }
            Ok(())
        };
        self.expected(unsure).await?;
        let mut met: HashSet<Vec<u8>> = HashSet::new();
        let compared = |row: Digested<'_>| {
            if !open.holds(row.key) {
                return Ok(());
            }
            match expected.remove(row.encoded) {
                Some((digest, _)) if digest == row.row => {}
                Some((_, key)) => keys.push(key),
                None if met.contains(row.encoded) => strangers.doubled.push(row.identity()),
                None => return strangers.add(row.place(), row.identity(), self.plan),
            }
            met.insert(row.encoded.to_vec());
            Ok(())
        };
        self.held(compared).await?;
        keys.extend(expected.into_values().map(|(_, key)| key));
        Ok(())
    }

    /// Hands over each row that the source gives, as what it becomes and its source key; one that becomes nothing has no digest.
    async fn expected(&self, mut take: impl FnMut(Option<Digested<'_>>, KeyBytes) -> Result<()>) -> Result<u64> {
        let (context, plan) = (self.context, self.plan);
        let mut reading = Reading::open(context, plan).await?;
        let mut deriver = Deriver::new(context, plan).await?;
        reading.start(KeyRange::default(), None).await?;
        let mut rows = 0;
        while let Some(scored) = reading.next().await? {
            let work = all_of(&scored);
            let Expected { rows: written, faults } = deriver.expected(&scored, &work).await?;
            let written = self.picked(&written)?;
            let plain = self.columns.plain(written.clone());
            let digests = Digests::of((&written, &plain), self.columns.key.len(), &[])?;
            for (at, work) in work.iter().enumerate() {
                let source = scored.identity(work.row);
                let is_sound = faults[at].is_none() && !source.is_unkeyed();
                take(digests.row(at).filter(|_| is_sound), source)?;
            }
            rows += scored.len() as u64;
            let counts = Counts { read: rows, ..Counts::default() };
            context.sink.emit(&Event::Progress { entity: plan.name.clone(), counts });
        }
        Ok(rows)
    }

    /// Hands over each row that the destination holds.
    pub(super) async fn held(&self, mut take: impl FnMut(Digested<'_>) -> Result<()>) -> Result<()> {
        let mut reader = self.context.destination.reader().await?;
        let column = |name: &ColumnName| ReadColumn { name: name.clone(), logical: column_type(self.plan, name) };
        reader
            .read(ReadRequest {
                relation: destination_relation(self.plan),
                columns: self.columns.all().map(column).collect(),
                key: Vec::new(),
                range: KeyRange::default(),
                after: None,
                only: Only::All,
                batch_rows: BATCH_ROWS,
            })
            .await?;
        while let Some(batch) = reader.next().await? {
            let plain = self.columns.plain(batch.rows.columns().to_vec());
            let digests = Digests::of((batch.rows.columns(), &plain), self.columns.key.len(), &batch.faults)?;
            for row in 0..batch.rows.num_rows() {
                take(digests.row(row).unwrap_or_else(|| digests.without_key(row)))?;
            }
        }
        Ok(())
    }

    /// The columns of what would be written that are compared, in their order.
    fn picked(&self, written: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let column = |name: &ColumnName| written.column_by_name(name.as_str()).cloned();
        let columns: Option<Vec<ArrayRef>> = self.columns.all().map(column).collect();
        columns.ok_or_else(|| {
            let headline = format!("a column of `{}` that is compared is not written", self.plan.name);
            Box::new(Diagnostic::new(Code::DestinationFailed, headline))
        })
    }
}

/// All rows of a batch.
pub(super) fn all_of(scored: &Scored) -> Vec<Work> {
    (0..scored.len()).map(|row| Work { row, known: None, insert: false, counted: false }).collect()
}

/// The digests of a batch's rows.
struct Digests<'a> {
    /// The key's, as they are, with the blanks behind them.
    named: Vec<Cells<'a>>,
    /// Per row, the encoding of its key; nothing where a part of that is NULL.
    encoded: Vec<Option<Vec<u8>>>,
    rows: Vec<u64>,
}

/// A row as its key and its digest.
pub(super) struct Digested<'a> {
    /// A hash of the key.
    key: u64,
    /// A hash of all columns, the key's among them.
    row: u64,
    encoded: &'a [u8],
    named: &'a [Cells<'a>],
    at: usize,
}

impl Digested<'_> {
    /// What tells it from others of its side.
    pub(super) fn place(&self) -> Vec<u8> {
        if self.encoded.is_empty() { self.row.to_le_bytes().to_vec() } else { self.encoded.to_vec() }
    }

    /// The row's key; of one without a key that can be named, its content.
    pub(super) fn identity(&self) -> KeyBytes {
        let parts: Option<Vec<KeyValue<'_>>> = self.named.iter().map(|cell| cell.key_part(self.at)).collect();
        parts.map_or_else(|| KeyBytes::unkeyed(self.row), |parts| KeyBytes::encode(&parts))
    }
}

impl<'a> Digests<'a> {
    /// Of rows whose first columns are the key, beside what they are without the blanks that the destination puts behind them. A cell that is
    /// NULL only because its value has another type is none.
    fn of((columns, plain): (&'a [ArrayRef], &[ArrayRef]), key: usize, faults: &[CellFault]) -> Result<Self> {
        let cells: Vec<Cells<'_>> = plain.iter().map(Cells::new).collect::<Result<_>>()?;
        let named = columns[..key].iter().map(Cells::new).collect::<Result<_>>()?;
        let count = columns.first().map_or(0, Array::len);
        let mut faults = faults.iter().peekable();
        let (mut encoded, mut rows) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut bytes = Vec::with_capacity(256);
        for row in 0..count {
            bytes.clear();
            cells[..key].iter().for_each(|cell| cell.encode(row, &mut bytes));
            let has_key = cells[..key].iter().all(|cell| !cell.is_null(row));
            encoded.push(has_key.then(|| bytes.clone()));
            cells[key..].iter().for_each(|cell| cell.encode(row, &mut bytes));
            while let Some(fault) = faults.next_if(|fault| fault.row == row) {
                bytes.extend_from_slice(&fault.value_digest.to_le_bytes());
            }
            rows.push(XxHash3_64::oneshot(&bytes));
        }
        Ok(Self { named, encoded, rows })
    }

    fn row(&self, at: usize) -> Option<Digested<'_>> {
        let encoded = self.encoded[at].as_deref()?;
        let key = XxHash3_64::oneshot(encoded);
        Some(Digested { key, row: self.rows[at], encoded, named: &self.named, at })
    }

    /// A row of which a part of the key is NULL: nothing leads to it.
    fn without_key(&self, at: usize) -> Digested<'_> {
        Digested { key: self.rows[at], row: self.rows[at], encoded: &[], named: &self.named, at }
    }
}

/// Where a row of the destination stands.
pub(super) struct Place {
    /// What tells it from others, however it is filled up with blanks.
    pub(super) encoded: Vec<u8>,
    /// The key.
    pub(super) key: KeyBytes,
}

/// Where rows stand that hold nothing but a key; nowhere where a part of that is NULL.
pub(super) fn places(keys: &RecordBatch, columns: &Columns) -> Result<Vec<Option<Place>>> {
    let plain = columns.plain(keys.columns().to_vec());
    let digests = Digests::of((keys.columns(), &plain), plain.len(), &[])?;
    let place = |row: Digested<'_>| Place { encoded: row.encoded.to_vec(), key: row.identity() };
    Ok((0..keys.num_rows()).map(|at| digests.row(at).map(place)).collect())
}

/// How many rows open buckets have, about, where all have so many.
fn rows_in(open: &Open, rows: u64) -> u64 {
    open.count as u64 * (rows / open.of as u64 + 1)
}

/// In how many parts so many rows are held one after the other.
fn rounds(rows: u64) -> usize {
    usize::try_from(rows.div_ceil(HELD_MAX)).unwrap_or(1)
}

fn ended() -> Box<Diagnostic> {
    Box::new(Diagnostic::new(Code::DestinationFailed, "the task that read the destination ended by itself"))
}

fn too_many(table: &transload_model::TableName) -> Box<Diagnostic> {
    let headline = format!("more than {STRANGERS_MAX} rows of `{table}` are only in the destination");
    let help = "is the source the right one, and the table?";
    Box::new(Diagnostic::new(Code::LedgerMismatch, headline).help(help))
}
