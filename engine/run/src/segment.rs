//! Segments: packed ledger entries.
//!
//! Keys ascend; each entry takes its key, eight bytes of digest, and two of head. A digest over the content is stored beside it, so that a
//! damaged segment is noticed before anything is concluded from it. A segment is stored in parts: all its entries, then what changed about them
//! (`overlay.rs` says why).

use std::collections::BTreeMap;
use std::ops::Range;

use transload_model::{Code, Diagnostic, Entry, KeyBytes, Outcome, Result, SegmentPart, SegmentPut};
use twox_hash::XxHash3_64;

/// The layout below. Another layout gets another number.
const VERSION: u8 = 1;

/// How many entries segments have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// A segment with fewer stays open for new keys behind it, and neighbours that have no more together become one, so that small loads and
    /// deletes do not leave many small segments.
    pub(crate) small: usize,
    /// At most.
    pub(crate) large: usize,
}

impl Sizes {
    /// Those of the ledger.
    pub(crate) const STORED: Self = Self { small: 8_192, large: 65_536 };

    /// Cuts the entries of a segment that grew too large into equal ones, so that none is a rest of a few.
    pub(crate) fn split(self, entries: &[Entry]) -> impl Iterator<Item = &[Entry]> {
        let parts = entries.len().div_ceil(self.large).max(1);
        entries.chunks(entries.len().div_ceil(parts).max(1))
    }

    /// Which neighbours are to become one, given how many entries each segment has. Of those that are left, no two would fit in a small one.
    pub(crate) fn joined(self, rows: &[u64]) -> Vec<Range<usize>> {
        let mut groups: Vec<Range<usize>> = Vec::new();
        let mut held = 0;
        for (at, rows) in rows.iter().enumerate() {
            match groups.last_mut().filter(|_| held + rows <= self.small as u64) {
                Some(group) => group.end = at + 1,
                None => {
                    groups.push(at..at + 1);
                    held = 0;
                }
            }
            held += rows;
        }
        groups.retain(|group| group.len() > 1);
        groups
    }
}

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is this now.
    Put(Entry),
    /// It is not there any more.
    Gone(KeyBytes),
}

impl Change {
    pub(crate) fn key(&self) -> &KeyBytes {
        match self {
            Self::Put(entry) => &entry.key,
            Self::Gone(key) => key,
        }
    }
}

/// Packs entries, which must ascend and not be none.
pub(crate) fn pack(entries: &[Entry]) -> Option<SegmentPut> {
    let (first, last) = (entries.first()?, entries.last()?);
    let mut content = Vec::with_capacity(entries.len() * 24);
    content.push(VERSION);
    for entry in entries {
        write_entry(&mut content, entry);
    }
    let present = entries.iter().filter(|entry| entry.present).count();
    Some(SegmentPut {
        first: first.key.clone(),
        last: last.key.clone(),
        rows: entries.len() as u64,
        present: present as u64,
        part: part(content),
    })
}

fn part(content: Vec<u8>) -> SegmentPart {
    SegmentPart { digest: XxHash3_64::oneshot(&content), content }
}

/// Packs what changed, which must ascend.
pub(crate) fn pack_changes(changes: &[Change]) -> SegmentPart {
    let mut content = vec![VERSION];
    for change in changes {
        match change {
            Change::Put(entry) => write_entry(&mut content, entry),
            Change::Gone(key) => {
                content.push(GONE);
                write_key(&mut content, key);
            }
        }
    }
    part(content)
}

fn write_entry(content: &mut Vec<u8>, entry: &Entry) {
    content.push(outcome_code(entry.outcome) | if entry.present { 0x80 } else { 0 });
    content.extend_from_slice(&entry.digest.to_le_bytes());
    write_key(content, &entry.key);
}

fn write_key(content: &mut Vec<u8>, key: &KeyBytes) {
    write_length(content, key.as_bytes().len());
    content.extend_from_slice(key.as_bytes());
}

/// Unpacks the parts of a segment and lays them over one another.
///
/// # Errors
/// `TL0502` where the content is not what was stored.
pub(crate) fn unpack(parts: &[SegmentPart]) -> Result<Vec<Entry>> {
    let is_intact = |part: &SegmentPart| XxHash3_64::oneshot(&part.content) == part.digest;
    let entries = if parts.iter().all(is_intact) { read_parts(parts) } else { None };
    entries.ok_or_else(|| {
        let headline = "a segment of the ledger does not have the content it was stored with";
        Box::new(Diagnostic::new(Code::LedgerCorrupted, headline).help(Code::LedgerCorrupted.info().remedy))
    })
}

fn read_parts(parts: &[SegmentPart]) -> Option<Vec<Entry>> {
    let (base, overlays) = parts.split_first()?;
    let mut entries = Vec::new();
    read_changes(&base.content, |change| match change {
        Change::Put(entry) => entries.push(entry),
        Change::Gone(_) => {}
    })?;
    let mut changes = BTreeMap::new();
    for overlay in overlays {
        read_changes(&overlay.content, |change| drop(changes.insert(change.key().clone(), change)))?;
    }
    Some(if changes.is_empty() { entries } else { laid_over(entries, changes) })
}

