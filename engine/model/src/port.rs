//! What the engine needs of the systems around it.
//!
//! The engine knows these traits and never who implements them. Contracts stand on the methods: who calls, what durable means, what
//! may repeat.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Catalog, CellFault, Change, Claim, Code, ColumnName, Counts, DetectionRecord, EntityName, EntityPlan, EntityState,
    Fence, HeldRow, KeyBytes, KeyRange, LedgerState, LedgerWrite, LogicalType, MaskKey, QuarantineReason, ReadColumn,
    Relation, Requests, Result, RowFault, RunId, RunState, SegmentHead, SegmentPart, ServerDigest, Table, TableName,
    Unit, Wish,
};

/// A database that rows are read from. It is never written.
#[async_trait]
pub trait Source: Send + Sync {
    /// All tables and views.
    async fn catalog(&self) -> Result<Catalog>;

    /// The columns of a relation that a spec's own SQL makes, as a table without keys. Nothing is read.
    ///
    /// # Errors
    /// `TL0211` where the database refuses the SQL.
    async fn describe(&self, relation: &Relation) -> Result<Table>;

    /// Fixes a moment of these relations, for up to `readers` readers at a time.
    async fn snapshot(&self, relations: &[Relation], readers: usize) -> Result<Arc<dyn Snapshot>>;
}

/// What a source knows of the time of a snapshot, by its own clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Horizon {
    /// What the snapshot does not see was begun after this: microseconds since 1970-01-01 in UTC.
    pub safe: i64,
    /// Why that may not be so for every transaction, where it may not.
    pub unseen: Option<String>,
}

/// A database as it is at one moment.
#[async_trait]
pub trait Snapshot: Send + Sync {
    /// When that is.
    fn horizon(&self) -> Horizon;

    /// How many readers may be open at a time.
    fn reader_limit(&self) -> usize;

    /// A reader that sees this moment. Where as many are open as may be, it waits until one is dropped, so nobody who keeps one may wait for
    /// another, or for somebody who does.
    async fn reader(&self) -> Result<Box<dyn SnapshotReader>>;
}

/// What to read.
#[derive(Debug, Clone)]
pub struct ReadRequest {
    /// What rows are read from.
    pub relation: Relation,
    /// The columns, in the batch's order.
    pub columns: Vec<ReadColumn>,
    /// Rows come in the order of these columns (indexes into `columns`), each as [`crate::KeyBytes`] orders it. Rows with NULL
    /// or a value of another type there come somewhere.
    pub key: Vec<usize>,
    /// The rows that are wanted; a source that does not keep to ranges gives more. Rows without a key are in the range that begins with the
    /// first.
    pub range: KeyRange,
    /// Rows up to this key need not be given; a source leaves them out where that is exact and cheap. Rows without a key are given all the same.
    pub after: Option<KeyBytes>,
    /// Which rows of these are asked for.
    pub only: Only,
    /// Rows in a batch.
    pub batch_rows: usize,
}

/// Rows that are asked for among those of a range. A source leaves others out where that is exact and cheap, and gives them beside these else.
#[derive(Debug, Clone, Default)]
pub enum Only {
    /// All.
    #[default]
    All,
    /// Those with these keys, which ascend.
    Keys(Arc<[KeyBytes]>),
    /// Those whose cursor is not below a value, and those whose cursor is NULL or has no place in an order.
    Since {
        /// The cursor: a date, a timestamp or a timestamptz. It need not be among the columns that are read.
        column: ReadColumn,
        /// Days or microseconds since 1970-01-01, in UTC where the column has a zone.
        from: i64,
    },
}

/// What a server is to digest.
#[derive(Debug, Clone)]
pub struct DigestRequest {
    /// What rows are digested.
    pub relation: Relation,
    /// The columns.
    pub columns: Vec<ReadColumn>,
    /// The key, as indexes into `columns`.
    pub key: Vec<usize>,
    /// The rows.
    pub range: KeyRange,
    /// Keys of the range, ascending and at least one.
    pub bounds: Vec<KeyBytes>,
    /// The seed of the digests.
    pub seed: u64,
}

/// What a server made of some rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeDigest {
    /// How many there are.
    pub rows: u64,
    /// Their digest, whatever their order.
    pub digest: ServerDigest,
}

/// Rows as the source gave them.
#[derive(Debug, Clone)]
pub struct SourceBatch {
    /// The cells.
    pub rows: RecordBatch,
    /// Cells that are NULL in `rows` only because the source's value has another type.
    pub faults: Vec<CellFault>,
    /// Bytes that the values take.
    pub bytes: usize,
}

