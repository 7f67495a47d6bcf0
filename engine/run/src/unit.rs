//! Units: rows that commit together, and the stream of them.
//!
//! A stream is the durable side of an entity: its position in the destination, and the unit that is being filled. Counts move only with units,
//! so that what a position says is what is there.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use transload_model::{
    Code, ColumnName, Counts, Diagnostic, EntityName, EntityPlan, KeyBytes, Outcome, Phase, Position, QuarantineRow,
    Refusal, Result, Unit,
};

use crate::detect::Rewrite;
use crate::event::Event;
use crate::settle::{Arrival, Departure, Open, Settlement};
use crate::start::Context;

mod part;

use part::Part;
pub(crate) use part::Whole;

/// Bytes of source rows that commit together at most.
const UNIT_BYTES: usize = 6 << 20;

/// Rows that a unit of one of several streams holds at least, where its spec does not ask for fewer.
const SMALL_UNIT: usize = 8_192;

/// Time after which a unit commits though it is small.
const UNIT_TIME: Duration = Duration::from_secs(2);

/// The fingerprint of no spec: rows are being derived again, and not all are through.
const UNFINISHED: u64 = 0;

/// What a unit collects.
#[derive(Default)]
struct Pending {
    inserts: Vec<RecordBatch>,
    inserted: Vec<Arrival>,
    updates: Vec<RecordBatch>,
    updated: Vec<Arrival>,
    deletes: Vec<RecordBatch>,
    departing: Vec<Departure>,
    corrections: BTreeMap<KeyBytes, (Outcome, bool)>,
    quarantine: Vec<QuarantineRow>,
    released: Vec<KeyBytes>,
    /// Rows that were counted as new and are not.
    withdrawn: u64,
    /// Rows that came back before they were deleted.
    regained: u64,
    counts: Counts,
    bytes: usize,
    since: Option<Duration>,
}

/// The durable side of an entity, or of one key range of it.
pub(crate) struct Stream {
    context: Arc<Context>,
    plan: Arc<EntityPlan>,
    position: Position,
    /// Whether an interrupted process began with it.
    goes_on: bool,
    /// Whether the destination has a position of this stream.
    exists: bool,
    /// Whether this process committed a unit of it.
    pub(crate) committed: bool,
    pending: Pending,
    pub(crate) load_time: Duration,
    /// Whether this process began behind a cursor: what came before it has not seen what parents gained since.
    began_behind: bool,
    /// `freed` when this pass began.
    freed_before: u64,
    /// Whether the ledger holds streams of this entity that its next unit ends.
    holds_streams: bool,
    /// Where this is one of several streams.
    part: Option<Part>,
}

impl Stream {
    /// Takes the stream up where this run left it, or begins it.
    pub(crate) fn new(context: &Arc<Context>, plan: &Arc<EntityPlan>) -> Self {
        let stored = context.position(&plan.name);
        let fresh = Position {
            entity: plan.name.clone(),
            run: context.run,
            seq: stored.map_or(0, |position| position.seq),
            phase: Phase::Loading,
            cursor: None,
            counts: Counts::default(),
            gained: stored.map_or(0, |position| position.gained),
            freed: stored.map_or(0, |position| position.freed),
            freed_seen: stored.map_or(0, |position| position.freed_seen),
            destination_table: plan.destination.table.clone(),
            parents_seen: stored.map(|position| position.parents_seen.clone()).unwrap_or_default(),
            lookups_seen: stored.map(|position| position.lookups_seen.clone()).unwrap_or_default(),
            plan_fingerprint: stored.map_or(plan.plan_fingerprint, |position| position.plan_fingerprint),
            mapped_fingerprint: stored.map_or(plan.mapped_fingerprint, |position| position.mapped_fingerprint),
            key_fingerprint: plan.key_fingerprint,
            read_fingerprint: stored.map_or(plan.read_fingerprint, |position| position.read_fingerprint),
        };
        let interrupted = context.goes_on(plan).cloned();
        let goes_on = interrupted.is_some();
        let position = interrupted.unwrap_or(fresh);
        Self {
            goes_on,
            began_behind: position.cursor.is_some(),
            freed_before: position.freed,
            position,
            exists: stored.is_some(),
            committed: false,
            context: Arc::clone(context),
            plan: Arc::clone(plan),
            pending: Pending::default(),
            load_time: Duration::ZERO,
            holds_streams: !context.streams(&plan.name).is_empty(),
            part: None,
        }
    }

