//! Units: rows that commit together, and the stream of them.
//!
//! A stream is the durable side of an entity: its position in the destination, and the unit that is being filled. Counts move only with units,
//! so that what a position says is what is there.

mod budget;
mod collisions;
mod commit;
mod counted;
mod part;
mod pending;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use transload_model::{
    Counts, Deferred, DetectionPlan, EntityName, EntityPlan, Found, KeyBytes, Outcome, Phase, Position, Result,
};

use crate::context::Context;
use crate::cursor;
use crate::detect::Untried;
use crate::stop::Halt;
pub(crate) use collisions::Collisions;
pub(crate) use commit::UNFINISHED;
use counted::Counted;
use part::Part;
pub(crate) use part::Whole;
use pending::Pending;

/// Bytes of source rows that commit together at most.
const UNIT_BYTES: usize = 6 << 20;

/// Rows that a unit of one of several streams holds at least, where its spec does not ask for fewer.
const SMALL_UNIT: usize = 8_192;

/// Time after which a unit commits though it is small.
const UNIT_TIME: Duration = Duration::from_secs(2);

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
    /// Rows that someone named and that are not what they were then, or need nothing.
    pub(crate) left_alone: u64,
    /// Rows of which a look at nothing but keys did not know what they are.
    pub(crate) unknown: Vec<KeyBytes>,
    /// Rows that were found to have moved.
    pub(crate) found: u64,
    /// Rows that moved and whose cursor did not.
    pub(crate) overlooked: u64,
    /// What parents had gained when this pass began, or when rows that miss one were tried since; of those that are loaded later it says nothing.
    earlier_seen: Gained,
    /// What parents that are loaded later had gained when rows that miss one were tried last.
    later_seen: Gained,
    /// What the entity itself had gained when all rows that miss one of it were tried, once they were.
    own_seen: Option<u64>,
    /// Whether a row that had waited for a value misses another row now, which may miss it in turn: the two were not tried together.
    tried_alone: bool,
    /// Rows that wait for a value another row holds.
    pub(crate) collisions: Collisions,
    /// Rows that the first pass met in quarantine and left there, and that a later pass may take up.
    left: u64,
    /// Rows that this run counted as set aside, and that a later pass may take up.
    counted: Counted,
    /// Rows with open fields that the first pass found: an earlier run loaded them. Of an interrupted process nobody knows.
    found_open: BTreeSet<KeyBytes>,
    /// Rows that the ledger had when a pass by a cursor began, of which it reads a few.
    pub(crate) known: u64,
    /// Where this is one of several streams.
    part: Option<Part>,
}

