//! What Transload remembers in the destination.
//!
//! The ledger accounts for every row in scope: its key, its digest and what became of it. It commits in the same transaction as the rows, so
//! it can be neither ahead of them nor behind.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};

use crate::{Code, ColumnName, Counts, EntityName, KeyBytes, KeyRange, Result, RunId, Stage, TableName};

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It is in the destination as its source was.
    Loaded,
    /// It is in the destination, but its reference to its own entity is still NULL: the second pass fills it.
    Deferred,
    /// Its source moved, and the second pass writes it: it refers to its own entity.
    UpdatePending,
    /// It is in quarantine.
    Quarantined,
    /// It is in quarantine because a parent is missing, and is tried again when that parent's entity gains rows; or because a value is not in
    /// a table that no entity loads, and is tried again when that table holds other values.
    Orphaned,
    /// It is in quarantine because another row holds a value that must be unique, and is tried again once the entity freed values.
    Collided,
    /// It is in quarantine, and a person decided that it is not to come: it is tried again only when it moves at the source, or is named.
    Discarded,
    /// It is gone from the source and waits to be deleted from the destination.
    DeletePending,
    /// It is gone from the source, and the destination would not let it go: something still refers to it.
    DeleteRefused,
    /// It is gone from the source, and stays in the destination, where a column says when it went.
    Retired,
}

/// One row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The source key.
    pub key: KeyBytes,
    /// The digest of the source row when it was last tried.
    pub digest: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// Whether some version of the row is in the destination: a row may be loaded once and go to quarantine later.
    pub present: bool,
}

/// A stored segment without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentHead {
    /// The ledger's number for it.
    pub id: i64,
    /// Its lowest key.
    pub first: KeyBytes,
    /// Its highest key.
    pub last: KeyBytes,
    /// Rows in it.
    pub rows: u64,
    /// Of those, rows in the destination.
    pub present: u64,
    /// The parts in which it is stored: all its entries first, then an overlay for each time that some changed.
    pub parts: u32,
    /// Entries in its overlays.
    pub overlaid: u64,
    /// What the source's own server made of its rows, where a run that found all of them unchanged has asked it.
    pub server_digest: Option<ServerDigest>,
}

/// A digest that a source's server computes over rows of a key range. It is compared with another of its kind, and with nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerDigest {
    /// Everything it depends on beside the rows: the server, its version, the expression, the seed.
    pub kind: String,
    /// The digest, in the server's spelling.
    pub digest: String,
}

/// A segment to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentPut {
    /// Its lowest key.
    pub first: KeyBytes,
    /// Its highest key.
    pub last: KeyBytes,
    /// Rows in it.
    pub rows: u64,
    /// Of those, rows in the destination.
    pub present: u64,
    /// What is stored.
    pub part: SegmentPart,
}

/// A part of a segment: all its entries, or those that changed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentPart {
    /// The packed entries.
    pub content: Vec<u8>,
    /// A hash of `content`.
    pub digest: u64,
}

/// What changed about a segment that stays, to be stored behind the parts that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentOverlay {
    /// The ledger's number for the segment.
    pub id: i64,
    /// How many parts it has so far.
    pub parts: u32,
    /// Entries that changed, came or went.
    pub entries: u64,
    /// The part, and what the whole segment is with it.
    pub put: SegmentPut,
}

/// How far a stream got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Reading, transforming and loading.
    Loading,
    /// Filling references of the entity to itself.
    Filling,
    /// All rows are in; deletes may follow.
    Loaded,
    /// Nothing is left to do in this run.
    Done,
}

impl Phase {
    /// The word that is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Filling => "filling",
            Self::Loaded => "loaded",
            Self::Done => "done",
        }
    }

    /// The phase that a stored word names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Loading, Self::Filling, Self::Loaded, Self::Done].into_iter().find(|phase| phase.as_str() == text)
    }
}

/// The durable position of one stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// The entity it moves.
    pub entity: EntityName,
    /// The run that wrote it last.
    pub run: RunId,
    /// Units committed since the stream exists.
    pub seq: u64,
    /// How far this run is.
    pub phase: Phase,
    /// In `Loading`, every key up to here is accounted for in this run.
    pub cursor: Option<KeyBytes>,
    /// What this run did so far.
    pub counts: Counts,
    /// Rows ever inserted, or back before they were deleted: it grows when a child's missing parent may have arrived.
    pub gained: u64,
    /// Rows ever updated or deleted: it grows when a unique value may have become free.
    pub freed: u64,
    /// `freed` when the entity's last complete pass began.
    pub freed_seen: u64,
    /// The table that the entity is loaded into.
    pub destination_table: TableName,
    /// `gained` of each parent when this entity last went through all its rows.
    pub parents_seen: BTreeMap<EntityName, u64>,
    /// What the rules of this entity found where they look, as `table.column type`, when it last went through all its rows: a digest of the values.
    pub lookups_seen: BTreeMap<String, u64>,
    /// What the way in which changes are found has to remember.
    pub found: Found,
    /// Identity of the compiled spec that rows in quarantine were last tried with.
    pub plan_fingerprint: u64,
    /// Identity of the compiled spec that every loaded row went through; where it is older, some rows keep what they got then.
    pub mapped_fingerprint: u64,
    /// Identity of what turns source keys into destination keys.
    pub key_fingerprint: u64,
    /// Identity of what is read and digested.
    pub read_fingerprint: u64,
}

