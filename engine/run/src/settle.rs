//! What the ledger is told of a unit.
//!
//! A unit's accounting is complete only when the destination has said which rows it refuses. Then everything is known in the one transaction
//! that holds it: which entries are what, what went to quarantine, which keys were mapped, and the counts, which must balance.

use std::collections::{BTreeMap, BTreeSet};

use transload_model::{
    Code, Entry, KeyBytes, LedgerWrite, MappingRow, Outcome, Position, QuarantineRow, Refusal, SegmentPut,
    ServerDigest, Stage, StreamPosition, WriteKind,
};

use crate::segment;

/// Entries of a segment at most.
const SEGMENT_ROWS: usize = 65_536;

/// A row on its way into the destination.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) key: KeyBytes,
    /// The destination key's text, where the mapping is stored.
    pub(crate) destination_id: Option<String>,
    /// Whether the first pass counted it as new.
    pub(crate) counted: bool,
}

/// A row on its way out of the destination.
#[derive(Debug, Clone)]
pub(crate) struct Departure {
    pub(crate) key: KeyBytes,
    /// Whether it leaves because its source did; else it failed after it was loaded, and its entry stays.
    pub(crate) deleted: bool,
}

/// A unit's accounting, but for the refusals.
#[derive(Debug, Clone)]
pub(crate) struct Settlement {
    /// As if no row were refused.
    pub(crate) position: Position,
    /// Of one of several streams: its own position, and the entity's before this unit.
    pub(crate) stream: Option<(StreamPosition, Position)>,
    /// Whether the entity's streams are done.
    pub(crate) ends_streams: bool,
    /// Whether rows that refer to this entity itself have seen what it gains up to here.
    pub(crate) sees_itself: bool,
    pub(crate) removed: Vec<i64>,
    pub(crate) puts: Vec<Vec<Entry>>,
    pub(crate) server_digests: Vec<(i64, ServerDigest)>,
    pub(crate) inserted: Vec<Arrival>,
    pub(crate) updated: Vec<Arrival>,
    pub(crate) departing: Vec<Departure>,
    /// Entries that become something else than was foreseen.
    pub(crate) corrections: BTreeMap<KeyBytes, (Outcome, bool)>,
    pub(crate) quarantine: Vec<QuarantineRow>,
    pub(crate) released: Vec<KeyBytes>,
}

impl Settlement {
    /// The ledger's part of the unit, given what the destination refused.
    pub(crate) fn settle(&self, refusals: &[Refusal]) -> LedgerWrite {
        let mut open = self.clone();
        let mut refused = BTreeSet::new();
        for refusal in refusals {
            open.refuse(refusal, &mut refused);
        }
        let applied = |arrival: &&Arrival| !refused.contains(&arrival.key);
        // A refused row held values while it was on its way.
        let released = refusals.iter().filter(|refusal| refusal.code != Code::ConstraintUnique);
        open.position.freed += released.count() as u64;
        open.position.freed += open.updated.iter().filter(applied).count() as u64;
        open.position.freed += open.departing.iter().filter(|gone| !refused.contains(&gone.key)).count() as u64;
        let arrived = open.inserted.iter().filter(applied);
        let mappings_put: Vec<MappingRow> = arrived.clone().filter_map(mapping).collect();
        open.position.gained += arrived.count() as u64;
        if self.sees_itself {
            open.position.parents_seen.insert(open.position.entity.clone(), open.position.gained);
        }
        let departed = || open.departing.iter().filter(|departure| !refused.contains(&departure.key));
        let lost = refusals.iter().filter(|refusal| refusal.code == Code::LedgerMismatch);
        let lost = lost.map(|refusal| open.updated[refusal.row].key.text());
        let mappings_removed = departed().map(|departure| departure.key.text()).chain(lost).collect();
        let gone: BTreeSet<&KeyBytes> =
            departed().filter(|departure| departure.deleted).map(|departure| &departure.key).collect();
        let mut quarantine_removed = open.released.clone();
        quarantine_removed.extend(gone.iter().copied().cloned());
        let puts = open.puts.iter().map(|entries| corrected(entries, &open.corrections, &gone));
        let segments_put: Vec<SegmentPut> = puts.flat_map(|entries| packed(&entries)).collect();
        LedgerWrite {
            position: open.position,
            stream: open.stream,
            streams_removed: open.ends_streams,
            segments_removed: open.removed,
            segments_put,
            server_digests_put: open.server_digests,
            mappings_put,
            mappings_removed,
            quarantine_put: open.quarantine,
            quarantine_removed,
        }
    }

    fn refuse(&mut self, refusal: &Refusal, refused: &mut BTreeSet<KeyBytes>) {
        let counts = &mut self.position.counts;
        let key = match refusal.kind {
            WriteKind::Insert => {
                counts.new -= 1;
                counts.quarantined += 1;
                self.inserted[refusal.row].key.clone()
            }
            WriteKind::Update => {
                let arrival = &self.updated[refusal.row];
                let was = if arrival.counted { &mut counts.new } else { &mut counts.modified };
                // An interrupted run may have counted it; then it was read as unchanged in this one.
                if *was > 0 {
                    *was -= 1;
                } else {
                    counts.unchanged = counts.unchanged.saturating_sub(1);
                }
                counts.quarantined += 1;
                arrival.key.clone()
            }
            WriteKind::Delete => {
                let departure = &self.departing[refusal.row];
                counts.deleted -= u64::from(departure.deleted);
                let stays = if departure.deleted { Outcome::DeleteRefused } else { Outcome::Quarantined };
                self.corrections.insert(departure.key.clone(), (stays, true));
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
            self.corrections.insert(key.clone(), (outcome, present));
        }
        let is_delete = refusal.kind == WriteKind::Delete;
        if is_delete && self.quarantine.iter().any(|row| row.key == key) {
            // A withdrawn row: its own reason is listed.
            refused.insert(key);
            return;
        }
        self.quarantine.push(QuarantineRow {
            entity: self.position.entity.clone(),
            key: key.clone(),
            stage: Stage::Load,
            code: if is_delete { Code::DeleteRefused } else { refusal.code },
            field: refusal.field.clone(),
            message: if is_delete {
                format!("gone from the source, but {}", refusal.message)
            } else {
                refusal.message.clone()
            },
            run: self.position.run,
        });
        refused.insert(key);
    }
}

fn mapping(arrival: &Arrival) -> Option<MappingRow> {
    let destination_id = arrival.destination_id.clone()?;
    Some(MappingRow { source_id: arrival.key.text(), destination_id })
}

fn corrected(
    entries: &[Entry],
    corrections: &BTreeMap<KeyBytes, (Outcome, bool)>,
    gone: &BTreeSet<&KeyBytes>,
) -> Vec<Entry> {
    let mut corrected: Vec<Entry> = entries.iter().filter(|entry| !gone.contains(&entry.key)).cloned().collect();
    if !corrections.is_empty() {
        for entry in &mut corrected {
            if let Some((outcome, present)) = corrections.get(&entry.key) {
                (entry.outcome, entry.present) = (*outcome, *present);
            }
        }
    }
    corrected
}

fn packed(entries: &[Entry]) -> Vec<SegmentPut> {
    entries.chunks(SEGMENT_ROWS).filter_map(segment::pack).collect()
}
