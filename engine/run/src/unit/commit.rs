//! What becomes durable with a unit: the rows, and the position behind them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use transload_model::{
    ColumnName, Counts, DetectionPlan, EntityPlan, KeyBytes, Outcome, Phase, Position, Refusal, Result, Unit,
};

use super::{Collisions, Pending, Stream};
use crate::detect::Rewrite;
use crate::event::Event;
use crate::settle::{Open, SeesItself, Settlement};

/// The fingerprint of no spec: rows are being derived again, and not all are through.
pub(crate) const UNFINISHED: u64 = 0;

impl Stream {
    /// Commits the pending unit and what the ledger should hold for it, and moves the position. Where there is nothing to write, nothing is.
    pub(crate) async fn commit(&mut self, rewrite: Rewrite, cursor: Option<KeyBytes>, phase: Phase) -> Result<()> {
        let nothing = rewrite == Rewrite::default()
            && self.pending.since.is_none()
            && self.pending.released.is_empty()
            && !(self.has_begun() && phase != self.position.phase);
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

    /// Commits the last unit of an entity. Where rows of it miss others, and all that came was tried in vain, the ledger is told so, lest they are
    /// tried in every run.
    pub(crate) async fn end(&mut self, rewrite: Rewrite, misses_rows: bool) -> Result<()> {
        if !misses_rows {
            return self.commit(rewrite, None, Phase::Done).await;
        }
        let pending = std::mem::take(&mut self.pending);
        self.write(pending, rewrite, None, Phase::Done).await
    }

    /// Whether rows that miss one were tried with more than the ledger knows of. A run by a cursor does not meet all that are set aside.
    pub(crate) fn saw_more(&self) -> bool {
        let is_by_cursor = matches!(self.plan.detection, DetectionPlan::Timestamp(_));
        if self.counts().quarantined == 0 && !is_by_cursor {
            return false;
        }
        let mut seen = self.parents_seen();
        if !self.plan.self_references().is_empty() {
            seen.insert(self.plan.name.clone(), self.own_seen.unwrap_or(self.position.gained));
        }
        let known = &self.position;
        let is_more = known.parents_seen != seen || known.lookups_seen != self.context.lookups.seen(&self.plan);
        is_more && self.sees_parents_in(Phase::Done) && !self.goes_on
    }

    /// Whether what a unit says of parents holds for all rows.
    fn sees_parents_in(&self, phase: Phase) -> bool {
        phase != Phase::Loading && !self.began_behind && !self.position.found.is_partial
    }

    /// Whether the destination says how far this run came, and must hear when it came further.
    fn has_begun(&self) -> bool {
        self.committed || self.goes_on
    }

    pub(super) async fn write(
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
        let is_whole = stream.is_none() && !position.found.is_partial;
        (position.cursor, position.phase) = (cursor.filter(|_| is_whole), phase);
        self.account(&pending, &mut position);
        let sees_parents = self.sees_parents_in(phase);
        if sees_parents {
            position.parents_seen = self.parents_seen();
            position.freed_seen = self.freed_before;
        }
        self.set_lookups(&mut position, sees_parents && !self.goes_on);
        let moves_rows = !pending.inserted.is_empty() || !pending.updated.is_empty();
        self.set_fingerprints(&mut position, moves_rows);
        let unit = Unit {
            entity: self.plan.name.clone(),
            table: self.plan.destination.table.clone(),
            definition: self.context.definition(&self.plan.destination.table),
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
            patience: self.context.stop.patience(&self.plan.name),
        };
        let mut released = pending.released;
        released.extend(rewrite.forgotten);
        let settlement = Settlement {
            open: Open { position, corrections: pending.corrections, quarantine: pending.quarantine },
            stream: stream.clone().map(|stream| (stream, self.position.clone())),
            ends_streams: self.holds_streams,
            sees_itself: self.sees_itself(sees_parents),
            removed: rewrite.removed,
            puts: rewrite.puts,
            overlays: rewrite.overlays,
            server_digests: rewrite.server_digests,
            inserted: pending.inserted,
            adopted: pending.adopted,
            updated: pending.updated,
            departing: pending.departing,
            released,
        };
        self.position = self.hand_over(unit, settlement).await?;
        (self.exists, self.committed, self.holds_streams) = (true, true, false);
        match (&mut self.part, stream) {
            (Some(part), Some(stream)) => (part.position, part.exists) = (stream, true),
            _ => self.context.set_committed(&self.plan.name, self.position.seq),
        }
        let (stream, seq) = match &self.part {
            Some(part) => (part.position.number, part.position.seq),
            None => (0, self.position.seq),
        };
        let (entity, counts) = (self.plan.name.clone(), self.total());
        self.context.sink.emit(&Event::UnitCommitted { entity, stream, seq, counts });
        Ok(())
    }

    fn sees_itself(&self, sees_parents: bool) -> SeesItself {
        match self.own_seen {
            _ if !sees_parents || self.plan.self_references().is_empty() => SeesItself::Nothing,
            Some(gained) => SeesItself::UpTo(gained),
            None => SeesItself::All,
        }
    }

    /// What the unit adds to the position, and what it takes back.
    fn account(&mut self, pending: &Pending, position: &mut Position) {
        let counts = &mut position.counts;
        *counts += pending.counts;
        // An earlier run left them to this, which read them as unchanged. The others are new in this one; an interrupted process may have counted
        // them as either.
        let found = pending.withdrawn_unchanged.min(counts.unchanged);
        counts.unchanged -= found;
        let withdrawn = pending.withdrawn - found;
        let from_new = withdrawn.min(counts.new);
        counts.new -= from_new;
        let from_unchanged = (withdrawn - from_new).min(counts.unchanged);
        counts.unchanged -= from_unchanged;
        let taken_back = pending.retried.min(counts.quarantined);
        counts.quarantined -= taken_back;
        // What no pass of this run had met is read only now.
        counts.read += withdrawn - from_new - from_unchanged + pending.retried - taken_back;
        let left = pending.retried.min(self.left);
        self.left -= left;
        counts.untried = counts.untried.saturating_sub(left).min(counts.quarantined);
        position.gained += pending.regained;
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
        // Until this spec has seen all rows, some are judged by it and others are not. Whichever is next tries again what is set aside.
        if position.plan_fingerprint != self.plan.plan_fingerprint {
            position.plan_fingerprint = UNFINISHED;
        }
        let rereads = position.read_fingerprint != self.plan.read_fingerprint;
        let moves_any = moves_rows || !position.found.is_partial;
        if moves_any && position.found.masks != self.plan.mask_fingerprint {
            position.found.masks = UNFINISHED;
        }
        if moves_any && rereads {
            // Some rows are as this spec reads and masks them. Whichever is next compares none of them.
            position.read_fingerprint = UNFINISHED;
        }
        if position.found.is_partial {
            if moves_rows && position.mapped_fingerprint != self.plan.mapped_fingerprint {
                position.mapped_fingerprint = UNFINISHED;
            }
            return;
        }
        let is_through = matches!(position.phase, Phase::Loaded | Phase::Done);
        let derives_all = self.context.options.remap || rereads;
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
        let durable = Arc::new(Mutex::new((settlement.open.position.clone(), Collisions::default())));
        let seen = Arc::clone(&durable);
        let settle = move |refusals: &[Refusal]| {
            let write = settlement.settle(refusals);
            let collisions = Collisions::of(refusals);
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = (write.position.clone(), collisions);
            write
        };
        let started = self.context.clock.monotonic();
        let done = self.context.destination.commit(unit, Arc::new(settle)).await;
        self.load_time += self.context.clock.monotonic() - started;
        done?;
        let (position, collisions) = durable.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.collisions += collisions;
        self.counted.add(Outcome::Collided, collisions.new);
        Ok(position)
    }
}

fn self_columns(plan: &EntityPlan) -> Vec<ColumnName> {
    plan.self_references().into_iter().map(|field| plan.fields[field].destination.clone()).collect()
}
