//! One of several streams of an entity: a key range with a position of its own, which adds to the entity's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use transload_model::{Counts, KeyBytes, KeyRange, Phase, Position, Result, StreamPosition};

use crate::detect::Rewrite;

use super::{Collisions, Counted, Pending, Stream};

/// What one of several streams has beside the entity's position, which it only adds to.
pub(super) struct Part {
    pub(super) whole: Arc<Whole>,
    pub(super) position: StreamPosition,
    pub(super) exists: bool,
    /// The entity's position before this stream added to it.
    base: Position,
}

/// What the streams of one entity share.
pub(crate) struct Whole {
    /// The entity's position as this run stored it first; streams add to it.
    begun: OnceCell<Position>,
    /// Counts that each stream told of last.
    told: Mutex<BTreeMap<u32, Counts>>,
    /// What was counted before.
    before: Counts,
    /// Rows of a unit, now that several are filled at a time.
    pub(super) share: usize,
    pub(super) halted: AtomicBool,
}

impl Part {
    /// The stream's position once its next unit is in.
    pub(super) fn next(&self, cursor: Option<KeyBytes>) -> StreamPosition {
        let cursor = cursor.or_else(|| self.position.cursor.clone());
        StreamPosition { seq: self.position.seq + 1, cursor, ..self.position.clone() }
    }
}

impl Whole {
    /// Asks the other streams to stop: one of them failed.
    pub(crate) fn halt(&self) {
        self.halted.store(true, Ordering::Relaxed);
    }
}

impl Stream {
    /// What streams of this entity share; `count` of them are about to begin.
    pub(crate) fn whole(&self, count: usize) -> Arc<Whole> {
        let begun = self.context.goes_on(&self.plan).map(|_| self.position.clone());
        Arc::new(Whole {
            begun: OnceCell::new_with(begun),
            told: Mutex::default(),
            before: self.position.counts,
            share: count,
            halted: AtomicBool::new(false),
        })
    }

    /// One of several streams of this entity; `exists` says whether the ledger knows it.
    pub(crate) fn part(&self, whole: &Arc<Whole>, position: StreamPosition, exists: bool) -> Self {
        let base = Position { counts: Counts::default(), ..self.position.clone() };
        Self {
            context: Arc::clone(&self.context),
            plan: Arc::clone(&self.plan),
            position: base.clone(),
            exists: self.exists,
            committed: false,
            pending: Pending::default(),
            load_time: Duration::ZERO,
            goes_on: self.goes_on,
            began_behind: position.cursor.is_some(),
            freed_before: self.freed_before,
            holds_streams: false,
            left_alone: 0,
            unknown: Vec::new(),
            found: 0,
            overlooked: 0,
            own_seen: None,
            tried_alone: false,
            earlier_seen: self.earlier_seen.clone(),
            later_seen: self.later_seen.clone(),
            collisions: Collisions::default(),
            left: 0,
            found_open: BTreeSet::new(),
            known: 0,
            counted: Counted::default(),
            part: Some(Part { whole: Arc::clone(whole), position, exists, base }),
        }
    }

    /// Takes over what the streams of this entity share; `had` says whether the ledger had streams of this run before.
    pub(crate) fn take_over(&mut self, whole: &Whole, had: bool) {
        let Some(begun) = whole.begun.get() else { return };
        self.position.seq = begun.seq;
        self.exists = true;
        // Where the first stream stored the entity's position anew, that ended the streams of earlier runs.
        self.holds_streams = had;
        self.committed |= had;
        // Ranges that were finished before have not seen what parents gained since.
        self.began_behind |= had;
    }

    /// Takes in what a stream did. What it had not committed counts only where it came to its end.
    pub(crate) fn absorb(&mut self, stream: Self, is_done: bool) {
        let Some(part) = stream.part else { return };
        self.position = self.position.advanced(&part.base, &stream.position);
        if is_done {
            self.pending.counts += stream.pending.counts;
        }
        self.load_time += stream.load_time;
        self.collisions += stream.collisions;
        self.left += stream.left;
        self.found_open.extend(stream.found_open);
        self.counted += stream.counted;
        self.holds_streams |= part.exists;
        self.committed |= part.exists;
        self.began_behind |= stream.began_behind;
    }

    /// The keys that are this stream's own.
    pub(crate) fn range(&self) -> KeyRange {
        self.part.as_ref().map(|part| part.position.range.clone()).unwrap_or_default()
    }

    /// What became of the entity's rows so far, in all its streams.
    pub(crate) fn total(&self) -> Counts {
        let Some(part) = &self.part else { return self.counts() };
        let mut told = part.whole.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(part.position.number, self.counts());
        told.values().fold(part.whole.before, |mut sum, counts| {
            sum += *counts;
            sum
        })
    }

    /// Commits what is pending of one of several streams whose range is through.
    pub(crate) async fn end_part(&mut self, rewrite: Rewrite) -> Result<()> {
        if let Some(part) = &mut self.part {
            part.position.done = true;
        }
        let is_idle = rewrite == Rewrite::default() && self.pending.since.is_none() && self.pending.released.is_empty();
        // A stream that never wrote needs no row to say that it is done.
        if is_idle && self.part.as_ref().is_none_or(|part| !part.exists) {
            return Ok(());
        }
        let pending = std::mem::take(&mut self.pending);
        self.write(pending, rewrite, None, Phase::Loading).await
    }

    /// Stores the entity's position before its first stream adds to it.
    pub(super) async fn begin_whole(&mut self) -> Result<()> {
        let Some(part) = &self.part else { return Ok(()) };
        let begin = || async {
            let mut entity = Self::new(&self.context, &self.plan);
            entity.position.found.clone_from(&self.position.found);
            entity.write(Pending::default(), Rewrite::default(), None, Phase::Loading).await?;
            Ok(entity.position)
        };
        Box::pin(part.whole.begun.get_or_try_init(begin)).await.map(drop)
    }
}
