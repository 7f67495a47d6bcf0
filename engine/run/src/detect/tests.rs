//! Detection against the obvious way to do it: two maps, compared.

use std::collections::BTreeMap;

use proptest::prelude::*;
use transload_model::{Entry, KeyBytes, KeyRange, KeyValue, Outcome, RangeDigest, SegmentHead, ServerDigest};

use super::{Equal, HashMerge, Known, Policy, Rewrite, Step, Verdict};

/// A ledger in memory: segments by their numbers.
#[derive(Default)]
struct Ledger {
    segments: BTreeMap<i64, Vec<Entry>>,
    digests: BTreeMap<i64, ServerDigest>,
    next: i64,
}

fn key(number: i64) -> KeyBytes {
    KeyBytes::encode(&[KeyValue::Integer(number)])
}

impl Ledger {
    fn of(entries: &[Entry], length: usize) -> Self {
        let mut ledger = Self::default();
        ledger.apply(Rewrite { puts: entries.chunks(length).map(<[Entry]>::to_vec).collect(), ..Rewrite::default() });
        ledger
    }

    fn apply(&mut self, rewrite: Rewrite) {
        for id in rewrite.removed {
            assert!(self.segments.remove(&id).is_some(), "segment {id} is removed twice");
        }
        self.digests.extend(rewrite.server_digests);
        for entries in rewrite.puts {
            assert!(!entries.is_empty());
            self.segments.insert(self.next, entries);
            self.next += 1;
        }
    }

    fn heads(&self) -> Vec<SegmentHead> {
        let head = |(id, entries): (&i64, &Vec<Entry>)| SegmentHead {
            id: *id,
            first: entries[0].key.clone(),
            last: entries[entries.len() - 1].key.clone(),
            rows: entries.len() as u64,
            present: 0,
            server_digest: self.digests.get(id).cloned(),
        };
        let mut heads: Vec<SegmentHead> = self.segments.iter().map(head).collect();
        heads.sort_by(|a, b| a.first.cmp(&b.first));
        assert!(heads.windows(2).all(|pair| pair[0].last < pair[1].first), "segments overlap");
        heads
    }

    fn entries(&self) -> Vec<Entry> {
        self.heads().iter().flat_map(|head| self.segments[&head.id].clone()).collect()
    }
}

/// Runs the merge over `source`, cutting wherever `cuts` says, and gives the verdicts.
fn detect(ledger: &mut Ledger, source: &BTreeMap<i64, u64>, policy: Policy, cuts: &[bool]) -> Vec<Verdict> {
    let mut merge = HashMerge::new(policy, ledger.heads(), None);
    let mut verdicts = Vec::new();
    for (at, (number, digest)) in source.iter().enumerate() {
        let verdict = loop {
            match merge.step(key(*number).as_bytes(), *digest).unwrap() {
                Step::Verdict(verdict) => break verdict,
                Step::NeedSegment(id) => merge.give(ledger.segments[&id].clone()),
            }
        };
        verdicts.push(verdict);
        if cuts.get(at).copied().unwrap_or(false) {
            ledger.apply(merge.cut());
            if merge.is_stale() {
                merge.refresh(ledger.heads());
            }
        }
    }
    while let Some(id) = merge.finish() {
        merge.give(ledger.segments[&id].clone());
    }
    ledger.apply(merge.cut());
    verdicts
}

/// What a server would say of the rows from each segment's first key on.
fn asked(heads: &[SegmentHead], source: &BTreeMap<i64, u64>) -> Vec<RangeDigest> {
    let bucket = |(at, head): (usize, &SegmentHead)| {
        let range = KeyRange { from: Some(head.first.clone()), to: heads.get(at + 1).map(|next| next.first.clone()) };
        let rows: Vec<_> = source.iter().filter(|(number, _)| range.contains(key(**number).as_bytes())).collect();
        let digest = ServerDigest { kind: "test".to_owned(), digest: format!("{rows:?}") };
        RangeDigest { rows: rows.len() as u64, digest }
    };
    heads.iter().enumerate().map(bucket).collect()
}

