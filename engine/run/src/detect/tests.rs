//! Detection against the obvious way to do it: two maps, compared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use transload_model::{
    Entry, KeyBytes, KeyRange, KeyValue, Outcome, RangeDigest, SegmentHead, SegmentOverlay, SegmentPart, SegmentPut,
    ServerDigest,
};

use super::{Equal, HashMerge, Known, Policy, Rewrite, Step, Verdict};
use crate::overlay::Corrections;
use crate::segment::{self, Sizes};

/// A ledger in memory: segments by their numbers, each with its parts.
struct Ledger {
    segments: BTreeMap<i64, (SegmentHead, Vec<SegmentPart>)>,
    next: i64,
    sizes: Sizes,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { segments: BTreeMap::new(), next: 0, sizes: Sizes::STORED }
    }
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
        for overlay in rewrite.overlays {
            self.overlay(&overlay.pack(&Corrections::new(), &BTreeSet::new()).unwrap());
        }
        for (id, digest) in rewrite.server_digests {
            self.segments.get_mut(&id).unwrap().0.server_digest = Some(digest);
        }
        for entries in rewrite.puts {
            assert!(!entries.is_empty());
            for part in self.sizes.split(&entries) {
                let stored = stored(self.next, part);
                self.segments.insert(self.next, stored);
                self.next += 1;
            }
        }
    }

    fn overlay(&mut self, SegmentOverlay { id, parts, entries, put }: &SegmentOverlay) {
        let (head, stored) = self.segments.get_mut(id).unwrap();
        assert_eq!(
            (head.parts, stored.len()),
            (*parts, *parts as usize),
            "the overlay is for another state of its segment"
        );
        stored.push(put.part.clone());
        let overlaid = head.overlaid + entries;
        *head = head_of(*id, put);
        (head.parts, head.overlaid) = (parts + 1, overlaid);
        check(head, &segment::unpack(stored).unwrap());
        self.next += 1;
    }

    fn read(&self, id: i64) -> Vec<Entry> {
        segment::unpack(&self.segments[&id].1).unwrap()
    }

    /// Deletes what is gone, a segment at a time, and then joins small ones, as the last units of an entity do.
    fn delete_and_join(&mut self, before: i64) {
        for id in self.segments.keys().copied().collect::<Vec<_>>() {
            let entries = self.read(id);
            let rest: Vec<Entry> =
                entries.iter().filter(|entry| entry.outcome != Outcome::DeletePending).cloned().collect();
            if rest.len() < entries.len() {
                let puts = if rest.is_empty() { Vec::new() } else { vec![rest] };
                self.apply(Rewrite { removed: vec![id], puts, ..Rewrite::default() });
            }
        }
        if self.next == before {
            return;
        }
        let heads = self.heads();
        for group in self.sizes.joined(&heads.iter().map(|head| head.rows).collect::<Vec<_>>()) {
            let removed: Vec<i64> = heads[group].iter().map(|head| head.id).collect();
            let joined = removed.iter().flat_map(|id| self.read(*id)).collect();
            self.apply(Rewrite { removed, puts: vec![joined], ..Rewrite::default() });
        }
    }

    fn heads(&self) -> Vec<SegmentHead> {
        let mut heads: Vec<SegmentHead> = self.segments.values().map(|(head, _)| head.clone()).collect();
        heads.sort_by(|a, b| a.first.cmp(&b.first));
        assert!(heads.windows(2).all(|pair| pair[0].last < pair[1].first), "segments overlap");
        heads
    }

    fn entries(&self) -> Vec<Entry> {
        self.heads().iter().flat_map(|head| self.read(head.id)).collect()
    }
}

/// A segment as it is stored; what stands beside its entries must be right.
fn stored(id: i64, entries: &[Entry]) -> (SegmentHead, Vec<SegmentPart>) {
    let put = segment::pack(entries).unwrap();
    let head = head_of(id, &put);
    check(&head, entries);
    (head, vec![put.part])
}

