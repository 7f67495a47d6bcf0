//! The `hash` strategy: one pass over the source in key order, beside one pass over the ledger in key order.
//!
//! What the ledger does not know is new; what it knows with another digest is modified; what it knows and the source does not give is gone.
//! No timestamp is asked. The merge does no I/O: it says when it needs the next segment, and what the ledger should hold afterwards.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use transload_model::{
    ChangeKind, Code, Diagnostic, Entry, KeyBytes, Outcome, RangeDigest, Result, SegmentHead, ServerDigest,
};

use super::Scope;
use crate::overlay::Overlay;
use crate::segment::Sizes;

/// The digest of a row that is gone, where it cannot be compared with what the row would have if it came back: then it counts as moved.
pub(crate) const UNKNOWN: u64 = u64::MAX;

/// What decides about rows whose digest did not move.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Policy {
    /// Every row is derived again.
    pub(crate) remap: bool,
    /// Digests were made over other columns and cannot be compared.
    pub(crate) incomparable: bool,
    /// Rows in quarantine are tried again: the spec changed.
    pub(crate) retry_quarantined: bool,
    /// Rows that miss a parent are tried again: a parent gained rows.
    pub(crate) retry_orphaned: bool,
    /// Rows whose unique value another row held are tried again: values became free.
    pub(crate) retry_collided: bool,
    /// Rows that are gone are marked for deletion.
    pub(crate) mark_deletes: bool,
    /// A later pass: only rows that the first left open count, and those that are to be tried again because they miss a parent or a value.
    pub(crate) fill: bool,
    /// Nothing of a row is known but its key, so that no row moved that the ledger has in the destination.
    pub(crate) keys_only: bool,
}

impl Policy {
    /// Whether the second pass takes up a row that the first had set aside.
    fn tries_again(&self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Orphaned => self.retry_orphaned,
            Outcome::Collided => self.retry_collided,
            _ => false,
        }
    }
}

/// What the ledger knew of a row before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) digest: u64,
    pub(crate) outcome: Outcome,
    pub(crate) present: bool,
}

/// Rows in quarantine that were met and not tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Untried {
    /// Those that miss a parent.
    pub(crate) orphaned: u64,
    /// Those whose value another row holds.
    pub(crate) collided: u64,
    /// Of those, rows of which some version is in the destination: it holds a value as well.
    pub(crate) holding: u64,
}

impl Untried {
    fn note(&mut self, entry: &Entry) {
        self.orphaned += u64::from(entry.outcome == Outcome::Orphaned);
        self.collided += u64::from(entry.outcome == Outcome::Collided);
        self.holding += u64::from(entry.outcome == Outcome::Collided && entry.present);
    }
}

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not in the destination. It may have been tried before, and is then known.
    New(Option<Known>),
    /// In the destination with other content.
    Modified(Known),
    /// As it was.
    Unchanged,
    /// Loaded, with the reference to its own entity still open.
    Deferred,
    /// In quarantine, and not moved since.
    Untried,
    /// In quarantine, not moved since, and not to come.
    Discarded,
}

impl Verdict {
    /// Whether it was found to have moved before, and the second pass writes it.
    pub(crate) fn is_pending(self) -> bool {
        matches!(self, Self::Modified(known) if known.outcome == Outcome::UpdatePending)
    }

    /// What is to be moved, if anything is.
    pub(crate) fn change(self) -> Option<ChangeKind> {
        match self {
            Self::New(_) => Some(ChangeKind::New),
            Self::Modified(_) => Some(ChangeKind::Modified),
            Self::Unchanged | Self::Deferred | Self::Untried | Self::Discarded => None,
        }
    }
}

/// What the merge can say about the next row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// What it is.
    Verdict(Verdict),
    /// The segment of this id must be given first.
    NeedSegment(i64),
}

/// What the ledger should hold instead of what it held.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rewrite {
    pub(crate) removed: Vec<i64>,
    pub(crate) puts: Vec<Vec<Entry>>,
    /// What changed about segments that stay.
    pub(crate) overlays: Vec<Overlay>,
    /// Rows that have nothing to look for in quarantine any more.
    pub(crate) forgotten: Vec<KeyBytes>,
    /// What the source's server made of segments that stay.
    pub(crate) server_digests: Vec<(i64, ServerDigest)>,
}