/// As [`detect`], but rows of segments that the server says are equal are not given. Gives the rows that were, and how many were passed.
fn detect_with_server(ledger: &mut Ledger, source: &BTreeMap<i64, u64>, policy: Policy) -> (usize, u64) {
    let heads = ledger.heads();
    let equal = Equal::compare(&heads, asked(&heads, source), &KeyRange::default());
    let mut merge = HashMerge::new(policy, heads, None);
    let ranges = equal.tell(&mut merge, KeyRange::default());
    let mut given = 0;
    for (number, digest) in source {
        if !ranges.iter().any(|range| range.contains(key(*number).as_bytes())) {
            continue;
        }
        given += 1;
        while let Step::NeedSegment(id) = merge.step(key(*number).as_bytes(), *digest).unwrap() {
            merge.give(ledger.segments[&id].clone());
        }
    }
    while let Some(id) = merge.finish() {
        merge.give(ledger.segments[&id].clone());
    }
    ledger.apply(merge.cut());
    (given, merge.passed)
}

fn outcome() -> impl Strategy<Value = (Outcome, bool)> {
    prop_oneof![
        4 => Just((Outcome::Loaded, true)),
        1 => Just((Outcome::Quarantined, false)),
        1 => Just((Outcome::Quarantined, true)),
        1 => Just((Outcome::Orphaned, false)),
        1 => Just((Outcome::Collided, false)),
        1 => Just((Outcome::Collided, true)),
        1 => Just((Outcome::DeleteRefused, true)),
        1 => Just((Outcome::DeletePending, true)),
    ]
}

fn ledger_entries() -> impl Strategy<Value = Vec<Entry>> {
    prop::collection::btree_map(0_i64..60, (0_u64..3, outcome()), 0..40).prop_map(|rows| {
        let entry = |(number, (digest, (outcome, present))): (i64, (u64, (Outcome, bool)))| Entry {
            key: key(number),
            digest,
            outcome,
            present,
        };
        rows.into_iter().map(entry).collect()
    })
}

/// The verdict and the entry that two maps give.
fn naive(known: Option<&Entry>, digest: u64, policy: Policy) -> (Verdict, Outcome, bool) {
    let Some(entry) = known else { return (Verdict::New(None), Outcome::Loaded, true) };
    let was = Known { digest: entry.digest, outcome: entry.outcome, present: entry.present };
    let moved = entry.digest != digest || policy.remap || policy.incomparable;
    let is_held = matches!(entry.outcome, Outcome::Quarantined | Outcome::Orphaned | Outcome::Collided);
    let retried = policy.retry_quarantined
        || (policy.retry_orphaned && entry.outcome == Outcome::Orphaned)
        || (policy.retry_collided && entry.outcome == Outcome::Collided);
    if is_held && !moved && !retried {
        (Verdict::Untried, entry.outcome, entry.present)
    } else if !is_held && !moved {
        (Verdict::Unchanged, Outcome::Loaded, true)
    } else if entry.present {
        (Verdict::Modified(was), Outcome::Loaded, true)
    } else {
        (Verdict::New(Some(was)), Outcome::Loaded, true)
    }
}

