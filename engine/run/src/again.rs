//! Rows whose unique value another row held, tried again when all rows of their entity were.
//!
//! A row may take a value that another gives up later, and two rows may exchange theirs. Once all are through, those that were set aside for that
//! are derived again, together: what one gives up another can take then.

use transload_model::{KeyRange, Outcome, Phase, Result};

use crate::derive::Work;
use crate::detect::{HashMerge, Policy, Verdict};
use crate::load::{Pass, REWRITTEN_MAX};
use crate::reading::Reading;
use crate::rows::Scored;
use crate::unit::Collisions;

/// Rows that are tried together at most. Two that exchange values must be among the same, so a spec's own smaller units do not count here.
const GATHERED_ROWS: usize = 65_536;

/// Bytes of such rows at most.
const GATHERED_BYTES: usize = 64 << 20;

/// Which rows are tried again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Those that wait for a value.
    Waits,
    /// Those as well that miss a row.
    WaitsOrMisses,
}

impl Pass<'_> {
    /// Whether a pass over the rows that wait for a value is worth it.
    pub(crate) async fn may_settle_collisions(&mut self) -> Result<bool> {
        // What an interrupted process set aside is not known here.
        if self.stream.goes_on() && self.has(Outcome::Collided).await? {
            self.stream.collisions = Collisions::UNKNOWN;
        }
        Ok(self.stream.begins_again())
    }

    /// Tries them again, as long as fewer and fewer are left.
    pub(crate) async fn settle_collisions(&mut self, reading: &mut Reading) -> Result<()> {
        self.deriver.defers = false;
        let mut before = u64::MAX;
        loop {
            self.try_again(reading, Who::Waits).await?;
            let left = self.stream.collisions.waiting();
            if left >= before || !self.stream.begins_again() {
                return Ok(());
            }
            before = left;
        }
    }

    /// Tries rows that wait for a value and rows that miss another, all together: those that are not there come with open references, as in the
    /// first pass, and the second pass must follow.
    pub(crate) async fn try_together(&mut self, reading: &mut Reading) -> Result<()> {
        self.try_again(reading, Who::WaitsOrMisses).await
    }

    async fn try_again(&mut self, reading: &mut Reading, who: Who) -> Result<()> {
        let (retry_orphaned, phase) = match who {
            Who::Waits => (false, Phase::Loaded),
            Who::WaitsOrMisses => (true, Phase::Filling),
        };
        let policy = Policy { fill: true, retry_collided: true, retry_orphaned, ..Policy::default() };
        let mut merge = HashMerge::new(policy, self.heads().await?.1, None);
        let (mut parts, mut gathered) = (Vec::new(), Vec::new());
        reading.start(KeyRange::default(), None).await?;
        while let Some(scored) = reading.next().await? {
            let mut rows = Vec::new();
            for row in 0..scored.len() {
                let Some(key) = scored.key(row) else { continue };
                let (known, insert) = match self.judge(&mut merge, key, scored.digest(row)).await? {
                    Verdict::New(None) => {
                        merge.take_back();
                        continue;
                    }
                    Verdict::New(known) => (known, true),
                    Verdict::Modified(known) => (Some(known), false),
                    Verdict::Unchanged | Verdict::Deferred | Verdict::Untried | Verdict::Discarded => continue,
                };
                gathered.push(Work { row: gathered.len(), known, insert, counted: false });
                rows.push(row);
            }
            if !rows.is_empty() {
                parts.push(scored.picked(&rows)?);
            }
            let bytes: usize = parts.iter().map(|part: &Scored| part.batch.bytes).sum();
            let is_full = gathered.len() >= GATHERED_ROWS || bytes >= GATHERED_BYTES;
            if is_full || merge.rewritten() >= REWRITTEN_MAX {
                self.move_gathered(&mut parts, &mut gathered, who).await?;
                self.commit(&mut merge, None, phase).await?;
            }
            self.stream.check_halt()?;
        }
        self.finish(&mut merge).await?;
        self.move_gathered(&mut parts, &mut gathered, who).await?;
        self.commit(&mut merge, None, phase).await
    }

    async fn move_gathered(&mut self, parts: &mut Vec<Scored>, work: &mut Vec<Work>, who: Who) -> Result<()> {
        let (parts, work) = (std::mem::take(parts), std::mem::take(work));
        let Some(scored) = Scored::joined(&parts)? else { return Ok(()) };
        for work in &work {
            let outcome = work.known.map_or(Outcome::Collided, |known| known.outcome);
            self.stream.retry(outcome, 1);
        }
        if who == Who::Waits {
            return self.deriver.move_rows(&scored, &work, self.stream).await.map(drop);
        }
        // A row that is there keeps its references until others can take their place.
        let (inserts, updates): (Vec<Work>, Vec<Work>) = work.into_iter().partition(|work| work.insert);
        self.deriver.move_rows(&scored, &updates, self.stream).await?;
        self.deriver.defers = true;
        self.deriver.move_rows(&scored, &inserts, self.stream).await?;
        self.deriver.defers = false;
        Ok(())
    }
}