impl Rewrite {
    /// Adds what another part of the ledger should hold.
    pub(crate) fn append(&mut self, other: Self) {
        self.removed.extend(other.removed);
        self.puts.extend(other.puts);
        self.overlays.extend(other.overlays);
        self.forgotten.extend(other.forgotten);
        self.server_digests.extend(other.server_digests);
    }

    /// Holds a segment of which some entries are about to become something else, or to go: what becomes of them is told with the unit.
    pub(crate) fn touch(&mut self, head: &SegmentHead, entries: Vec<Entry>, keys: &BTreeSet<&KeyBytes>) {
        let changes = entries.iter().filter(|entry| keys.contains(&entry.key)).count();
        // Where none is left, nothing is.
        if changes < entries.len() && Overlay::is_worth_it(head, entries.len(), changes) {
            let entries = entries.iter().map(|entry| (entry, keys.contains(&entry.key)));
            self.overlays.push(Overlay::of(head, entries, Vec::new()));
        } else {
            self.removed.push(head.id);
            self.puts.push(entries);
        }
    }
}

/// The two passes, side by side.
pub(crate) struct HashMerge {
    policy: Policy,
    scope: Scope,
    sizes: Sizes,
    /// Rows in quarantine that are tried again whatever became of them.
    named: Arc<BTreeSet<KeyBytes>>,
    heads: VecDeque<SegmentHead>,
    /// The segment that `old` is the rest of.
    open: Option<SegmentHead>,
    old: VecDeque<Entry>,
    /// What the open segment, or the gap before the next, will hold.
    out: Vec<Entry>,
    /// Which of these are not as the ledger has them. Ascending.
    changed: Vec<usize>,
    /// What the open segment held and will not hold any more.
    dropped: Vec<KeyBytes>,
    /// Segments were written in the middle, so `heads` is to be read again.
    stale: bool,
    rewrite: Rewrite,
    last: Option<KeyBytes>,
    /// Rows before this key were accounted for before the run was interrupted.
    resume_behind: Option<KeyBytes>,
    /// Rows that were about to be deleted, and came back.
    pub(crate) returned: u64,
    /// Of those, rows that stayed in the destination and say there when they went.
    pub(crate) unretired: u64,
    /// Whether the next row is not at the destination what would be written of it.
    pub(crate) differs: bool,
    /// Rows that are gone.
    pub(crate) gone: u64,
    /// Their keys and digests, for who asks: those that are in the destination.
    pub(crate) gone_rows: Option<Vec<(KeyBytes, u64)>>,
    /// Rows in quarantine that are not tried, and wait for a parent or for a value.
    pub(crate) untried: Untried,
    /// What the source's server says of segments that it was asked about.
    asked: BTreeMap<i64, RangeDigest>,
    /// Segments whose rows the source does not give, because its server says that they are as they were.
    equal: BTreeSet<i64>,
    /// Rows of such segments that were passed.
    pub(crate) passed: u64,
}

impl HashMerge {
    /// Begins; `heads` are the entity's segments of rows with keys, in key order.
    pub(crate) fn new(policy: Policy, heads: Vec<SegmentHead>, resume_behind: Option<KeyBytes>) -> Self {
        Self::within(Scope::Whole, policy, heads, resume_behind)
    }

    /// Begins, where only some rows are looked at. The source's other rows are not given.
    pub(crate) fn within(
        scope: Scope,
        policy: Policy,
        heads: Vec<SegmentHead>,
        resume_behind: Option<KeyBytes>,
    ) -> Self {
        let is_done = |head: &SegmentHead| resume_behind.as_ref().is_some_and(|cursor| head.last <= *cursor);
        Self {
            policy,
            scope,
            sizes: Sizes::STORED,
            named: Arc::default(),
            heads: heads.into_iter().filter(|head| !is_done(head)).collect(),
            open: None,
            old: VecDeque::new(),
            out: Vec::new(),
            changed: Vec::new(),
            dropped: Vec::new(),
            stale: false,
            rewrite: Rewrite::default(),
            last: None,
            resume_behind,
            returned: 0,
            unretired: 0,
            differs: false,
            gone: 0,
            gone_rows: None,
            untried: Untried::default(),
            asked: BTreeMap::new(),
            equal: BTreeSet::new(),
            passed: 0,
        }
    }

