//! Both sides of an entity: what its spec makes of the source, and what the destination holds.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::record_batch::RecordBatch;
use tokio::task::JoinSet;
use transload_model::{
    CellFault, Code, ColumnName, Counts, Diagnostic, EntityPlan, KeyBytes, KeyRange, KeyValue, Only, ReadColumn,
    ReadRequest, Result, RowFault,
};
use twox_hash::XxHash3_64;

use super::buckets::{Buckets, Open};
use super::{Columns, destination_relation};
use crate::context::Context;
use crate::derive::{Deriver, Expected, Work};
use crate::event::Event;
use crate::reading::Reading;
use crate::rows::{Cells, Scored, whole_keys};
use crate::unique::key_type;

/// Rows of the destination that are read at a time.
const BATCH_ROWS: usize = 8_192;

/// Rows of open buckets that are held in memory at a time, about.
const OPENED: u64 = 400_000;

/// Rows that are held in any case.
const FEW: u64 = 1_000;

/// Rows that only the destination has, of which the keys are held in memory at most.
const EXTRA_MAX: usize = 1_000_000;

/// Both sides of an entity.
pub(super) struct Sides<'a> {
    pub(super) context: &'a Arc<Context>,
    pub(super) plan: &'a Arc<EntityPlan>,
    pub(super) columns: &'a Columns,
}

/// Rows of which the digests differ, or that have none.
#[derive(Default)]
pub(super) struct Candidates {
    /// The source keys of rows that may not be in the destination as they should.
    pub(super) keys: Vec<KeyBytes>,
    /// The keys of rows of the destination that no row of the source was seen to lead to, by their encoding.
    pub(super) extra: BTreeMap<Vec<u8>, KeyBytes>,
    /// Rows that the source gave.
    pub(super) expected: u64,
    /// Whether so much differs that each row of the source has to be compared. Then `keys` has only rows without a key.
    pub(super) is_rough: bool,
}

impl Sides<'_> {
    /// Rows that may differ, of about so many.
    pub(super) async fn candidates(&self, rows: u64) -> Result<Candidates> {
        let found = self.found(rows).await?;
        if !found.is_rough {
            return Ok(found);
        }
        // What is rough tells nothing of single rows. Keys alone still tell which rows the source does not lead to.
        let columns = self.columns.of_key();
        let of_keys = Sides { columns: &columns, ..*self };
        let extra = of_keys.found(rows).await?.extra;
        Ok(Candidates { extra, ..found })
    }

    async fn found(&self, rows: u64) -> Result<Candidates> {
        let empty = Buckets::for_rows(rows);
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
        let open = sums.without(&held);
        let opened = open.count as u64 * (rows / sums.count() as u64 + 1);
        // Where most rows are to be looked at, it costs less not to hold them meanwhile.
        let are_most = opened > OPENED.min(rows / 2 + FEW);
        if are_most && !self.columns.is_empty_beside_key() {
            found.keys.retain(KeyBytes::is_unkeyed);
            return Ok(Candidates { is_rough: true, ..found });
        }
        let rounds = usize::try_from(opened.div_ceil(OPENED)).unwrap_or(1);
        for round in open.cut(rounds) {
            self.open(&round, &mut found).await?;
        }
        Ok(found)
    }

    /// Looks at the rows of some buckets one by one.
    async fn open(&self, open: &Open, found: &mut Candidates) -> Result<()> {
        let mut expected: HashMap<Vec<u8>, (u64, KeyBytes)> = HashMap::new();
        let Candidates { keys, extra, .. } = found;
        let unsure = |row: Option<Digested<'_>>, source: KeyBytes| {
            let Some(row) = row.filter(|row| open.holds(row.key)) else { return Ok(()) };
            // Of two rows that lead to one place, one has no place.
            if let Some((_, other)) = expected.insert(row.encoded.to_vec(), (row.row, source)) {
                keys.push(other);
            }
            Ok(())
        };
        self.expected(unsure).await?;
        let compared = |row: Digested<'_>| {
            if !open.holds(row.key) {
                return Ok(());
            }
            match expected.remove(row.encoded) {
                Some((digest, _)) if digest == row.row => {}
                Some((_, key)) => keys.push(key),
                None if extra.len() == EXTRA_MAX => return Err(too_many(&self.plan.destination.table)),
                None => drop(extra.insert(row.place(), row.identity())),
            }
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
            let columns = self.picked(&written)?;
            let digests = Digests::of(&columns, self.columns.key.len(), &[])?;
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
    async fn held(&self, mut take: impl FnMut(Digested<'_>) -> Result<()>) -> Result<()> {
        let mut reader = self.context.destination.reader().await?;
        let column = |name: &ColumnName| ReadColumn { name: name.clone(), logical: key_type(self.plan, name) };
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
            let digests = Digests::of(batch.rows.columns(), self.columns.key.len(), &batch.faults)?;
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

/// The source keys of about so many rows, drawn by chance.
pub(super) async fn drawn(context: &Arc<Context>, plan: &Arc<EntityPlan>, rows: usize) -> Result<Vec<KeyBytes>> {
    let key: Vec<ReadColumn> = plan.key.source.iter().map(|part| plan.reads[*part].clone()).collect();
    let mut reader = context.reader(plan).await?;
    let mut keys = match reader.sample(&plan.relation(), &key, rows.saturating_mul(2)).await? {
        Some(sample) => whole_keys(&sample)?,
        None => all_keys(context, plan).await?,
    };
    // By a digest of the run's own: which rows are drawn, no one can foretell.
    let salt = XxHash3_64::oneshot(context.run.to_string().as_bytes());
    keys.sort_by_cached_key(|key| XxHash3_64::oneshot_with_seed(salt, key.as_bytes()));
    keys.truncate(rows);
    keys.sort();
    Ok(keys)
}

async fn all_keys(context: &Arc<Context>, plan: &Arc<EntityPlan>) -> Result<Vec<KeyBytes>> {
    let mut reading = Reading::open(context, plan).await?;
    reading.start_keys(vec![KeyRange::default()], None).await?;
    let mut keys = Vec::new();
    while let Some(scored) = reading.next().await? {
        keys.extend((0..scored.len()).map(|row| scored.identity(row)).filter(|key| !key.is_unkeyed()));
    }
    Ok(keys)
}

/// The digests of a batch's rows.
struct Digests<'a> {
    /// The key's first.
    cells: Vec<Cells<'a>>,
    /// Per row, the encoding of its key; nothing where a part of that is NULL.
    encoded: Vec<Option<Vec<u8>>>,
    rows: Vec<u64>,
}

/// A row as its key and its digest.
struct Digested<'a> {
    /// A hash of the key.
    key: u64,
    /// A hash of all columns, the key's among them.
    row: u64,
    encoded: &'a [u8],
    cells: &'a [Cells<'a>],
    at: usize,
}