/// How rows are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawn {
    /// From everywhere, as is quickest: those that lie together come together.
    Quickly,
    /// Each as likely as any other, and by chance. Another seed draws others.
    Evenly {
        /// What the chance begins with.
        seed: u32,
    },
}

/// A number of rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// How many.
    pub rows: u64,
    /// Whether the database estimated it.
    pub is_estimate: bool,
}

/// One reader of a snapshot. It reads one request at a time.
#[async_trait]
pub trait SnapshotReader: Send + Sync {
    /// About how many rows there are. A source that can only count them does.
    async fn estimate(&mut self, relation: &Relation) -> Result<Option<Counted>>;

    /// How many rows there are.
    async fn count(&mut self, relation: &Relation) -> Result<u64>;

    /// How many keys occur more than once.
    async fn count_repeated_keys(&mut self, relation: &Relation, key: &[ColumnName]) -> Result<u64>;

    /// The keys of about so many rows, in key order; none where the source cannot tell quickly.
    async fn sample(
        &mut self,
        relation: &Relation,
        key: &[ReadColumn],
        (rows, drawn): (usize, Drawn),
    ) -> Result<Option<RecordBatch>> {
        let _ = (relation, key, rows, drawn);
        Ok(None)
    }

    /// What the server itself makes of the rows of a range: for each of the request's bounds, of those from it on up to the next. None
    /// where the server cannot do that much cheaper than giving the rows, or where two different rows might look the same to it.
    async fn digests(&mut self, request: &DigestRequest) -> Result<Option<Vec<RangeDigest>>> {
        let _ = request;
        Ok(None)
    }

    /// Whether it gives the rows of a request's range and no others. Then a row outside of it means that keys are ordered differently.
    fn keeps_to_ranges(&self) -> bool {
        false
    }

    /// Starts a read; what was left of the one before is dropped.
    async fn read(&mut self, request: ReadRequest) -> Result<()>;

    /// The next batch, `None` after the last. A reader that failed once stays failed, for this read and for others.
    async fn next(&mut self) -> Result<Option<SourceBatch>>;
}

/// Which part of a unit a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WriteKind {
    /// `Unit::inserts`.
    Insert,
    /// `Unit::updates`.
    Update,
    /// `Unit::deletes`.
    Delete,
}

/// What a destination holds of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// No row has its key.
    Nothing,
    /// A row has its key. Other columns differ where there are any: indexes into the batch that was compared.
    Row(Vec<usize>),
}

/// A row that the destination would not take. It left no trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which part of the unit.
    pub kind: WriteKind,
    /// The row's number in that part, counted over its batches.
    pub row: usize,
    /// Why, as a code.
    pub code: Code,
    /// The column, where the destination names one.
    pub field: Option<ColumnName>,
    /// Why, in words, without the row's values.
    pub message: String,
}

/// Turns the destination's refusals into the ledger's part of the unit. May be called again where a unit is tried again.
pub type Settle = Arc<dyn Fn(&[Refusal]) -> LedgerWrite + Send + Sync>;

/// A database that rows are written to, and that keeps the ledger.
#[async_trait]
pub trait Destination: Send + Sync {
    /// All tables.
    async fn catalog(&self) -> Result<Catalog>;

    /// What the ledger says. Writes nothing, also where there is no ledger yet.
    async fn ledger(&self, tables: &[TableName]) -> Result<LedgerState>;

    /// Creates the ledger where there is none and takes the fences: all, or none.
    ///
    /// # Errors
    /// `TL0503` where a living process holds one, `TL0504` where an epoch is newer than the claim says, `TL0510` where the one that is to
    /// give way is in the middle of a unit and cannot be ended from here.
    async fn take_fences(&self, claim: Claim) -> Result<Vec<Fence>>;

    /// Gives the fences of a run back, where it still holds them.
    async fn release_fences(&self, run: RunId) -> Result<()>;

    /// Gives the fences of a run back whose process is gone, so that the run goes on no more. Where it holds none, nothing is done.
    ///
    /// # Errors
    /// `TL0503` where its holder is alive.
    async fn abandon_fences(&self, run: RunId) -> Result<()>;

    /// The segments of an entity, in key order.
    async fn segments(&self, entity: &EntityName) -> Result<Vec<SegmentHead>>;

    /// The parts of a segment, all its entries first, then its overlays.
    ///
    /// # Errors
    /// `TL0502` where it has another number of them than was stored.
    async fn segment(&self, id: i64) -> Result<Vec<SegmentPart>>;

    /// The destination keys that were made for source keys when their rows were loaded, as canonical texts; none where there is none.
    async fn mappings(&self, entity: &EntityName, keys: &[KeyBytes]) -> Result<Vec<Option<String>>>;