    /// Tries the rows in quarantine that have these keys again.
    pub(crate) fn naming(mut self, keys: Arc<BTreeSet<KeyBytes>>) -> Self {
        self.named = keys;
        self
    }

    /// With segments of other sizes.
    #[cfg(test)]
    pub(super) fn sized(mut self, sizes: Sizes) -> Self {
        self.sizes = sizes;
        self
    }

    /// Takes what the source's server says of segments. Rows of those that are `equal` will not be given.
    pub(crate) fn ask(&mut self, asked: BTreeMap<i64, RangeDigest>, equal: BTreeSet<i64>) {
        (self.asked, self.equal) = (asked, equal);
    }

    /// Gives the content of the segment that was asked for.
    pub(crate) fn give(&mut self, entries: Vec<Entry>) {
        self.open = self.heads.pop_front();
        self.old = entries.into();
        if let Some(cursor) = self.resume_behind.take() {
            while let Some(entry) = self.old.pop_front_if(|entry| entry.key <= cursor) {
                self.out.push(entry);
            }
        }
    }

    /// Judges the next row of the source.
    ///
    /// # Errors
    /// `TL0424` where keys do not ascend, `TL0309` where one occurs twice.
    pub(crate) fn step(&mut self, key: &[u8], digest: u64) -> Result<Step> {
        if let Some(need) = self.advance(Some(key)) {
            return Ok(Step::NeedSegment(need));
        }
        self.check_order(key)?;
        if let Some(entry) = self.old.pop_front_if(|entry| entry.key.as_bytes() == key) {
            self.last = Some(entry.key.clone());
            return Ok(Step::Verdict(self.judge(entry, digest)));
        }
        self.differs = false;
        let key = KeyBytes::from_encoded(key);
        self.last = Some(key.clone());
        self.push(Entry { key, digest, outcome: Outcome::Loaded, present: true }, true);
        Ok(Step::Verdict(Verdict::New(None)))
    }

    /// Goes on to the end of the ledger, once the source has no more rows.
    pub(crate) fn finish(&mut self) -> Option<i64> {
        let need = self.advance(None);
        if need.is_none() {
            self.close();
        }
        need
    }

    /// Whether everything up to the last row can be committed without splitting a segment.
    pub(crate) fn is_at_seam(&self) -> bool {
        !self.is_dirty() || self.old.is_empty() || self.takes_overlay()
    }

    /// Entries that the next cut writes, but for those of the open segment.
    pub(crate) fn rewritten(&self) -> usize {
        let overlaid: usize = self.rewrite.overlays.iter().map(Overlay::len).sum();
        self.rewrite.puts.iter().map(Vec::len).sum::<usize>() + overlaid + self.rewrite.forgotten.len()
    }

    /// What is to be written for everything up to the last row.
    pub(crate) fn cut(&mut self) -> Rewrite {
        if self.is_dirty() {
            let rest: Vec<Entry> = self.old.drain(..).collect();
            self.stale = !rest.is_empty();
            if self.stale && self.takes_overlay() {
                // It is read again from here on, as the unit leaves it.
                self.resume_behind.clone_from(&self.last);
                self.out.extend(rest);
                self.close();
            } else {
                self.close();
                self.rewrite.puts.extend((!rest.is_empty()).then_some(rest));
            }
        }
        std::mem::take(&mut self.rewrite)
    }

    /// Drops what would be written. The merge goes on as if it were.
    pub(crate) fn write_nothing(&mut self) {
        self.rewrite = Rewrite::default();
    }

    /// Whether [`HashMerge::refresh`] must follow once the cut is committed.
    pub(crate) fn is_stale(&self) -> bool {
        self.stale
    }

