//! The `hash` strategy: one pass over the source in key order, beside one pass over the ledger in key order.
//!
//! What the ledger does not know is new; what it knows with another digest is modified; what it knows and the source does not give is gone.
//! No timestamp is asked. The merge does no I/O: it says when it needs the next segment, and what the ledger should hold afterwards.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use transload_model::{Code, Diagnostic, Entry, KeyBytes, Outcome, RangeDigest, Result, SegmentHead, ServerDigest};

/// Entries below which a segment stays open for new keys behind it, so that small loads do not make many small segments.
const SMALL: usize = 8_192;

/// Entries at which a segment ends.
const LARGE: usize = 65_536;

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
    /// The second pass: only rows that the first left open count.
    pub(crate) fill: bool,
}

/// What the ledger knew of a row before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) digest: u64,
    pub(crate) outcome: Outcome,
    pub(crate) present: bool,
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
        self.forgotten.extend(other.forgotten);
        self.server_digests.extend(other.server_digests);
    }
}

/// The two passes, side by side.
pub(crate) struct HashMerge {
    policy: Policy,
    heads: VecDeque<SegmentHead>,
    /// The segment that `old` is the rest of.
    open: Option<SegmentHead>,
    old: VecDeque<Entry>,
    /// What the open segment, or the gap before the next, will hold.
    out: Vec<Entry>,
    dirty: bool,
    /// What `dirty` was before the last judged row.
    was_dirty: bool,
    /// Segments were split, so `heads` is to be read again.
    stale: bool,
    rewrite: Rewrite,
    last: Option<KeyBytes>,
    /// Rows before this key were accounted for before the run was interrupted.
    resume_behind: Option<KeyBytes>,
    /// Rows that were about to be deleted, and came back.
    pub(crate) returned: u64,
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
        let is_done = |head: &SegmentHead| resume_behind.as_ref().is_some_and(|cursor| head.last <= *cursor);
        Self {
            policy,
            heads: heads.into_iter().filter(|head| !is_done(head)).collect(),
            open: None,
            old: VecDeque::new(),
            out: Vec::new(),
            dirty: false,
            was_dirty: false,
            stale: false,
            rewrite: Rewrite::default(),
            last: None,
            resume_behind,
            returned: 0,
            asked: BTreeMap::new(),
            equal: BTreeSet::new(),
            passed: 0,
        }
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
        self.was_dirty = self.dirty;
        if let Some(entry) = self.old.pop_front_if(|entry| entry.key.as_bytes() == key) {
            self.last = Some(entry.key.clone());
            return Ok(Step::Verdict(self.judge(entry, digest)));
        }
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
        !self.dirty || self.old.is_empty()
    }

    /// Entries that the next cut writes, but for those of the open segment.
    pub(crate) fn rewritten(&self) -> usize {
        self.rewrite.puts.iter().map(Vec::len).sum::<usize>() + self.rewrite.forgotten.len()
    }

    /// What is to be written for everything up to the last row.
    pub(crate) fn cut(&mut self) -> Rewrite {
        if self.dirty {
            let rest: Vec<Entry> = self.old.drain(..).collect();
            self.close();
            if !rest.is_empty() {
                self.rewrite.puts.push(rest);
                self.stale = true;
            }
        }
        std::mem::take(&mut self.rewrite)
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
        while self.reaches_next(key) && self.heads.front().is_some_and(|head| self.equal.contains(&head.id)) {
            self.close();
            self.pass_equal();
        }
        let reaches_next = self.reaches_next(key);
        let is_large = self.out.len() >= if reaches_next || self.open.is_some() { SMALL } else { LARGE };
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

    /// Passes a segment whose rows are as they were.
    fn pass_equal(&mut self) {
        if let Some(head) = self.heads.pop_front() {
            self.passed += head.rows;
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
        let moved = entry.digest != digest || self.policy.incomparable;
        let again = moved || self.policy.remap;
        let verdict = match entry.outcome {
            Outcome::Deferred => Verdict::Deferred,
            Outcome::UpdatePending => Verdict::Modified(known),
            // It came back: its column is to say so.
            Outcome::Retired => Verdict::Modified(known),
            _ if self.policy.fill => Verdict::Unchanged,
            Outcome::Loaded | Outcome::DeletePending | Outcome::DeleteRefused if again => Verdict::Modified(known),
            Outcome::Loaded | Outcome::DeletePending | Outcome::DeleteRefused => Verdict::Unchanged,
            Outcome::Quarantined if !(again || self.policy.retry_quarantined) => Verdict::Untried,
            Outcome::Orphaned if !(again || self.policy.retry_quarantined || self.policy.retry_orphaned) => {
                Verdict::Untried
            }
            Outcome::Collided if !(again || self.policy.retry_quarantined || self.policy.retry_collided) => {
                Verdict::Untried
            }
            Outcome::Quarantined | Outcome::Orphaned | Outcome::Collided if entry.present => Verdict::Modified(known),
            Outcome::Quarantined | Outcome::Orphaned | Outcome::Collided => Verdict::New(Some(known)),
        };
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
            Verdict::Unchanged | Verdict::Deferred | Verdict::Untried => self.push(entry, false),
            Verdict::New(_) | Verdict::Modified(_) => {
                self.returned += u64::from(is_going(entry.outcome));
                self.push(Entry { digest, outcome: Outcome::Loaded, present: true, ..entry }, true);
            }
        }
        verdict
    }

    /// A row that only the ledger has.
    fn miss(&mut self, entry: Entry) {
        if !entry.present {
            self.rewrite.forgotten.push(entry.key);
            self.dirty = true;
            return;
        }
        if !self.policy.mark_deletes {
            self.push(entry, false);
            return;
        }
        if is_going(entry.outcome) {
            self.push(entry, false);
            return;
        }
        // What the destination holds of a row that is not simply loaded is not its content: it is to count as moved if it comes back.
        let digest = if entry.outcome == Outcome::Loaded { entry.digest } else { !entry.digest };
        self.rewrite.forgotten.extend((entry.outcome != Outcome::Loaded).then(|| entry.key.clone()));
        self.push(Entry { outcome: Outcome::DeletePending, digest, ..entry }, true);
    }

    /// Leaves the last judged row, which is modified, to the second pass.
    pub(crate) fn postpone(&mut self, known: Known) {
        if let Some(entry) = self.out.last_mut() {
            (entry.digest, entry.outcome, entry.present) = (known.digest, Outcome::UpdatePending, known.present);
            self.dirty = self.was_dirty || known.outcome != Outcome::UpdatePending;
        }
    }

    /// Takes the last judged row out again: the ledger is not to know it yet.
    pub(crate) fn take_back(&mut self) {
        drop(self.out.pop());
        self.dirty = self.was_dirty;
    }

    fn push(&mut self, entry: Entry, changes: bool) {
        self.out.push(entry);
        self.dirty |= changes;
    }

    /// What the server says of a segment is worth keeping where all of it is loaded and the source has neither more nor less.
    fn note_unchanged(&mut self, head: &SegmentHead, entries: &[Entry]) {
        let Some(asked) = self.asked.remove(&head.id) else { return };
        let is_loaded = entries.iter().all(|entry| entry.outcome == Outcome::Loaded && entry.present);
        if is_loaded && asked.rows == head.rows && head.server_digest.as_ref() != Some(&asked.digest) {
            self.rewrite.server_digests.push((head.id, asked.digest));
        }
    }

    /// Ends the open segment: it is as it was, or is replaced.
    fn close(&mut self) {
        let out = std::mem::take(&mut self.out);
        let open = self.open.take();
        if let Some(head) = open.as_ref().filter(|_| !self.dirty) {
            self.note_unchanged(head, &out);
        }
        if std::mem::take(&mut self.dirty) {
            self.rewrite.removed.extend(open.map(|head| head.id));
            if !out.is_empty() {
                self.rewrite.puts.push(out);
            }
        }
    }
}

/// Whether the ledger knows already that the source does not have the row any more.
fn is_going(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::DeletePending | Outcome::DeleteRefused | Outcome::Retired)
}