    /// So many values of a column's own default, as canonical texts. None of them is given twice, whether it is used or not.
    ///
    /// # Errors
    /// `TL0428` where the column has no default.
    async fn new_defaults(&self, table: &TableName, column: &ColumnName, count: usize) -> Result<Vec<String>>;

    /// Rows in a table.
    async fn count(&self, table: &TableName) -> Result<u64>;

    /// What a table holds of rows, in their order. They are compared as a unit's updates would be; nothing is written.
    async fn compare(&self, table: &TableName, key: &[ColumnName], rows: &RecordBatch) -> Result<Vec<Held>>;

    /// A reader of what is committed now.
    async fn reader(&self) -> Result<Box<dyn SnapshotReader>>;

    /// Commits a unit: the rows, and what `settle` makes of the refusals, in one transaction. When it returns, the unit is durable.
    ///
    /// A refused row is undone alone; the others go on. Any other failure leaves nothing of the unit behind.
    ///
    /// # Errors
    /// `TL0504` where the fence is lost, `TL0423` where there is no space, `TL0440` where nothing may be written just now, `TL0441` where the
    /// server stops each row alone, `TL0442` where it was tried too often, `TL0428` else.
    async fn commit(&self, unit: Unit, settle: Settle) -> Result<()>;

    /// Whether units of one table may be committed side by side.
    fn takes_parallel_units(&self) -> bool {
        false
    }

    /// Rows in quarantine, of one entity or of all.
    async fn quarantine(&self, entity: Option<&EntityName>) -> Result<Vec<HeldRow>>;

    /// How many rows are in quarantine, of one entity or of all, by what they are there for: the destination counts, so that none of them is read.
    async fn quarantine_reasons(&self, entity: Option<&EntityName>) -> Result<Vec<QuarantineReason>>;
}

/// What functions and rules may know of a run.
#[derive(Debug, Clone)]
pub struct TransformContext {
    /// The run's start; `now` in scripts and `today` in rules.
    pub now: DateTime<Utc>,
    /// The environment's name.
    pub environment: String,
    /// The project's variables.
    pub vars: BTreeMap<String, Value>,
    /// The key of the project's masks. Without it no entity with masks can be transformed.
    pub mask_key: Option<MaskKey>,
}

/// Makes the executable form of an entity's fields and rules.
pub trait TransformFactory: Send + Sync {
    /// Compiles them. The plan was checked against the same vocabulary, so a failure is a bug or a changed library.
    fn compile(&self, entity: &EntityPlan, context: &TransformContext) -> Result<Box<dyn EntityTransform>>;

    /// A single value of a spec, or NULL, as a column of one row.
    ///
    /// # Errors
    /// Says why the value is none of that type.
    fn cell(&self, value: &Value, to: LogicalType) -> std::result::Result<arrow::array::ArrayRef, String>;

    /// The canonical texts of a column's values, NULL where there is none; of bytes, `\\x` and two hexadecimal digits each.
    fn texts(&self, column: &arrow::array::ArrayRef, from: LogicalType) -> Vec<Option<String>>;
}

/// What a batch became.
#[derive(Debug, Clone)]
pub struct Transformed {
    /// A column per field of the plan, in its order and with its `data_type`; a row for every input row. Cells of failed rows are NULL.
    pub columns: Vec<arrow::array::ArrayRef>,
    /// Rows that failed, at most one fault a row, in row order.
    pub faults: Vec<RowFault>,
}

/// The fields and rules of one entity, compiled. Pure: the same rows give the same result.
pub trait EntityTransform: Send + Sync {
    /// The rows as the fields see them: masked columns hold their masks.
    fn masked(&self, rows: &RecordBatch) -> RecordBatch;

    /// Masks what is to be masked, and computes all fields; references stay the parent's source keys. A row of which a field shows what a mask
    /// hides fails.
    fn transform(&mut self, rows: &RecordBatch, faults: &[CellFault]) -> Transformed;

    /// Checks `is_required` and the rules on fields, references resolved; `unique` is not among them, nor what `foreign_key` looks for. At
    /// most one failure a row (the first), warnings beside it. `skip` names rows that failed before.
    fn validate(&mut self, columns: &[arrow::array::ArrayRef], skip: &[bool]) -> Vec<RowFault>;

    /// Whether what a field gives follows from the time of the run.
    fn asks_the_time(&self, field: usize) -> bool {
        let _ = field;
        false
    }

    /// How long the scripts worked in all batches since this was asked the last time.
    fn take_script_time(&mut self) -> Duration {
        Duration::ZERO
    }
}