    /// Takes the segments as they are after a cut that split one.
    pub(crate) fn refresh(&mut self, heads: Vec<SegmentHead>) {
        let is_ahead = |head: &SegmentHead| self.last.as_ref().is_none_or(|last| head.last > *last);
        self.heads = heads.into_iter().filter(is_ahead).collect();
        self.stale = false;
    }

    /// The last key that was judged.
    pub(crate) fn position(&self) -> Option<&KeyBytes> {
        self.last.as_ref()
    }

    /// Passes everything in the ledger below `key`, or everything there is. Gives the segment that is needed for that.
    fn advance(&mut self, key: Option<&[u8]>) -> Option<i64> {
        let is_below = |entry: &KeyBytes| key.is_none_or(|key| entry.as_bytes() < key);
        while let Some(entry) = self.old.pop_front_if(|entry| is_below(&entry.key)) {
            self.miss(entry);
        }
        if !self.old.is_empty() {
            return None;
        }
        while self.reaches_next(key) && self.heads.front().is_some_and(|head| self.is_passed(head, key)) {
            self.close();
            self.pass();
        }
        let reaches_next = self.reaches_next(key);
        let Sizes { small, large } = self.sizes;
        let is_large = self.out.len() >= if reaches_next || self.open.is_some() { small } else { large };
        if is_large || (reaches_next && self.open.is_some()) {
            self.close();
        }
        self.heads.front().filter(|_| reaches_next).map(|head| head.id)
    }

    /// Whether the next segment begins at or before `key`.
    fn reaches_next(&self, key: Option<&[u8]>) -> bool {
        match (self.heads.front(), key) {
            (Some(head), Some(key)) => head.first.as_bytes() <= key,
            (head, None) => head.is_some(),
            (None, _) => false,
        }
    }

    /// Whether nothing of a segment moved, as far as this pass can tell.
    fn is_passed(&self, head: &SegmentHead, key: Option<&[u8]>) -> bool {
        let is_behind = key.is_none_or(|key| head.last.as_bytes() < key);
        self.equal.contains(&head.id) || (is_behind && !self.scope.misses_in(head))
    }

    /// Passes a segment. Where the pass looks at all rows, its rows count as read.
    fn pass(&mut self) {
        if let Some(head) = self.heads.pop_front() {
            self.passed += if self.equal.contains(&head.id) { head.rows } else { 0 };
            self.last = Some(head.last);
        }
    }

    fn check_order(&self, key: &[u8]) -> Result<()> {
        let Some(last) = &self.last else { return Ok(()) };
        let code = match last.as_bytes().cmp(key) {
            std::cmp::Ordering::Less => return Ok(()),
            std::cmp::Ordering::Equal => Code::KeyNotUnique,
            std::cmp::Ordering::Greater => Code::KeyOrder,
        };
        let headline = match code {
            Code::KeyNotUnique => "the source gives two rows with one key",
            _ => "the source gives a row whose key comes before the one it gave last",
        };
        Err(Box::new(Diagnostic::new(code, headline).help(code.info().remedy)))
    }