/// What one run leaves to the next about where it looked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Whether the run looked at some rows only: then nobody goes on behind what it did.
    pub is_partial: bool,
    /// With a cursor: what was begun before this moment of the source's clock has been seen. Microseconds since 1970-01-01 in UTC.
    pub bound: Option<i64>,
    /// With a cursor: the last key of the segments whose rows were all read in turn.
    pub audited: Option<KeyBytes>,
    /// With a cursor: how many runs read their share of the rows since the turn began with the first segment.
    pub audits: u32,
    /// Identity of the masks that all rows which the destination holds went through; zero where there were none, or where nobody knows.
    pub masks: u64,
}

impl Position {
    /// This position with what a stream added to it between `before` and `after`.
    #[must_use]
    pub fn advanced(&self, before: &Self, after: &Self) -> Self {
        let set = |own: u64, before: u64, after: u64| if before == after { own } else { after };
        Self {
            seq: self.seq + (after.seq - before.seq),
            counts: self.counts.moved(before.counts, after.counts),
            gained: self.gained + (after.gained - before.gained),
            freed: self.freed + (after.freed - before.freed),
            mapped_fingerprint: set(self.mapped_fingerprint, before.mapped_fingerprint, after.mapped_fingerprint),
            plan_fingerprint: set(self.plan_fingerprint, before.plan_fingerprint, after.plan_fingerprint),
            read_fingerprint: set(self.read_fingerprint, before.read_fingerprint, after.read_fingerprint),
            lookups_seen: if before.lookups_seen == after.lookups_seen { self } else { after }.lookups_seen.clone(),
            found: Found { masks: set(self.found.masks, before.found.masks, after.found.masks), ..self.found.clone() },
            ..self.clone()
        }
    }
}

/// How far one of several streams of an entity got. Their entity's own position is the sum of them all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPosition {
    /// Its number among the entity's streams; zero is the entity itself.
    pub number: u32,
    /// The run that it belongs to.
    pub run: RunId,
    /// Units committed since it exists.
    pub seq: u64,
    /// The keys that are its own.
    pub range: KeyRange,
    /// Every key of its range up to here is accounted for.
    pub cursor: Option<KeyBytes>,
    /// Whether all of its range is.
    pub done: bool,
}

/// A hold on one destination table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The table.
    pub table: TableName,
    /// Grows with every owner; nothing commits under an old one.
    pub epoch: u64,
    /// Who holds it, while someone does.
    pub holder: Option<Holder>,
}

/// A process that holds a fence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its run.
    pub run: RunId,
    /// Whether that process still exists, as far as this machine can tell.
    pub alive: bool,
    /// Who it is, for messages: host and process id.
    pub name: String,
}

/// What the ledger says about the tables of a run, read without writing anything.
#[derive(Debug, Clone, Default)]
pub struct LedgerState {
    /// Whether there is a ledger at all.
    pub exists: bool,
    /// The seed of all row digests in this destination.
    pub digest_seed: u64,
    /// Fences of the tables asked for, where there are any.
    pub fences: Vec<Fence>,
    /// Positions by entity.
    pub positions: BTreeMap<EntityName, Position>,
    /// Streams of entities that are loaded by several at a time and are not done.
    pub streams: BTreeMap<EntityName, Vec<StreamPosition>>,
}

/// A request for the fences of all destination tables of a run: all or none.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The run that wants them.
    pub run: RunId,
    /// The tables, each with the epoch that was read at the start; someone else's newer one refuses the claim.
    pub tables: Vec<(TableName, u64)>,
    /// When they are taken, for people who look.
    pub at: DateTime<Utc>,
    /// The seed that a new ledger starts with.
    pub digest_seed: u64,
    /// Take them even though a living process holds them.
    pub force: bool,
}