impl Digested<'_> {
    /// What tells it from others of its side.
    fn place(&self) -> Vec<u8> {
        if self.encoded.is_empty() { self.row.to_le_bytes().to_vec() } else { self.encoded.to_vec() }
    }

    /// The row's key; of one without a key that can be named, its content.
    fn identity(&self) -> KeyBytes {
        let parts: Option<Vec<KeyValue<'_>>> = self.cells.iter().map(|cell| cell.key_part(self.at)).collect();
        parts.map_or_else(|| KeyBytes::unkeyed(self.row), |parts| KeyBytes::encode(&parts))
    }
}

impl<'a> Digests<'a> {
    /// Of rows whose first columns are the key. A cell that is NULL only because its value has another type is none.
    fn of(columns: &'a [ArrayRef], key: usize, faults: &[CellFault]) -> Result<Self> {
        let mut cells: Vec<Cells<'_>> = columns.iter().map(Cells::new).collect::<Result<_>>()?;
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
        cells.truncate(key);
        Ok(Self { cells, encoded, rows })
    }

    fn row(&self, at: usize) -> Option<Digested<'_>> {
        let encoded = self.encoded[at].as_deref()?;
        let key = XxHash3_64::oneshot(encoded);
        Some(Digested { key, row: self.rows[at], encoded, cells: &self.cells, at })
    }

    /// A row of which a part of the key is NULL: nothing leads to it.
    fn without_key(&self, at: usize) -> Digested<'_> {
        Digested { key: self.rows[at], row: self.rows[at], encoded: &[], cells: &self.cells, at }
    }
}

/// The encodings of the keys of rows that hold nothing else.
pub(super) fn encoded_keys(keys: &RecordBatch) -> Result<Vec<Option<Vec<u8>>>> {
    Ok(Digests::of(keys.columns(), keys.num_columns(), &[])?.encoded)
}

/// The word for why a row would be set aside.
pub(super) fn word(fault: &RowFault) -> &'static str {
    fault.code.info().word
}

fn ended() -> Box<Diagnostic> {
    Box::new(Diagnostic::new(Code::DestinationFailed, "the task that read the destination ended by itself"))
}

fn too_many(table: &transload_model::TableName) -> Box<Diagnostic> {
    let headline = format!("more than {EXTRA_MAX} rows of `{table}` are only in the destination");
    let help = "is the source the right one, and the table?";
    Box::new(Diagnostic::new(Code::LedgerMismatch, headline).help(help))
}
