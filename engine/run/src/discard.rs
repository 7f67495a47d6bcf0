//! Rows in quarantine of which a person decides that they are not to come.
//!
//! It is a unit like any other, without rows: under the table's fence, behind the stream's last unit, segments and quarantine in one
//! transaction. So it never comes between a run and its ledger: while a run is at work it is refused, and a run that looked before finds a newer epoch.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use transload_model::{
    Claim, Clock, Code, Decision, Destination, Diagnostic, EntityPlan, Entry, HeldRow, KeyBytes, LedgerState,
    LedgerWrite, Outcome, Patience, Phase, Position, Result, RunId, SegmentPut, StreamPosition, Unit,
};

use crate::segment;
use crate::start::unfinished_run;

/// Which rows of an entity.
#[derive(Debug, Clone)]
pub enum DiscardSelection {
    /// Every row that is set aside.
    All,
    /// Those with this code.
    Code(Code),
    /// Those with these keys, all of which must be set aside.
    Keys(BTreeSet<KeyBytes>),
}

/// What is to be discarded, and why.
#[derive(Debug, Clone)]
pub struct Discard {
    /// Which rows.
    pub selection: DiscardSelection,
    /// Why.
    pub reason: String,
    /// Who decided.
    pub by: String,
}

/// What was discarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Discarded {
    /// Rows that are not to come from now on.
    pub rows: u64,
    /// Rows that were chosen, and discarded before: who decided that, and why, stays.
    pub before: u64,
}

/// Accounts for rows in quarantine as not to come.
///
/// # Errors
/// `TL0503` while a run is at work, `TL0504` where one came in between, `TL0015` where a key is none of a row that is set aside.
pub async fn discard(
    destination: &dyn Destination,
    plan: &EntityPlan,
    discard: Discard,
    clock: &dyn Clock,
) -> Result<Discarded> {
    let ledger = destination.ledger(std::slice::from_ref(&plan.destination.table)).await?;
    let unfinished = unfinished_run(&ledger)?;
    let chosen = Chosen::among(&destination.quarantine(Some(&plan.name)).await?, plan, &discard.selection)?;
    if chosen.keys.is_empty() {
        return Ok(Discarded { rows: 0, before: chosen.before });
    }
    let run = unfinished.unwrap_or_else(|| RunId::generate(clock));
    let epoch = take_fence(destination, plan, (&ledger, run), clock).await?;
    let held = Held { destination, plan, epoch, unfinished };
    let done = held.write(discard, clock).await;
    // An interrupted run stays one: whoever comes next finds this process gone, and goes on with it.
    let released = if unfinished.is_none() { destination.release_fences(run).await } else { Ok(()) };
    let discarded = done?;
    released?;
    Ok(discarded)
}

async fn take_fence(
    destination: &dyn Destination,
    plan: &EntityPlan,
    (ledger, run): (&LedgerState, RunId),
    clock: &dyn Clock,
) -> Result<u64> {
    let table = &plan.destination.table;
    let seen = ledger.fences.iter().find(|fence| fence.table == *table).map_or(0, |fence| fence.epoch);
    let tables = vec![(table.clone(), seen)];
    let claim = Claim { run, tables, at: clock.now(), digest_seed: ledger.digest_seed, force: false };
    Ok(destination.take_fences(claim).await?.first().map_or(0, |fence| fence.epoch))
}

/// Rows that are listed and were chosen.
struct Chosen {
    keys: BTreeSet<KeyBytes>,
    /// Others that were chosen, and discarded before.
    before: u64,
}

impl Chosen {
    fn among(held: &[HeldRow], plan: &EntityPlan, selection: &DiscardSelection) -> Result<Self> {
        if let DiscardSelection::Keys(keys) = selection {
            let listed: BTreeSet<&KeyBytes> = held.iter().map(|held| &held.row.key).collect();
            if let Some(key) = keys.iter().find(|key| !listed.contains(key)) {
                let headline = format!("no row of `{}` with the key {} is in quarantine", plan.name, key.text());
                let help = format!("`transload quarantine list {}` lists those that are", plan.name);
                return Err(Box::new(Diagnostic::new(Code::UnknownKey, headline).help(help)));
            }
        }
        let is_chosen = |held: &&HeldRow| match selection {
            DiscardSelection::All => true,
            DiscardSelection::Code(code) => held.row.code == *code,
            DiscardSelection::Keys(keys) => keys.contains(&held.row.key),
        };
        let (before, open): (Vec<&HeldRow>, Vec<&HeldRow>) =
            held.iter().filter(is_chosen).partition(|held| held.discarded.is_some());
        let keys = open.into_iter().map(|held| held.row.key.clone()).collect();
        Ok(Self { keys, before: before.len() as u64 })
    }
}

/// An entity whose table is held.
struct Held<'a> {
    destination: &'a dyn Destination,
    plan: &'a EntityPlan,
    epoch: u64,
    /// The run that goes on after this.
    unfinished: Option<RunId>,
}

/// Segments with other outcomes than they had.
#[derive(Default)]
struct Rewritten {
    removed: Vec<i64>,
    puts: Vec<SegmentPut>,
    keys: Vec<KeyBytes>,
}