/// Rows that commit together, with everything that accounts for them.
#[derive(Debug, Clone)]
pub struct Unit {
    /// The entity, for messages.
    pub entity: EntityName,
    /// The destination table.
    pub table: TableName,
    /// What the destination's catalog gave as its definition when the run began; a table that has another by now is not written.
    pub definition: Option<u64>,
    /// Its key columns, which every batch has.
    pub key: Vec<ColumnName>,
    /// The fence's epoch that this run holds.
    pub epoch: u64,
    /// The stream's number; zero is the entity itself.
    pub stream: u32,
    /// The `seq` of the stream's position that this unit comes after; none where the stream is new.
    pub after: Option<u64>,
    /// References to the table's own entity: set NULL where rows to delete refer to one another in a circle.
    pub self_references: Vec<ColumnName>,
    /// What refers to this table's key, itself perhaps among them: a row that another names is not deleted, with a foreign key or without.
    pub referrers: Vec<Referrer>,
    /// Rows to insert; several batches, one numbering.
    pub inserts: Vec<RecordBatch>,
    /// Rows to update by key: the batch's other columns are set where they differ.
    pub updates: Vec<RecordBatch>,
    /// Rows to delete: key columns only.
    pub deletes: Vec<RecordBatch>,
    /// When it was handed over, for people who look.
    pub at: DateTime<Utc>,
    /// Times that the unit may be tried again after a failure that passes.
    pub max_retry_attempts: u32,
    /// Whether it may go on waiting for that.
    pub patience: Patience,
}

/// What a unit asks that waits to be tried again, about once in a tenth of a second: its run may be asked to stop meanwhile. A unit that may be
/// in already is not let go of.
#[derive(Clone)]
pub struct Patience(Arc<dyn Fn() -> Result<()> + Send + Sync>);

impl Patience {
    /// Patience that ends with a problem, where one is given.
    pub fn new(ends: impl Fn() -> Result<()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(ends))
    }

    /// Whether it is at its end.
    ///
    /// # Errors
    /// Why it is.
    pub fn check(&self) -> Result<()> {
        (self.0)()
    }
}

impl Default for Patience {
    /// It has no end.
    fn default() -> Self {
        Self::new(|| Ok(()))
    }
}

impl fmt::Debug for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Patience")
    }
}

/// Columns that hold the key of another table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referrer {
    /// The table that they are of.
    pub table: TableName,
    /// A column for each of the key, in its order.
    pub columns: Vec<ColumnName>,
}

/// A row's way from an old key to a new one, for people who join on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingRow {
    /// The source key's text.
    pub source_id: String,
    /// The destination key's text.
    pub destination_id: String,
}

/// A row set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineRow {
    /// The entity.
    pub entity: EntityName,
    /// The source key.
    pub key: KeyBytes,
    /// Where it failed.
    pub stage: Stage,
    /// Why.
    pub code: Code,
    /// The destination field, where one can be named.
    pub field: Option<ColumnName>,
    /// Why, in words.
    pub message: String,
    /// The run that tried it.
    pub run: RunId,
}

/// A row in quarantine, as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRow {
    /// What was found when it was tried last.
    pub row: QuarantineRow,
    /// How often it was tried.
    pub attempts: u64,
    /// When it came here first.
    pub first_at: DateTime<Utc>,
    /// When it was tried last.
    pub last_at: DateTime<Utc>,
    /// Who decided that it is not to come, if someone did.
    pub discarded: Option<Decision>,
}

/// Rows in quarantine for one reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct QuarantineReason {
    /// Of which entity.
    pub entity: EntityName,
    /// Why.
    pub code: Code,
    /// Which field, where one can be named.
    pub field: Option<ColumnName>,
    /// How many.
    pub rows: u64,
    /// Of those, rows that a person decided are not to come.
    pub discarded: u64,
}

impl HeldRow {
    /// The word for what is to become of it.
    #[must_use]
    pub fn status(&self) -> &'static str {
        if self.discarded.is_some() { DISCARDED } else { OPEN }
    }
}

/// The status of a row in quarantine that waits to be mended.
pub const OPEN: &str = "open";

/// The status of a row in quarantine that is not to come.
pub const DISCARDED: &str = "discarded";

/// A person's decision that rows are not to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Why.
    pub reason: String,
    /// Who decided.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// The ledger's part of a unit, known once the destination said which rows it refuses.
#[derive(Debug, Clone)]
pub struct LedgerWrite {
    /// The entity's new position; or, from one of several streams, what the entity's stored position is to be advanced to.
    pub position: Position,
    /// The position of the stream, where it is one of several; and the entity's position as it was before, as far as this stream knows.
    pub stream: Option<(StreamPosition, Position)>,
    /// Whether the entity's streams are done and forgotten.
    pub streams_removed: bool,
    /// Segments that are replaced.
    pub segments_removed: Vec<i64>,
    /// Segments that replace them, or are new.
    pub segments_put: Vec<SegmentPut>,
    /// What changed about segments that stay.
    pub segments_overlaid: Vec<SegmentOverlay>,
    /// What the source's server made of segments that stay.
    pub server_digests_put: Vec<(i64, ServerDigest)>,
    /// Keys of rows that arrived.
    pub mappings_put: Vec<MappingRow>,
    /// Source key texts of rows that are gone.
    pub mappings_removed: Vec<String>,
    /// Rows that failed.
    pub quarantine_put: Vec<QuarantineRow>,
    /// Rows that are no longer in quarantine.
    pub quarantine_removed: Vec<KeyBytes>,
    /// Rows that stay in quarantine and are not to come.
    pub quarantine_discarded: Option<(Vec<KeyBytes>, Decision)>,
}