    /// A row that both have.
    fn judge(&mut self, entry: Entry, digest: u64) -> Verdict {
        let known = Known { digest: entry.digest, outcome: entry.outcome, present: entry.present };
        let moved = (entry.digest != digest || self.policy.incomparable) && !self.policy.keys_only;
        let again = moved || self.policy.remap;
        let is_spoilt = std::mem::take(&mut self.differs);
        let is_named = self.named.contains(&entry.key);
        let retried = again || self.policy.retry_quarantined || is_named;
        let verdict = match entry.outcome {
            Outcome::Deferred => Verdict::Deferred,
            Outcome::UpdatePending => Verdict::Modified(known),
            // It came back: its column is to say so.
            Outcome::Retired => Verdict::Modified(known),
            outcome if self.policy.fill && !self.policy.tries_again(outcome) => Verdict::Unchanged,
            // It came back, and is not where it was before it went.
            outcome if is_going(outcome) && !entry.present => Verdict::New(Some(known)),
            Outcome::Quarantined | Outcome::Orphaned | Outcome::Collided if self.policy.keys_only => Verdict::Untried,
            Outcome::Discarded if self.policy.keys_only => Verdict::Discarded,
            Outcome::Loaded | Outcome::DeletePending | Outcome::DeleteRefused if again || is_spoilt => {
                Verdict::Modified(known)
            }
            Outcome::Loaded | Outcome::DeletePending | Outcome::DeleteRefused => Verdict::Unchanged,
            Outcome::Quarantined if !retried => Verdict::Untried,
            Outcome::Orphaned if !(retried || self.policy.retry_orphaned) => Verdict::Untried,
            Outcome::Collided if !(retried || self.policy.retry_collided) => Verdict::Untried,
            // Whether it moved cannot be told where digests cannot be compared; a decision is not undone by a change of the spec.
            Outcome::Discarded if !is_named && (self.policy.incomparable || entry.digest == digest) => {
                Verdict::Discarded
            }
            Outcome::Quarantined | Outcome::Orphaned | Outcome::Collided | Outcome::Discarded if entry.present => {
                Verdict::Modified(known)
            }
            Outcome::Quarantined | Outcome::Orphaned | Outcome::Collided | Outcome::Discarded => {
                Verdict::New(Some(known))
            }
        };
        if verdict == Verdict::Untried {
            self.untried.note(&entry);
        }
        match verdict {
            // It came back before it was deleted.
            Verdict::Unchanged if is_going(entry.outcome) && !self.policy.fill => {
                self.rewrite.forgotten.push(entry.key.clone());
                self.returned += 1;
                self.push(Entry { outcome: Outcome::Loaded, ..entry }, true);
            }
            Verdict::Deferred if self.policy.fill => {
                self.push(Entry { digest, outcome: Outcome::Loaded, ..entry }, true);
            }
            Verdict::Discarded if !self.policy.keys_only => {
                let is_stale = entry.digest != digest;
                self.push(Entry { digest, ..entry }, is_stale);
            }
            Verdict::Unchanged | Verdict::Deferred | Verdict::Untried | Verdict::Discarded => self.push(entry, false),
            Verdict::New(_) | Verdict::Modified(_) => {
                self.returned += u64::from(is_going(entry.outcome));
                self.unretired += u64::from(entry.outcome == Outcome::Retired);
                self.push(Entry { digest, outcome: Outcome::Loaded, present: true, ..entry }, true);
            }
        }
        verdict
    }

    /// A row that only the ledger has.
    fn miss(&mut self, entry: Entry) {
        if !self.scope.misses(&entry.key) {
            self.push(entry, false);
            return;
        }
        self.gone += 1;
        if let (Some(rows), true, true) = (&mut self.gone_rows, entry.present, entry.outcome != Outcome::Retired) {
            rows.push((entry.key.clone(), entry.digest));
        }
        if !entry.present {
            self.rewrite.forgotten.push(entry.key.clone());
            self.dropped.push(entry.key);
            return;
        }
        if !self.policy.mark_deletes || is_going(entry.outcome) {
            self.keep(entry);
            return;
        }
        // What the destination holds of a row that is not simply loaded is not its content: it is to count as moved if it comes back.
        let digest = match entry.outcome {
            _ if self.policy.incomparable => UNKNOWN,
            Outcome::Loaded => entry.digest,
            _ => !entry.digest,
        };
        self.rewrite.forgotten.extend((entry.outcome != Outcome::Loaded).then(|| entry.key.clone()));
        self.push(Entry { outcome: Outcome::DeletePending, digest, ..entry }, true);
    }

    /// A row that is gone, and of which nothing else is to be said.
    fn keep(&mut self, entry: Entry) {
        let digest = if self.policy.incomparable { UNKNOWN } else { entry.digest };
        let changes = digest != entry.digest;
        self.push(Entry { digest, ..entry }, changes);
    }

