//! Segments: packed ledger entries.
//!
//! Keys ascend; each entry takes its key, eight bytes of digest, and two of head. A digest over the content is stored beside it, so that a
//! damaged segment is noticed before anything is concluded from it.

use transload_model::{Code, Diagnostic, Entry, KeyBytes, Outcome, Result, SegmentPut};
use twox_hash::XxHash3_64;

/// The layout below. Another layout gets another number.
const VERSION: u8 = 1;

/// Packs entries, which must ascend and not be none.
pub(crate) fn pack(entries: &[Entry]) -> Option<SegmentPut> {
    let (first, last) = (entries.first()?, entries.last()?);
    let mut content = Vec::with_capacity(entries.len() * 24);
    content.push(VERSION);
    for entry in entries {
        content.push(outcome_code(entry.outcome) | if entry.present { 0x80 } else { 0 });
        content.extend_from_slice(&entry.digest.to_le_bytes());
        write_length(&mut content, entry.key.as_bytes().len());
        content.extend_from_slice(entry.key.as_bytes());
    }
    let present = entries.iter().filter(|entry| entry.present).count();
    Some(SegmentPut {
        first: first.key.clone(),
        last: last.key.clone(),
        rows: entries.len() as u64,
        present: present as u64,
        content_digest: XxHash3_64::oneshot(&content),
        content,
    })
}

/// Unpacks what [`pack`] packed.
///
/// # Errors
/// `TL0502` where the content is not what was stored.
pub(crate) fn unpack(content: &[u8], digest: u64) -> Result<Vec<Entry>> {
    let intact = XxHash3_64::oneshot(content) == digest;
    let entries = if intact { read_entries(content) } else { None };
    entries.ok_or_else(|| {
        let headline = "a segment of the ledger does not have the content it was stored with";
        Box::new(Diagnostic::new(Code::LedgerCorrupted, headline).help(Code::LedgerCorrupted.info().remedy))
    })
}

fn read_entries(content: &[u8]) -> Option<Vec<Entry>> {
    let (version, mut rest) = content.split_first()?;
    if *version != VERSION {
        return None;
    }
    let mut entries = Vec::new();
    while let Some((head, after)) = rest.split_first() {
        let (digest, after) = after.split_first_chunk::<8>()?;
        let (length, after) = read_length(after)?;
        let (key, after) = after.split_at_checked(length)?;
        entries.push(Entry {
            key: KeyBytes::from_encoded(key),
            digest: u64::from_le_bytes(*digest),
            outcome: outcome(head & 0x7F)?,
            present: head & 0x80 != 0,
        });
        rest = after;
    }
    Some(entries)
}

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
        (any::<u64>(), 0_u8..8, any::<bool>(), "[a-z]{0,200}").prop_map(|(digest, code, present, text)| Entry {
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
            prop_assert_eq!(unpack(&put.content, put.content_digest).unwrap(), entries);
        }

        #[test]
        fn any_flipped_bit_is_noticed(entries in prop::collection::vec(entry(), 1..5), at: prop::sample::Index, bit in 0_u8..8) {
            let put = pack(&entries).unwrap();
            let mut damaged = put.content.clone();
            damaged[at.index(put.content.len())] ^= 1 << bit;
            prop_assert!(unpack(&damaged, put.content_digest).is_err());
        }

        #[test]
        fn no_content_makes_reading_panic(content: Vec<u8>) {
            drop(read_entries(&content));
        }
    }
}