impl Held<'_> {
    /// What is read here nobody else changes before it is written.
    async fn write(&self, discard: Discard, clock: &dyn Clock) -> Result<Discarded> {
        let table = &self.plan.destination.table;
        let ledger = self.destination.ledger(std::slice::from_ref(table)).await?;
        let listed = self.destination.quarantine(Some(&self.plan.name)).await?;
        let chosen = Chosen::among(&listed, self.plan, &discard.selection)?;
        let rewritten = self.rewrite(&chosen).await?;
        let is_named = matches!(discard.selection, DiscardSelection::Keys(_));
        let marked: BTreeSet<&KeyBytes> = rewritten.keys.iter().collect();
        let left_out = chosen.keys.iter().find(|key| !marked.contains(key));
        if let Some(key) = left_out.filter(|_| is_named) {
            return Err(self.stays(key));
        }
        let done = Discarded { rows: rewritten.keys.len() as u64, before: chosen.before };
        if let Some(position) = ledger.positions.get(&self.plan.name).filter(|_| done.rows > 0) {
            let decision = Decision { reason: discard.reason, by: discard.by, at: clock.now() };
            let unit = self.unit(position, decision.at);
            let write = LedgerWrite {
                position: self.moved(position, &ledger, &rewritten.keys),
                segments_removed: rewritten.removed,
                segments_put: rewritten.puts,
                quarantine_discarded: Some((rewritten.keys, decision)),
                ..nothing(position)
            };
            self.destination.commit(unit, Arc::new(move |_: &[_]| write.clone())).await?;
        }
        Ok(done)
    }

    async fn rewrite(&self, chosen: &Chosen) -> Result<Rewritten> {
        let mut rewritten = Rewritten::default();
        for head in self.destination.segments(&self.plan.name).await? {
            if chosen.keys.range(head.first.clone()..=head.last.clone()).next().is_none() {
                continue;
            }
            let mut entries = segment::unpack(&self.destination.segment(head.id).await?)?;
            let before = rewritten.keys.len();
            for entry in entries.iter_mut().filter(|entry| is_open(entry) && chosen.keys.contains(&entry.key)) {
                entry.outcome = Outcome::Discarded;
                rewritten.keys.push(entry.key.clone());
            }
            if rewritten.keys.len() > before {
                rewritten.removed.push(head.id);
                rewritten.puts.extend(segment::pack(&entries));
            }
        }
        Ok(rewritten)
    }

    /// The position behind this unit. A run that goes on has counted the rows, and counts them as discarded from now on.
    fn moved(&self, position: &Position, ledger: &LedgerState, keys: &[KeyBytes]) -> Position {
        let mut moved = Position { seq: position.seq + 1, ..position.clone() };
        if self.unfinished == Some(position.run) {
            let streams = ledger.streams.get(&self.plan.name).map_or(&[][..], Vec::as_slice);
            let counted = keys.iter().filter(|key| is_counted(key, position, streams)).count() as u64;
            moved.counts.discarded += counted;
            // Which of them were tried in that run is not known any more.
            moved.counts.untried = moved.counts.untried.min(moved.counts.failed());
        }
        moved
    }

    fn unit(&self, position: &Position, at: DateTime<Utc>) -> Unit {
        Unit {
            entity: self.plan.name.clone(),
            table: self.plan.destination.table.clone(),
            definition: None,
            key: self.plan.key.destination.clone(),
            epoch: self.epoch,
            stream: 0,
            after: Some(position.seq),
            self_references: Vec::new(),
            referrers: Vec::new(),
            inserts: Vec::new(),
            updates: Vec::new(),
            deletes: Vec::new(),
            at,
            max_retry_attempts: self.plan.load.max_retry_attempts,
            patience: Patience::default(),
        }
    }

    fn stays(&self, key: &KeyBytes) -> Box<Diagnostic> {
        let headline =
            format!("the row of `{}` with the key {} is loaded, and not set aside", self.plan.name, key.text());
        let why = "it is gone from the source and the destination would not let it go, or an interrupted run has yet to write it";
        Box::new(Diagnostic::new(Code::UnknownKey, headline).note(why).help("there is nothing to discard"))
    }
}

fn is_open(entry: &Entry) -> bool {
    matches!(entry.outcome, Outcome::Quarantined | Outcome::Orphaned | Outcome::Collided)
}

/// Whether an interrupted run has come past the key.
fn is_counted(key: &KeyBytes, position: &Position, streams: &[StreamPosition]) -> bool {
    if position.phase != Phase::Loading {
        return true;
    }
    // Rows without a key are counted when all others are read.
    if key.is_unkeyed() {
        return streams.iter().any(|stream| stream.range.from.is_none() && stream.done);
    }
    let stream = streams.iter().find(|stream| stream.range.contains(key.as_bytes()));
    let (cursor, is_done) = stream.map_or((&position.cursor, false), |stream| (&stream.cursor, stream.done));
    is_done || cursor.as_ref().is_some_and(|cursor| key <= cursor)
}

/// A unit's part of the ledger that changes nothing.
fn nothing(position: &Position) -> LedgerWrite {
    LedgerWrite {
        position: position.clone(),
        stream: None,
        streams_removed: false,
        segments_removed: Vec::new(),
        segments_put: Vec::new(),
        segments_overlaid: Vec::new(),
        server_digests_put: Vec::new(),
        mappings_put: Vec::new(),
        mappings_removed: Vec::new(),
        quarantine_put: Vec::new(),
        quarantine_removed: Vec::new(),
        quarantine_discarded: None,
    }
}