    /// Leaves the last judged row, which is modified, to the second pass.
    pub(crate) fn postpone(&mut self, known: Known) {
        if let Some(entry) = self.out.last_mut() {
            (entry.digest, entry.outcome, entry.present) = (known.digest, Outcome::UpdatePending, known.present);
            if known.outcome == Outcome::UpdatePending {
                self.unmark_last();
            }
        }
    }

    /// Takes the last judged row out again: the ledger is not to know it yet.
    pub(crate) fn take_back(&mut self) {
        self.unmark_last();
        drop(self.out.pop());
    }

    /// Leaves the last judged row as the ledger had it.
    pub(crate) fn leave_alone(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::New(None) => self.take_back(),
            // The source has it again, so it is not to go. It counts as moved for the next run: what the destination holds of it, nobody knows.
            Verdict::Modified(known) if known.present && is_to_be_deleted(known.outcome) => {
                if let Some(entry) = self.out.last_mut() {
                    (entry.digest, entry.outcome, entry.present) = (!entry.digest, Outcome::Loaded, true);
                    self.rewrite.forgotten.push(entry.key.clone());
                }
            }
            Verdict::New(Some(known)) | Verdict::Modified(known) => {
                self.returned -= u64::from(is_going(known.outcome));
                self.unretired -= u64::from(known.outcome == Outcome::Retired);
                if let Some(entry) = self.out.last_mut() {
                    (entry.digest, entry.outcome, entry.present) = (known.digest, known.outcome, known.present);
                }
                self.unmark_last();
            }
            Verdict::Unchanged | Verdict::Deferred | Verdict::Untried | Verdict::Discarded => {}
        }
    }

    fn push(&mut self, entry: Entry, changes: bool) {
        if changes {
            self.changed.push(self.out.len());
        }
        self.out.push(entry);
    }

    /// The last judged row is as the ledger has it.
    fn unmark_last(&mut self) {
        self.changed.pop_if(|at| *at + 1 == self.out.len());
    }

    fn is_dirty(&self) -> bool {
        !(self.changed.is_empty() && self.dropped.is_empty())
    }

    /// Whether so little of the open segment changed that it stays.
    fn takes_overlay(&self) -> bool {
        let entries = self.out.len() + self.old.len();
        let changes = self.changed.len() + self.dropped.len();
        self.changed.len() < entries
            && entries <= self.sizes.large
            && self.open.as_ref().is_some_and(|head| Overlay::is_worth_it(head, entries, changes))
    }

    /// What the server says of a segment is worth keeping where all of it is loaded and the source has neither more nor less.
    fn note_unchanged(&mut self, head: &SegmentHead, entries: &[Entry]) {
        let Some(asked) = self.asked.remove(&head.id) else { return };
        let is_loaded = entries.iter().all(|entry| entry.outcome == Outcome::Loaded && entry.present);
        if is_loaded && asked.rows == head.rows && head.server_digest.as_ref() != Some(&asked.digest) {
            self.rewrite.server_digests.push((head.id, asked.digest));
        }
    }

    /// Ends the open segment: it is as it was, gets an overlay, or is replaced.
    fn close(&mut self) {
        let (is_dirty, takes_overlay) = (self.is_dirty(), self.takes_overlay());
        let (out, changed) = (std::mem::take(&mut self.out), std::mem::take(&mut self.changed));
        let dropped = std::mem::take(&mut self.dropped);
        match self.open.take() {
            Some(head) if !is_dirty => self.note_unchanged(&head, &out),
            Some(head) if takes_overlay => {
                let mut changed = changed.into_iter().peekable();
                let entries = out.iter().enumerate().map(|(at, entry)| (entry, changed.next_if_eq(&at).is_some()));
                self.rewrite.overlays.push(Overlay::of(&head, entries, dropped));
            }
            open if is_dirty => {
                self.rewrite.removed.extend(open.map(|head| head.id));
                self.rewrite.puts.extend((!out.is_empty()).then_some(out));
            }
            _ => {}
        }
    }
}

fn is_to_be_deleted(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::DeletePending | Outcome::DeleteRefused)
}

/// Whether the ledger knows already that the source does not have the row any more.
fn is_going(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::DeletePending | Outcome::DeleteRefused | Outcome::Retired)
}
