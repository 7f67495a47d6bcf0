//! What the ledger is told of a unit.
//!
//! A unit's accounting is complete only when the destination has said which rows it refuses. Then everything is known in the one transaction
//! that holds it: which entries are what, what went to quarantine, which keys were mapped, and the counts, which must balance.

use std::borrow::Cow;
use std::collections::BTreeSet;

use transload_model::{
    Bug, Code, Entry, KeyBytes, LedgerWrite, MappingRow, Outcome, Position, QuarantineRow, Refusal, SegmentPut,
    ServerDigest, Stage, StreamPosition, WriteKind, planted,
};

use crate::overlay::{Corrections, Overlay};
use crate::segment::{self, Sizes};
use crate::stale::is_written;
use crate::unit::UNFINISHED;

/// What this run counted a row as that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CountedAs {
    /// The first pass inserted it, with a field open.
    New,
    /// An earlier run did, and the first pass of this one found it so.
    Unchanged,
    /// Whatever it is counted as now.
    Now,
}

/// A row on its way into the destination.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) key: KeyBytes,
    /// The destination key's text, where the mapping is stored.
    pub(crate) destination_id: Option<String>,
    pub(crate) counted: CountedAs,
    /// Whether it is gone from the source, and only its column is set.
    pub(crate) retires: bool,
}

/// A row on its way out of the destination.
#[derive(Debug, Clone)]
pub(crate) struct Departure {
    pub(crate) key: KeyBytes,
    /// Whether it leaves because its source did; else it failed after it was loaded, and its entry stays.
    pub(crate) deleted: bool,
}

/// What of an entity's gains rows of it that miss another have seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SeesItself {
    /// Nobody can say: not all of them were tried, or none refers to its own entity.
    Nothing,
    /// What it had gained when they were tried last.
    UpTo(u64),
    /// All, that of this unit included: who comes behind it is tried with it.
    All,
}

/// A unit's accounting, but for the refusals.
pub(crate) struct Settlement {
    /// What refusals change.
    pub(crate) open: Open,
    /// Of one of several streams: its own position, and the entity's before this unit.
    pub(crate) stream: Option<(StreamPosition, Position)>,
    /// Whether the entity's streams are done.
    pub(crate) ends_streams: bool,
    /// What of this entity's gains rows that refer to it themselves have seen.
    pub(crate) sees_itself: SeesItself,
    pub(crate) removed: Vec<i64>,
    pub(crate) puts: Vec<Vec<Entry>>,
    pub(crate) overlays: Vec<Overlay>,
    pub(crate) server_digests: Vec<(i64, ServerDigest)>,
    pub(crate) inserted: Vec<Arrival>,
    /// Rows that the destination held before; those that had other values are among the updated, too.
    pub(crate) adopted: Vec<Arrival>,
    pub(crate) updated: Vec<Arrival>,
    pub(crate) departing: Vec<Departure>,
    pub(crate) released: Vec<KeyBytes>,
}

/// The accounting as if no row were refused, until refusals are entered.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    pub(crate) position: Position,
    /// Entries that become something else than was foreseen.
    pub(crate) corrections: Corrections,
    pub(crate) quarantine: Vec<QuarantineRow>,
}