impl Stream {
    /// Takes the stream up where this run left it, or begins it.
    pub(crate) fn new(context: &Arc<Context>, plan: &Arc<EntityPlan>) -> Self {
        let position = context.position(&plan.name);
        let stored = position.as_ref();
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
            found: Found {
                is_partial: context.reach.rows(&plan.name).is_some(),
                bound: stored.and_then(cursor::seen),
                audited: stored.and_then(|position| position.found.audited.clone()),
                audits: stored.map_or(0, |position| position.found.audits),
                masks: stored.map_or(plan.mask_fingerprint, |position| position.found.masks),
            },
            plan_fingerprint: stored.map_or(plan.plan_fingerprint, |position| position.plan_fingerprint),
            mapped_fingerprint: stored.map_or(plan.mapped_fingerprint, |position| position.mapped_fingerprint),
            key_fingerprint: plan.key_fingerprint,
            read_fingerprint: stored.map_or(plan.read_fingerprint, |position| position.read_fingerprint),
        };
        let later = plan.deferred.iter().map(|deferred| &deferred.parent);
        let seen = |parent: &EntityName| Some((parent.clone(), *stored.as_ref()?.parents_seen.get(parent)?));
        let later_seen = later.filter_map(seen).collect();
        let interrupted = context.goes_on(plan);
        let goes_on = interrupted.is_some();
        // Where an interrupted process was through with the first pass, what parents gained since was seen by no row.
        let through = interrupted.as_ref().filter(|position| position.phase != Phase::Loading);
        let earlier_seen = through.map_or_else(|| context.all_gained(plan), |position| position.parents_seen.clone());
        let exists = stored.is_some();
        let position = interrupted.unwrap_or(fresh);
        Self {
            // An interrupted process may have counted them.
            counted: if goes_on { Counted::UNKNOWN } else { Counted::default() },
            goes_on,
            began_behind: position.cursor.is_some(),
            freed_before: position.freed,
            position,
            exists,
            committed: false,
            context: Arc::clone(context),
            plan: Arc::clone(plan),
            pending: Pending::default(),
            load_time: Duration::ZERO,
            holds_streams: !context.streams(&plan.name).is_empty(),
            left_alone: 0,
            unknown: Vec::new(),
            found: 0,
            overlooked: 0,
            earlier_seen,
            later_seen,
            own_seen: None,
            // An interrupted process may have known more.
            tried_alone: goes_on && may_come_together(context, plan),
            collisions: Collisions::default(),
            left: 0,
            found_open: BTreeSet::new(),
            known: 0,
            part: None,
        }
    }

    /// Whether the first pass may leave fields of rows open.
    pub(crate) fn has_open_fields(&self) -> bool {
        !self.plan.open_fields().is_empty()
    }

    /// Whether an interrupted process began with it.
    pub(crate) fn goes_on(&self) -> bool {
        self.goes_on
    }

    /// Whether parents that are loaded later gained rows since those that miss one were tried.
    pub(crate) fn later_parents_gained(&self) -> bool {
        self.later_gained() != self.later_seen
    }

    /// Takes note that rows which miss a parent that is loaded later are tried now. Says whether there is a reason to.
    pub(crate) fn sees_later_parents(&mut self) -> bool {
        let gained = self.later_gained();
        std::mem::replace(&mut self.later_seen, gained) != self.later_seen
    }

    /// Takes note that rows which miss one of the entity itself are all tried, up to what it has gained by now.
    pub(crate) fn tries_orphans(&mut self) {
        self.own_seen = Some(self.position.gained);
    }

    /// Whether the entity gained rows since those that miss one of it were tried. Of an interrupted run nobody knows.
    pub(crate) fn may_have_parents(&self) -> bool {
        self.own_seen != Some(self.position.gained) && !self.plan.self_references().is_empty()
    }

    fn later_gained(&self) -> Gained {
        let mut gained = self.context.parents_gained(&self.plan);
        gained.retain(|parent, _| self.plan.deferred.iter().any(|deferred| deferred.parent == *parent));
        gained
    }

    /// A row that an earlier run loaded with a field open, and that this one counts as unchanged.
    pub(crate) fn found_open(&mut self, key: KeyBytes) {
        self.found_open.insert(key);
    }

    /// Rows in quarantine that a pass read and did not try.
    pub(crate) fn count_left(&mut self, untried: Untried) {
        self.left += untried.orphaned + untried.collided;
        self.counted.add(Outcome::Orphaned, untried.orphaned);
        self.counted.add(Outcome::Collided, untried.collided);
    }

    /// Rows in quarantine that a pass met and did not try, whether or not it counted them.
    pub(crate) fn leave(&mut self, untried: Untried) {
        self.collisions.waiting += untried.collided;
        self.collisions.holding += untried.holding;
    }

    /// Whether rows whose value another row held may find it free now. Takes note that they are tried.
    pub(crate) fn begins_again(&mut self) -> bool {
        let is_worth_it = self.collisions.may_settle(self.has_freed());
        if is_worth_it {
            self.freed_before = self.position.freed;
            self.collisions = Collisions::default();
        }
        is_worth_it
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

    /// How it is to stop, where it is: because of the run, of its entity, or of the entity's other streams.
    pub(crate) fn halt(&self) -> Option<Halt> {
        let halted = self.part.as_ref().is_some_and(|part| part.whole.halted.load(Ordering::Relaxed));
        self.context.stop.of(&self.plan.name).or(halted.then_some(Halt::Interrupted))
    }

    /// Ends the entity where it is to stop. Only where nothing is pending that belongs to rows that were read.
    pub(crate) fn check_halt(&self) -> Result<()> {
        self.halt().map_or(Ok(()), |halt| Err(halt.problem(&self.plan.name)))
    }

    pub(crate) fn gained(&self) -> u64 {
        self.position.gained
    }

    /// Whether values became free since rows that wait for one were tried.
    pub(crate) fn has_freed(&self) -> bool {
        self.position.freed != self.freed_before
    }

    /// Whether parents gained rows since those that miss one were tried.
    pub(crate) fn parents_gained(&self) -> bool {
        let seen = self.parents_seen();
        self.context.parents_gained(&self.plan).iter().any(|(parent, gained)| seen.get(parent) != Some(gained))
    }

    /// Takes note that rows which miss a row of another entity are all tried now.
    pub(crate) fn sees_parents(&mut self) {
        self.earlier_seen.extend(self.context.parents_gained(&self.plan));
        self.later_seen = self.later_gained();
    }

    /// Takes note that a row which had waited for a value misses another one now.
    pub(crate) fn tries_alone(&mut self) {
        self.tried_alone |= may_come_together(&self.context, &self.plan);
    }

    /// Whether all that wait for a value or miss a row are to be tried together. Takes note that they are.
    pub(crate) fn tries_together(&mut self) -> bool {
        std::mem::take(&mut self.tried_alone)
    }

    /// What parents had gained when rows that miss one were tried last. Those that are loaded later are seen by the second pass.
    fn parents_seen(&self) -> Gained {
        let mut seen = self.earlier_seen.clone();
        for Deferred { parent, .. } in &self.plan.deferred {
            match self.later_seen.get(parent) {
                Some(gained) => seen.insert(parent.clone(), *gained),
                None => seen.remove(parent),
            };
        }
        seen
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

    /// Says whether only some rows are looked at: then nobody goes on behind what is committed.
    pub(crate) fn set_partial(&mut self, is_partial: bool) {
        self.position.found.is_partial = is_partial;
    }

    /// Begins to read all rows, at a moment of the source's clock. Where an interrupted run began with it, that was earlier.
    pub(crate) fn begin_to_see(&mut self, safe: i64) {
        if !matches!(self.plan.detection, DetectionPlan::Timestamp(_)) || self.goes_on {
            return;
        }
        // Else the next run would have to read all rows again.
        if self.position.found.bound.is_none() || self.position.plan_fingerprint != self.plan.plan_fingerprint {
            self.touch();
        }
        self.position.found.bound = Some(safe);
    }

    /// The last key of the segments that were all read in turn, and how many runs did that.
    pub(crate) fn audited(&self) -> (Option<&KeyBytes>, u32) {
        (self.position.found.audited.as_ref(), self.position.found.audits)
    }

    /// Everything was seen that was begun before a moment, and segments up to a key were read in turn. The next unit says so.
    pub(crate) fn saw(&mut self, safe: i64, (audited, audits): (Option<KeyBytes>, u32)) {
        self.position.found.bound = Some(safe);
        (self.position.found.audited, self.position.found.audits) = (audited, audits);
        self.touch();
    }

    /// How full the unit is: at one it should be committed, at two it must.
    pub(crate) fn fullness(&self) -> usize {
        let pending = &self.pending;
        let rows = pending.inserted.len()
            + pending.adopted.len()
            + pending.updated.len()
            + pending.departing.len()
            + pending.quarantine.len();
        let is_late = pending.since.is_some_and(|since| self.context.clock.monotonic() - since >= UNIT_TIME);
        let share = self.part.as_ref().map_or(1, |part| part.whole.share);
        let unit_rows = (self.plan.load.unit_rows / share).max(self.plan.load.unit_rows.min(SMALL_UNIT));
        let unit_bytes = UNIT_BYTES / share;
        (rows / unit_rows).max(pending.bytes / unit_bytes).max(usize::from(is_late))
    }
}

/// `gained` of each parent, by name.
pub(crate) type Gained = BTreeMap<EntityName, u64>;

/// Whether rows of the entity may be missed by what they miss themselves.
fn may_come_together(context: &Context, plan: &EntityPlan) -> bool {
    !plan.open_fields().is_empty() || context.plan.circle_of(&plan.name).next().is_some()
}