fn laid_over(entries: Vec<Entry>, changes: BTreeMap<KeyBytes, Change>) -> Vec<Entry> {
    let mut changes = changes.into_iter().peekable();
    let mut all = Vec::with_capacity(entries.len() + changes.len());
    for entry in entries {
        while let Some((_, change)) = changes.next_if(|(key, _)| *key < entry.key) {
            all.extend(put(change));
        }
        match changes.next_if(|(key, _)| *key == entry.key) {
            Some((_, change)) => all.extend(put(change)),
            None => all.push(entry),
        }
    }
    all.extend(changes.filter_map(|(_, change)| put(change)));
    all
}

fn put(change: Change) -> Option<Entry> {
    match change {
        Change::Put(entry) => Some(entry),
        Change::Gone(_) => None,
    }
}

/// Nothing where the content cannot be read.
fn read_changes(content: &[u8], mut take: impl FnMut(Change)) -> Option<()> {
    let (version, mut rest) = content.split_first()?;
    if *version != VERSION {
        return None;
    }
    while let Some((head, after)) = rest.split_first() {
        let is_gone = *head == GONE;
        let (digest, after) = if is_gone { (&[0; 8], after) } else { after.split_first_chunk::<8>()? };
        let (length, after) = read_length(after)?;
        let (key, after) = after.split_at_checked(length)?;
        let key = KeyBytes::from_encoded(key);
        take(if is_gone {
            Change::Gone(key)
        } else {
            let digest = u64::from_le_bytes(*digest);
            Change::Put(Entry { key, digest, outcome: outcome(head & 0x7F)?, present: head & 0x80 != 0 })
        });
        rest = after;
    }
    Some(())
}

/// The head of an entry that is not there any more. No outcome has this number.
const GONE: u8 = 0x7F;

fn outcome_code(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Loaded => 0,
        Outcome::Deferred => 1,
        Outcome::Quarantined => 2,
        Outcome::Orphaned => 3,
        Outcome::DeletePending => 4,
        Outcome::UpdatePending => 5,
        Outcome::DeleteRefused => 6,
        Outcome::Collided => 7,
        Outcome::Retired => 8,
        Outcome::Discarded => 9,
    }
}

fn outcome(code: u8) -> Option<Outcome> {
    let all = [
        Outcome::Loaded,
        Outcome::Deferred,
        Outcome::UpdatePending,
        Outcome::Quarantined,
        Outcome::Orphaned,
        Outcome::DeletePending,
        Outcome::DeleteRefused,
        Outcome::Collided,
        Outcome::Retired,
        Outcome::Discarded,
    ];
    all.into_iter().find(|outcome| outcome_code(*outcome) == code)
}

/// Seven bits a byte, the lowest first.
fn write_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push(0x80 | u8::try_from(length & 0x7F).unwrap_or(0));
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap_or(0));
}

fn read_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut length = 0_usize;
    for (at, byte) in bytes.iter().enumerate().take(8) {
        length |= usize::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((length, bytes.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use transload_model::KeyValue;

    use super::*;

    fn entry() -> impl Strategy<Value = Entry> {
        (any::<u64>(), 0_u8..10, any::<bool>(), "[a-z]{0,200}").prop_map(|(digest, code, present, text)| Entry {
            key: KeyBytes::encode(&[KeyValue::Text(text.into())]),
            digest,
            outcome: outcome(code).unwrap(),
            present,
        })
    }

    proptest! {
        #[test]
        fn entries_survive_packing(entries in prop::collection::vec(entry(), 1..50)) {
            let put = pack(&entries).unwrap();
            prop_assert_eq!(put.rows, entries.len() as u64);
            prop_assert_eq!(unpack(&[put.part]).unwrap(), entries);
        }

        #[test]
        fn segments_are_split_into_equal_ones(entries in prop::collection::vec(entry(), 1..50), large in 1_usize..20) {
            let parts: Vec<&[Entry]> = Sizes { small: 1, large }.split(&entries).collect();
            prop_assert_eq!(parts.concat(), entries.clone());
            let is_equal = |part: &&[Entry]| part.len() <= large && part.len() + parts.len() > parts[0].len();
            prop_assert!(parts.iter().all(is_equal), "{:?}", parts.iter().map(|part| part.len()).collect::<Vec<_>>());
        }

        #[test]
        fn any_flipped_bit_is_noticed(entries in prop::collection::vec(entry(), 1..5), at: prop::sample::Index, bit in 0_u8..8) {
            let put = pack(&entries).unwrap();
            let mut damaged = put.part.content.clone();
            damaged[at.index(put.part.content.len())] ^= 1 << bit;
            let damaged = SegmentPart { content: damaged, ..put.part };
            prop_assert!(unpack(&[damaged]).is_err());
        }

        #[test]
        fn no_content_makes_reading_panic(content: Vec<u8>) {
            drop(read_parts(&[part(content.clone()), part(content)]));
        }
    }
}