impl Settlement {
    /// The ledger's part of the unit, given what the destination refused.
    pub(crate) fn settle(&self, refusals: &[Refusal]) -> LedgerWrite {
        let refusals = if planted(Bug::RefusalsIgnored) { &[] } else { refusals };
        let mut open = self.open.clone();
        let mut refused = BTreeSet::new();
        let withdrawn = self.withdrawn(refusals);
        for refusal in refusals {
            self.refuse(refusal, &mut open, (&withdrawn, &mut refused));
        }
        debug_assert!(open.position.counts.balance(), "not every row became one thing: {:?}", open.position);
        let applied = |arrival: &&Arrival| !refused.contains(&arrival.key);
        let departed = || self.departing.iter().filter(|departure| !refused.contains(&departure.key));
        // A refused row held values while it was on its way; one that may not go holds them still.
        let holds = |refusal: &&Refusal| refusal.kind == WriteKind::Delete || refusal.code == Code::ConstraintUnique;
        let released = refusals.iter().filter(|refusal| !holds(refusal));
        // A row that is only marked as gone may give up what an index keeps apart for the others alone.
        let freed = released.count() + self.updated.iter().filter(applied).count() + departed().count();
        open.position.freed += freed as u64;
        // A row that was taken over is there, whether it could be updated or not.
        let is_there =
            |arrival: &&Arrival| open.corrections.get(&arrival.key).is_none_or(|(_, is_present)| *is_present);
        let adopted = self.adopted.iter().filter(is_there);
        let arrived = self.inserted.iter().filter(applied).chain(adopted);
        let mappings_put: Vec<MappingRow> = arrived.clone().filter_map(mapping).collect();
        open.position.gained += arrived.count() as u64;
        if self.adopted.iter().any(|arrival| open.corrections.get(&arrival.key).is_some_and(is_left)) {
            // Somebody else loaded it, and no mask was made of it.
            open.position.found.masks = UNFINISHED;
        }
        let seen = match self.sees_itself {
            SeesItself::Nothing => None,
            SeesItself::UpTo(gained) => Some(gained),
            SeesItself::All => Some(open.position.gained),
        };
        open.position.parents_seen.extend(seen.map(|gained| (open.position.entity.clone(), gained)));
        let lost = refusals.iter().filter_map(|refusal| self.lost(refusal)).map(KeyBytes::text);
        let mappings_removed = departed().map(|departure| departure.key.text()).chain(lost).collect();
        let gone: BTreeSet<&KeyBytes> =
            departed().filter(|departure| departure.deleted).map(|departure| &departure.key).collect();
        // What is listed again was there before, and is to say so.
        let listed: BTreeSet<&KeyBytes> = open.quarantine.iter().map(|row| &row.key).collect();
        let released = self.released.iter().filter(|key| !listed.contains(key));
        let quarantine_removed = released.chain(gone.iter().copied()).cloned().collect();
        let segments_put =
            self.puts.iter().flat_map(|entries| packed(&corrected(entries, &open.corrections, &gone))).collect();
        let segments_overlaid =
            self.overlays.iter().filter_map(|overlay| overlay.pack(&open.corrections, &gone)).collect();
        let keeps_segments = planted(Bug::SegmentsLeft) && !self.updated.is_empty();
        LedgerWrite {
            position: open.position,
            stream: self.stream.clone(),
            streams_removed: self.ends_streams,
            segments_removed: if keeps_segments { Vec::new() } else { self.removed.clone() },
            segments_put: if keeps_segments { Vec::new() } else { segments_put },
            segments_overlaid: if keeps_segments { Vec::new() } else { segments_overlaid },
            server_digests_put: self.server_digests.clone(),
            mappings_put,
            mappings_removed,
            quarantine_put: open.quarantine,
            quarantine_removed,
            quarantine_discarded: None,
        }
    }

    /// The row that the ledger had in the destination and that is not there, if a refusal says so of one.
    fn lost(&self, refusal: &Refusal) -> Option<&KeyBytes> {
        match refusal.kind {
            // Somebody had removed it, if it ever was there.
            WriteKind::Insert => Some(&self.inserted[refusal.row].key),
            WriteKind::Update => Some(&self.updated[refusal.row].key).filter(|_| refusal.code == Code::LedgerMismatch),
            WriteKind::Delete => None,
        }
    }

    /// Of the rows that may not go, those that are listed already, with the reason why they were to be taken out again.
    fn withdrawn(&self, refusals: &[Refusal]) -> BTreeSet<KeyBytes> {
        let stay = refusals.iter().filter(|refusal| refusal.kind == WriteKind::Delete);
        let stay: BTreeSet<&KeyBytes> = stay.map(|refusal| &self.departing[refusal.row].key).collect();
        let listed = self.open.quarantine.iter().map(|row| &row.key);
        listed.filter(|key| stay.contains(key)).cloned().collect()
    }