proptest! {
    #[test]
    fn the_merge_says_what_two_maps_say(
        known in ledger_entries(),
        source in prop::collection::btree_map(0_i64..60, 0_u64..3, 0..40),
        length in 1_usize..12,
        cuts in prop::collection::vec(any::<bool>(), 40),
        flags: [bool; 6],
    ) {
        let [remap, incomparable, retry_quarantined, retry_orphaned, retry_collided, mark_deletes] = flags;
        let policy =
            Policy { remap, incomparable, retry_quarantined, retry_orphaned, retry_collided, mark_deletes, fill: false };
        let mut ledger = Ledger::of(&known, length);

        let verdicts = detect(&mut ledger, &source, policy, &cuts);

        let by_key: BTreeMap<&KeyBytes, &Entry> = known.iter().map(|entry| (&entry.key, entry)).collect();
        let mut expected = BTreeMap::new();
        for entry in &known {
            if entry.present {
                let is_going = matches!(entry.outcome, Outcome::DeletePending | Outcome::DeleteRefused);
                let outcome = if mark_deletes && !is_going { Outcome::DeletePending } else { entry.outcome };
                // A version that failed later is not what the destination holds, so it may not come back as unchanged.
                let is_stale = outcome != entry.outcome && entry.outcome != Outcome::Loaded;
                let digest = if is_stale { !entry.digest } else { entry.digest };
                expected.insert(entry.key.clone(), Entry { outcome, digest, ..entry.clone() });
            }
        }
        for ((number, digest), verdict) in source.iter().zip(&verdicts) {
            let (said, outcome, present) = naive(by_key.get(&key(*number)).copied(), *digest, policy);
            prop_assert_eq!(*verdict, said, "key {}", number);
            let stays = matches!(said, Verdict::Unchanged | Verdict::Untried);
            let digest = if stays { by_key[&key(*number)].digest } else { *digest };
            expected.insert(key(*number), Entry { key: key(*number), digest, outcome, present });
        }
        prop_assert_eq!(ledger.entries(), expected.into_values().collect::<Vec<_>>());
    }

    #[test]
    fn a_server_that_is_believed_changes_no_result(
        known in ledger_entries(),
        histories in prop::collection::vec(prop::collection::btree_map(0_i64..60, 0_u64..2, 0..40), 1..6),
        length in 1_usize..12,
        mark_deletes: bool,
    ) {
        let policy = Policy { mark_deletes, ..Policy::default() };
        let (mut plain, mut asking) = (Ledger::of(&known, length), Ledger::of(&known, length));
        for source in &histories {
            // Twice, so that digests are kept by the first and used by the second.
            for _ in 0..2 {
                detect(&mut plain, source, policy, &[]);
                let (given, passed) = detect_with_server(&mut asking, source, policy);
                prop_assert_eq!(given as u64 + passed, source.len() as u64);
                prop_assert_eq!(asking.entries(), plain.entries());
            }
        }
    }

    #[test]
    fn a_second_run_rewrites_nothing(
        source in prop::collection::btree_map(0_i64..60, 0_u64..3, 0..40),
        length in 1_usize..12,
        cuts in prop::collection::vec(any::<bool>(), 40),
    ) {
        let entry = |(number, digest): (&i64, &u64)| {
            Entry { key: key(*number), digest: *digest, outcome: Outcome::Loaded, present: true }
        };
        let entries: Vec<Entry> = source.iter().map(entry).collect();
        let mut ledger = Ledger::of(&entries, length);
        let before = ledger.next;

        let verdicts = detect(&mut ledger, &source, Policy::default(), &cuts);

        prop_assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Unchanged));
        prop_assert_eq!(ledger.next, before, "a segment was written");
    }
}

#[test]
fn a_third_run_is_given_nothing() {
    let source: BTreeMap<i64, u64> = (0..40).map(|number| (number, 7)).collect();
    let mut ledger = Ledger::default();
    detect(&mut ledger, &source, Policy::default(), &[]);

    assert_eq!(detect_with_server(&mut ledger, &source, Policy::default()), (40, 0), "no digest was kept yet");
    assert_eq!(detect_with_server(&mut ledger, &source, Policy::default()), (0, 40));
}

#[test]
fn keys_that_do_not_ascend_are_refused() {
    let mut merge = HashMerge::new(Policy::default(), Vec::new(), None);
    assert!(merge.step(key(5).as_bytes(), 0).is_ok());
    assert_eq!(merge.step(key(5).as_bytes(), 0).unwrap_err().code, transload_model::Code::KeyNotUnique);
    assert_eq!(merge.step(key(4).as_bytes(), 0).unwrap_err().code, transload_model::Code::KeyOrder);
}

#[test]
fn an_interrupted_pass_goes_on_behind_its_cursor() {
    let entries: Vec<Entry> =
        (0..10).map(|number| Entry { key: key(number), digest: 0, outcome: Outcome::Loaded, present: true }).collect();
    let ledger = Ledger::of(&entries, 4);
    let policy = Policy { mark_deletes: true, ..Policy::default() };
    let mut merge = HashMerge::new(policy, ledger.heads(), Some(key(5)));
    while let Some(id) = merge.finish() {
        merge.give(ledger.segments[&id].clone());
    }

    let rewrite = merge.cut();

    let marked: Vec<KeyBytes> = rewrite
        .puts
        .iter()
        .flatten()
        .filter(|entry| entry.outcome == Outcome::DeletePending)
        .map(|entry| entry.key.clone())
        .collect();
    assert_eq!(marked, [6, 7, 8, 9].map(key), "rows up to the cursor were accounted for before");
}
