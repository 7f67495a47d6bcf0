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
            self.try_collided(reading).await?;
            let left = self.stream.collisions.waiting();
            if left >= before || !self.stream.begins_again() {
                return Ok(());
            }
            before = left;
        }
    }

    async fn try_collided(&mut self, reading: &mut Reading) -> Result<()> {
        let policy = Policy { fill: true, retry_collided: true, ..Policy::default() };
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
                self.move_gathered(&mut parts, &mut gathered).await?;
                self.commit(&mut merge, None, Phase::Loaded).await?;
            }
            self.stream.check_halt()?;
        }
        self.finish(&mut merge).await?;
        self.move_gathered(&mut parts, &mut gathered).await?;
        self.commit(&mut merge, None, Phase::Loaded).await
    }

    async fn move_gathered(&mut self, parts: &mut Vec<Scored>, work: &mut Vec<Work>) -> Result<()> {
        let (parts, work) = (std::mem::take(parts), std::mem::take(work));
        let Some(scored) = Scored::joined(&parts)? else { return Ok(()) };
        for work in &work {
            let outcome = work.known.map_or(Outcome::Collided, |known| known.outcome);
            self.stream.retry(outcome, 1);
        }
        self.deriver.move_rows(&scored, &work, self.stream).await.map(drop)
    }
}