/// Where a run's time went, in milliseconds: the clock's, and of all entities together by step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Performance {
    /// From start to end, by the clock.
    pub elapsed_ms: u64,
    /// Reading, and comparing with the ledger.
    pub detect_ms: u64,
    /// Transforming and validating.
    pub transform_ms: u64,
    /// Writing and committing.
    pub load_ms: u64,
}

/// A run as the control store knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// The project's name.
    pub project: String,
    /// The environment's name.
    pub environment: String,
    /// Its state.
    pub state: RunState,
    /// When it started first.
    pub started_at: DateTime<Utc>,
    /// When it ended, if it did.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it failed.
    pub reason: Option<String>,
    /// All entities together.
    pub counts: Counts,
    /// Where the time of the last process that worked on it went, once that is known.
    pub performance: Option<Performance>,
    /// The process that runs it.
    pub process: u32,
    /// Whether that process still exists; set when read.
    pub alive: bool,
    /// When it was taken over from the ledger, where the control store had lost it.
    pub adopted_at: Option<DateTime<Utc>>,
}

/// A committed unit of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitNumber {
    /// Which of the entity's streams committed it.
    pub stream: u32,
    /// The stream's number of it.
    pub seq: u64,
}

/// An entity of a run as the control store knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityRecord {
    /// The entity.
    pub entity: EntityName,
    /// Its state.
    pub state: EntityState,
    /// What became of its rows so far.
    pub counts: Counts,
    /// Rows at the source, where it could tell. Where it is not known now, what was stored before stays.
    pub source_rows: Option<u64>,
    /// The last unit that the run committed for it. Where it is not known now, what was stored before stays.
    pub unit: Option<UnitNumber>,
    /// Milliseconds that it took so far.
    pub elapsed_ms: u64,
    /// Why it failed.
    pub reason: Option<String>,
}

impl EntityRecord {
    /// An entity of which nothing was heard yet.
    #[must_use]
    pub fn waiting(entity: &EntityName) -> Self {
        Self {
            entity: entity.clone(),
            state: EntityState::Waiting,
            counts: Counts::default(),
            source_rows: None,
            unit: None,
            elapsed_ms: 0,
            reason: None,
        }
    }
}

/// Where detections are kept until a run is held to one, or nobody needs them any more.
#[async_trait]
pub trait DetectionStore: Send + Sync {
    /// Stores a detection, new or complete. Those that are older than a month are forgotten.
    ///
    /// # Errors
    /// `TL0507`.
    async fn put_detection(&self, detection: &DetectionRecord) -> Result<()>;

    /// Adds changes to a detection that is stored already, behind those that it has.
    ///
    /// # Errors
    /// `TL0507`.
    async fn add_changes(&self, detection: RunId, changes: &[Change]) -> Result<()>;

    /// Complete detections, the newest first.
    async fn detections(&self, limit: u32) -> Result<Vec<DetectionRecord>>;

    /// Changes of a detection in the order in which they were added, from the one of this number on. The first has the number zero.
    async fn changes(&self, detection: RunId, from: u64, limit: u32) -> Result<Vec<Change>>;
}

/// Where runs are remembered. It mirrors progress: it may lag behind the destination, it never leads.
#[async_trait]
pub trait ControlStore: DetectionStore {
    /// Stores a run, new or changed. Where a step between the stored state and this one was missed, the run is stored as having been at
    /// work in between. It may repeat.
    ///
    /// # Errors
    /// `TL0507`, also where a run in the stored state cannot come into this one.
    async fn put_run(&self, run: &RunRecord) -> Result<()>;

    /// Stores an entity of a run that is stored already, new or changed, and with a unit its checkpoint. It may repeat.
    ///
    /// # Errors
    /// `TL0507`.
    async fn put_entity(&self, run: RunId, entity: &EntityRecord) -> Result<()>;

    /// Stores a run that the ledger still knows of, with its entities, as one that nobody works on. A run that is stored already stays as it
    /// is: says whether it was not. It may repeat.
    ///
    /// # Errors
    /// `TL0507`.
    async fn adopt(&self, run: &RunRecord, entities: &[EntityRecord]) -> Result<bool>;

    /// The newest runs first.
    async fn runs(&self, limit: u32) -> Result<Vec<RunRecord>>;

    /// The entities of a run, in the order they were stored first.
    async fn entities(&self, run: RunId) -> Result<Vec<EntityRecord>>;

    /// Asks something of a stored run, or of one of its entities, or takes back what was asked. It may repeat.
    ///
    /// # Errors
    /// `TL0507`.
    async fn request(&self, run: RunId, entity: Option<&EntityName>, wish: Option<Wish>) -> Result<()>;

    /// What is asked of a run. A run at work asks this about once a second.
    async fn requests(&self, run: RunId) -> Result<Requests>;
}