fn head_of(id: i64, put: &SegmentPut) -> SegmentHead {
    let (first, last) = (put.first.clone(), put.last.clone());
    SegmentHead { id, first, last, rows: put.rows, present: put.present, parts: 1, overlaid: 0, server_digest: None }
}

fn check(head: &SegmentHead, entries: &[Entry]) {
    let present = entries.iter().filter(|entry| entry.present).count();
    assert_eq!((head.rows, head.present), (entries.len() as u64, present as u64));
    assert_eq!((&head.first, &head.last), (&entries[0].key, &entries[entries.len() - 1].key));
    assert!(entries.windows(2).all(|pair| pair[0].key < pair[1].key), "entries do not ascend");
}

/// Runs the merge over `source`, cutting wherever `cuts` says, and gives the verdicts.
fn detect(ledger: &mut Ledger, source: &BTreeMap<i64, u64>, policy: Policy, cuts: &[bool]) -> Vec<Verdict> {
    detect_naming(ledger, source, (policy, &BTreeSet::new()), cuts)
}

/// The same, with rows that are to be tried again.
fn detect_naming(
    ledger: &mut Ledger,
    source: &BTreeMap<i64, u64>,
    (policy, named): (Policy, &BTreeSet<i64>),
    cuts: &[bool],
) -> Vec<Verdict> {
    let named = Arc::new(named.iter().map(|number| key(*number)).collect());
    let mut merge = HashMerge::new(policy, ledger.heads(), None).naming(named).sized(ledger.sizes);
    let mut verdicts = Vec::new();
    for (at, (number, digest)) in source.iter().enumerate() {
        let verdict = loop {
            match merge.step(key(*number).as_bytes(), *digest).unwrap() {
                Step::Verdict(verdict) => break verdict,
                Step::NeedSegment(id) => merge.give(ledger.read(id)),
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
        merge.give(ledger.read(id));
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
            merge.give(ledger.read(id));
        }
    }
    while let Some(id) = merge.finish() {
        merge.give(ledger.read(id));
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
        1 => Just((Outcome::Discarded, false)),
        1 => Just((Outcome::Discarded, true)),
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
fn naive(known: Option<&Entry>, digest: u64, (policy, is_named): (Policy, bool)) -> (Verdict, Outcome, bool) {
    let Some(entry) = known else { return (Verdict::New(None), Outcome::Loaded, true) };
    let was = Known { digest: entry.digest, outcome: entry.outcome, present: entry.present };
    let moved = entry.digest != digest || policy.remap || policy.incomparable;
    let is_discarded = entry.outcome == Outcome::Discarded;
    let stays_discarded = is_discarded && !is_named && (entry.digest == digest || policy.incomparable);
    let is_held = is_discarded || matches!(entry.outcome, Outcome::Quarantined | Outcome::Orphaned | Outcome::Collided);
    let retried = policy.retry_quarantined
        || is_named
        || (policy.retry_orphaned && entry.outcome == Outcome::Orphaned)
        || (policy.retry_collided && entry.outcome == Outcome::Collided);
    if stays_discarded {
        (Verdict::Discarded, Outcome::Discarded, entry.present)
    } else if is_held && !moved && !retried {
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
        length in 1_usize..40,
        cuts in prop::collection::vec(any::<bool>(), 40),
        named in prop::collection::btree_set(0_i64..60, 0..10),
        flags: [bool; 6],
    ) {
        let [remap, incomparable, retry_quarantined, retry_orphaned, retry_collided, mark_deletes] = flags;
        let policy =
            Policy { remap, incomparable, retry_quarantined, retry_orphaned, retry_collided, mark_deletes, fill: false, keys_only: false };
        let mut ledger = Ledger::of(&known, length);

        let verdicts = detect_naming(&mut ledger, &source, (policy, &named), &cuts);

        let by_key: BTreeMap<&KeyBytes, &Entry> = known.iter().map(|entry| (&entry.key, entry)).collect();
        let mut expected = BTreeMap::new();
        for entry in &known {
            if entry.present {
                let is_going = matches!(entry.outcome, Outcome::DeletePending | Outcome::DeleteRefused);
                let outcome = if mark_deletes && !is_going { Outcome::DeletePending } else { entry.outcome };
                // A version that failed later is not what the destination holds, so it may not come back as unchanged.
                let is_stale = outcome != entry.outcome && entry.outcome != Outcome::Loaded;
                let digest = match is_stale {
                    // Nobody can tell what it was.
                    _ if incomparable => u64::MAX,
                    true => !entry.digest,
                    false => entry.digest,
                };
                expected.insert(entry.key.clone(), Entry { outcome, digest, ..entry.clone() });
            }
        }
        for ((number, digest), verdict) in source.iter().zip(&verdicts) {
            let (said, outcome, present) = naive(by_key.get(&key(*number)).copied(), *digest, (policy, named.contains(number)));
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
        length in 1_usize..40,
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
        length in 1_usize..40,
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

/// What happens at the source between two runs, to rows from a key on.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Inserted,
    Changed,
    Deleted,
    /// Of four, three.
    Thinned,
}

fn happening() -> impl Strategy<Value = (Happening, i64, i64)> {
    let kind = prop_oneof![
        3 => Just(Happening::Inserted),
        1 => Just(Happening::Changed),
        1 => Just(Happening::Deleted),
        1 => Just(Happening::Thinned),
    ];
    (kind, 0_i64..300, 1_i64..150)
}

fn happen(source: &mut BTreeMap<i64, u64>, (kind, from, rows): (Happening, i64, i64), run: u64) {
    for number in from..from + rows {
        match kind {
            Happening::Inserted => drop(source.entry(number).or_insert(0)),
            Happening::Changed => drop(source.get_mut(&number).map(|digest| *digest = run)),
            Happening::Thinned if number % 4 == 0 => {}
            Happening::Deleted | Happening::Thinned => drop(source.remove(&number)),
        }
    }
}

proptest! {
    /// The keys of segments ascend, within one and from one to the next, whenever the heads are asked for.
    #[test]
    fn segments_grow_and_shrink_with_their_rows(
        histories in prop::collection::vec((prop::collection::vec(happening(), 0..4), prop::collection::vec(any::<bool>(), 300)), 1..12),
        small in 1_usize..10,
        more in 0_usize..20,
    ) {
        let sizes = Sizes { small, large: small + more };
        let policy = Policy { mark_deletes: true, ..Policy::default() };
        let mut ledger = Ledger { sizes, ..Ledger::default() };
        let mut source = BTreeMap::new();
        for ((happenings, cuts), run) in histories.iter().zip(1..) {
            let was = source.clone();
            happenings.iter().for_each(|happening| happen(&mut source, *happening, run));
            let before = ledger.next;

            detect(&mut ledger, &source, policy, cuts);
            ledger.delete_and_join(before);

            let entry = |(number, digest): (&i64, &u64)| Entry { key: key(*number), digest: *digest, outcome: Outcome::Loaded, present: true };
            prop_assert_eq!(ledger.entries(), source.iter().map(entry).collect::<Vec<_>>());
            let rows: Vec<u64> = ledger.heads().iter().map(|head| head.rows).collect();
            prop_assert!(rows.iter().all(|rows| (1..=sizes.large as u64).contains(rows)), "{:?}", rows);
            let is_apart = |pair: &[u64]| pair[0] + pair[1] > small as u64;
            prop_assert!(rows.windows(2).all(is_apart), "{:?} could be joined", rows);
            prop_assert_eq!(ledger.next == before, was == source, "nothing moved, or something was not written");
        }
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
        merge.give(ledger.read(id));
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