    fn refuse(
        &self,
        refusal: &Refusal,
        open: &mut Open,
        (withdrawn, refused): (&BTreeSet<KeyBytes>, &mut BTreeSet<KeyBytes>),
    ) {
        let counts = &mut open.position.counts;
        let key = match refusal.kind {
            WriteKind::Insert => {
                counts.new = counts.new.saturating_sub(1);
                counts.quarantined += 1;
                self.inserted[refusal.row].key.clone()
            }
            WriteKind::Update => {
                let arrival = &self.updated[refusal.row];
                if arrival.retires {
                    counts.deleted = counts.deleted.saturating_sub(1);
                    refused.insert(arrival.key.clone());
                    stays(&arrival.key, refusal, open);
                    return;
                }
                let was = match arrival.counted {
                    CountedAs::New => &mut counts.new,
                    CountedAs::Unchanged => &mut counts.unchanged,
                    CountedAs::Now => &mut counts.modified,
                };
                // An interrupted run may have counted it; then it was read as unchanged in this one.
                if *was > 0 {
                    *was -= 1;
                } else if counts.unchanged > 0 {
                    counts.unchanged -= 1;
                } else {
                    // No pass of this run had met it.
                    counts.read += 1;
                }
                counts.quarantined += 1;
                arrival.key.clone()
            }
            WriteKind::Delete => {
                let departure = &self.departing[refusal.row];
                counts.deleted = counts.deleted.saturating_sub(u64::from(departure.deleted));
                // A row that was to be taken out again stays what it was to become, with the version that is there.
                let foreseen =
                    open.corrections.get(&departure.key).map_or(Outcome::Quarantined, |(outcome, _)| *outcome);
                let stays = if departure.deleted { Outcome::DeleteRefused } else { foreseen };
                open.corrections.insert(departure.key.clone(), (stays, true));
                departure.key.clone()
            }
        };
        let present = match refusal.kind {
            WriteKind::Insert => Some(false),
            WriteKind::Update => Some(refusal.code != Code::LedgerMismatch),
            WriteKind::Delete => None,
        };
        if let Some(present) = present {
            let is_collision = refusal.code == Code::ConstraintUnique;
            let outcome = if is_collision { Outcome::Collided } else { Outcome::Quarantined };
            open.corrections.insert(key.clone(), (outcome, present));
        }
        let is_delete = refusal.kind == WriteKind::Delete;
        if is_delete && withdrawn.contains(&key) {
            // A withdrawn row: its own reason is listed.
            refused.insert(key);
            return;
        }
        open.quarantine.push(QuarantineRow {
            entity: open.position.entity.clone(),
            key: key.clone(),
            stage: Stage::Load,
            code: if is_delete { Code::DeleteRefused } else { refusal.code },
            field: refusal.field.clone(),
            message: if is_delete {
                format!("gone from the source, but {}", refusal.message)
            } else {
                refusal.message.clone()
            },
            run: open.position.run,
        });
        refused.insert(key);
    }
}

/// Whether a row that is there stays as it is.
fn is_left((outcome, present): &(Outcome, bool)) -> bool {
    *present && !is_written(*outcome)
}

fn mapping(arrival: &Arrival) -> Option<MappingRow> {
    let destination_id = arrival.destination_id.clone()?;
    Some(MappingRow { source_id: arrival.key.text(), destination_id })
}

fn corrected<'a>(entries: &'a [Entry], corrections: &Corrections, gone: &BTreeSet<&KeyBytes>) -> Cow<'a, [Entry]> {
    if corrections.is_empty() && gone.is_empty() {
        return Cow::Borrowed(entries);
    }
    let mut corrected: Vec<Entry> = entries.iter().filter(|entry| !gone.contains(&entry.key)).cloned().collect();
    for entry in &mut corrected {
        if let Some((outcome, present)) = corrections.get(&entry.key) {
            (entry.outcome, entry.present) = (*outcome, *present);
        }
    }
    Cow::Owned(corrected)
}

fn packed(entries: &[Entry]) -> Vec<SegmentPut> {
    Sizes::STORED.split(entries).filter_map(segment::pack).collect()
}

/// A row that is gone from the source and could not be told so in the destination.
fn stays(key: &KeyBytes, refusal: &Refusal, open: &mut Open) {
    let present = refusal.code != Code::LedgerMismatch;
    open.corrections.insert(key.clone(), (Outcome::DeleteRefused, present));
    open.quarantine.push(QuarantineRow {
        entity: open.position.entity.clone(),
        key: key.clone(),
        stage: Stage::Load,
        code: refusal.code,
        field: refusal.field.clone(),
        message: format!("gone from the source, but {}", refusal.message),
        run: open.position.run,
    });
}