    /// Whether rows of the entity may refer to others of it.
    pub(crate) fn refers_to_itself(&self) -> bool {
        !self.plan.self_references().is_empty()
    }

    pub(crate) fn phase(&self) -> Phase {
        self.position.phase
    }

    /// The key behind which this run goes on.
    pub(crate) fn cursor(&self) -> Option<&KeyBytes> {
        match &self.part {
            Some(part) => part.position.cursor.as_ref(),
            None => self.position.cursor.as_ref(),
        }
    }

    /// Whether it was asked to stop: the run, or the other streams of its entity.
    pub(crate) fn is_stopped(&self) -> bool {
        let halted = self.part.as_ref().is_some_and(|part| part.whole.halted.load(Ordering::Relaxed));
        halted || self.context.stop.is_requested()
    }

    pub(crate) fn gained(&self) -> u64 {
        self.position.gained
    }

    /// What became of the rows that are durable.
    pub(crate) fn durable_counts(&self) -> Counts {
        self.position.counts
    }

    /// What became of the rows so far, the pending unit included.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = self.position.counts;
        counts += self.pending.counts;
        counts
    }

    /// Adds to the counts of the pending unit.
    pub(crate) fn count(&mut self, counts: Counts) {
        self.pending.counts += counts;
    }

    /// Rows to insert, with the entries they stand for.
    pub(crate) fn insert(&mut self, rows: RecordBatch, arrivals: Vec<Arrival>) {
        self.pending.counts.new += arrivals.len() as u64;
        self.pending.inserted.extend(arrivals);
        self.pending.inserts.push(rows);
        self.touch();
    }

    /// Rows to update, with the entries they stand for. Whether they count as modified, the caller says.
    pub(crate) fn update(&mut self, rows: RecordBatch, arrivals: Vec<Arrival>) {
        self.pending.updated.extend(arrivals);
        self.pending.updates.push(rows);
        self.touch();
    }

    /// Rows to delete.
    pub(crate) fn delete(&mut self, rows: RecordBatch, keys: Vec<KeyBytes>) {
        self.pending.counts.deleted += keys.len() as u64;
        self.pending.departing.extend(keys.into_iter().map(|key| Departure { key, deleted: true }));
        self.pending.deletes.push(rows);
        self.touch();
    }

    /// Rows that stay though the source does not have them any more: they say when it lost them.
    pub(crate) fn retire(&mut self, rows: RecordBatch, keys: Vec<KeyBytes>) {
        self.pending.counts.deleted += keys.len() as u64;
        for key in keys {
            self.pending.corrections.insert(key.clone(), (Outcome::Retired, true));
            self.pending.updated.push(Arrival { key, destination_id: None, counted: false, retires: true });
        }
        self.pending.updates.push(rows);
        self.touch();
    }

    /// Rows to take out of the destination again because they failed after they were loaded.
    pub(crate) fn withdraw(&mut self, rows: RecordBatch, quarantine: Vec<QuarantineRow>, outcome: Outcome) {
        self.pending.withdrawn += quarantine.len() as u64;
        for row in quarantine {
            self.pending.departing.push(Departure { key: row.key.clone(), deleted: false });
            self.quarantine(row, outcome, false);
        }
        self.pending.deletes.push(rows);
    }

    /// A row that failed; `present` says whether a version of it is in the destination.
    pub(crate) fn quarantine(&mut self, row: QuarantineRow, outcome: Outcome, present: bool) {
        self.pending.counts.quarantined += 1;
        self.pending.corrections.insert(row.key.clone(), (outcome, present));
        self.list(row);
    }

    /// A row to list in quarantine that is counted elsewhere.
    pub(crate) fn list(&mut self, row: QuarantineRow) {
        self.pending.quarantine.push(row);
        self.touch();
    }

    /// Rows that parents' children may refer to again.
    pub(crate) fn regain(&mut self, rows: u64) {
        self.pending.regained += rows;
    }

    /// A row whose reference to its own entity the second pass fills.
    pub(crate) fn defer(&mut self, key: KeyBytes) {
        self.pending.corrections.insert(key, (Outcome::Deferred, true));
    }

    /// A row that is to leave the quarantine.
    pub(crate) fn release(&mut self, key: KeyBytes) {
        self.pending.released.push(key);
    }

    pub(crate) fn add_bytes(&mut self, bytes: usize) {
        self.pending.bytes += bytes;
    }

    fn touch(&mut self) {
        if self.pending.since.is_none() {
            self.pending.since = Some(self.context.clock.monotonic());
        }
    }

    /// Stops the entity where more rows failed in this run than may. Once all are read, those that failed before count as well: an entity
    /// does not become sound by being run again.
    pub(crate) fn check_budget(&self, is_over: bool) -> Result<()> {
        let counts = self.total();
        let failed = if is_over { counts.quarantined } else { counts.quarantined - counts.untried };
        let budget = self.plan.load.max_errors;
        let is_share = matches!(budget, transload_model::Share::PerMillion(_));
        // A share of the first few rows says nothing.
        if failed <= budget.of(counts.read) || (is_share && !is_over && counts.read < 1_000) {
            return Ok(());
        }
        let headline = format!("{failed} rows of `{}` failed, {} are allowed", self.plan.name, budget.of(counts.read));
        let code = Code::ErrorBudget;
        Err(Box::new(Diagnostic::new(code, headline).note(code.info().sentence).help(code.info().remedy)))
    }

    /// How full the unit is: at one it should be committed, at two it must.
    pub(crate) fn fullness(&self) -> usize {
        let pending = &self.pending;
        let rows = pending.inserted.len() + pending.updated.len() + pending.departing.len() + pending.quarantine.len();
        let is_late = pending.since.is_some_and(|since| self.context.clock.monotonic() - since >= UNIT_TIME);
        let share = self.part.as_ref().map_or(1, |part| part.whole.share);
        let unit_rows = (self.plan.load.unit_rows / share).max(self.plan.load.unit_rows.min(SMALL_UNIT));
        let unit_bytes = UNIT_BYTES / share;
        (rows / unit_rows).max(pending.bytes / unit_bytes).max(usize::from(is_late))
    }

    /// Commits the pending unit and what the ledger should hold for it, and moves the position. Where there is nothing to write, nothing is.
    pub(crate) async fn commit(&mut self, rewrite: Rewrite, cursor: Option<KeyBytes>, phase: Phase) -> Result<()> {
        let nothing = rewrite == Rewrite::default()
            && self.pending.since.is_none()
            && self.pending.released.is_empty()
            && !(self.committed && phase != self.position.phase);
        if nothing {
            // The cursor stays where it is durable; these rows are found unchanged again.
            if phase != self.position.phase {
                self.position.counts = self.counts();
                self.pending.counts = Counts::default();
                self.position.phase = phase;
                self.position.cursor = None;
            }
            return Ok(());
        }
        let pending = std::mem::take(&mut self.pending);
        self.write(pending, rewrite, cursor, phase).await
    }

    async fn write(
        &mut self,
        pending: Pending,
        rewrite: Rewrite,
        cursor: Option<KeyBytes>,
        phase: Phase,
    ) -> Result<()> {
        self.begin_whole().await?;
        let epoch = self.context.fences.epoch(&self.plan.destination.table).await?;
        let mut position = self.position.clone();
        position.seq += 1;
        let stream = self.part.as_ref().map(|part| part.next(cursor.clone()));
        (position.cursor, position.phase) = (cursor.filter(|_| stream.is_none()), phase);
        position.counts += pending.counts;
        // They were new in this run, or an interrupted one left them to this.
        let from_new = pending.withdrawn.min(position.counts.new);
        position.counts.new -= from_new;
        position.counts.unchanged -= (pending.withdrawn - from_new).min(position.counts.unchanged);
        position.gained += pending.regained;
        let sees_parents = phase != Phase::Loading && !self.began_behind;
        if sees_parents {
            position.parents_seen = self.context.parents_gained(&self.plan);
            position.freed_seen = self.freed_before;
        }
        self.set_lookups(&mut position, sees_parents && !self.goes_on);
        let moves_rows = !pending.inserted.is_empty() || !pending.updated.is_empty();
        self.set_fingerprints(&mut position, moves_rows);
        let unit = Unit {
            entity: self.plan.name.clone(),
            table: self.plan.destination.table.clone(),
            key: self.plan.key.destination.clone(),
            epoch,
            stream: stream.as_ref().map_or(0, |stream| stream.number),
            after: self.after(),
            self_references: self_columns(&self.plan),
            referrers: self.context.referrers(&self.plan),
            inserts: pending.inserts,
            updates: pending.updates,
            deletes: pending.deletes,
            at: self.context.clock.now(),
            max_retry_attempts: self.plan.load.max_retry_attempts,
        };
        let mut released = pending.released;
        released.extend(rewrite.forgotten);
        let settlement = Settlement {
            open: Open { position, corrections: pending.corrections, quarantine: pending.quarantine },
            stream: stream.clone().map(|stream| (stream, self.position.clone())),
            ends_streams: self.holds_streams,
            sees_itself: sees_parents && !self.plan.self_references().is_empty(),
            removed: rewrite.removed,
            puts: rewrite.puts,
            server_digests: rewrite.server_digests,
            inserted: pending.inserted,
            updated: pending.updated,
            departing: pending.departing,
            released,
        };
        self.position = self.hand_over(unit, settlement).await?;
        (self.exists, self.committed, self.holds_streams) = (true, true, false);
        if let (Some(part), Some(stream)) = (&mut self.part, stream) {
            (part.position, part.exists) = (stream, true);
        }
        let (stream, seq) = match &self.part {
            Some(part) => (part.position.number, part.position.seq),
            None => (0, self.position.seq),
        };
        let (entity, counts) = (self.plan.name.clone(), self.total());
        self.context.sink.emit(&Event::UnitCommitted { entity, stream, seq, counts });
        Ok(())
    }

    /// The `seq` that the next unit comes after; none where the ledger does not know the stream.
    fn after(&self) -> Option<u64> {
        match &self.part {
            Some(part) => part.exists.then_some(part.position.seq),
            None => self.exists.then_some(self.position.seq),
        }
    }

    /// What rules found stands for all rows of the entity only where this process judged all of them by it. Where other rows were judged by
    /// something else, nothing is known, and the next run tries again.
    fn set_lookups(&self, position: &mut Position, judged_all: bool) {
        let seen = self.context.lookups.seen(&self.plan);
        if judged_all {
            position.lookups_seen = seen;
        } else if position.lookups_seen != seen {
            position.lookups_seen = BTreeMap::new();
        }
    }

    /// Before all rows went through the spec as it is now, a run that is interrupted must begin them anew.
    fn set_fingerprints(&self, position: &mut Position, moves_rows: bool) {
        let is_through = matches!(position.phase, Phase::Loaded | Phase::Done);
        let derives_all = self.context.options.remap || position.read_fingerprint != self.plan.read_fingerprint;
        if derives_all {
            position.mapped_fingerprint = if is_through { self.plan.mapped_fingerprint } else { UNFINISHED };
        } else if moves_rows && position.mapped_fingerprint != self.plan.mapped_fingerprint {
            // Some rows went through this spec and others through an earlier one.
            position.mapped_fingerprint = UNFINISHED;
        }
        if is_through {
            position.plan_fingerprint = self.plan.plan_fingerprint;
            position.read_fingerprint = self.plan.read_fingerprint;
        } else if self.context.options.remap {
            position.plan_fingerprint = UNFINISHED;
        }
    }

    /// Gives the unit to the destination and takes the position that became durable.
    async fn hand_over(&mut self, unit: Unit, settlement: Settlement) -> Result<Position> {
        let durable = Arc::new(Mutex::new(settlement.open.position.clone()));
        let seen = Arc::clone(&durable);
        let settle = move |refusals: &[Refusal]| {
            let write = settlement.settle(refusals);
            seen.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&write.position);
            write
        };
        let started = self.context.clock.monotonic();
        let done = self.context.destination.commit(unit, Arc::new(settle)).await;
        self.load_time += self.context.clock.monotonic() - started;
        done?;
        let position = durable.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(position)
    }
}

fn self_columns(plan: &EntityPlan) -> Vec<ColumnName> {
    plan.self_references().into_iter().map(|field| plan.fields[field].destination.clone()).collect()
}

/// `gained` of each parent, by name.
pub(crate) type Gained = BTreeMap<EntityName, u64>;
